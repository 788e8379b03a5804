"""Results as tables: what metrics.json, the terminal and the report say. Percent begins here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution
from hdrplan.metrics import DVH
from hdrplan.optimize import Optimum
from hdrplan.workflow import Conformity, GoalResult, PlanResult, StructureScore, TargetScore, curves_of

__all__ = ["dvh_table", "goal_text", "metrics_table", "structure_rows"]

# The DVH's dose axis: steps of 0.1 Gy up to 100 Gy, then of 2 percent, for the dose at a dwell is thousands of Gy.
_DVH_AXIS_GY = np.concatenate((np.arange(0.0, 100.0, 0.1), np.geomspace(100.0, 1e5, 350)))
# Keys of a structure's row in their order: of a CTV, of conformity, of every structure.
_TARGET_KEYS = (
    *("prescription_gy", "d100_gy", "d99_gy", "d98_gy", "d95_gy", "d90_gy", "d50_gy", "d2_gy"),
    *(
        "v100_frac",
        "v150_frac",
        "v200_frac",
        "min_gy",
        "mean_gy",
        "max_gy",
        "dhi",
        "d100_inside_gy",
        "d100_sampling_gy",
    ),
)
_CONFORMITY_KEYS = ("coin", "ci", "htci", "pitv", "isodose_cc", "isodose_error_cc")
_STRUCTURE_KEYS = (
    *("d0_1cc_gy", "d1cc_gy", "d2cc_gy", "max_gy", "mean_gy", "min_gy"),
    *("v5gy_cc", "v5gy_frac", "v10gy_cc", "v10gy_frac"),
    *("d0_1cc_sampling_gy", "d1cc_sampling_gy", "d2cc_sampling_gy"),
)


def metrics_table(result: PlanResult, warnings: Sequence[Caution] = ()) -> dict[str, object]:
    """Return what metrics.json holds: structures, plan, goals, warnings, certificate.

    Parameters
    ----------
    result : PlanResult
    warnings : sequence of Caution
        What was doubted about the case and the plan.
    """
    table: dict[str, object] = {
        "schema": "hdrplan.metrics/1",
        "purpose": "research use only, never for treatment",
        "structures": structure_rows(result),
        "plan": _plan_row(result),
        "goals": [_goal_row(judged) for judged in result.score.goals],
        "warnings": [caution.table() for caution in warnings],
    }
    if result.optimum is not None:
        table["certificate"] = certificate_row(result.optimum)
    return table


def structure_rows(result: PlanResult) -> dict[str, dict[str, float | str]]:
    """Return structure -> its metrics, its sampling, and how much of it the dose grid and the source's table hold."""
    points = result.points
    rows = {}
    for k, name in enumerate(points.names):
        rows[name] = _score_row(result.score.structure(name)) | {
            "mask_cc": float(points.mask_cc[k]),
            "sampling_mm": float(points.spacing_mm[k]),
            "points": int(points.start[k + 1] - points.start[k]),
            "in_dose_grid_pct": 100 * result.in_grid_frac[name],
            "extrapolated_pct": 100 * result.extrapolated_frac[name],
        }
    return rows


def _plan_row(result: PlanResult) -> dict[str, object]:
    plan, grid = result.plan, result.dose.grid
    used = plan.times_s > 0
    catheters = {
        name: {
            "time_s": float(plan.times_s[plan.dwells.catheter == k].sum()),
            "dwells": int(used[plan.dwells.catheter == k].sum()),
        }
        for k, name in enumerate(plan.dwells.catheter_names)
    }
    return {
        "source": plan.source.model,
        "source_name": plan.source.name,
        "source_citation": plan.source.citation,
        "strength_u": plan.strength_u,
        "total_time_s": plan.total_time_s,
        "trak_gy": plan.trak_gy,
        "dwells": len(plan.dwells),
        "active_dwells": int(used.sum()),
        "catheters": catheters,
        "healthy": result.case.healthy,
        "sampling": result.points.method,
        "dose_grid": {
            "shape_zyx": list(grid.shape_zyx),
            "spacing_mm": grid.spacing_mm.tolist(),
            "origin_mm": grid.origin_mm.tolist(),
        },
    }


def _goal_row(judged: GoalResult) -> dict[str, object]:
    goal, is_frac = judged.goal, judged.goal.metric.unit == "frac"
    return {
        "structure": goal.structure,
        "goal": goal.text,
        "reached": judged.reached * (100 if is_frac else 1),
        "unit": "%" if is_frac else goal.metric.unit,
        "met": judged.met,
        "level": goal.level,
        "source": goal.source,
    }


def certificate_row(optimum: Optimum) -> dict[str, object]:
    """Return what metrics.json and sessions.json say of a proof."""
    certificate, main = optimum.certificate, optimum.certificate.main
    return {
        "status": optimum.status,
        "text": certificate.text,
        "proven": certificate.proven,
        "scope": certificate.scope,
        "objective": main.text,
        "unit": main.unit,
        "primal": main.value,
        "dual": main.bound,
        "gap_frac": main.gap_frac,
        "losses": [{"cause": loss.cause, "amount": loss.amount} for loss in certificate.losses],
        "held": [
            {"structure": held.goal.id.structure, "goal": held.goal.goal.text, "limit": held.limit, "unit": held.unit}
            for held in certificate.held
        ],
        "missed": [goal.label for goal in certificate.missed],
        "shortfalls": [
            {
                "goal": short.goal.label,
                "prescription_gy": short.prescription_gy,
                "reached_gy": short.reached_gy,
                "best_gy": short.best_gy,
            }
            for short in optimum.shortfalls
        ],
        "violation_frac": certificate.violation_frac,
        "rows_used": certificate.rows_used,
        "rows_all": certificate.rows_all,
        "solver": certificate.solver,
        "lines": list(optimum.lines),
    }


def dvh_table(result: PlanResult, curves: Mapping[str, DVH] | None = None) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Structure -> (dose_gy, volume_cc): the cumulative DVH on an even dose axis, for dvh.csv.

    Parameters
    ----------
    result : PlanResult
    curves : mapping, optional
        The DVHs of its doses, where they are known.
    """
    table = {}
    for name, curve in (curves or curves_of(result.dose_gy, result.points)).items():
        axis = _DVH_AXIS_GY[: 1 + np.searchsorted(_DVH_AXIS_GY, curve.max_gy)]
        table[name] = (axis, curve.volume_at_gy(axis))
    return table


def goal_text(judged: GoalResult) -> str:
    """One line: ``stomach: D1cc <= 14 Gy: 9.31 Gy, met``."""
    goal = judged.goal
    scale, unit = (100.0, "%") if goal.metric.unit == "frac" else (1.0, goal.metric.unit)
    reached = f"{judged.reached * scale:.2f} {unit}".rstrip()
    return f"{goal.structure}: {goal.text}: {reached}, {'met' if judged.met else 'MISSED'}"


def _score_row(score: StructureScore) -> dict[str, float | str]:
    """Return one structure's metrics as they stand in metrics.json; fractions become percent.

    What was not asked has no key: sampling errors that were not checked, conformity without a dose on a grid.
    """
    values: dict[str, float | None] = {"volume_cc": score.volume_cc}
    if isinstance(score, TargetScore):
        values |= _chosen(score, _TARGET_KEYS)
        if score.conformity is not None:
            values |= _chosen(score.conformity, _CONFORMITY_KEYS)
    values |= {key: value for key, value in _chosen(score, _STRUCTURE_KEYS).items() if key not in values}
    if isinstance(score, TargetScore):
        values |= _chosen(score, ("d100_lower_gy", "d100_upper_gy", "d100_other_points_gy"))
    row: dict[str, float | str] = {"role": score.role}
    for key, value in values.items():
        if value is not None and key.endswith("_frac"):
            row[key.removesuffix("_frac") + "_pct"] = value * 100
        elif value is not None:
            row[key] = value
    return row


def _chosen(score: StructureScore | Conformity, keys: tuple[str, ...]) -> dict[str, float | None]:
    return {key: getattr(score, key) for key in keys}
