"""The cheapest times of a few dwells under rows of doses, by the simplex method on the multipliers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit, jit_inline

__all__ = ["cheapest_cover"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# Rows looked at between two looks at all of them.
_SHORT_LIST = 30
# A row holds that is missed by less than this many times its length: seconds, about.
_TOLERANCE = 1e-8
# Smaller elements are no pivots.
_PIVOT = 1e-11


@jit
def _worst_rows(rows: F64, size: F64, limit: F64, columns: I64, times: F64, busy: Flags, worst: I64) -> int:
    """Write the numbers of the rows that ``times`` miss most into ``worst``, the worst first; return how many."""
    missed = limit.copy()
    for i in range(len(columns)):
        time, row = times[i], rows[columns[i]]
        if time != 0.0:
            for j in range(len(limit)):
                missed[j] -= time * row[j]
    much = np.empty(len(worst))
    found = 0
    for j in range(len(limit)):
        here = missed[j] / size[j]
        if busy[j] or here <= _TOLERANCE or (found == len(worst) and here <= much[found - 1]):
            continue
        place = min(found, len(worst) - 1)
        found = min(found + 1, len(worst))
        while place > 0 and much[place - 1] < here:
            much[place], worst[place] = much[place - 1], worst[place - 1]
            place -= 1
        much[place], worst[place] = here, j
    return found


@jit_inline
def _enters(
    times: F64, most: F64, short: F64, worst: I64, listed: int, size: F64, limit: F64, busy: Flags, held: F64
) -> tuple[int, float]:
    """Return the variable to take in (-1: none of those looked at) and by how much its condition is missed."""
    m, enters, missed, much = len(times), -1, 0.0, _TOLERANCE
    held[:listed] = 0.0
    for i in range(m):
        time, row = times[i], short[i]
        if time != 0.0:
            for k in range(listed):
                held[k] += row[k] * time
        if -time > much:
            enters, missed, much = i, -time, -time
        elif time - most[i] > much:
            enters, missed, much = m + i, time - most[i], time - most[i]
    for k in range(listed):
        here = limit[worst[k]] - held[k]
        if here > much * size[worst[k]] and not busy[worst[k]]:
            enters, missed, much = 2 * m + k, here, here / size[worst[k]]
    return enters, missed


@jit_inline
def _direction(inverse: F64, enters: int, short: F64, step: F64) -> None:
    """Write by how much each basic variable falls as the new one rises."""
    m = len(step)
    if enters < m:
        for i in range(m):
            step[i] = inverse[enters, i]
    elif enters < 2 * m:
        for i in range(m):
            step[i] = -inverse[enters - m, i]
    else:
        step[:] = 0.0
        for j in range(m):
            factor, row = short[j, enters - 2 * m], inverse[j]
            if factor != 0.0:
                for i in range(m):
                    step[i] += row[i] * factor


@jit_inline
def _leaves(level: F64, step: F64) -> tuple[int, float]:
    """Return the basic variable that reaches zero first (-1: none), and how far the new one rises."""
    leaves, reach = -1, np.inf
    for i in range(len(level)):
        if step[i] > _PIVOT and level[i] < reach * step[i]:
            leaves, reach = i, level[i] / step[i]
    return leaves, max(reach, 0.0)


@jit_inline
def _exchange(inverse: F64, level: F64, times: F64, step: F64, leaves: int, reach: float, missed: float) -> None:
    m = len(level)
    for j in range(m):
        row = inverse[j]
        if row[leaves] != 0.0:
            pivot = row[leaves] / step[leaves]
            times[j] += missed * pivot
            for i in range(m):
                row[i] -= step[i] * pivot
            row[leaves] = pivot
    for i in range(m):
        level[i] -= reach * step[i]
    level[leaves] = reach


@jit
def cheapest_cover(rows: F64, size: F64, limit: F64, columns: I64, cost: F64, most: F64) -> tuple[F64, F64]:
    """Return the multipliers of the rows and the times of ``min cost @ times``, ``times @ rows >= limit``.

    The multipliers y are built up from zero under ``rows y <= cost``, each row taken in where the times that belong to
    them miss it; so they prove a bound wherever the method stops. Times are 0 to ``most``. All arrays are dense; the
    inverse of the basis is kept whole, which pays for up to some hundred columns.

    Parameters
    ----------
    rows : (n_columns, at least n) array
        Coefficients of each row, one row a column.
    size : (n,) array
        Length of each row.
    limit : (n,) array
        -inf: the row is left out.
    columns : (m,) array
        Of ``rows``: those that have time.
    cost, most : (m,) arrays
        ``cost`` above 0.
    """
    n, m = len(limit), len(columns)
    # The inverse of the basis, one column after the other, and the rows of the short list side by side: sums run over
    # what lies in a line, several at a time: 51 columns in three quarters of the time of row by row, 100 in two fifths.
    inverse = np.eye(m)
    level = cost.copy()  # of the basic variables: at first what is left of each cost
    times, step = np.zeros(m), np.empty(m)
    # Basic variables: below m what is left of a cost, below 2 m the multiplier of a greatest time, then of the rows.
    basis = np.arange(m)
    busy = np.zeros(n, dtype=np.bool_)
    worst, short, listed = np.empty(_SHORT_LIST, dtype=np.int64), np.empty((m, _SHORT_LIST)), 0
    held = np.empty(_SHORT_LIST)
    for _ in range(50 * m + 500):
        enters, missed = _enters(times, most, short, worst, listed, size, limit, busy, held)
        if enters < 0:
            listed = _worst_rows(rows, size, limit, columns, times, busy, worst)
            if listed == 0:
                break
            for i in range(m):
                for k in range(listed):
                    short[i, k] = rows[columns[i], worst[k]]
            continue
        _direction(inverse, enters, short, step)
        leaves, reach = _leaves(level, step)
        if leaves < 0:
            break
        _exchange(inverse, level, times, step, leaves, reach, missed)
        if basis[leaves] >= 2 * m:
            busy[basis[leaves] - 2 * m] = False
        basis[leaves] = enters if enters < 2 * m else 2 * m + worst[enters - 2 * m]
        if enters >= 2 * m:
            busy[worst[enters - 2 * m]] = True
    multipliers = np.zeros(n)
    for i in range(m):
        if basis[i] >= 2 * m:
            multipliers[basis[i] - 2 * m] = max(level[i], 0.0)
    return multipliers, times
