"""The rows of one limit at all points of a structure: judged by cells, given to the program where they are violated."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray, RateArray, freeze
from hdrplan.dose import doses_of
from hdrplan.kernels.screen import Doses, Limit, Worst, worst_of_cells
from hdrplan.optimize.program.cell_bounds import RATES_EACH, CellBounds
from hdrplan.optimize.program.cubes import Cubes
from hdrplan.optimize.program.lazy_lp import LazyLP, margin
from hdrplan.optimize.program.rows import NewRows
from hdrplan.threads import over_rows

__all__ = ["LimitedPoints", "PointRows"]

# The rows of a round are no more than there are dwells, for no more can bind at once, or than this many.
ROWS_MINIMUM = 50


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LimitedPoints:
    """Points at which the dose shall stay on one side of a limit.

    ``dose + miss >= limit`` or ``dose - miss <= limit``: with ``miss_column`` a variable of the program makes up for
    what is missing.

    Parameters
    ----------
    owner : hashable
        Under which key the multipliers of the rows are summed.
    gy_per_s : (n, n_dwells) array
        A view of the rate matrix, never a copy.
    limit_gy : float
    sense : {1, -1}
        1: at least, -1: at most.
    cubes : Cubes
        Of the n points.
    n_columns : int
        Of the program; dwell times come first, then other variables.
    miss_column : int or None
    earlier_gy : (n,) array
        Dose that is there before.
    """

    owner: Hashable
    gy_per_s: RateArray
    limit_gy: float
    sense: int
    cubes: Cubes
    n_columns: int
    earlier_gy: FloatArray
    miss_column: int | None = None

    def __post_init__(self) -> None:
        # Numba compiles anew for a writable array.
        rates = np.ascontiguousarray(self.gy_per_s).view()
        rates.setflags(write=False)
        object.__setattr__(self, "gy_per_s", rates)
        freeze(self, "earlier_gy", (len(rates),))

    def __len__(self) -> int:
        return len(self.gy_per_s)

    @property
    def n_dwells(self) -> int:
        """Columns that are dwell times."""
        return int(self.gy_per_s.shape[1])

    @property
    def doses(self) -> Doses:
        """Rates and earlier dose, as the kernels take them."""
        return Doses(self.gy_per_s, self.earlier_gy)

    def dose_gy(self, x: FloatArray) -> FloatArray:
        """Dose at all points, with what is there before."""
        return doses_of(self.gy_per_s, x[: self.n_dwells]) + self.earlier_gy

    def miss_gy(self, x: FloatArray) -> float:
        """By how much the limit may be missed at ``x``."""
        return 0.0 if self.miss_column is None else float(x[self.miss_column])

    def row_limits(self, limit_gy: float, earlier_gy: float) -> tuple[float, float]:
        """Lower and upper limit of a row whose dose is ``earlier_gy`` before."""
        limit = limit_gy - earlier_gy
        return (limit, np.inf) if self.sense == 1 else (-np.inf, limit)

    def rows(self, at: IntArray, limit_gy: float) -> NewRows:
        """Return the rows of some points under a limit."""
        coefficients = np.zeros((len(at), self.n_columns))
        coefficients[:, : self.n_dwells] = self.gy_per_s[at]
        if self.miss_column is not None:
            coefficients[:, self.miss_column] = self.sense
        limit = limit_gy - self.earlier_gy[at]
        none = np.full(len(at), np.inf)
        low, high = (limit, none) if self.sense == 1 else (-none, limit)
        return NewRows(coefficients, low, high, margin(limit_gy), at)


class PointRows:
    """Family of rows: one limit at every point that is not excused.

    Parameters
    ----------
    points : LimitedPoints
    """

    def __init__(self, points: LimitedPoints) -> None:
        self.points, self.limit_gy = points, points.limit_gy
        self.excused: BoolArray = np.zeros(
            len(points), dtype=np.bool_
        )  # outside the rule (the hottest cubic centimetre)
        # Row of the program -> its point. A point may have several: a row that holds only to the solver's tolerance is
        # asked for again.
        self.point_of: dict[int, int] = {}
        self._bounds: CellBounds | None = None

    @property
    def owner(self) -> Hashable:
        """Under which key the multipliers of its rows are summed."""
        return self.points.owner

    # -- judging --------------------------------------------------------------------------------------------------

    def violated(self, x: FloatArray) -> tuple[NewRows | None, float]:
        """Return the worst violated row of each cube, of the worst cubes."""
        at, short = self.short_gy(x, self.limit_gy)
        if len(at) == 0:
            return None, 0.0
        asked = self._worst_of_each_cube(at, short)[: max(ROWS_MINIMUM, self.points.n_dwells)]
        return self.points.rows(asked, self.limit_gy), float(short.max()) / max(self.limit_gy, 1e-9)

    def worst_frac(self, x: FloatArray, limit_gy: float) -> float:
        """Largest violation of a limit at ``x``, as a fraction of it; 0 where it holds."""
        _, short = self.short_gy(x, limit_gy)
        return float(short.max()) / max(limit_gy, 1e-9) if len(short) else 0.0

    def short_gy(self, x: FloatArray, limit_gy: float) -> tuple[IntArray, FloatArray]:
        """Return the worst point of each cell that holds points on the wrong side, and by how much it is there.

        All points are judged, most of them by the bound of their cell.
        """
        points = self.points
        times, cells, n_cells = np.array(x[: points.n_dwells]), points.cubes.cells, points.cubes.n_cells
        bound = self._measured().at(times)
        limit = Limit(float(points.sense), limit_gy - points.sense * points.miss_gy(x), self.excused)
        worst = Worst(np.empty(n_cells, dtype=np.int64), np.empty(n_cells))

        def block(first: int, last: int) -> None:
            worst_of_cells(first, last, cells, points.doses, bound, times, limit, worst)

        over_rows(block, n_cells, smallest=1 + RATES_EACH // len(times))
        wrong = worst.short > 0.0
        return worst.point[wrong], worst.short[wrong]

    def _measured(self) -> CellBounds:
        if self._bounds is None:
            points = self.points
            self._bounds = CellBounds(points.doses, points.cubes, points.sense)
        return self._bounds

    def _worst_of_each_cube(self, at: IntArray, short: FloatArray) -> IntArray:
        """Return the worst point of each cube, the worst first."""
        order = np.lexsort((at, -short))
        _, first = np.unique(self.points.cubes.cube[at[order]], return_index=True)
        return np.asarray(at[order[np.sort(first)]])

    # -- rows in a program ----------------------------------------------------------------------------------------

    def first_rows(self) -> NewRows:
        """Return the points that equal times serve worst, one a cube, of a tenth of the cells."""
        cells, sense = self._measured(), self.points.sense
        tenth = np.argsort(sense * cells.total, kind="stable")[: max(1, len(cells.total) // 10)]
        asked = self._worst_of_each_cube(cells.point[tenth], -sense * cells.total[tenth])
        return self.points.rows(asked, self.limit_gy)

    def taken(self, first_row: int, new: NewRows) -> None:
        """Remember which rows of the program each point has become."""
        assert new.points is not None
        self.point_of.update({first_row + k: int(point) for k, point in enumerate(new.points)})

    def forget(self, rows: set[int]) -> None:
        """Hear that some rows of the program are of no account any more."""
        self.point_of = {row: point for row, point in self.point_of.items() if row not in rows}

    def excuse(self, mask: BoolArray, lp: LazyLP) -> None:
        """Free the points of the mask from the limit, and bind all others."""
        self.excused = mask
        self.relimit(self.limit_gy, lp)

    def relimit(self, limit_gy: float, lp: LazyLP) -> None:
        """Give the rows of all points that are not excused another limit."""
        self.limit_gy = limit_gy
        for row, point in self.point_of.items():
            low, high = self.points.row_limits(limit_gy, float(self.points.earlier_gy[point]))
            lp.limit(row, *((-np.inf, np.inf) if self.excused[point] else (low, high)))
