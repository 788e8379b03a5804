"""A plan whose prescription is proven at every point of the CTVs, not on sample points only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.dose import DoseRate, LeastDose, SamplePoints
from hdrplan.optimize.certificate import Optimum, Shortfall
from hdrplan.optimize.problem import PlanProblem
from hdrplan.optimize.program.point_rows import cells_of
from hdrplan.optimize.times.fewest_dwells import fewest_dwells
from hdrplan.optimize.times.goal_sequence import optimize_times
from hdrplan.plan import Goals, Prescription

__all__ = ["EveryPointOptimum", "optimize_every_point"]

# Cold points join the program one for each cube of this edge: close points say the same.
CUBE_MM = 2.0
MOST_ROUNDS = 20
# Goals that need no proof beyond that of the linear program.
_CONVEX = ("dose_mean", "dose_max", "dose_min", "total_time")


@dataclass(frozen=True, slots=True)
class EveryPointOptimum:
    """A plan, and the minimum dose of each CTV over all of its points.

    Parameters
    ----------
    optimum : Optimum
    minimum : mapping
        CTV -> :class:`hdrplan.dose.LeastDose`.
    proven : bool
        Whether every point of every CTV is proven to receive its prescription (or the D100 left of it).
    points_added : int
        Points of the CTVs that had to join the sample points.
    """

    optimum: Optimum
    minimum: Mapping[str, LeastDose]
    proven: bool
    points_added: int


def optimize_every_point(
    problem: PlanProblem,
    *,
    minimum_dose: Callable[[str, FloatArray, float, float], LeastDose],
    rate_at: Callable[[FloatArray], DoseRate],
    tolerance_frac: float = 1e-3,
    transit_s: FloatArray | None = None,
    fewest: bool = False,
    proof_s: float = 0.0,
) -> EveryPointOptimum:
    """Optimise, look for points of the CTVs that miss the prescription, add them, and begin again.

    The program asks for the prescription and ``tolerance_frac`` more, so that the boxes' bounds can close at the
    prescription itself.

    Parameters
    ----------
    problem : PlanProblem
        Without ``earlier_gy``.
    minimum_dose : callable
        (CTV, times_s, wanted_gy, tolerance_gy) -> LeastDose: :func:`hdrplan.dose.least_dose` of the case.
    rate_at : callable
        (n, 3) points in mm -> DoseRate.
    tolerance_frac : float
        The price of the proof: about this fraction more dose.
    transit_s : (n_dwells,) array, optional
        Seconds of the moving source near each dwell (:func:`hdrplan.optimize.transit_times`): its dose counts.
    fewest : bool
        Then leave out dwells that are not needed (:func:`hdrplan.optimize.fewest_dwells`), and prove what is left.
    proof_s : float
        As in :func:`hdrplan.optimize.optimize_times`, once the points are found; not with ``fewest``.

    Raises
    ------
    InputError
        A problem with ``earlier_gy``.
    """
    problem.refuse("earlier_gy")
    goals = problem.goals
    asked = tuple(Prescription(p.structure, p.dose_gy * (1 + tolerance_frac)) for p in goals.prescriptions)
    problem = replace(
        problem, goals=replace(goals, prescriptions=asked), earlier_gy=_transit_gy(problem.rate, transit_s)
    )
    passing_s = np.zeros(problem.n_dwells) if transit_s is None else transit_s
    before = len(problem.points)
    stages: list[Callable[..., Optimum]] = [optimize_times]
    if fewest:
        stages.append(fewest_dwells)
    elif proof_s > 0 and any(goal.metric.kind not in _CONVEX for goal in goals.goals):
        stages.append(partial(optimize_times, proof_s=proof_s))
    for choose in stages:
        for _ in range(MOST_ROUNDS):
            optimum = choose(problem)
            least = _least(problem, goals, minimum_dose, optimum.times_s + passing_s, tolerance_frac)
            cold = {name: _one_a_cube(found.cold_mm) for name, found in least.items() if len(found.cold_mm)}
            if all(found.finished for found in least.values()) or not cold:
                break
            for name, cold_mm in cold.items():
                rate, points = _joined(problem.rate, problem.points, name, cold_mm, rate_at(cold_mm))
                problem = replace(problem, rate=rate, points=points, earlier_gy=_transit_gy(rate, transit_s))
    proven = all(found.finished for found in least.values())
    told = _told(optimum, goals, least, proven, tolerance_frac)
    return EveryPointOptimum(told, least, proven, len(problem.points) - before)


def _transit_gy(rate: DoseRate, transit_s: FloatArray | None) -> FloatArray | None:
    """Return the dose of the moving source at all points; None where it does not count."""
    return None if transit_s is None else np.asarray(rate.gy_per_s @ transit_s)


def _least(
    problem: PlanProblem,
    goals: Goals,
    minimum_dose: Callable[[str, FloatArray, float, float], LeastDose],
    times_s: FloatArray,
    tolerance_frac: float,
) -> dict[str, LeastDose]:
    """Look at every CTV for the prescription; where it was lowered, or rounding took from it, for what is left."""
    rate, points = problem.rate, problem.points
    least = {}
    for p in goals.prescriptions:
        reached_gy = float((rate.gy_per_s[points.rows(p.structure)] @ times_s).min())
        lowered = reached_gy < p.dose_gy * (1 + tolerance_frac / 4)
        wanted_gy = reached_gy / (1 + tolerance_frac) if lowered else p.dose_gy
        tolerance_gy = min(reached_gy - wanted_gy, p.dose_gy * tolerance_frac)
        least[p.structure] = minimum_dose(p.structure, times_s, wanted_gy, tolerance_gy)
    return least


def _told(optimum: Optimum, goals: Goals, least: dict[str, LeastDose], proven: bool, tolerance_frac: float) -> Optimum:
    """Tell the result in terms of the prescriptions, not of the little more that was asked for.

    The bound of the objective lies lower by what the tolerance cost.
    """
    doses = {p.structure: p.dose_gy for p in goals.prescriptions}
    cost = sum(
        max(0.0, price.per_unit) * doses[name] * tolerance_frac
        for price in optimum.prices
        for name in doses
        if price.limit.startswith(f"{name} D100")
    )
    certificate = replace(optimum.certificate, dual=optimum.certificate.dual - cost)
    if proven:
        certificate = replace(certificate, scope="every point")

    def said(text: str) -> str:
        for name, dose_gy in doses.items():
            text = text.replace(
                f"{name} D100 >= {dose_gy * (1 + tolerance_frac):g} Gy", f"{name} D100 >= {dose_gy:g} Gy"
            )
        return text

    def short(one: Shortfall) -> Shortfall:
        if one.metric != "D100":
            return replace(one, binding=tuple(said(limit) for limit in one.binding))
        dose_gy = doses[one.structure]
        return replace(
            one,
            prescription_gy=dose_gy,
            reached_gy=min(dose_gy, one.reached_gy / (1 + tolerance_frac), least[one.structure].upper_gy),
            best_gy=min(dose_gy, one.best_gy),
            binding=tuple(said(limit) for limit in one.binding),
        )

    found = tuple(
        f"{name}: every point receives at least {one.lower_gy:.3f} Gy, proven on {one.boxes:,} boxes"
        + ("." if one.finished else "; the search was not finished.")
        for name, one in least.items()
    )
    return replace(
        optimum,
        certificate=certificate,
        levels=tuple(replace(level, text=said(level.text)) for level in optimum.levels),
        shortfalls=tuple(short(one) for one in optimum.shortfalls),
        prices=tuple(replace(price, limit=said(price.limit), text=said(price.text)) for price in optimum.prices),
        notes=(*(said(note) for note in optimum.notes), *found),
        conflict=tuple(said(label) for label in optimum.conflict),
    )


def _one_a_cube(cold_mm: FloatArray) -> FloatArray:
    """Return the coldest point of each cube; the points come coldest first."""
    _, first = np.unique(cells_of(cold_mm, CUBE_MM), return_index=True)
    return np.asarray(cold_mm[np.sort(first)])


def _joined(
    rate: DoseRate, points: SamplePoints, name: str, new_mm: FloatArray, new: DoseRate
) -> tuple[DoseRate, SamplePoints]:
    """Put points without volume at the end of a structure's rows."""
    at = points.rows(name).stop
    n = len(new_mm)
    k = points.names.index(name)
    start: IntArray = points.start.copy()
    start[k + 1 :] += n
    return (
        DoseRate(
            np.concatenate((rate.gy_per_s[:at], new.gy_per_s, rate.gy_per_s[at:])),
            np.concatenate((rate.extrapolated[:at], new.extrapolated, rate.extrapolated[at:])),
        ),
        replace(
            points,
            start=start,
            points_mm=np.concatenate((points.points_mm[:at], new_mm, points.points_mm[at:])),
            volume_cc=np.concatenate((points.volume_cc[:at], np.zeros(n), points.volume_cc[at:])),
            on_surface=np.concatenate((points.on_surface[:at], np.ones(n, dtype=np.bool_), points.on_surface[at:])),
        ),
    )
