"""What the planner chooses by its options: dwell candidates, points, rate matrix, optimiser, dose grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.dose import SPACING_MM, DoseRate, LeastDose, SamplePoints, dose_rate, least_dose, sample_points
from hdrplan.errors import InputError
from hdrplan.geometry import MARGIN_MM, STEP_MM, TIP_OFFSET_MM, Dwells, Grid, dwell_positions
from hdrplan.memory import require_memory
from hdrplan.optimize import (
    Delivery,
    Optimum,
    PlanProblem,
    fewest_dwells,
    neighbours,
    optimize_every_point,
    optimize_times,
    transit_times,
)
from hdrplan.plan import Case, Goals, Plan
from hdrplan.sources import TG43Source

__all__ = [
    "PlanOptions",
    "best_times",
    "delivery_of",
    "dose_grid",
    "plan_memory_bytes",
    "planned_dwells",
    "planning_matrix",
]

# What the proof at every point may cost, in dose: boxes are halved until their bounds close within it. A tenth of it
# takes a fifth more boxes on lesion B, but more rounds; a thousandth of a dose is below all else that is uncertain.
EVERY_POINT_FRAC = 0.001


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """Choices of :func:`plan_case`; the defaults are those of the demo.

    Parameters
    ----------
    step_mm : float
        Distance of neighbouring dwell positions in a catheter.
    tip_offset_mm : float
        Distance of the first dwell position from the catheter's tip (dead space of a closed tip).
    margin_mm : float
        Dwell positions lie at most this far outside a CTV.
    max_dwell_s : float
        Longest time at one position.
    sample_mm : float
        Edge of the cubes in which structures are sampled.
    dose_margin_mm : float
        The dose grid is the CT's, cut to the CTVs and dwells plus this margin.
    time_step_s : float
        The afterloader's resolution: times are rounded up to multiples, so that every D100 stays. 0 keeps real numbers.
    min_dwell_s : float
        A stop lasts at least this long, or is left out.
    time_ratio : float
        Neighbouring times in a catheter differ at most by this factor; 0: no limit.
    source_speed_mm_per_s : float
        Speed between dwells: the transit dose counts in the optimisation. 0 leaves it out.
    every_point : bool
        Prove D100 at every point of the CTVs, not only at the sample points, between which some Gy may be missing;
        costs 0.1 % more dose.
    proof_s : float
        Seconds to spend at most on the proof of a plan whose dose-volume goals bind (not convex); 0: no such proof.
    fewest_dwells : bool
        Leave out dwells that are not needed: at most a ten-thousandth of the objective is given back.
    """

    step_mm: float = STEP_MM
    tip_offset_mm: float = TIP_OFFSET_MM
    margin_mm: float = MARGIN_MM
    max_dwell_s: float = 600.0
    sample_mm: float = SPACING_MM
    dose_margin_mm: float = 60.0
    # Current HDR afterloaders program times in steps of 0.1 s.
    time_step_s: float = 0.1
    min_dwell_s: float = 0.0
    time_ratio: float = 0.0
    source_speed_mm_per_s: float = 0.0
    every_point: bool = True
    proof_s: float = 60.0
    fewest_dwells: bool = False

    def __post_init__(self) -> None:
        for name in ("time_step_s", "min_dwell_s", "time_ratio", "source_speed_mm_per_s", "proof_s"):
            value = getattr(self, name)
            if not 0.0 <= value < 1e4:
                raise InputError(f"{name} must not be negative", got=value)


def planned_dwells(case: Case, options: PlanOptions) -> Dwells:
    """Return the dwell candidates of a case."""
    return dwell_positions(
        case.catheters,
        step_mm=options.step_mm,
        tip_offset_mm=options.tip_offset_mm,
        margin_mm=options.margin_mm,
        targets=case.ctvs,
    )


def planning_matrix(
    case: Case, goals: Goals, source: TG43Source, *, strength_u: float, options: PlanOptions
) -> tuple[Dwells, SamplePoints, DoseRate]:
    """Return dwell candidates, sample points and dose rates of a case: what every optimiser starts from."""
    dwells = planned_dwells(case, options)
    points = sample_points(case.dosed_structures(goals), spacing_mm=options.sample_mm, healthy=case.healthy)
    require_memory(
        4.4 * 8.0 * len(points) * len(dwells) + 4e8,
        f"planning on {len(points)} sample points x {len(dwells)} dwells",
        remedy="Take fewer points (larger `sample_mm`) or fewer dwells (larger steps).",
    )
    return dwells, points, dose_rate(dwells, points.points_mm, source, strength_u=strength_u)


def plan_memory_bytes(points: SamplePoints, dwells: Dwells, grid: Grid) -> float:
    """Return the most memory that :func:`plan_case` takes beside the case: an estimate, on the safe side.

    The rate matrix, and as much again for rows of the linear program and their transposes; the dose grid in float32,
    its masks and its copy in the report; what interpreter, tables and compiled kernels take.
    """
    return 2.2 * 8.0 * len(points) * len(dwells) + 24.0 * grid.size + 4e8


def delivery_of(dwells: Dwells, options: PlanOptions) -> Delivery | None:
    """Return the afterloader's rules that the options ask for; None where times are real numbers."""
    if not (options.time_step_s or options.min_dwell_s or options.time_ratio):
        return None
    ratio = options.time_ratio or None
    pairs = neighbours(dwells.catheter, dwells.offset_mm) if ratio else np.zeros((0, 2), dtype=np.int64)
    return Delivery(options.time_step_s or 1e-6, options.min_dwell_s, ratio, pairs)


def best_times(
    case: Case,
    goals: Goals,
    source: TG43Source,
    dwells: Dwells,
    points: SamplePoints,
    rate: DoseRate,
    strength_u: float,
    options: PlanOptions,
    locked: Plan | None,
    tell: Callable[[int, int], None],
) -> Optimum:
    """Choose the optimiser that the options ask for."""
    problem = PlanProblem(
        rate=rate,
        points=points,
        goals=goals,
        healthy=case.healthy,
        max_time_s=options.max_dwell_s,
        locked_s=None if locked is None else np.where(locked.times_s > 0, locked.times_s, np.nan),
        delivery=delivery_of(dwells, options),
    )
    transit_s = None
    if options.source_speed_mm_per_s > 0:
        transit_s = transit_times(dwells.catheter, dwells.offset_mm, speed_mm_per_s=options.source_speed_mm_per_s)
    if not options.every_point:
        if transit_s is not None:
            problem = replace(problem, earlier_gy=rate.gy_per_s @ transit_s)
        if options.fewest_dwells:
            return fewest_dwells(problem)
        return optimize_times(problem, proof_s=options.proof_s, on_progress=tell)

    def least(name: str, times_s: FloatArray, wanted_gy: float, tolerance_gy: float) -> LeastDose:
        return least_dose(
            case.structure(name), dwells, times_s, source, strength_u=strength_u, wanted_gy=wanted_gy,
            tolerance_gy=tolerance_gy,
        )  # fmt: skip

    def rate_at(points_mm: FloatArray) -> DoseRate:
        return dose_rate(dwells, points_mm, source, strength_u=strength_u)

    return optimize_every_point(
        problem, minimum_dose=least, rate_at=rate_at, tolerance_frac=EVERY_POINT_FRAC, transit_s=transit_s,
        fewest=options.fewest_dwells, proof_s=options.proof_s,
    ).optimum  # fmt: skip


def dose_grid(case: Case, dwells: Dwells, *, margin_mm: float) -> Grid:
    """Return the CT's grid, cut to the CTVs and dwells plus a margin; without a CT the first CTV's grid serves."""
    grid = case.ct.grid if case.ct is not None else case.ctvs[0].grid
    return grid.cut_to(np.concatenate([dwells.positions_mm, *(ctv.voxels_mm for ctv in case.ctvs)]), margin_mm)
