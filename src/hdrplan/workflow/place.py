"""Where the catheters go: the walk of :mod:`hdrplan.workflow.plan`, one step earlier.

Catheters that are in the patient already stay as they are; the rest is chosen. Obstacles become free room
(``geometry``), the room becomes straight paths, the paths become dwells and rates (``dose``), and ``optimize`` chooses
the fewest that hold everything, with a bound for each number. The choice is planned as any case. No files and no
figures here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.brief import brief_repr
from hdrplan.dose import SamplePoints, dose_rate, sample_points
from hdrplan.geometry import Clearance, Dwells, Trajectories, angle_deg, line_gap_mm
from hdrplan.optimize import Candidates, ChosenSet, Placement, PlanProblem, WorkLimit, choose_catheters
from hdrplan.options import PlanOptions
from hdrplan.plan import Case, Goals
from hdrplan.sources import Strength, TG43Source
from hdrplan.workflow.candidates import displaced, named_apart, nearest_mm, ways
from hdrplan.workflow.foresight import foreseen_catheter
from hdrplan.workflow.foresight_values import EveryPath, ForeseenNext
from hdrplan.workflow.insertion import insertion_setting
from hdrplan.workflow.obstacles import not_avoided, refuse_missing_groups
from hdrplan.workflow.place_options import PlaceOptions
from hdrplan.workflow.plan import PlanResult, Watch, plan_task
from hdrplan.workflow.problem import PlanTask, candidate_dwells
from hdrplan.workflow.steps import StepProgress, Steps

# Foresight looks at hundreds of plans: on sample points at least so far apart, each bound proven to this gap.
FORESIGHT_MM, _FORESEEN_GAP_FRAC = 4.0, 0.02

__all__ = ["PlaceResult", "insertion_order", "place_case"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlaceResult:
    """A case with catheters, and why these.

    Parameters
    ----------
    case : Case
        With the catheters that are in, then the chosen ones in the order of insertion.
    n_given : int
        How many are in.
    room : Clearance
    trajectories : Trajectories
        All candidates, the chosen ones among them.
    n_free : int
        Paths that keep every limit, before the candidates were drawn from them.
    placement : Placement
        With the order of insertion.
    chosen : ChosenSet
    nearest_mm : tuple of mapping
        For each catheter of the case: the nearest three obstacles -> distance to their voxels.
    not_avoided : tuple of str
        Structures that were read and that paths do not keep away from.
    planned : PlanResult
        Of the case, on fine points.
    seconds : mapping
        Step -> wall time.
    foreseen : ForeseenNext or None
        The next catheter for the best expected end, where that was asked for.
    """

    case: Case
    n_given: int
    room: Clearance
    trajectories: Trajectories
    n_free: int
    placement: Placement
    chosen: ChosenSet
    nearest_mm: tuple[Mapping[str, float], ...]
    not_avoided: tuple[str, ...]
    planned: PlanResult
    seconds: Mapping[str, float]
    foreseen: ForeseenNext | None = None

    __repr__ = brief_repr

    @property
    def order(self) -> tuple[int, ...]:
        """Candidates in the order of insertion: those of the case's catheters after the first ``n_given``."""
        return insertion_order(self.placement, self.chosen)


def place_case(
    case: Case,
    goals: Goals,
    source: TG43Source,
    strength: Strength,
    *,
    options: PlaceOptions,
    plan_options: PlanOptions | None = None,
    on_progress: StepProgress | None = None,
) -> PlaceResult:
    """Choose catheters for a case.

    Parameters
    ----------
    case : Case
        Its catheters, if any, are in the patient: they stay as they are, and the rest is chosen.
    goals : Goals
    source : TG43Source
    strength : Strength
    options : PlaceOptions
    plan_options : PlanOptions, optional
        Of the plan that is made in the end; its dwells and longest time count in the choice too.
    on_progress : callable, optional
        Called with (step, done, total).

    Returns
    -------
    PlaceResult

    Raises
    ------
    InfeasibleError
        A lesion that no path reaches, prescriptions that no set of candidates holds.
    InputError
        An obstacle that is no structure, no skin; no ribs, lungs, bowel or vessels segmented and not asked for so.
    """
    goals.require_prescription("placement")
    refuse_missing_groups(case, without=options.without, body=options.body)
    planning, given = plan_options or PlanOptions(), case.catheters
    step = Steps(on_progress)
    with step("ways"):
        found = ways(case, options)
        paths = found.paths
    with step("matrix") as progress:
        dwells = candidate_dwells(replace(case, catheters=(*given, *named_apart(paths.catheters(), given))), planning)
        points = sample_points(
            case.dosed_structures(goals, "with limits"), spacing_mm=options.sample_mm, healthy=case.healthy
        )
        rate = dose_rate(dwells, points.points_mm, source, strength_u=strength.value_u, on_progress=progress)
        moved = displaced(
            dwells,
            error_mm=0.0 if options.foresee else options.error_mm,
            scenarios=options.scenarios,
            seed=options.seed,
            n_given=len(given),
        )
        scenarios = tuple(_target_rates(elsewhere, points, source, strength) for elsewhere in moved)
    with step("choice") as progress:
        placement = choose_catheters(
            PlanProblem(rate=rate, points=points, goals=goals, healthy=case.healthy, max_time_s=planning.max_dwell_s),
            Candidates(
                np.maximum(dwells.catheter - len(given), -1),
                conflicts=(line_gap_mm(paths) < options.apart_mm) | (angle_deg(paths) > options.spread_deg),
                scenarios=scenarios,
            ),
            maximum_count=max(options.most, options.count or 1),
            gap_frac=options.gap_frac,
            limit=WorkLimit(seconds=options.time_limit_s),
            decide=lambda placement: _chosen(placement, options),
            on_progress=progress,
        )
        chosen = _chosen(placement, options)
    foreseen = None
    if options.foresee and chosen.candidates:
        with step("foresight") as progress:
            every_path = EveryPath(_FORESEEN_GAP_FRAC, time.monotonic() + options.time_limit_s)
            planned_next = paths.only(insertion_order(placement, chosen)).catheters()
            spacing_mm = max(options.sample_mm, FORESIGHT_MM)
            coarse = replace(options, sample_mm=spacing_mm, count=len(planned_next))
            setting = insertion_setting(
                case, goals, source, strength, options=coarse, planning=planning, room=found.room
            )
            foreseen = foreseen_catheter(setting, planned_next, every_path=every_path, on_progress=progress)
    with step("plan"):
        new = named_apart(paths.only(insertion_order(placement, chosen)).catheters(), given)
        placed = replace(case, catheters=(*given, *new))
        task = PlanTask(case=placed, goals=goals, source=source, strength=strength, options=planning)
        # Catheters change no structure: with the shapes known, sampling the demo takes 0.78 instead of 1.05 CPU s.
        shapes = dict(zip(points.names, points.shapes, strict=True))
        planned = plan_task(task, Watch(on_progress=on_progress), shapes=shapes)
    return PlaceResult(
        case=placed,
        n_given=len(given),
        room=found.room,
        trajectories=paths,
        n_free=found.n_free,
        placement=placement,
        chosen=chosen,
        nearest_mm=tuple(nearest_mm(found.solid, catheter, found.margins_mm) for catheter in placed.catheters),
        not_avoided=not_avoided(case, found.margins_mm, body=options.body),
        planned=planned,
        seconds=step.seconds,
        foreseen=foreseen,
    )


def insertion_order(placement: Placement, chosen: ChosenSet) -> tuple[int, ...]:
    """Return the chosen candidates, the one whose loss costs most first.

    Parameters
    ----------
    placement : Placement
    chosen : ChosenSet
        Of the placement.
    """
    if placement.recourse is None:
        return chosen.candidates
    return tuple(loss.candidate for loss in placement.recourse.order)


def _target_rates(
    dwells: Dwells, points: SamplePoints, source: TG43Source, strength: Strength
) -> dict[str, FloatArray]:
    """Return CTV -> (n_points of the CTV, n_dwells) rates in Gy/s."""
    return {
        name: dose_rate(dwells, points.points_mm[points.rows(name)], source, strength_u=strength.value_u).gy_per_s
        for name, role in zip(points.names, points.roles, strict=True)
        if role == "CTV"
    }


def _chosen(placement: Placement, options: PlaceOptions) -> ChosenSet:
    """Return the number asked for, if so many hold everything; else as many as are worth it."""
    sufficient = placement.fewest(options.worth_frac)
    asked = placement.at(options.count) if options.count is not None else sufficient
    return asked if asked.candidates else sufficient
