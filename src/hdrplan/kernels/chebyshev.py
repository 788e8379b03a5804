"""Polynomials on blocks: values at 5 x 5 x 5 Chebyshev nodes, carried to other places of the block.

Nodes and places are products of places along x, y and z, x fastest, so that a change of places is three changes along
one axis each.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit_borrowing

__all__ = ["NODES", "PADDED", "write_out"]

NODES = 5
PADDED = 128
"""125 nodes and three that nobody reads: whole vectors."""

Singles = npt.NDArray[np.float32]


@jit_borrowing
def _stretch(source: Singles, n_rows: int, width: int, weights: Singles, out: Singles) -> None:
    """out[row, j, :] = sum_k weights[k, j] source[row, k, :], all flat, ``width`` values in the last place."""
    n = weights.shape[1]
    for row in range(n_rows):
        base = row * NODES * width
        for j in range(n):
            w0, w1, w2, w3, w4 = weights[0, j], weights[1, j], weights[2, j], weights[3, j], weights[4, j]
            to = (row * n + j) * width
            for i in range(width):
                at = base + i
                out[to + i] = (
                    w0 * source[at]
                    + w1 * source[at + width]
                    + w2 * source[at + 2 * width]
                    + w3 * source[at + 3 * width]
                    + w4 * source[at + 4 * width]
                )


@jit_borrowing
def write_out(
    polynomial: Singles, wx: Singles, wy: Singles, wz: Singles, scratch: tuple[Singles, Singles], out: Singles
) -> None:
    """Values of a polynomial at a product of places.

    Parameters
    ----------
    polynomial : (125 or more,) array
        Its values at the nodes.
    wx, wy, wz : (5, n) arrays
        The nodes' Lagrange polynomials at the places along x, y, z.
    scratch : tuple of two arrays
        Of 25 nx and 5 nx ny values at least.
    out : (nx ny nz or more,) array
        Written.
    """
    a, b = scratch
    nx, ny = wx.shape[1], wy.shape[1]
    for row in range(NODES * NODES):
        for i in range(nx):
            at = row * NODES
            a[row * nx + i] = (
                wx[0, i] * polynomial[at]
                + wx[1, i] * polynomial[at + 1]
                + wx[2, i] * polynomial[at + 2]
                + wx[3, i] * polynomial[at + 3]
                + wx[4, i] * polynomial[at + 4]
            )
    _stretch(a, NODES, nx, wy, b)
    _stretch(b, 1, nx * ny, wz, out)
