"""Rows that mattered to some set of catheters, and the quick solve of one set under them.

Rows that always bind give a bound whatever rows are missing. Rows of dose-volume goals bind in a ``strict`` solve only,
and there all but the points excused at one plan: a guess at what a set can reach under these goals, no bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray, IntArray
from hdrplan.kernels.cover import cheapest_cover
from hdrplan.optimize.program.point_rows import PointRows

__all__ = ["RowPool", "WatchedPoints"]

# Points missed by less than this fraction of their limit count as held: single precision tells no more.
_SHORT_FRAC = 1e-5
# Rows for which there is room at first.
_ROOM = 1024


@dataclass(frozen=True, slots=True, eq=False)
class WatchedPoints:
    """All points under one limit, whose rows enter the pool as soon as a set violates them.

    Parameters
    ----------
    family : PointRows
        Of the main program.
    pays : bool
        Whether it is a prescription's.
    tail : bool
        Whether it is a dose-volume goal's.
    """

    family: PointRows
    pays: bool
    tail: bool

    def single_precision(self) -> npt.NDArray[np.float32]:
        """(n_dwells, n_points) rates, a quarter of the time to multiply."""
        return np.ascontiguousarray(self.family.points.gy_per_s.T, dtype=np.float32)


class RowPool:
    """Rows ``row @ x >= limit``; they only ever become more.

    Parameters
    ----------
    columns : int array
        Of the main program: those that cost something. All others are zero.
    n_dwells : int
        The first columns are dwell times.
    watched : sequence of WatchedPoints
        Those of dose-volume goals come last.
    """

    def __init__(self, columns: IntArray, n_dwells: int, watched: Sequence[WatchedPoints]) -> None:
        self._columns, self._n_dwells, self.count = columns, n_dwells, 0
        self._watched = [(points, points.single_precision()) for points in watched]
        self._excused: dict[int, BoolArray] = {}  # number of a dose-volume goal -> its points that are free
        # (columns, at least count): the rest is room to grow, and the kernel reads whole lines.
        self._rows = np.zeros((len(columns), _ROOM))
        # (3, at least count): length of each row, its limit in strict solves, its limit in all others.
        self._numbers = np.ones((3, _ROOM))
        self._pays = np.zeros(_ROOM, dtype=np.bool_)
        self._point = np.full((_ROOM, 2), -1)  # number of the dose-volume goal, and point

    def add(
        self, row: FloatArray, low: float, high: float, *, pays: bool = False, point: tuple[int, int] | None = None
    ) -> None:
        """Add one row of the main program.

        Parameters
        ----------
        row : (n_columns,) array
        low, high : float
            One of them infinite.
        pays : bool
            Whether it is a prescription's.
        point : (int, int), optional
            Number of the dose-volume goal and of its point.
        """
        k = self.count
        if k == len(self._pays):
            self._rows = np.concatenate((self._rows, np.zeros_like(self._rows)), axis=1)
            self._numbers, self._pays = np.tile(self._numbers, 2), np.tile(self._pays, 2)
            self._point = np.tile(self._point, (2, 1))
        sign, limit = (1.0, low) if np.isfinite(low) else (-1.0, -high)
        self._rows[:, k] = sign * row[self._columns]
        self._numbers[:, k] = np.linalg.norm(self._rows[:, k]), limit, limit if point is None else -np.inf
        self._pays[k], self._point[k] = pays, (-1, -1) if point is None else point
        self.count += 1

    def excuse(self, masks: Sequence[BoolArray]) -> None:
        """Free some points of each dose-volume goal in strict solves, and bind all others."""
        tails = [number for number, (watched, _) in enumerate(self._watched) if watched.tail]
        self._excused = dict(zip(tails, masks, strict=True))
        for k in np.flatnonzero(self._point[: self.count, 0] >= 0):
            number, point = (int(i) for i in self._point[k])
            family = self._watched[number][0].family
            here = family.points.rows(np.array([point]), family.limit_gy)
            limit = here.low[0] if np.isfinite(here.low[0]) else -here.high[0]
            self._numbers[1, k] = -np.inf if self._excused[number][point] else limit

    def solve(
        self, columns: IntArray, cost: FloatArray, longest: FloatArray, *, strict: bool
    ) -> tuple[FloatArray, FloatArray]:
        """Solve for the cheapest values of some columns under the rows so far.

        Parameters
        ----------
        columns : (m,) int array
            Of the pool; all others are zero.
        cost, longest : (m,) arrays
            Of the columns: cost, and greatest value.
        strict : bool
            Whether rows of dose-volume goals bind.

        Returns
        -------
        (count,) array
            Multipliers of the rows.
        (m,) array
            Values of the columns.
        """
        size, limit = self._numbers[0, : self.count], self._numbers[1 if strict else 2, : self.count]
        multipliers, values = cheapest_cover(self._rows, size, limit, columns, cost, longest)
        return multipliers, np.clip(values, 0.0, longest)

    def weigh(self, multipliers: FloatArray) -> tuple[float, float, FloatArray]:
        """Return multipliers times limits, the prescriptions' share of it, and multipliers times rows."""
        used = np.flatnonzero(multipliers)
        gained = self._numbers[1, used] * multipliers[used]
        return (float(gained.sum()), float(gained[self._pays[used]].sum()), self._rows[:, used] @ multipliers[used])

    def fill(self, x: FloatArray, *, strict: bool) -> int:
        """Take in the rows that ``x`` violates, the worst of each cube.

        Parameters
        ----------
        x : (n_columns,) array
            Of the main program.
        strict : bool
            Whether rows of dose-volume goals are looked at, but for the points excused.

        Returns
        -------
        int
            How many were taken in.
        """
        before, on = self.count, np.flatnonzero(x[: self._n_dwells])
        times = x[on].astype(np.float32)
        for number, (watched, rates) in enumerate(self._watched):
            if watched.tail and not strict:
                break
            family = watched.family
            points, cube = family.points, family.points.cubes.cube
            short = points.sense * (family.limit_gy - times @ rates[on]) - points.miss_gy(x)
            if watched.tail:
                short[self._excused[number]] = -np.inf
            bad = np.flatnonzero(short > _SHORT_FRAC * family.limit_gy)
            bad = bad[np.lexsort((-short[bad], cube[bad]))]
            worst = bad[np.unique(cube[bad], return_index=True)[1]]
            new = points.rows(worst, family.limit_gy)
            for point, row, low, high in zip(worst, new.coefficients, new.low, new.high, strict=True):
                self.add(row, low, high, pays=watched.pays, point=(number, int(point)) if watched.tail else None)
        return self.count - before
