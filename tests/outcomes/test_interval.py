"""Turnbull's estimate and interval regression against R and by their own conditions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hdrplan.errors import InputError
from hdrplan.outcomes import follow_up, interval_regression, intervals, kaplan_meier, turnbull
from hdrplan.outcomes.parametric import _Parametric
from outcomes.reference_data import numbers, r_numbers, table
from tolerances import R_COX, R_NPMLE


def lesions():
    data = table("lesions")
    return data[~((data.left == 0) & data.right.isna())]


@pytest.mark.parametrize("name", sorted(r_numbers()["npmle"]))
def test_turnbull_agrees_with_r(name):
    data = table("lesions")
    data = data[data.crlm == 1] if name == "crlm" else data
    fit, reference = turnbull(intervals(data.left, data.right)), r_numbers()["npmle"][name]
    np.testing.assert_array_equal(fit.left, reference["left"])
    np.testing.assert_array_equal(fit.right, np.nan_to_num(numbers(reference["right"]), nan=np.inf))
    np.testing.assert_allclose(fit.mass, reference["mass"], atol=R_NPMLE, rtol=0)
    assert fit.loglik == pytest.approx(reference["loglik"], abs=1e-8)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 5)), min_size=2, max_size=25).filter(
        lambda rows: any(a or b for a, b in rows)
    )
)
def test_turnbull_is_certified_and_no_em_step_improves_it(rows):
    left = np.array([a for a, _ in rows], float)
    right = left + np.array([b for _, b in rows], float)
    right[right == 0] = np.inf
    fit = turnbull(intervals(left, right))
    assert fit.gap <= 1e-7  # no direction of mass raises the likelihood
    assert fit.mass.sum() == pytest.approx(1)
    lower, upper = fit.survival_bounds(np.arange(15))
    assert (lower <= upper + 1e-12).all()
    assert (np.diff(lower) <= 1e-12).all()
    assert (np.diff(upper) <= 1e-12).all()


def test_exact_and_right_censored_times_give_kaplan_meier():
    lung = table("lung")
    fit = turnbull(intervals(lung.time, np.where(lung.status == 1, lung.time, np.inf)))
    curve = kaplan_meier(follow_up(lung.time, lung.status))
    times = np.unique(lung.time)[:-1]
    lower, upper = fit.survival_bounds(times)
    np.testing.assert_allclose(lower, curve.survival_at(times), atol=R_NPMLE)
    np.testing.assert_allclose(upper, curve.survival_at(times), atol=R_NPMLE)


def test_intervals_that_only_touch_share_no_mass():
    # (0, 5] and (5, 9]: recurrence at day 5 belongs to the first only
    fit = turnbull(intervals([0, 5], [5, 9]))
    assert list(zip(fit.left, fit.right, strict=True)) == [(0, 5), (5, 9)]
    np.testing.assert_allclose(fit.mass, 0.5)
    assert fit.median == (0, 5)


def regression(name):
    family, *rest = name.split()
    if name == "lung exact":
        lung = table("lung")
        right = np.where(lung.status == 1, lung.time, np.inf)
        return interval_regression(intervals(lung.time, right), {"age": lung.age, "sex": lung.sex})
    data = lesions()
    x = {c: data[c] for c in ("d100_gy", "diameter_mm", "crlm")}
    return interval_regression(
        intervals(data.left, data.right, cluster=data.patient if rest else None), x, family=family
    )


# R's residuals of survreg are wrong by the scale on intervals (they do not add up to zero at the maximum), and so
# are its clustered errors; the exponential has no scale.
RIGHT_IN_R = [n for n in sorted(r_numbers()["interval"]) if "patient" not in n or n.startswith("exponential")]


@pytest.mark.parametrize("name", RIGHT_IN_R)
def test_regression_agrees_with_r(name):
    fit, reference = regression(name), r_numbers()["interval"][name]
    np.testing.assert_allclose([fit.log_time.intercept, *fit.log_time.coef], reference["coef"], rtol=R_COX)
    assert fit.log_time.scale == pytest.approx(reference["scale"], rel=R_COX)
    np.testing.assert_allclose(fit.log_time.se[: len(reference["se"])], reference["se"], rtol=R_COX)
    assert fit.loglik == pytest.approx(reference["loglik"], rel=1e-10)


@pytest.mark.parametrize("family", ["weibull", "exponential", "loglogistic", "lognormal"])
def test_scores_and_information_are_the_derivatives_of_the_likelihood(family):
    rows = intervals([0, 3, 4, 7, 9, 5], [2, 5, np.inf, 7, 12, 5])
    x = np.column_stack((np.ones(6), [1, 0, 2, 1, 3, 2]))
    model = _Parametric(rows, x, family)
    where = np.array([1.7, 0.2, -0.3])[: 2 + model.free_scale]
    step = 1e-6
    numeric = [
        (model._pieces(where + h)[0] - model._pieces(where - h)[0]) / (2 * step) for h in step * np.eye(where.size)
    ]
    np.testing.assert_allclose(model.scores(where), np.column_stack(numeric), atol=1e-7)
    slopes = [(model.value(where + h)[1] - model.value(where - h)[1]) / (2 * step) for h in step * np.eye(where.size)]
    np.testing.assert_allclose(-model.value(where)[2], slopes, atol=1e-6)


def test_clustered_errors_do_not_count_copies():
    data = lesions()
    x = {c: data[c] for c in ("d100_gy", "diameter_mm")}
    once = interval_regression(intervals(data.left, data.right, cluster=data.patient), x)
    twice = {k: np.repeat(v.to_numpy(), 2) for k, v in x.items()}
    copies = interval_regression(
        intervals(np.repeat(data.left, 2), np.repeat(data.right, 2), cluster=np.repeat(data.patient, 2)), twice
    )
    np.testing.assert_allclose(copies.log_time.se, once.log_time.se, rtol=1e-6)


def test_weibull_hazard_ratio_is_the_one_simulated():
    rng = np.random.default_rng(4)
    x = rng.normal(size=3000)
    time = 400 * rng.weibull(1.4, 3000) * np.exp(-0.5 * x / 1.4)  # log hazard ratio 0.5
    scans = np.arange(0, 9000, 90.0)
    place = np.searchsorted(scans, time)
    fit = interval_regression(intervals(scans[place - 1], scans[place]), {"x": x})
    assert abs(fit.coef[0] - 0.5) < 3 * fit.se[0]
    assert fit.log_time.scale == pytest.approx(1 / 1.4, rel=0.05)
    np.testing.assert_allclose(
        fit.survival([0.0], [200.0, 500.0])[0], stats.weibull_min.sf([200, 500], 1.4, scale=400), atol=0.02
    )


@pytest.mark.parametrize(
    ("left", "right", "words"),
    [([5], [3], "right must not come before left"), ([-1], [3], "0 or more"), ([0], [0], "positive finite")],
)
def test_intervals_that_cannot_be_right_are_refused(left, right, words):
    with pytest.raises(InputError, match=words):
        turnbull(intervals(left, right))


def test_a_row_that_few_share_keeps_its_mass_beside_many_thousands():
    """A first step that left such a row without any mass was taken, for what it gained on all others."""
    low, high, count = [2, 4, 2, 5, 5, 1], [5, 5, 3, 6, 6, 3], [2, 8, 6, 1, 1, 4358]
    fit = turnbull(intervals(np.repeat(low, count).astype(float), np.repeat(high, count).astype(float)))
    assert fit.gap < 1e-9
    assert fit.mass.sum() == pytest.approx(1.0)
    begun = np.subtract(*fit.survival_bounds([5.0, 6.0])).max()
    assert np.isfinite(begun)
    assert fit.survival_bounds([5.5])[1] > 0.0
