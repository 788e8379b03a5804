"""Cubes that divide a shape: where they lie, and which fraction of each is inside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray
from hdrplan.dose.shape import Shape

__all__ = ["Cubes", "cover", "halved", "joined"]

_CORNERS = np.array([[x, y, z] for x in (-0.25, 0.25) for y in (-0.25, 0.25) for z in (-0.25, 0.25)])
# A cube touches the shape when its middle is nearer to it than half a diagonal. Distances are farther off beyond the
# ends of thick slices: kept are twice as many edges, and what is not cut is dropped at last.
_TOUCHES = 2.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cubes:
    """Cubes along the axes of a shape's grid.

    Parameters
    ----------
    centre_mm : (n, 3) array
    edge_mm : (n,) array
    distance_mm : (n,) array
        Of the centre from the surface, positive inside.
    inward : (n, 3) array
        Unit vectors.
    """

    centre_mm: FloatArray
    edge_mm: FloatArray
    distance_mm: FloatArray
    inward: FloatArray

    def __len__(self) -> int:
        return len(self.edge_mm)

    def __getitem__(self, chosen: BoolArray | IntArray) -> Cubes:
        return Cubes(
            centre_mm=self.centre_mm[chosen],
            edge_mm=self.edge_mm[chosen],
            distance_mm=self.distance_mm[chosen],
            inward=self.inward[chosen],
        )

    @property
    def edge_mm3(self) -> FloatArray:
        """Volume of each cube; a product, for powers of arrays take thirty times as long."""
        return self.edge_mm * self.edge_mm * self.edge_mm

    @property
    def inside_frac(self) -> FloatArray:
        """Fraction of each cube that lies inside."""
        return np.clip(0.5 + self.distance_mm / self.edge_mm, 0.0, 1.0)

    @property
    def volume_mm3(self) -> FloatArray:
        """Volume of that part."""
        return self.inside_frac * self.edge_mm3

    @property
    def middle_mm(self) -> FloatArray:
        """Middle of that part: (1 - inside_frac) / 2 edges inward of the cube's centre."""
        return self.centre_mm + ((1.0 - self.inside_frac) * self.edge_mm / 2)[:, None] * self.inward


def cover(shape: Shape, edge_mm: float) -> Cubes:
    """Cover a shape with cubes of one size."""
    grid = shape.grid
    extent = grid.spacing_mm * grid.shape_zyx[::-1]
    count = np.ceil(extent / edge_mm).astype(int)
    first = (extent - count * edge_mm) / 2 - grid.spacing_mm / 2 + edge_mm / 2
    zyx = np.argwhere(_may_touch(shape, [first[k] + np.arange(count[k]) * edge_mm for k in range(3)], edge_mm))
    return _touching(shape, grid.origin_mm + (first + zyx[:, ::-1] * edge_mm) @ grid.direction.T, edge_mm)


def halved(shape: Shape, cubes: Cubes) -> Cubes:
    """Halve every edge: the eight smaller cubes of each that may touch the shape."""
    edge = np.repeat(cubes.edge_mm / 2, len(_CORNERS))
    corner = _CORNERS @ shape.grid.direction.T
    return _touching(shape, (cubes.centre_mm[:, None, :] + cubes.edge_mm[:, None, None] * corner).reshape(-1, 3), edge)


def joined(lists: list[Cubes]) -> Cubes:
    """Join lists of cubes."""
    return Cubes(
        centre_mm=np.concatenate([p.centre_mm for p in lists]),
        edge_mm=np.concatenate([p.edge_mm for p in lists]),
        distance_mm=np.concatenate([p.distance_mm for p in lists]),
        inward=np.concatenate([p.inward for p in lists]),
    )


def _touching(shape: Shape, centre_mm: FloatArray, edge_mm: FloatArray | float) -> Cubes:
    distance, inward = shape.distance_mm(centre_mm)
    edge = np.broadcast_to(edge_mm, len(centre_mm))
    # Cubes larger than the band in which distances are known may touch it wherever they are.
    kept = (distance > -_TOUCHES * edge) | (edge > shape.reach_mm)
    return Cubes(centre_mm=centre_mm[kept], edge_mm=edge[kept], distance_mm=distance[kept], inward=inward[kept])


def _may_touch(shape: Shape, middles_mm: list[FloatArray], edge_mm: float) -> BoolArray:
    """Whether a voxel on the inside of the shape lies within reach of each cube, (z, y, x).

    ``middles_mm`` are the middles of the cubes along x, y and z, from the middle of the grid's first voxel.
    """
    near = shape.level_zyx > 0
    for axis, spacing_mm in enumerate(shape.grid.spacing_mm[::-1]):
        size = near.shape[axis]
        reach = int(np.ceil(edge_mm / 2 / spacing_mm)) + 2
        at = np.clip(np.rint(middles_mm[2 - axis] / spacing_mm).astype(int), 0, size - 1)
        windows = [slice(max(0, k - reach), k + reach + 1) for k in at]
        near = np.stack([near[(slice(None),) * axis + (window,)].any(axis=axis) for window in windows], axis=axis)
    return near
