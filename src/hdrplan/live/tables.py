"""Tables of a session as plain rows, for JSON; numbers that are not known are None."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from hdrplan.live.difference import Difference
from hdrplan.live.studies import Range
from hdrplan.live.wishes import AskedGoal
from hdrplan.simulate import RobustResult
from hdrplan.workflow import NextCatheter

__all__ = ["difference_rows", "known", "range_rows", "robustness_rows", "rows_of_next"]


def known(value: float) -> float | None:
    """Return a number for JSON, None where it is not finite."""
    return round(float(value), 6) if np.isfinite(value) else None


def difference_rows(differences: Iterable[Difference]) -> list[dict[str, Any]]:
    """Return metrics of the plan on the screen beside those of a kept one."""
    return [
        {"structure": d.structure, "metric": d.metric, "now": known(d.now), "kept": known(d.kept)} for d in differences
    ]


def rows_of_next(found: Iterable[NextCatheter]) -> list[dict[str, Any]]:
    """Return paths for one more catheter, with what each buys."""
    return [
        {
            "entry_mm": one.catheter.points_mm[0].round(2).tolist(),
            "tip_mm": one.catheter.points_mm[-1].round(2).tolist(),
            "objective": one.objective,
            "saved_percent": known(100.0 * max(0.0, one.saved_frac)),
            "more_gy": known(one.short_before_gy - one.short_gy),
            "nearest": [{"name": name, "mm": known(mm)} for name, mm in one.nearest_mm.items()],
        }
        for one in found
    ]


def range_rows(ranges: Iterable[Range], goals: Sequence[AskedGoal]) -> list[dict[str, Any]]:
    """Return what can be traded, in the units of the page: fractions are per cent there."""
    rows = []
    for one in ranges:
        percent = one.number is not None and goals[one.number].goal.metric.unit == "frac"
        factor = 100.0 if percent else 1.0
        low, high = known(factor * one.strictest), known(factor * one.loosest)
        rows.append({"number": one.number, "structure": one.structure, "strictest": low, "loosest": high})
    return rows


def robustness_rows(coverage: RobustResult) -> dict[str, Any]:
    """Return how often D100 reaches each prescription, and what D100 does."""
    rows = []
    for ctv in coverage.prescriptions_gy:
        reached, d100 = coverage.coverage(ctv), coverage.summary(f"{ctv} d100_gy")
        rows.append(
            {
                "ctv": ctv,
                "prescription_gy": known(reached.prescription_gy),
                "percent": known(100.0 * reached.probability),
                "low_percent": known(100.0 * reached.low),
                "high_percent": known(100.0 * reached.high),
                "planned_gy": known(d100.planned),
                "p5_gy": known(d100.p5),
                "p50_gy": known(d100.p50),
            }
        )
    return {"deliveries": coverage.scenarios.count, "rows": rows}
