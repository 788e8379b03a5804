"""Dose response: recovered from simulated lesions, equal to textbook cases, honest about censoring."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from hdrplan.errors import InfeasibleError, InputError
from hdrplan.outcomes import control_by_dose, fit_tcp, fit_tcp_intervals, follow_up, intervals
from hdrplan.outcomes.tcp import PARAMETERS, DoseCurve, TcpFit
from hdrplan.outcomes.tcp_horizon import _scoring
from hdrplan.outcomes.tcp_intervals import _time_course

SCANS = np.arange(0, 2400, 90.0)


def simulated(control, seed, *, censoring=(100, 1500), promotion=False):
    """Times to recurrence (Weibull, scale 300 d, shape 1.5) of those not controlled; days and intervals of scans."""
    r = np.random.default_rng(seed)
    n = control.size
    if promotion:
        share = np.log(r.random(n)) / np.log(control)
        time = np.where(share < 1, 300 * (-np.log1p(-np.minimum(share, 1 - 1e-16))) ** (1 / 1.5), np.inf)
    else:
        time = np.where(r.random(n) < control, np.inf, 300 * r.weibull(1.5, n))
    censor = r.uniform(*censoring, n)
    last = np.searchsorted(SCANS, censor, side="right") - 1
    first = np.where(np.isfinite(time), np.searchsorted(SCANS, np.where(np.isfinite(time), time, 0)), SCANS.size)
    seen = first <= last
    left = np.where(seen, SCANS[np.minimum(first, SCANS.size - 1) - 1], SCANS[last])
    right = np.where(seen, SCANS[np.minimum(first, SCANS.size - 1)], np.inf)
    return np.minimum(time, censor), time <= censor, left, right


def doses(n=4000):
    return np.random.default_rng(1).normal(20, 5, n).clip(5, 40)


def test_logistic_curve_is_recovered_under_censoring_and_the_naive_one_is_not():
    dose = doses()
    time, event, *_ = simulated(1 / (1 + np.exp(-4 * 1.2 * (dose / 18 - 1))), 2)
    horizon = 800.0
    fit = fit_tcp(follow_up(time, event), dose, horizon=horizon)
    (_, low, high), (_, g_low, g_high) = fit.d50_gamma50()
    # control at 800 d differs from control for good by the 1.3 % who recur later
    assert low < 18 < high
    assert g_low < 1.2 < g_high
    assert fit.rising
    assert fit.slope_p < 1e-20
    # complete cases: short follow-up of the controlled makes failures look frequent
    known = event & (time <= horizon) | (time > horizon)
    naive = fit_tcp(follow_up(np.where(time > horizon, 1e4, time)[known], event[known]), dose[known], horizon=horizon)
    assert naive.d50_gamma50()[0][0] > high


def test_logistic_curve_with_its_time_course_is_recovered_from_scans():
    dose = doses()
    _, _, left, right = simulated(1 / (1 + np.exp(-4 * 1.2 * (dose / 18 - 1))), 3)
    fit = fit_tcp_intervals(intervals(left, right), dose)
    (_, low, high), (_, g_low, g_high) = fit.d50_gamma50()
    assert low < 18 < high
    assert g_low < 1.2 < g_high
    error = np.sqrt(np.diag(fit.covariance))
    assert abs(fit.theta[2] - np.log(300)) < 3 * error[2]
    assert abs(fit.theta[3] - np.log(1.5)) < 3 * error[3]


def test_poisson_curve_is_recovered_from_scans():
    dose = doses()
    effect = dose * (1 + dose / 10)
    _, _, left, right = simulated(np.exp(-50 * np.exp(-0.07 * effect)), 4, promotion=True)
    fit = fit_tcp_intervals(intervals(left, right), dose, model="poisson")
    error = np.sqrt(np.diag(fit.covariance))
    assert abs(fit.theta[0] - np.log(50)) < 3 * error[0]
    assert abs(fit.theta[1] + 0.07) < 3 * error[1]
    bed50 = (np.log(50) - np.log(np.log(2))) / 0.07
    d50 = 5 * (np.sqrt(1 + 0.4 * bed50) - 1)
    assert fit.d50_gamma50()[0][1] < d50 < fit.d50_gamma50()[0][2]


def histograms(n=1500):
    r = np.random.default_rng(5)
    dose = 8 + r.gamma(9, 3, (n, 12)) * r.uniform(0.6, 1.3, (n, 1))
    return dose, r.random((n, 12)) * 3


def test_whole_dvh_curve_is_recovered():
    dose, volume = histograms()
    survivors = 3.0 * (volume * np.exp(-0.05 * dose * (1 + dose / 10))).sum(axis=1)
    time, event, left, right = simulated(np.exp(-survivors), 6, promotion=True)
    for fit in (
        fit_tcp(follow_up(time, event), dose, volume_cc=volume, horizon=900, model="poisson-dvh"),
        fit_tcp_intervals(intervals(left, right), dose, volume_cc=volume, model="poisson-dvh"),
    ):
        error = np.sqrt(np.diag(fit.covariance))
        assert abs(fit.theta[0] - np.log(3)) < 3 * error[0]
        assert abs(fit.theta[1] - np.log(0.05)) < 3 * error[1]


def test_a_uniform_dose_makes_the_whole_dvh_the_one_dose_model():
    dose = doses(800)
    effect = dose * (1 + dose / 10)
    time, event, *_ = simulated(np.exp(-50 * np.exp(-0.07 * effect)), 7)
    one = fit_tcp(follow_up(time, event), dose, horizon=600, model="poisson")
    bins, volume = np.repeat(dose[:, None], 5, axis=1), np.tile([1.0, 2.0, 0.5, 0.0, 0.5], (800, 1))
    whole = fit_tcp(follow_up(time, event), bins, volume_cc=volume, horizon=600, model="poisson-dvh")
    assert whole.theta[0] == pytest.approx(one.theta[0] - np.log(4.0), rel=1e-6)  # clonogens spread over 4 cc
    assert np.exp(whole.theta[1]) == pytest.approx(-one.theta[1], rel=1e-6)
    np.testing.assert_allclose(whole.tcp(bins, volume)[0], one.tcp(dose)[0], rtol=1e-6)
    np.testing.assert_allclose(whole.tcp(bins, volume)[1], one.tcp(dose)[1], rtol=1e-4)


def test_a_cold_spot_dominates():
    curve = DoseCurve("poisson-dvh", 10.0)
    theta = np.array([0.0, np.log(0.05)])
    volume = np.array([[9.0, 1.0]])
    even, _ = curve.eta(theta, np.array([[25.0, 25.0]]), volume)
    cold, _ = curve.eta(theta, np.array([[40.0, 12.0]]), volume)
    assert curve.tcp(cold)[0] < curve.tcp(even)[0]


def test_without_censoring_weights_are_one_and_the_fit_is_plain_logistic_regression():
    r = np.random.default_rng(8)
    dose = r.uniform(5, 30, 400)
    failed = r.random(400) > 1 / (1 + np.exp(-(dose - 16) / 3))
    fit = fit_tcp(follow_up(np.where(failed, 100.0, 1000.0), failed), dose, horizon=365)
    p = fit.tcp(dose)[0]
    x = np.column_stack((np.ones(400), dose))
    np.testing.assert_allclose(x.T @ (~failed - p), 0, atol=1e-6)  # the likelihood equations of logistic regression
    assert p.mean() == pytest.approx((~failed).mean())


def test_lesions_copied_within_patients_do_not_narrow_the_interval():
    dose = doses(500)
    time, event, *_ = simulated(1 / (1 + np.exp(-4 * 1.2 * (dose / 18 - 1))), 9)
    once = fit_tcp(follow_up(time, event, cluster=np.arange(500)), dose, horizon=600)
    copies = follow_up(np.repeat(time, 3), np.repeat(event, 3), cluster=np.repeat(np.arange(500), 3))
    thrice = fit_tcp(copies, np.repeat(dose, 3), horizon=600)
    np.testing.assert_allclose(thrice.covariance, once.covariance, rtol=1e-6)


@pytest.mark.parametrize("model", ["logistic", "poisson"])
def test_derivatives_of_the_time_course(model):
    control, time, shape = np.array([0.2, 0.6, 0.9]), np.array([100.0, 300.0, 900.0]), np.array([5.5, 0.3])
    _, slopes = _time_course(model, control, time, shape)
    h = 1e-6
    numeric = [
        (_time_course(model, control + h, time, shape)[0] - _time_course(model, control - h, time, shape)[0]) / (2 * h)
    ]
    for k in range(2):
        step = h * np.eye(2)[k]
        numeric.append(
            (_time_course(model, control, time, shape + step)[0] - _time_course(model, control, time, shape - step)[0])
            / (2 * h)
        )
    np.testing.assert_allclose(slopes, np.column_stack(numeric), atol=1e-8)


def test_observed_control_by_dose_counts_every_lesion_once():
    dose = doses(600)
    time, event, *_ = simulated(1 / (1 + np.exp(-4 * 1.2 * (dose / 18 - 1))), 10)
    bins = control_by_dose(follow_up(time, event), dose, horizon=600, n_bins=4)
    assert sum(b.n for b in bins) == 600
    assert [b.control for b in bins] == sorted(b.control for b in bins)
    assert all(b.lower <= b.control <= b.upper for b in bins)


def test_a_dose_without_benefit_gets_no_d50():
    r = np.random.default_rng(11)
    dose = r.uniform(10, 30, 300)
    time = r.exponential(200 * np.exp(-(dose - 20) / 10))  # harm, not benefit
    fit = fit_tcp(follow_up(time, np.ones(300)), dose, horizon=150)
    assert not fit.rising
    assert np.isnan(fit.d50_gamma50()[0]).all()


@pytest.mark.parametrize(("model", "rises"), [("logistic", 1.0), ("poisson", -1.0)])
def test_a_flat_curve_does_not_rise(model, rises):
    dose = doses(300)
    time, event, *_ = simulated(1 / (1 + np.exp(-4 * 1.2 * (dose / 18 - 1))), 2)
    fit = fit_tcp(follow_up(time, event), dose, horizon=800.0, model=model)
    slopes = (rises * 0.1, 0.0, -rises * 0.1)
    assert [replace(fit, theta=[fit.theta[0], slope]).rising for slope in slopes] == [True, False, False]


def test_scoring_halves_a_step_that_overshoots_and_goes_on():
    """Log likelihood -sqrt(1 + t^2): a whole Newton step leads from t to -t^3, farther away where t is above 1."""

    def pieces(theta):
        root = np.sqrt(1.0 + theta**2)
        return -root, -(theta / root)[None], (1.0 / root**3)[None]

    (top,) = _scoring(pieces, np.array([1.5]))
    assert top == pytest.approx(0.0, abs=1e-6)


def test_what_cannot_be_fitted_is_said():
    with pytest.raises(InputError, match="failures and controls"):
        fit_tcp(follow_up([10, 20, 30], [0, 0, 0]), [10, 15, 20], horizon=15)
    with pytest.raises(InputError, match="different doses"):
        fit_tcp(follow_up([10, 20, 30], [1, 0, 0]), [20, 20, 20], horizon=15)
    with pytest.raises(InfeasibleError, match="no finite estimate"):
        fit_tcp(follow_up([10, 10, 10, 90, 90, 90], [1, 1, 1, 0, 0, 0]), [10, 11, 12, 20, 21, 22], horizon=50)


def known_fit(model):
    """A curve with errors as those of a few hundred lesions."""
    theta = {"logistic": [-4.8, 0.266], "poisson": [np.log(50.0), -0.07], "poisson-dvh": [np.log(3.0), np.log(0.05)]}[
        model
    ]
    size, correlation = {"logistic": ((0.6, 0.03), -0.9), "poisson": ((0.3, 0.005), -0.8)}.get(model, ((0.2, 0.1), 0.6))
    errors = np.diag(size) @ np.array([[1.0, correlation], [correlation, 1.0]]) @ np.diag(size)
    return TcpFit(
        curve=DoseCurve(model, 10.0), method="ipcw", horizon=700.0, parameters=PARAMETERS[model], theta=np.array(theta),
        covariance=errors, loglik=-100.0, n=300, n_events=90, n_clusters=300,
    )  # fmt: skip


@pytest.mark.parametrize("model", ["logistic", "poisson"])
def test_d50_and_gamma50_are_what_their_definitions_say(model):
    """TCP is one half at D50; gamma50 is the slope there in percent control per percent dose."""
    fit = known_fit(model)
    (d50, *_), (gamma50, *_) = fit.d50_gamma50()
    value, above, below = fit.tcp([d50, d50 + 1e-4, d50 - 1e-4])[0]
    assert value == pytest.approx(0.5, rel=1e-12)
    assert gamma50 == pytest.approx(d50 * (above - below) / 2e-4, rel=1e-6)


@pytest.mark.parametrize("model", ["logistic", "poisson"])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_intervals_of_d50_and_gamma50_are_those_of_drawn_curves(model, level):
    fit = known_fit(model)
    drawn = np.random.default_rng(1).multivariate_normal(fit.theta, fit.covariance / 100.0, 20_000)
    narrow = TcpFit(
        **{name: getattr(fit, name) for name in TcpFit.__dataclass_fields__} | {"covariance": fit.covariance / 100}
    )
    others = np.array([np.exp(fit._derived(theta)) for theta in drawn])
    for (_, low, high), values in zip(narrow.d50_gamma50(level), others.T, strict=True):
        # 20,000 draws: a standard error of the coverage of 0.3 %; four of them.
        assert ((values > low) & (values < high)).mean() == pytest.approx(level, abs=0.012)
        assert (values < low).mean() == pytest.approx((1 - level) / 2, abs=0.012)


@pytest.mark.parametrize("model", list(PARAMETERS))
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_band_holds_the_stated_part_of_the_drawn_curves(model, level):
    fit = known_fit(model)
    dose, volume = (
        (np.array([8.0, 15.0, 20.0, 30.0]), None) if model != "poisson-dvh" else (a[:4] for a in histograms(4))
    )
    # As linear as eta is: with small errors for the whole DVH, whose alpha is an exponent.
    scale = 0.01 if model == "poisson-dvh" else 1.0
    fit = TcpFit(**{n: getattr(fit, n) for n in TcpFit.__dataclass_fields__} | {"covariance": scale * fit.covariance})
    value, lower, upper = fit.tcp(dose, volume, conf_level=level)
    assert (lower < value).all()
    assert (value < upper).all()
    drawn = np.random.default_rng(2).multivariate_normal(fit.theta, fit.covariance, 4_000)
    curves = np.array([fit.curve.tcp(fit.curve.eta(theta, dose, volume)[0])[0] for theta in drawn])
    np.testing.assert_allclose(((curves > lower) & (curves < upper)).mean(axis=0), level, atol=0.025)


@pytest.mark.parametrize("n_bins", [2, 4, 5])
def test_groups_of_dose_are_equal_and_in_order(n_bins):
    dose = doses(600)
    time, event, *_ = simulated(1 / (1 + np.exp(-4 * 1.2 * (dose / 18 - 1))), 10)
    bins = control_by_dose(follow_up(time, event), dose, horizon=600, n_bins=n_bins)
    assert [b.n for b in bins] == pytest.approx([600 / n_bins] * n_bins, abs=3)  # doses clipped at the ends are ties
    assert all(a.high_gy < b.low_gy for a, b in pairwise(bins))
    for b in bins:
        inside = (dose >= b.low_gy) & (dose <= b.high_gy)
        assert inside.sum() == b.n
        assert event[inside].sum() == b.n_events
        assert b.dose_gy == np.median(dose[inside])


def test_a_recurrence_at_the_horizon_is_one_and_a_dose_of_zero_is_a_dose():
    time, event = np.array([10.0, 20.0, 30.0, 40.0, 50.0, 60.0]), np.array([1, 0, 1, 1, 0, 1])
    fit = fit_tcp(follow_up(time, event), [0.0, 12.0, 20.0, 9.0, 15.0, 22.0], horizon=40.0)
    assert fit.n_events == 3  # at 10, 30 and 40
    assert fit.n == 5  # all but the one censored at 20
    with pytest.raises(InputError, match="not negative"):
        fit_tcp(follow_up(time, event), [-1.0, 12.0, 20.0, 9.0, 15.0, 22.0], horizon=40.0)
