"""The effect of D100 under other models."""

from __future__ import annotations

from collections.abc import Callable

from hdrplan.analysis.effects import D100, Effect, d100_columns, effects
from hdrplan.analysis.lesions import LesionTable
from hdrplan.errors import HdrPlanError
from hdrplan.outcomes import Coefficients, cox, fine_gray, frailty, interval_regression, landmark

__all__ = ["sensitivity"]


def sensitivity(table: LesionTable, landmark_months: float) -> dict[str, Effect]:
    """Return the effect of D100 under other models; those that cannot be fitted are absent."""
    columns = d100_columns(table)

    def whole(name: str, fit: Callable[[], Coefficients]) -> Effect:
        return effects(name, fit(), table.follow_up, (D100,))[0]

    def late(name: str) -> Effect:
        after = landmark(table.follow_up, landmark_months)
        fit = cox(after.rows, {k: v[after.keep] for k, v in columns.items()})
        return effects(name, fit, after.rows, (D100,))[0]

    attempts: dict[str, Callable[[str], Effect]] = {
        "gamma frailty by patient": lambda name: whole(name, lambda: frailty(table.follow_up, columns)),
        "Fine-Gray (death competing)": lambda name: whole(name, lambda: fine_gray(table.first_events, columns)),
        "Weibull, interval-censored": lambda name: whole(name, lambda: interval_regression(table.intervals, columns)),
        "landmark after the 8-week scan": late,
    }
    fitted = {}
    for name, attempt in attempts.items():
        try:
            fitted[name] = attempt(name)
        except HdrPlanError:
            continue
    return fitted
