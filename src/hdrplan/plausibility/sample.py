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
    mask_zyx = structure.mask_zyx
    counts = [int(np.count_nonzero(layer)) for layer in mask_zyx]
    step = max(1, -(-sum(counts) // maximum))
    # Layer by layer: the numbers of all voxels of a body are 200 MB.
    kept, before = [np.empty((0, 3), dtype=np.int64)], 0
    for z, count in enumerate(counts):
        # The first voxel of the layer whose number in the structure is a multiple of the step.
        if (first := -before % step) < count:
            y, x = np.unravel_index(np.flatnonzero(mask_zyx[z])[first::step], mask_zyx.shape[1:])
            kept.append(np.stack((x, y, np.full(len(x), z)), axis=1))
        before += count
    return structure.grid.world(np.concatenate(kept))
