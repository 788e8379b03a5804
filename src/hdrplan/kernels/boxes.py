"""Linear lower bounds of the dose in boxes: those of single stops added up, and kept for other times.

A bound holds in every box inside its own. Of a stop that is far away the remainder is small in a large box already:
its bound is added up there once, and the boxes inside take the sum. What is left to a small box are the stops near it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit, jit_inline
from hdrplan.kernels.bounds import one_dwell
from hdrplan.kernels.shorts import LARGEST, long_of, short_above, short_near
from hdrplan.kernels.tg43 import Stops, Tables, place

__all__ = ["Boxes", "Kept", "Left", "linear_bound_rows"]

Floats = npt.NDArray[np.float64]

# What the remainder's own sum may round, as a part of the value.
_ROUNDING_FRAC = 1e-12


class Boxes(NamedTuple):
    """Boxes with their edges along one frame; read-only arrays."""

    centres: Floats  # (n, 3), mm
    half_diagonal_mm: Floats  # (n,)
    frame: Floats  # (3, 3), column k is the k-th direction


class Kept(NamedTuple):
    """Bounds of single stops, which do not depend on times: kept from one call to the next."""

    rows: npt.NDArray[np.int64]  # (n,), of each box; -1: not kept
    n_large: int  # the first rows, in which the bounds of all stops are kept; in the others those of some
    n_columns: int  # of the other rows
    columns: npt.NDArray[np.int64]  # (n_stops,), column of each stop in the other rows; -1: not kept there
    value: npt.NDArray[np.float32]  # (n_slots,), per U, row after row; 0: not known yet
    # (n_slots, 4): codes of :mod:`hdrplan.kernels.shorts`. Three slopes times half the diagonal, and the remainder, as
    # parts of the value.
    parts: npt.NDArray[np.int16]


class Left(NamedTuple):
    """What larger boxes leave to those inside them: the sum of the bounds that were enough, and the other stops."""

    sums: Floats  # (n, 5), as of the box's own centre
    first: npt.NDArray[np.int64]  # (n,), where the stops of each box begin
    length: npt.NDArray[np.int64]  # (n,)
    stops: npt.NDArray[np.int32]


@jit_inline
def _in_frame(i: int, k: int, boxes: Boxes, stops: Stops, lowest_m: float, t: Tables) -> tuple[float, ...]:
    """Value, slopes along the frame and remainder of the rate of stop k in box i; per U, in Gy/s."""
    centres, positions, axes, frame = boxes.centres, stops.positions, stops.axes, boxes.frame
    dx, dy, dz = centres[i, 0] - positions[k, 0], centres[i, 1] - positions[k, 1], centres[i, 2] - positions[k, 2]
    ax, ay, az = axes[k, 0], axes[k, 1], axes[k, 2]
    along, away = place(dx, dy, dz, ax, ay, az)
    value, p, q, rest = one_dwell(along, away, boxes.half_diagonal_mm[i], lowest_m, t)
    # Close to the axis roundoff points anywhere: the direction away must be square to the axis. Its turn about the axis
    # does not matter, for the rate has none; and nearer than 1e-12 mm no slope is as good as any.
    ux, uy, uz = dx - along * ax, dy - along * ay, dz - along * az
    askew = ux * ax + uy * ay + uz * az
    ux, uy, uz = ux - askew * ax, uy - askew * ay, uz - askew * az
    size = math.sqrt(ux * ux + uy * uy + uz * uz)
    q *= 1.0 / size if size > 1e-12 else 0.0
    sx, sy, sz = p * ax + q * ux, p * ay + q * uy, p * az + q * uz
    return (
        value,
        sx * frame[0, 0] + sy * frame[1, 0] + sz * frame[2, 0],
        sx * frame[0, 1] + sy * frame[1, 1] + sz * frame[2, 1],
        sx * frame[0, 2] + sy * frame[1, 2] + sz * frame[2, 2],
        rest,
    )


@jit_inline
def _slot(row: int, k: int, kept: Kept) -> int:
    """Where the bound of stop k in the box of a row is kept; -1 where there is no room for it."""
    n_stops = len(kept.columns)
    if row < 0:
        return -1
    if row < kept.n_large:
        return row * n_stops + k
    if kept.columns[k] < 0:
        return -1
    return kept.n_large * n_stops + (row - kept.n_large) * kept.n_columns + int(kept.columns[k])


@jit_inline
def _keep(slot: int, one: tuple[float, ...], rho: float, kept: Kept) -> bool:
    """Keep a bound, whose rounding goes into its remainder; whether it can be kept."""
    value, rest = float(np.float32(one[0])), one[4]
    if not value > 0.0:
        return False
    scale, turned = rho / value, 0.0
    for c in range(3):
        part = one[1 + c] * scale
        if not abs(part) <= LARGEST:
            return False
        code = short_near(part)
        kept.parts[slot, c] = code
        turned += (long_of(code) - part) ** 2
    rest = (rest + abs(value - one[0])) / value + math.sqrt(turned) + _ROUNDING_FRAC
    if not rest <= LARGEST:
        return False
    kept.parts[slot, 3], kept.value[slot] = short_above(rest), value
    return True


@jit_inline
def _known(slot: int, per_mm: float, kept: Kept) -> tuple[float, ...]:
    """Return a bound that is kept: value, slopes and remainder; ``per_mm`` is 1 over half the diagonal."""
    value, parts = float(kept.value[slot]), kept.parts
    steep = value * per_mm
    return (
        value,
        steep * long_of(parts[slot, 0]),
        steep * long_of(parts[slot, 1]),
        steep * long_of(parts[slot, 2]),
        value * long_of(parts[slot, 3]),
    )


@jit
def linear_bound_rows(
    first: int,
    last: int,
    boxes: Boxes,
    stops: Stops,
    lowest_m: float,
    t: Tables,
    kept: Kept,
    left: Left,
    allowed_gy: float,
    out: Floats,
    inside: Left,
) -> None:
    """Rows ``first:last`` of (value, slope along three directions, remainder) of the dose's linear lower bound.

    Parameters
    ----------
    first, last : int
        Numbers of boxes.
    boxes : Boxes
    stops : Stops
    lowest_m : float
        Lowest value of g F in the tables.
    t : Tables
        From :func:`hdrplan.kernels.tg43.padded`.
    kept : Kept
        Written: what it does not know yet of these boxes.
    left : Left
        What larger boxes left to these.
    allowed_gy : float
        Remainder of a stop up to which its bound is enough for the boxes inside; below 0 none is.
    out : (n, 5) array
        Written: dose >= out[0] + out[1:4] @ d - out[4] Gy, for |d| up to half the diagonal, in the directions of the
        frame.
    inside : Left
        Written, but for ``first``: what these boxes leave to those inside them, as of their own centres.
    """
    weights = stops.weights
    for i in range(first, last):
        row, rho, n = kept.rows[i], boxes.half_diagonal_mm[i], 0
        for c in range(5):
            out[i, c] = inside.sums[i, c] = left.sums[i, c]
        for at in range(left.first[i], left.first[i] + left.length[i]):
            k = left.stops[at]
            slot = _slot(row, k, kept)
            known = slot >= 0 and kept.value[slot] != 0.0
            one = _known(slot, 1.0 / rho, kept) if known else _in_frame(i, k, boxes, stops, lowest_m, t)
            # What is kept is taken at once: a bound does not depend on who asks for it first.
            if slot >= 0 and not known and _keep(slot, one, rho, kept):
                one = _known(slot, 1.0 / rho, kept)
            for c in range(5):
                out[i, c] += weights[k] * one[c]
            # A bound without slopes is a constant, which is too low without a remainder.
            steep = one[1] != 0.0 or one[2] != 0.0 or one[3] != 0.0
            if steep and weights[k] * one[4] <= allowed_gy:
                for c in range(5):
                    inside.sums[i, c] += weights[k] * one[c]
            else:
                inside.stops[inside.first[i] + n] = k
                n += 1
        inside.length[i] = n
