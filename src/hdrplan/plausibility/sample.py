"""A few voxels of a structure, enough to judge where it lies and what tissue it is in."""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.geometry import Structure

__all__ = ["sampled_mm"]


def sampled_mm(structure: Structure, maximum: int) -> FloatArray:
    """Return centres of the structure's voxels, every n-th where there are more than ``maximum``.

    Parameters
    ----------
    structure : Structure
    maximum : int

    Returns
    -------
    (n, 3) array
        LPS, mm. Only the voxels returned are turned into positions: a quarter of the time of ``voxels_mm``.
    """
    flat = np.flatnonzero(structure.mask_zyx)
    step = -(-len(flat) // maximum)
    z, y, x = np.unravel_index(flat[:: max(1, step)], structure.mask_zyx.shape)
    return structure.grid.world(np.stack((x, y, z), axis=1))
