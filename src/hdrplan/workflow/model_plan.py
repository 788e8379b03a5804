"""A plan under the dose in the patient's media: every goal and proof holds in the dose of the times that are written.

The factor (HCF) depends on the times, though little: the plan of a factor has a factor of its own. Planning is repeated
with that until it changes no more than its own noise, and until what was asked holds with the factor of the plan
itself; where something is missed, the next plan is asked for as much more. Doses, goals and proofs are then computed
with the plan's own factor, and the certificate says how far the plan lies above a bound for that factor. The same seed
gives the same factor again, to the last bit: whoever recomputes the plan finds what was proven.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hdrplan.brief import brief_repr
from hdrplan.dose import DoseFactor
from hdrplan.errors import InfeasibleError
from hdrplan.geometry import Structure
from hdrplan.materials import MediaMap
from hdrplan.memory import give_back
from hdrplan.optimize import EveryPoint
from hdrplan.transport import ScatterTask
from hdrplan.workflow.model_based import ModelDose, PlanFactor, dose_of_factor, factor_of_plan, proven_minima
from hdrplan.workflow.model_certificate import certified
from hdrplan.workflow.model_reserve import Reserve, missed_fracs, one_sided, scaled_plan
from hdrplan.workflow.model_run import KeptRuns, ModelOptions, ScatterRun
from hdrplan.workflow.model_setting import media_of
from hdrplan.workflow.plan import PlanResult, Watch, plan_task, task_result
from hdrplan.workflow.problem import PlanTask, candidate_dwells
from hdrplan.workflow.steps import StepProgress, Steps

__all__ = ["FactorChange", "ModelPlan", "plan_in_media"]

# A thousandth of the dose is what the proof at every point costs as well; nothing clinical is known as exactly.
_SETTLED_FRAC = 0.001
# Two factors with noise of their own differ by more than this many standard errors of either in few cases only.
_SIGMAS = 2.0
_MAX_PLANS = 8
# Points of each structure at which factors are compared, and of which the noise is asked.
_COMPARED, _MONITORED = 2000, 300


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorChange:
    """By how much a plan's own factor differs from the one that it was made with, at the points of one structure.

    Parameters
    ----------
    structure : str
    rms_frac, largest_frac : float
        Relative, over its points that count.
    noise_frac : float
        Standard error (k = 1) of the factor there, root mean square.
    """

    structure: str
    rms_frac: float
    largest_frac: float
    noise_frac: float

    @property
    def settled(self) -> bool:
        """Whether another plan would change nothing but noise."""
        return self.rms_frac <= max(_SETTLED_FRAC, _SIGMAS * self.noise_frac)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelPlan:
    """A plan under the dose in the patient's media.

    Parameters
    ----------
    planned : PlanResult
        Doses, goals, proofs and certificate are of TG-43 times the factor of the plan's own times.
    own : ModelDose
        The same dose beside that of TG-43: figures with standard errors.
    changes : tuple of FactorChange
        From the factor that the plan was made with to its own, structure by structure.
    plans : int
        How many were made, the first by TG-43.
    reserve_frac : float
        The most that a goal was asked for beyond its value, for it to hold with the plan's own factor.
    scale : float
        What all times of the last plan that was optimised were multiplied by, for the same reason.
    """

    planned: PlanResult
    own: ModelDose
    changes: tuple[FactorChange, ...]
    plans: int
    reserve_frac: float
    scale: float

    __repr__ = brief_repr

    @property
    def settled(self) -> bool:
        """Whether the factor stays what it was."""
        return all(change.settled for change in self.changes)


def plan_in_media(
    task: PlanTask,
    labels: Sequence[Structure],
    model: ModelOptions,
    *,
    runs: KeptRuns | None = None,
    on_progress: StepProgress | None = None,
) -> ModelPlan:
    """Plan one case under the dose to the medium (D_m,m).

    Parameters
    ----------
    task : PlanTask
        Without a factor.
    labels : sequence of Structure
        All labels of the patient: media are taken from them.
    model : ModelOptions
    runs : KeptRuns, optional
    on_progress : callable, optional

    Raises
    ------
    InputError
        As :func:`hdrplan.workflow.plan_case` and ``model_dose``.
    InfeasibleError
        Organ limits that no plan can hold.
    """
    case, goals, options, step = task.case, task.goals, task.options, Steps(on_progress)
    watch = Watch(on_progress=on_progress)
    with step("media"):
        dwells = candidate_dwells(case, options) if task.locked is None else task.locked.dwells
        media = media_of(case, labels, dwells, model)
    memory = _Memory(runs or KeptRuns(), media)
    quick = replace(options, every_point=False, fewest_dwells=False, proof_s=0.0)
    planned, reserve, scale = plan_task(replace(task, options=quick), watch), Reserve(), 1.0
    changes: tuple[FactorChange, ...] = ()
    made_with: DoseFactor | None = None
    owed: dict[int, float] = {}
    for plans in range(1, _MAX_PLANS + 1):
        give_back()
        found = factor_of_plan(case, labels, goals, planned.plan, model, runs=memory.runs, step=step)
        if made_with is not None:
            if scale == 1.0:
                changes = _changes(made_with, found)
            own, minima = _in_own_dose(task, planned, found, step)
            missed, settled = missed_fracs(planned.score, own.score), all(change.settled for change in changes)
            if plans == _MAX_PLANS or (settled and not missed):
                break
            # While the factor still moves, a miss says nothing of the plan that comes next.
            owed = {**owed, **missed} if settled else {}
            scaled = scaled_plan(planned.plan, missed, goals, options) if one_sided(owed, goals) else None
            if scaled is not None and task.locked is None:
                scale *= scaled.total_time_s / planned.plan.total_time_s
                planned, made_with = replace(planned, plan=scaled), found.factor
                continue
            reserve, owed, scale = reserve.more(owed), {}, 1.0
        asked = replace(task, goals=reserve.on(goals), factor=found.factor)
        try:
            planned = plan_task(asked, watch)
        except InfeasibleError:
            if not reserve.fracs:
                raise
            # With the reserve no plan holds the organs' limits: the last one is as good as there is.
            break
        made_with = found.factor
    give_back()
    real_times = replace(options, time_step_s=0.0, fewest_dwells=False)
    bound = plan_task(replace(task, options=real_times, factor=found.factor), watch).optimum
    optimum = None if bound is None else certified(bound, own, minima, every_point=options.every_point)
    figures = dose_of_factor(found, goals, own.plan, model, minima=minima, step=step)
    return ModelPlan(
        planned=replace(own, optimum=optimum, seconds={**planned.seconds, **own.seconds, **step.seconds}),
        own=figures,
        changes=changes,
        plans=plans,
        reserve_frac=max(reserve.fracs.values(), default=0.0),
        scale=scale,
    )


def _in_own_dose(
    task: PlanTask, planned: PlanResult, found: PlanFactor, step: Steps
) -> tuple[PlanResult, tuple[EveryPoint, ...]]:
    """Return what a plan amounts to with the factor of its own times, and what is proven of its CTVs."""
    with step("prove"):
        minima = proven_minima(planned.plan, found, task.goals)
    proofs = minima if task.options.every_point else ()
    asked = replace(task, factor=found.factor)
    result = task_result(asked, planned.plan, points=planned.points, proofs=proofs, on_progress=step.on_progress)
    return result, minima


class _Memory:
    """The scatter of this plan, for the dose that is computed last; kept elsewhere, too, where that was asked for."""

    def __init__(self, outer: KeptRuns, media: MediaMap) -> None:
        self.last: ScatterRun | None = None
        self._outer = outer
        self.runs = KeptRuns(earlier=self._earlier, keep=self._keep, media=media)

    def _earlier(self, task: ScatterTask) -> ScatterRun | None:
        if self.last is not None and self.last.patient.task == task.digest():
            return self.last
        self.last = self._outer.earlier(task)
        return self.last

    def _keep(self, run: ScatterRun) -> None:
        self.last = run
        self._outer.keep(run)


def _changes(before: DoseFactor, found: PlanFactor) -> tuple[FactorChange, ...]:
    """Return how one factor differs from the one before, at some points of each structure."""
    changes: list[FactorChange] = []
    points = found.points
    for name in points.names:
        rows = points.rows(name)
        counted = np.flatnonzero(found.tg43_gy[rows] >= found.counted_gy) + rows.start
        if len(counted) == 0:
            continue
        places = points.points_mm[counted[:: max(1, len(counted) // _COMPARED)]]
        change = found.factor.at(name, places) / before.at(name, places) - 1.0
        few = found.setting.correction(places[:: max(1, len(places) // _MONITORED)], found.run)
        changes.append(
            FactorChange(
                structure=name,
                rms_frac=float(np.sqrt(np.mean(change**2))),
                largest_frac=float(np.abs(change).max()),
                noise_frac=float(np.sqrt(np.mean((few.medium_error / few.medium) ** 2))),
            )
        )
    return tuple(changes)
