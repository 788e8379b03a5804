"""No estimate, error or test depends on the order of the rows."""

import numpy as np
import pytest

from hdrplan.outcomes import (
    aalen_johansen,
    auc_at,
    concordance,
    cox,
    fine_gray,
    fit_tcp,
    fit_tcp_intervals,
    frailty,
    gray_test,
    interval_regression,
    kaplan_meier,
    log_rank,
    restricted_mean,
    turnbull,
    zph,
)
from outcomes.reference_data import table


def covariates(d):
    return {c: d[c] for c in ("d100_gy", "diameter_mm")}


CASES = {
    "kaplan_meier": lambda d, e: kaplan_meier(d.time, e, cluster=d.patient).std_err,
    "log_rank": lambda d, e: log_rank(d.time, e, d.crlm, weights="gehan").test.statistic,
    "restricted_mean": lambda d, e: restricted_mean(d.time, e, 700).std_err,
    "cox": lambda d, e: cox(d.time, e, covariates(d), strata=d.crlm, cluster=d.patient).robust_se,
    "zph": lambda d, e: [t.statistic for t in zph(cox(d.time, e, covariates(d))).tests],
    "frailty": lambda d, e: frailty(d.time, e, covariates(d), d.patient).se,
    "aalen_johansen": lambda d, e: aalen_johansen(d.time, d.status, cluster=d.patient).std_err,
    "gray_test": lambda d, e: gray_test(d.time, d.status, d.crlm).test.statistic,
    "fine_gray": lambda d, e: fine_gray(d.time, d.status, covariates(d), cluster=d.patient).se,
    "turnbull": lambda d, e: turnbull(d.left, d.right).mass,
    "interval_regression": lambda d, e: interval_regression(
        d.left, d.right, covariates(d), cluster=d.patient
    ).time_se,
    "concordance": lambda d, e: concordance(d.time, e, d.diameter_mm, method="uno", cluster=d.patient).std_err,
    "auc_at": lambda d, e: auc_at(d.time, d.status, d.diameter_mm, [400], competing=True),
    "fit_tcp": lambda d, e: fit_tcp(d.time, e, d.d100_gy, horizon=365, cluster=d.patient).covariance,
    "fit_tcp_intervals": lambda d, e: fit_tcp_intervals(
        d.left, d.right, d.d100_gy, cluster=d.patient
    ).d50_gamma50()[0],
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_shuffled_rows_give_the_same(name):
    data = table("lesions")
    one, other = (CASES[name](d, d.status == 1) for d in (data, data.sample(frac=1, random_state=9)))
    # iterations stop where the last digits depend on the order of sums
    tolerance = 1e-4 if name in ("frailty", "fit_tcp_intervals") else 1e-8
    np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=tolerance, atol=1e-10)
