"""Where the catheters go: the walk of :mod:`hdrplan.workflow.plan`, one step earlier.

Obstacles become free room (``geometry``), the room becomes straight paths, the paths become dwells and rates
(``dose``), and ``optimize`` chooses the fewest that hold everything, with a bound for each number. The choice is
planned as any case. No files and no figures here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hdrplan.arrays import FloatArray
from hdrplan.brief import brief_repr
from hdrplan.dose import SamplePoints, dose_rate, sample_points
from hdrplan.errors import InputError
from hdrplan.geometry import Clearance, Dwells, Reach, Trajectories, angle_deg, clearance, line_gap_mm
from hdrplan.optimize import (
    MAXIMUM_CANDIDATES,
    Candidates,
    ChosenSet,
    Placement,
    PlanProblem,
    WorkLimit,
    choose_catheters,
)
from hdrplan.options import PlanOptions
from hdrplan.plan import Case, Goals
from hdrplan.sources import Strength, TG43Source
from hdrplan.workflow.candidates import candidate_trajectories, displaced, nearest_mm
from hdrplan.workflow.obstacles import as_obstacles, not_avoided, refuse_missing_groups
from hdrplan.workflow.plan import PlanResult, Watch, plan_case
from hdrplan.workflow.problem import candidate_dwells
from hdrplan.workflow.steps import StepProgress, Steps

__all__ = ["PlaceOptions", "PlaceResult", "place_case"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOptions:
    """Choices of :func:`place_case`; none is a clinical limit.

    Parameters
    ----------
    margins_mm : mapping
        Obstacle -> margin.
    reach : Reach
        Length, angles, position of the patient.
    candidates : int
        Paths to choose from, at most 64.
    most : int
        Maximum number of catheters.
    count : int or None
        This many catheters, whatever one more is worth; more where so many hold no prescription.
    worth_frac : float
        What a further catheter must save of the healthy dose to be taken.
    apart_mm : float
        Minimum distance of two catheters.
    spread_deg : float
        Maximum angle between two catheters: hubs that point every way get into each other's and the gantry's.
    sample_mm : float
        Edge of the sampling cubes while choosing; the chosen case is planned on finer ones.
    gap_frac : float
        Proof enough.
    time_limit_s : float
        For search and proof.
    error_mm : float
        Placement error to plan for: RMS displacement of each catheter, 0 for none.
    scenarios : int
        Displacements that D100 must outlive.
    seed : int
    body : str
        Structure inside the skin, where there is one.
    without : tuple of str
        Of ribs, lungs, bowel and vessels those that need not be segmented: paths may pass through them.

    Raises
    ------
    InputError
        A number out of its range.
    """

    margins_mm: Mapping[str, float] = field(default_factory=dict)
    reach: Reach = field(default_factory=Reach)
    candidates: int = 50
    most: int = 8
    count: int | None = None
    worth_frac: float = 0.05
    apart_mm: float = 5.0
    spread_deg: float = 40.0
    sample_mm: float = 2.0
    gap_frac: float = 1e-3
    time_limit_s: float = 120.0
    error_mm: float = 0.0
    scenarios: int = 6
    seed: int = 1
    body: str = "body"
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, low, high in (
            ("candidates", 1, MAXIMUM_CANDIDATES),
            ("most", 1, 20),
            ("worth_frac", 0.0, 1.0),
            ("apart_mm", 0.0, 50.0),
            ("spread_deg", 0.0, 180.0),
            ("sample_mm", 0.5, 10.0),
            ("gap_frac", 1e-6, 0.5),
            ("time_limit_s", 1.0, 86400.0),
            ("error_mm", 0.0, 30.0),
            ("scenarios", 1, 100),
        ):
            if not low <= getattr(self, name) <= high:
                raise InputError(f"{name} must lie between {low:g} and {high:g}", got=f"{getattr(self, name):g}")
        if self.count is not None and not 1 <= self.count <= 20:
            raise InputError("count must lie between 1 and 20", got=self.count)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlaceResult:
    """A case with catheters, and why these.

    Parameters
    ----------
    case : Case
        With the chosen catheters.
    room : Clearance
    trajectories : Trajectories
        All candidates, the chosen ones among them.
    n_free : int
        Paths that keep every limit, before the candidates were drawn from them.
    placement : Placement
    chosen : ChosenSet
    nearest_mm : tuple of mapping
        For each chosen catheter: the nearest three obstacles -> distance to their voxels.
    not_avoided : tuple of str
        Structures that were read and that paths do not keep away from.
    planned : PlanResult
        Of the case, on fine points.
    seconds : mapping
        Step -> wall time.
    """

    case: Case
    room: Clearance
    trajectories: Trajectories
    n_free: int
    placement: Placement
    chosen: ChosenSet
    nearest_mm: tuple[Mapping[str, float], ...]
    not_avoided: tuple[str, ...]
    planned: PlanResult
    seconds: Mapping[str, float]

    __repr__ = brief_repr


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
    """Choose catheters for a case that has none.

    Parameters
    ----------
    case : Case
        Its catheters, if any, are left aside.
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
    refuse_missing_groups(case, without=options.without, body=options.body)
    planning = plan_options or PlanOptions()
    step = Steps(on_progress)
    with step("ways"):
        reach_mm = options.reach.longest_mm
        solid, margins_mm = as_obstacles(case, options.margins_mm)
        room = clearance(solid.ctvs, solid.structures, margins_mm, ct=case.ct, body=options.body, reach_mm=reach_mm)
        paths, n_free = candidate_trajectories(solid, room, options.reach, count=options.candidates)
    with step("matrix") as progress:
        dwells = candidate_dwells(replace(case, catheters=paths.catheters()), planning)
        points = sample_points(
            case.dosed_structures(goals, "with limits"), spacing_mm=options.sample_mm, healthy=case.healthy
        )
        rate = dose_rate(dwells, points.points_mm, source, strength_u=strength.value_u, on_progress=progress)
        moved = displaced(dwells, error_mm=options.error_mm, scenarios=options.scenarios, seed=options.seed)
        scenarios = tuple(_target_rates(elsewhere, points, source, strength) for elsewhere in moved)
    with step("choice") as progress:
        placement = choose_catheters(
            PlanProblem(rate=rate, points=points, goals=goals, healthy=case.healthy, max_time_s=planning.max_dwell_s),
            Candidates(
                dwells.catheter,
                conflicts=(line_gap_mm(paths) < options.apart_mm) | (angle_deg(paths) > options.spread_deg),
                scenarios=scenarios,
            ),
            maximum_count=max(options.most, options.count or 1),
            gap_frac=options.gap_frac,
            limit=WorkLimit(seconds=options.time_limit_s),
            on_progress=progress,
        )
        chosen = _chosen(placement, options)
    with step("plan"):
        placed = replace(case, catheters=paths.only(chosen.candidates).catheters())
        planned = plan_case(placed, goals, source, strength, options=planning, watch=Watch(on_progress=on_progress))
    return PlaceResult(
        case=placed,
        room=room,
        trajectories=paths,
        n_free=n_free,
        placement=placement,
        chosen=chosen,
        nearest_mm=tuple(nearest_mm(solid, catheter, margins_mm) for catheter in placed.catheters),
        not_avoided=not_avoided(case, margins_mm, body=options.body),
        planned=planned,
        seconds=step.seconds,
    )


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
