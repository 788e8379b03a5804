"""Families of rows: each knows all its points and names the few that a solution violates."""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray
from hdrplan.optimize.lp import MARGIN, NewRows

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
        return self.rows(order[first]), worst

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
