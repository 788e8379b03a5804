"""Families of rows: each knows all its points and names the few that a solution violates."""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray
from hdrplan.optimize.lp import MARGIN, LazyLP, NewRows

__all__ = ["EveryPoint", "cells_of"]

# One row for each cube of this edge and round: neighbouring points violate together, and one row mends them all.
CELL_MM = 8.0
# Points within this fraction of their limit are looked at first, where there are at least so many points in all.
WATCHED_FRAC = 0.3
WATCHED_LEAST = 20_000


def cells_of(points_mm: FloatArray, edge_mm: float = CELL_MM) -> IntArray:
    """Return for each point the number of its cube."""
    index = np.floor((points_mm - points_mm.min(axis=0)) / edge_mm).astype(np.int64)
    _, ny, nz = index.max(axis=0) + 1
    return np.asarray((index[:, 0] * ny + index[:, 1]) * nz + index[:, 2])


class EveryPoint:
    """The dose at every point of a structure stays on the right side of a limit.

    ``A x + given + gap >= limit`` or ``A x + given - excess <= limit``: with ``slack_column`` a variable may make up
    for what is missing.

    Parameters
    ----------
    name : str
    gy_per_s : (n, n_dwells) array
        A view of the rate matrix, never a copy.
    limit_gy : float
    sense : {1, -1}
        1: at least, -1: at most.
    cells : (n,) array
    n_columns : int
        Dwell times come first, then other variables.
    slack_column : int or None
    given_gy : (n,) array or None
        Dose of former sessions.
    """

    def __init__(
        self,
        name: str,
        gy_per_s: FloatArray,
        limit_gy: float,
        sense: int,
        cells: IntArray,
        n_columns: int,
        *,
        slack_column: int | None = None,
        given_gy: FloatArray | None = None,
    ) -> None:
        self.name, self.sense, self.limit_gy = name, sense, limit_gy
        self.gy_per_s, self.cells = gy_per_s, cells
        self.n_columns, self.slack_column = n_columns, slack_column
        self.given_gy = given_gy
        self.excused: BoolArray | None = None  # points outside the rule (the hottest cubic centimetre)
        # Row of the program -> its point. A point may have several: a row that holds only to the solver's tolerance is
        # asked for again.
        self.point_of: dict[int, int] = {}
        self._watched: IntArray | None = None
        self._watched_rows: FloatArray = np.zeros((0, 0))
        self._asked: IntArray = np.zeros(0, dtype=np.int64)

    def dose_gy(self, x: FloatArray) -> FloatArray:
        """Dose at all points, former sessions included."""
        dose = self.gy_per_s @ x[: self.gy_per_s.shape[1]]
        return dose if self.given_gy is None else dose + self.given_gy

    def violated(self, x: FloatArray) -> tuple[NewRows | None, float]:
        """Return the worst violated row of each cube."""
        at, short = self._watched, self._short_gy(x, self._watched)
        if at is None or not (short > 0.0).any():
            at, short = None, self._short_gy(x, None) if at is not None else short
            self._watch(short)
        worst = float(short.max(initial=-np.inf)) / max(self.limit_gy, 1e-9)
        if worst <= 0.0:
            return None, worst
        bad = np.flatnonzero(short > 0.0)
        self._asked = self._one_a_cube(bad if at is None else at[bad], short[bad])
        return self.rows(self._asked), worst

    def _one_a_cube(self, points: IntArray, short: FloatArray) -> IntArray:
        order = np.lexsort((points, -short, self.cells[points]))
        points = points[order]
        first = np.ones(len(points), dtype=np.bool_)
        first[1:] = self.cells[points[1:]] != self.cells[points[:-1]]
        return np.asarray(points[first])

    def first_rows(self, lp: LazyLP) -> None:
        """Give the program the tenth of the points that equal times serve worst, one a cube: saves some rounds."""
        short = -self.sense * self.dose_gy(np.ones(self.n_columns))
        tenth = np.argsort(-short, kind="stable")[: max(1, len(short) // 10)]
        self._asked = self._one_a_cube(tenth, short[tenth])
        self.taken(lp.add(self.name, self.rows(self._asked)))

    def _short_gy(self, x: FloatArray, at: IntArray | None) -> FloatArray:
        """By how much each point (of all, or of the watched ones) is on the wrong side."""
        if at is None:
            dose = self.dose_gy(x)
        else:
            dose = self._watched_rows @ x[: self.gy_per_s.shape[1]]
            dose = dose if self.given_gy is None else dose + self.given_gy[at]
        slack = 0.0 if self.slack_column is None else float(x[self.slack_column])
        short = np.asarray(self.sense * (self.limit_gy - dose) - slack)
        if self.excused is not None:
            short[self.excused if at is None else self.excused[at]] = -np.inf
        return short

    def _watch(self, short: FloatArray) -> None:
        """Choose the points near their limit: the next rounds look at them first, and at all only when they hold."""
        if len(short) < WATCHED_LEAST:
            return
        if self._watched is None:
            near = np.flatnonzero(short > -WATCHED_FRAC * self.limit_gy)
            # Copying half of the matrix would cost more than it saves.
            if len(near) < len(short) // 2:
                self._watched, self._watched_rows = near, self.gy_per_s[near]
        elif (short > 0.0).any():
            new = np.setdiff1d(np.flatnonzero(short > -0.1 * WATCHED_FRAC * self.limit_gy), self._watched)
            self._watched = np.concatenate((self._watched, new))
            self._watched_rows = np.concatenate((self._watched_rows, self.gy_per_s[new]))

    def taken(self, first_row: int) -> None:
        """Remember which rows of the program each point has become."""
        self.point_of.update({first_row + k: int(point) for k, point in enumerate(self._asked)})

    def excuse(self, mask: BoolArray, lp: LazyLP) -> None:
        """Free the points of the mask from the limit, and bind all others."""
        self.excused = mask
        for row, point in self.point_of.items():
            limit = self.limit_gy - (0.0 if self.given_gy is None else float(self.given_gy[point]))
            free = np.inf if mask[point] else 0.0
            lp.limit(row, *((limit - free, np.inf) if self.sense == 1 else (-np.inf, limit + free)))

    def rows(self, at: IntArray) -> NewRows:
        """Return the rows of some points."""
        coefficients = np.zeros((len(at), self.n_columns))
        coefficients[:, : self.gy_per_s.shape[1]] = self.gy_per_s[at]
        if self.slack_column is not None:
            coefficients[:, self.slack_column] = self.sense
        limit = np.full(len(at), self.limit_gy)
        if self.given_gy is not None:
            limit -= self.given_gy[at]
        none = np.full(len(at), np.inf)
        low, high = (limit, none) if self.sense == 1 else (-none, limit)
        return NewRows(coefficients, low, high, MARGIN * self.limit_gy)


class Tail:
    """The mean dose of the hottest (or coldest) volume stays on the right side of a limit: convex, one row a round.

    Stricter than a dose-volume goal of the same limit. It gives that goal a first set of excused points.
    """

    def __init__(self, name: str, block: EveryPoint, volume_cc: FloatArray, tail_cc: float) -> None:
        self.name, self.block, self.volume_cc, self.tail_cc = name, block, volume_cc, tail_cc
        self.limit_gy = block.limit_gy
        self._given: dict[int, float] = {}  # row of the program -> mean dose of former sessions in it
        self._last_given = 0.0

    def _share(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        dose = self.block.dose_gy(x)
        order = np.lexsort((np.arange(len(dose)), -dose if self.block.sense == -1 else dose))
        before = np.cumsum(self.volume_cc[order]) - self.volume_cc[order]
        share = np.zeros(len(dose))
        share[order] = np.clip(self.tail_cc - before, 0.0, self.volume_cc[order])
        return share / share.sum(), dose

    def mean_gy(self, x: FloatArray) -> float:
        """Mean dose of the hottest (coldest) volume."""
        share, dose = self._share(x)
        return float(share @ dose)

    def violated(self, x: FloatArray) -> tuple[NewRows | None, float]:
        """Return the row of the points that are now the hottest."""
        block = self.block
        share, dose = self._share(x)
        slack = 0.0 if block.slack_column is None else float(x[block.slack_column])
        worst = (block.sense * (self.limit_gy - float(share @ dose)) - slack) / max(block.limit_gy, 1e-9)
        if worst <= 0.0:
            return None, worst
        row = np.zeros((1, block.n_columns))
        row[0, : block.gy_per_s.shape[1]] = share @ block.gy_per_s
        if block.slack_column is not None:
            row[0, block.slack_column] = block.sense
        self._last_given = 0.0 if block.given_gy is None else float(share @ block.given_gy)
        low, high = self._limits(self._last_given)
        return NewRows(row, np.array([low]), np.array([high]), MARGIN * block.limit_gy), worst

    def _limits(self, given_gy: float) -> tuple[float, float]:
        limit = self.limit_gy - given_gy
        return (limit, np.inf) if self.block.sense == 1 else (-np.inf, limit)

    def taken(self, first_row: int) -> None:
        """Remember the row, for another limit later."""
        self._given[first_row] = self._last_given

    def relimit(self, limit_gy: float, lp: LazyLP) -> None:
        """Give all rows another limit."""
        self.limit_gy = limit_gy
        for row, given in self._given.items():
            lp.limit(row, *self._limits(given))
