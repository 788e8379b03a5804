"""Families of rows: each knows all its points and names the few that a solution violates."""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray
from hdrplan.optimize.lp import MARGIN, LazyLP, NewRows

__all__ = ["EveryPoint", "cells_of"]

# One row for each cube of this edge and round: neighbouring points violate together, and one row mends them all.
CELL_MM = 8.0


def cells_of(points_mm: FloatArray) -> IntArray:
    """Return for each point the number of its cube of 8 mm."""
    index = np.floor((points_mm - points_mm.min(axis=0)) / CELL_MM).astype(np.int64)
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
        self.row_of: dict[int, int] = {}  # point -> its row in the program
        self._asked: IntArray = np.zeros(0, dtype=np.int64)

    def dose_gy(self, x: FloatArray) -> FloatArray:
        """Dose at all points, former sessions included."""
        dose = self.gy_per_s @ x[: self.gy_per_s.shape[1]]
        return dose if self.given_gy is None else dose + self.given_gy

    def violated(self, x: FloatArray) -> tuple[NewRows | None, float]:
        """Return the worst violated row of each cube."""
        slack = 0.0 if self.slack_column is None else float(x[self.slack_column])
        short = self.sense * (self.limit_gy - self.dose_gy(x)) - slack
        if self.excused is not None:
            short[self.excused] = -np.inf
        worst = float(short.max(initial=-np.inf)) / max(self.limit_gy, 1e-9)
        if worst <= 0.0:
            return None, worst
        bad = np.flatnonzero(short > 0.0)
        order = bad[np.lexsort((bad, -short[bad], self.cells[bad]))]
        first = np.ones(len(order), dtype=np.bool_)
        first[1:] = self.cells[order[1:]] != self.cells[order[:-1]]
        self._asked = order[first]
        return self.rows(self._asked), worst

    def taken(self, first_row: int) -> None:
        """Remember which row of the program each point has become."""
        self.row_of.update({int(point): first_row + k for k, point in enumerate(self._asked)})

    def excuse(self, mask: BoolArray, lp: LazyLP) -> None:
        """Free the points of the mask from the limit, and bind all others."""
        self.excused = mask
        for point, row in self.row_of.items():
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

    def violated(self, x: FloatArray) -> tuple[NewRows | None, float]:
        """Return the row of the points that are now the hottest."""
        block = self.block
        dose = block.dose_gy(x)
        order = np.lexsort((np.arange(len(dose)), -dose if block.sense == -1 else dose))
        before = np.cumsum(self.volume_cc[order]) - self.volume_cc[order]
        share = np.clip(self.tail_cc - before, 0.0, self.volume_cc[order])
        at, share = order[share > 0], share[share > 0] / share.sum()
        slack = 0.0 if block.slack_column is None else float(x[block.slack_column])
        worst = (block.sense * (block.limit_gy - float(share @ dose[at])) - slack) / max(block.limit_gy, 1e-9)
        if worst <= 0.0:
            return None, worst
        parts = block.rows(at)
        limit = parts.low if block.sense == 1 else parts.high
        none = np.array([np.inf])
        one = np.array([float(share @ limit)])
        low, high = (one, none) if block.sense == 1 else (-none, one)
        return NewRows((share @ parts.coefficients)[None, :], low, high, parts.margin), worst

    def taken(self, first_row: int) -> None:
        """Nothing to remember: these rows are never lifted one by one."""
