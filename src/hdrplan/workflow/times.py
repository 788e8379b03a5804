"""Dwell times by the optimiser that the options ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.dose import DoseFactor, DoseRate, MinimumDose, MinimumDoseSearch, SamplePoints, dose_rate, doses_of
from hdrplan.errors import InfeasibleError
from hdrplan.geometry import Dwells, Transit, positions_reached
from hdrplan.optimize import (
    Bounded,
    LongProof,
    MeanDose,
    Note,
    Objective,
    Optimum,
    PlanProblem,
    Rounded,
    StopsLengthened,
    TransitCounted,
    fewest_dwells,
    optimize_every_point,
    optimize_times,
)
from hdrplan.options import PlanOptions
from hdrplan.sources import TG43Source

__all__ = ["EVERY_POINT_FRAC", "EveryPointSearch", "best_times", "transit_of"]

# What the proof at every point may cost, in dose: boxes are halved until their bounds close within it. A tenth of it
# takes a fifth more boxes on lesion B, but more rounds; a thousandth of a dose is below all else that is uncertain.
EVERY_POINT_FRAC = 0.001
_NO_PROOF: LongProof[Optimum] = LongProof()
_EVERY_CATHETER = (
    "The moving source counts here in every catheter, as far as its deepest position; without one of them, or with a "
    "higher `source_speed_mm_per_s`, it gives less."
)


class EveryPointSearch:
    """What a proof at every point asks of a case: minimum doses of its CTVs, and rates at points that join.

    Parameters
    ----------
    points : SamplePoints
        With the shapes that they were taken from.
    dwells : Dwells
    source : TG43Source
    strength_u : float
    factor : DoseFactor, optional
        What TG-43's dose is multiplied by; it has a field for each CTV.
    """

    def __init__(
        self,
        points: SamplePoints,
        dwells: Dwells,
        source: TG43Source,
        *,
        strength_u: float,
        factor: DoseFactor | None = None,
    ) -> None:
        self._points, self._dwells, self._source, self._strength_u = points, dwells, source, strength_u
        self._factor = factor
        self._searches: dict[str, MinimumDoseSearch] = {}

    def minimum_dose(self, name: str, times_s: FloatArray, **asked: Any) -> MinimumDose:
        """Return the minimum dose of a CTV; parameters as of :meth:`hdrplan.dose.MinimumDoseSearch.minimum_dose`."""
        if name not in self._searches:
            self._searches[name] = MinimumDoseSearch(
                self._points.shape(name),
                self._dwells,
                self._source,
                strength_u=self._strength_u,
                factor=None if self._factor is None else self._factor.fields[name],
            )
        return self._searches[name].minimum_dose(times_s, **asked)

    def rate_at(self, name: str, points_mm: FloatArray) -> DoseRate:
        """Return the rates at points of a CTV, (n, 3) in mm."""
        rate = dose_rate(self._dwells, points_mm, self._source, strength_u=self._strength_u)
        if self._factor is None:
            return rate
        return DoseRate(rate.gy_per_s * self._factor.at(name, points_mm)[:, None], rate.extrapolated)


def best_times(
    problem: PlanProblem,
    dwells: Dwells,
    source: TG43Source,
    *,
    strength_u: float,
    options: PlanOptions,
    factor: DoseFactor | None = None,
    proof: LongProof[Optimum] = _NO_PROOF,
) -> Optimum:
    """Return the best dwell times: of all, or of few dwells; proven at the sample points, or at every point.

    Parameters
    ----------
    problem : PlanProblem
        Without the dose of the moving source, which is added here, and without other earlier doses. The shapes that its
        points were taken from are what is proven at every point.
    dwells : Dwells
        Of the problem's rates.
    source : TG43Source
    strength_u : float
    options : PlanOptions
        ``every_point``, ``fewest_dwells`` and ``source_speed_mm_per_s``.
    factor : DoseFactor, optional
        What TG-43's dose is multiplied by, as the problem's rates are.
    proof : LongProof
        Of dose-volume goals. Its ``on_plan`` is not called with a moving source, whose dose changes with the plan.

    Returns
    -------
    Optimum
        With transit, of all plans whose source goes into the same catheters as deep as this one's.
    """

    def solve(problem: PlanProblem, passing_s: FloatArray | None) -> Optimum:
        if options.every_point:
            search = EveryPointSearch(problem.points, dwells, source, strength_u=strength_u, factor=factor)
            return _proven_at_every_point(problem, search, options, proof, passing_s)
        if passing_s is not None:
            problem = replace(problem, earlier_gy=problem.rate.dose_gy(passing_s))
        if options.fewest_dwells:
            return fewest_dwells(problem)
        plan = optimize_times(problem)
        if proof.limit.used_up or not plan.awaits_proof:
            return plan
        if proof.on_plan is not None:
            proof.on_plan(plan)
        return optimize_times(problem, proof=proof.limit, on_progress=proof.on_progress)

    transit = transit_of(options)
    if transit is None:
        return solve(problem, None)
    proof = replace(proof, on_plan=None)
    return _with_transit(problem, dwells, transit, solve)


def transit_of(options: PlanOptions) -> Transit | None:
    """Return how the afterloader moves its source; None where its dose on the way is left out."""
    return Transit(options.source_speed_mm_per_s) if options.source_speed_mm_per_s else None


def _with_transit(
    problem: PlanProblem, dwells: Dwells, transit: Transit, solve: Callable[[PlanProblem, FloatArray | None], Optimum]
) -> Optimum:
    """Find times whose own transit is the one that was credited.

    How long the source passes by a position depends on the deepest stop of its catheter, which is not known before. So
    all positions are allowed at first, and the source counts as going to the deepest of each catheter; then only those
    that the source reaches in the plan found, and so on until nothing changes. What is allowed only ever shrinks, and
    the last plan's transit is that of its own stops, for the CTVs and for the organs' limits alike.
    """
    allowed = np.ones(len(dwells), dtype=np.bool_)
    fixed_s = np.full(len(dwells), np.nan) if problem.locked_s is None else problem.locked_s
    while True:
        passing_s = transit.passing_s(dwells, allowed)
        try:
            optimum = solve(replace(problem, locked_s=np.where(allowed, fixed_s, 0.0)), passing_s)
        except InfeasibleError as error:
            raise InfeasibleError(
                error.expected, got=error.got, where=error.where, remedy=f"{error.remedy} {_EVERY_CATHETER}".lstrip()
            ) from None
        reached = positions_reached(dwells, optimum.times_s)
        if (reached == allowed).all():
            break
        allowed = reached
    note = TransitCounted(transit.speed_mm_per_s, float(passing_s.sum()))
    return replace(_with_moving_source(problem, optimum, passing_s), notes=(*_notes(problem, optimum, passing_s), note))


def _mean_gy(problem: PlanProblem, objective: Objective, passing_s: FloatArray) -> float:
    """Return what the moving source adds to an objective: to a mean dose its own, to others nothing."""
    if not isinstance(objective, MeanDose):
        return 0.0
    rows = problem.points.rows(objective.structure)
    volume_cc = problem.points.volume_cc[rows]
    return float(volume_cc @ doses_of(problem.rate.at(rows), passing_s) / volume_cc.sum())


def _with_moving_source(problem: PlanProblem, optimum: Optimum, passing_s: FloatArray) -> Optimum:
    """Count the moving source in mean doses: solvers leave out what is the same for all plans, reports may not."""

    def counted(bounded: Bounded) -> Bounded:
        more_gy = _mean_gy(problem, bounded.objective, passing_s)
        return replace(bounded, value=bounded.value + more_gy, bound=bounded.bound + more_gy)

    certificate = replace(optimum.certificate, main=counted(optimum.certificate.main))
    return replace(optimum, certificate=certificate, levels=tuple(counted(level) for level in optimum.levels))


def _notes(problem: PlanProblem, optimum: Optimum, passing_s: FloatArray) -> tuple[Note, ...]:
    """Return the notes, those on rounding in terms of the objective with the moving source."""
    more_gy = _mean_gy(problem, optimum.certificate.main.objective, passing_s)

    def counted(note: Note) -> Note:
        if isinstance(note, Rounded):
            note = replace(note, bound=note.bound + more_gy)
        if isinstance(note, Rounded | StopsLengthened):
            note = replace(note, before=note.before + more_gy, after=note.after + more_gy)
        return note

    return tuple(counted(note) for note in optimum.notes)


def _proven_at_every_point(
    problem: PlanProblem,
    search: EveryPointSearch,
    options: PlanOptions,
    proof: LongProof[Optimum],
    passing_s: FloatArray | None,
) -> Optimum:
    """Return the best times whose prescriptions are proven at every point of the CTVs."""
    return optimize_every_point(
        problem,
        minimum_dose=search.minimum_dose,
        rate_at=search.rate_at,
        tolerance_frac=EVERY_POINT_FRAC,
        transit_s=passing_s,
        fewest=options.fewest_dwells,
        proof=proof,
    ).optimum
