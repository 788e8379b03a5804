"""Rows that mattered to some set of catheters, and the quick solve of one set under them.

Rows that always bind give a bound whatever rows are missing. Rows of dose-volume goals bind in a ``strict`` solve only,
and there all but the points excused at one plan: a guess at what a set can reach under these goals, no bound.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray
from hdrplan.kernels.cover import cheapest_cover
from hdrplan.optimize.program.point_rows import EveryPoint

__all__ = ["Pool"]

# Points missed by less than this fraction of their limit count as held: single precision tells no more.
_SHORT_FRAC = 1e-5


class Pool:
    """Rows ``row @ x >= limit``; they only ever become more.

    Parameters
    ----------
    columns : int array
        Of the main program: those that cost something. All others are zero.
    binding, tails : sequences of EveryPoint
        Points under a limit that always binds, and of dose-volume goals.
    n : int
        Dwells: the first columns.
    """

    def __init__(self, columns: IntArray, binding: Sequence[EveryPoint], tails: Sequence[EveryPoint], n: int) -> None:
        self._columns, self._n, self.count = columns, n, 0
        self._watched = [
            (family, np.ascontiguousarray(family.gy_per_s.T, dtype=np.float32)) for family in (*binding, *tails)
        ]
        self._first_tail = len(binding)
        self._excused: dict[int, BoolArray] = {}
        # (columns, at least count): the rest is room to grow, and the kernel reads whole lines.
        self._rows = np.zeros((len(columns), 1024))
        self._size, self._limit, self._loose = np.ones(1024), np.zeros(1024), np.zeros(1024)
        self._pays = np.zeros(1024, dtype=np.bool_)
        self._point = np.full((1024, 2), -1)  # number of the dose-volume goal and point

    def add(
        self, row: FloatArray, low: float, high: float, *, pays: bool = False, point: tuple[int, int] | None = None
    ) -> None:
        """Add one row of the main program.

        Parameters
        ----------
        low, high : float
            One of them infinite.
        pays : bool
            Whether it is a prescription's.
        point : (int, int), optional
            Number of the dose-volume goal and of its point.
        """
        k = self.count
        if k == len(self._limit):
            self._rows = np.concatenate((self._rows, np.zeros_like(self._rows)), axis=1)
            self._size, self._limit, self._loose = (np.tile(a, 2) for a in (self._size, self._limit, self._loose))
            self._pays, self._point = np.tile(self._pays, 2), np.tile(self._point, (2, 1))
        sign, limit = (1.0, low) if np.isfinite(low) else (-1.0, -high)
        self._rows[:, k] = sign * row[self._columns]
        self._size[k], self._limit[k] = np.linalg.norm(self._rows[:, k]), limit
        self._loose[k], self._pays[k] = limit if point is None else -np.inf, pays
        self._point[k] = (-1, -1) if point is None else point
        self.count += 1

    def excuse(self, masks: Sequence[BoolArray]) -> None:
        """Free some points of each dose-volume goal in strict solves, and bind all others."""
        self._excused = dict(enumerate(masks, self._first_tail))
        for k in np.flatnonzero(self._point[: self.count, 0] >= 0):
            family, point = self._point[k]
            here = self._watched[family][0].rows(np.array([point]))
            limit = here.low[0] if np.isfinite(here.low[0]) else -here.high[0]
            self._limit[k] = -np.inf if self._excused[int(family)][point] else limit

    def solve(
        self, columns: IntArray, cost: FloatArray, most: FloatArray, *, strict: bool
    ) -> tuple[FloatArray, FloatArray]:
        """Return multipliers of the rows and times of the columns, the cheapest under the rows so far."""
        limit = (self._limit if strict else self._loose)[: self.count]
        y, times = cheapest_cover(self._rows, self._size[: self.count], limit, columns, cost, most)
        return y, np.clip(times, 0.0, most)

    def worth(self, y: FloatArray) -> tuple[float, float, FloatArray]:
        """Return multipliers times limits, the prescriptions' part of it, and multipliers times rows."""
        used = np.flatnonzero(y)
        gained = self._limit[used] * y[used]
        return float(gained.sum()), float(gained[self._pays[used]].sum()), self._rows[:, used] @ y[used]

    def fill(self, x: FloatArray, paying: frozenset[str], *, strict: bool) -> int:
        """Take in the rows that ``x`` of the main program violates, the worst of each cube; return how many."""
        on = np.flatnonzero(x[: self._n])
        times, before = x[on].astype(np.float32), self.count
        for number, (family, rates) in enumerate(self._watched):
            tail = number >= self._first_tail
            if tail and not strict:
                break
            missed = 0.0 if family.slack_column is None else float(x[family.slack_column])
            short = family.sense * (family.limit_gy - times @ rates[on]) - missed
            if tail:
                short[self._excused[number]] = -np.inf
            bad = np.flatnonzero(short > _SHORT_FRAC * family.limit_gy)
            bad = bad[np.lexsort((-short[bad], family.cubes.cube[bad]))]
            worst = bad[np.unique(family.cubes.cube[bad], return_index=True)[1]]
            new = family.rows(worst)
            for point, row, low, high in zip(worst, new.coefficients, new.low, new.high, strict=True):
                self.add(row, low, high, pays=family.name in paying, point=(number, int(point)) if tail else None)
        return self.count - before
