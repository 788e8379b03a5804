"""Requirements as rows over dwell times and misses."""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.dose import weighted_rates
from hdrplan.errors import InputError
from hdrplan.optimize.objectives import TotalTime
from hdrplan.optimize.problem import PlanProblem
from hdrplan.optimize.program.columns import Columns
from hdrplan.optimize.program.cubes import cubes_of
from hdrplan.optimize.program.lazy_lp import margin
from hdrplan.optimize.program.point_rows import LimitedPoints
from hdrplan.optimize.program.requirements import Kind, Requirement
from hdrplan.optimize.program.rows import NewRows

__all__ = ["mean_row", "objective_cost", "points_of", "ratio_rows", "single_limit", "single_row"]


def mean_row(problem: PlanProblem, rows: slice) -> FloatArray:
    """Coefficients of the volume-weighted mean dose of some points: (n_dwells,) in Gy/s."""
    volume = problem.points.volume_cc[rows]
    if not volume.sum() > 0:
        raise InputError("a mean dose needs sample points with volume", got="none")
    return weighted_rates(volume, problem.rate.at(rows)) / float(volume.sum())


def objective_cost(problem: PlanProblem, columns: Columns) -> FloatArray:
    """Return the problem's objective as weights of the columns."""
    objective = problem.objective
    if isinstance(objective, TotalTime):
        return columns.cost(1.0)
    return columns.cost(mean_row(problem, problem.points.rows(objective.structure)))


def single_limit(problem: PlanProblem, requirement: Requirement) -> float:
    """Limit of a mean dose or of the total time, without what is there before."""
    if requirement.kind != Kind.MEAN or problem.earlier_gy is None:
        return requirement.limit
    rows = requirement.rows
    return requirement.limit - float(np.average(problem.earlier_gy[rows], weights=problem.points.volume_cc[rows]))


def single_row(problem: PlanProblem, requirement: Requirement, *, miss_column: int, n_columns: int) -> NewRows:
    """Return the one row of a mean dose or of the total time.

    Parameters
    ----------
    problem : PlanProblem
    requirement : Requirement
        Of kind ``MEAN`` or ``TIME``.
    miss_column : int
        Column of what it may be missed by.
    n_columns : int
        Of the program; dwell times come first.

    Returns
    -------
    NewRows
    """
    row = np.zeros((1, n_columns))
    row[0, miss_column] = requirement.sense
    row[0, : problem.n_dwells] = 1.0 if requirement.kind == Kind.TIME else mean_row(problem, requirement.rows)
    limit = single_limit(problem, requirement)
    low, high = (limit, np.inf) if requirement.sense == 1 else (-np.inf, limit)
    return NewRows(row, np.array([low]), np.array([high]), margin(requirement.limit))


def points_of(problem: PlanProblem, requirement: Requirement, *, miss_column: int, n_columns: int) -> LimitedPoints:
    """Return all points of a requirement under its limit.

    Parameters
    ----------
    problem : PlanProblem
    requirement : Requirement
        Of kind ``EVERY_POINT`` or ``DOSE_VOLUME``.
    miss_column : int
        Column of what it may be missed by.
    n_columns : int
        Of the program; dwell times come first.

    Returns
    -------
    LimitedPoints
    """
    rows = requirement.rows
    return LimitedPoints(
        owner=requirement.id,
        gy_per_s=problem.rate.at(rows),
        limit_gy=requirement.limit,
        sense=requirement.sense,
        cubes=cubes_of(problem.points.points_mm[rows]),
        n_columns=n_columns,
        earlier_gy=np.zeros(rows.stop - rows.start) if problem.earlier_gy is None else problem.earlier_gy[rows],
        miss_column=miss_column,
    )


def ratio_rows(pairs: IntArray, ratio: float, *, n_columns: int) -> NewRows:
    """Neighbouring times differ by at most a factor: both ``t_i <= ratio t_j`` and the reverse.

    Parameters
    ----------
    pairs : (m, 2) int array
    ratio : float
    n_columns : int

    Returns
    -------
    NewRows
        2 m of them.
    """
    both = np.concatenate((pairs, pairs[:, ::-1]))
    rows = np.zeros((len(both), n_columns))
    rows[np.arange(len(both)), both[:, 0]] = 1.0
    rows[np.arange(len(both)), both[:, 1]] = -ratio
    return NewRows(rows, np.full(len(both), -np.inf), np.zeros(len(both)), points=np.arange(len(both)))
