"""Results as tables: what metrics.json, the terminal and the report say. Percent begins here."""

from __future__ import annotations

from typing import Any

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.metrics import dvh
from hdrplan.workflow import GoalResult, PlanResult

__all__ = ["dvh_table", "goal_text", "metrics_table"]

# The DVH's dose axis: steps of 0.1 Gy up to 100 Gy, then of 2 percent, for the dose at a dwell is thousands of Gy.
_DVH_AXIS_GY = np.concatenate((np.arange(0.0, 100.0, 0.1), np.geomspace(100.0, 1e5, 350)))


def metrics_table(result: PlanResult) -> dict[str, Any]:
    """Return ``{"structures": ..., "plan": ..., "goals": ..., "certificate": ...}`` for metrics.json.

    Fractions become percent (``v100_frac`` -> ``v100_pct``); every other unit stays as the key says.
    """
    points, plan = result.points, result.plan
    structures = {}
    for k, (name, values) in enumerate(result.score.structures.items()):
        structures[name] = _percent(values) | {
            "mask_cc": float(points.mask_cc[k]),
            "sampling_mm": float(points.spacing_mm[k]),
            "points": int(points.start[k + 1] - points.start[k]),
            "in_dose_grid_pct": 100 * result.in_grid_frac[name],
            "extrapolated_pct": 100 * result.extrapolated_frac[name],
        }
    used = plan.times_s > 0
    catheters = {
        name: {
            "time_s": float(plan.times_s[plan.dwells.catheter == k].sum()),
            "dwells": int(used[plan.dwells.catheter == k].sum()),
        }
        for k, name in enumerate(plan.dwells.catheter_names)
    }
    table: dict[str, Any] = {
        "schema": "hdrplan.metrics/1",
        "purpose": "research use only, never for treatment",
        "structures": structures,
        "plan": {
            "source": result.source.model,
            "source_name": plan.source_name,
            "source_citation": result.source.citation,
            "strength_u": plan.strength_u,
            "total_time_s": plan.total_time_s,
            "trak_gy": plan.trak_gy,
            "dwells": len(plan.dwells),
            "active_dwells": int(used.sum()),
            "catheters": catheters,
            "healthy": result.case.healthy,
            "sampling": points.method,
            "dose_grid": {
                "shape_zyx": list(result.dose.grid.shape_zyx),
                "spacing_mm": result.dose.grid.spacing_mm.tolist(),
                "origin_mm": result.dose.grid.origin_mm.tolist(),
            },
        },
        "goals": [
            {
                "structure": goal.structure,
                "goal": goal.text,
                "reached": goal.reached * (100 if goal.unit == "frac" else 1),
                "unit": "%" if goal.unit == "frac" else goal.unit,
                "met": goal.met,
                "level": goal.level,
                "source": goal.source,
            }
            for goal in result.score.goals
        ],
    }
    if result.optimum is not None:
        certificate = result.optimum.certificate
        table["certificate"] = {
            "status": result.optimum.status,
            "text": certificate.text,
            "proven": certificate.proven,
            "scope": certificate.scope,
            "objective": certificate.objective,
            "unit": certificate.unit,
            "primal": certificate.primal,
            "dual": certificate.dual,
            "gap_frac": certificate.gap_frac,
            "violation_frac": certificate.violation_frac,
            "rows_used": certificate.rows_used,
            "rows_all": certificate.rows_all,
            "solver": certificate.solver,
            "lines": list(result.optimum.lines),
        }
    return table


def dvh_table(result: PlanResult) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Structure -> (dose_gy, volume_cc): the cumulative DVH on an even dose axis, for dvh.csv."""
    table = {}
    for name in result.points.names:
        rows = result.points.rows(name)
        curve = dvh(result.dose_gy[rows], result.points.volume_cc[rows])
        axis = _DVH_AXIS_GY[: 1 + np.searchsorted(_DVH_AXIS_GY, curve.max_gy)]
        table[name] = (axis, curve.volume_at_gy(axis))
    return table


def goal_text(goal: GoalResult) -> str:
    """One line: ``stomach: D1cc <= 14 Gy: 9.31 Gy, met``."""
    scale, unit = (100.0, "%") if goal.unit == "frac" else (1.0, goal.unit)
    reached = f"{goal.reached * scale:.2f} {unit}".rstrip()
    return f"{goal.structure}: {goal.text}: {reached}, {'met' if goal.met else 'MISSED'}"


def _percent(values: dict[str, float | str]) -> dict[str, float | str]:
    return {
        key.removesuffix("_frac") + "_pct" if key.endswith("_frac") else key: value * 100
        if key.endswith("_frac") and isinstance(value, float)
        else value
        for key, value in values.items()
    }
