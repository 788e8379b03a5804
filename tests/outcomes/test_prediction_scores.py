"""Brier score, net benefit and calibration against their definitions and against what must come out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hdrplan.errors import InfeasibleError, InputError
from hdrplan.outcomes import (
    auc_at,
    calibration_curve,
    competing_risks,
    cox,
    e_value,
    follow_up,
    integrated_brier,
    known_status,
    predicted_incidence,
    risk_groups,
)
from naive import prediction as naive
from outcomes.reference_data import table
from tolerances import R_CURVE


def drawn(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Time in whole months (many ties), status and a predicted risk."""
    rng = np.random.default_rng(seed)
    risk = rng.uniform(0.05, 0.8, n)
    times = np.column_stack((rng.exponential(12 / -np.log(1 - risk)), rng.exponential(60, n), rng.uniform(5, 30, n)))
    first = times.argmin(axis=1)
    return np.ceil(times.min(axis=1)), np.array([1, 2, 0])[first], risk


@pytest.mark.parametrize("at", [6.0, 12.0])
def test_scores_equal_their_definitions(at: float) -> None:
    time, status, risk = drawn(150)
    known = known_status(competing_risks(time, status, causes=(1, 2)), at)
    rows = list(time), list(status), list(risk)
    np.testing.assert_allclose(known.weight, naive.weights(*rows[:2], at), rtol=1e-12)
    assert known.brier(risk) == pytest.approx(naive.brier(*rows, at), rel=1e-12)
    limits = [0.1, 0.3, 0.5]
    expected = [naive.net_benefit(*rows, at, limit) for limit in limits]
    np.testing.assert_allclose(known.net_benefit(risk, limits), expected, rtol=1e-12)


def test_without_censoring_the_scores_are_plain_means() -> None:
    time, status = np.array([2.0, 4.0, 9.0, 20.0]), np.array([1, 2, 1, 2])
    risks = competing_risks(time, status, causes=(1, 2))
    known = known_status(risks, 10.0)
    risk = np.array([0.9, 0.2, 0.4, 0.1])
    assert known.brier(risk) == pytest.approx((0.01 + 0.04 + 0.36 + 0.01) / 4)
    assert known.incidence() == pytest.approx(0.5)
    assert known.net_benefit(risk, [0.3])[0] == pytest.approx(2 / 4)
    assert known.net_benefit(risk, [0.15])[0] == pytest.approx(2 / 4 - 0.15 / 0.85 / 4)
    flat = np.tile(risk[:, None], 2)
    early = known_status(risks, 3.0).brier(risk)
    late = known.brier(risk)
    by_hand = (3 * early / 2 + 7 * (early + late) / 2) / 10
    assert integrated_brier(risks, flat, [3.0, 10.0]) == pytest.approx(by_hand)


def test_a_true_risk_is_calibrated_and_a_wrong_one_is_not() -> None:
    """The risk of recurrence by 12 months was put into the times, without deaths: slope 1, curve the diagonal."""
    rng = np.random.default_rng(3)
    risk = rng.uniform(0.05, 0.8, 6000)
    latent, end = rng.exponential(12 / -np.log(1 - risk)), rng.uniform(5, 40, 6000)
    outcomes = competing_risks(np.minimum(latent, end), (latent < end).astype(int), causes=(1, 2))
    known = known_status(outcomes, 12.0)
    curve = calibration_curve(known, risk)
    assert curve.slope == pytest.approx(1.0, abs=0.09)
    assert curve.intercept == pytest.approx(0.0, abs=0.09)
    inside = (curve.lower <= curve.predicted) & (curve.predicted <= curve.upper)
    assert inside.mean() > 0.8
    odds = np.log(risk / (1 - risk))
    extreme = calibration_curve(known, 1 / (1 + np.exp(-(2 * odds + 1))))
    assert extreme.slope == pytest.approx(0.5, abs=0.05)
    assert extreme.intercept == pytest.approx(-0.5, abs=0.07)


def test_clusters_widen_the_band() -> None:
    time, status, risk = drawn(400)
    alone = known_status(competing_risks(time, status, causes=(1, 2)), 12.0)
    twice = competing_risks(np.tile(time, 2), np.tile(status, 2), causes=(1, 2), cluster=np.tile(np.arange(400), 2))
    same = calibration_curve(known_status(twice, 12.0), np.tile(risk, 2))
    one = calibration_curve(alone, risk)
    # Every row twice with its cluster: nothing is added, no interval may become narrower.
    np.testing.assert_allclose(same.observed, one.observed, atol=5e-3)
    np.testing.assert_allclose(same.upper - same.lower, one.upper - one.lower, rtol=0.03)


def test_what_cannot_be_scored_is_refused() -> None:
    time, status, risk = drawn(60)
    outcomes = competing_risks(time, status, causes=(1, 2))
    with pytest.raises(InputError, match="followed beyond"):
        known_status(outcomes, 1000.0)
    known = known_status(outcomes, 12.0)
    with pytest.raises(InputError, match="must differ"):
        calibration_curve(known, np.full(60, 0.3))
    with pytest.raises(InputError, match="between 0 and 1"):
        calibration_curve(known, risk + 1)
    nobody = known_status(competing_risks(np.append(time, 30.0), np.append(np.where(status == 1, 2, status), 1)), 12.0)
    with pytest.raises(InfeasibleError, match="no finite estimate"):
        calibration_curve(nobody, np.append(risk, 0.2))


def test_e_values_are_those_of_the_paper() -> None:
    """VanderWeele and Ding 2017: a risk ratio of 3.9 (1.8 to 8.7) has E-values of 7.26 and 3.0."""
    assert e_value(3.9) == pytest.approx(7.26, abs=0.005)
    assert e_value(1.8) == pytest.approx(3.0, abs=0.005)
    assert e_value(1 / 3.9) == pytest.approx(e_value(3.9), rel=1e-12)
    assert e_value(1.0) == 1.0
    ratio = (1 - 0.5 ** math.sqrt(2.0)) / (1 - 0.5 ** math.sqrt(0.5))
    assert e_value(2.0, common=True) == pytest.approx(ratio + math.sqrt(ratio * (ratio - 1)))
    with pytest.raises(InputError, match="positive"):
        e_value(0.0)


def test_covariates_far_from_zero_overflow_nothing() -> None:
    """A year of birth, with a steep effect: the hazard of the year 0 is beyond all numbers, that of the rows is not."""
    rng = np.random.default_rng(4)
    year = rng.uniform(1955.0, 1965.0, 300)
    time = rng.exponential(np.exp(-0.5 * (year - 1960.0)) * 20.0)
    rows = follow_up(time, rng.random(300) < 0.7)
    near, far = cox(rows, {"year": year - 1960.0}), cox(rows, {"year": year})
    assert far.coef[0] * 1960.0 > 709.0, "the logarithm of the largest number"
    times = np.array([5.0, 20.0])
    with np.errstate(over="raise"):
        expected = near.survival((year - 1960.0)[:, None], times)
        np.testing.assert_allclose(far.survival(year[:, None], times), expected, rtol=1e-6)
        incidence = predicted_incidence(near, near, (year - 1960.0)[:, None], times)
        np.testing.assert_allclose(predicted_incidence(far, far, year[:, None], times), incidence, rtol=1e-6)


def test_scores_with_competing_events_are_those_of_riskregression() -> None:
    risks, scores = table("pbc_risks"), table("pbc_scores")
    held_out = competing_risks(risks.time, risks.event, causes=(1, 2))
    for model, rows in scores.groupby("model"):
        predicted = [risks[f"{model}_{t}"].to_numpy() for t in rows.time]
        brier = np.array([known_status(held_out, t).brier(p) for t, p in zip(rows.time, predicted, strict=True)])
        area = [auc_at(held_out, p, [t]).auc[0] for t, p in zip(rows.time, predicted, strict=True)]
        np.testing.assert_allclose(brier, rows.brier, atol=R_CURVE)
        np.testing.assert_allclose(area, rows.auc, atol=R_CURVE)
        # riskRegression integrates by steps that begin at each time; ours are trapezoids from 0.
        steps = np.append(0.0, np.cumsum(brier[:-1] * np.diff(rows.time))) / rows.time
        np.testing.assert_allclose(steps, rows.integrated_brier, atol=R_CURVE)
        ours = integrated_brier(held_out, np.column_stack(predicted), rows.time)
        by_hand = np.trapezoid([0.0, *brier], [0.0, *rows.time]) / rows.time.iloc[-1]
        assert ours == pytest.approx(by_hand, rel=1e-12)


def test_groups_of_risk_part_at_quantiles_and_keep_equal_risks_together() -> None:
    """R's quantile(1:11, 0:4 / 4) is 1, 3.5, 6, 8.5, 11; equal parts by number would be 3, 3, 3 and 2 rows."""
    values = np.arange(1.0, 12.0)[::-1]
    assert [sorted(values[rows]) for rows in risk_groups(values)] == [[1, 2, 3], [4, 5, 6], [7, 8], [9, 10, 11]]
    tied = np.array([0.1, 0.4, 0.1, 0.4, 0.1, 0.1, 0.9, 0.1])
    assert [set(tied[rows]) for rows in risk_groups(tied)] == [{0.1}, {0.4}, {0.9}]
    assert [rows.size for rows in risk_groups(np.full(7, 0.3))] == [7]
    with pytest.raises(InputError, match="one finite number a row"):
        risk_groups([0.2, np.nan])
