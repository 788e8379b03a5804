"""Trilinear interpolation in a field of voxels, with its slopes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit

__all__ = ["trilinear", "value_and_slopes"]

Floats = npt.NDArray[np.float64]


@jit
def trilinear(values: npt.NDArray[np.float32], x: float, y: float, z: float) -> float:
    """Value at a fractional index; outside the field, the value at its border."""
    nz, ny, nx = values.shape
    x = min(max(x, 0.0), nx - 1.0)
    y = min(max(y, 0.0), ny - 1.0)
    z = min(max(z, 0.0), nz - 1.0)
    i, j, k = min(int(x), nx - 2), min(int(y), ny - 2), min(int(z), nz - 2)
    u, v, w = x - i, y - j, z - k
    low = (values[k, j, i] * (1 - u) + values[k, j, i + 1] * u) * (1 - v)
    low += (values[k, j + 1, i] * (1 - u) + values[k, j + 1, i + 1] * u) * v
    high = (values[k + 1, j, i] * (1 - u) + values[k + 1, j, i + 1] * u) * (1 - v)
    high += (values[k + 1, j + 1, i] * (1 - u) + values[k + 1, j + 1, i + 1] * u) * v
    return float(low * (1 - w) + high * w)


@jit
def value_and_slopes(values: npt.NDArray[np.float32], index_xyz: Floats, first: int, last: int, out: Floats) -> None:
    """Fill rows of ``out`` (n, 4): value, and its differences per voxel along x, y, z.

    Differences are taken over one voxel, half a voxel to each side: unlike the slopes of the trilinear pieces they do
    not jump between voxels. The field must have at least two voxels along each axis.
    """
    for row in range(first, last):
        x, y, z = index_xyz[row, 0], index_xyz[row, 1], index_xyz[row, 2]
        out[row, 0] = trilinear(values, x, y, z)
        out[row, 1] = trilinear(values, x + 0.5, y, z) - trilinear(values, x - 0.5, y, z)
        out[row, 2] = trilinear(values, x, y + 0.5, z) - trilinear(values, x, y - 0.5, z)
        out[row, 3] = trilinear(values, x, y, z + 0.5) - trilinear(values, x, y, z - 0.5)
