"""The effect of D100 with the error of D100 taken into account."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hdrplan.analysis.correlation import Settings
from hdrplan.analysis.effects import D100, REFERENCE_GY, Effect, adjusted_cox, adjusters, effects
from hdrplan.analysis.lesions import LesionTable
from hdrplan.arrays import FloatArray
from hdrplan.errors import InputError
from hdrplan.outcomes import Corrected, FrailtyFit, calibrated, frailty, indicator_columns, simex

__all__ = ["corrected_effects", "dose_error_sd_gy"]

_DRAWS = 50
_FRAILTY = ", gamma frailty by patient"

# Takes D100 (n,), returns its coefficient and the variance of the coefficient.
_Fit = Callable[[FloatArray], tuple[float, float]]


def dose_error_sd_gy(table: LesionTable, error: float | str) -> FloatArray:
    """Return the standard deviation of the error of D100 of each lesion.

    Parameters
    ----------
    table : LesionTable
    error : float or str
        Gy, or the column of the table that holds it.

    Returns
    -------
    (n,) array

    Raises
    ------
    InputError
        A column of texts.
    """
    return np.full(table.n, error) if isinstance(error, float) else _numbers(table, error)


def _numbers(table: LesionTable, column: str) -> FloatArray:
    values = table.columns[column]
    if isinstance(values, tuple):
        raise InputError(f"{column} must hold numbers in Gy", got=f"texts, for example '{values[0]}'")
    return values


def corrected_effects(table: LesionTable, settings: Settings, rng: np.random.Generator) -> tuple[Effect, ...]:
    """Return the hazard ratio per Gy of D100 as recorded, and corrected for its error.

    Parameters
    ----------
    table : LesionTable
    settings : Settings
        The error of D100 or the expected dose, or both.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    tuple of Effect
        Empty where neither is known.

    Raises
    ------
    InputError, InfeasibleError
        An error that is no number, or larger than the spread of D100; a model that cannot be fitted.
    """
    naive = effects("as recorded", adjusted_cox(table, {D100: table.d100_gy - REFERENCE_GY}), table.follow_up, (D100,))
    found: list[Effect] = []
    if settings.expected_dose:
        true = {D100: _numbers(table, settings.expected_dose)}
        found += effects("expected dose", adjusted_cox(table, true), table.follow_up, (D100,))
        if _several_lesions(table):
            found += effects(f"expected dose{_FRAILTY}", _frailty(table, true[D100]), table.follow_up, (D100,))
    if settings.dose_error is not None:
        sd = dose_error_sd_gy(table, settings.dose_error)
        models = [("", _cox_fit(table), _cox_fit(table))]
        if _several_lesions(table):
            models.append((_FRAILTY, _frailty_fit(table), _frailty_fit(table, _frailty(table, table.d100_gy).theta)))
        for words, fit, often in models:
            fitted = simex(often, table.d100_gy, sd, rng=rng, n_draws=_DRAWS)
            found += [
                _effect(f"regression calibration{words}", _by_calibration(table, sd, fit), table),
                _effect(f"SIMEX{words}", fitted, table),
            ]
    return (*naive, *found) if found else ()


def _several_lesions(table: LesionTable) -> bool:
    """Return whether a patient has several lesions: without, a frailty is told by the shape of the hazard alone."""
    return table.n_patients < table.n


def _by_calibration(table: LesionTable, sd: FloatArray, fit: _Fit) -> Corrected:
    beside = adjusters(table)
    if table.strata is not None and len(set(table.strata)) > 1:
        beside |= indicator_columns("stratum", np.array(table.strata))
    others = np.column_stack(list(beside.values())) if beside else np.empty((table.n, 0))
    true = calibrated(table.d100_gy, sd, others)
    return true.corrected(*fit(true.values))


def _cox_fit(table: LesionTable) -> _Fit:
    def coefficient(d100_gy: FloatArray) -> tuple[float, float]:
        fit = adjusted_cox(table, {D100: d100_gy - REFERENCE_GY})
        return float(fit.coef[0]), float(fit.inference_covariance[0, 0])

    return coefficient


def _frailty_fit(table: LesionTable, theta: float | None = None) -> _Fit:
    """Return a fit with a frailty; SIMEX holds its variance, which an error of each lesion hardly moves."""

    def coefficient(d100_gy: FloatArray) -> tuple[float, float]:
        fit = _frailty(table, d100_gy, theta)
        return float(fit.coef[0]), float(fit.covariance[0, 0])

    return coefficient


def _frailty(table: LesionTable, d100_gy: FloatArray, theta: float | None = None) -> FrailtyFit:
    columns = {D100: d100_gy - REFERENCE_GY, **adjusters(table)}
    return frailty(table.follow_up, columns, strata=table.strata, theta=theta)


def _effect(model: str, corrected: Corrected, table: LesionTable) -> Effect:
    low, high = corrected.interval()
    return Effect(
        model=model,
        term=D100,
        hazard_ratio=float(np.exp(corrected.coef)),
        lower=float(np.exp(low)),
        upper=float(np.exp(high)),
        p=corrected.p,
        n=table.n,
        n_events=table.n_events,
    )
