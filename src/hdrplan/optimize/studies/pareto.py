"""Trade-offs: the whole surface between coverage, organs, time and healthy tissue, every plan a proven optimum."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import product
from threading import Lock

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.optimize.bounded import Bounded
from hdrplan.optimize.problem import PlanProblem
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.goal_rows import objective_cost
from hdrplan.optimize.program.lazy_lp import LPStatus, Solution
from hdrplan.optimize.program.proof_of import proof_of
from hdrplan.optimize.program.requirements import Kind, Requirement, numbered, required, requirements
from hdrplan.optimize.studies.front import Axis, Front, FrontPlan
from hdrplan.plan import Goal, parse_metric
from hdrplan.threads import thread_count

__all__ = ["pareto_front"]

# Plans whose doses at all points are computed in one product.
_PLANS_AT_ONCE = 64
# Parts of the surface, each with a solver of its own: as many as there are threads on a small machine, and always the
# same number, so that the plans do not depend on the machine.
_CHUNKS = 2


def pareto_front(
    problem: PlanProblem,
    axes: Sequence[Axis],
    *,
    tolerance_frac: float = 1e-4,
    on_progress: Callable[[int, int], None] | None = None,
) -> Front:
    """Least healthy dose for every combination of limits.

    One linear program serves many plans: each varied limit is a column whose bounds move, so that a plan is a few
    pivots from its neighbour and most of the rows it needs are there. Every plan is checked on all points before the
    next. The surface is divided into two parts, which threads share.

    Parameters
    ----------
    problem : PlanProblem
        Its prescriptions and convex hard goals hold for all plans; an axis on the D100 of a CTV takes the place of its
        prescription. Hard dose-volume goals only judge the plans; priority levels are left out. Without ``locked_s``
        and ``delivery``.
    axes : sequence of Axis
    tolerance_frac : float
        A plan may violate a limit by this fraction of it.
    on_progress : callable, optional
        Called with (combinations done, in all).

    Returns
    -------
    Front

    Raises
    ------
    InputError
        No axes, an axis on something that is not convex.
    InfeasibleError
        No combination is possible.
    """
    problem.refuse("locked_s", "delivery")
    grid = _grid(problem, axes)
    # The program takes violations as fractions of the greatest limit of an axis.
    strict_frac = tolerance_frac * min(float(axis.values.min() / axis.values.max()) for axis in axes)
    counted = _counter(len(grid.limits), on_progress)
    path = _there_and_back(tuple(len(axis.values) for axis in axes))
    with ThreadPoolExecutor(min(_CHUNKS, thread_count())) as pool:
        chunks = np.array_split(path, _CHUNKS)
        solutions = list(pool.map(lambda chunk: _solved(grid, chunk, strict_frac, counted), chunks))
    solved = {i: plan for plans, _ in solutions for i, plan in plans.items()}
    if not solved:
        raise InfeasibleError(
            "at least one possible combination of limits",
            got="; ".join(f"{a.label} {a.values.min():g} to {a.values.max():g}" for a in axes),
            remedy="Widen an axis.",
        )
    met = dict(zip(solved, _tails_met(grid, [solution.x for solution, _ in solved.values()]), strict=True))
    plans = {
        i: FrontPlan(
            limits=grid.limits[i],
            times_s=solution.x[: problem.n_dwells],
            cost=cost,
            violation_frac=solution.violation * tolerance_frac / strict_frac,
            left_out_met=met[i],
        )
        for i, (solution, cost) in solved.items()
    }
    return Front(
        axes=tuple(axes),
        limits=grid.limits,
        combinations=tuple(plans.get(i) for i in range(len(grid.limits))),
        rows_used=max(rows_used for _, rows_used in solutions),
        left_out=tuple(requirement.label for requirement in grid.tails),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Grid:
    """What all parts of the surface share.

    Parameters
    ----------
    problem : PlanProblem
    convex : tuple of Requirement
        All that the plans are made for, those of the axes at their tightest.
    varied : tuple of int
        Which of them the axes vary, axis by axis.
    tails : tuple of Requirement
        Hard dose-volume goals.
    limits : (n_combinations, n_axes) array
    """

    problem: PlanProblem
    convex: tuple[Requirement, ...]
    varied: tuple[int, ...]
    tails: tuple[Requirement, ...]
    limits: FloatArray


def _grid(problem: PlanProblem, axes: Sequence[Axis]) -> _Grid:
    if not axes:
        raise InputError("at least one axis is needed", got=0)
    hard = [requirement for requirement in requirements(problem) if requirement.level == 0]
    convex = [requirement for requirement in hard if requirement.kind != Kind.DOSE_VOLUME]
    varied = []
    for axis in axes:
        own = _tightest(axis, problem)
        same = [k for k, r in enumerate(convex) if r.prescription and r.rows == own.rows and own.sense == 1]
        if same:
            convex[same[0]] = replace(own, prescription=True)
            varied.append(same[0])
        else:
            varied.append(len(convex))
            convex.append(own)
    return _Grid(
        problem=problem,
        convex=numbered(convex),
        varied=tuple(varied),
        tails=tuple(requirement for requirement in hard if requirement.kind == Kind.DOSE_VOLUME),
        limits=np.array(list(product(*(axis.values for axis in axes)))),
    )


def _tightest(axis: Axis, problem: PlanProblem) -> Requirement:
    """Return the requirement of an axis at its tightest limit: what is looser is a miss."""
    metric = parse_metric(axis.metric)
    is_lower_limit = metric.kind == "dose_min" or (metric.kind == "dose_at_frac" and metric.at == 1.0)
    tightest = float(axis.values.max() if is_lower_limit else axis.values.min())
    goal = Goal(
        structure=axis.structure,
        metric=metric,
        sense=">=" if is_lower_limit else "<=",
        value=tightest,
        level=0,
        source="axis",
    )
    requirement = required(goal, problem)
    if requirement.kind == Kind.DOSE_VOLUME:
        raise InputError("an axis is D100, Dmin, Dmax, Dmean or time", got=axis.metric, where=axis.label)
    return requirement


def _counter(total: int, on_progress: Callable[[int, int], None] | None) -> Callable[[], None]:
    """Return what several threads call after each plan."""
    done, counting = 0, Lock()

    def counted() -> None:
        nonlocal done
        with counting:
            done += 1
            if on_progress is not None:
                on_progress(done, total)

    return counted


def _solved(
    grid: _Grid, chunk: Iterable[int], strict_frac: float, counted: Callable[[], None]
) -> tuple[dict[int, tuple[Solution, Bounded]], int]:
    """Solve some combinations with one program; return those that are possible, and the rows it held."""
    problem, program = grid.problem, Program(grid.problem, grid.convex)
    for k in range(len(grid.convex)):
        program.enter(k)
    program.start()
    cost = objective_cost(problem, program.columns)
    tightest = np.array([grid.convex[k].limit for k in grid.varied])
    solved = {}
    for i in chunk:
        misses = np.abs(grid.limits[i] - tightest)
        program.fix_misses(grid.varied, misses)
        solution = program.solve(cost, tolerance_frac=strict_frac)
        if solution.status != LPStatus.INFEASIBLE:
            proof = proof_of(program, cost, solution)
            bounded = Bounded(objective=problem.objective, value=solution.value, bound=solution.bound, proof=proof)
            solved[int(i)] = solution, bounded
        counted()
    return solved, program.rows_used


def _tails_met(grid: _Grid, x: Sequence[FloatArray]) -> list[tuple[bool, ...]]:
    """Whether each plan meets each dose-volume goal."""
    problem, times_s = grid.problem, np.array(x)[:, : grid.problem.n_dwells]
    met = np.zeros((len(x), len(grid.tails)), dtype=np.bool_)
    for j, requirement in enumerate(grid.tails):
        rows, volume_cc = requirement.rows, problem.points.volume_cc[requirement.rows]
        for first in range(0, len(x), _PLANS_AT_ONCE):
            batch = slice(first, first + _PLANS_AT_ONCE)
            dose_gy = problem.rate.gy_per_s[rows] @ times_s[batch].T
            if problem.earlier_gy is not None:
                dose_gy += problem.earlier_gy[rows, None]
            wrong = requirement.sense * (requirement.limit - dose_gy) > 0
            met[batch, j] = volume_cc @ wrong < requirement.tail_cc
    return [tuple(row) for row in met.tolist()]


def _there_and_back(shape: tuple[int, ...]) -> IntArray:
    """Order of the plans in which each differs from the last in one axis by one step."""
    path: list[tuple[int, ...]] = [()]
    for n in shape:
        path = [(*head, j) for i, head in enumerate(path) for j in (range(n) if i % 2 == 0 else range(n - 1, -1, -1))]
    return np.array([np.ravel_multi_index(at, shape) for at in path], dtype=np.int64)
