"""A correlation as plain numbers: every estimate in one tidy table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hdrplan.analysis.correlation import Correlation
from hdrplan.analysis.effects import Effect

__all__ = ["Estimate", "estimates"]

# Months at which the tables give control.
_AT_MONTHS = (6.0, 12.0, 24.0)


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


def estimates(r: Correlation) -> tuple[Estimate, ...]:
    """Return every estimate of a correlation, with full precision."""
    models, cuts = r.models, r.cuts
    rows = [
        *_benefit(r),
        *_control(r),
        *_of_effects("models", (*models.univariate, *models.adjusted)),
        *_of_effects("interaction", models.interaction.by_type.values() if models.interaction else ()),
        *(_of_effect("sensitivity", effect, model=name) for name, effect in r.sensitivity.items()),
        *_of_effects("one group left out", r.left_out_groups.values()),
        *_of_effects("one patient left out", [r.one_patient] if r.one_patient else []),
        *_unmeasured(r),
        *_of_effects("measurement error", r.dose_error),
        *_of_effects("threshold", (cuts.threshold.unadjusted, cuts.threshold.adjusted) if cuts.threshold else ()),
        *_cutoffs(r),
        *_metrics(r),
        *_prediction(r),
    ]
    return tuple(rows)


def _benefit(r: Correlation) -> Iterator[Estimate]:
    b, t = r.benefit, r.table
    if b is None:
        return
    within, shape = f"within {b.horizon_months:g} months", "spline" if b.curved else "line"

    def row(term: str, quantity: str, values: Sequence[float]) -> Estimate:
        estimate, low, high = values
        return Estimate(
            analysis="answer",
            model=f"standardised, D100 as {shape}",
            term=term,
            quantity=quantity,
            estimate=float(estimate),
            lower=float(low),
            upper=float(high),
            n=t.n,
            n_events=t.n_events,
        )

    yield row("D100 as given", f"risk {within}", (b.now, math.nan, math.nan))
    yield row(f"{b.added_gy:g} Gy more D100", f"risk {within}", (b.then, math.nan, math.nan))
    yield row(f"{b.added_gy:g} Gy more D100", f"risk difference {within}", b.difference)
    yield row(f"{b.added_gy:g} Gy more D100", f"risk ratio {within}", b.ratio)
    for values in zip(b.d100_gy, b.risk, b.lower, b.upper, strict=True):
        yield row(f"D100 {float(values[0])!r} Gy", f"risk {within}", values[1:])
    for c in r.models.spline.contrasts if r.models.spline else ():
        term = f"D100 {c.d100_gy!r} against {c.against_gy!r} Gy"
        yield row(term, "hazard ratio (spline)", (c.hazard_ratio, c.lower, c.upper))


def _unmeasured(r: Correlation) -> Iterator[Estimate]:
    u = r.unmeasured
    for quantity, value in (("E-value", u.estimate), ("E-value of the nearer limit", u.limit)) if u else ():
        yield Estimate(
            analysis="unmeasured confounding",
            model="adjusted",
            term=f"D100, {u.gy!r} Gy" if u else "",
            quantity=quantity,
            estimate=value,
            n=r.table.n,
            n_events=r.table.n_events,
        )


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
    cuts = r.cuts
    named = (("adjusted", cuts.adjusted), ("not adjusted", cuts.unadjusted), ("beside a line", cuts.beyond_line))
    for name, cut in named:
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
    if r.quality is not None:
        within = f"within {r.quality.horizon_months:g} months"
        for s in r.quality.scores:
            for quantity, pair in (
                (f"Brier score {within}", s.brier),
                (f"integrated Brier score {within}", s.integrated_brier),
                (f"AUC {within}", s.auc),
            ):
                yield row(s.model, "apparent", quantity, pair[0])
                yield row(s.model, "corrected for optimism", quantity, pair[1])
        d = r.quality.decision
        for model, values in (
            ("adjusters and D100", d.with_d100),
            ("adjusters", d.without_d100),
            ("act in all lesions", d.everybody),
        ):
            for at, value in zip(d.thresholds, values, strict=True):
                yield row(model, f"acting from a risk of {float(at):g}", f"net benefit {within}", float(value))
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
