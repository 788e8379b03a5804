"""Distance from the faces of a mask, without the steps of its voxels."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.kernels.blur import Blurred, Scales, along_rows, distance_rows, within_rows
from hdrplan.threads import over_rows

__all__ = ["REACH_VOXELS", "blurred_distance", "on_own_side"]

# Standard deviations in voxels: the narrow blur keeps edges and corners, the wide one levels the steps of faces that
# lie almost along the grid.
_NARROW, _WIDE = 0.7, 2.2
# The wide blur may move the narrow one's surface by this much: a step is half a voxel high.
_STEP = 0.35
# Blurs reach this many standard deviations.
_REACH = 3.0
# Voxel centres keep their side of the surface by at least this much.
_OWN_SIDE = 0.05
# Distances are cut off here.
REACH_VOXELS = _REACH * _WIDE


def blurred_distance(mask: BoolArray) -> npt.NDArray[np.float32]:
    """Signed distance from the faces of a 2D or 3D mask in voxels, positive inside, cut off at REACH_VOXELS.

    Across a flat face the blurred mask is the normal distribution function, so its quantile is the distance in
    standard deviations. A face of curvature k moves by k sigma^2 / 2; a second blur tells how far and takes that out
    (Richardson extrapolation). Edges and corners, where there is no curvature to speak of, follow a narrow blur.
    """
    blurred = Blurred(*(values.ravel() for sigma in (_NARROW, _WIDE) for values in _once_and_twice(mask, sigma)))
    scales = Scales(narrow=_NARROW, wide=_WIDE, step=_STEP, reach=_REACH, own_side=_OWN_SIDE)
    out, inside = np.empty(mask.size, dtype=np.float32), np.ascontiguousarray(mask).ravel()
    over_rows(lambda first, last: distance_rows(first, last, blurred, inside, scales, out), mask.size, smallest=1 << 15)
    return out.reshape(mask.shape)


def on_own_side(distance: npt.NDArray[np.floating], mask: BoolArray) -> npt.NDArray[np.float32]:
    """Return distances in voxels with those of voxels in the mask clearly positive, and the others clearly negative.

    Parameters
    ----------
    distance : array
        At voxel centres.
    mask : bool array
    """
    kept = np.where(mask, np.maximum(distance, _OWN_SIDE), np.minimum(distance, -_OWN_SIDE))
    return np.asarray(kept, dtype=np.float32)


def _once_and_twice(mask: BoolArray, sigma: float) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    weights = np.exp(-0.5 * (np.arange(int(_REACH * sigma + 0.5) + 1) / sigma) ** 2)
    weights /= weights[0] + 2.0 * weights[1:].sum()
    once = _blurred(mask.astype(np.float32), weights)
    return once, _blurred(once, weights)


def _blurred(values: npt.NDArray[np.float32], weights: FloatArray) -> npt.NDArray[np.float32]:
    """Blur along every axis, the last one last."""
    for axis in range(values.ndim - 1):
        around = values.reshape(math.prod(values.shape[:axis]), values.shape[axis], -1)
        out = np.empty_like(around)
        over_rows(
            lambda first, last, around=around, out=out: along_rows(first, last, around, weights, out),  # type: ignore[misc]
            around.shape[0] * around.shape[1],
            smallest=16,
        )
        values = out.reshape(values.shape)
    lines = values.reshape(-1, values.shape[-1])
    out = np.empty_like(lines)
    over_rows(lambda first, last: within_rows(first, last, lines, weights, out), len(lines))
    return out.reshape(values.shape)
