"""The effect of D100 with the error of D100 taken into account."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hdrplan.analysis.correlation import Settings
from hdrplan.analysis.effects import D100, REFERENCE_GY, Effect, adjusted_cox, adjusters, effects
from hdrplan.analysis.lesions import LesionTable
from hdrplan.arrays import FloatArray
from hdrplan.errors import InputError
from hdrplan.outcomes import Corrected, calibrated, frailty, indicator_columns, simex

__all__ = ["corrected_effects", "dose_error_sd_gy"]

_DRAWS = 100


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
        shared = frailty(table.follow_up, {**true, **adjusters(table)}, strata=table.strata)
        found += effects("expected dose, gamma frailty by patient", shared, table.follow_up, (D100,))
    if settings.dose_error is not None:
        sd = dose_error_sd_gy(table, settings.dose_error)
        found += [
            _effect("regression calibration", _by_calibration(table, sd), table),
            _effect("SIMEX", simex(_fit(table), table.d100_gy, sd, rng=rng, n_draws=_DRAWS), table),
        ]
    return (*naive, *found) if found else ()


def _by_calibration(table: LesionTable, sd: FloatArray) -> Corrected:
    beside = adjusters(table)
    if table.strata is not None and len(set(table.strata)) > 1:
        beside |= indicator_columns("stratum", np.array(table.strata))
    others = np.column_stack(list(beside.values())) if beside else np.empty((table.n, 0))
    true = calibrated(table.d100_gy, sd, others)
    return true.corrected(*_fit(table)(true.values))


def _fit(table: LesionTable) -> Callable[[FloatArray], tuple[float, float]]:
    def coefficient(d100_gy: FloatArray) -> tuple[float, float]:
        fit = adjusted_cox(table, {D100: d100_gy - REFERENCE_GY})
        return float(fit.coef[0]), float(fit.inference_covariance[0, 0])

    return coefficient


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
