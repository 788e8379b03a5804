"""The mean dose of the hottest or coldest volume: a convex limit, stricter than the dose-volume goal of its value."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.dose import weighted_rates
from hdrplan.optimize.program.lazy_lp import LazyLP, margin
from hdrplan.optimize.program.point_rows import LimitedPoints
from hdrplan.optimize.program.rows import NewRows

__all__ = ["MeanTail", "TailOf"]


@dataclass(frozen=True, slots=True)
class TailOf:
    """Owner of the rows of a mean tail: the dose-volume goal whose rows it stands for."""

    goal: Hashable


class MeanTail:
    """Family of rows: the mean dose of the hottest (coldest) volume stays on its side of a limit, one row a round.

    It gives a dose-volume goal a first set of points to leave out.

    Parameters
    ----------
    points : LimitedPoints
    volume_cc : (n,) array
    tail_cc : float
        The volume whose mean dose is limited.
    """

    def __init__(self, points: LimitedPoints, volume_cc: FloatArray, tail_cc: float) -> None:
        self.points, self.volume_cc, self.tail_cc = points, volume_cc, tail_cc
        self.limit_gy = points.limit_gy
        self._earlier_gy: dict[int, float] = {}  # row of the program -> mean earlier dose in it

    @property
    def owner(self) -> Hashable:
        """Under which key the multipliers of its rows are summed."""
        return TailOf(self.points.owner)

    def _share(self, dose_gy: FloatArray) -> FloatArray:
        """Return the share of each point in the hottest (coldest) volume; of equal doses the first points."""
        first = self.points.sense * dose_gy
        order = np.argsort(first)
        reached = np.cumsum(self.volume_cc[order])
        last = first[order[min(int(np.searchsorted(reached, self.tail_cc)), len(order) - 1)]]
        share = np.where(first < last, self.volume_cc, 0.0)
        equal = np.flatnonzero(first == last)
        before = np.cumsum(self.volume_cc[equal]) - self.volume_cc[equal]
        share[equal] = np.clip(self.tail_cc - share.sum() - before, 0.0, self.volume_cc[equal])
        return np.asarray(share / share.sum())

    def mean_gy(self, x: FloatArray) -> float:
        """Mean dose of the hottest (coldest) volume."""
        dose_gy = self.points.dose_gy(x)
        return float(self._share(dose_gy) @ dose_gy)

    def violated(self, x: FloatArray) -> tuple[NewRows | None, float]:
        """Return the row of the points that are now the hottest."""
        points = self.points
        dose_gy = points.dose_gy(x)
        # No mean is beyond the farthest point: most goals never need their order.
        farthest = points.sense * float((points.sense * dose_gy).min())
        if points.sense * (self.limit_gy - farthest) <= points.miss_gy(x):
            return None, 0.0
        share = self._share(dose_gy)
        short = points.sense * (self.limit_gy - float(share @ dose_gy)) - points.miss_gy(x)
        worst = short / max(points.limit_gy, 1e-9)
        if worst <= 0.0:
            return None, worst
        row = np.zeros((1, points.n_columns))
        row[0, : points.n_dwells] = weighted_rates(share, points.gy_per_s)
        if points.miss_column is not None:
            row[0, points.miss_column] = points.sense
        earlier_gy = float(share @ points.earlier_gy)
        low, high = (np.array([limit]) for limit in points.row_limits(self.limit_gy, earlier_gy))
        return NewRows(row, low, high, margin(points.limit_gy), earlier_gy=np.array([earlier_gy])), worst

    def taken(self, first_row: int, new: NewRows) -> None:
        """Remember the row, for another limit later."""
        assert new.earlier_gy is not None
        self._earlier_gy[first_row] = float(new.earlier_gy[0])

    def relimit(self, limit_gy: float, lp: LazyLP) -> None:
        """Give all rows another limit; an infinite one frees them."""
        self.limit_gy = limit_gy
        for row, earlier_gy in self._earlier_gy.items():
            lp.limit(row, *self.points.row_limits(limit_gy, earlier_gy))
