"""A linear program over very many rows, of which only the violated ones ever reach the solver.

The program is ``min c x`` under ``low <= R x <= high`` and ``least <= x <= most``, where R has one row per sample
point. Each round solves what has been added so far (HiGHS, dual simplex, from the last basis), asks every family of
rows which of its rows the solution violates, and adds the worst of them. The end is proven twice: no row of any family
is violated, and weak duality bounds the optimum from below. The bound is computed here, from the rows and the
solver's multipliers, not taken from the solver: it holds for whatever multipliers it is given.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import highspy
import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.errors import HdrPlanError

__all__ = ["SOLVER", "LazyLP", "NewRows", "RowFamily", "Solution", "margin"]

# What the solver takes for holding a row.
TOLERANCE = 1e-9
# Ways to price of the dual simplex, as HiGHS numbers them.
DEVEX, STEEPEST = 1, 2

SOLVER = f"HiGHS {highspy.HIGHS_VERSION_MAJOR}.{highspy.HIGHS_VERSION_MINOR}.{highspy.HIGHS_VERSION_PATCH}"


def margin(limit: float) -> float:
    """By how much tighter than true a limit is solved, in its unit.

    Rows count as violated only beyond the true limit: the plan holds every limit to the last digit, and the price is a
    gap of about this size times the limits' prices.
    """
    return 2.0 * TOLERANCE * max(1.0, abs(limit))


class NewRows(NamedTuple):
    """Rows to add: coefficients (m, n_columns), true lower and upper limits (m,), and how much tighter to solve."""

    coefficients: FloatArray
    low: FloatArray
    high: FloatArray
    margin: float = 0.0


class RowFamily(Protocol):
    """All rows of one kind, known only through the question which of them a point violates."""

    name: str

    def violated(self, x: FloatArray) -> tuple[NewRows | None, float]:
        """Return the rows worth adding (None where all hold), and the largest violation as a fraction of the limit."""
        ...

    def taken(self, first_row: int) -> None:
        """Hear that the rows just returned were added, and the number of the first."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """What one solve ended with.

    Parameters
    ----------
    status : {"optimal", "infeasible", "stopped"}
        ``stopped``: time limit or solver failure; ``x`` then is the last solution of a part of the rows.
    x : (n_columns,) array
    value, bound : float
        Objective at ``x``, and the lower bound of every feasible objective, both computed here.
    violation : float
        Largest violation over all rows of all families, as a fraction of the limit; never negative.
    rows_used : int
        Rows the solver was given.
    multipliers : dict
        Family -> sum of its rows' multipliers times the sign of the limit they press on.
    rounds : int
    """

    status: str
    x: FloatArray
    value: float
    bound: float
    violation: float
    rows_used: int
    multipliers: dict[str, float]
    rounds: int


class _Silent(highspy.Highs):  # type: ignore[misc]
    """HiGHS that never prints: 1.16 writes to stdout while it is built, at its first call that sets no option."""

    def enableCallbacks(self) -> None:  # noqa: N802
        self.silent()
        super().enableCallbacks()


class LazyLP:
    """One linear program, kept warm between solves with other costs, bounds or limits.

    Parameters
    ----------
    least, most : (n_columns,) arrays
        Bounds of the variables; all finite, so that every set of multipliers gives a bound.
    """

    def __init__(self, least: FloatArray, most: FloatArray) -> None:
        self.least, self.most = least.astype(np.float64), most.astype(np.float64)
        self.families: list[RowFamily] = []
        self._owner: list[str] = []
        self._rows: list[FloatArray] = []
        self._low: list[float] = []
        self._high: list[float] = []
        self._margin: list[float] = []
        # Of the last solve: sum of multipliers times limits, and of multipliers times rows.
        self.dual: tuple[float, FloatArray] = (0.0, np.zeros(len(least)))
        # Of the last solve: numbers of the rows with a multiplier.
        self.pressing: IntArray = np.zeros(0, dtype=np.int64)
        self._solver = _Silent()
        for option, value in (
            ("presolve", "off"),  # would forget the basis
            ("solver", "simplex"),
            ("simplex_dual_edge_weight_strategy", DEVEX),  # steepest edges cost more after new rows than they save
            ("primal_feasibility_tolerance", TOLERANCE),
            ("dual_feasibility_tolerance", TOLERANCE),
        ):
            self._solver.setOptionValue(option, value)
        self._solver.addVars(len(least), self.least, self.most)

    def add(self, family: str, new: NewRows) -> int:
        """Add rows under a family's name; return the number of the first."""
        m, n = new.coefficients.shape
        first = len(self._rows)
        if m == 0:
            return first
        self._owner += [family] * m
        self._rows += list(new.coefficients)
        self._low += new.low.tolist()
        self._high += new.high.tolist()
        self._margin += [new.margin] * m
        entries = np.ascontiguousarray(new.coefficients, dtype=np.float64)
        column = np.tile(np.arange(n, dtype=np.int32), m)
        keep = entries.ravel() != 0.0
        start = np.concatenate(([0], np.cumsum(keep.reshape(m, n).sum(axis=1))[:-1])).astype(np.int32)
        low, high = new.low + new.margin, new.high - new.margin
        self._solver.addRows(m, low, high, int(keep.sum()), start, column[keep], entries.ravel()[keep])
        return first

    def limit(self, row: int, low: float, high: float) -> None:
        """Give one row other limits; infinite ones free it."""
        if (low, high) != (self._low[row], self._high[row]):
            self._low[row], self._high[row] = low, high
            self._solver.changeRowBounds(row, low + self._margin[row], high - self._margin[row])

    def rewrite(self, row: int, coefficients: FloatArray, low: float, high: float) -> None:
        """Put another row in the place of one: rows taken out would cost the solver its basis."""
        for j in np.flatnonzero(coefficients != self._rows[row]):
            self._solver.changeCoeff(row, int(j), float(coefficients[j]))
        self._rows[row] = coefficients
        self.limit(row, low, high)

    def copy(self, rows: Iterable[int] | None = None) -> LazyLP:
        """Return a program of its own with the same bounds and rows (or some of them), and no families."""
        new = LazyLP(self.least, self.most)
        for i in range(len(self._rows)) if rows is None else rows:
            limits = np.array([self._low[i]]), np.array([self._high[i]])
            new.add(self._owner[i], NewRows(self._rows[i][None, :], *limits, self._margin[i]))
        return new

    def none_proven(self) -> bool:
        """Whether the multipliers of the last solve, which found no solution, prove that there is none."""
        _, has_ray, ray = self._solver.getDualRay()
        if not has_ray:
            return False
        y, nothing = np.asarray(ray), np.zeros(len(self.least))
        # With the zero objective a bound above zero is a contradiction.
        return max(self._bound(nothing, y)[0], self._bound(nothing, -y)[0]) > 0.0

    @property
    def rows_used(self) -> int:
        """Rows that the solver has been given."""
        return len(self._rows)

    def row(self, number: int) -> FloatArray:
        """Return the coefficients of one row."""
        return self._rows[number]

    def owner(self, number: int) -> str:
        """Return the family of one row."""
        return self._owner[number]

    def limits(self, number: int) -> tuple[float, float]:
        """Return the true lower and upper limit of one row."""
        return self._low[number], self._high[number]

    def rows_of(self, family: str) -> list[int]:
        """Return the numbers of all rows of a family."""
        return [i for i, owner in enumerate(self._owner) if owner == family]

    def bounds(self, columns: IntArray, least: FloatArray, most: FloatArray) -> None:
        """Give some variables other bounds."""
        self.least[columns], self.most[columns] = least, most
        self._solver.changeColsBounds(len(columns), columns.astype(np.int32), self.least[columns], self.most[columns])

    def solve(
        self,
        cost: FloatArray,
        *,
        deadline: float = np.inf,
        most_rounds: int = 200,
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
        most_rounds : int
        primal : bool
            Begin with the primal simplex: quicker where the last solution is feasible and only the cost is new.
        check : bool
            False: only the rows added so far, for a bound; no row is looked for.
        tolerance_frac : float
            Violation, as a fraction of a limit, at which to be content.
        """
        columns = np.arange(len(cost), dtype=np.int32)
        self._solver.changeColsCost(len(cost), columns, cost)
        violation, status, x, y = np.inf, "stopped", self.least.copy(), np.zeros(0)
        rounds = 0
        while rounds < most_rounds and time.monotonic() < deadline:
            rounds += 1
            self._solver.setOptionValue("simplex_strategy", 4 if primal and rounds == 1 else 1)
            outcome = self._run(deadline)
            if outcome != highspy.HighsModelStatus.kOptimal:
                if outcome == highspy.HighsModelStatus.kInfeasible:
                    status = "infeasible"
                break
            found: Any = self._solver.getSolution()
            x = np.clip(np.asarray(found.col_value), self.least, self.most)
            y = np.asarray(found.row_dual)
            if not check:
                break
            answers = [(family, *family.violated(x)) for family in self.families]
            violation = max([0.0, *(worst for _, _, worst in answers)])
            if violation <= tolerance_frac:
                status = "optimal"
                break
            for family, new, _ in answers:
                if new is not None:
                    family.taken(self.add(family.name, new))
        value = float(cost @ x)
        bound, multipliers = self._bound(cost, y)
        return Solution(status, x, value, bound, violation, len(self._rows), multipliers, rounds)

    def _run(self, deadline: float) -> Any:
        if np.isfinite(deadline):
            # HiGHS counts the time of all runs of one object.
            left = max(0.01, deadline - time.monotonic())
            self._solver.setOptionValue("time_limit", self._solver.getRunTime() + left)
        # Devex goes in circles now and then: a hundred thousand steps where a thousand are enough.
        self._solver.setOptionValue("simplex_iteration_limit", 1000 + 2 * (len(self._rows) + len(self.least)))
        self._solver.run()
        status = self._solver.getModelStatus()
        if status == highspy.HighsModelStatus.kIterationLimit:
            self._solver.setOptionValue("simplex_iteration_limit", 1_000_000)
            self._solver.setOptionValue("simplex_dual_edge_weight_strategy", STEEPEST)
            self._solver.run()
            self._solver.setOptionValue("simplex_dual_edge_weight_strategy", DEVEX)
            status = self._solver.getModelStatus()
        if status in (highspy.HighsModelStatus.kUnknown, highspy.HighsModelStatus.kNotset):
            # A basis that lost its accuracy or cannot be inverted, or no start at all: once more from the beginning.
            self._solver.clearSolver()
            self._solver.run()
            status = self._solver.getModelStatus()
        if status == highspy.HighsModelStatus.kNotset:
            raise HdrPlanError("the solver did not start", remedy="Run in a fresh process.")
        return status

    def _bound(self, cost: FloatArray, y: FloatArray) -> tuple[float, dict[str, float]]:
        """Weak duality: for any multipliers, sum of limits times multipliers plus the best the box can do."""
        low, high = np.array(self._low[: len(y)]), np.array(self._high[: len(y)])
        # A multiplier on an absent limit proves nothing; solvers leave some of 1e-12.
        y = np.where((y > 0) & np.isinf(low) | (y < 0) & np.isinf(high), 0.0, y)
        used = np.flatnonzero(y)
        limits = np.where(y[used] > 0, low[used], high[used])
        rows = np.array([self._rows[i] for i in used]).reshape(len(used), len(cost))
        self.dual = float(y[used] @ limits), y[used] @ rows
        self.pressing = used
        reduced = cost - self.dual[1]
        bound = self.dual[0] + float(np.minimum(reduced * self.least, reduced * self.most).sum())
        prices: dict[str, float] = {}
        for i in used:
            prices[self._owner[i]] = prices.get(self._owner[i], 0.0) + float(y[i])
        return bound, prices
