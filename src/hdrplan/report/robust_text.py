"""Coverage under uncertainty in words and numbers: the table of robust.json and the lines a terminal shows."""

from __future__ import annotations

from dataclasses import asdict

from hdrplan.simulate import Decomposition, RobustResult
from hdrplan.workflow import CoverageStudy, RobustPlan

__all__ = ["robust_lines", "robust_table"]


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
    if study.variance is not None:
        table["variance"] = _variance_table(study.variance)
    if robust is not None:
        table["robust_plan"] = _robust_plan_table(robust)
    return table


def robust_lines(study: CoverageStudy, robust: RobustPlan | None) -> list[str]:
    """Return what a terminal shows, line by line.

    Parameters
    ----------
    study : CoverageStudy
    robust : RobustPlan or None
    """
    lines = _coverage_lines("as planned", study.coverage)
    if robust is not None:
        lines += _coverage_lines("robust plan", robust.coverage)
        lines.append(f"{robust.optimum.text}; the original plan gives {robust.planned_mean_gy:.4g} Gy")
    if study.variance is not None:
        v = study.variance
        shares = zip(v.components, v.first.tolist(), v.total.tolist(), strict=True)
        lines += [
            f"variance of D100 from {component}: {100 * total:.0f} % (alone {100 * first:.0f} %)"
            for component, first, total in sorted(shares, key=lambda share: -share[2])
        ]
    lines.append(f"{study.scenarios_per_s:.1f} deliveries per second at {len(study.points)} points")
    return lines


def _result_table(result: RobustResult) -> dict[str, object]:
    coverages = {ctv: result.coverage(ctv) for ctv in result.prescriptions_gy}
    return {
        "coverage": {
            ctv: {"prescription_gy": c.prescription_gy, "probability": c.probability, "ci95": [c.low, c.high]}
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


def _coverage_lines(label: str, result: RobustResult) -> list[str]:
    lines = []
    for ctv in result.prescriptions_gy:
        c, d100 = result.coverage(ctv), result.summary(f"{ctv} d100_gy")
        lines.append(
            f"{label}: {ctv} reaches {c.prescription_gy:g} Gy in {100 * c.probability:.1f} % of "
            f"{result.scenarios.count} deliveries (95 % CI {100 * c.low:.1f} to {100 * c.high:.1f}); D100: "
            f"planned {d100.planned:.2f}, median {d100.p50:.2f}, 5th percentile {d100.p5:.2f} Gy"
        )
    return lines
