"""The body beyond the faces of a CT that ends near the dwells."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.cautions import Caution, caution
from hdrplan.geometry import Grid

__all__ = ["doubts_of_cuts", "missing_beyond_mm", "padded"]

Bytes = npt.NDArray[np.uint8]


def _gaps_mm(grid: Grid, dwells_mm: FloatArray) -> FloatArray:
    """From the outermost dwells to the faces of the CT, (3, 2): x, y, z; low and high."""
    index = grid.index(dwells_mm)
    low = (index.min(axis=0) + 0.5) * grid.spacing_mm
    high = (np.array(grid.shape_zyx[::-1]) - 0.5 - index.max(axis=0)) * grid.spacing_mm
    return np.stack((low, high), axis=1)


def _touched(within: BoolArray) -> BoolArray:
    """Whether the body reaches each face of the CT, (3, 2) as the gaps."""
    return np.array([[within.take(end, axis=axis).any() for end in (0, -1)] for axis in (2, 1, 0)])


def missing_beyond_mm(grid: Grid, dwells_mm: FloatArray, pad_mm: float, within: BoolArray) -> FloatArray:
    """Return how far the body has to be continued beyond each face of the CT, (3, 2) in mm: x, y, z; low and high.

    Parameters
    ----------
    grid : Grid
        Of the CT.
    dwells_mm : (n, 3) array
    pad_mm : float
        How far from the dwells the body has to go.
    within : (nz, ny, nx) bool array
        The body. A face that it does not reach needs nothing.
    """
    return np.where(_touched(within), np.maximum(pad_mm - _gaps_mm(grid, dwells_mm), 0.0), 0.0)


def doubts_of_cuts(grid: Grid, dwells_mm: FloatArray, missing_mm: FloatArray) -> tuple[Caution, ...]:
    """Return a warning for each face of the CT that is nearer to the dwells than it should be.

    Parameters
    ----------
    grid : Grid
        Of the CT.
    dwells_mm : (n, 3) array
    missing_mm : (3, 2) array
        From :func:`missing_beyond_mm`.
    """
    gaps = _gaps_mm(grid, dwells_mm)
    sides = (("first column", "last column"), ("first row", "last row"), ("first slice", "last slice"))
    return tuple(
        caution("media-ct-cut", mm=float(gaps[axis, end]), side=sides[axis][end])
        for axis, end in np.argwhere(missing_mm > 0.0).tolist()
    )


def padded(
    grid: Grid, medium: Bytes, density: npt.NDArray[np.float32], missing_mm: FloatArray
) -> tuple[Grid, Bytes, npt.NDArray[np.float32]]:
    """Return a map whose outermost voxels are repeated beyond its faces.

    Parameters
    ----------
    grid : Grid
    medium : (nz, ny, nx) uint8 array
    density : (nz, ny, nx) float32 array
    missing_mm : (3, 2) array
        How far, rounded up to whole voxels.
    """
    more = np.ceil(missing_mm / grid.spacing_mm[:, None] - 1e-9).astype(int)
    if not more.any():
        return grid, medium, density
    pads = [tuple(pair) for pair in more[::-1].tolist()]
    medium, density = np.pad(medium, pads, mode="edge"), np.pad(density, pads, mode="edge")
    nz, ny, nx = medium.shape
    return grid.box(-more[:, 0], (nz, ny, nx)), medium, density
