"""A plan whose prescription is proven at every point of the CTVs, not on sample points only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.costs import measured
from hdrplan.dose import DoseRate, DoseRateBlocks, MinimumDose, doses_of
from hdrplan.memory import give_back
from hdrplan.optimize.certificate import LossCause, Optimum, Scope, Shortfall
from hdrplan.optimize.notes import EveryPoint
from hdrplan.optimize.objectives import GoalId
from hdrplan.optimize.problem import PlanProblem
from hdrplan.optimize.times.fewest_dwells import fewest_dwells
from hdrplan.optimize.times.goal_sequence import optimize_times
from hdrplan.optimize.times.joining import first_joined, joined, joining_mm, many_dwells
from hdrplan.optimize.work import LongProof
from hdrplan.plan import Prescription
from hdrplan.threads import over_each, thread_count

__all__ = ["EveryPointOptimum", "optimize_every_point"]

_NO_PROOF: LongProof[Optimum] = LongProof()

MAX_ROUNDS = 40
# Goals that need no proof beyond that of the linear program.
_CONVEX = ("dose_mean", "dose_max", "dose_min", "total_time")
D100 = "D100"


class MinimumDoseOf(Protocol):
    """Bounds of the minimum dose of a CTV at some times."""

    def __call__(
        self, name: str, times_s: FloatArray, *, wanted_gy: float, tolerance_gy: float, only_proof: bool
    ) -> MinimumDose: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EveryPointOptimum:
    """A plan, and the minimum dose of each CTV over all of its points.

    Parameters
    ----------
    optimum : Optimum
    problem : PlanProblem
        What the optimum solves: with the reserve, and with the points that had to join.
    minimum : mapping
        CTV -> :class:`hdrplan.dose.MinimumDose`.
    proven : bool
        Whether every point of every CTV is proven to receive its prescription (or the D100 left of it).
    points_added : int
        Points of the CTVs that had to join the sample points.
    """

    optimum: Optimum
    problem: PlanProblem
    minimum: Mapping[str, MinimumDose]
    proven: bool
    points_added: int


def optimize_every_point(
    problem: PlanProblem,
    *,
    minimum_dose: MinimumDoseOf,
    rate_at: Callable[[str, FloatArray], DoseRate],
    tolerance_frac: float = 1e-3,
    transit_s: FloatArray | None = None,
    fewest: bool = False,
    proof: LongProof[Optimum] = _NO_PROOF,
) -> EveryPointOptimum:
    """Optimise, look for points of the CTVs that miss the prescription, add them, and begin again.

    The program asks for the prescription and ``tolerance_frac`` more, so that the boxes' bounds can close at the
    prescription itself.

    Parameters
    ----------
    problem : PlanProblem
        Without ``earlier_gy`` and reserve.
    minimum_dose : callable
        The search of the case, as :meth:`hdrplan.dose.MinimumDoseSearch.minimum_dose` of a CTV by its name.
    rate_at : callable
        CTV and (n, 3) points in mm -> DoseRate.
    tolerance_frac : float
        The price of the proof: about this fraction more dose.
    transit_s : (n_dwells,) array, optional
        Seconds that the moving source spends near each position (:class:`hdrplan.geometry.Transit`): its dose counts.
    fewest : bool
        Then leave out dwells that are not needed (:func:`hdrplan.optimize.fewest_dwells`), and prove what is left.
    proof : LongProof
        Of dose-volume goals, as in :func:`hdrplan.optimize.optimize_times`, once the points are found; not with
        ``fewest``.

    Returns
    -------
    EveryPointOptimum

    Raises
    ------
    InputError
        A problem with ``earlier_gy``.
    """
    problem.refuse("earlier_gy")
    asked = replace(problem, reserve_frac=tolerance_frac, earlier_gy=_transit_gy(problem.rate, transit_s))
    beside_s = np.zeros(problem.n_dwells) if transit_s is None else transit_s
    rounds = partial(_rounds, minimum_dose=minimum_dose, rate_at=rate_at, transit_s=transit_s, beside_s=beside_s)
    # Cold points are looked for at times that are real numbers, and then once more at those that are delivered.
    asked, optimum, minimum = rounds(asked, lambda asked: optimize_times(replace(asked, delivery=None)))
    convex = all(goal.metric.kind in _CONVEX for goal in problem.goals.goals)
    if fewest:
        asked, optimum, minimum = rounds(asked, fewest_dwells)
    elif not convex and not proof.limit.used_up:
        if proof.on_plan is not None and optimum.awaits_proof:
            proof.on_plan(_before_proof(asked, minimum_dose, beside_s, added=len(asked.points) > len(problem.points)))
        prove = partial(optimize_times, proof=proof.limit, on_progress=proof.on_progress)
        asked, optimum, minimum = rounds(asked, prove)
    elif problem.delivery is not None:
        asked, optimum, minimum = rounds(asked, optimize_times)
    proven = _all_proven(minimum)
    added = len(asked.points) - len(problem.points)
    if not proven:
        minimum = _minimum(asked, minimum_dose, optimum.times_s + beside_s, only_proof=False)
    return EveryPointOptimum(
        optimum=_of_prescriptions(optimum, asked, minimum, proven=proven, added=added > 0),
        problem=asked,
        minimum=minimum,
        proven=proven,
        points_added=added,
    )


def _rounds(
    asked: PlanProblem,
    optimize: Callable[[PlanProblem], Optimum],
    *,
    minimum_dose: MinimumDoseOf,
    rate_at: Callable[[str, FloatArray], DoseRate],
    transit_s: FloatArray | None,
    beside_s: FloatArray,
) -> tuple[PlanProblem, Optimum, dict[str, MinimumDose]]:
    """Optimise and add cold points until every point is proven; return the problem, its optimum and the minima."""
    for _ in range(MAX_ROUNDS):
        with measured("plan"):
            optimum = optimize(asked)
        if many_dwells(asked.n_dwells):
            give_back()  # what the program took: of four CTVs with 900 dwells 100 MB, on top of which the next one came
        asked = replace(asked, near_s=optimum.times_s)
        with measured("proof"):
            minimum = _minimum(asked, minimum_dose, optimum.times_s + beside_s, only_proof=True)
        cold = {name: joining_mm(dose, asked.n_dwells) for name, dose in minimum.items() if len(dose.cold_mm)}
        if many_dwells(asked.n_dwells):
            asked = replace(asked, begin_with=_binding(asked, optimum, {}))
        if all(dose.finished for dose in minimum.values()) or not cold:
            break
        begin_with = _binding(asked, optimum, cold)
        new = {name: (mm, rate_at(name, mm)) for name, mm in cold.items()}
        rate, points = joined(asked.rate, asked.points, new)
        asked = replace(asked, rate=rate, points=points, earlier_gy=_transit_gy(rate, transit_s), begin_with=begin_with)
    return asked, optimum, minimum


def _binding(asked: PlanProblem, optimum: Optimum, cold: Mapping[str, FloatArray]) -> dict[GoalId, IntArray]:
    """Return what the next program begins with: points whose rows bind in this one, and those that join.

    From scratch the program of four CTVs with 900 dwells took 13 processor seconds in each round.
    """
    proofs = [level.proof for level in (*optimum.levels, optimum.certificate.main) if level.proof is not None]
    binding = {}
    for name in (prescription.structure for prescription in asked.goals.prescriptions):
        goal, rows = GoalId(structure=name, metric=D100, level=0), asked.points.rows(name)
        known = [proof.points[[owner == goal for owner in proof.owners]] for proof in proofs]
        if any(len(points) for points in known):
            new = rows.stop - rows.start + first_joined(cold.get(name, np.zeros((0, 3))), asked.n_dwells)
            binding[goal] = np.unique(np.concatenate((*known, new)))
    return binding


def _before_proof(asked: PlanProblem, minimum_dose: MinimumDoseOf, beside_s: FloatArray, *, added: bool) -> Optimum:
    """Return the plan as it stands before the proof of its dose-volume goals, with what every point receives."""
    optimum = optimize_times(asked)
    minimum = _minimum(asked, minimum_dose, optimum.times_s + beside_s, only_proof=False)
    return _of_prescriptions(optimum, asked, minimum, proven=_all_proven(minimum), added=added)


def _transit_gy(rate: DoseRate | DoseRateBlocks, transit_s: FloatArray | None) -> FloatArray | None:
    """Return the dose of the moving source at all points; None where it does not count."""
    return None if transit_s is None else rate.dose_gy(transit_s)


def _minimum(
    problem: PlanProblem, minimum_dose: MinimumDoseOf, times_s: FloatArray, *, only_proof: bool
) -> dict[str, MinimumDose]:
    """Look at every CTV for the prescription; where it was lowered, or rounding took from it, for what is left."""
    rate, points, tolerance_frac = problem.rate, problem.points, problem.reserve_frac

    def search(p: Prescription) -> MinimumDose:
        reached_gy = float(doses_of(rate.at(points.rows(p.structure)), times_s).min())
        lowered = reached_gy < p.dose_gy * (1 + tolerance_frac / 4)
        wanted_gy = reached_gy / (1 + tolerance_frac) if lowered else p.dose_gy
        tolerance_gy = min(reached_gy - wanted_gy, p.dose_gy * tolerance_frac)
        return minimum_dose(p.structure, times_s, wanted_gy=wanted_gy, tolerance_gy=tolerance_gy, only_proof=only_proof)

    ctvs = problem.goals.prescriptions
    # Each step of a search is short: with a CTV for every thread nothing is handed over within it.
    found = over_each(search, ctvs) if len(ctvs) >= thread_count() else [search(p) for p in ctvs]
    return {p.structure: minimum for p, minimum in zip(ctvs, found, strict=True)}


def _all_proven(minimum: Mapping[str, MinimumDose]) -> bool:
    """Whether something was to be proven, and all of it is."""
    return bool(minimum) and all(dose.finished for dose in minimum.values())


def _of_prescriptions(
    optimum: Optimum, problem: PlanProblem, minimum: Mapping[str, MinimumDose], *, proven: bool, added: bool
) -> Optimum:
    """Return the result in terms of the prescriptions, not of the little more that was asked for.

    The bound of the objective lies lower by what the reserve cost: its multipliers times the reserve's Gy. One by
    search is without the reserve already. With points that were ``added`` it is one of plans that hold at these too.
    """
    certificate = optimum.certificate
    lowered = {held.goal.id: held.limit for held in certificate.held}
    reserve_gy = {}
    for p in problem.goals.prescriptions:
        goal = GoalId(structure=p.structure, metric=D100, level=0)
        asked_gy = lowered.get(goal, problem.asked_gy(p.structure))
        reserve_gy[goal] = asked_gy * problem.reserve_frac / (1 + problem.reserve_frac)
    main = certificate.main
    if main.proof is not None:
        proof, by_search = main.proof.with_limits_lower(reserve_gy), main.bound > main.proof.bound
        lower = replace(main, bound=main.bound if by_search else proof.bound, proof=proof)
        cost = main.bound - lower.bound
        certificate = certificate.losing(LossCause.EVERY_POINT, cost, main=lower) if cost else certificate
    held = (replace(held, limit=held.limit - reserve_gy.get(held.goal.id, 0.0)) for held in certificate.held)
    certificate = replace(certificate, held=tuple(held))
    if not optimum.shortfalls:
        # Of the reserve something may be missing after rounding: the bound no longer asks for it.
        given = {name for name, dose in minimum.items() if dose.lower_gy >= problem.goals.prescription_gy(name)}
        missed = (g for g in certificate.missed if g.id.metric != D100 or g.id.structure not in given)
        certificate = replace(certificate, missed=tuple(missed))
    scope = Scope.EVERY_POINT if proven else Scope.POINTS_FOUND if added else certificate.scope
    notes = (
        EveryPoint(
            structure=name, minimum_gy=dose.lower_gy, upper_gy=dose.upper_gy, boxes=dose.boxes, finished=dose.finished
        )
        for name, dose in minimum.items()
    )
    return replace(
        optimum,
        certificate=replace(certificate, scope=scope),
        shortfalls=tuple(
            _of_prescription(short, problem, minimum, others_gy=_others_gy(optimum, problem))
            for short in optimum.shortfalls
        ),
        notes=(*optimum.notes, *notes),
    )


def _others_gy(optimum: Optimum, problem: PlanProblem) -> float:
    """Return the reserves of the CTVs that receive their prescription in full.

    What is possible for the others is a bound of plans that hold these reserves. A plan without them misses that by no
    more than their sum.
    """
    short = {shortfall.structure for shortfall in optimum.shortfalls}
    return sum(p.dose_gy * problem.reserve_frac for p in problem.goals.prescriptions if p.structure not in short)


def _of_prescription(
    short: Shortfall, problem: PlanProblem, minimum: Mapping[str, MinimumDose], *, others_gy: float
) -> Shortfall:
    """Return a shortfall of D100 in terms of the prescription and of the minimum over all points."""
    if short.goal.id.metric != D100 or short.structure not in minimum:
        return short
    dose_gy = problem.goals.prescription_gy(short.structure)
    reached_gy = short.reached_gy / (1 + problem.reserve_frac)
    return replace(
        short,
        prescription_gy=dose_gy,
        reached_gy=min(dose_gy, reached_gy, minimum[short.structure].upper_gy),
        best_gy=min(dose_gy, short.best_gy + others_gy),
    )
