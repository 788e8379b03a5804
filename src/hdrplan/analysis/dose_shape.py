"""Whether the effect of D100 is a straight line, and whether it is the same in every tumour type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from hdrplan.analysis.adjustment import Adjuster
from hdrplan.analysis.effects import (
    D100,
    REFERENCE_GY,
    Effect,
    adjusted_cox,
    adjusters,
    d100_columns,
    effects,
    present_types,
)
from hdrplan.analysis.lesions import LesionTable
from hdrplan.arrays import FloatArray
from hdrplan.errors import InfeasibleError
from hdrplan.outcomes import Cutoff, Test, best_cutoff, cox, cutoff_problem, efficient_scores, restricted_spline

__all__ = [
    "SPLINE_KNOTS",
    "DoseContrast",
    "Interaction",
    "SplineCurve",
    "interaction",
    "line_p",
    "robust_score_test",
    "spline_curve",
    "step_beside_curve",
    "step_beside_line",
]

SPLINE_KNOTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseContrast:
    """Hazard ratio of one D100 against another, by the curve.

    Parameters
    ----------
    d100_gy, against_gy : float
    hazard_ratio, lower, upper : float
        With 95 % limits.
    """

    d100_gy: float
    against_gy: float
    hazard_ratio: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SplineCurve:
    """Log hazard ratio against D100, relative to 20 Gy, other covariates equal.

    Parameters
    ----------
    d100_gy, log_hr, lower, upper : (n,) arrays
        Curve and its pointwise 95 % limits.
    knots_gy : (k,) array
        Knots of the spline.
    overall, nonlinear : Test
        That D100 matters in any shape; that its effect is not a straight line.
    contrasts : tuple of DoseContrast
        Of the 10th, 25th, 75th and 90th percentile of D100 against its median.
    """

    d100_gy: FloatArray
    log_hr: FloatArray
    lower: FloatArray
    upper: FloatArray
    knots_gy: FloatArray
    overall: Test
    nonlinear: Test
    contrasts: tuple[DoseContrast, ...]


def spline_curve(table: LesionTable, n_knots: int = SPLINE_KNOTS) -> SplineCurve:
    """Return the restricted cubic spline of D100 in the adjusted model."""
    spline, beside = restricted_spline(table.d100_gy, n_knots), adjusters(table)
    columns = spline.columns("D100", table.d100_gy)
    fit = adjusted_cox(table, columns)
    straight, *bends = columns
    index = [fit.names.index(name) for name in columns]
    low, high = np.quantile(table.d100_gy, (0.01, 0.99))
    at = np.linspace(float(low), float(high), 121)
    contrast = spline.basis(at) - spline.basis([REFERENCE_GY])
    beta, matrix = fit.coef[index], fit.inference_covariance[np.ix_(index, index)]
    value = contrast @ beta
    half = _half_width(contrast, matrix)
    middle, *others = (float(v) for v in np.quantile(table.d100_gy, (0.5, 0.1, 0.25, 0.75, 0.9)))
    apart = spline.basis(others) - spline.basis([middle])
    log_ratio, width = apart @ beta, _half_width(apart, matrix)
    return SplineCurve(
        d100_gy=at,
        log_hr=value,
        lower=value - half,
        upper=value + half,
        knots_gy=spline.knots,
        overall=robust_score_test(table, beside, columns),
        nonlinear=robust_score_test(
            table, {straight: columns[straight], **beside}, {name: columns[name] for name in bends}
        ),
        contrasts=tuple(
            DoseContrast(
                d100_gy=gy,
                against_gy=middle,
                hazard_ratio=float(np.exp(b)),
                lower=float(np.exp(b - w)),
                upper=float(np.exp(b + w)),
            )
            for gy, b, w in zip(others, log_ratio, width, strict=True)
        ),
    )


def _half_width(contrast: FloatArray, covariance: FloatArray) -> FloatArray:
    result: FloatArray = 1.959963984540054 * np.sqrt(np.einsum("ij,jk,ik->i", contrast, covariance, contrast))
    return result


def robust_score_test(table: LesionTable, null: Mapping[str, FloatArray], added: Mapping[str, FloatArray]) -> Test:
    """Return the joint test of columns added to a Cox model, with the spread of scores between patients.

    Wald tests with sandwich errors of several columns reject too often at these sizes (9 % for 5 % in
    docs/measurements/null-cohorts.json); the score test needs no estimate of the tested columns and keeps its level.

    Parameters
    ----------
    table : LesionTable
    null : mapping of str to (n,) array
        Covariates of the model.
    added : mapping of str to (n,) array
        Columns that are tested.

    Returns
    -------
    Test

    Raises
    ------
    InfeasibleError
        Columns that are nearly combinations of each other.

    References
    ----------
    Lin DY, Wei LJ, J Am Stat Assoc 1989;84:1074, DOI 10.1080/01621459.1989.10478874.
    """
    model = cox(table.follow_up.independent, dict(null), strata=table.strata)
    columns = np.column_stack([v / v.std() for v in added.values()])
    with np.errstate(all="ignore"):  # columns that are nearly a combination of others have huge ratios, and no test
        scores = table.follow_up.by_cluster(efficient_scores(model, columns))
    if not np.isfinite(scores).all():
        raise InfeasibleError(
            "the score test has no finite value", got="columns that are nearly combinations of each other"
        )
    total, spread = scores.sum(axis=0), scores.T @ scores
    return Test.chi_square(float(total @ np.linalg.solve(spread, total)), columns.shape[1])


def step_beside_line(table: LesionTable, *, rng: np.random.Generator, n_resamples: int) -> Cutoff:
    """Return the best step beside D100 as a straight line, its p corrected for the search.

    Raises
    ------
    InfeasibleError
        Fewer than three different doses.
    """
    if np.unique(table.d100_gy).size < 3:
        raise InfeasibleError("a step beside a straight line needs three different doses", got="fewer")
    return _step_beside(table, d100_columns(table), rng, n_resamples)


def step_beside_curve(table: LesionTable, *, rng: np.random.Generator, n_resamples: int) -> Cutoff:
    """Return the best step beside D100 as a spline, its p corrected for the search."""
    columns = restricted_spline(table.d100_gy, SPLINE_KNOTS).columns("D100", table.d100_gy)
    return _step_beside(table, {**columns, **adjusters(table)}, rng, n_resamples)


def _step_beside(
    table: LesionTable, covariates: Mapping[str, FloatArray], rng: np.random.Generator, n_resamples: int
) -> Cutoff:
    problem = cutoff_problem(table.follow_up, table.d100_gy, covariates=covariates, strata=table.strata)
    return best_cutoff(problem, rng=rng, n_resamples=n_resamples)


def line_p(curve: SplineCurve | None, step: Cutoff | None) -> float | None:
    """Return the p that the effect of D100 is a straight line, against a curve and a step; None without a curve.

    Two tests of one hypothesis: by Bonferroni they reject it together in 5 % of cohorts at most.
    """
    if curve is None:
        return None
    tested = [curve.nonlinear.p] if step is None else [curve.nonlinear.p, step.p.resampled]
    return min(1.0, len(tested) * min(tested))


@dataclass(frozen=True, slots=True)
class Interaction:
    """Whether D100 works alike in the tumour types: the test, and the effect in each type."""

    test: Test
    by_type: Mapping[str, Effect]


def interaction(table: LesionTable, *, curved: bool = False) -> Interaction | None:
    """Return the tumour type x D100 interaction; None where fewer than two types have a recurrence.

    Parameters
    ----------
    table : LesionTable
    curved : bool
        Whether D100 enters as a spline that the types share: a bend would pass for a difference between types whose
        doses differ.

    Returns
    -------
    Interaction or None
    """
    kinds = np.array(table.tumour_type)
    present = [t for t in present_types(table) if table.follow_up.event[kinds == t].any()]
    if len(present) < 2:
        return None
    dose = table.d100_gy - REFERENCE_GY
    # Departures from the first type are tested; a slope in each type is the same model, told in numbers.
    departures = {f"D100 x {t}": dose * (kinds == t) for t in present[1:]}
    if all(a.column != "tumour_type" for a in table.adjusters):
        every = (*table.adjusters, Adjuster("tumour_type"))
        table = replace(table, adjusters=every, columns={**table.columns, "tumour_type": table.tumour_type})
    shared = restricted_spline(table.d100_gy, SPLINE_KNOTS).columns("D100", table.d100_gy) if curved else {D100: dose}
    test = robust_score_test(table, {**shared, **adjusters(table)}, departures)
    slopes = {f"{D100}, in {t}": dose * (kinds == t) for t in present}
    fit = adjusted_cox(table, slopes)
    each = effects("D100 within tumour type", fit, table.follow_up, tuple(slopes))
    by_type = {}
    for t, effect in zip(present, each, strict=True):
        rows = table.follow_up.chosen(kinds == t)
        by_type[t] = replace(effect, n=rows.n, n_events=rows.n_events)
    return Interaction(test, by_type)
