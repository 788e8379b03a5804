"""Gamma frailty against R and by simulation."""

import math

import numpy as np
import pytest

from hdrplan.errors import InputError
from hdrplan.outcomes import cox, follow_up, frailty, shared_frailty
from outcomes.reference_data import r_numbers, table
from tolerances import R_FRAILTY


def case(name):
    data = table(name)
    if name == "retinopathy":
        return follow_up(data.futime, data.status, cluster=data.id), {"trt": data.trt, "age": data.age}
    if name == "kidney":
        return follow_up(data.time, data.status, cluster=data.id), {"age": data.age, "sex": data.sex}
    x = {c: data[c] for c in ("d100_gy", "diameter_mm", "crlm")}
    return follow_up(data.time, data.status == 1, cluster=data.patient), x


@pytest.mark.parametrize("name", sorted(r_numbers()["frailty"]))
def test_frailty_agrees_with_r(name):
    fit, reference = frailty(*case(name)), r_numbers()["frailty"][name]
    assert fit.theta == pytest.approx(reference["theta"], rel=R_FRAILTY)
    np.testing.assert_allclose(fit.coef, reference["coef"], rtol=R_FRAILTY)
    np.testing.assert_allclose(fit.se, reference["se"], rtol=R_FRAILTY)
    assert fit.loglik == pytest.approx(reference["loglik"], abs=1e-6)
    # On the boundary: half the chance that a normal variable lies as far out on either side.
    drop = 2.0 * (fit.loglik - fit.loglik_cox)
    assert fit.heterogeneity.statistic == pytest.approx(drop)
    assert fit.heterogeneity.p == pytest.approx(math.erfc(math.sqrt(drop / 2.0)) / 2.0)


# coxph(Surv(time, status) ~ age + sex + frailty(id, theta = 0.3, sparse = FALSE), data = kidney) in R 4.2.2, survival
# 3.5.3: coefficients, standard errors, I-likelihood.
AT_A_VARIANCE = {
    0.3: ([0.00443028873341, -1.46333768744], [0.0110145004111, 0.419708193052], -181.757799),
    2.0: ([0.0110760848924, -2.17104332061], [0.0188675717133, 0.702493888276], -188.1682914),
}


@pytest.mark.parametrize("theta", AT_A_VARIANCE)
def test_a_known_variance_gives_r_s_fit(theta):
    fit, (coef, se, loglik) = frailty(*case("kidney"), theta=theta), AT_A_VARIANCE[theta]
    assert fit.theta == theta
    np.testing.assert_allclose(fit.coef, coef, rtol=R_FRAILTY)
    np.testing.assert_allclose(fit.se, se, rtol=R_FRAILTY)
    assert fit.loglik == pytest.approx(loglik, abs=1e-6)


def test_a_known_variance_of_none_is_cox_s_model_and_an_absurd_one_is_refused():
    rows, x = case("kidney")
    np.testing.assert_allclose(frailty(rows, x, theta=0.0).coef, cox(rows.independent, x).coef)
    for theta in (-1.0, 1e9, math.nan):
        with pytest.raises(InputError, match="variance of a frailty must be 0 or lie between"):
            frailty(rows, x, theta=theta)


def test_frailties_average_one_and_the_unlucky_have_more():
    fit = frailty(*case("lesions"))
    assert fit.frailty.mean() == pytest.approx(1, abs=1e-6)
    data = table("lesions")
    events = (data.status == 1).groupby(data.patient).sum().reindex(fit.clusters).to_numpy()
    assert fit.frailty[events >= 2].mean() > 1.3 > fit.frailty[events == 0].mean()


def test_without_heterogeneity_the_frailty_vanishes_and_cox_remains():
    rng = np.random.default_rng(7)
    x = rng.normal(size=300)
    time = rng.exponential(np.exp(-0.5 * x))
    owner = np.repeat(np.arange(150), 2)
    fit = frailty(follow_up(time, np.ones(300), cluster=owner), {"x": x})
    plain = cox(follow_up(time, np.ones(300)), {"x": x})
    assert fit.theta < 0.05
    assert fit.coef[0] == pytest.approx(plain.coef[0], rel=0.05)
    assert fit.heterogeneity.p > 0.05


def test_one_lesion_a_patient_with_strata_still_fits():
    data = table("lesions")
    fit = frailty(
        follow_up(data.time, data.status == 1, cluster=data.patient),
        {"d": data.diameter_mm},
        strata=data.crlm,
        ties="breslow",
    )
    assert fit.loglik >= fit.loglik_cox


def test_rows_without_patients_share_no_frailty():
    with pytest.raises(InputError, match="needs clusters"):
        frailty(follow_up([1, 2, 3], [1, 1, 0]), {"x": [1, 2, 3]})


def test_ten_thousand_clusters_need_no_table_of_rows_and_clusters():
    """A dense information matrix would be 800 MB, and its table of rows and clusters 1.6 GB."""
    rng = np.random.default_rng(3)
    owner, x = np.repeat(np.arange(10_000), 2), rng.normal(size=20_000)
    unseen = rng.gamma(2.0, 0.5, 10_000)[owner]
    fit = frailty(follow_up(rng.exponential(1 / (unseen * np.exp(0.5 * x))), np.ones(20_000), cluster=owner), {"x": x})
    assert fit.theta == pytest.approx(0.5, abs=0.05)
    assert fit.coef[0] == pytest.approx(0.5, abs=0.05)


def test_the_information_solved_step_by_step_is_the_whole_matrix():
    """The covariance is the block of the inverse of the full penalised information, made here by differences."""
    rows, x = case("kidney")
    fit = frailty(rows, x)
    model = shared_frailty._Penalised(cox(rows.independent, x), rows.cluster)
    nu = 1 / fit.theta
    model.integrated(fit.theta)
    where = model.where
    step = 1e-5
    information = np.array([
        -(model._at(where + h, nu).gradient - model._at(where - h, nu).gradient) / (2 * step)
        for h in step * np.eye(where.size)
    ])  # fmt: skip
    inverse = np.linalg.inv(information)[: len(x), : len(x)] / np.outer(model.scale, model.scale)
    np.testing.assert_allclose(fit.covariance, inverse, rtol=1e-6)
