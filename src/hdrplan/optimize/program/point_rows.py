"""Families of rows: each knows all its points and names the few that a solution violates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray
from hdrplan.kernels.screen import (
    Cells,
    Doses,
    Limit,
    Worst,
    cell_extremes,
    cell_numbers,
    sorted_by_cell,
    worst_of_cells,
)
from hdrplan.optimize.program.lazy_lp import LazyLP, NewRows, margin
from hdrplan.threads import over_rows

__all__ = ["Cubes", "EveryPoint", "cells_of", "cubes_of"]

# One row for each cube of this edge and round: neighbouring points violate together, and one row mends them all.
CUBE_MM = 8.0
# The rows of a round are no more than there are dwells, for no more can bind at once, or than this many.
ROWS_LEAST = 50
# Points in a cell of the screen: fewer make its table as large as the matrix, more make its bounds loose.
CELL_POINTS = 12
# Rates that a thread takes at least: a tenth of a millisecond.
_RATES_EACH = 100_000


def cells_of(points_mm: FloatArray, edge_mm: float = CUBE_MM) -> IntArray:
    """Return for each point the number of its cube."""
    cell, _ = _numbered(points_mm, edge_mm)
    return cell


def _numbered(points_mm: FloatArray, edge_mm: float) -> tuple[IntArray, int]:
    low = np.array([points_mm[:, axis].min() for axis in range(3)])
    high = np.array([points_mm[:, axis].max() for axis in range(3)])
    many = ((high - low) / edge_mm).astype(np.int64) + 1
    cell = np.empty(len(points_mm), dtype=np.int64)
    over_rows(lambda first, last: cell_numbers(first, last, points_mm, low, edge_mm, many, cell), len(points_mm))
    return cell, int(many.prod())


@dataclass(frozen=True, slots=True, eq=False)
class Cubes:
    """Points by place: the cube of each, and smaller cells whose points lie together in ``order``.

    Parameters
    ----------
    cube : (n,) array
    order : (n,) array
        Points, cell by cell.
    start : (n_cells + 1,) array
        The points of cell c are ``order[start[c] : start[c + 1]]``; no cell is empty.
    """

    cube: IntArray
    order: IntArray
    start: IntArray


def cubes_of(points_mm: FloatArray) -> Cubes:
    """Sort points into cubes, and into cells of some dozen points."""
    cube, many = _numbered(points_mm, CUBE_MM)
    used = int((np.bincount(cube, minlength=many) > 0).sum())
    divisions = max(1, int((len(points_mm) / used / CELL_POINTS) ** (1 / 3)))
    cell, many = _numbered(points_mm, CUBE_MM / divisions)
    start, order = np.zeros(many + 2, dtype=np.int64), np.empty(len(cell), dtype=np.int64)
    sorted_by_cell(cell, start, order)
    begins = start[:-2][np.diff(start[:-1]) > 0]
    return Cubes(cube, order, np.append(begins, len(cell)))


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
    cubes : Cubes
        Of the n points.
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
        cubes: Cubes,
        n_columns: int,
        *,
        slack_column: int | None = None,
        given_gy: FloatArray | None = None,
    ) -> None:
        self.name, self.sense, self.limit_gy = name, sense, limit_gy
        self.cubes, self.n_columns, self.slack_column = cubes, n_columns, slack_column
        # Numba compiles anew for a writable array.
        self.gy_per_s = np.ascontiguousarray(gy_per_s).view()
        self.gy_per_s.setflags(write=False)
        n = len(gy_per_s)
        self.given_gy = np.zeros(n) if given_gy is None else np.array(given_gy, dtype=np.float64)
        self.excused: BoolArray = np.zeros(n, dtype=np.bool_)  # points outside the rule (the hottest cubic centimetre)
        # Row of the program -> its point. A point may have several: a row that holds only to the solver's tolerance is
        # asked for again.
        self.point_of: dict[int, int] = {}
        self._extremes: Doses | None = None  # of each cell: rates, dose given
        self._asked: IntArray = np.zeros(0, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.gy_per_s)

    def dose_gy(self, x: FloatArray) -> FloatArray:
        """Dose at all points, former sessions included."""
        return np.asarray(self.gy_per_s @ x[: self.gy_per_s.shape[1]] + self.given_gy)

    def violated(self, x: FloatArray) -> tuple[NewRows | None, float]:
        """Return the worst violated row of each cube, of the worst cubes."""
        points, short = self.short_gy(x)
        if len(points) == 0:
            return None, 0.0
        self._asked = self._one_a_cube(points, short)[: max(ROWS_LEAST, self.gy_per_s.shape[1])]
        return self.rows(self._asked), float(short.max()) / max(self.limit_gy, 1e-9)

    def short_gy(self, x: FloatArray) -> tuple[IntArray, FloatArray]:
        """Return the worst point of each cell that holds points on the wrong side, and by how much it is there.

        All points are judged, most of them by the bound of their cell.
        """
        extremes = self._extremes or self._measured()[0]
        slack = 0.0 if self.slack_column is None else float(x[self.slack_column])
        times = np.array(x[: self.gy_per_s.shape[1]])
        cells, doses = Cells(self.cubes.order, self.cubes.start), Doses(self.gy_per_s, self.given_gy)
        limit = Limit(float(self.sense), self.limit_gy - self.sense * slack, self.excused)
        n = len(extremes.rates)
        worst = Worst(np.empty(n, dtype=np.int64), np.empty(n))

        def block(first: int, last: int) -> None:
            worst_of_cells(first, last, cells, doses, extremes, times, limit, worst)

        over_rows(block, n, smallest=1 + _RATES_EACH // len(times))
        wrong = worst.short > 0.0
        return worst.point[wrong], worst.short[wrong]

    def _measured(self) -> tuple[Doses, IntArray, FloatArray]:
        """Extremes of each cell, its point that equal times serve worst, and that point's sum of rates."""
        n, n_dwells = len(self.cubes.start) - 1, self.gy_per_s.shape[1]
        cells, doses = Cells(self.cubes.order, self.cubes.start), Doses(self.gy_per_s, self.given_gy)
        extremes = Doses(np.empty((n, n_dwells)), np.empty(n))
        point, total = np.empty(n, dtype=np.int64), np.empty(n)

        def block(first: int, last: int) -> None:
            cell_extremes(first, last, cells, doses, float(self.sense), extremes, point, total)

        over_rows(block, n, smallest=1 + _RATES_EACH // n_dwells)
        self._extremes = extremes
        return extremes, point, total

    def _one_a_cube(self, points: IntArray, short: FloatArray) -> IntArray:
        """Return the worst point of each cube, the worst first."""
        order = np.lexsort((points, -short))
        _, first = np.unique(self.cubes.cube[points[order]], return_index=True)
        return np.asarray(points[order[np.sort(first)]])

    def first_rows(self, lp: LazyLP) -> None:
        """Give the program the points that equal times serve worst, one a cube, of a tenth of the cells."""
        _, point, total = self._measured()
        tenth = np.argsort(self.sense * total, kind="stable")[: max(1, len(total) // 10)]
        self._asked = self._one_a_cube(point[tenth], -self.sense * total[tenth])
        self.taken(lp.add(self.name, self.rows(self._asked)))

    def taken(self, first_row: int) -> None:
        """Remember which rows of the program each point has become."""
        self.point_of.update({first_row + k: int(point) for k, point in enumerate(self._asked)})

    def excuse(self, mask: BoolArray, lp: LazyLP) -> None:
        """Free the points of the mask from the limit, and bind all others."""
        self.excused = mask
        for row, point in self.point_of.items():
            limit = self.limit_gy - float(self.given_gy[point])
            free = np.inf if mask[point] else 0.0
            lp.limit(row, *((limit - free, np.inf) if self.sense == 1 else (-np.inf, limit + free)))

    def rows(self, at: IntArray) -> NewRows:
        """Return the rows of some points."""
        coefficients = np.zeros((len(at), self.n_columns))
        coefficients[:, : self.gy_per_s.shape[1]] = self.gy_per_s[at]
        if self.slack_column is not None:
            coefficients[:, self.slack_column] = self.sense
        limit = self.limit_gy - self.given_gy[at]
        none = np.full(len(at), np.inf)
        low, high = (limit, none) if self.sense == 1 else (-none, limit)
        return NewRows(coefficients, low, high, margin(self.limit_gy))


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
        self._last_given = float(share @ block.given_gy)
        low, high = self._limits(self._last_given)
        return NewRows(row, np.array([low]), np.array([high]), margin(block.limit_gy)), worst

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
