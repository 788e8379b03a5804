"""Random-effects meta-analysis: printed results of R's metafor, and an independent maximisation of the likelihood."""

from __future__ import annotations

import numpy as np
import pytest
import scipy

from hdrplan.errors import InputError
from hdrplan.outcomes import leave_one_out, meta_analysis

# G. A. Colditz et al., JAMA 1994;271:698-702 (metafor's dat.bcg): cases and others, vaccinated and not; latitude; year.
BCG = np.array(
    [
        [4, 119, 11, 128, 44, 1948], [6, 300, 29, 274, 55, 1949], [3, 228, 11, 209, 42, 1960],
        [62, 13536, 248, 12619, 52, 1977], [33, 5036, 47, 5761, 13, 1973], [180, 1361, 372, 1079, 44, 1953],
        [8, 2537, 10, 619, 19, 1973], [505, 87886, 499, 87892, 13, 1980], [29, 7470, 45, 7232, 27, 1968],
        [17, 1699, 65, 1600, 42, 1961], [186, 50448, 141, 27197, 18, 1974], [5, 2493, 3, 2338, 33, 1969],
        [27, 16886, 29, 17825, 33, 1976],
    ],
    float,
)  # fmt: skip
A, B, C, D, LATITUDE, YEAR = BCG.T
Y = np.log(A / (A + B)) - np.log(C / (C + D))
V = 1 / A - 1 / (A + B) + 1 / C - 1 / (C + D)


def twin(y, v, x):
    """Maximum of the restricted likelihood, with dense matrices."""

    def minus(tau2):
        m = np.diag(1 / (v + tau2))
        information = x.T @ m @ x
        residual = y - x @ np.linalg.solve(information, x.T @ m @ y)
        return (np.log(v + tau2).sum() + np.linalg.slogdet(information)[1] + residual @ m @ residual) / 2

    best = scipy.optimize.minimize_scalar(minus, bounds=(0, 20), method="bounded", options={"xatol": 1e-13}).x
    return 0.0 if minus(0.0) <= minus(best) else best


def test_printed_results_of_metafor():
    """rma(yi, vi, data=dat) in metafor's documentation of dat.bcg."""
    fit = meta_analysis(Y, V)
    assert round(fit.tau2, 4) == 0.3132
    assert round(fit.tau2_se, 4) == 0.1664
    assert (round(fit.i2_percent, 2), round(fit.h2, 2)) == (92.22, 12.86)
    assert (round(fit.heterogeneity.statistic, 4), fit.heterogeneity.df) == (152.2330, 12)
    assert [round(float(v), 4) for v in (fit.coef[0], fit.se[0])] == [-0.7145, 0.1798]
    mean, lower, upper, new_lower, new_upper = fit.predicted()
    assert [round(v, 4) for v in (mean, lower, upper)] == [-0.7145, -1.0669, -0.3622]
    assert [round(float(np.exp(v)), 4) for v in (mean, lower, upper)] == [0.4894, 0.3441, 0.6962]
    assert [round(float(np.exp(v)), 4) for v in (new_lower, new_upper)] == [0.1546, 1.5490]


def as_metafor(y, v, x, stops_at):
    """Do what metafor does: Fisher scoring from the estimate of Hedges until the variance changes by less than that."""
    k, p = x.shape

    def projection(w):
        return w - w @ x @ np.linalg.solve(x.T @ w @ x, x.T @ w)

    flat = projection(np.eye(k))
    tau2, step = (y @ flat @ y - np.trace(flat * v[:, None])) / (k - p), np.inf
    while abs(step) >= stops_at:
        m = projection(np.diag(1 / (v + tau2)))
        step = (y @ m @ m @ y - np.trace(m)) / np.trace(m @ m)
        tau2 += step
    w = np.diag(1 / (v + tau2))
    covariance = np.linalg.inv(x.T @ w @ x)
    return covariance @ x.T @ w @ y, covariance


def test_printed_results_of_a_meta_regression():
    """rma(yi, vi, mods = ~ ablat + year): Viechtbauer, J Stat Softw 2010;36(3), section 3.3.

    metafor stops when the variance changes by less than 1e-5. The intercept, far from the years, its error and QM are
    not settled to the digits printed there: its algorithm gives the printed ones, and run on to 1e-12, ours.
    """
    fit = meta_analysis(Y, V, {"ablat": LATITUDE, "year": YEAR})
    assert (round(fit.tau2, 4), round(fit.tau2_se, 4)) == (0.1108, 0.0845)
    assert [round(float(c), 4) for c in fit.coef[1:]] == [-0.0280, 0.0019]
    assert [round(float(s), 4) for s in fit.se[1:]] == [0.0102, 0.0147]
    assert round(fit.heterogeneity.statistic, 4) == 28.3251
    # Years from 1900 or from their mean: the same model, of which no digit is lost to rounding.
    middle = np.array([LATITUDE.mean(), YEAR.mean()])
    x = np.column_stack((np.ones(len(Y)), LATITUDE - middle[0], YEAR - middle[1]))
    back = np.array([1.0, *-middle])
    found = []
    for stops_at in (1e-5, 1e-12):
        coef, covariance = as_metafor(Y, V, x, stops_at)
        qm = coef[1:] @ np.linalg.solve(covariance[1:, 1:], coef[1:])
        found.append([float(back @ coef), float(np.sqrt(back @ covariance @ back)), float(qm)])
    assert [round(value, 4) for value in found[0]] == [-3.5455, 29.0959, 12.2043]
    assert [fit.coef[0], fit.se[0], fit.moderators.statistic] == pytest.approx(found[1], rel=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_the_restricted_likelihood_is_at_its_maximum(seed):
    rng = np.random.default_rng(seed)
    k = int(rng.integers(4, 15))
    v = rng.uniform(0.01, 0.4, k)
    y = rng.normal(0, np.sqrt(v + rng.choice([0.0, 0.05, 0.5])))
    x = np.column_stack((np.ones(k), rng.normal(size=k)))
    for columns, moderators in ((x[:, :1], None), (x, {"x": x[:, 1]})):
        fit = meta_analysis(y, v, moderators)
        assert fit.tau2 == pytest.approx(twin(y, v, columns), abs=1e-6)
        weight = np.diag(1 / (v + fit.tau2))
        np.testing.assert_allclose(fit.covariance, np.linalg.inv(columns.T @ weight @ columns), rtol=1e-9)


def test_leave_one_out_leaves_one_out():
    fits = leave_one_out(Y, V)
    assert len(fits) == 13
    for k in (0, 7):
        assert fits[k].tau2 == pytest.approx(twin(np.delete(Y, k), np.delete(V, k), np.ones((12, 1))), abs=1e-6)


def test_equal_series_have_no_variance_between_them():
    fit = meta_analysis([0.5] * 5, [0.1] * 5)
    assert fit.tau2 == 0.0
    assert fit.se[0] == pytest.approx(np.sqrt(0.1 / 5))


@pytest.mark.parametrize(
    ("y", "v", "x", "words"),
    [
        ([1, 2], [0.1, 0], None, "positive"),
        ([1], [0.1], None, "more series"),
        ([1, 2, 3], [1, 1, 1], {"d": [1, 1, 1]}, "vary"),
    ],
)
def test_what_cannot_be_pooled_is_refused(y, v, x, words):
    with pytest.raises(InputError, match=words):
        meta_analysis(y, v, x)


@pytest.mark.parametrize(
    ("y", "last", "most"), [([0.0, 0.3, -0.2, 0.1, 6.0], 9.0, 0.1), ([0.0, 0.9, -0.8, 0.4, 4.0], 2.0, 1.2)]
)
def test_the_estimate_of_the_spread_is_found_from_above_too(y, last, most):
    """A far value with a large variance: the search begins far above the likelihood's, and steps to 0 or half way."""
    y, v = np.array(y), np.array([0.01, 0.02, 0.01, 0.03, last])
    assert np.var(y) - v.mean() > 1.9 * most
    want = scipy.optimize.minimize_scalar(
        lambda tau2: -twin_likelihood(y, v, tau2), bounds=(0.0, 2.0), method="bounded", options={"xatol": 1e-10}
    ).x
    assert 0.001 < want < most
    assert meta_analysis(y, v).tau2 == pytest.approx(want, rel=1e-4)


def twin_likelihood(y, v, tau2):
    """Log of the restricted likelihood of one mean."""
    w = 1 / (v + tau2)
    mean = (w * y).sum() / w.sum()
    return 0.5 * (np.log(w).sum() - np.log(w.sum()) - (w * (y - mean) ** 2).sum())
