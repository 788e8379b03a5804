"""What the machine can do at most: multiply-adds that never touch memory, and dose rates whose table is not read."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit
from hdrplan.kernels.lattice import Lattice, place_at
from hdrplan.kernels.lattice_rows import Columns
from hdrplan.kernels.vector import peek, put

__all__ = ["FMA_LANES", "multiply_add", "unread_rows"]

FMA_LANES = 64
"""Independent chains: enough whole vectors to hide the latency of one multiply-add."""


@jit
def multiply_add(first: int, last: int, factor: npt.NDArray[np.float32], out: npt.NDArray[np.float32]) -> None:
    """Run ``x = x * factor + factor`` from 0 in 64 float32 lanes, once a row.

    Parameters
    ----------
    first, last : int
    factor : (1,) array
    out : (n,) array
        Written: the sum of the lanes, in ``out[first]``.
    """
    chains = np.zeros(FMA_LANES, dtype=np.float32)
    f = factor[0]
    for _ in range(first, last):
        for i in range(FMA_LANES):
            chains[i] = chains[i] * f + f
    out[first : first + 1] = chains.sum()


@jit
def unread_rows(
    first: int, last: int, points: npt.NDArray[np.float64], dwells: Columns, t: Lattice, out: npt.NDArray[np.floating]
) -> None:
    """Rows ``first:last`` of a matrix of dose rates but for the table: all arithmetic and all stores, g F taken as 1.

    Parameters
    ----------
    first, last : int
    points : (n_points, 3) array
        mm.
    dwells : Columns
    t : Lattice
    out : (n_points, n_dwells) array
        Written: G_L in 1 / mm^2.
    """
    rows, centre, none = dwells.rows, dwells.centre, np.float32(1e-20)
    qx, qy, qz, ax, ay, az = rows[0], rows[1], rows[2], rows[3], rows[4], rows[5]
    single = np.empty(len(qx), dtype=np.float32)
    for i in range(first, last):
        x, y, z = (
            np.float32(points[i, 0] - centre[0]),
            np.float32(points[i, 1] - centre[1]),
            np.float32(points[i, 2] - centre[2]),
        )
        for k in range(len(qx)):
            rx, ry, rz = x - peek(qx, k), y - peek(qy, k), z - peek(qz, k)
            ux, uy, uz = peek(ax, k), peek(ay, k), peek(az, k)
            along = rx * ux + ry * uy + rz * uz
            px, py, pz = rx - along * ux, ry - along * uy, rz - along * uz
            factor, cell, across, down = place_at(along, px * px + py * py + pz * pz, t)
            # Of no weight, so that the place in the table is computed.
            put(single, k, factor + none * (across + down * np.float32(cell)))
        for k in range(out.shape[1]):
            out[i, k] = single[k]
