"""Loops over dwells or over points with the float32 rate of ``lattice.py``: first where to read, then what is read.

docs/decisions/0020 says what LLVM needs to vectorise them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit, jit_borrowing
from hdrplan.kernels.lattice import ROW, Lattice, far_place_at, place_at
from hdrplan.kernels.tg43 import Stops
from hdrplan.kernels.vector import HELD, LANES, add_between, bits_of, hold, peek

__all__ = ["Columns", "add_dwell", "add_far_dwell", "dose_table_rows", "rate_matrix_rows"]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Single = Any  # a float32 scalar, whose arithmetic NumPy's types do not follow
Places = tuple[Singles, Singles, Singles]
Vector = tuple[Single, Single, Single]

_f4: Any = np.float32
# Points at a time, relative to one of them.
_BATCH = 256


class Columns(NamedTuple):
    """Dwells as the columns of a matrix; read-only arrays."""

    centre: Floats  # (3,), mm
    rows: Singles  # (6, n): positions relative to the centre, mm, then axes; the last may be repeated for whole vectors
    strength_u: float


@jit_borrowing
def add_dwell(
    at: Places, offset: Vector, axis: Vector, weight: Single, t: Lattice, places: Singles, out: Singles
) -> None:
    """Add the dose of one dwell at points.

    Parameters
    ----------
    at : tuple of three (n,) float32 arrays
        x, y and z of the points from a centre, mm.
    offset : tuple of three float32
        That centre from the dwell, mm.
    axis : tuple of three float32
        Unit vector toward the tip.
    weight : float32
        Strength times dwell time, U s.
    t : Lattice
    places : (4 * HELD,) float32 array
        Written.
    out : (n or more,) float32 array
        Added to, Gy; of whole vectors of eight, of which the last may hold what nobody asked for.
    """
    x, y, z = at
    dx, dy, dz = offset
    ax, ay, az = axis
    for start in range(0, len(x), HELD):
        n = min(HELD, len(x) - start)
        for i in range(n):
            rx, ry, rz = peek(x, start + i) + dx, peek(y, start + i) + dy, peek(z, start + i) + dz
            along = rx * ax + ry * ay + rz * az
            px, py, pz = rx - along * ax, ry - along * ay, rz - along * az
            factor, cell, across, down = place_at(along, px * px + py * py + pz * pz, t)
            hold(places, i, cell, across, down, weight * factor)
        for i in range(0, n, LANES):
            add_between(t.shape, ROW, places, i, out, start + i)


@jit_borrowing
def add_far_dwell(
    at: Places, offset: Vector, axis: Vector, weight: Single, t: Lattice, places: Singles, out: Singles
) -> None:
    """:func:`add_dwell` for points that all lie farther than four active lengths from the dwell.

    Parameters
    ----------
    at, offset, axis, weight, t, places, out
        As there.
    """
    x, y, z = at
    dx, dy, dz = offset
    ax, ay, az = axis
    for start in range(0, len(x), HELD):
        n = min(HELD, len(x) - start)
        for i in range(n):
            rx, ry, rz = peek(x, start + i) + dx, peek(y, start + i) + dy, peek(z, start + i) + dz
            along = rx * ax + ry * ay + rz * az
            px, py, pz = rx - along * ax, ry - along * ay, rz - along * az
            factor, cell, across, down = far_place_at(along, px * px + py * py + pz * pz, t)
            hold(places, i, cell, across, down, weight * factor)
        for i in range(0, n, LANES):
            add_between(t.far, ROW, places, i, out, start + i)


@jit
def rate_matrix_rows(
    first: int,
    last: int,
    points: Floats,
    dwells: Columns,
    published_mm: tuple[float, float],
    t: Lattice,
    outside: npt.NDArray[np.bool_],
    out: npt.NDArray[np.floating],
) -> None:
    """Rows ``first:last`` of the matrix of dose rates.

    Parameters
    ----------
    first, last : int
    points : (n_points, 3) array
        mm.
    dwells : Columns
    published_mm : tuple of two float
        The shortest and the longest distance for which the source's tables were published.
    t : Lattice
    outside : (n_points,) bool array
        Written: points with a dwell at another distance.
    out : (n_points, n_dwells) array
        Written: Gy / s.
    """
    rows, centre = dwells.rows, dwells.centre
    qx, qy, qz, ax, ay, az = rows[0], rows[1], rows[2], rows[3], rows[4], rows[5]
    strength = _f4(dwells.strength_u)
    low, high = bits_of(_f4(published_mm[0] * published_mm[0])), bits_of(_f4(published_mm[1] * published_mm[1]))
    places, single = np.zeros(4 * HELD, dtype=np.float32), np.empty(len(qx), dtype=np.float32)
    for i in range(first, last):
        x, y, z = _f4(points[i, 0] - centre[0]), _f4(points[i, 1] - centre[1]), _f4(points[i, 2] - centre[2])
        nearest, farthest = high, low
        single[:] = _f4(0.0)
        for start in range(0, len(qx), HELD):
            n = min(HELD, len(qx) - start)
            for j in range(n):
                k = start + j
                rx, ry, rz = x - peek(qx, k), y - peek(qy, k), z - peek(qz, k)
                ux, uy, uz = peek(ax, k), peek(ay, k), peek(az, k)
                along = rx * ux + ry * uy + rz * uz
                px, py, pz = rx - along * ux, ry - along * uy, rz - along * uz
                away2 = px * px + py * py + pz * pz
                # Bits of positive floats are ordered as the floats, and LLVM vectorises the minimum of integers.
                bits = bits_of(along * along + away2)
                nearest, farthest = min(nearest, bits), max(farthest, bits)
                factor, cell, across, down = place_at(along, away2, t)
                hold(places, j, cell, across, down, strength * factor)
            for j in range(0, n, LANES):
                add_between(t.shape, ROW, places, j, single, start + j)
        for k in range(out.shape[1]):
            out[i, k] = single[k]
        outside[i] = nearest < low or farthest > high


@jit
def dose_table_rows(first: int, last: int, points: Floats, stops: Stops, t: Lattice, out: Floats) -> None:
    """Doses at points ``first:last``.

    Some hundred points at a time, relative to their middle, so that float32 holds positions to 1e-5 mm.

    Parameters
    ----------
    first, last : int
    points : (n_points, 3) array
        mm.
    stops : Stops
        Weights may be negative, for changes of dose.
    t : Lattice
    out : (n_points,) array
        Written: Gy.
    """
    positions, axes, weights = stops.positions, stops.axes, stops.weights
    x, y, z = (
        np.empty(_BATCH, dtype=np.float32),
        np.empty(_BATCH, dtype=np.float32),
        np.empty(_BATCH, dtype=np.float32),
    )
    places, total = np.zeros(4 * HELD, dtype=np.float32), np.empty(_BATCH, dtype=np.float32)
    for start in range(first, last, _BATCH):
        n = min(_BATCH, last - start)
        cx, cy, cz = points[start + n // 2, 0], points[start + n // 2, 1], points[start + n // 2, 2]
        for i in range(n):
            x[i] = points[start + i, 0] - cx
            y[i] = points[start + i, 1] - cy
            z[i] = points[start + i, 2] - cz
        total[:] = _f4(0.0)
        for k in range(len(positions)):
            offset = (_f4(cx - positions[k, 0]), _f4(cy - positions[k, 1]), _f4(cz - positions[k, 2]))
            axis = (_f4(axes[k, 0]), _f4(axes[k, 1]), _f4(axes[k, 2]))
            add_dwell((x[:n], y[:n], z[:n]), offset, axis, _f4(weights[k]), t, places, total)
        for i in range(n):
            out[start + i] = total[i]
