"""Trade-offs: the whole surface between coverage, organs, time and healthy tissue, every plan a proven optimum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import product
from threading import Lock

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray, freeze
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.optimize.problem import PlanProblem
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.requirements import Requirement, required, requirements
from hdrplan.plan import Goal, parse_metric
from hdrplan.threads import thread_count

__all__ = ["Axis", "Front", "pareto_front"]

# Plans whose doses at all points are computed in one product.
PLANS_AT_ONCE = 64
# Parts of the surface, each with a solver of its own: as many as there are threads on a small machine, and always the
# same number, so that the plans do not depend on the machine.
PARTS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """One limit that is varied.

    Parameters
    ----------
    structure : str
        "plan" for the total time.
    metric : str
        D100 or Dmin of a CTV, Dmax or Dmean of any structure, time.
    values : (n,) array
        Limits in Gy (s for the time); at least (D100, Dmin) or at most.
    """

    structure: str
    metric: str
    values: FloatArray

    def __post_init__(self) -> None:
        freeze(self, "values", (None,))
        if len(self.values) == 0 or (self.values <= 0).any():
            raise InputError("an axis needs values above 0", got=self.values.tolist(), where=self.label)

    @property
    def label(self) -> str:
        """Structure and metric."""
        return "total time" if self.structure == "plan" else f"{self.structure} {self.metric}"


@dataclass(frozen=True, slots=True, eq=False)
class Front:
    """Plans over a grid of limits.

    Parameters
    ----------
    axes : tuple of Axis
    limits : (n_plans, n_axes) array
        Every combination of the axes' values, the last axis fastest.
    times_s : (n_plans, n_dwells) array
        NaN where no plan exists.
    value, bound : (n_plans,) arrays
        Main objective and its proven lower bound, both recomputed from the rate matrix; NaN where no plan exists.
    possible : (n_plans,) bool array
        False where the limits are proven to exclude each other.
    violation_frac : (n_plans,) array
        Largest violation over all points, as a fraction of the limit.
    objective, unit : str
    rows_used : int
        The most that a solver held.
    left_out : tuple of str
        Hard dose-volume goals, which are not convex: the plans were not made for them, only judged by them.
    left_out_met : (n_plans, n_left_out) bool array
    """

    axes: tuple[Axis, ...]
    limits: FloatArray
    times_s: FloatArray
    value: FloatArray
    bound: FloatArray
    possible: BoolArray
    violation_frac: FloatArray
    objective: str
    unit: str
    rows_used: int
    left_out: tuple[str, ...]
    left_out_met: BoolArray

    def __post_init__(self) -> None:
        for name, dims in (("limits", 2), ("times_s", 2), ("value", 1), ("bound", 1), ("violation_frac", 1)):
            freeze(self, name, (None,) * dims, finite=False)
        freeze(self, "possible", (None,), dtype=np.bool_)
        freeze(self, "left_out_met", (None, None), dtype=np.bool_)

    @property
    def gap_frac(self) -> float:
        """Largest relative gap of all plans."""
        gaps = (self.value - self.bound)[self.possible] / np.maximum(np.abs(self.value[self.possible]), 1e-9)
        return float(max(0.0, gaps.max(initial=0.0)))

    @property
    def text(self) -> str:
        """One line for the terminal and the report."""
        worst = float(self.violation_frac[self.possible].max(initial=0.0))
        return (
            f"{int(self.possible.sum())} plans of least {self.objective}, each proven to {self.gap_frac:.1e} and "
            f"checked on all points (largest violation {worst:.1e} of a limit); "
            f"{int((~self.possible).sum())} combinations of limits proven impossible; {self.rows_used} rows used"
        )


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

    Raises
    ------
    InputError
        No axes, an axis on something that is not convex.
    InfeasibleError
        No combination is possible.
    """
    problem.refuse("locked_s", "delivery")
    listed, varied, tails = _listed(problem, axes)
    n, healthy = problem.n_dwells, problem.healthy
    limits = np.array(list(product(*(axis.values for axis in axes))))
    columns = n + np.array(varied)
    misses = np.abs(limits - np.array([listed[k].limit for k in varied]))
    total = len(limits)
    x = np.full((total, n), np.nan)
    value, bound, violation = np.full(total, np.nan), np.full(total, np.nan), np.full(total, np.nan)
    possible = np.zeros(total, dtype=np.bool_)
    # The program takes violations as fractions of the greatest limit of an axis.
    strict = tolerance_frac * min(float(axis.values.min() / axis.values.max()) for axis in axes)
    done, counting = 0, Lock()

    def solve(part: IntArray) -> Program:
        nonlocal done
        program = Program(problem, listed)
        for k in range(len(listed)):
            program.enter(k)
        program.start()
        cost = program.cost(1.0 if healthy is None else program.mean_row(problem.points.rows(healthy)))
        for i in part:
            program.lp.bounds(columns, misses[i], misses[i])
            found = program.lp.solve(cost, tolerance_frac=strict)
            if found.status != "infeasible":
                possible[i] = True
                x[i], value[i], bound[i] = found.x[:n], found.value, found.bound
                violation[i] = found.violation * tolerance_frac / strict
            with counting:
                done += 1
                if on_progress is not None:
                    on_progress(done, total)
        return program

    path = _there_and_back(tuple(len(axis.values) for axis in axes))
    with ThreadPoolExecutor(min(PARTS, thread_count())) as pool:
        programs = list(pool.map(solve, np.array_split(path, PARTS)))
    if not possible.any():
        raise InfeasibleError(
            "at least one possible combination of limits",
            got="; ".join(f"{a.label} {a.values.min():g} to {a.values.max():g}" for a in axes),
            remedy="Widen an axis.",
        )
    named = ("total time", "s") if healthy is None else (f"mean dose of {healthy}", "Gy")
    return Front(
        tuple(axes), limits, x, value, bound, possible, violation, *named,
        max(program.lp.rows_used for program in programs), tuple(one.label for one in tails),
        _tails_met(programs[0], tails, x),
    )  # fmt: skip


def _listed(
    problem: PlanProblem, axes: Sequence[Axis]
) -> tuple[tuple[Requirement, ...], list[int], tuple[Requirement, ...]]:
    """Return all convex requirements, those of the axes at their tightest; which are the axes'; the others."""
    if not axes:
        raise InputError("at least one axis is needed", got=0)
    hard = [one for one in requirements(problem) if one.level == 0]
    listed = [one for one in hard if one.kind != "tail"]
    tails = tuple(one for one in hard if one.kind == "tail")
    varied = []
    for axis in axes:
        metric = parse_metric(axis.metric)
        at_least = metric.kind == "dose_min" or (metric.kind == "dose_at_frac" and metric.at == 1.0)
        tightest = float(axis.values.max() if at_least else axis.values.min())
        goal = Goal(axis.structure, metric, ">=" if at_least else "<=", tightest, 0, "axis")
        one = required(goal, problem)
        if one.kind == "tail":
            raise InputError("an axis is D100, Dmin, Dmax, Dmean or time", got=axis.metric, where=axis.label)
        one = replace(one, text=f"{axis.metric} (varied)")
        same = [k for k, r in enumerate(listed) if r.prescription and r.rows == one.rows and at_least]
        if same:
            listed[same[0]] = replace(one, prescription=True)
            varied.append(same[0])
        else:
            varied.append(len(listed))
            listed.append(one)
    return tuple(listed), varied, tails


def _tails_met(program: Program, tails: tuple[Requirement, ...], x: FloatArray) -> BoolArray:
    """Whether each plan meets each dose-volume goal."""
    met = np.zeros((len(x), len(tails)), dtype=np.bool_)
    for j, one in enumerate(tails):
        volume = program.points.volume_cc[one.rows]
        for first in range(0, len(x), PLANS_AT_ONCE):
            part = slice(first, first + PLANS_AT_ONCE)
            dose = program.rate.gy_per_s[one.rows] @ x[part].T
            if program.given_gy is not None:
                dose += program.given_gy[one.rows, None]
            met[part, j] = volume @ (one.sense * (one.limit - dose) > 0) < one.tail_cc
    return met & np.isfinite(x[:, :1])


def _there_and_back(shape: tuple[int, ...]) -> IntArray:
    """Order of the plans in which each differs from the last in one axis by one step."""
    path: list[tuple[int, ...]] = [()]
    for n in shape:
        path = [(*head, j) for i, head in enumerate(path) for j in (range(n) if i % 2 == 0 else range(n - 1, -1, -1))]
    return np.array([np.ravel_multi_index(at, shape) for at in path], dtype=np.int64)
