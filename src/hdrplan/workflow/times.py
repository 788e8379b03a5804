"""Dwell times by the optimiser that the options ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hdrplan.arrays import FloatArray
from hdrplan.dose import DoseRate, LeastDose, dose_rate, least_dose
from hdrplan.geometry import Dwells
from hdrplan.optimize import (
    Optimum,
    PlanProblem,
    WorkLimit,
    fewest_dwells,
    optimize_every_point,
    optimize_times,
    transit_times,
)
from hdrplan.options import PlanOptions
from hdrplan.plan import Case
from hdrplan.sources import TG43Source

__all__ = ["EVERY_POINT_FRAC", "best_times"]

# What the proof at every point may cost, in dose: boxes are halved until their bounds close within it. A tenth of it
# takes a fifth more boxes on lesion B, but more rounds; a thousandth of a dose is below all else that is uncertain.
EVERY_POINT_FRAC = 0.001


def best_times(
    problem: PlanProblem,
    case: Case,
    dwells: Dwells,
    source: TG43Source,
    *,
    strength_u: float,
    options: PlanOptions,
    on_progress: Callable[[int, int], None] | None = None,
) -> Optimum:
    """Return the best dwell times: of all, or of few dwells; proven at the sample points, or at every point.

    Parameters
    ----------
    problem : PlanProblem
        Without the dose of the moving source, which is added here.
    case : Case
        Its CTVs are asked at every point.
    dwells : Dwells
        Of the problem's rates.
    source : TG43Source
    strength_u : float
    options : PlanOptions
        ``every_point``, ``fewest_dwells``, ``proof_s`` and ``source_speed_mm_per_s``.
    on_progress : callable, optional

    Returns
    -------
    Optimum
    """
    transit_s = None
    if options.source_speed_mm_per_s > 0:
        transit_s = transit_times(dwells.catheter, dwells.offset_mm, speed_mm_per_s=options.source_speed_mm_per_s)
    if not options.every_point:
        if transit_s is not None:
            problem = replace(problem, earlier_gy=problem.rate.gy_per_s @ transit_s)
        if options.fewest_dwells:
            return fewest_dwells(problem)
        return optimize_times(problem, proof=WorkLimit(seconds=options.proof_s), on_progress=on_progress)

    def _minimum_dose(name: str, times_s: FloatArray, wanted_gy: float, tolerance_gy: float) -> LeastDose:
        return least_dose(
            case.structure(name),
            dwells,
            times_s,
            source,
            strength_u=strength_u,
            wanted_gy=wanted_gy,
            tolerance_gy=tolerance_gy,
        )

    def rate_at(points_mm: FloatArray) -> DoseRate:
        return dose_rate(dwells, points_mm, source, strength_u=strength_u)

    return optimize_every_point(
        problem,
        minimum_dose=_minimum_dose,
        rate_at=rate_at,
        tolerance_frac=EVERY_POINT_FRAC,
        transit_s=transit_s,
        fewest=options.fewest_dwells,
        proof=WorkLimit(seconds=options.proof_s),
    ).optimum
