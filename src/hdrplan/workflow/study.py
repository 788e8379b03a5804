"""A virtual study whose doses come from plans: drawn, planned and delivered lesion by lesion, drawn again.

Whether a patient comes back for a second cycle depends on the doses of the first: a study is drawn, what it lacks is
planned, and so on until no lesion is without a plan. Plans stand in a store, so a run that was stopped goes on where it
was, and job arrays fill one store together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hdrplan.cohort import Cohort, Dose
from hdrplan.geometry import Structure
from hdrplan.io import ResultStore
from hdrplan.simulate import DoseModel, TrueLesion, Uncertainty, simulate_cohort
from hdrplan.workflow.labour import ALONE, Labour
from hdrplan.workflow.lesion_tasks import TaskResult, run_tasks, shard
from hdrplan.workflow.steps import StepProgress, Steps
from hdrplan.workflow.virtual_lesion import PRESCRIBED_GY, LesionTask, PlannedLesion, organ_digest

__all__ = ["PlannedCohort", "StudyDesign", "planned_cohort"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StudyDesign:
    """What decides the outcome of a virtual study.

    Parameters
    ----------
    host : Structure
        The organ in which every lesion is placed; see :func:`hdrplan.workflow.host_organ`.
    n_hcc, n_crlm : int
        Patients of each type.
    dose : DoseModel
        What the clinic aims at, and what the delivered dose does.
    uncertainty : Uncertainty
        Of every delivery.
    seed : int
    """

    host: Structure
    n_hcc: int
    n_crlm: int
    dose: DoseModel
    uncertainty: Uncertainty
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCohort:
    """A study with its plans.

    Parameters
    ----------
    cohort : Cohort
        As read from tables; doses as planned.
    truth : tuple of TrueLesion
        With the doses as delivered.
    plans : mapping
        Lesion -> its plan.
    failures : mapping
        Lesion -> why there is no plan. A failure is not stored: the next run tries it again.
    lost : int
        Failures that are the machine's: the workers that planned them died.
    """

    cohort: Cohort
    truth: tuple[TrueLesion, ...]
    plans: Mapping[str, PlannedLesion]
    failures: Mapping[str, str]
    lost: int


def planned_cohort(
    design: StudyDesign,
    store: ResultStore[PlannedLesion],
    *,
    labour: Labour = ALONE,
    share: tuple[int, int] | None = None,
    on_progress: StepProgress | None = None,
) -> PlannedCohort:
    """Draw a study and plan its lesions, until every one has a plan or a reason why not.

    Parameters
    ----------
    design : StudyDesign
    store : ResultStore
        Plans of earlier runs are taken from it, new ones are put into it as they come.
    labour : Labour
        Who plans the lesions.
    share : pair of int, optional
        (K, N): plan only share K of N of the lesions that are without a plan, and stop. The study is left unfinished:
        what is drawn without a plan counts as delivered.
    on_progress : callable, optional
        Called with (step, done, total).

    Returns
    -------
    PlannedCohort

    Raises
    ------
    InputError
        No patients, no such share, a scheduler that does not answer.
    """
    step = Steps(on_progress)
    plans: dict[str, PlannedLesion] = {}
    failures: dict[str, str] = {}
    lost = 0
    while True:
        cohort, truth, tasks = _drawn(design, plans, failures)
        if not tasks:
            break
        if share is not None:
            tasks = shard(tasks, *share)
        for outcome in _planned(tasks, design.host, store, labour, step):
            lost += outcome.lost
            if outcome.result is not None:
                plans[outcome.task.lesion_id] = outcome.result
            else:
                failures[outcome.task.lesion_id] = outcome.error
        if share is not None:
            break
    return PlannedCohort(
        cohort=replace(cohort, doses=_planned_doses(cohort.doses, plans, failures)),
        truth=truth,
        plans=plans,
        failures=failures,
        lost=lost,
    )


def _drawn(
    design: StudyDesign, plans: Mapping[str, PlannedLesion], failures: Mapping[str, str]
) -> tuple[Cohort, tuple[TrueLesion, ...], list[LesionTask]]:
    """Draw the study with the doses delivered so far; tasks of the lesions that have neither plan nor failure."""
    tasks: list[LesionTask] = []

    def _delivered_gy(lesion_id: str, diameter_mm: float, drawn_gy: float) -> float:
        if lesion_id in plans:
            return plans[lesion_id].delivered_d100_gy
        if lesion_id not in failures:
            task = LesionTask(
                lesion_id=lesion_id,
                diameter_mm=round(diameter_mm, 3),
                seed=design.seed,
                prescription_gy=round(drawn_gy, 3),
                uncertainty=design.uncertainty,
            )
            tasks.append(task)
        return drawn_gy

    cohort, truth = simulate_cohort(
        design.n_hcc, design.n_crlm, seed=design.seed, dose=design.dose, d100_gy=_delivered_gy
    )
    return cohort, truth, tasks


def _planned(
    tasks: Sequence[LesionTask], host: Structure, store: ResultStore[PlannedLesion], labour: Labour, step: Steps
) -> list[TaskResult]:
    """Take what the store holds and plan the rest; every new plan is stored as it comes."""
    organ = organ_digest(host)
    stored = [TaskResult(task=task, result=plan) for task in tasks if (plan := store.read(task.key(organ))) is not None]
    held = {result.task.lesion_id for result in stored}
    left = [task for task in tasks if task.lesion_id not in held]
    done = 0
    with step(f"plans ({len(stored)} found)") as progress:

        def keep(outcome: TaskResult) -> None:
            nonlocal done
            done += 1
            progress(done, len(left))
            if outcome.result is not None:
                store.write(outcome.task.key(organ), outcome.result)

        planned = run_tasks(left, host, labour=labour, on_result=keep)
    return stored + planned


def _planned_doses(
    doses: Sequence[Dose], plans: Mapping[str, PlannedLesion], failures: Mapping[str, str]
) -> tuple[Dose, ...]:
    """Doses as a study knows them: those of the plans. A lesion that could not be planned has none."""
    return tuple(
        Dose(dose.lesion_id, None, _dose_metrics(plans[dose.lesion_id])) if dose.lesion_id in plans else dose
        for dose in doses
        if dose.lesion_id not in failures
    )


def _dose_metrics(plan: PlannedLesion) -> dict[str, float]:
    return {
        "ctv_cm3": round(plan.ctv_cc, 3),
        "d100_gy": round(plan.d100_gy, 4),
        "d98_gy": round(plan.d98_gy, 4),
        "d90_gy": round(plan.d90_gy, 4),
        "d50_gy": round(plan.d50_gy, 4),
        "v100_pct": round(100 * plan.v100_frac, 4),
        "prescription_gy": PRESCRIBED_GY,
    }
