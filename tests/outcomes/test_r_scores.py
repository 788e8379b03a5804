"""Predicted risks, their scores and pooled series against R's riskRegression and metafor (scores.R)."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.outcomes import (
    aalen_johansen,
    auc_at,
    competing_risks,
    cox,
    follow_up,
    integrated_brier,
    known_status,
    leave_one_out,
    meta_analysis,
    predicted_incidence,
    risk_groups,
)
from outcomes.reference_data import r_scores, table
from tolerances import R_CURVE

AT = [365, 730, 1460, 2190, 2920, 3650]


@pytest.mark.parametrize("model", ["full", "small"])
def test_predictions_of_others_have_the_scores_of_riskregression(model: str) -> None:
    risks, want = table("pbc_risks"), r_scores()["predictions"]
    held_out = competing_risks(risks.time, risks.event, causes=(1, 2))
    status = [known_status(held_out, t) for t in AT]
    brier = np.array([s.brier(risks[f"{model}_{t}"]) for s, t in zip(status, AT, strict=True)])
    incidence = aalen_johansen(held_out).incidence_at(AT)[:, 0]
    null = np.array([s.brier(np.full(len(risks), p)) for s, p in zip(status, incidence, strict=True)])
    np.testing.assert_allclose(brier, want[model]["brier"], atol=R_CURVE)
    np.testing.assert_allclose(null, want["null"]["brier"], atol=R_CURVE)
    np.testing.assert_allclose(1 - brier / null, want[model]["ipa"], atol=R_CURVE)
    areas = [auc_at(held_out, risks[f"{model}_{t}"], [t]) for t in AT]
    np.testing.assert_allclose([a.auc[0] for a in areas], want[model]["auc"], atol=R_CURVE)
    # R divides the variance of the influence by n - 1, the infinitesimal jackknife by n. R also takes off the mean
    # of its influence, which is not quite 0.
    n = len(risks)
    se = [a.std_err[0] * np.sqrt(n / (n - 1)) for a in areas]
    np.testing.assert_allclose(se, want[model]["auc_se"], atol=1e-5)


@pytest.mark.parametrize("model", ["full", "small"])
def test_net_benefit_is_that_by_the_weights_of_riskregression(model: str) -> None:
    risks, want = table("pbc_risks"), r_scores()["net_benefit"]
    held_out = competing_risks(risks.time, risks.event, causes=(1, 2))
    found = [known_status(held_out, t).net_benefit(risks[f"{model}_{t}"], want["thresholds"]) for t in AT]
    np.testing.assert_allclose(np.transpose(found), want[model], atol=R_CURVE)


@pytest.mark.parametrize("model", ["dose", "strata"])
def test_models_of_each_cause_predict_and_score_as_in_riskregression(model: str) -> None:
    lesions, want = table("lesions"), r_scores()["models"][model]
    names = ["d100_gy", "diameter_mm"] + ["crlm"] * (model == "dose")
    x = lesions[names].to_numpy(float)
    strata = lesions.crlm.to_numpy() if model == "strata" else None
    fits = [cox(follow_up(lesions.time, lesions.status == cause), x, strata=strata) for cause in (1, 2)]
    risk = predicted_incidence(*fits, x, np.arange(1, 401), strata=strata)
    np.testing.assert_allclose(risk[:, [99, 399]], want["risk"], atol=R_CURVE)
    outcomes = competing_risks(lesions.time, lesions.status, causes=(1, 2))
    status = known_status(outcomes, 400)
    null = status.brier(np.full(len(x), aalen_johansen(outcomes).incidence_at([400])[0, 0]))
    brier = status.brier(risk[:, -1])
    assert brier == pytest.approx(want["brier"], abs=R_CURVE)
    assert 1 - brier / null == pytest.approx(want["ipa"], abs=R_CURVE)
    assert auc_at(outcomes, risk[:, -1], [400]).auc[0] == pytest.approx(want["auc"], abs=R_CURVE)
    # R's rectangles and our trapezoids between the same 400 times, and ours between 48 of them.
    assert integrated_brier(outcomes, risk, np.arange(1, 401)) == pytest.approx(want["ibs"], abs=1e-3)
    few = 400 * np.arange(1, 49) / 48
    few_risks = predicted_incidence(*fits, x, few, strata=strata)
    assert integrated_brier(outcomes, few_risks, few) == pytest.approx(want["ibs"], abs=1e-3)
    last = risk[:, -1]
    for k, own in enumerate(risk_groups(last)):
        seen = aalen_johansen(competing_risks(lesions.time[own], lesions.status[own], causes=(1, 2)))
        assert last[own].mean() == pytest.approx(want["groups"]["predicted"][k], abs=R_CURVE)
        assert seen.incidence_at([400])[0, 0] == pytest.approx(want["groups"]["observed"][k], abs=R_CURVE)


@pytest.mark.parametrize("case", ["local_control", "by_type", "against_dose", "alike"])
def test_pooled_series_equal_metafor(case: str) -> None:
    want = r_scores()["pooled"][case]
    y, v, mods = (None if want[k] is None else np.array(want[k], dtype=float) for k in ("y", "v", "mods"))
    moderators = None if mods is None else {f"m{k}": column for k, column in enumerate(mods.T)}
    fit = meta_analysis(y, v, moderators)
    np.testing.assert_allclose(fit.coef, np.ravel(want["coef"]), atol=1e-6)
    np.testing.assert_allclose(fit.se, np.ravel(want["se"]), atol=1e-6)
    np.testing.assert_allclose(fit.p, np.ravel(want["pvalue"]), atol=1e-6)
    assert fit.tau2 == pytest.approx(want["tau2"], abs=1e-6)
    assert fit.tau2_se == pytest.approx(want["tau2_se"], abs=1e-6)
    assert (fit.i2_percent, fit.h2) == pytest.approx((want["i2"], want["h2"]), abs=1e-4)
    assert (fit.heterogeneity.statistic, fit.heterogeneity.p) == pytest.approx((want["q"], want["q_p"]), abs=1e-6)
    if mods is not None:
        assert (fit.moderators.statistic, fit.moderators.p) == pytest.approx((want["qm"], want["qm_p"]), abs=1e-6)
    else:
        without = [float(f.coef[0]) for f in leave_one_out(y, v)]
        np.testing.assert_allclose(without, want["without"], atol=1e-6)
    at = () if mods is None else mods.mean(axis=0)
    np.testing.assert_allclose(fit.predicted(at), want["predicted"], atol=1e-6)
