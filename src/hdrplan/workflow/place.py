"""Where the catheters go: the walk of :mod:`hdrplan.workflow`, one step earlier.

Obstacles become free room (``geometry``), the room becomes straight ways, the ways become dwells and rates (``dose``),
and ``optimize`` chooses the fewest that hold everything, with a bound for each number. The choice is planned as any
case. No files and no figures here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.dose import dose_rate, sample_points
from hdrplan.errors import InputError
from hdrplan.geometry import (
    Clearance,
    Dwells,
    Reach,
    Structure,
    Trajectories,
    angle_deg,
    box_of,
    clearance,
    distance_mm,
    dwell_positions,
    line_gap_mm,
    trajectories,
    varied,
)
from hdrplan.optimize import MAXIMUM_CANDIDATES, Candidates, ChosenSet, Placement, PlanProblem, choose_catheters
from hdrplan.options import PlanOptions
from hdrplan.plan import Case, Goals
from hdrplan.sources import Strength, TG43Source
from hdrplan.workflow.plan import PlanResult, plan_case

__all__ = ["BONE_MM", "ORGAN_MM", "PlaceOptions", "PlaceResult", "default_obstacles", "is_bone", "place_case"]

Progress = Callable[[str, int, int], None]

# Catheters lie where they were planned to 5 to 6 mm (Luedemann 2011, Radiat Oncol 6:107): less than 5 mm of margin
# keeps nothing free. A starting value, no clinical limit.
ORGAN_MM = 5.0
# Bone hurts the needle, not the patient: the radius of a 6 F sheath and a voxel.
BONE_MM = 3.0
_BONES = re.compile(r"rib|vertebra|cartilage|sternum|scapula|hip|sacrum|humer|femur|clavicul", re.IGNORECASE)
_ORGANS = re.compile(
    r"lung|colon|bowel|stomach|duoden|esophag|oesophag|kidney|gall|bile|heart|aorta|cava|portal|vein|arter|spinal|cord"
    r"|spleen|pancrea|bladder|intestin",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PlaceOptions:
    """Choices of :func:`place_case`; none is a clinical limit.

    Parameters
    ----------
    margins_mm : mapping
        Obstacle -> margin.
    reach : Reach
        Length, angles, position of the patient.
    candidates : int
        Ways to choose from, at most 64.
    most : int
        Most catheters.
    count : int or None
        This many catheters, whatever one more is worth; more where so many hold no prescription.
    worth_frac : float
        What a further catheter must save of the healthy dose to be taken.
    apart_mm : float
        Least distance of two catheters.
    spread_deg : float
        Greatest angle between two catheters: hubs that point every way get into each other's and the gantry's.
    sample_mm : float
        Edge of the sampling cubes while choosing; the chosen case is planned on finer ones.
    gap_frac : float
        Proof enough.
    time_limit_s : float
    error_mm : float
        Placement error to plan for: RMS displacement of each catheter, 0 for none.
    scenarios : int
        Displacements that D100 must outlive.
    seed : int
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


@dataclass(frozen=True, slots=True, eq=False)
class PlaceResult:
    """A case with catheters, and why these.

    Parameters
    ----------
    case : Case
        With the chosen catheters.
    room : Clearance
    ways : Trajectories
        All candidates, the chosen ones among them.
    found : int
        Ways that keep every limit, before the candidates were drawn from them.
    placement : Placement
    chosen : ChosenSet
    clear_mm : tuple of dict
        For each chosen catheter: obstacle -> least distance to its voxels, the nearest three.
    planned : PlanResult
        Of the case, on fine points.
    seconds : dict
    """

    case: Case
    room: Clearance
    ways: Trajectories
    found: int
    placement: Placement
    chosen: ChosenSet
    clear_mm: tuple[dict[str, float], ...]
    planned: PlanResult
    seconds: dict[str, float]


def is_bone(name: str) -> bool:
    """Whether a structure's name says that it is bone or cartilage."""
    return bool(_BONES.search(name))


def default_obstacles(case: Case, *, body: str = "body") -> dict[str, float]:
    """Return obstacle -> margin in mm for the structures whose names say what they are.

    The CTVs, the healthy organ, the body and structures of unknown names are no obstacles.
    """
    names = [s.name for s in case.structures if s.role != "CTV" and s.name not in (case.healthy, body)]
    return {n: BONE_MM if _BONES.search(n) else ORGAN_MM for n in names if _BONES.search(n) or _ORGANS.search(n)}


def place_case(
    case: Case,
    goals: Goals,
    source: TG43Source,
    strength: Strength,
    *,
    options: PlaceOptions,
    plan_options: PlanOptions | None = None,
    body: str = "body",
    on_progress: Progress | None = None,
) -> PlaceResult:
    """Choose catheters for a case that has none.

    Parameters
    ----------
    case : Case
        Its catheters, if any, are left aside.
    goals, source, strength
        As in :func:`hdrplan.workflow.plan_case`.
    options : PlaceOptions
    plan_options : PlanOptions, optional
        Step, tip offset, margin and longest dwell time.
    body : str
        Structure inside the skin, where there is one.
    on_progress : callable, optional
        Called with (step, done, total).

    Raises
    ------
    InfeasibleError
        A lesion that no way reaches, prescriptions that no set of candidates holds.
    InputError
        An obstacle that is no structure, no skin.
    """
    tell = on_progress or (lambda step, done, total: None)
    planning = plan_options or PlanOptions()
    seconds: dict[str, float] = {}
    started = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal started
        seconds[name] = round(time.perf_counter() - started, 3)
        started = time.perf_counter()

    tell("ways", 0, 1)
    room = clearance(
        case.ctvs, case.structures, options.margins_mm, ct=case.ct, body=body, reach_mm=options.reach.longest_mm
    )
    ways, found = _candidates(case, room, options)
    lap("ways")
    dwells = dwell_positions(
        ways.catheters(),
        step_mm=planning.step_mm,
        tip_offset_mm=planning.tip_offset_mm,
        margin_mm=planning.margin_mm,
        targets=case.ctvs,
    )
    used = case.dosed_structures(goals, "with limits")
    points = sample_points(used, spacing_mm=options.sample_mm, healthy=case.healthy)
    strength_u = strength.value_u
    rate = dose_rate(
        dwells, points.points_mm, source, strength_u=strength_u, on_progress=lambda a, b: tell("matrix", a, b)
    )
    scenarios = tuple(
        {
            ctv.name: dose_rate(moved, points.points_mm[points.rows(ctv.name)], source, strength_u=strength_u).gy_per_s
            for ctv in case.ctvs
        }
        for moved in _displaced(dwells, options)
    )
    lap("matrix")
    placement = choose_catheters(
        PlanProblem(rate=rate, points=points, goals=goals, healthy=case.healthy, max_time_s=planning.max_dwell_s),
        Candidates(
            dwells.catheter,
            conflicts=(line_gap_mm(ways) < options.apart_mm) | (angle_deg(ways) > options.spread_deg),
            scenarios=scenarios,
        ),
        maximum_count=max(options.most, options.count or 1),
        gap_frac=options.gap_frac,
        time_limit_s=options.time_limit_s,
        on_progress=lambda a, b: tell("choice", a, b),
    )
    chosen = placement.fewest(options.worth_frac)
    if options.count is not None and placement.at(options.count).candidates:
        chosen = placement.at(options.count)
    lap("choice")
    with_catheters = replace(case, catheters=ways.only(chosen.candidates).catheters())
    planned = plan_case(with_catheters, goals, source, strength, options=planning, on_progress=on_progress)
    clear = tuple(_clear_mm(case, c.points_mm, options.margins_mm) for c in with_catheters.catheters)
    lap("plan")
    return PlaceResult(with_catheters, room, ways, found, placement, chosen, clear, planned, seconds)


def _candidates(case: Case, room: Clearance, options: PlaceOptions) -> tuple[Trajectories, int]:
    """Candidates of all lesions: each lesion has its share."""
    parts, found = [], 0
    share = max(1, options.candidates // len(case.ctvs))
    for ctv in case.ctvs:
        ways = trajectories(room, ctv, options.reach)
        found += len(ways)
        parts.append(varied(ways, share))
    joined = {
        name: np.concatenate([getattr(p, name) for p in parts])
        for name in ("entry_mm", "tip_mm", "chord_mm", "free_mm", "tilt_deg", "slant_deg")
    }
    blocked: dict[str, int] = {}
    for part in parts:
        for name, n in part.blocked.items():
            blocked[name] = blocked.get(name, 0) + n
    return Trajectories(**joined, tried=sum(p.tried for p in parts), blocked=blocked), found


def _displaced(dwells: Dwells, options: PlaceOptions) -> list[Dwells]:
    """Dwells of catheters that lie elsewhere: each moved as a whole, RMS ``error_mm`` in space."""
    if options.error_mm == 0.0:
        return []
    rng = np.random.default_rng(options.seed)
    count = len(dwells.catheter_names)
    moved = []
    for _ in range(options.scenarios):
        shift = rng.normal(0.0, options.error_mm / np.sqrt(3), (count, 3))
        moved.append(replace(dwells, positions_mm=dwells.positions_mm + shift[dwells.catheter]))
    return moved


def _clear_mm(case: Case, ends_mm: FloatArray, margins_mm: Mapping[str, float]) -> dict[str, float]:
    """Least distances of a straight catheter to the nearest three obstacles, exact for their voxels."""
    way = ends_mm[-1] - ends_mm[0]
    steps = int(np.linalg.norm(way)) + 1
    line = ends_mm[0] + np.linspace(0.0, 1.0, steps + 1)[:, None] * way
    near = {}
    for structure in (s for s in case.structures if s.name in margins_mm):
        box_mm = _box_gap_mm(structure, line)
        if box_mm < 40.0:
            near[structure.name] = float(distance_mm(structure, line).min())
    return dict(sorted(near.items(), key=lambda item: item[1])[:3])


def _box_gap_mm(structure: Structure, line_mm: FloatArray) -> float:
    """Distance of a line to the box of a structure: a lower bound."""
    box = box_of(structure.mask_zyx)[::-1]
    low, high = np.array([side.start for side in box]), np.array([side.stop - 1 for side in box])
    index = structure.grid.index(line_mm)
    gap = np.maximum(np.maximum(low - index, index - high), 0.0) * structure.grid.spacing_mm
    return float(np.linalg.norm(gap, axis=1).min())
