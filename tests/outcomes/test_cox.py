"""Cox's model and the proportional-hazards test against R, a naive twin, and by their properties."""

import numpy as np
import pytest

from hdrplan.errors import InfeasibleError, InputError
from hdrplan.outcomes import cox, follow_up, log_rank, zph
from outcomes.reference_data import cox_cases, r_numbers, table
from tolerances import R_COX, R_ZPH, ROUNDOFF


def fitted(name, data=None):
    words, ties = name.rsplit(" ", 1)
    stored, how = cox_cases()[words]
    data = stored if data is None else data
    columns = {key: data[how[key]] for key in ("cluster", "entry") if key in how}
    event = data["event"] if "event" in data else data["status"]
    strata = data[how["strata"]] if "strata" in how else None
    return cox(follow_up(data.time, event, **columns), {c: data[c] for c in how["x"]}, ties=ties, strata=strata)


@pytest.mark.parametrize("name", sorted(r_numbers()["cox"]))
def test_fit_agrees_with_r(name):
    reference, fit = r_numbers()["cox"][name], fitted(name)
    np.testing.assert_allclose(fit.coef, reference["coef"], atol=R_COX, rtol=0)
    np.testing.assert_allclose(fit.se, reference["se"], atol=R_COX, rtol=0)
    if "robust_se" in reference:
        np.testing.assert_allclose(fit.robust_se, reference["robust_se"], atol=R_COX, rtol=0)
    np.testing.assert_allclose([fit.loglik_null, fit.loglik], reference["loglik"], rtol=1e-9)
    assert fit.score.statistic == pytest.approx(reference["score"], rel=R_COX)
    assert fit.wald().statistic == pytest.approx(reference["wald"], rel=R_COX)


@pytest.mark.parametrize("name", sorted(r_numbers()["cox"]))
def test_proportional_hazards_test_agrees_with_r(name):
    fit = fitted(name)
    for transform in ("km", "rank", "identity", "log"):
        result = zph(fit, transform)
        got = [test.statistic for test in result.tests] + [result.overall.statistic]
        np.testing.assert_allclose(got, r_numbers()["cox"][name][f"zph_{transform}"], atol=R_ZPH, rtol=R_ZPH)


@pytest.mark.parametrize("name", ["lesions efron", "colon strata efron", "lung entry breslow"])
def test_order_of_rows_changes_nothing(name):
    data = cox_cases()[name.rsplit(" ", 1)[0]][0]
    one, other = fitted(name), fitted(name, data.sample(frac=1, random_state=5))
    np.testing.assert_allclose(one.coef, other.coef, atol=1e-10)
    np.testing.assert_allclose(one.robust_se, other.robust_se, atol=1e-10)


def naive_efron(time, event, x, beta):
    """Log partial likelihood and gradient, death by death, as in Efron's paper."""
    loglik, gradient = 0.0, np.zeros(x.shape[1])
    for t in np.unique(time[event]):
        dying, risk = event & (time == t), time >= t
        r = np.exp(x @ beta)
        for rank in range(dying.sum()):
            w = r * (risk - dying * rank / dying.sum())
            loglik -= np.log(w.sum())
            gradient -= w @ x / w.sum()
        loglik += (x[dying] @ beta).sum()
        gradient += x[dying].sum(axis=0)
    return loglik, gradient


def test_estimate_is_the_root_of_the_naive_score():
    data = table("lesions")
    x = data[["d100_gy", "diameter_mm"]].to_numpy(float)
    event = (data.status == 1).to_numpy()
    fit = cox(follow_up(data.time, event), x)
    loglik, gradient = naive_efron(data.time.to_numpy(), event, x, fit.coef)
    assert fit.loglik == pytest.approx(loglik, rel=ROUNDOFF)
    np.testing.assert_allclose(gradient, 0, atol=1e-6)


def test_score_residuals_add_up_to_zero_and_martingales_too():
    fit = fitted("colon strata efron")
    np.testing.assert_allclose(fit.score_residuals().sum(axis=0), 0, atol=1e-7)
    assert fit.martingale_residuals().sum() == pytest.approx(0, abs=1e-9)


def test_every_row_its_own_cluster_is_the_plain_sandwich_and_twins_double_it():
    data, how = cox_cases()["lesions"]
    rows = np.arange(len(data))
    x = {c: data[c] for c in how["x"]}
    plain = cox(follow_up(data.time, data.event, cluster=rows), x, ties="breslow")
    twice = {c: np.repeat(v.to_numpy(), 2) for c, v in x.items()}
    doubled = cox(
        follow_up(np.repeat(data.time, 2), np.repeat(data.event, 2), cluster=np.repeat(rows, 2)), twice, ties="breslow"
    )
    # each lesion copied once adds no information: the sandwich by lesion knows, the model does not
    np.testing.assert_allclose(doubled.robust_se, plain.robust_se, rtol=1e-8)
    np.testing.assert_allclose(doubled.se, plain.se / np.sqrt(2), rtol=1e-8)


def test_score_test_of_an_indicator_is_the_log_rank_test_without_ties():
    rng = np.random.default_rng(4)
    time, event, group = rng.exponential(10, 90), rng.random(90) < 0.7, rng.random(90) < 0.4
    score = cox(follow_up(time, event), {"group": group}).score.statistic
    assert score == pytest.approx(log_rank(follow_up(time, event), group).test.statistic, rel=1e-9)


def test_splitting_follow_up_into_pieces_changes_nothing():
    data = table("veteran")
    whole = cox(follow_up(data.time, data.status), {"karno": data.karno})
    cut = np.minimum(data.time, 60)
    later = data[data.time > 60]
    pieces = cox(
        follow_up(
            np.r_[cut, later.time],
            np.r_[np.where(data.time > 60, 0, data.status), later.status],
            entry=np.r_[np.full(len(data), -1), np.full(len(later), 60)],
        ),
        {"karno": np.r_[data.karno, later.karno]},
    )
    np.testing.assert_allclose(pieces.coef, whole.coef, atol=1e-10)
    np.testing.assert_allclose(pieces.se, whole.se, atol=1e-10)


def test_prediction_and_offset_agree_with_r():
    lung = table("lung")
    fit = cox(follow_up(lung.time, lung.status), {"age": lung.age, "sex": lung.sex})
    np.testing.assert_allclose(fit.survival([60, 2], [100, 365, 700])[0], r_numbers()["predicted"], atol=1e-8)
    fit = cox(follow_up(lung.time, lung.status), {"sex": lung.sex}, offset=0.02 * lung.age)
    np.testing.assert_allclose([fit.coef[0], fit.se[0]], r_numbers()["offset"], atol=R_COX)


def test_units_of_a_covariate_scale_its_coefficient():
    data = table("lesions")
    in_mm = cox(follow_up(data.time, data.status == 1), {"d": data.diameter_mm})
    in_km = cox(follow_up(data.time, data.status == 1), {"d": data.diameter_mm * 1e-6})
    assert in_km.coef[0] == pytest.approx(in_mm.coef[0] * 1e6, rel=1e-9)
    assert in_km.p[0] == pytest.approx(in_mm.p[0], rel=1e-9)


def test_separation_is_named_not_returned_as_a_number():
    with pytest.raises(InfeasibleError, match="no finite estimate for x"):
        cox(follow_up([1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 0, 0]), {"x": [1, 1, 1, 0, 0, 0]})


@pytest.mark.parametrize(
    ("covariates", "words"),
    [
        ({"a": [1, 1, 1, 1]}, "covariate a must vary"),
        ({"a": [1, 2, 3, 5], "b": [2, 4, 6, 10]}, "combinations of each other"),
        ({"a": [1, 2, float("nan"), 4]}, "covariate a must not be missing.*row 3|row 3.*covariate a"),
    ],
)
def test_covariates_that_cannot_be_fitted_are_refused(covariates, words):
    with pytest.raises(InputError, match=words):
        cox(follow_up([1, 2, 3, 4], [1, 1, 0, 1]), covariates)


def test_errors_by_one_cluster_are_refused():
    with pytest.raises(InputError, match="more clusters than the 1 parameters"):
        cox(follow_up([1, 2, 3, 4], [1, 1, 0, 1], cluster=["a", "a", "a", "a"]), {"x": [1, 3, 2, 2]})


def test_proportional_hazards_need_two_event_times():
    fit = cox(follow_up([5, 5, 5], [1, 1, 1]), {"x": [1, 2, 4]})
    with pytest.raises(InputError, match="two or more times"):
        zph(fit)
