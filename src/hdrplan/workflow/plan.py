"""THE WALK: one case becomes one plan. Start reading here.

Every line of :func:`plan_case` is one call into one room; its result is a frozen value that the next line takes.
Read on one floor down: ``geometry`` (where the source may stop), ``dose`` (what a second there gives), ``optimize``
(how long to stay), ``metrics`` (what it amounts to). No files and no figures here: ``io`` reads the case, ``report``
draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np

from hdrplan.arrays import FloatArray, freeze
from hdrplan.brief import brief_repr, html_table
from hdrplan.dose import DoseFactor, SamplePoints, Shape, dose_at_points, dose_field, dose_rate_blocks, sample_points
from hdrplan.geometry import Grid, Volume
from hdrplan.metrics import DVH, dvh
from hdrplan.optimize import EveryPoint, LongProof, Optimum, PlanProblem, ProofRunning, WorkLimit
from hdrplan.options import PlanOptions
from hdrplan.plan import Case, Goals, Plan
from hdrplan.sources import Strength, TG43Source
from hdrplan.threads import single_blas_thread
from hdrplan.workflow.problem import (
    PlanTask,
    candidate_dwells,
    delivery_rules,
    dose_grid,
    points_asked_for,
    require_plan_memory,
)
from hdrplan.workflow.sampling_check import check_sampling, not_proven, volume_fracs
from hdrplan.workflow.score import Score, evaluate, with_proven_d100
from hdrplan.workflow.steps import StepProgress, Steps
from hdrplan.workflow.times import best_times, transit_of

__all__ = ["PlanResult", "Watch", "plan_case", "plan_result", "plan_task", "task_result"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlanResult:
    """A plan, what it amounts to, and how long each step of the walk took.

    Parameters
    ----------
    case : Case
    goals : Goals
    plan : Plan
    points : SamplePoints
    dose_gy : (n_points,) array
        Dose at ``points``, by TG-43 there and not read from the grid.
    dose : Volume
        Gy on :func:`dose_grid`.
    in_grid_frac : mapping
        Part of each structure's volume that lies inside the dose grid.
    extrapolated_frac : mapping
        Part of each structure's dose that comes from dwells which see it outside the published table of their source.
    score : Score
    optimum : Optimum or None
        None where the dwell times were given and not optimised.
    seconds : mapping
        Step -> wall time.
    factor : DoseFactor or None
        What TG-43's dose was multiplied by: all doses here are those in the patient's media. None: TG-43.
    """

    case: Case
    goals: Goals
    plan: Plan
    points: SamplePoints
    dose_gy: FloatArray
    dose: Volume
    in_grid_frac: Mapping[str, float]
    extrapolated_frac: Mapping[str, float]
    score: Score
    optimum: Optimum | None
    seconds: Mapping[str, float]
    factor: DoseFactor | None = None

    __repr__ = brief_repr

    def __post_init__(self) -> None:
        freeze(self, "dose_gy", (None,))

    def dvh(self, name: str) -> DVH:
        """Return the DVH of a structure; InputError lists the names there are."""
        rows = self.points.rows(name)
        return dvh(self.dose_gy[rows], self.points.volume_cc[rows])

    def plot(self, kind: str = "overview") -> Any:
        """Draw the plan: "isodose", "dvh", "catheters" or "overview"; see :func:`hdrplan.report.plot`."""
        # The front door knows who draws; this room does not.
        return import_module("hdrplan").plot(self, kind)

    def _repr_html_(self) -> str:
        targets = [
            (t.name, *(f"{v:.2f}" for v in (t.volume_cc, t.d100_gy, t.d98_gy, t.d90_gy, 100 * t.v100_frac)))
            for t in self.score.targets
        ]
        goals = [
            (g.goal.structure, g.goal.text, f"{g.reached:.4g}", "met" if g.met else "NOT MET") for g in self.score.goals
        ]
        caption = f"Plan of {self.case.name}: research use only, never for treatment"
        head = ("CTV", "cc", "D100 (Gy)", "D98 (Gy)", "D90 (Gy)", "V100 (%)")
        return html_table(caption, head, targets) + html_table("Goals", ("structure", "goal", "reached", ""), goals)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Who is told how planning goes.

    Parameters
    ----------
    on_progress : callable, optional
        Called with (step, done, total).
    on_plan : callable, optional
        Called with the whole result as it stands before a proof of dose-volume goals, which may take long; it is not
        called where there is none, and not with a moving source.
    on_points : callable, optional
        Called with the points and the grid at which doses will be judged, before any time is optimised.
    """

    on_progress: StepProgress | None = None
    on_plan: Callable[[PlanResult], None] | None = None
    on_points: Callable[[SamplePoints, Grid], None] | None = None


def plan_case(
    case: Case,
    goals: Goals,
    source: TG43Source,
    strength: Strength,
    *,
    options: PlanOptions | None = None,
    locked: Plan | None = None,
    watch: Watch | None = None,
) -> PlanResult:
    """Plan one case: dwell positions, dwell times of a proven optimum, dose, metrics.

    Parameters
    ----------
    case : Case
    goals : Goals
        A prescription for every CTV; goals of level 0 are hard limits.
    source : TG43Source
    strength : Strength
        Of the source at treatment.
    options : PlanOptions, optional
    locked : Plan, optional
        Its dwells are taken, and its times above 0 stay as they are: edit a plan by hand, keep the rest optimal.
    watch : Watch, optional
        Who is told of progress, and of the plan as it is before a long proof.

    Returns
    -------
    PlanResult

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
    task = PlanTask(
        case=case, goals=goals, source=source, strength=strength, options=options or PlanOptions(), locked=locked
    )
    return plan_task(task, watch or Watch())


def plan_task(task: PlanTask, watch: Watch, *, shapes: Mapping[str, Shape] | None = None) -> PlanResult:
    """Plan as :func:`plan_case`, whatever dose it is asked of.

    Parameters
    ----------
    task : PlanTask
    watch : Watch
    shapes : mapping, optional
        Name -> shape, of structures of this case that were sampled before.
    """
    # Waiting threads of the linear algebra took a fifth of a plan's processor seconds; its rows are shared out here.
    with single_blas_thread():
        return _planned(task, watch, shapes)


def _planned(task: PlanTask, watch: Watch, shapes: Mapping[str, Shape] | None) -> PlanResult:
    step, case, goals, options = Steps(watch.on_progress), task.case, task.goals, task.options
    source, strength, locked, factor = task.source, task.strength, task.locked, task.factor
    dwells = candidate_dwells(case, options) if locked is None else locked.dwells
    locked_s = None if locked is None else np.where(locked.times_s > 0, locked.times_s, np.nan)
    with step("sample"):
        points = sample_points(
            case.dosed_structures(goals), spacing_mm=options.sample_mm, healthy=case.healthy, shapes=shapes
        )
    asked = points_asked_for(points, goals, case.healthy)
    grid = dose_grid(case, dwells, margin_mm=options.dose_margin_mm)
    require_plan_memory(asked, dwells, grid)
    if watch.on_points is not None:
        watch.on_points(points, grid)
    with step("matrix") as progress:
        rate = dose_rate_blocks(dwells, asked, source, strength_u=strength.value_u, factor=factor, on_progress=progress)
    problem = PlanProblem(
        rate=rate,
        points=asked,
        goals=goals,
        healthy=case.healthy,
        max_time_s=options.max_dwell_s,
        locked_s=locked_s,
        delivery=delivery_rules(dwells, options),
    )

    def result_of(optimum: Optimum) -> PlanResult:
        times_s, transit = optimum.times_s, transit_of(options)
        plan = Plan(dwells=dwells, times_s=times_s, source=source, strength=strength, transit=transit)
        proofs = [note for note in optimum.notes if isinstance(note, EveryPoint)]
        result = task_result(task, plan, points=points, proofs=proofs, on_progress=step.on_progress)
        return replace(result, optimum=optimum, seconds={**step.seconds, **result.seconds})

    def before_proof(optimum: Optimum) -> None:
        if watch.on_plan is not None:
            note = ProofRunning(options.proof_s)
            watch.on_plan(result_of(replace(optimum, notes=(*optimum.notes, note))))

    proof = LongProof(
        limit=WorkLimit(seconds=options.proof_s),
        on_plan=None if watch.on_plan is None else before_proof,
        on_progress=lambda done, total: step.tell("proving", done, total),
    )
    with step("optimise"):
        optimum = best_times(
            problem, dwells, source, strength_u=strength.value_u, options=options, factor=factor, proof=proof
        )
    del rate, problem  # nobody asks for rates any more: 60 MB of the demo, 1.2 GB of four CTVs with 900 dwells
    return result_of(optimum)


def plan_result(
    case: Case,
    goals: Goals,
    plan: Plan,
    *,
    options: PlanOptions | None = None,
    points: SamplePoints | None = None,
    proofs: Sequence[EveryPoint] = (),
    on_progress: StepProgress | None = None,
) -> PlanResult:
    """Dose and metrics of a plan, whatever its dwell times come from.

    Parameters
    ----------
    case, goals, options, on_progress
        As in :func:`plan_case`.
    plan : Plan
    points : SamplePoints, optional
        Where its dose is judged; sampled anew where none are given.
    proofs : sequence of EveryPoint
        What is proven of the minimum dose of CTVs.

    Returns
    -------
    PlanResult
        Without an optimum.
    """
    task = PlanTask(
        case=case, goals=goals, source=plan.source, strength=plan.strength, options=options or PlanOptions()
    )
    return task_result(task, plan, points=points, proofs=proofs, on_progress=on_progress)


def task_result(
    task: PlanTask,
    plan: Plan,
    *,
    points: SamplePoints | None = None,
    proofs: Sequence[EveryPoint] = (),
    on_progress: StepProgress | None = None,
) -> PlanResult:
    """Dose and metrics of a plan as :func:`plan_result`, whatever dose the task asks of.

    Parameters
    ----------
    task : PlanTask
    plan, points, proofs, on_progress
        As in :func:`plan_result`.
    """
    step, case, goals, options, factor = Steps(on_progress), task.case, task.goals, task.options, task.factor
    if points is None:
        with step("sample"):
            points = sample_points(case.dosed_structures(goals), spacing_mm=options.sample_mm, healthy=case.healthy)
    at_points = dose_at_points(plan.dwells, plan.exposure_s, points.points_mm, plan.source, strength_u=plan.strength_u)
    dose_gy = at_points.gy if factor is None else at_points.gy * factor.at_all(points)
    grid = dose_grid(case, plan.dwells, margin_mm=options.dose_margin_mm)
    with step("dose") as progress:
        dose = dose_field(
            plan.dwells, plan.exposure_s, grid, plan.source, strength_u=plan.strength_u, on_progress=progress
        )
        if factor is not None:
            dose = factor.on_grid(dose)
    score = evaluate(dose_gy, points, goals, dose=dose, total_time_s=plan.total_time_s)
    with step("sampling check"):
        ctvs = not_proven(case.ctvs, proofs)
        score = check_sampling(score, points, ctvs, plan, spacing_mm=options.sample_mm, factor=factor)
    return PlanResult(
        case=case,
        goals=goals,
        plan=plan,
        points=points,
        dose_gy=dose_gy,
        dose=dose,
        in_grid_frac=volume_fracs(points, grid.contains(points.points_mm)),
        extrapolated_frac={
            name: at_points.extrapolated_frac(points.volume_cc, points.rows(name)) for name in points.names
        },
        score=with_proven_d100(score, proofs),
        optimum=None,
        seconds=step.seconds,
        factor=factor,
    )
