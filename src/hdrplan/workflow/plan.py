"""THE WALK: one case becomes one plan. Start reading here.

Every line of :func:`plan_case` is one call into one room; its result is a frozen value that the next line takes.
Read on one floor down: ``geometry`` (where the source may stop), ``dose`` (what a second there gives), ``optimize``
(how long to stay), ``metrics`` (what it amounts to). No files and no figures here: ``io`` reads the case, ``report``
draws.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from hdrplan.arrays import BoolArray, FloatArray, freeze
from hdrplan.dose import SamplePoints, dose_at_points, dose_field, dose_rate, sample_points
from hdrplan.geometry import Volume
from hdrplan.memory import require_memory
from hdrplan.optimize import Optimum
from hdrplan.plan import Case, Goals, Plan
from hdrplan.sources import TG43Source
from hdrplan.workflow.options import (
    PlanOptions,
    best_times,
    delivery_of,
    dose_grid,
    dosed_structures,
    plan_memory_bytes,
    planned_dwells,
    planning_matrix,
)
from hdrplan.workflow.score import GoalResult, Score, check_sampling, evaluate

__all__ = [
    "GoalResult",
    "PlanOptions",
    "PlanResult",
    "Score",
    "delivery_of",
    "dose_grid",
    "dosed_structures",
    "evaluate",
    "plan_case",
    "plan_memory_bytes",
    "plan_result",
    "planned_dwells",
    "planning_matrix",
]

# (step of the walk, done, total), for a progress bar.
Progress = Callable[[str, int, int], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class PlanResult:
    """A plan, what it amounts to, and how long each step of the walk took.

    Parameters
    ----------
    case, goals, source, plan, points
        As given, or made on the way.
    dose_gy : (n_points,) array
        Dose at ``points``, by TG-43 there and not read from the grid.
    dose : Volume
        Gy on :func:`dose_grid`.
    in_grid_frac, extrapolated_frac : dict
        Part of each structure's volume that lies inside the dose grid, and that some dwell in use sees outside the
        published table of its source.
    score : Score
    optimum : Optimum or None
        None where the dwell times were given and not optimised.
    seconds : dict
        Step -> wall time.
    """

    case: Case
    goals: Goals
    source: TG43Source
    plan: Plan
    points: SamplePoints
    dose_gy: FloatArray
    dose: Volume
    in_grid_frac: dict[str, float]
    extrapolated_frac: dict[str, float]
    score: Score
    optimum: Optimum | None
    seconds: dict[str, float]

    def __post_init__(self) -> None:
        freeze(self, "dose_gy", (None,))


def plan_case(
    case: Case,
    goals: Goals,
    source: TG43Source,
    *,
    strength_u: float,
    options: PlanOptions | None = None,
    locked: Plan | None = None,
    on_progress: Progress | None = None,
) -> PlanResult:
    """Plan one case: dwell positions, dwell times of a proven optimum, dose, metrics.

    Parameters
    ----------
    case : Case
    goals : Goals
        A prescription for every CTV; goals of level 0 are hard limits.
    source : TG43Source
    strength_u : float
        Air-kerma strength at treatment, U.
    options : PlanOptions, optional
    locked : Plan, optional
        Its dwells are taken, and its times above 0 stay as they are: edit a plan by hand, keep the rest optimal.
    on_progress : callable, optional
        Called with (step, done, total).

    Raises
    ------
    InputError
        Input that cannot be right; see the rooms called.
    InfeasibleError
        Organ limits that no plan can hold.

    Examples
    --------
    The tutorial in docs/tutorials/walk.md walks through these lines with the liver phantom.
    """
    options = options or PlanOptions()
    clock = _Clock(on_progress)
    dwells = locked.dwells if locked is not None else planned_dwells(case, options)
    points = clock(
        "sample",
        lambda _: sample_points(dosed_structures(case, goals), spacing_mm=options.sample_mm, healthy=case.healthy),
    )
    require_memory(
        plan_memory_bytes(points, dwells, dose_grid(case, dwells, margin_mm=options.dose_margin_mm)),
        f"a plan of {len(points)} sample points x {len(dwells)} dwells",
        remedy="Take fewer points (larger --sample), fewer dwells (larger --step) or a smaller --dose-margin.",
    )
    rate = clock(
        "matrix", lambda tell: dose_rate(dwells, points.points_mm, source, strength_u=strength_u, on_progress=tell)
    )
    optimum = clock(
        "optimise",
        lambda tell: best_times(case, goals, source, dwells, points, rate, strength_u, options, locked, tell),
    )
    plan = Plan(dwells, optimum.times_s, source.name, strength_u)
    return plan_result(case, goals, source, plan, options=options, points=points, optimum=optimum, clock=clock)


def plan_result(
    case: Case,
    goals: Goals,
    source: TG43Source,
    plan: Plan,
    *,
    options: PlanOptions | None = None,
    points: SamplePoints | None = None,
    optimum: Optimum | None = None,
    clock: _Clock | None = None,
) -> PlanResult:
    """Dose and metrics of a plan, optimised or given: points are sampled where none are given.

    Parameters
    ----------
    case, goals, source, options
        As in :func:`plan_case`.
    plan : Plan
    points : SamplePoints, optional
    optimum : Optimum, optional
    clock : optional
        Of :func:`plan_case`, which calls this.
    """
    options = options or PlanOptions()
    clock = clock or _Clock(None)
    if points is None:
        chosen = dosed_structures(case, goals)
        points = clock("sample", lambda _: sample_points(chosen, spacing_mm=options.sample_mm, healthy=case.healthy))
    at_points = dose_at_points(plan.dwells, plan.times_s, points.points_mm, source, strength_u=plan.strength_u)
    grid = dose_grid(case, plan.dwells, margin_mm=options.dose_margin_mm)
    dose = clock(
        "dose",
        lambda tell: dose_field(plan.dwells, plan.times_s, grid, source, strength_u=plan.strength_u, on_progress=tell),
    )
    score = evaluate(at_points.gy, points, goals, dose=dose, total_time_s=plan.total_time_s)
    clock("sampling check", lambda _: check_sampling(score, points, case.ctvs, plan, source, options.sample_mm))
    return PlanResult(
        case=case,
        goals=goals,
        source=source,
        plan=plan,
        points=points,
        dose_gy=at_points.gy,
        dose=dose,
        in_grid_frac=_volume_fracs(points, grid.contains(points.points_mm)),
        extrapolated_frac=_volume_fracs(points, at_points.extrapolated),
        score=score,
        optimum=optimum,
        seconds=clock.seconds,
    )


def _volume_fracs(points: SamplePoints, chosen: BoolArray) -> dict[str, float]:
    """Part of each structure's volume whose points are chosen."""
    volumes = {name: points.volume_cc[points.rows(name)] for name in points.names}
    return {name: float(cc[chosen[points.rows(name)]].sum() / cc.sum()) for name, cc in volumes.items()}


class _Clock:
    """Times the steps of the walk and passes their progress on."""

    def __init__(self, on_progress: Progress | None) -> None:
        self.seconds: dict[str, float] = {}
        self._tell = on_progress or (lambda step, done, total: None)

    def __call__(self, step: str, work: Callable[[Callable[[int, int], None]], T]) -> T:
        started = time.perf_counter()
        self._tell(step, 0, 1)
        result = work(lambda done, total: self._tell(step, done, total))
        self.seconds[step] = round(time.perf_counter() - started, 4)
        return result
