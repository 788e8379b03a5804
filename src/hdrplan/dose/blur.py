"""Distance from the faces of a mask, without the steps of its voxels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter
from scipy.special import ndtri

from hdrplan.arrays import BoolArray

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
    values = mask.astype(np.float32)
    wide = _WIDE * _quantile(values, _WIDE)
    narrow = _NARROW * _quantile(values, _NARROW)
    near = np.abs(narrow) < _REACH * _NARROW - _STEP
    distance = np.where(near, np.clip(wide, narrow - _STEP, narrow + _STEP), wide)
    return on_own_side(distance, mask)


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


def _quantile(values: npt.NDArray[np.float32], sigma: float) -> npt.NDArray[np.float32]:
    once = gaussian_filter(values, sigma, truncate=_REACH)
    twice = gaussian_filter(once, sigma, truncate=_REACH)
    quantile = np.where(once > 0.5, np.float32(_REACH), np.float32(-_REACH))
    edge = (once > 1e-3) & (once < 1 - 1e-3) & (twice > 1e-6) & (twice < 1 - 1e-6)
    # The second blur has sqrt(2) the standard deviation and twice the shift by curvature.
    quantile[edge] = np.clip(2.0 * ndtri(once[edge]) - np.sqrt(2.0) * ndtri(twice[edge]), -_REACH, _REACH)
    return quantile
