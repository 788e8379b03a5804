"""What a dose-volume goal says of the doses beyond the volume that it leaves out: rows that hold for every plan."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.kernels.tails import lowest_means
from hdrplan.optimize.program.lazy_lp import margin
from hdrplan.optimize.program.point_rows import LimitedPoints
from hdrplan.optimize.program.rows import NewRows
from hdrplan.threads import over_rows

__all__ = ["BeyondTail", "BeyondTailOf"]

# Volumes beyond the goal's own, as fractions of it: thin ones see more of a limit, thick ones more of the shape. Beside
# 34 and 270 cc the strongest of the last rows had 0.2 or 0.4, never 0, 0.05, 0.1 or 0.8.
BEYOND_FRACS = (0.2, 0.4)
# A row that tightens the limit by less than this is not worth one.
MINIMUM_GAIN_FRAC = 1e-4
# Rates that a thread takes at least: a tenth of a millisecond.
_RATES_EACH = 20_000


@dataclass(frozen=True, slots=True)
class BeyondTailOf:
    """Owner of the rows of volumes beyond the tail: the dose-volume goal that they follow from."""

    goal: Hashable


class BeyondTail:
    """Family of rows that every plan satisfies which holds a dose-volume goal; convex, weaker than the goal.

    Take any points with a volume of ``tail + s``. Where less than ``tail`` is above the limit, ``s`` of them is not,
    and neither is the mean dose of their coldest ``s``. That mean is at least the sum over the dwells of the time times
    the mean rate in the dwell's own coldest ``s``: a row of dwell times that must not exceed the limit. The points
    taken are the hottest of the solution to be cut off. Goals on the coldest volume: the other way round.

    Parameters
    ----------
    points : LimitedPoints
    volume_cc : (n,) array
    tail_cc : float
        The volume above the limit must stay below this.

    References
    ----------
    The mean of the smallest values is superadditive: Rockafellar RT, Uryasev S, J Risk 2:21, 2000,
    doi:10.21314/JOR.2000.038.
    """

    def __init__(self, points: LimitedPoints, volume_cc: FloatArray, tail_cc: float) -> None:
        self.points, self.volume_cc, self.tail_cc = points, volume_cc, tail_cc

    @property
    def owner(self) -> Hashable:
        """Under which key the multipliers of its rows are summed."""
        return BeyondTailOf(self.points.owner)

    def violated(self, x: FloatArray) -> tuple[NewRows | None, float]:
        """Return the row that cuts off ``x`` most, if any does."""
        points = self.points
        worse = -points.sense * points.dose_gy(x)
        inside = np.flatnonzero(self.volume_cc > 0)
        order = inside[np.argsort(-worse[inside], kind="stable")]
        reached_cc = np.cumsum(self.volume_cc[order])
        best, best_short = None, MINIMUM_GAIN_FRAC * points.limit_gy
        for frac in BEYOND_FRACS:
            n = int(np.searchsorted(reached_cc, (1.0 + frac) * self.tail_cc)) + 1
            if n > len(order):
                break
            beyond_cc = float(reached_cc[n - 1]) - self.tail_cc
            # No row says more than the doses themselves do: they take no look at the rates of all dwells.
            mean_gy = -points.sense * _mean_of_last(worse[order[:n]], self.volume_cc[order[:n]], beyond_cc)
            if points.sense * (points.limit_gy - mean_gy) - points.miss_gy(x) <= best_short:
                continue
            rates, earlier_gy = self._means(order[:n], beyond_cc)
            dose_gy = float(rates @ x[: points.n_dwells]) + earlier_gy
            short = points.sense * (points.limit_gy - dose_gy) - points.miss_gy(x)
            if short > best_short:
                best, best_short = (rates, earlier_gy), short
        if best is None:
            return None, 0.0
        return self._row(*best), best_short / max(points.limit_gy, 1e-9)

    def taken(self, first_row: int, new: NewRows) -> None:
        """Nothing to remember: the rows hold for ever."""

    def _means(self, at: IntArray, volume_cc: float) -> tuple[FloatArray, float]:
        """Mean rates of each dwell, and earlier dose, in the best ``volume_cc`` of some points."""
        points, own_cc = self.points, self.volume_cc[at]
        rates, earlier_gy = np.empty(points.n_dwells), np.empty(1)
        sign = -float(points.sense)

        def block(first: int, last: int) -> None:
            lowest_means(first, last, sign, points.gy_per_s, at, own_cc, volume_cc, rates)

        over_rows(block, points.n_dwells, smallest=1 + _RATES_EACH // len(at))
        lowest_means(0, 1, sign, points.earlier_gy[:, None], at, own_cc, volume_cc, earlier_gy)
        return rates, float(earlier_gy[0])

    def _row(self, rates: FloatArray, earlier_gy: float) -> NewRows:
        points = self.points
        row = np.zeros((1, points.n_columns))
        row[0, : points.n_dwells] = rates
        if points.miss_column is not None:
            row[0, points.miss_column] = points.sense
        low, high = (np.array([limit]) for limit in points.row_limits(points.limit_gy, earlier_gy))
        return NewRows(row, low, high, margin(points.limit_gy))


def _mean_of_last(value: FloatArray, volume_cc: FloatArray, wanted_cc: float) -> float:
    """Mean of the last values that together have the volume wanted."""
    after_cc = np.cumsum(volume_cc[::-1])[::-1] - volume_cc
    taken_cc = np.clip(wanted_cc - after_cc, 0.0, volume_cc)
    return float(taken_cc @ value / taken_cc.sum())
