"""The skin as it is seen from one side: how far away it is along parallel lines of sight."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, freeze
from hdrplan.errors import InputError
from hdrplan.geometry.grid import Grid

__all__ = ["SkinView", "skin_view"]

# Of the picture and along each line of sight.
_STEP_MM, _ALONG_MM = 2.0, 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SkinView:
    """What is seen of a patient along parallel lines, head up.

    Parameters
    ----------
    focus_mm : (3,) array
        The middle of the picture.
    towards, right, up : (3,) arrays
        Unit vectors: to the viewer, in the axial plane; to the right of the picture; to the head.
    step_mm : float
        Between neighbouring lines.
    height_mm : (n, n) array
        How far the skin lies on the viewer's side of the focus, rows upwards; NaN where a line meets nothing.
    """

    focus_mm: FloatArray
    towards: FloatArray
    right: FloatArray
    up: FloatArray
    step_mm: float
    height_mm: FloatArray

    def __post_init__(self) -> None:
        for name in ("focus_mm", "towards", "right", "up"):
            freeze(self, name, (3,))
        freeze(self, "height_mm", (None, None), finite=False)

    @property
    def half_mm(self) -> float:
        """From the middle of the picture to the outermost lines."""
        return self.step_mm * (len(self.height_mm) - 1) / 2.0

    def placed_mm(self, points_mm: FloatArray) -> FloatArray:
        """Return points (n, 3) as (n, 3): to the right, upwards, and to the viewer from the focus."""
        return np.asarray((points_mm - self.focus_mm) @ np.stack((self.right, self.up, self.towards), axis=1))

    def hidden(self, points_mm: FloatArray, depth_mm: float) -> BoolArray:
        """Whether points (n, 3) lie more than ``depth_mm`` behind the skin that is seen, or beside the picture.

        Parameters
        ----------
        points_mm : (n, 3) array
        depth_mm : float
        """
        placed = self.placed_mm(points_mm)
        at = np.rint((placed[:, :2] + self.half_mm) / self.step_mm).astype(np.int64)
        beside = ((at < 0) | (at >= len(self.height_mm))).any(axis=1)
        column, row = np.clip(at, 0, len(self.height_mm) - 1).T
        return np.asarray(beside | (placed[:, 2] < self.height_mm[row, column] - depth_mm))


def skin_view(
    grid: Grid, patient_zyx: BoolArray, towards: FloatArray, focus_mm: FloatArray, half_mm: float
) -> SkinView:
    """Look at the skin from one side.

    Parameters
    ----------
    grid : Grid
    patient_zyx : (nz, ny, nx) bool array
        Inside of the skin.
    towards : (3,) array
        From the focus to the viewer; its part along the patient's axis is left aside.
    focus_mm : (3,) array
    half_mm : float
        Half the edge of the picture.

    Raises
    ------
    InputError
        A direction along the patient's axis.
    """
    flat = np.array([towards[0], towards[1], 0.0])
    length = float(np.linalg.norm(flat))
    if length < 1e-6 * max(1.0, abs(float(towards[2]))):
        raise InputError("the skin is seen from a side", got="a direction along the patient's axis")
    flat /= length
    up = np.array([0.0, 0.0, 1.0])
    right = np.cross(up, flat)
    side = np.arange(-round(half_mm / _STEP_MM), round(half_mm / _STEP_MM) + 1) * _STEP_MM
    plane = focus_mm + side[:, None, None] * up + side[:, None] * right
    height = np.full((len(side), len(side)), np.nan)
    last = np.array(grid.shape_zyx[::-1])
    for at_mm in _depths_mm(grid, patient_zyx, flat, focus_mm):
        left = np.isnan(height)
        if not left.any():
            break
        index = np.rint(grid.index(plane[left] + at_mm * flat)).astype(np.int64)
        within = ((index >= 0) & (index < last)).all(axis=1)
        met = np.zeros(len(index), dtype=np.bool_)
        x, y, z = index[within].T
        met[within] = patient_zyx[z, y, x]
        rows = np.flatnonzero(left.ravel())[met]
        height.ravel()[rows] = at_mm
    return SkinView(focus_mm=focus_mm, towards=flat, right=right, up=up, step_mm=_STEP_MM, height_mm=height)


def _depths_mm(grid: Grid, patient_zyx: BoolArray, towards: FloatArray, focus_mm: FloatArray) -> FloatArray:
    """Return where on the lines to look, from the viewer on: nowhere but in the box about the patient.

    In front of and behind it lay two thirds of the steps of a liver.
    """
    far_mm = float(np.linalg.norm(np.subtract(grid.shape_zyx[::-1], 1) * grid.spacing_mm))
    depths_mm = np.arange(far_mm, -far_mm, -_ALONG_MM)
    ends = []
    for axis in (2, 1, 0):
        inside = np.flatnonzero(patient_zyx.any(axis=tuple({0, 1, 2} - {axis})))
        if not len(inside):
            return np.empty(0)
        # A point belongs to the voxel whose middle is nearest: half of one beyond, and as much for rounding.
        ends.append((inside[0] - 1.0, inside[-1] + 1.0))
    along = (grid.world(np.array(list(product(*ends)))) - focus_mm) @ towards
    return np.asarray(depths_mm[(depths_mm >= along.min()) & (depths_mm <= along.max())])
