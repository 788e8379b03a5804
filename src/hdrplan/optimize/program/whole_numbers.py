"""A program whose dwell times are whole multiples of a step: branch and bound in HiGHS, rows added as they break."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import numpy as np

from hdrplan.arrays import FloatArray, IntArray, freeze
from hdrplan.optimize.program.lazy_lp import RowFamily
from hdrplan.optimize.program.rows import NewRows, Row
from hdrplan.optimize.program.simplex import TOLERANCE, silent_solver
from hdrplan.stopping import asked_to_stop, stop_if_asked

__all__ = ["WholeColumns", "WholeNumbers", "WholeSolution"]

# Solutions that break a row not yet known cost a search each.
MAX_ROUNDS = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WholeColumns:
    """Variables of a program, in the units of that program.

    Parameters
    ----------
    cost, lower, upper : (n,) arrays
    step : (n,) array
        A column is a whole multiple of its step; 0 where it may be any number.
    excess_of : (m,) int array
        Columns (misses) that may exceed their upper bound.
    excess_limit : (m,) array
        By how much at most; may be infinite.
    excess_cost : (m,) array
        What a unit of that costs.
    """

    cost: FloatArray
    lower: FloatArray
    upper: FloatArray
    step: FloatArray
    excess_of: IntArray
    excess_limit: FloatArray
    excess_cost: FloatArray

    def __post_init__(self) -> None:
        for name in ("cost", "lower", "upper", "step"):
            freeze(self, name, (None,))
        freeze(self, "excess_of", (None,), dtype=np.int64)
        freeze(self, "excess_limit", (len(self.excess_of),), finite=False)
        freeze(self, "excess_cost", (len(self.excess_of),))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WholeSolution:
    """The best that a search found, and what nothing between the bounds of its columns can pass.

    Parameters
    ----------
    x : (n,) array
        Holds all rows of all families; what exceeds a bound at a cost is in it.
    bound : float
        Proven: no whole numbers within the bounds cost less, the price of what they exceed included.
    """

    x: FloatArray
    bound: float


class WholeNumbers:
    """One program in whole numbers.

    Parameters
    ----------
    columns : WholeColumns
    max_nodes : int
        Branches of each search: work is limited by them, never by seconds, so that all machines agree.
    gap_frac : float
        A search ends when its bound is this near.
    """

    def __init__(self, columns: WholeColumns, *, max_nodes: int, gap_frac: float) -> None:
        self.columns, self.n = columns, len(columns.cost)
        whole = np.flatnonzero(columns.step > 0)
        self._unit = np.where(columns.step > 0, columns.step, 1.0)
        self._solver = silent_solver()
        for option, value in (
            ("mip_max_nodes", max_nodes),
            ("mip_rel_gap", gap_frac),
            ("mip_abs_gap", 0.0),
            ("parallel", "off"),
            ("mip_feasibility_tolerance", TOLERANCE),
            ("primal_feasibility_tolerance", TOLERANCE),
        ):
            self._solver.setOptionValue(option, value)
        excess = np.zeros(len(columns.excess_of))
        lower = np.concatenate((columns.lower / self._unit, excess))
        upper = np.concatenate((columns.upper / self._unit, columns.excess_limit))
        cost = np.concatenate((columns.cost * self._unit, columns.excess_cost))
        total = len(cost)
        self._solver.addVars(total, lower, upper)
        self._solver.changeColsCost(total, np.arange(total, dtype=np.int32), cost)
        kinds = [highspy.HighsVarType.kInteger] * len(whole)
        self._solver.changeColsIntegrality(len(whole), whole.astype(np.int32), kinds)

    def add(self, coefficients: FloatArray, low: FloatArray, high: FloatArray) -> None:
        """Add rows ``low <= coefficients @ x <= high``, in the units of the program.

        Parameters
        ----------
        coefficients : (m, n) array
        low, high : (m,) arrays
            Infinite where a side is free.
        """
        scaled = np.concatenate((coefficients * self._unit, coefficients[:, self.columns.excess_of]), axis=1)
        m, total = scaled.shape
        start = (np.arange(m) * total).astype(np.int32)
        index = np.tile(np.arange(total, dtype=np.int32), m)
        self._solver.addRows(m, low, high, m * total, start, index, scaled.ravel())

    def add_rows(self, rows: Sequence[Row]) -> None:
        """Add rows that bind in a linear program, as much tighter as they are solved there."""
        bound = [row for row in rows if np.isfinite(row.low) or np.isfinite(row.high)]
        if bound:
            low = np.array([row.low + row.margin for row in bound])
            high = np.array([row.high - row.margin for row in bound])
            self.add(np.array([row.coefficients for row in bound]), low, high)

    def solve(self, start: FloatArray, families: Sequence[RowFamily]) -> WholeSolution | None:
        """Search from a start, until the best found breaks no row of any family.

        Parameters
        ----------
        start : (n,) array
            Need not hold the rows; the search begins with it where it does.
        families : sequence of RowFamily

        Returns
        -------
        WholeSolution or None
            None where no whole numbers were found that hold all rows.

        Raises
        ------
        StoppedError
            The work is no longer wanted (:mod:`hdrplan.stopping`); a search ends within a branch.
        """
        self._end_when_asked()
        for _ in range(MAX_ROUNDS):
            self._begin_at(start)
            self._solver.run()
            stop_if_asked()
            values = np.asarray(self._solver.getSolution().col_value)
            info = self._solver.getInfo()
            if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
                return None
            x = self._in_program(values)
            broken = [new for new, _ in (family.violated(x) for family in families) if new is not None]
            if not broken:
                return WholeSolution(x=x, bound=float(info.mip_dual_bound))
            for new in broken:
                self._add_new(new)
        return None

    def _end_when_asked(self) -> None:
        """Let the work of this thread be stopped within a search, where somebody may stop it."""
        asked = asked_to_stop()
        if asked is None:
            return

        def interrupt(event: highspy.HighsCallbackEvent) -> None:
            if asked():
                event.data_in.user_interrupt = True  # highspy 1.10 has no method for it

        self._solver.cbMipInterrupt.subscribe(interrupt)

    def _add_new(self, new: NewRows) -> None:
        self.add(new.coefficients, new.low + new.margin, new.high - new.margin)

    def _begin_at(self, x: FloatArray) -> None:
        """Give the solver a first solution: what exceeds an upper bound goes where it costs."""
        exceeds = np.maximum(0.0, x[self.columns.excess_of] - self.columns.upper[self.columns.excess_of])
        inside = np.clip(x, self.columns.lower, self.columns.upper) / self._unit
        solution = highspy.HighsSolution()
        solution.col_value = np.concatenate((inside, exceeds)).tolist()
        self._solver.setSolution(solution)

    def _in_program(self, values: FloatArray) -> FloatArray:
        """Return the program's columns: whole steps to the last digit, and all that is missed in one."""
        own = values[: self.n]
        x = np.where(self.columns.step > 0, np.round(np.round(own) * self._unit, 9), own) + 0.0
        x[self.columns.excess_of] += values[self.n :]
        return np.asarray(x)
