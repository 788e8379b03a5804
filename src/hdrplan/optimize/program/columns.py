"""Columns of a program: dwell times, then one miss for each requirement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray, IntArray

__all__ = ["Columns"]


@dataclass(frozen=True, slots=True)
class Columns:
    """How many columns there are, and which is which.

    Parameters
    ----------
    n_dwells, n_misses : int
    """

    n_dwells: int
    n_misses: int

    @property
    def count(self) -> int:
        """Columns in all."""
        return self.n_dwells + self.n_misses

    def of_misses(self, which: Sequence[int]) -> IntArray:
        """Return the columns of what some requirements are missed by."""
        return self.n_dwells + np.asarray(which, dtype=np.int64)

    def miss(self, x: FloatArray, k: int) -> float:
        """By how much requirement ``k`` is missed at ``x``, Gy or s."""
        return float(x[self.n_dwells + k])

    def cost(self, times: FloatArray | float = 0.0, misses: Mapping[int, float] | None = None) -> FloatArray:
        """Return an objective: weights of the dwell times, and of the misses."""
        cost = np.zeros(self.count)
        cost[: self.n_dwells] = times
        for k, weight in (misses or {}).items():
            cost[self.n_dwells + k] = weight
        return cost
