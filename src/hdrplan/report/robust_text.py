"""Coverage under uncertainty in words and numbers: the table of robust.json and the lines a terminal shows."""

from __future__ import annotations

from dataclasses import asdict

from hdrplan.simulate import COMPONENTS, Coverage, Decomposition, RobustResult, Uncertainty
from hdrplan.workflow import CoverageStudy, RobustPlan

__all__ = ["robust_lines", "robust_table"]

# What the answer speaks of beside the prescription itself: 95 % of it, and what holds in 95 of 100 deliveries.
_NEAR_FRAC, _HELD_FRAC = 0.95, 0.95
# Plans above the prescription by more than this were given a reserve; the proof itself asks for a thousandth.
_RESERVE_FRAC = 0.005
_IN_MEDIA = (
    "Doses are D_m,m: TG-43 times the correction of the plan by Monte Carlo in the patient's media. In every delivery "
    "a piece of tissue keeps the correction that it has in the plan."
)
_WITHOUT_FIGURE = ("catheter_mm", "implant_mm", "motion_mm", "ctv_mm", "oar_mm")


def robust_table(case_name: str, study: CoverageStudy, robust: RobustPlan | None) -> dict[str, object]:
    """Return what robust.json holds.

    Parameters
    ----------
    case_name : str
        Free of patient identifiers.
    study : CoverageStudy
    robust : RobustPlan or None
        Where a robust plan was asked for.
    """
    scenarios = study.coverage.scenarios
    table: dict[str, object] = {
        "schema": "hdrplan.robust/1",
        "purpose": "research use only, never for treatment",
        "case": case_name,
        "scenarios": scenarios.count,
        "seed": scenarios.seed,
        "uncertainty": asdict(scenarios.uncertainty),
        "points": len(study.points),
        "sampling": study.points.method,
        "scenarios_per_s": round(study.scenarios_per_s, 2),
        **_result_table(study.coverage),
    }
    if study.factor is not None:
        table["dose"] = "D_m,m"
    if study.variance is not None:
        table["variance"] = _variance_table(study.variance)
    if robust is not None:
        table["robust_plan"] = _robust_plan_table(robust)
    return table


def robust_lines(study: CoverageStudy, robust: RobustPlan | None) -> list[str]:
    """Return what a terminal and the page say: what becomes of D100, what costs most, what helps, what is left out.

    Parameters
    ----------
    study : CoverageStudy
    robust : RobustPlan or None
    """
    lines = [] if study.factor is None else [_IN_MEDIA]
    lines += _coverage_lines("As planned", study.coverage)
    lines += [] if study.variance is None else [_cost_line(study.variance)]
    if robust is None:
        lines += [_help_line(study.coverage, ctv) for ctv in study.coverage.prescriptions_gy]
    else:
        lines += _coverage_lines("Robust plan", robust.coverage)
        lines.append(f"{robust.optimum.text}; the original plan gives {robust.planned_mean_gy:.4g} Gy")
    lines += _left_out_lines(study.coverage.scenarios.uncertainty)
    return lines


def _coverage_lines(label: str, result: RobustResult) -> list[str]:
    lines = []
    for ctv, prescribed_gy in result.prescriptions_gy.items():
        full, near = result.coverage(ctv), result.coverage(ctv, _NEAR_FRAC)
        d100 = result.summary(f"{ctv} d100_gy")
        lines += [
            f"{label}: {ctv} has a D100 of {d100.planned:.2f} Gy. In {result.scenarios.count} simulated deliveries its "
            f"median is {d100.p50:.2f} Gy, and it is at least {d100.p5:.2f} Gy in 95 of 100.",
            f"{prescribed_gy:g} Gy is reached in {_percent(full)} of the deliveries, "
            f"{100 * _NEAR_FRAC:g} % of it ({near.prescription_gy:g} Gy) in {_percent(near)}.",
        ]
        if d100.planned < prescribed_gy * (1 + _RESERVE_FRAC):
            lines[-1] += " The plan was made for exactly the prescription: it has no reserve."
    return lines


def _percent(coverage: Coverage) -> str:
    return f"{100 * coverage.probability:.1f} % (95 % CI {100 * coverage.low:.1f} to {100 * coverage.high:.1f})"


def _cost_line(variance: Decomposition) -> str:
    order = sorted(range(len(variance.components)), key=lambda k: -variance.total[k])
    shares = [f"{COMPONENTS[variance.components[k]]} {100 * max(variance.total[k], 0.0):.0f} %" for k in order]
    return (
        f"What costs most, as share of the variance of D100 ({variance.scenarios} base scenarios): {', '.join(shares)}."
    )


def _help_line(result: RobustResult, ctv: str) -> str:
    longer_frac = result.longer_frac(ctv, _HELD_FRAC)
    prescribed = f"{result.prescriptions_gy[ctv]:g} Gy in {100 * _HELD_FRAC:g} of 100 deliveries"
    if longer_frac <= 1.0:
        return f"What helps: nothing is needed, {ctv} has {prescribed}."
    more = f"{100 * (longer_frac - 1):.1f} %"
    return (
        f"What helps: times longer by {more} give {ctv} {prescribed}, and {more} more dose to every organ. "
        "`optimise=True` finds the times that do so with the lowest dose to healthy tissue, under all limits."
    )


def _left_out_lines(uncertainty: Uncertainty) -> list[str]:
    off = [name for name in _WITHOUT_FIGURE if name not in uncertainty.active]
    if not off:
        return []
    listed = ", ".join(f"{COMPONENTS[name]} (`{name}`)" for name in off)
    line = f"Not included, for want of a verified figure: {listed}."
    if "implant_mm" in off:
        line += (
            " An upper limit of all shifts together are the 5 to 6 mm between plan and effect on MRI weeks later"
            " (Luedemann 2011): `implant_mm=5.5` shows what they would do."
        )
    return [line]


def _result_table(result: RobustResult) -> dict[str, object]:
    coverages = {ctv: result.coverage(ctv) for ctv in result.prescriptions_gy}
    return {
        "coverage": {
            ctv: {
                "prescription_gy": c.prescription_gy,
                "probability": c.probability,
                "ci95": [c.low, c.high],
                "times_longer_for_95_pct": result.longer_frac(ctv, _HELD_FRAC),
            }
            for ctv, c in coverages.items()
        },
        "metrics": {name: asdict(result.summary(name)) for name in result.names},
    }


def _variance_table(variance: Decomposition) -> dict[str, object]:
    shares = zip(variance.components, variance.first.tolist(), variance.total.tolist(), strict=True)
    return {
        "metric": variance.metric,
        "base_scenarios": variance.scenarios,
        "shares": {component: {"first_order": first, "total": total} for component, first, total in shares},
    }


def _robust_plan_table(robust: RobustPlan) -> dict[str, object]:
    optimum = robust.optimum
    return {
        "text": optimum.text,
        "reached_frac": robust.replanning.reached_frac,
        "training_scenarios": robust.replanning.scenarios,
        "excused": list(optimum.excused),
        "objective": optimum.cost.text,
        "unit": optimum.cost.unit,
        "value": optimum.cost.value,
        "bound_same_scenarios": optimum.cost_of_choice.bound,
        "bound_any_scenarios": optimum.cost.bound,
        "value_every_scenario": optimum.every_value,
        "nominal_plan_mean_gy": robust.planned_mean_gy,
        "total_time_s": robust.plan.total_time_s,
        **_result_table(robust.coverage),
    }
