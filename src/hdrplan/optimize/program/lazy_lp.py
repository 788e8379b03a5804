"""A linear program over very many rows, of which only the violated ones ever reach the solver.

The program is ``min c x`` under ``low <= R x <= high`` and ``lower <= x <= upper``, where R has one row per sample
point. Each round solves what has been added so far (HiGHS, dual simplex, from the last basis), asks every family of
rows which of its rows the solution violates, and adds the worst of them. The end is proven twice: no row of any family
is violated, and weak duality bounds the optimum from below. The bound is computed here, from the rows and the
solver's multipliers, not taken from the solver: it holds for whatever multipliers it is given.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray
from hdrplan.optimize.program.rows import Dual, NewRows, Row, RowTable
from hdrplan.optimize.program.simplex import SOLVER, TOLERANCE, LPStatus, Simplex
from hdrplan.stopping import stop_if_asked

__all__ = ["SOLVER", "Excused", "LPStatus", "LazyLP", "NewRows", "RowFamily", "Solution", "margin"]

# From so many rows a column on, those with this much room to spare, as a fraction of their limit, are left out.
MANY, SPARE_FRAC = 5, 0.02
# Requirement -> mask of the points that a dose-volume goal leaves out.
Excused = Mapping[int, BoolArray]


def margin(limit: float) -> float:
    """By how much tighter than true a limit is solved, in its unit.

    Rows count as violated only beyond the true limit: the plan holds every limit to the last digit, and the price is a
    gap of about this size times the limits' prices.
    """
    return 2.0 * TOLERANCE * max(1.0, abs(limit))


class RowFamily(Protocol):
    """All rows of one kind, known only through the question which of them a point violates."""

    @property
    def owner(self) -> Hashable:
        """Under which key the multipliers of its rows are summed."""
        ...

    def violated(self, x: FloatArray) -> tuple[NewRows | None, float]:
        """Return the rows worth adding (None where all hold), and the largest violation as a fraction of the limit."""
        ...

    def taken(self, first_row: int, new: NewRows) -> None:
        """Hear that rows it named were added, and the number of the first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """What one solve ended with.

    Parameters
    ----------
    status : LPStatus
        Where it is ``STOPPED``, ``x`` is the last solution under a part of the rows.
    x : (n_columns,) array
    value, bound : float
        Objective at ``x``, and the lower bound of every feasible objective, both computed here.
    violation : float
        Largest violation over all rows of all families, as a fraction of the limit; never negative.
    rows_used : int
        Rows the solver was given.
    rounds : int
    dual : Dual
        The multipliers that prove ``bound``.
    excused : mapping
        Requirement -> points that a dose-volume goal left out; empty where no such goal was at work.
    """

    status: LPStatus
    x: FloatArray
    value: float
    bound: float
    violation: float
    rows_used: int
    rounds: int
    dual: Dual
    excused: Excused = field(default_factory=dict)


class LazyLP:
    """One linear program, kept warm between solves with other costs, bounds or limits.

    Parameters
    ----------
    lower, upper : (n_columns,) arrays
        Bounds of the variables; all finite, so that every set of multipliers gives a bound.
    """

    def __init__(self, lower: FloatArray, upper: FloatArray) -> None:
        self.lower, self.upper = lower.astype(np.float64), upper.astype(np.float64)
        self.families: list[RowFamily] = []
        self._table = RowTable()
        self._simplex = Simplex(self.lower, self.upper)

    # -- rows and bounds ------------------------------------------------------------------------------------------

    @property
    def rows_used(self) -> int:
        """Rows that the solver has been given."""
        return len(self._table)

    @property
    def held(self) -> IntArray:
        """Numbers of the rows that were not left out again."""
        return self._simplex.held

    def row(self, number: int) -> Row:
        """Return one row."""
        return self._table[number]

    def add(self, owner: Hashable, new: NewRows) -> int:
        """Add rows of one owner; return the number of the first."""
        first = len(self._table)
        if len(new.coefficients):
            self._table.append(owner, new)
            self._simplex.add_rows(new.coefficients, new.low + new.margin, new.high - new.margin)
        return first

    def limit(self, number: int, low: float, high: float) -> None:
        """Give one row other limits.

        Parameters
        ----------
        number : int
        low, high : float
            Infinite ones free it.
        """
        row = self._table[number]
        if (low, high) != (row.low, row.high):
            self._table.relimit(number, low, high)
            self._simplex.bound_row(number, low + row.margin, high - row.margin)

    def rewrite(self, number: int, coefficients: FloatArray, *, low: float, high: float) -> None:
        """Put another row in the place of one: rows taken out would cost the solver its basis.

        Parameters
        ----------
        number : int
        coefficients : (n_columns,) array
        low, high : float
        """
        changed = np.flatnonzero(coefficients != self._table[number].coefficients)
        self._simplex.change_row(number, changed, coefficients[changed])
        self._table.rewrite(number, coefficients)
        self.limit(number, low, high)

    def bounds(self, columns: IntArray, lower: FloatArray | float, upper: FloatArray | float) -> None:
        """Give some variables other bounds.

        Parameters
        ----------
        columns : (m,) int array
        lower, upper : float or (m,) array
        """
        self.lower[columns], self.upper[columns] = lower, upper
        self._simplex.bound_columns(columns, self.lower[columns], self.upper[columns])

    def copy(self, rows: Iterable[int] | None = None) -> LazyLP:
        """Return a program of its own with the same bounds and rows (or some of them), and no families."""
        new = LazyLP(self.lower, self.upper)
        for i in self.held.tolist() if rows is None else rows:
            row = self._table[i]
            limits = np.array([row.low]), np.array([row.high])
            new.add(row.owner, NewRows(row.coefficients[None, :], *limits, row.margin, np.array([row.point])))
        return new

    def thin_out(self, x: FloatArray) -> IntArray:
        """Leave rows out of the solver that hold at ``x`` with room to spare, where it has very many.

        Their families find them again. Of 64 dwells the solver took 26 s for 700 programs with 4,000 rows, 2.3 s so.

        Parameters
        ----------
        x : (n_columns,) array
            The last solution.

        Returns
        -------
        (m,) int array
            Numbers of the rows that are of no account any more.
        """
        if len(self._simplex.held) <= MANY * len(self.lower):
            return np.zeros(0, dtype=np.int64)
        return self._simplex.leave_out(self._table.slack(x, SPARE_FRAC))

    def begin_near(self, x: FloatArray, near_frac: float) -> None:
        """Begin the next solve near a solution of nearly the same program: with the rows that it presses on.

        Parameters
        ----------
        x : (n_columns,) array
        near_frac : float
            Of a row's limit: how near to it the solution is where it presses on it.
        """
        tight = self._table.tight(x, near_frac)[self.held]
        self._simplex.begin_at(x, lower=self.lower, upper=self.upper, tight=tight)

    # -- solving --------------------------------------------------------------------------------------------------

    def solve(
        self,
        cost: FloatArray,
        *,
        deadline: float = np.inf,
        max_rounds: int = 200,
        primal: bool = False,
        check: bool = True,
        tolerance_frac: float = 0.0,
    ) -> Solution:
        """Minimise ``cost @ x`` over all rows of all families.

        Parameters
        ----------
        cost : (n_columns,) array
        deadline : float
            ``time.monotonic()`` at which to stop with what there is.
        max_rounds : int
        primal : bool
            Begin with the primal simplex: quicker where the last solution is feasible and only the cost is new.
        check : bool
            False: only the rows added so far, for a bound; no row is looked for.
        tolerance_frac : float
            Violation, as a fraction of a limit, at which to be content.

        Returns
        -------
        Solution
        """
        self._simplex.set_cost(cost)
        violation, status, x, y = np.inf, LPStatus.STOPPED, self.lower.copy(), np.zeros(0)
        rounds = 0
        while rounds < max_rounds and time.monotonic() < deadline:
            stop_if_asked()
            rounds += 1
            run = self._simplex.run(primal=primal and rounds == 1, deadline=deadline)
            if run.status != LPStatus.OPTIMAL:
                status = run.status
                break
            x, y = np.clip(run.x, self.lower, self.upper), run.y
            if not check:
                break
            answers = [(family, *family.violated(x)) for family in self.families]
            violation = max([0.0, *(worst for _, _, worst in answers)])
            if violation <= tolerance_frac:
                status = LPStatus.OPTIMAL
                break
            for family, new, _ in answers:
                if new is not None:
                    family.taken(self.add(family.owner, new), new)
        dual = self._table.dual(y, self.lower, self.upper)
        return Solution(
            status=status,
            x=x,
            value=float(cost @ x),
            bound=dual.bound(cost),
            violation=violation,
            rows_used=len(self._table),
            rounds=rounds,
            dual=dual,
        )

    def none_proven(self) -> bool:
        """Whether the multipliers of the last solve, which found no solution, prove that there is none."""
        ray = self._simplex.infeasibility_ray()
        if ray is None:
            return False
        nothing = np.zeros(len(self.lower))
        # With the zero objective a bound above zero is a contradiction.
        duals = [self._table.dual(y, self.lower, self.upper) for y in (ray, -ray)]
        return max(dual.bound(nothing) for dual in duals) > 0.0
