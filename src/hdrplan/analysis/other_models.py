"""The effect of D100 under other models."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hdrplan.analysis.effects import D100, Effect, d100_columns, effects
from hdrplan.analysis.lesions import LesionTable
from hdrplan.arrays import FloatArray
from hdrplan.errors import HdrPlanError
from hdrplan.outcomes import Coefficients, cox, fine_gray, frailty, indicator_columns, interval_regression, landmark

__all__ = ["sensitivity"]


def sensitivity(table: LesionTable, landmark_months: float) -> dict[str, Effect]:
    """Return the effect of D100 under other models; those that cannot be fitted are absent."""
    columns, strata = d100_columns(table), table.strata
    # Models without strata of their own hold them as categories.
    flat = columns if strata is None else {**columns, **_indicators(strata)}

    def whole(name: str, fit: Callable[[], Coefficients]) -> Effect:
        return effects(name, fit(), table.follow_up, (D100,))[0]

    def late(name: str) -> Effect:
        after = landmark(table.follow_up, landmark_months)
        layers = None if strata is None else np.array(strata)[after.keep]
        fit = cox(after.rows, {k: v[after.keep] for k, v in columns.items()}, strata=layers)
        return effects(name, fit, after.rows, (D100,))[0]

    attempts: dict[str, Callable[[str], Effect]] = {
        "gamma frailty by patient": lambda name: whole(name, lambda: frailty(table.follow_up, columns, strata=strata)),
        "Fine-Gray (death competing)": lambda name: whole(name, lambda: fine_gray(table.first_events, flat)),
        "Weibull, interval-censored": lambda name: whole(name, lambda: interval_regression(table.intervals, flat)),
        "landmark after the 8-week scan": late,
    }
    fitted = {}
    for name, attempt in attempts.items():
        try:
            fitted[name] = attempt(name)
        except HdrPlanError:
            continue
    return fitted


def _indicators(strata: tuple[str, ...]) -> dict[str, FloatArray]:
    return indicator_columns("stratum", np.array(strata)) if len(set(strata)) > 1 else {}
