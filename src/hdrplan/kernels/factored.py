"""Linear lower bounds of a dose times a smooth factor, in boxes: what proofs of a model-based dose rest on.

The factor is trilinear between nodes. Less a linear function it is still trilinear in every piece of a box that no
plane of nodes cuts, so it is lowest at a corner of a piece: its linear lower bound is exact. With a dose of at least
v + s d - r and a factor of at least f + g d - q > 0, for |d| up to rho,

    dose x factor >= v f + (f s + v g) d - rho^2 (|s| |g| - s g) / 2 - r max(f + g d) - q max(v + s d).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit
from hdrplan.kernels.trilinear import trilinear

__all__ = ["factored_rows"]

Floats = npt.NDArray[np.float64]

# Rounding of some hundred operations in float64, as a part of the dose.
_ROUNDING_FRAC = 1e-11


@jit
def _pieces(low: float, high: float) -> int:
    """Return the number of places along an edge: its ends and the nodes between them."""
    return max(0, math.ceil(high) - math.floor(low) - 1) + 2


@jit
def _place(low: float, high: float, k: int, count: int) -> float:
    """Return place ``k`` along an edge."""
    if k == 0:
        return low
    return high if k == count - 1 else math.floor(low) + float(k)


@jit
def _linear(i: int, values_zyx: Floats, low: Floats, size: Floats, half_mm: Floats) -> tuple[float, ...]:
    """Return value, slopes per mm and remainder of the factor's linear lower bound in box i, and its lowest value."""
    x0, y0, z0 = low[i, 0], low[i, 1], low[i, 2]
    x1, y1, z1 = x0 + size[i, 0], y0 + size[i, 1], z0 + size[i, 2]
    x, y, z = 0.5 * (x0 + x1), 0.5 * (y0 + y1), 0.5 * (z0 + z1)
    f = trilinear(values_zyx, x, y, z)
    gx = 0.5 * (trilinear(values_zyx, x1, y, z) - trilinear(values_zyx, x0, y, z)) / half_mm[i, 0]
    gy = 0.5 * (trilinear(values_zyx, x, y1, z) - trilinear(values_zyx, x, y0, z)) / half_mm[i, 1]
    gz = 0.5 * (trilinear(values_zyx, x, y, z1) - trilinear(values_zyx, x, y, z0)) / half_mm[i, 2]
    px, py, pz = 2.0 * half_mm[i, 0] / size[i, 0], 2.0 * half_mm[i, 1] / size[i, 1], 2.0 * half_mm[i, 2] / size[i, 2]
    nx, ny, nz = _pieces(x0, x1), _pieces(y0, y1), _pieces(z0, z1)
    rest, lowest = 0.0, math.inf
    for a in range(nx):
        u = _place(x0, x1, a, nx)
        for b in range(ny):
            v = _place(y0, y1, b, ny)
            for c in range(nz):
                w = _place(z0, z1, c, nz)
                value = trilinear(values_zyx, u, v, w)
                rest = max(rest, f + gx * (u - x) * px + gy * (v - y) * py + gz * (w - z) * pz - value)
                lowest = min(lowest, value)
    return f, gx, gy, gz, rest, lowest


@jit
def factored_rows(
    first: int, last: int, values_zyx: Floats, low: Floats, size: Floats, half_mm: Floats, out: Floats
) -> None:
    """Turn rows ``first:last`` of a dose's linear lower bounds into those of the dose times a factor.

    Parameters
    ----------
    first, last : int
        Numbers of boxes.
    values_zyx : (nz, ny, nx) array
        The factor at nodes, above 0; beyond them that of the border.
    low, size : (n, 3) array
        Boxes in indices of the nodes, x, y, z.
    half_mm : (n, 3) array
        Half edges, mm.
    out : (n, 5) array
        Value in the middle, slopes per mm along the edges, remainder, as
        :func:`hdrplan.kernels.boxes.linear_bound_rows` writes them; written.
    """
    for i in range(first, last):
        f, gx, gy, gz, q, lowest = _linear(i, values_zyx, low, size, half_mm)
        hx, hy, hz = half_mm[i, 0], half_mm[i, 1], half_mm[i, 2]
        turn = abs(gx) * hx + abs(gy) * hy + abs(gz) * hz
        if f - q - turn <= 0.0:
            f, gx, gy, gz, q, turn = lowest, 0.0, 0.0, 0.0, 0.0, 0.0
        v, sx, sy, sz, r = out[i, 0], out[i, 1], out[i, 2], out[i, 3], out[i, 4]
        highest = max(0.0, v + abs(sx) * hx + abs(sy) * hy + abs(sz) * hz)
        steep = math.sqrt(sx * sx + sy * sy + sz * sz) * math.sqrt(gx * gx + gy * gy + gz * gz)
        cross = 0.5 * (hx * hx + hy * hy + hz * hz) * max(0.0, steep - sx * gx - sy * gy - sz * gz)
        out[i, 0] = v * f
        out[i, 1], out[i, 2], out[i, 3] = f * sx + v * gx, f * sy + v * gy, f * sz + v * gz
        out[i, 4] = r * (f + turn) + q * highest + cross + _ROUNDING_FRAC * (abs(v) * f + highest * turn)
