"""Alias tables: one random number draws a kind, however many there are."""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import FloatArray, IntArray, adopt

__all__ = ["alias_table"]


def alias_table(share: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return limits and aliases of shares: kind i stands below its limit, its alias above.

    References
    ----------
    Walker AJ, ACM Trans Math Softw 1977;3:253.
    """
    n = len(share)
    limit, alias = share * n / share.sum(), np.arange(n)
    small, large = [i for i in range(n) if limit[i] < 1.0], [i for i in range(n) if limit[i] >= 1.0]
    while small and large:
        low, high = small.pop(), large.pop()
        alias[low] = high
        limit[high] -= 1.0 - limit[low]
        (small if limit[high] < 1.0 else large).append(high)
    limit[small + large] = 1.0
    return adopt(limit), adopt(alias)
