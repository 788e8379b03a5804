"""How good a set of catheters can be: quick bounds, each with the multipliers that prove it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.optimize.catheters.candidates import CatheterSet
from hdrplan.optimize.catheters.cuts import Proof
from hdrplan.optimize.catheters.meter import Meter
from hdrplan.optimize.catheters.row_pool import RowPool
from hdrplan.optimize.catheters.set_problem import SetProblem

__all__ = ["SetBounds"]

_MAXIMUM_ROUNDS = 100


class SetBounds:
    """Bounds of sets by the rows of a pool, which grows by the rows that they violate.

    Parameters
    ----------
    sets : SetProblem
    pool : RowPool
        Of the columns that cost: the dwells, then the misses of the lower limits.
    meter : Meter
    """

    def __init__(self, sets: SetProblem, pool: RowPool, meter: Meter) -> None:
        self._sets, self._pool, self._meter = sets, pool, meter
        n, lower = sets.n_dwells, np.array(sets.lower, dtype=np.int64)
        self._priced = np.append(np.arange(n), n + lower)
        self._price = sets.cost[self._priced]
        self._longest = np.append(np.full(n, float(sets.problem.max_time_s)), sets.maximum_miss_gy)
        owner = sets.candidates.owner
        self._in, self._free = np.flatnonzero(owner < 0), np.flatnonzero(owner >= 0)
        self._dwells = [np.flatnonzero(owner == c) for c in range(sets.candidates.count)]

    def bound(self, chosen: CatheterSet) -> Proof:
        """Bound a set by the rows of the pool: a proof whatever rows are missing there."""
        return self._solved(chosen, strict=False)[0]

    def filled(self, chosen: CatheterSet, *, strict: bool = False) -> tuple[Proof, FloatArray]:
        """Bound a set by all rows: those that its times violate go into the pool, until there are none.

        With ``strict`` the rows of dose-volume goals are among them, but for the points excused: the value then is a
        guess and no bound.

        Returns
        -------
        Proof
        (n_columns,) array
            Times and misses.
        """
        for _ in range(_MAXIMUM_ROUNDS):
            proof, x = self._solved(chosen, strict=strict)
            if not self._pool.fill(x, strict=strict):
                break
        return proof, x

    def excuse(self, masks: Sequence[BoolArray]) -> None:
        """Free some points of each dose-volume goal in strict bounds, and bind all others."""
        self._pool.excuse(masks)

    def _solved(self, chosen: CatheterSet, *, strict: bool) -> tuple[Proof, FloatArray]:
        sets, n = self._sets, self._sets.n_dwells
        misses = np.arange(n, len(self._priced))
        columns = np.concatenate([self._in, *(self._dwells[c] for c in sorted(chosen)), misses])
        cost, longest = self._price[columns], self._longest[columns]
        multipliers, values = self._pool.solve(columns, cost, longest, strict=strict)
        self._meter.solves += 1
        gained, pay, paid = self._pool.weigh(multipliers)
        # The longest times of the dwells that are switched on take back what is paid above their cost.
        value = gained - float(np.maximum(paid[columns] - cost, 0.0) @ longest)
        paid[columns] = np.minimum(paid[columns], cost)
        load = np.zeros(sets.candidates.count)
        # Dwells that are in are among the columns of every set: no multipliers ever pay more than they cost.
        np.maximum.at(load, sets.candidates.owner[self._free], paid[self._free] / self._price[self._free])
        x = np.zeros(len(sets.cost))
        x[self._priced[columns]] = values
        return Proof(value, load, 1.0 - value / pay if pay > 0 else 1.0), x
