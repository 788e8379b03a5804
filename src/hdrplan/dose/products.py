"""Sums over a rate matrix in double precision, also where its rates are kept in single precision."""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import FloatArray, RateArray
from hdrplan.threads import over_rows

__all__ = ["doses_of", "weighted_rates"]

# Rows that are made double at once: 900 dwells wide they fit into a processor's own memory. NumPy alone would make
# the whole matrix double first.
_ROWS = 128


def doses_of(rates: RateArray, times_s: FloatArray) -> FloatArray:
    """Return what dwell times give each point, Gy, (n,).

    Parameters
    ----------
    rates : (n, n_dwells) array
        Gy/s.
    times_s : (n_dwells,) array
    """
    if rates.dtype == np.float64:
        return np.asarray(rates @ times_s)
    out = np.empty(len(rates))

    def block(first: int, last: int) -> None:
        for begin in range(first, last, _ROWS):
            rows = slice(begin, min(begin + _ROWS, last))
            out[rows] = rates[rows].astype(np.float64) @ times_s

    over_rows(block, len(rates), smallest=8 * _ROWS)
    return out


def weighted_rates(weights: FloatArray, rates: RateArray) -> FloatArray:
    """Return the weighted sum of the points' rates, dwell by dwell, (n_dwells,).

    Parameters
    ----------
    weights : (n,) array
    rates : (n, n_dwells) array
    """
    if rates.dtype == np.float64:
        return np.asarray(weights @ rates)
    # Most goals weigh few points: the hottest of an organ.
    used = np.flatnonzero(weights)
    out = np.zeros(rates.shape[1])
    for begin in range(0, len(used), _ROWS):
        at = used[begin : begin + _ROWS]
        out += weights[at] @ rates[at].astype(np.float64)
    return out
