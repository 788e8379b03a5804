"""What a clinician reads first of a plan: headline numbers, and its certificate in one sentence."""

from __future__ import annotations

import numpy as np

from hdrplan.optimize import Certificate, Scope
from hdrplan.workflow import GoalResult, PlanResult

__all__ = ["claim", "headline", "reached_text", "signs"]

# A smaller gap is in no digit that is shown; a smaller violation is rounding.
_OPTIMAL_FRAC, _HELD_FRAC = 1e-5, 1e-6
# A limit is a headline where at least this fraction of it is used.
_NEAR_FRAC = 0.9


def signs(text: str) -> str:
    """Write comparisons as signs."""
    return text.replace(">=", "≥").replace("<=", "≤")


def reached_text(judged: GoalResult) -> str:
    """Return what was reached, with its unit; a dash where there is nothing to judge."""
    unit = judged.goal.metric.unit
    value, unit_text = (100 * judged.reached, "%") if unit == "frac" else (judged.reached, unit)
    return f"{value:.2f} {unit_text}".rstrip() if np.isfinite(value) else "–"


def claim(certificate: Certificate, *, prescribed: bool = True) -> str:
    """One sentence: what no plan can do better, and where the coverage is proven where a prescription asks for it."""
    main = certificate.main
    objective = f"a {main.objective.text} of {main.value:.3g} {main.unit}"
    if not certificate.proven:
        return (
            f"Not proven to be the best plan: it has {objective}; the proven minimum is {main.bound:.3g} {main.unit}."
        )
    where = {
        Scope.EVERY_POINT: "every point of the CTV",
        Scope.POINTS_FOUND: "all sample points and at points found between them",
    }.get(certificate.scope, "all sample points")
    more = f"{100 * main.gap_frac:.2g} % more than" if main.gap_frac > _OPTIMAL_FRAC else "and that is"
    held = f"D100 is proven at {where}" if prescribed else f"the limits hold at {where}"
    if certificate.violation_frac > _HELD_FRAC:
        held = f"its largest violation of a limit is {100 * certificate.violation_frac:.1g} %"
    left_out = " as the details below say" if certificate.condition_text or certificate.relaxed else ""
    return (
        f"This plan has {objective}, {more} the proven minimum of all plans from these dwell positions that keep the "
        f"limits{left_out}; {held}."
    )


def headline(result: PlanResult) -> tuple[tuple[str, str, str], ...]:
    """Return the headline: each target, limits that are nearly used up, the spared organ, time."""
    plan, score = result.plan, result.score
    tiles = []
    for prescription in result.goals.doses:
        name, target = prescription.structure, score.target(prescription.structure)
        asked = "prescribed" if prescription in result.goals.prescriptions else "not asked for:"
        tiles += [
            (f"{name} D100", f"{target.d100_gy:.2f} Gy", f"{asked} {prescription.dose_gy:g} Gy"),
            (f"{name} D98", f"{target.d98_gy:.1f} Gy", f"D90 {target.d90_gy:.1f} Gy"),
            (f"{name} V150", f"{100 * target.v150_frac:.0f} %", f"V200 {100 * target.v200_frac:.0f} %"),
        ]
    limits = [g for g in score.goals if g.goal.sense == "<=" and g.goal.value > 0 and np.isfinite(g.reached)]
    near = [g for g in limits if g.reached >= _NEAR_FRAC * g.goal.value]
    if near:
        nearest = max(near, key=lambda g: g.reached / g.goal.value)
        tiles.append((f"Near its limit: {nearest.goal.structure}", reached_text(nearest), signs(nearest.goal.text)))
    healthy = result.case.healthy
    if healthy is not None and healthy in result.points.names:
        organ = score.structure(healthy)
        doses = f"V5 {100 * organ.v5gy_frac:.1f} %, V10 {100 * organ.v10gy_frac:.1f} %"
        tiles.append((f"{healthy} mean", f"{organ.mean_gy:.2f} Gy", doses))
    tiles.append(("Total time", f"{plan.total_time_s:.0f} s", f"{plan.total_time_s / 60:.1f} min"))
    return tuple(tiles)
