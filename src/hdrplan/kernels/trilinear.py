"""Trilinear interpolation in a field of voxels, with its slopes: the one of the package."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit, jit_inline

__all__ = ["placed_value_rows", "trilinear", "value_and_slope_rows", "value_between", "value_rows"]

Floats = npt.NDArray[np.float64]
Field = npt.NDArray[np.generic]


@jit_inline
def value_between(values_zyx: Field, x: float, y: float, z: float) -> float:
    """Value at a place that lies between the first and the last voxel centres.

    Parameters
    ----------
    values_zyx : (nz, ny, nx) array
        Of any type of number; one voxel along an axis is enough.
    x, y, z : float
        Fractional index: voxel (0, 0, 0) has its centre at 0, 0, 0.
    """
    nz, ny, nx = values_zyx.shape
    i, j, k = min(int(x), max(nx - 2, 0)), min(int(y), max(ny - 2, 0)), min(int(z), max(nz - 2, 0))
    i1, j1, k1 = min(i + 1, nx - 1), min(j + 1, ny - 1), min(k + 1, nz - 1)
    u, v, w = x - i, y - j, z - k
    low = (values_zyx[k, j, i] * (1 - u) + values_zyx[k, j, i1] * u) * (1 - v)
    low += (values_zyx[k, j1, i] * (1 - u) + values_zyx[k, j1, i1] * u) * v
    high = (values_zyx[k1, j, i] * (1 - u) + values_zyx[k1, j, i1] * u) * (1 - v)
    high += (values_zyx[k1, j1, i] * (1 - u) + values_zyx[k1, j1, i1] * u) * v
    return float(low * (1 - w) + high * w)


@jit
def trilinear(values_zyx: Field, x: float, y: float, z: float) -> float:
    """Value at any place; outside the field, the value at its border.

    Parameters
    ----------
    values_zyx : (nz, ny, nx) array
    x, y, z : float
        Fractional index.
    """
    nz, ny, nx = values_zyx.shape
    return value_between(values_zyx, min(max(x, 0.0), nx - 1.0), min(max(y, 0.0), ny - 1.0), min(max(z, 0.0), nz - 1.0))


@jit
def value_rows(first: int, last: int, values_zyx: Field, index_xyz: Floats, out: Floats) -> None:
    """Values at places ``first:last``.

    Parameters
    ----------
    first, last : int
    values_zyx : (nz, ny, nx) array
    index_xyz : (n, 3) array
        Fractional indices.
    out : (n,) array
    """
    for row in range(first, last):
        out[row] = trilinear(values_zyx, index_xyz[row, 0], index_xyz[row, 1], index_xyz[row, 2])


@jit
def placed_value_rows(
    first: int, last: int, values_zyx: Field, points: Floats, to_index: Floats, rim: float, out: Floats
) -> None:
    """Values at places ``first:last`` that are given in another frame.

    Parameters
    ----------
    first, last : int
    values_zyx : (nz, ny, nx) array
    points : (n, 3) array
    to_index : (3, 4) array
        Fractional index = ``to_index[:, :3] @ point + to_index[:, 3]``.
    rim : float
        How far beyond the outer centres there are values, in voxels.
    out : (n,) array
        NaN farther outside.
    """
    nz, ny, nx = values_zyx.shape
    for row in range(first, last):
        p, q, r = points[row, 0], points[row, 1], points[row, 2]
        x = to_index[0, 0] * p + to_index[0, 1] * q + to_index[0, 2] * r + to_index[0, 3]
        y = to_index[1, 0] * p + to_index[1, 1] * q + to_index[1, 2] * r + to_index[1, 3]
        z = to_index[2, 0] * p + to_index[2, 1] * q + to_index[2, 2] * r + to_index[2, 3]
        inside = -rim <= x <= nx - 1 + rim and -rim <= y <= ny - 1 + rim and -rim <= z <= nz - 1 + rim
        out[row] = trilinear(values_zyx, x, y, z) if inside else np.nan


@jit
def value_and_slope_rows(first: int, last: int, values_zyx: Field, index_xyz: Floats, out: Floats) -> None:
    """Values and slopes at places ``first:last``.

    Differences are taken over one voxel, half a voxel to each side: unlike the slopes of the trilinear pieces they do
    not jump between voxels.

    Parameters
    ----------
    first, last : int
    values_zyx : (nz, ny, nx) array
    index_xyz : (n, 3) array
        Fractional indices.
    out : (n, 4) array
        Value, and its differences per voxel along x, y, z.
    """
    for row in range(first, last):
        x, y, z = index_xyz[row, 0], index_xyz[row, 1], index_xyz[row, 2]
        out[row, 0] = trilinear(values_zyx, x, y, z)
        out[row, 1] = trilinear(values_zyx, x + 0.5, y, z) - trilinear(values_zyx, x - 0.5, y, z)
        out[row, 2] = trilinear(values_zyx, x, y + 0.5, z) - trilinear(values_zyx, x, y - 0.5, z)
        out[row, 3] = trilinear(values_zyx, x, y, z + 0.5) - trilinear(values_zyx, x, y, z - 0.5)
