"""A plan under the dose in the patient's media: planned with TG-43 times the factor of the plan before, until it stays.

The factor (HCF) depends on the times, though little: the plan of a factor has a factor of its own. Planning is repeated
with that until it changes no more than its own noise. The certificate is about TG-43 times the factor that the last
plan was made with, which is a dose linear in the times. What the last plan's own factor makes of it is computed as
well, with D100 proven once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hdrplan.arrays import IntArray
from hdrplan.brief import brief_repr
from hdrplan.dose import DoseFactor, SamplePoints, dose_at_points
from hdrplan.geometry import Structure
from hdrplan.materials import MediaMap
from hdrplan.plan import Goals, Plan
from hdrplan.transport import ScatterTask
from hdrplan.workflow.model_based import ModelDose, model_dose
from hdrplan.workflow.model_factor import dose_factor
from hdrplan.workflow.model_run import KeptRuns, ModelOptions, ScatterRun, Setting, dwells_with_time
from hdrplan.workflow.model_setting import counted_dose_gy, ct_of, emission_of, media_of, scatter_of
from hdrplan.workflow.plan import PlanResult, Watch, plan_task
from hdrplan.workflow.problem import PlanTask, candidate_dwells, points_asked_for
from hdrplan.workflow.steps import StepProgress, Steps

__all__ = ["FactorChange", "ModelPlan", "plan_in_media"]

# A thousandth of the dose is what the proof at every point costs as well; nothing clinical is known as exactly.
_SETTLED_FRAC = 0.001
# Two factors with noise of their own differ by more than this many standard errors of either in few cases only.
_SIGMAS = 2.0
_MAX_PLANS = 5
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
        Doses, goals and certificate are of TG-43 times the factor that it was made with.
    own : ModelDose
        With the plan's own factor, computed after it: figures with standard errors, D100 proven once more.
    changes : tuple of FactorChange
        From the factor that it was made with to its own, structure by structure.
    plans : int
        How many were made, the first by TG-43.
    """

    planned: PlanResult
    own: ModelDose
    changes: tuple[FactorChange, ...]
    plans: int

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
    first = replace(options, every_point=False, fewest_dwells=False)
    planned = plan_task(replace(task, options=first), watch)
    asked = points_asked_for(planned.points, goals, case.healthy)
    made_with: DoseFactor | None = None
    for plans in range(1, _MAX_PLANS + 1):
        rows = _counted_rows(planned.plan, goals, asked)
        dwelt, times_s = dwells_with_time(planned.plan)
        setting = Setting(media=media, dwells=dwelt, times_s=times_s, emission=emission_of(task.source))
        with step("scatter") as progress:
            counted = np.isin(np.arange(len(asked)), np.concatenate(list(rows.values())))
            run = scatter_of(setting, ct_of(case).grid, asked, counted, model, runs=memory.runs, on_progress=progress)
        with step("factor"):
            factor = dose_factor(setting, run, planned.points)
            changes = () if made_with is None else _changes(setting, run, asked, rows, (made_with, factor))
        if plans == _MAX_PLANS or (changes and all(change.settled for change in changes)):
            break
        made_with = factor
        planned = plan_task(replace(task, factor=factor), watch)
    own = model_dose(case, labels, goals, planned.plan, model, runs=memory.runs, on_progress=on_progress)
    return ModelPlan(planned=planned, own=own, changes=changes, plans=plans)


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


def _counted_rows(plan: Plan, goals: Goals, points: SamplePoints) -> dict[str, IntArray]:
    """Return structure -> its points that count."""
    tg43 = dose_at_points(plan.dwells, plan.exposure_s, points.points_mm, plan.source, strength_u=plan.strength_u)
    counted = tg43.gy >= counted_dose_gy(goals, tg43.gy)
    return {name: np.flatnonzero(counted[points.rows(name)]) + points.rows(name).start for name in points.names}


def _changes(
    setting: Setting,
    run: ScatterRun,
    points: SamplePoints,
    rows: Mapping[str, IntArray],
    factors: tuple[DoseFactor, DoseFactor],
) -> tuple[FactorChange, ...]:
    """Return how one factor differs from the one before, at some points of each structure."""
    changes = []
    for name, all_of_it in rows.items():
        if len(all_of_it) == 0:
            continue
        some = all_of_it[:: max(1, len(all_of_it) // _COMPARED)]
        places = points.points_mm[some]
        before, after = (factor.at(name, places) for factor in factors)
        few = setting.correction(places[:: max(1, len(places) // _MONITORED)], run)
        changes.append(
            FactorChange(
                structure=name,
                rms_frac=float(np.sqrt(np.mean((after / before - 1.0) ** 2))),
                largest_frac=float(np.abs(after / before - 1.0).max()),
                noise_frac=float(np.sqrt(np.mean((few.medium_error / few.medium) ** 2))),
            )
        )
    return tuple(changes)
