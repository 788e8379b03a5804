"""The smooth shape behind a mask: a signed distance that can be asked anywhere.

A mask is a staircase; the organ is not. Two ways lead back, and the mask's voxels decide which:

- Voxels of about equal edges: the mask is blurred and the normal quantile of the result is taken, which is the distance
  (:mod:`hdrplan.dose.blur`).
- Thick slices, such as the clinic's 5 mm: sections between the slices are interpolated (:mod:`hdrplan.dose.slices`).

Either way voxel centres keep the side that the mask gives them, so that thin parts stay. The areas of the slices fix
the sections between them; a blurred shape is shifted, by a few hundredths of a millimetre in an organ and by up to half
a voxel in a vessel two voxels wide, to the volume of the mask. What is 0 then is the surface, for all who ask.

References
----------
Raya SP, Udupa JK, Shape-based interpolation of multidimensional objects, IEEE Trans Med Imaging 1990;9:32.
Whitaker RT, Reducing aliasing artifacts in iso-surfaces of binary volumes, IEEE Symp Volume Visualization 2000;23.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.dose.blur import REACH_VOXELS, blurred_distance
from hdrplan.dose.slices import sections
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
# Halvings of a voxel to find the shift: 1e-5 of it.
_BISECTIONS = 17
# Parts of a voxel's edge at the surface, where there are fewer such voxels than this.
_PARTS, _FEW = 3, 8000


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """Smoothed shape of one structure.

    Parameters
    ----------
    grid : Grid
        The structure's bounding box with a rim; finer than the mask's where its slices are thick.
    level_zyx : (nz, ny, nx) float32 array
        Positive inside, 0 on the surface, about the distance in mm.
    reach_mm : float
        The field is cut off at plus and minus this value.
    """

    grid: Grid
    level_zyx: npt.NDArray[np.float32]
    reach_mm: float

    def level_at(self, index_xyz: FloatArray) -> FloatArray:
        """Level at fractional indices of the grid, (n,); outside, that of the border."""
        return _interpolated(self.level_zyx, index_xyz)

    def distance_mm(self, points_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Signed distance (positive inside), and unit vectors that point inward.

        Beyond the reach around the surface the distance is plus or minus UNKNOWN_MM and the vector is 0.
        """
        index = self.grid.index(points_mm)
        out = np.empty((len(index), 4))
        over_rows(lambda first, last: value_and_slope_rows(first, last, self.level_zyx, index, out), len(index))
        value, slope = out[:, 0], (out[:, 1:] / self.grid.spacing_mm) @ self.grid.direction.T
        norm = np.linalg.norm(slope, axis=1)
        known = np.abs(value) < 0.999 * self.reach_mm
        # The field is a distance already where slices are thin. Its slope is 1 then, and less only on ridges.
        distance = value / np.maximum(norm, _MINIMUM_SLOPE)
        return (
            np.where(known, distance, np.where(value > 0, UNKNOWN_MM, -UNKNOWN_MM)),
            np.where(known[:, None], slope / np.maximum(norm, 1e-6)[:, None], 0.0),
        )


def shape_of(structure: Structure) -> Shape:
    """Smooth the mask of a structure; see the module's text."""
    mask, grid = _slices_first(structure)
    thin = grid.spacing_mm[:2]
    if grid.spacing_mm[2] > _THICK * thin.max():
        parts = min(int(np.ceil(grid.spacing_mm[2] / thin.max())), 5)
        mask, grid = _cropped(mask, grid, rim_zyx=(1, 8, 8))
        reach_mm = 2.0 * float(grid.spacing_mm[2])
        level = sections(mask, grid.spacing_mm, parts=parts, reach_mm=reach_mm)
        fine = Grid(
            shape_zyx=level.shape,
            origin_mm=grid.origin_mm,
            spacing_mm=grid.spacing_mm / [1, 1, parts],
            direction=grid.direction,
        )
        return Shape(fine, level, reach_mm)
    mask, grid = _cropped(mask, grid, rim_zyx=(8, 8, 8))
    voxel_mm = float(np.cbrt(np.prod(grid.spacing_mm)))
    level = _at_volume(blurred_distance(mask), int(mask.sum())) * np.float32(voxel_mm)
    return Shape(grid, level, REACH_VOXELS * voxel_mm)


def _interpolated(level_zyx: npt.NDArray[np.float32], index_xyz: FloatArray) -> FloatArray:
    """Trilinear values at fractional indices, (n,); outside, those of the border."""
    out = np.empty(len(index_xyz))
    over_rows(lambda first, last: value_rows(first, last, level_zyx, index_xyz, out), len(index_xyz))
    return out


def _at_volume(level: npt.NDArray[np.float32], voxels: int) -> npt.NDArray[np.float32]:
    """Shift distances in voxels, except where they are cut off, so that the part inside is this many voxels."""
    # Voxels that the surface cannot cut after the shift count whole. The others are divided where they are few: a small
    # organ is curved within a voxel.
    at = np.argwhere(np.abs(level) < 2.0)[:, ::-1].astype(np.float64)
    parts = _PARTS if len(at) < _FEW else 1
    offset = (np.arange(parts) + 0.5) / parts - 0.5
    inner = np.stack(np.meshgrid(offset, offset, offset, indexing="ij"), axis=-1).reshape(-1, 3)
    near = _interpolated(level, (at[:, None, :] + inner).reshape(-1, 3))
    wanted = (voxels - int((level >= 2.0).sum())) * parts**3
    low, high = -0.5, 0.5
    for _ in range(_BISECTIONS):
        shift = (low + high) / 2
        inside = np.clip(0.5 + (near + shift) * parts, 0.0, 1.0).sum()
        low, high = (low, shift) if inside > wanted else (shift, high)
    return np.where(np.abs(level) < 0.99 * REACH_VOXELS, level + np.float32(low), level)


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
    return padded, grid.box(low[::-1], padded.shape)
