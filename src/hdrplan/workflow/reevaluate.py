"""A plan evaluated again: its dwell times are given, and the minimum dose of each CTV is proven for them anew."""

from __future__ import annotations

from dataclasses import replace

from hdrplan.arrays import FloatArray
from hdrplan.dose import DoseFactor, MinimumDoseSearch, Shape
from hdrplan.geometry import Volume
from hdrplan.optimize import EveryPoint
from hdrplan.options import PlanOptions
from hdrplan.plan import Case, Goals, Plan
from hdrplan.workflow.plan import PlanResult, task_result
from hdrplan.workflow.problem import PlanTask
from hdrplan.workflow.score import with_proven_d100
from hdrplan.workflow.steps import StepProgress, Steps
from hdrplan.workflow.times import EVERY_POINT_FRAC

__all__ = ["evaluate_plan", "minimum_interval", "proven_minimum"]

# A dose to prove is taken from the lowest that was found, which lies lower after each round: two or three are enough.
_ROUNDS = 6


def evaluate_plan(
    case: Case,
    goals: Goals,
    plan: Plan,
    *,
    options: PlanOptions | None = None,
    factor: DoseFactor | None = None,
    on_progress: StepProgress | None = None,
) -> PlanResult:
    """Dose and metrics of given dwell times, with the minimum dose of each CTV proven over all of its points.

    Parameters
    ----------
    case, goals, options, factor, on_progress
        As in :func:`hdrplan.workflow.plan_case`; without ``every_point`` D100 is that of the sample points.
    plan : Plan

    Returns
    -------
    PlanResult
        Without an optimum.
    """
    options = options or PlanOptions()
    task = PlanTask(case=case, goals=goals, source=plan.source, strength=plan.strength, options=options, factor=factor)
    result = task_result(task, plan, on_progress=on_progress)
    if not options.every_point or not plan.total_time_s:
        return result
    step = Steps(on_progress)
    proofs = []
    with step("prove") as progress:
        for done, target in enumerate(result.score.targets):
            progress(done, len(result.score.targets))
            shape = result.points.shape(target.name)
            asked = {"d100_gy": target.d100_gy, "prescription_gy": target.prescription_gy}
            field = None if factor is None else factor.fields[target.name]
            proofs.append(proven_minimum(shape, plan, target.name, factor=field, **asked))
    score = with_proven_d100(result.score, proofs)
    return replace(result, score=score, seconds={**result.seconds, **step.seconds})


def proven_minimum(
    ctv: Shape, plan: Plan, name: str, *, d100_gy: float, prescription_gy: float, factor: Volume | None = None
) -> EveryPoint:
    """Prove what the planner proves first, then the lowest dose found, until both lie within a thousandth.

    Parameters
    ----------
    ctv : Shape
    plan : Plan
    name : str
        Of the CTV.
    d100_gy : float
        Lowest dose at sample points.
    prescription_gy : float
    factor : Volume, optional
        What TG-43's dose is multiplied by, as of :class:`hdrplan.dose.MinimumDoseSearch`.
    """
    held = d100_gy >= prescription_gy * (1 + EVERY_POINT_FRAC / 4)
    wanted_gy = prescription_gy if held else d100_gy / (1 + EVERY_POINT_FRAC)
    tolerance_gy = min(d100_gy - wanted_gy, prescription_gy * EVERY_POINT_FRAC)
    search = MinimumDoseSearch(ctv, plan.dwells, plan.source, strength_u=plan.strength_u, factor=factor)
    return _narrowed(search, plan.exposure_s, name, d100_gy, wanted_gy, tolerance_gy)


def minimum_interval(search: MinimumDoseSearch, exposure_s: FloatArray, name: str, *, lowest_gy: float) -> EveryPoint:
    """Return the minimum dose of a CTV as an interval of a thousandth; of a plan without a prescription.

    Parameters
    ----------
    search : MinimumDoseSearch
        Of the CTV and the plan's dwells: its bounds serve any times.
    exposure_s : (n_dwells,) array
    name : str
        Of the CTV.
    lowest_gy : float
        Lowest dose at sample points.
    """
    wanted_gy = lowest_gy / (1 + EVERY_POINT_FRAC)
    return _narrowed(search, exposure_s, name, lowest_gy, wanted_gy, lowest_gy - wanted_gy)


def _narrowed(
    search: MinimumDoseSearch,
    exposure_s: FloatArray,
    name: str,
    lowest_gy: float,
    wanted_gy: float,
    tolerance_gy: float,
) -> EveryPoint:
    lower_gy, upper_gy, boxes = 0.0, lowest_gy, 0
    for _ in range(_ROUNDS):
        minimum = search.minimum_dose(exposure_s, wanted_gy=wanted_gy, tolerance_gy=tolerance_gy)
        boxes += minimum.boxes
        lower_gy, upper_gy = max(lower_gy, minimum.lower_gy), min(upper_gy, minimum.upper_gy)
        closed = upper_gy - lower_gy <= EVERY_POINT_FRAC * upper_gy
        if closed:
            break
        # The true minimum lies a little below what was found: a point counts as cold near the dose to prove only.
        wanted_gy = upper_gy / (1 + EVERY_POINT_FRAC)
        tolerance_gy = (upper_gy - wanted_gy) / 4
    return EveryPoint(structure=name, minimum_gy=lower_gy, upper_gy=upper_gy, boxes=boxes, finished=closed)
