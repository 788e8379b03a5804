"""HiGHS as this room uses it: rows and bounds change, the basis stays."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import NamedTuple

import highspy
import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray
from hdrplan.errors import HdrPlanError

__all__ = ["SOLVER", "TOLERANCE", "LPStatus", "Run", "Simplex", "silent_solver"]

# What the solver takes for holding a row.
TOLERANCE = 1e-9
# Ways to price of the dual simplex, and the two simplex methods, as HiGHS numbers them.
DEVEX, STEEPEST = 1, 2
DUAL, PRIMAL = 1, 4

SOLVER = f"HiGHS {highspy.HIGHS_VERSION_MAJOR}.{highspy.HIGHS_VERSION_MINOR}.{highspy.HIGHS_VERSION_PATCH}"


class LPStatus(StrEnum):
    """How a linear program ended; ``STOPPED``: a limit of time or work, or a failure of the solver."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    STOPPED = "stopped"


class Run(NamedTuple):
    """What one run of the solver ended with: values of the columns and multipliers of the rows, if it is optimal."""

    status: LPStatus
    x: FloatArray
    y: FloatArray


class _Silent(highspy.Highs):  # type: ignore[misc]
    """HiGHS that never prints: 1.16 writes to stdout while it is built, at its first call that sets no option."""

    def enableCallbacks(self) -> None:  # noqa: N802
        self.silent()
        super().enableCallbacks()


def silent_solver() -> highspy.Highs:
    """Return a solver that never prints."""
    return _Silent()


class Simplex:
    """One program inside HiGHS, solved by the simplex method from its last basis.

    Parameters
    ----------
    lower, upper : (n_columns,) arrays
        Bounds of the variables.
    """

    def __init__(self, lower: FloatArray, upper: FloatArray) -> None:
        self._solver = silent_solver()
        for option, value in (
            ("presolve", "off"),  # would forget the basis
            ("solver", "simplex"),
            ("simplex_dual_edge_weight_strategy", DEVEX),  # steepest edges cost more after new rows than they save
            ("primal_feasibility_tolerance", TOLERANCE),
            ("dual_feasibility_tolerance", TOLERANCE),
        ):
            self._solver.setOptionValue(option, value)
        self._solver.addVars(len(lower), lower, upper)
        # Row -> its place in the solver, -1 where it was left out.
        self._place: IntArray = np.zeros(0, dtype=np.int64)

    @property
    def held(self) -> IntArray:
        """Rows that were not left out."""
        return np.flatnonzero(self._place >= 0)

    def leave_out(self, spare: BoolArray) -> IntArray:
        """Take rows out of the solver that its basis can do without, for good.

        Parameters
        ----------
        spare : (m,) bool array
            Of all rows so far, which may go.

        Returns
        -------
        (k,) int array
            Those that went.
        """
        basis, held = self._solver.getBasis(), self.held
        basic = np.array([status == highspy.HighsBasisStatus.kBasic for status in basis.row_status], dtype=np.bool_)
        if not basis.valid or len(basic) != len(held):
            return held[:0]
        out = spare[held] & basic
        self._solver.deleteRows(int(out.sum()), np.flatnonzero(out).astype(np.int32))
        basis.row_status = [status for status, gone in zip(basis.row_status, out, strict=True) if not gone]
        self._solver.setBasis(basis)
        self._place[held] = np.where(out, -1, np.cumsum(~out) - 1)
        return held[out]

    def begin_at(self, x: FloatArray, *, lower: FloatArray, upper: FloatArray, tight: BoolArray) -> None:
        """Begin the next run near a solution of nearly the same program.

        Parameters
        ----------
        x, lower, upper : (n_columns,) arrays
            The solution, and the bounds of the variables.
        tight : (m,) bool array
            Which rows of the solver it presses on.
        """
        at = highspy.HighsBasisStatus
        basis = highspy.HighsBasis()
        columns = np.where(x <= lower, 0, np.where(x >= upper, 1, 2)).tolist()
        basis.col_status = [(at.kLower, at.kUpper, at.kBasic)[k] for k in columns]
        basis.row_status = [at.kLower if on else at.kBasic for on in tight.tolist()]
        # Too many or too few for a basis: the solver makes one of them.
        basis.valid = basis.alien = True
        self._solver.setBasis(basis)

    def add_rows(self, coefficients: FloatArray, low: FloatArray, high: FloatArray) -> None:
        """Add rows ``low <= coefficients @ x <= high``.

        Parameters
        ----------
        coefficients : (m, n_columns) array
        low, high : (m,) arrays
        """
        m, n = coefficients.shape
        entries = np.ascontiguousarray(coefficients, dtype=np.float64).ravel()
        column = np.tile(np.arange(n, dtype=np.int32), m)
        keep: BoolArray = entries != 0.0
        start = np.concatenate(([0], np.cumsum(keep.reshape(m, n).sum(axis=1))[:-1])).astype(np.int32)
        first = self._solver.getNumRow()
        self._solver.addRows(m, low, high, int(keep.sum()), start, column[keep], entries[keep])
        self._place = np.concatenate((self._place, np.arange(first, first + m)))

    def bound_row(self, row: int, low: float, high: float) -> None:
        """Give a row other limits.

        Parameters
        ----------
        row : int
        low, high : float
        """
        if self._place[row] >= 0:
            self._solver.changeRowBounds(int(self._place[row]), low, high)

    def change_row(self, row: int, columns: IntArray, coefficients: FloatArray) -> None:
        """Give a row other coefficients in some columns.

        Parameters
        ----------
        row : int
        columns : (m,) int array
        coefficients : (m,) array
        """
        place = int(self._place[row])
        for j, coefficient in zip(columns, coefficients, strict=True):
            self._solver.changeCoeff(place, int(j), float(coefficient))

    def bound_columns(self, columns: IntArray, lower: FloatArray, upper: FloatArray) -> None:
        """Give some variables other bounds.

        Parameters
        ----------
        columns : (m,) int array
        lower, upper : (m,) arrays
        """
        self._solver.changeColsBounds(len(columns), columns.astype(np.int32), lower, upper)

    def set_cost(self, cost: FloatArray) -> None:
        """Minimise ``cost @ x`` from now on."""
        self._solver.changeColsCost(len(cost), np.arange(len(cost), dtype=np.int32), cost)

    def run(self, *, primal: bool, deadline: float) -> Run:
        """Solve from the last basis, until ``time.monotonic()`` is ``deadline``.

        Raises
        ------
        HdrPlanError
            The solver cannot start, as in some processes made by a fork.
        """
        solver = self._solver
        solver.setOptionValue("simplex_strategy", PRIMAL if primal else DUAL)
        if np.isfinite(deadline):
            # HiGHS counts the time of all runs of one object.
            left = max(0.01, deadline - time.monotonic())
            solver.setOptionValue("time_limit", solver.getRunTime() + left)
        outcome = self._outcome()
        if outcome == highspy.HighsModelStatus.kInfeasible:
            return Run(LPStatus.INFEASIBLE, np.zeros(0), np.zeros(0))
        if outcome != highspy.HighsModelStatus.kOptimal:
            return Run(LPStatus.STOPPED, np.zeros(0), np.zeros(0))
        solution = solver.getSolution()
        return Run(LPStatus.OPTIMAL, np.asarray(solution.col_value), self._of_all_rows(solution.row_dual))

    def _of_all_rows(self, y: object) -> FloatArray:
        values = np.zeros(len(self._place))
        values[self.held] = np.asarray(y)
        return values

    def _outcome(self) -> highspy.HighsModelStatus:
        solver = self._solver
        status: highspy.HighsModelStatus
        # Devex goes in circles now and then: a hundred thousand steps where a thousand are enough.
        solver.setOptionValue("simplex_iteration_limit", 1000 + 2 * (solver.getNumRow() + solver.getNumCol()))
        solver.run()
        status = solver.getModelStatus()
        if status == highspy.HighsModelStatus.kIterationLimit:
            solver.setOptionValue("simplex_iteration_limit", 1_000_000)
            solver.setOptionValue("simplex_dual_edge_weight_strategy", STEEPEST)
            solver.run()
            solver.setOptionValue("simplex_dual_edge_weight_strategy", DEVEX)
            status = solver.getModelStatus()
        if status in (highspy.HighsModelStatus.kUnknown, highspy.HighsModelStatus.kNotset):
            # A basis that lost its accuracy or cannot be inverted, or no start at all: once more from the beginning.
            solver.clearSolver()
            solver.run()
            status = solver.getModelStatus()
        if status == highspy.HighsModelStatus.kNotset:
            raise HdrPlanError("the solver did not start", remedy="Run in a fresh process.")
        return status

    def infeasibility_ray(self) -> FloatArray | None:
        """Return the multipliers with which the last run shows that there is no solution, None where it has none."""
        _, has_ray, ray = self._solver.getDualRay()
        return self._of_all_rows(ray) if has_ray else None
