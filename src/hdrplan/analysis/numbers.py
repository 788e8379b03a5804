"""A correlation as plain numbers: the lesions that were analysed, and every estimate in one tidy table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from hdrplan.analysis.correlation import Correlation
from hdrplan.analysis.effects import Effect
from hdrplan.analysis.lesions import LesionTable

__all__ = ["Estimate", "LesionRow", "estimates", "lesion_rows"]

# Months at which the tables give control.
_AT_MONTHS = (6.0, 12.0, 24.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionRow:
    """One analysed lesion: a row of lesions.csv.

    Parameters
    ----------
    lesion_id, patient_id, tumour_type, sex : str
    age_years, diameter_mm : float
        At and before treatment.
    n_sessions, n_lesions : int
        Sessions of the lesion; lesions treated in its cycle.
    months : float
        To local recurrence, or to the last scan or death without one.
    status : int
        0 censored, 1 local recurrence, 2 death first.
    recurrence : int
        1 where the status is 1.
    interval_left_months, interval_right_months : float
        Last scan without and first scan with recurrence; infinite without recurrence.
    d100_gy, d98_gy, d95_gy, d90_gy, d50_gy, d2_gy, v100_pct, v150_pct, v200_pct, ctv_cm3 : float
        NaN where unknown; of several sessions the single-session dose of the lower bound.
    d100_eqd2_low_gy, d100_eqd2_high_gy : float
        Bounds of D100 in EQD2 over the sessions.
    """

    lesion_id: str
    patient_id: str
    tumour_type: str
    sex: str
    age_years: float
    diameter_mm: float
    n_sessions: int
    n_lesions: int
    months: float
    status: int
    recurrence: int
    interval_left_months: float
    interval_right_months: float
    d100_gy: float
    d98_gy: float
    d95_gy: float
    d90_gy: float
    d50_gy: float
    d2_gy: float
    v100_pct: float
    v150_pct: float
    v200_pct: float
    ctv_cm3: float
    d100_eqd2_low_gy: float
    d100_eqd2_high_gy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One estimate of the analysis: a row of results.csv.

    Parameters
    ----------
    analysis : str
        Part of the analysis: "models", "threshold", "control", ...
    model : str
        Which model or group of lesions.
    term : str
        Of what, with its unit, reference level or time.
    quantity : str
        "hazard ratio", "control", "median", "cut-off", "C", "dose at 50 % control", ...
    estimate, lower, upper : float
        With its 95 % interval; NaN where there is none.
    p : float
        Two-sided; NaN where there is none.
    n, n_events : int
        Lesions and recurrences behind it.
    """

    analysis: str
    model: str
    term: str
    quantity: str
    estimate: float
    lower: float = math.nan
    upper: float = math.nan
    p: float = math.nan
    n: int
    n_events: int


def lesion_rows(table: LesionTable) -> tuple[LesionRow, ...]:
    """Return the analysed lesions in the order of the table."""
    metrics = {name: column for name, column in table.metrics.items() if name != "d100_gy"}
    return tuple(
        LesionRow(
            lesion_id=table.lesion_id[k],
            patient_id=table.patient_id[k],
            tumour_type=table.tumour_type[k],
            sex=table.sex[k],
            age_years=float(table.age_years[k]),
            diameter_mm=float(table.diameter_mm[k]),
            n_sessions=int(table.n_sessions[k]),
            n_lesions=int(table.n_lesions[k]),
            months=float(table.follow_up.time[k]),
            status=int(table.status[k]),
            recurrence=int(table.status[k] == 1),
            interval_left_months=float(table.intervals.left[k]),
            interval_right_months=float(table.intervals.right[k]),
            d100_gy=float(table.d100_gy[k]),
            d100_eqd2_low_gy=float(table.d100_eqd2_bounds_gy[k, 0]),
            d100_eqd2_high_gy=float(table.d100_eqd2_bounds_gy[k, 1]),
            **{name: float(column[k]) for name, column in metrics.items()},
        )
        for k in range(table.n)
    )


def estimates(r: Correlation) -> tuple[Estimate, ...]:
    """Return every estimate of a correlation, with full precision."""
    models, cuts = r.models, r.cuts
    rows = [
        *_control(r),
        *_of_effects("models", (*models.univariate, *models.adjusted)),
        *_of_effects("interaction", models.interaction.by_type.values() if models.interaction else ()),
        *(_of_effect("sensitivity", effect, model=name) for name, effect in r.sensitivity.items()),
        *_of_effects("threshold", (cuts.threshold.unadjusted, cuts.threshold.adjusted) if cuts.threshold else ()),
        *_cutoffs(r),
        *_metrics(r),
        *_prediction(r),
    ]
    return tuple(rows)


def _of_effect(analysis: str, effect: Effect, *, model: str | None = None) -> Estimate:
    return Estimate(
        analysis=analysis,
        model=effect.model if model is None else model,
        term=effect.term,
        quantity="hazard ratio",
        estimate=effect.hazard_ratio,
        lower=effect.lower,
        upper=effect.upper,
        p=effect.p,
        n=effect.n,
        n_events=effect.n_events,
    )


def _of_effects(analysis: str, effects: Iterable[Effect]) -> Iterator[Estimate]:
    return (_of_effect(analysis, effect) for effect in effects)


def _control(r: Correlation) -> Iterator[Estimate]:
    for name, curve in {"all": r.control.km, **r.control.by_type}.items():
        low, high = curve.interval_at(_AT_MONTHS)
        for months, at, a, b in zip(_AT_MONTHS, curve.survival_at(_AT_MONTHS), low, high, strict=True):
            yield Estimate(
                analysis="control",
                model=name,
                term=f"{months:g} months",
                quantity="control (Kaplan-Meier)",
                estimate=float(at),
                lower=float(a),
                upper=float(b),
                n=curve.n,
                n_events=curve.n_events,
            )
        yield Estimate(
            analysis="control",
            model=name,
            term="months",
            quantity="median time to recurrence",
            estimate=curve.median.estimate,
            lower=curve.median.lower,
            upper=curve.median.upper,
            n=curve.n,
            n_events=curve.n_events,
        )


def _cutoffs(r: Correlation) -> Iterator[Estimate]:
    for name, cut in (("adjusted", r.cuts.adjusted), ("not adjusted", r.cuts.unadjusted)):
        if cut is not None:
            low, high = cut.interval or (math.nan, math.nan)
            yield Estimate(
                analysis="cut-off",
                model=name,
                term="D100, Gy",
                quantity="best cut-off",
                estimate=cut.best,
                lower=low,
                upper=high,
                p=cut.p.resampled,
                n=cut.n,
                n_events=cut.n_events,
            )


def _metrics(r: Correlation) -> Iterator[Estimate]:
    for metric in r.metrics:
        yield Estimate(
            analysis="metrics",
            model="adjusted, one metric at a time",
            term=f"{metric.name}, per standard deviation ({metric.sd!r})",
            quantity="hazard ratio",
            estimate=metric.hazard_ratio,
            lower=metric.lower,
            upper=metric.upper,
            p=metric.p,
            n=r.table.n,
            n_events=r.table.n_events,
        )


def _prediction(r: Correlation) -> Iterator[Estimate]:
    def row(model: str, term: str, quantity: str, estimate: float) -> Estimate:
        return Estimate(
            analysis="prediction",
            model=model,
            term=term,
            quantity=quantity,
            estimate=estimate,
            n=r.table.n,
            n_events=r.table.n_events,
        )

    if r.performance is not None:
        p = r.performance
        for model, c in (("adjusters and D100", p.with_d100), ("adjusters", p.without_d100)):
            yield row(model, "apparent", "C", c.apparent)
            yield row(model, "corrected for optimism", "C", c.corrected)
        yield row("adjusters and D100", "corrected for optimism", "calibration slope", p.slope_corrected)
    for name, fit in r.response.curves.items():
        for parameter, value, variance in zip(fit.parameters, fit.theta, np.diag(fit.covariance), strict=True):
            half = 1.959963984540054 * math.sqrt(max(float(variance), 0.0))
            yield Estimate(
                analysis="dose-response",
                model=name,
                term=parameter,
                quantity="parameter",
                estimate=float(value),
                lower=float(value) - half,
                upper=float(value) + half,
                n=fit.n,
                n_events=fit.n_events,
            )
