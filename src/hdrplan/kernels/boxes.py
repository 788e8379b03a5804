"""Linear lower bounds of the dose in boxes: those of single stops added up, and kept for other times.

A bound holds in every box inside its own. Of stops that are far away the remainder is small in a large box already:
its bound is taken for the small boxes inside it. So the bounds of all stops are kept in large boxes, which have the
lowest numbers, and in the many small ones those of a few stops only.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit
from hdrplan.kernels.bounds import one_dwell
from hdrplan.kernels.tg43 import Stops, Tables, place

__all__ = ["Boxes", "Kept", "linear_bound_rows"]

Floats = npt.NDArray[np.float64]

# Twice the rounding to float32, as a part of what is rounded.
_SINGLE_FRAC = 1.2e-7


class Boxes(NamedTuple):
    """Boxes with their edges along one frame; read-only arrays."""

    centres: Floats  # (n, 3), mm
    half_diagonal_mm: Floats  # (n,)
    frame: Floats  # (3, 3), column k is the k-th direction
    allowed_gy: Floats  # (n,), remainder of one stop up to which the bound of a larger box is taken


class Kept(NamedTuple):
    """Bounds of single stops, which do not depend on times: kept from one call to the next."""

    rows: npt.NDArray[np.int64]  # (n,), of each box; from len(centres) on a box is not kept
    wholes: npt.NDArray[np.int64]  # (n_rows,), row of the larger box in which the box of a row lies; -1 for none
    n_large: int  # the first rows, in which the bounds of all stops are kept; in the others those of some
    n_columns: int  # of the other rows
    columns: npt.NDArray[np.int64]  # (n_stops,), column of each stop in the other rows; -1: not kept there
    per_u: npt.NDArray[np.float32]  # (n_slots, 5): value, slopes and remainder; row after row
    known: npt.NDArray[np.bool_]  # (n_slots,)
    centres: Floats  # (m, 3), mm, of all rows


@jit
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


@jit
def _slot(row: int, k: int, kept: Kept) -> int:
    """Where the bound of stop k in the box of a row is kept; -1 where there is no room for it."""
    n_stops = len(kept.columns)
    if row < kept.n_large:
        return row * n_stops + k
    if row >= len(kept.centres) or kept.columns[k] < 0:
        return -1
    return kept.n_large * n_stops + (row - kept.n_large) * kept.n_columns + int(kept.columns[k])


@jit
def _nearest_known(row: int, k: int, kept: Kept) -> int:
    """Row of the smallest box round one, itself first, whose bound of stop k is kept; -1 for none."""
    while row >= 0:
        slot = _slot(row, k, kept)
        if slot >= 0 and kept.known[slot]:
            return row
        row = kept.wholes[row]
    return -1


@jit
def _is_enough(slot: int, weight: float, allowed_gy: float, kept: Kept) -> bool:
    """Whether a kept bound has a small remainder; one without slopes is a constant, which is too low without one."""
    one = kept.per_u[slot]
    return bool(weight * one[4] <= allowed_gy and (one[1] != 0.0 or one[2] != 0.0 or one[3] != 0.0))


@jit
def _add_larger(i: int, known: int, slot: int, weight: float, boxes: Boxes, kept: Kept, out: Floats) -> None:
    """Add a bound in a larger box, that of row ``known``, seen from the centre of box i inside it."""
    one, centre, there, frame = kept.per_u[slot], boxes.centres[i], kept.centres[known], boxes.frame
    dx, dy, dz = centre[0] - there[0], centre[1] - there[1], centre[2] - there[2]
    for c in range(5):
        out[i, c] += weight * one[c]
    for c in range(3):
        out[i, 0] += weight * one[c + 1] * (dx * frame[0, c] + dy * frame[1, c] + dz * frame[2, c])


@jit
def linear_bound_rows(
    first: int, last: int, boxes: Boxes, stops: Stops, lowest_m: float, t: Tables, kept: Kept, out: Floats
) -> None:
    """Rows ``first:last`` of (value, slope along three directions, remainder) of the dose's linear lower bound.

    Parameters
    ----------
    first, last : int
        Numbers of boxes.
    boxes : Boxes
    stops : Stops
        Those of weight 0 are passed over.
    lowest_m : float
        Lowest value of g F in the tables.
    t : Tables
        From :func:`hdrplan.kernels.tg43.padded`.
    kept : Kept
        Written: what it does not know yet of these boxes.
    out : (n, 5) array
        Written: dose >= out[0] + out[1:4] @ d - out[4] Gy, for |d| up to half the diagonal, in the directions of the
        frame.
    """
    weights, per_u = stops.weights, kept.per_u
    for i in range(first, last):
        out[i], row = 0.0, kept.rows[i]
        if row < len(kept.centres):
            kept.centres[row] = boxes.centres[i]
        for k in range(len(weights)):
            if weights[k] == 0.0:
                continue
            known, slot = _nearest_known(row, k, kept), _slot(row, k, kept)
            if known >= 0 and known != row:
                larger = _slot(known, k, kept)
                if _is_enough(larger, weights[k], boxes.allowed_gy[i], kept):
                    _add_larger(i, known, larger, weights[k], boxes, kept, out)
                    continue
            one = _in_frame(i, k, boxes, stops, lowest_m, t) if known != row else (0.0, 0.0, 0.0, 0.0, 0.0)
            if slot < 0:
                for c in range(5):
                    out[i, c] += weights[k] * one[c]
                continue
            if known != row:
                for c in range(4):
                    per_u[slot, c] = one[c]
                steep = abs(one[1]) + abs(one[2]) + abs(one[3])
                per_u[slot, 4] = one[4] + _SINGLE_FRAC * (one[0] + one[4] + boxes.half_diagonal_mm[i] * steep)
                kept.known[slot] = True
            for c in range(5):
                out[i, c] += weights[k] * per_u[slot, c]
