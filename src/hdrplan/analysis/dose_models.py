"""D100 as it should be read: continuous, adjusted for size, tumour type and age, errors by patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hdrplan.analysis.lesions import LesionTable
from hdrplan.arrays import FloatArray
from hdrplan.outcomes import (
    Coefficients,
    CoxFit,
    Test,
    bootstrap_statistics,
    concordance,
    cox,
    efficient_scores,
    fine_gray,
    frailty,
    indicator_columns,
    interval_regression,
    kaplan_meier,
    landmark,
    restricted_spline,
    sum_by,
)

__all__ = [
    "CalibrationGroup",
    "Effect",
    "Interaction",
    "Performance",
    "SplineCurve",
    "adjusters",
    "calibration",
    "d100_model",
    "effects",
    "interaction",
    "performance",
    "robust_score_test",
    "sensitivity",
    "spline_curve",
]

D100 = "D100, per Gy"
REFERENCE_GY = 20.0


@dataclass(frozen=True, slots=True)
class Effect:
    """A hazard ratio as it is printed: of what, from which model, with its interval and p."""

    model: str
    term: str
    hazard_ratio: float
    lower: float
    upper: float
    p: float
    n: int
    n_events: int


def effects(name: str, fit: Coefficients, n: int, n_events: int, terms: tuple[str, ...] = ()) -> tuple[Effect, ...]:
    """Return the hazard ratios of a fit, all or the named ones."""
    low, high = fit.interval()
    return tuple(
        Effect(name, t, float(hr), float(a), float(b), float(p), n, n_events)
        for t, hr, a, b, p in zip(fit.names, fit.hazard_ratio, low, high, fit.p, strict=True)
        if not terms or t in terms
    )


def adjusters(table: LesionTable) -> dict[str, FloatArray]:
    """Size, tumour type (against the first of HCC, CRLM, other that occurs) and age; constants are left out."""
    columns: dict[str, FloatArray] = {"diameter, per 10 mm": (table.diameter_mm - 38.0) / 10.0}
    present = [t for t in ("HCC", "CRLM", "other") if t in table.tumour_type]
    if len(present) > 1:
        columns |= indicator_columns("tumour type", np.array(table.tumour_type), present[0])
    columns["age, per 10 years"] = (table.age_years - 68.0) / 10.0
    return {k: v for k, v in columns.items() if np.ptp(v) > 0}


def d100_model(table: LesionTable) -> CoxFit:
    """Return the cause-specific Cox model of local recurrence with D100 and adjusters, errors by patient."""
    columns = {D100: table.d100_gy - REFERENCE_GY, **adjusters(table)}
    return cox(table.months, table.event, columns, cluster=table.patient_id)


@dataclass(frozen=True, slots=True, eq=False)
class SplineCurve:
    """Log hazard ratio against D100, relative to 20 Gy, other covariates equal."""

    d100_gy: FloatArray
    log_hr: FloatArray
    lower: FloatArray
    upper: FloatArray
    knots_gy: FloatArray
    overall: Test
    nonlinear: Test


def spline_curve(table: LesionTable, n_knots: int = 4) -> SplineCurve:
    """Return the restricted cubic spline of D100 in the adjusted model."""
    spline = restricted_spline(table.d100_gy, n_knots)
    columns = spline.columns("D100", table.d100_gy)
    fit = cox(table.months, table.event, {**columns, **adjusters(table)}, cluster=table.patient_id)
    names = tuple(columns)
    index = [fit.names.index(n) for n in names]
    low, high = np.quantile(table.d100_gy, (0.01, 0.99))
    at = np.linspace(float(low), float(high), 121)
    contrast = spline.basis(at) - spline.basis([REFERENCE_GY])
    beta, matrix = fit.coef[index], fit.inference_covariance[np.ix_(index, index)]
    value = contrast @ beta
    half = 1.959963984540054 * np.sqrt(np.einsum("ij,jk,ik->i", contrast, matrix, contrast))
    bends = {k: v for k, v in columns.items() if k != names[0]}
    return SplineCurve(
        at,
        value,
        value - half,
        value + half,
        spline.knots,
        robust_score_test(table, adjusters(table), columns),
        robust_score_test(table, {names[0]: columns[names[0]], **adjusters(table)}, bends),
    )


def robust_score_test(table: LesionTable, null: Mapping[str, FloatArray], added: Mapping[str, FloatArray]) -> Test:
    """Return the joint test of columns added to a Cox model, with the spread of scores between patients.

    Wald tests with sandwich errors of several columns reject too often at these sizes (9 % for 5 % in
    docs/measurements/null-cohorts.json); the score test needs no estimate of the tested columns and keeps its level.

    References
    ----------
    Lin DY, Wei LJ, J Am Stat Assoc 1989;84:1074, DOI 10.1080/01621459.1989.10478874.
    """
    model = cox(table.months, table.event, dict(null))
    columns = np.column_stack([v / v.std() for v in added.values()])
    scores = sum_by(table.patient_id, efficient_scores(model, columns))
    total, spread = scores.sum(axis=0), scores.T @ scores
    return Test.chi_square(float(total @ np.linalg.solve(spread, total)), columns.shape[1])


@dataclass(frozen=True, slots=True)
class Interaction:
    """Whether D100 works alike in the tumour types: the test, and the effect in each."""

    test: Test
    by_type: tuple[Effect, ...]


def interaction(table: LesionTable) -> Interaction | None:
    """Return the tumour type x D100 interaction; None where there is one type."""
    present = [t for t in ("HCC", "CRLM", "other") if t in table.tumour_type]
    if len(present) < 2:
        return None
    dose = table.d100_gy - REFERENCE_GY
    kinds = np.array(table.tumour_type)
    # Departures from the first type are tested; a slope in each type is the same model, told in numbers.
    departures = {f"D100 x {t}": dose * (kinds == t) for t in present[1:]}
    test = robust_score_test(table, {D100: dose, **adjusters(table)}, departures)
    slopes = {f"{D100}, in {t}": dose * (kinds == t) for t in present}
    fit = cox(table.months, table.event, {**slopes, **adjusters(table)}, cluster=table.patient_id)
    found = []
    for t, effect in zip(present, effects("D100 within tumour type", fit, 0, 0, tuple(slopes)), strict=True):
        here = kinds == t
        n, d = int(here.sum()), int(table.event[here].sum())
        found.append(Effect(effect.model, effect.term, *_numbers(effect), n, d))
    return Interaction(test, tuple(found))


def _numbers(e: Effect) -> tuple[float, float, float, float]:
    return e.hazard_ratio, e.lower, e.upper, e.p


def sensitivity(table: LesionTable, landmark_months: float) -> dict[str, Effect]:
    """Return the effect of D100 under other models; those that cannot be fitted are absent."""
    from hdrplan.errors import HdrPlanError

    columns = {D100: table.d100_gy - REFERENCE_GY, **adjusters(table)}
    n, d = table.n, table.n_events

    def late() -> Effect:
        part = landmark(table.months, table.event, landmark_months)
        keep = np.asarray(part.keep)
        patients = [p for p, k in zip(table.patient_id, keep, strict=True) if k]
        events = table.event[keep]
        fit = cox(part.time, events, {k: v[keep] for k, v in columns.items()}, cluster=patients)
        return effects("landmark after the 8-week scan", fit, int(keep.sum()), int(events.sum()), (D100,))[0]

    attempts = {
        "gamma frailty by patient": lambda: effects(
            "gamma frailty by patient", frailty(table.months, table.event, columns, table.patient_id), n, d, (D100,)
        )[0],
        "Fine-Gray (death competing)": lambda: effects(
            "Fine-Gray (death competing)",
            fine_gray(table.months, table.status, columns, cluster=table.patient_id), n, d, (D100,),
        )[0],
        "Weibull, interval-censored": lambda: effects(
            "Weibull, interval-censored",
            interval_regression(
                table.left_months, table.right_months, columns, cluster=table.patient_id
            ), n, d, (D100,),
        )[0],
        "landmark after the 8-week scan": late,
    }  # fmt: skip
    found = {}
    for name, attempt in attempts.items():
        try:
            found[name] = attempt()
        except HdrPlanError:
            continue
    return found


@dataclass(frozen=True, slots=True)
class CalibrationGroup:
    """Lesions of similar predicted control: what the model says and what was seen (Kaplan-Meier, errors by patient)."""

    n: int
    predicted: float
    observed: float
    lower: float
    upper: float


def calibration(
    table: LesionTable, fit: CoxFit, horizon_months: float, n_groups: int = 4
) -> tuple[CalibrationGroup, ...]:
    """Return predicted and observed control at a horizon in groups of predicted control; not corrected for optimism."""
    predicted = fit.survival(fit.covariates, [horizon_months])[:, 0]
    groups = np.array_split(np.argsort(predicted, kind="stable"), n_groups)
    owners = np.array(table.patient_id)
    found = []
    for rows in groups:
        curve = kaplan_meier(table.months[rows], table.event[rows], cluster=owners[rows])
        low, high = curve.interval_at([horizon_months])
        seen = float(curve.survival_at([horizon_months])[0])
        found.append(CalibrationGroup(rows.size, float(predicted[rows].mean()), seen, float(low[0]), float(high[0])))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Performance:
    """How well the adjusted model tells lesions apart and how far that is its own data's flattery.

    ``c`` is Harrell's C with (model) and without D100, apparent and corrected; slope is the calibration slope, 1 before
    correction by construction.
    """

    c_apparent: float
    c_corrected: float
    c_without_apparent: float
    c_without_corrected: float
    slope_corrected: float
    n_bootstrap: int


def performance(table: LesionTable, rng: np.random.Generator, n_bootstrap: int = 200) -> Performance:
    """Return discrimination and calibration, corrected for optimism by a bootstrap of patients.

    References
    ----------
    Harrell FE, Lee KL, Mark DB, Multivariable prognostic models, Stat Med 1996;15:361-387.
    """
    from hdrplan.errors import HdrPlanError

    with_dose = np.column_stack([table.d100_gy - REFERENCE_GY, *adjusters(table).values()])
    without = with_dose[:, 1:]

    def c_of(x: FloatArray, rows: np.ndarray, other: np.ndarray) -> tuple[float, float, float]:
        fit = cox(table.months[rows], table.event[rows], x[rows])
        own = concordance(table.months[rows], table.event[rows], x[rows] @ fit.coef).c
        full = x[other] @ fit.coef
        there = concordance(table.months[other], table.event[other], full).c
        slope = cox(table.months[other], table.event[other], full[:, None]).coef[0]
        return own, there, float(slope)

    everyone = np.arange(table.n)
    apparent, bare = c_of(with_dose, everyone, everyone)[0], c_of(without, everyone, everyone)[0]

    def optimism(rows: np.ndarray, owner: np.ndarray) -> FloatArray:
        try:
            a, b = c_of(with_dose, rows, everyone), c_of(without, rows, everyone)
        except HdrPlanError:  # a sample whose model has no finite estimate
            return np.full(3, np.nan)
        return np.array([a[0] - a[1], b[0] - b[1], a[2]])

    _, owner = np.unique(np.array(table.patient_id), return_inverse=True)
    mean = np.nanmean(bootstrap_statistics(optimism, owner.astype(np.int64), n_bootstrap, rng), axis=0)
    optimism_c, optimism_bare, slope = (float(v) for v in mean)
    return Performance(apparent, apparent - optimism_c, bare, bare - optimism_bare, slope, n_bootstrap)
