"""Cox's model with weights, exact ties and Firth's penalty; predicted curves; robust scores: closed forms and twins."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy

from hdrplan.errors import InfeasibleError, InputError
from hdrplan.outcomes import cox, firth_cox, follow_up, kaplan_meier, log_rank, predicted_survival, zph
from naive.survival import cox_loglik, penalised_loglik
from outcomes.reference_data import r_numbers, table
from tolerances import R_COX, R_CURVE

# The nine weighted rows of the tests of R's survival (tests/book5.R there).
TIME, EVENT = [1, 1, 2, 2, 2, 2, 3, 4, 5], [1, 0, 1, 1, 1, 0, 0, 1, 0]
X, WEIGHT = [2, 0, 1, 1, 0, 1, 0, 1, 0], [1, 2, 3, 4, 3, 2, 1, 2, 1]


def small(seed=1, n=24, k=2, times=6):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, k)).round(2)
    return rng.integers(1, times, n), (rng.random(n) < 0.7).astype(int), x, rng.integers(1, 4, n).astype(float)


def test_weighted_likelihoods_written_out():
    rows = follow_up(TIME, EVENT)

    def breslow(b):  # nine rows with r = exp(beta): one death, three at one time, one
        r = math.exp(b)
        return 11 * b - math.log(r**2 + 11 * r + 7) - 10 * math.log(11 * r + 5) - 2 * math.log(2 * r + 1)

    def efron(b):  # the three, of weight 10, leave the sum over rows at risk by thirds
        r = math.exp(b)
        tied, others = 7 * r + 3, 4 * r + 2
        thirds = sum(math.log(others + tied * k / 3) for k in (3, 2, 1))
        return 11 * b - math.log(r**2 + 11 * r + 7) - 10 / 3 * thirds - 2 * math.log(2 * r + 1)

    for ties, likelihood in (("breslow", breslow), ("efron", efron)):
        best = scipy.optimize.minimize_scalar(lambda b, f=likelihood: -f(b), (0, 1), tol=1e-12).x
        assert cox(rows, X, ties=ties, weights=WEIGHT).coef[0] == pytest.approx(best, abs=1e-6)
    # R's survival holds its own weighted fit of these rows to this figure (tests/book5.R there).
    assert cox(rows, X, ties="breslow", weights=WEIGHT).coef[0] == pytest.approx(0.85955744, abs=1e-6)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_weighted_likelihood_is_the_twin(ties):
    time, event, x, weight = small()
    fit = cox(follow_up(time, event), x, ties=ties, weights=weight)
    assert fit.loglik == pytest.approx(cox_loglik(fit.coef, time, event, x, ties=ties, weight=weight), abs=1e-9)
    best = scipy.optimize.minimize(
        lambda c: -cox_loglik(c, time, event, x, ties=ties, weight=weight), np.zeros(2), tol=1e-10
    )
    np.testing.assert_allclose(fit.coef, best.x, atol=1e-5)


def test_a_row_of_weight_three_is_three_rows():
    time, event, x, weight = small()
    again = np.repeat(np.arange(time.size), weight.astype(int))
    one = cox(follow_up(time, event), x, ties="breslow", weights=weight)
    many = cox(follow_up(time[again], event[again]), x[again], ties="breslow")
    np.testing.assert_allclose(one.coef, many.coef, atol=1e-10)
    np.testing.assert_allclose(one.se, many.se, atol=1e-10)
    assert one.robust_se is None
    assert [t.statistic for t in zph(one, "identity").tests] == pytest.approx(
        [t.statistic for t in zph(many, "identity").tests], rel=1e-8
    )
    curve = [predicted_survival(fit, [[0.3, -0.2]], [1, 3]) for fit in (one, many)]
    np.testing.assert_allclose(curve[0].survival, curve[1].survival, rtol=1e-10)
    np.testing.assert_allclose(curve[0].std_err, curve[1].std_err, rtol=1e-8)


def moved(make, n, step=1e-5):
    """Derivative of an estimate by the weight of each row (n, ...), by refitting."""
    unit = np.eye(n) * step
    return np.array([(np.asarray(make(1 + unit[i])) - make(1 - unit[i])) / (2 * step) for i in range(n)])


def test_sandwich_and_curve_errors_are_derivatives_by_weights():
    time, event, x, _ = small(times=9)
    patient = np.arange(time.size) // 2
    rows = follow_up(time, event, cluster=patient)
    by_patient = np.equal.outer(np.unique(patient), patient).astype(float)
    influence = by_patient @ moved(lambda w: cox(rows.independent, x, weights=w).coef, time.size)
    fit = cox(rows, x)
    np.testing.assert_allclose(fit.robust_covariance, influence.T @ influence, rtol=1e-5)

    profile, times = [[0.5, -1.0], [0.0, 0.0]], [2, 5]
    curve = predicted_survival(fit, profile, times)

    def survival(w):
        return cox(rows.independent, x, weights=w).survival(profile, times).ravel()

    own = by_patient @ moved(survival, time.size)
    np.testing.assert_allclose(curve.std_err.ravel(), np.sqrt((own**2).sum(axis=0)), rtol=1e-4)
    np.testing.assert_allclose(curve.survival, fit.survival(profile, times), rtol=1e-12)


def test_weights_of_sampling_get_the_sandwich_by_row():
    time, event, x, weight = small()
    fit = cox(follow_up(time, event), x, weights=weight / 2)
    clustered = cox(follow_up(time, event, cluster=np.arange(time.size)), x, weights=weight / 2)
    np.testing.assert_allclose(fit.robust_se, clustered.robust_se, rtol=1e-12)
    with pytest.raises(InputError, match="whole"):
        firth_cox(follow_up(time, event), x, weights=weight / 2)
    with pytest.raises(InputError, match="negative"):
        cox(follow_up(time, event), x, weights=-weight)


def test_a_curve_without_covariates_that_matter_is_nelson_aalen():
    """With a covariate whose coefficient is 0 at its mean, the variance is the sum of 1 / Y^2."""
    time, event = [1, 2, 3, 4, 5, 6, 7, 8], [1] * 8
    fit = cox(follow_up(time, event), {"x": [1, 0, 0, 1, 1, 0, 0, 1]})
    centred = np.asarray([[fit.data.covariates.mean()]])
    curve = predicted_survival(fit, centred, [3.5])
    relative = np.exp((fit.data.covariates[:, 0] - centred[0]) * fit.coef[0])
    total = [relative[np.array(time) >= t].sum() for t in (1, 2, 3)]
    mean = [
        (relative * fit.data.covariates[:, 0])[np.array(time) >= t].sum() / s
        for t, s in zip((1, 2, 3), total, strict=True)
    ]
    slope = sum((centred[0, 0] - m) / s for m, s in zip(mean, total, strict=True))
    variance = sum(1 / s**2 for s in total) + slope**2 * fit.covariance[0, 0]
    assert curve.std_err[0, 0] == pytest.approx(curve.survival[0, 0] * math.sqrt(variance), rel=1e-10)


@pytest.mark.parametrize("late", [False, True])
def test_exact_ties_are_the_sum_over_all_sets(late):
    time, event, x, _ = small(n=14)
    entry = np.where(np.arange(14) % 3 == 0, 1.0, -1.0) if late else np.full(14, -1.0)
    keep = entry < time
    time, event, x, entry = time[keep], event[keep], x[keep], entry[keep]
    fit = cox(follow_up(time, event, entry=entry), x, ties="exact")

    def twin(c):
        return cox_loglik(c, time, event, x, ties="exact", entry=entry)

    assert fit.loglik == pytest.approx(twin(fit.coef), abs=1e-10)
    assert fit.loglik_null == pytest.approx(twin(np.zeros(2)), abs=1e-10)
    gradient = scipy.optimize.approx_fprime(fit.coef, twin, 1e-6)
    np.testing.assert_allclose(gradient, 0, atol=1e-4)
    for k in range(2):
        step = np.eye(2)[k] * 1e-3
        second = (twin(fit.coef + step) - 2 * twin(fit.coef) + twin(fit.coef - step)) / 1e-6
        assert -second == pytest.approx(np.linalg.inv(fit.covariance)[k, k], rel=1e-4)


def test_exact_ties_of_very_many_sets_keep_their_digits():
    """270 of 540 at once, without any effect: the sum over all sets is their number, 1e161, held as a logarithm."""
    n, d = 540, 270
    time, event = np.where(np.arange(n) < d, 1.0, 2.0), np.arange(n) < d
    x = np.tile([0.0, 1.0], n // 2)[:, None]
    fit = cox(follow_up(time, event), x, ties="exact")
    sets = scipy.special.gammaln(n + 1) - 2 * scipy.special.gammaln(d + 1)
    assert fit.loglik_null == pytest.approx(-sets, rel=1e-9)
    assert fit.coef[0] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "data", "column"), [("lung sex", "lung", "sex"), ("retinopathy trt", "retinopathy", "trt")]
)
def test_the_score_test_of_exact_ties_is_the_log_rank_test_of_r(name, data, column):
    """The variance of the log-rank test is that of draws without replacement, as in the exact likelihood."""
    d = table(data)
    rows = follow_up(d.futime if "futime" in d else d.time, d.status)
    test = cox(rows, {column: d[column]}, ties="exact").score
    assert test.statistic == pytest.approx(r_numbers()["logrank"][name]["chisq"], rel=1e-8)
    assert log_rank(rows, d[column]).test.statistic == pytest.approx(test.statistic, rel=1e-8)


def test_what_exact_ties_do_not_have_is_refused():
    time, event, x, weight = small()
    fit = cox(follow_up(time, event), x, ties="exact")
    for refused in (
        lambda: zph(fit),
        lambda: predicted_survival(fit, x[:1], [1]),
        fit.martingale_residuals,
        lambda: cox(follow_up(time, event, cluster=np.arange(time.size)), x, ties="exact"),
        lambda: cox(follow_up(time, event), x, ties="exact", weights=weight),
        lambda: firth_cox(follow_up(time, event), x, ties="exact"),
    ):
        with pytest.raises(InputError, match="xact ties"):
            refused()


@pytest.mark.parametrize(("exposed", "others"), [(2, 2), (3, 5), (1, 9)])
def test_firth_at_one_event_has_its_closed_form(exposed, others):
    """One event among the exposed: the penalised score is 0 where the event was exposed with chance 3/4."""
    n = exposed + others
    x = np.r_[np.ones(exposed), np.zeros(others)]
    rows = follow_up(np.arange(1, n + 1), np.arange(n) == 0)
    fit = firth_cox(rows, {"x": x})
    assert fit.hazard_ratio[0] == pytest.approx(3 * others / exposed, rel=1e-8)
    with pytest.raises(InfeasibleError, match=r"separates.*firth_cox"):
        cox(rows, {"x": x})


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_firth_is_the_twin_of_its_penalty_also_where_a_covariate_separates(ties):
    time, event, x, _ = small(n=16, seed=3)
    x = np.column_stack((x[:, 0], (event == 1) & (np.arange(16) % 2 == 0)))
    fit = firth_cox(follow_up(time, event), x, ties=ties)

    def twin(c):
        return -penalised_loglik(c, time, event, x, ties=ties)

    best = scipy.optimize.minimize(twin, fit.coef, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-10})
    np.testing.assert_allclose(fit.coef, best.x, atol=2e-4)
    assert fit.loglik == pytest.approx(-best.fun, abs=1e-5)
    # limits: the profile there lies half a chi-square quantile below the top
    low, high = (np.log(v) for v in fit.interval(0.9))
    drop = scipy.stats.chi2.ppf(0.9, 1) / 2
    for limit in (low[1], high[1]):
        profile = scipy.optimize.minimize_scalar(lambda b, at=limit: twin([b, at]), bracket=(-1, 1), tol=1e-9).fun
        assert fit.loglik + profile == pytest.approx(drop, abs=1e-4)
    assert scipy.stats.chi2.sf(2 * (fit.loglik - fit.loglik_without[1]), 1) == pytest.approx(fit.p[1], rel=1e-9)


def test_firth_of_many_events_is_near_cox():
    lung = table("lung").dropna(subset=["age", "sex"])
    rows, x = follow_up(lung.time, lung.status == 1), {"age": lung.age, "sex": lung.sex}
    plain, firth = cox(rows, x), firth_cox(rows, x)
    np.testing.assert_allclose(plain.coef, firth.coef, atol=0.02)
    np.testing.assert_allclose(np.log(plain.interval()), np.log(firth.interval()), atol=0.03)


def test_the_robust_score_test_is_made_of_sums_by_patient():
    lesions = table("lesions")
    rows = follow_up(lesions.time, lesions.status == 1, cluster=lesions.patient)
    fit = cox(rows, {"d100_gy": lesions.d100_gy})
    # one covariate: (sum of scores)^2 / sum over patients of squares; scores at 0 by martingale residuals of no model
    event, time, x = (lesions.status == 1).to_numpy(), lesions.time.to_numpy(), lesions.d100_gy.to_numpy()
    scores = np.zeros(time.size)
    for t in np.unique(time[event]):
        dead, risk = np.flatnonzero(event & (time == t)), time >= t
        for rank in range(dead.size):
            share = np.where(risk, 1.0, 0.0)
            share[dead] -= rank / dead.size
            mean = share @ x / share.sum()
            scores[dead] += (x[dead] - mean) / dead.size
            scores -= share * (x - mean) / share.sum()
    by_patient = np.bincount(lesions.patient, weights=scores)
    assert fit.robust_score.statistic == pytest.approx(scores.sum() ** 2 / (by_patient**2).sum(), rel=1e-9)
    assert fit.robust_score.statistic != pytest.approx(fit.score.statistic, rel=1e-3)


def test_predicted_curves_are_those_of_r():
    lung = table("lung")
    fit = cox(follow_up(lung.time, lung.status), {"age": lung.age, "sex": lung.sex})
    curve = predicted_survival(fit, [[60, 2]], [100, 365, 700])
    np.testing.assert_allclose(curve.survival[0], r_numbers()["predicted"], atol=R_CURVE)
    assert ((curve.lower < curve.survival) & (curve.survival < curve.upper)).all()
    with pytest.raises(InputError, match="profile"):
        predicted_survival(fit, [[60]], [100])
    with pytest.raises(InputError, match="stratum"):
        predicted_survival(fit, [[60, 1]], [100], stratum="A")


def test_one_covariate_at_zero_effect_gives_about_the_kaplan_meier_error():
    rng = np.random.default_rng(2)
    time, event = rng.exponential(1, 400), rng.random(400) < 0.8
    fit = cox(follow_up(time, event), {"x": rng.normal(size=400)})
    curve = predicted_survival(fit, [[0.0]], [0.5])
    km = kaplan_meier(follow_up(time, event))
    assert curve.std_err[0, 0] == pytest.approx(km.std_err[np.searchsorted(km.time, 0.5, side="right") - 1], rel=0.05)


def test_agreement_of_weighted_cox_with_r_is_kept():
    lung = table("lung").dropna(subset=["age", "sex"])
    plain = cox(follow_up(lung.time, lung.status == 1), {"age": lung.age})
    double = cox(follow_up(lung.time, lung.status == 1), {"age": lung.age}, weights=np.full(len(lung), 2.0))
    assert plain.coef == pytest.approx(double.coef, abs=R_COX)
    assert plain.se == pytest.approx(double.se * math.sqrt(2), rel=1e-9)
