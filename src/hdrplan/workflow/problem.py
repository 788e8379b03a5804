"""What a case asks of an optimiser: where the source may stop, where the dose is judged, by which rules."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hdrplan.dose import DoseFactor, SamplePoints, dose_rate, sample_points
from hdrplan.geometry import Dwells, Grid, dwell_positions
from hdrplan.memory import require_memory
from hdrplan.optimize import Delivery, PlanProblem, neighbours
from hdrplan.options import PlanOptions
from hdrplan.plan import AROUND, Case, Goals, Plan
from hdrplan.sources import Strength, TG43Source

__all__ = [
    "PlanSize",
    "PlanTask",
    "candidate_dwells",
    "delivery_rules",
    "dose_grid",
    "plan_memory_bytes",
    "plan_size",
    "planning_problem",
    "points_asked_for",
    "require_plan_memory",
    "require_points_memory",
]

# What interpreter, tables and compiled kernels take.
_AT_REST_BYTES = 4e8


def candidate_dwells(case: Case, options: PlanOptions) -> Dwells:
    """Return the positions at which the source may stop."""
    return dwell_positions(
        case.catheters,
        step_mm=options.step_mm,
        tip_offset_mm=options.tip_offset_mm,
        margin_mm=options.margin_mm,
        targets=case.ctvs,
    )


def points_asked_for(points: SamplePoints, goals: Goals, healthy: str | None) -> SamplePoints:
    """Return the points of the structures that :func:`structures_asked_for` names.

    Parameters
    ----------
    points : SamplePoints
    goals : Goals
    healthy : str or None
        As there.
    """
    return points.only(structures_asked_for(points, goals, healthy))


def structures_asked_for(points: SamplePoints, goals: Goals, healthy: str | None) -> frozenset[str]:
    """Return the structures that a goal or the objective names: no other has a say in the dwell times.

    Parameters
    ----------
    points : SamplePoints
    goals : Goals
    healthy : str or None
        Structure whose mean dose is minimised.
    """
    asked = (*(prescription.goal for prescription in goals.prescriptions), *goals.goals)
    # A conformity goal speaks of the points in and around all CTVs.
    around = [AROUND, *goals.doses_gy] if any(goal.metric.kind == "conformity" for goal in goals.goals) else []
    named = {*(goal.structure for goal in asked), *around, *([healthy] if healthy else [])}
    return frozenset(named & set(points.names))


def planning_problem(
    case: Case, goals: Goals, source: TG43Source, *, strength_u: float, options: PlanOptions
) -> tuple[Dwells, PlanProblem]:
    """Return the candidate dwells of a case and the problem at times that are real numbers: where every study starts.

    Parameters
    ----------
    case : Case
    goals : Goals
    source : TG43Source
    strength_u : float
    options : PlanOptions

    Raises
    ------
    ResourceError
        A rate matrix, and what studies make of it, that do not fit into the memory.
    """
    dwells = candidate_dwells(case, options)
    points = sample_points(case.dosed_structures(goals), spacing_mm=options.sample_mm, healthy=case.healthy)
    require_points_memory(points, dwells)
    rate = dose_rate(dwells, points.points_mm, source, strength_u=strength_u)
    problem = PlanProblem(rate=rate, points=points, goals=goals, healthy=case.healthy, max_time_s=options.max_dwell_s)
    return dwells, problem


def require_points_memory(points: SamplePoints, dwells: Dwells) -> None:
    """Refuse a rate matrix, and what studies make of it, that do not fit into the memory that is free.

    Raises
    ------
    ResourceError
    """
    require_memory(
        4.4 * 8.0 * len(points) * len(dwells) + _AT_REST_BYTES,
        f"planning on {len(points)} sample points x {len(dwells)} dwells",
        remedy="Take fewer points (larger `sample_mm`) or fewer dwells (larger steps).",
    )


def delivery_rules(dwells: Dwells, options: PlanOptions) -> Delivery | None:
    """Return the afterloader's rules that the options ask for; None where times are real numbers."""
    pairs = neighbours(dwells.catheter, dwells.offset_mm)
    # Catheters of one position each have no neighbours to compare.
    ratio = (options.time_ratio or None) if len(pairs) else None
    if not (options.time_step_s or options.min_dwell_s or ratio):
        return None
    return Delivery(
        resolution_s=options.time_step_s or 1e-6,
        shortest_s=options.min_dwell_s,
        ratio=ratio,
        neighbours=pairs if ratio else np.zeros((0, 2), dtype=np.int64),
    )


def dose_grid(case: Case, dwells: Dwells, *, margin_mm: float) -> Grid:
    """Return the CT's grid, cut to the CTVs and dwells plus a margin; without a CT the first CTV's grid serves.

    Parameters
    ----------
    case : Case
    dwells : Dwells
    margin_mm : float
    """
    grid = case.ct.grid if case.ct is not None else case.ctvs[0].grid
    return grid.cut_to(np.concatenate([dwells.positions_mm, *(ctv.voxels_mm for ctv in case.ctvs)]), margin_mm)


def plan_memory_bytes(points: SamplePoints, dwells: Dwells, grid: Grid) -> float:
    """Return the most memory that a plan takes beside the case: an estimate, on the safe side.

    The rate matrix, and as much again for rows of the linear program and their transposes; the dose grid in float32,
    its masks and its copy in the report.

    Parameters
    ----------
    points : SamplePoints
        Of :func:`points_asked_for`.
    dwells : Dwells
    grid : Grid
        Of the dose.
    """
    return 2.2 * 8.0 * len(points) * len(dwells) + 24.0 * grid.size + _AT_REST_BYTES


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlanTask:
    """What a plan is made of.

    Parameters
    ----------
    case : Case
    goals : Goals
    source : TG43Source
    strength : Strength
        Of the source at treatment.
    options : PlanOptions
    locked : Plan or None
        Its dwells are taken, and its times above 0 stay as they are.
    factor : DoseFactor or None
        What TG-43's dose is multiplied by: goals, proofs and metrics are of the product.
    """

    case: Case
    goals: Goals
    source: TG43Source
    strength: Strength
    options: PlanOptions = field(default_factory=PlanOptions)
    locked: Plan | None = None
    factor: DoseFactor | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlanSize:
    """What a plan would be made of.

    Parameters
    ----------
    dwells : Dwells
        Candidates.
    points : SamplePoints
    grid : Grid
        Of the dose.
    memory_bytes : float
        Of :func:`plan_memory_bytes`.
    """

    dwells: Dwells
    points: SamplePoints
    grid: Grid
    memory_bytes: float


def plan_size(case: Case, goals: Goals, options: PlanOptions) -> PlanSize:
    """Return the size of a plan before it is made.

    Parameters
    ----------
    case : Case
    goals : Goals
    options : PlanOptions
    """
    dwells = candidate_dwells(case, options)
    grid = dose_grid(case, dwells, margin_mm=options.dose_margin_mm)
    points = sample_points(case.dosed_structures(goals), spacing_mm=options.sample_mm, healthy=case.healthy)
    asked = points_asked_for(points, goals, case.healthy)
    return PlanSize(dwells=dwells, points=points, grid=grid, memory_bytes=plan_memory_bytes(asked, dwells, grid))


def require_plan_memory(points: SamplePoints, dwells: Dwells, grid: Grid) -> None:
    """Refuse a plan that does not fit into the memory that is free.

    Parameters
    ----------
    points : SamplePoints
    dwells : Dwells
    grid : Grid
        Of the dose.

    Raises
    ------
    ResourceError
    """
    require_memory(
        plan_memory_bytes(points, dwells, grid),
        f"a plan of {len(points)} sample points x {len(dwells)} dwells",
        remedy="Take fewer points (larger `sample_mm`), fewer dwells (larger `step_mm`) or a smaller `dose_margin_mm`.",
    )
