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
    per_u: npt.NDArray[np.float32]  # (m, n_stops, 5): value, slopes and remainder
    known: npt.NDArray[np.bool_]  # (m, n_stops)
    near_per_u: npt.NDArray[np.float32]  # (m_near, n_columns, 5), of the rows after those
    near_known: npt.NDArray[np.bool_]  # (m_near, n_columns)
    columns: npt.NDArray[np.int64]  # (n_stops,), column of each stop there; -1: not kept in these rows
    centres: Floats  # (m + m_near, 3), mm


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
def _is_kept(row: int, k: int, kept: Kept) -> bool:
    """Whether there is room for the bound of stop k in the box of a row."""
    return row < len(kept.per_u) or (row < len(kept.centres) and kept.columns[k] >= 0)


@jit
def _is_known(row: int, k: int, kept: Kept) -> bool:
    """Whether that bound has been computed; only where there is room for it."""
    large = len(kept.per_u)
    return bool(kept.known[row, k] if row < large else kept.near_known[row - large, kept.columns[k]])


@jit
def _kept_bound(row: int, k: int, kept: Kept) -> npt.NDArray[np.float32]:
    """Return that bound, (5,), a view."""
    large = len(kept.per_u)
    return kept.per_u[row, k] if row < large else kept.near_per_u[row - large, kept.columns[k]]


@jit
def _keep(row: int, k: int, one: tuple[float, float, float, float, float], half_mm: float, kept: Kept) -> None:
    """Keep a bound in single precision, its remainder with what that rounds off."""
    large, there = len(kept.per_u), _kept_bound(row, k, kept)
    for c in range(4):
        there[c] = one[c]
    steep = abs(one[1]) + abs(one[2]) + abs(one[3])
    there[4] = one[4] + _SINGLE_FRAC * (one[0] + one[4] + half_mm * steep)
    if row < large:
        kept.known[row, k] = True
    else:
        kept.near_known[row - large, kept.columns[k]] = True


@jit
def _nearest_known(row: int, k: int, kept: Kept) -> int:
    """Row of the smallest box round one, itself first, whose bound of stop k is kept; -1 for none."""
    while row >= 0 and not (_is_kept(row, k, kept) and _is_known(row, k, kept)):
        row = kept.wholes[row]
    return row


@jit
def _is_enough(one: npt.NDArray[np.float32], weight: float, allowed_gy: float) -> bool:
    """Whether a kept bound has a small remainder; one without slopes is a constant, which is too low without one."""
    return bool(weight * one[4] <= allowed_gy and (one[1] != 0.0 or one[2] != 0.0 or one[3] != 0.0))


@jit
def _add_larger(i: int, known: int, k: int, weight: float, boxes: Boxes, kept: Kept, out: Floats) -> None:
    """Add the bound of stop k in a larger box, seen from the centre of box i inside it."""
    one, centre, there, frame = _kept_bound(known, k, kept), boxes.centres[i], kept.centres[known], boxes.frame
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
    weights = stops.weights
    for i in range(first, last):
        out[i], row = 0.0, kept.rows[i]
        if row < len(kept.centres):
            kept.centres[row] = boxes.centres[i]
        for k in range(len(weights)):
            if weights[k] == 0.0:
                continue
            known = _nearest_known(row, k, kept)
            if known >= 0 and known != row:
                if _is_enough(_kept_bound(known, k, kept), weights[k], boxes.allowed_gy[i]):
                    _add_larger(i, known, k, weights[k], boxes, kept, out)
                    continue
            if known != row:
                one = _in_frame(i, k, boxes, stops, lowest_m, t)
                if not _is_kept(row, k, kept):
                    for c in range(5):
                        out[i, c] += weights[k] * one[c]
                    continue
                _keep(row, k, one, boxes.half_diagonal_mm[i], kept)
            there = _kept_bound(row, k, kept)
            for c in range(5):
                out[i, c] += weights[k] * there[c]
