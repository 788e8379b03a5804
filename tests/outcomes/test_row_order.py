"""No estimate, error or test depends on the order of the rows."""

import numpy as np
import pytest

from hdrplan.outcomes import (
    aalen_johansen,
    auc_at,
    competing_risks,
    concordance,
    cox,
    fine_gray,
    fit_tcp,
    fit_tcp_intervals,
    follow_up,
    frailty,
    gray_test,
    interval_regression,
    intervals,
    kaplan_meier,
    log_rank,
    restricted_mean,
    turnbull,
    zph,
)
from outcomes.reference_data import table


def covariates(d):
    return {c: d[c] for c in ("d100_gy", "diameter_mm")}


def rows(d):
    return follow_up(d.time, d.status == 1, cluster=d.patient)


def risks(d):
    return competing_risks(d.time, d.status, cluster=d.patient)


def scans(d):
    return intervals(d.left, d.right, cluster=d.patient)


CASES = {
    "kaplan_meier": lambda d: kaplan_meier(rows(d)).std_err,
    "log_rank": lambda d: log_rank(rows(d), d.crlm, weights="gehan").test.statistic,
    "restricted_mean": lambda d: restricted_mean(rows(d), 700).std_err,
    "cox": lambda d: cox(rows(d), covariates(d), strata=d.crlm).robust_se,
    "zph": lambda d: [t.statistic for t in zph(cox(rows(d).independent, covariates(d))).tests],
    "frailty": lambda d: frailty(rows(d), covariates(d)).se,
    "aalen_johansen": lambda d: aalen_johansen(risks(d)).std_err,
    "gray_test": lambda d: gray_test(risks(d), d.crlm).test.statistic,
    "fine_gray": lambda d: fine_gray(risks(d), covariates(d)).se,
    "turnbull": lambda d: turnbull(scans(d)).mass,
    "interval_regression": lambda d: interval_regression(scans(d), covariates(d)).log_time.se,
    "concordance": lambda d: concordance(rows(d), d.diameter_mm, method="uno").std_err,
    "auc_at": lambda d: auc_at(risks(d), d.diameter_mm, [400]).std_err,
    "fit_tcp": lambda d: fit_tcp(rows(d), d.d100_gy, horizon=365).covariance,
    "fit_tcp_intervals": lambda d: fit_tcp_intervals(scans(d), d.d100_gy).d50_gamma50()[0],
}


@pytest.mark.parametrize("name", CASES)
def test_shuffled_rows_give_the_same(name):
    data = table("lesions")
    one, other = (CASES[name](d) for d in (data, data.sample(frac=1, random_state=9)))
    # iterations stop where the last digits depend on the order of sums
    tolerance = 1e-4 if name in ("frailty", "fit_tcp_intervals") else 1e-8
    np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=tolerance, atol=1e-10)
