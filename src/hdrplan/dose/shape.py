"""The smooth shape behind a mask: which points belong to a structure, and how far they are from its surface.

The points of a structure are those at which the trilinear interpolation of its level is not negative
(:meth:`Shape.holds`). There is no other definition: sample points, metrics and the proof at every point ask the same
level.

A mask is a staircase; the organ is not. Two ways lead back, and the mask's voxels decide which:

- Voxels of about equal edges: the mask is blurred and the normal quantile of the result is taken, which is the distance
  (:mod:`hdrplan.dose.blur`).
- Thick slices, such as the clinic's 5 mm: sections between the slices are interpolated (:mod:`hdrplan.dose.slices`).

The areas of the slices fix the sections between them; a blurred shape is shifted, by a few hundredths of a millimetre
in an organ and by up to half a voxel in a vessel two voxels wide, to the volume of the mask. Either way, and after the
shift, voxel centres keep the side that the mask gives them, so that thin parts stay.

References
----------
Raya SP, Udupa JK, Shape-based interpolation of multidimensional objects, IEEE Trans Med Imaging 1990;9:32.
Whitaker RT, Reducing aliasing artifacts in iso-surfaces of binary volumes, IEEE Symp Volume Visualization 2000;23.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray, IntArray, freeze
from hdrplan.dose.blur import REACH_VOXELS, blurred_distance, on_own_side
from hdrplan.dose.root import root_between
from hdrplan.dose.slices import rim_pixels, sections
from hdrplan.errors import InputError
from hdrplan.geometry import Grid, Structure, box_of
from hdrplan.kernels.trilinear import value_and_slope_rows, value_rows
from hdrplan.threads import over_rows

__all__ = ["UNKNOWN_MM", "Shape", "shape_of"]

# Where only the side of the surface is known, its distance is this.
UNKNOWN_MM = 1000.0
# Minimum slope of the field: on the ridge between two faces the difference of both sides says nothing.
_MINIMUM_SLOPE = 0.5
# Slices thicker than this many edges of the other two axes are interpolated section by section.
_THICK = 1.4
# Below this slope the level is flat, and what slope it has is the rounding of float32 values of some mm.
_FLAT = 1e-4
# A level of exactly 0 at a corner of the grid, as on the flat end of a shape, is taken as this: outside by no length.
_HAIR_MM = 1e-6
# Voxels that the surface can cut lie less than 2 from it; shifts are smaller by a voxel, and are found to 1e-4 of one.
_BAND, _LARGEST_SHIFT, _SHIFT_ERROR = 2.0, 1.0, 1e-4
# Halvings of a way that crosses the surface: to 1/1000 of it.
_HALVINGS = 10
# Parts of a voxel's edge at the surface, where there are fewer such voxels than this.
_N_PER_EDGE, _FEW = 3, 8000


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """The points of one structure: those at which its level, interpolated between the grid's corners, is not negative.

    Parameters
    ----------
    grid : Grid
        The structure's bounding box with a rim; finer than the mask's where its slices are thick.
    level_zyx : (nz, ny, nx) float32 array
        Positive inside, 0 on the surface, about the distance in mm.
    reach_mm : float
        The field is cut off at plus and minus this value.

    Raises
    ------
    InputError
        A level of another shape than the grid, or one that is not negative all round the grid: there would be points
        of the structure beyond it.
    """

    grid: Grid
    level_zyx: npt.NDArray[np.float32]
    reach_mm: float

    def __post_init__(self) -> None:
        freeze(self, "level_zyx", self.grid.shape_zyx, dtype=np.float32)
        rim = max(float(self.level_zyx.take([0, -1], axis=axis).max()) for axis in range(3))
        if rim >= 0:
            raise InputError("a shape must end within its grid", got=f"a level of {rim:g} mm at its rim")

    def holds(self, points_mm: FloatArray) -> BoolArray:
        """Whether each of some points, (n, 3), belongs to the structure."""
        return np.asarray(self.level_at(self.grid.index(points_mm)) >= 0.0)

    def last_held(self, outside_mm: FloatArray, inside_mm: FloatArray) -> FloatArray:
        """Return points of the structure next to its surface, on the way from points inside to points outside.

        Parameters
        ----------
        outside_mm : (n, 3) array
        inside_mm : (n, 3) array
            Points of the structure.

        Returns
        -------
        (n, 3) array
            Points of the structure; the surface is within 1/1000 of the way.
        """
        for _ in range(_HALVINGS):
            middle = (outside_mm + inside_mm) / 2
            held = self.holds(middle)[:, None]
            outside_mm, inside_mm = np.where(held, outside_mm, middle), np.where(held, middle, inside_mm)
        return inside_mm

    def level_at(self, index_xyz: FloatArray) -> FloatArray:
        """Level at fractional indices of the grid, (n,); outside, that of the border."""
        return _interpolated(self.level_zyx, index_xyz)

    def distance_mm(self, points_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Signed distance (positive inside), and unit vectors that point inward.

        Beyond the reach around the surface the distance is plus or minus UNKNOWN_MM and the vector is 0; where the
        level is flat, as it is farther from all faces than the mask's box, the vector is 0 too.
        """
        index = self.grid.index(points_mm)
        out = np.empty((len(index), 4))
        over_rows(lambda first, last: value_and_slope_rows(first, last, self.level_zyx, index, out), len(index))
        value, slope = out[:, 0], (out[:, 1:] / self.grid.spacing_mm) @ self.grid.direction.T
        norm = np.linalg.norm(slope, axis=1)
        known = np.abs(value) < 0.999 * self.reach_mm
        sloping = known & (norm > _FLAT)
        # The field is a distance already where slices are thin. Its slope is 1 then, and less only on ridges.
        distance = value / np.maximum(norm, _MINIMUM_SLOPE)
        return (
            np.where(known, distance, np.where(value > 0, UNKNOWN_MM, -UNKNOWN_MM)),
            np.where(sloping[:, None], slope / np.where(sloping, norm, 1.0)[:, None], 0.0),
        )


def shape_of(structure: Structure) -> Shape:
    """Smooth the mask of a structure; see the module's text."""
    mask, grid = _slices_first(structure)
    thin = grid.spacing_mm[:2]
    if grid.spacing_mm[2] > _THICK * thin.max():
        sections_per_slice = min(int(np.ceil(grid.spacing_mm[2] / thin.max())), 5)
        mask, grid = _cropped(mask, grid, rim_zyx=(1, *rim_pixels(grid.spacing_mm)))
        reach_mm = 2.0 * float(grid.spacing_mm[2])
        level = sections(mask, grid.spacing_mm, sections_per_slice=sections_per_slice, reach_mm=reach_mm)
        grid = replace(grid, shape_zyx=level.shape, spacing_mm=grid.spacing_mm / [1, 1, sections_per_slice])
    else:
        mask, grid = _cropped(mask, grid, rim_zyx=(8, 8, 8))
        voxel_mm = float(np.cbrt(np.prod(grid.spacing_mm)))
        reach_mm = REACH_VOXELS * voxel_mm
        level = _at_volume(blurred_distance(mask), mask) * np.float32(voxel_mm)
    level[level == 0] = -_HAIR_MM
    level.setflags(write=False)
    return Shape(grid, level, reach_mm)


def _interpolated(level_zyx: npt.NDArray[np.float32], index_xyz: FloatArray) -> FloatArray:
    """Trilinear values at fractional indices, (n,); outside, those of the border."""
    out = np.empty(len(index_xyz))
    over_rows(lambda first, last: value_rows(first, last, level_zyx, index_xyz, out), len(index_xyz))
    return out


def _at_volume(level: npt.NDArray[np.float32], mask: BoolArray) -> npt.NDArray[np.float32]:
    """Shift distances in voxels, except where they are cut off, so that the part inside has the volume of the mask.

    Voxel centres keep their side.
    """
    # Voxels that the surface cannot cut after the shift count whole. The others are divided where they are few: a small
    # organ is curved within a voxel.
    near = np.abs(level) < _BAND
    n_per_edge = _N_PER_EDGE if np.count_nonzero(near) < _FEW else 1
    wanted = (np.count_nonzero(mask) - np.count_nonzero(level >= _BAND)) * n_per_edge**3
    places = _within(np.argwhere(near)[:, ::-1], n_per_edge) if n_per_edge > 1 else None
    level_near, mask_near = level[near], mask[near]

    @cache
    def missing(shift: float) -> float:
        values = (
            _shifted(level_near, mask_near, shift)
            if places is None
            else _interpolated(_shifted(level, mask, shift), places)
        )
        return float(wanted - np.clip(0.5 + values * n_per_edge, 0.0, 1.0).sum())

    if missing(-_LARGEST_SHIFT) <= 0 or missing(_LARGEST_SHIFT) >= 0:
        return _shifted(level, mask, float(np.copysign(_LARGEST_SHIFT, missing(0.0))))
    return _shifted(level, mask, root_between(missing, -_LARGEST_SHIFT, _LARGEST_SHIFT, error=_SHIFT_ERROR))


def _within(voxels_xyz: IntArray, n_per_edge: int) -> FloatArray:
    """Middles of the parts of each voxel, (n * parts^3, 3); indices."""
    offset = (np.arange(n_per_edge) + 0.5) / n_per_edge - 0.5
    inner = np.stack(np.meshgrid(offset, offset, offset, indexing="ij"), axis=-1).reshape(-1, 3)
    return np.asarray((voxels_xyz[:, None, :] + inner).reshape(-1, 3))


def _shifted(level: npt.NDArray[np.float32], mask: BoolArray, shift: float) -> npt.NDArray[np.float32]:
    """Shift distances in voxels that are not cut off; voxel centres keep their side."""
    moved = np.where(np.abs(level) < 0.99 * REACH_VOXELS, level + np.float32(shift), level)
    return on_own_side(moved, mask)


def _slices_first(structure: Structure) -> tuple[BoolArray, Grid]:
    """Mask and grid with the axis of the thickest voxel edge as the slice axis."""
    grid = structure.grid
    thick = int(np.argmax(grid.spacing_mm))
    # Of equal edges the z axis stays the slice axis.
    if grid.spacing_mm[thick] <= grid.spacing_mm[2] * (1 + 1e-6):
        return structure.mask_zyx, grid
    xyz = [axis for axis in range(3) if axis != thick] + [thick]
    mask = np.transpose(structure.mask_zyx, [2 - axis for axis in xyz[::-1]])
    return mask, Grid(
        shape_zyx=mask.shape,
        origin_mm=grid.origin_mm,
        spacing_mm=grid.spacing_mm[xyz],
        direction=grid.direction[:, xyz],
    )


def _cropped(mask: BoolArray, grid: Grid, *, rim_zyx: tuple[int, int, int]) -> tuple[BoolArray, Grid]:
    box = box_of(mask)
    padded = np.pad(mask[box], [(n, n) for n in rim_zyx])
    low = np.array([side.start for side in box]) - rim_zyx
    return padded, _square(grid.box(low[::-1], padded.shape))


def _square(grid: Grid) -> Grid:
    """Return the grid with axes square to 1e-15: directions of few decimals would lead to a place and not back."""
    u, _, v = np.linalg.svd(grid.direction)
    is_square = np.abs(grid.direction.T @ grid.direction - np.eye(3)).max() < 1e-12
    return grid if is_square else replace(grid, direction=u @ v)
