"""Kaplan-Meier, log-rank and restricted mean against R, by hand, and by their properties."""

import numpy as np
import pytest
from scipy import stats

from hdrplan.errors import InputError
from hdrplan.outcomes import follow_up, kaplan_meier, landmark, log_rank, restricted_mean, reverse_kaplan_meier
from outcomes.reference_data import late_entry, numbers, r_numbers, table
from tolerances import R_CURVE, ROUNDOFF


def curve_of(name: str):
    words = name.split()
    data = table(words[0])
    entry = None
    if words[0] == "lesions":
        data["status"] = data.status == 1
    if words[:2] == ["colon", "death"]:
        data = data[data.etype == 2]
    if words[:2] == ["lung", "entry"]:
        data = data.dropna(subset=["inst"])
        entry = late_entry(data)
    return kaplan_meier(follow_up(data.time, data.status, entry=entry), conf_type=words[-1])


@pytest.mark.parametrize("name", sorted(r_numbers()["km"]))
def test_kaplan_meier_agrees_with_r(name):
    reference, curve = r_numbers()["km"][name], curve_of(name)
    at = np.searchsorted(curve.time, reference["time"])
    np.testing.assert_array_equal(curve.time[at], reference["time"])
    np.testing.assert_array_equal(curve.at_risk[at], reference["n_risk"])
    np.testing.assert_array_equal(curve.events[at], reference["n_event"])
    np.testing.assert_allclose(curve.survival[at], numbers(reference["survival"]), atol=R_CURVE, rtol=0)
    alive = curve.survival[at] > 0  # at survival 0 R has no error and no limits
    for field in ("std_err", "lower", "upper"):
        want = numbers(reference[field])[alive]
        want = np.where(np.isnan(want), getattr(curve, field)[at][alive], want) if field != "std_err" else want
        np.testing.assert_allclose(getattr(curve, field)[at][alive], want, atol=R_CURVE, rtol=0, err_msg=field)
    for probability, *want in zip(
        (0.25, 0.5, 0.75), reference["quantile"], reference["quantile_lower"], reference["quantile_upper"], strict=True
    ):
        q = curve.quantile(probability)
        np.testing.assert_array_equal([q.estimate, q.lower, q.upper], numbers(want))


def test_error_by_patient_agrees_with_r():
    data, reference = table("lesions"), r_numbers()["km_cluster"]
    curve = kaplan_meier(follow_up(data.time, data.status == 1, cluster=data.patient))
    np.testing.assert_allclose(curve.std_err, numbers(reference["std_err"]), atol=R_CURVE, rtol=0)


def test_kaplan_meier_of_ten_patients_by_hand():
    # events at 3, 5 (two), 9; censored at 4, 5, 7 (two), 10 (two)
    curve = kaplan_meier(follow_up([3, 4, 5, 5, 5, 7, 7, 9, 10, 10], [1, 0, 1, 1, 0, 0, 0, 1, 0, 0]))
    np.testing.assert_allclose(
        curve.survival_at([2.9, 3, 5, 9, 99]),
        [1, 9 / 10, 9 / 10 * 6 / 8, 9 / 10 * 6 / 8 * 2 / 3, 9 / 10 * 6 / 8 * 2 / 3],
        atol=ROUNDOFF,
    )
    greenwood = 0.675**2 * (1 / (10 * 9) + 2 / (8 * 6))
    assert curve.std_err[2] == pytest.approx(np.sqrt(greenwood), abs=ROUNDOFF)
    assert curve.at_risk_at([0, 5, 5.1, 11]).tolist() == [10, 8, 5, 0]


def test_without_censoring_the_curve_is_the_empirical_one():
    time = np.random.default_rng(1).integers(1, 30, 80)
    curve = kaplan_meier(follow_up(time, np.ones(80)))
    np.testing.assert_allclose(curve.survival_at(range(31)), [(time > t).mean() for t in range(31)], atol=ROUNDOFF)


@pytest.mark.parametrize("name", sorted(r_numbers()["logrank"]))
def test_log_rank_agrees_with_r(name):
    words = name.split()
    data = table(words[0])
    time = data.futime if words[0] in ("retinopathy", "mgus2") else data.time
    event = {"mgus2": "death"}.get(words[0], "status")
    event = data[event] == {"pbc": 2}.get(words[0], 1)
    strata = data.ph_ecog if "strata" in words else data.etype if words[0] == "colon" else None
    keep = np.ones(len(data), dtype=bool) if strata is None else strata.notna().to_numpy()
    keep = keep & data[words[1]].notna().to_numpy()
    weights = {"weights": "fleming-harrington", "rho": 1} if "rho1" in words else {}
    rows, layers = follow_up(time[keep], event[keep]), None if strata is None else strata[keep]
    result = log_rank(rows, data[words[1]][keep], strata=layers, **weights)
    reference = r_numbers()["logrank"][name]
    np.testing.assert_allclose(result.observed, reference["observed"], atol=R_CURVE)
    np.testing.assert_allclose(result.expected, reference["expected"], atol=R_CURVE)
    assert result.test.statistic == pytest.approx(reference["chisq"], abs=R_CURVE)
    assert result.p == pytest.approx(stats.chi2.sf(reference["chisq"], len(result.groups) - 1), abs=R_CURVE)


def naive_log_rank(time, event, group, weight_of):
    """Two groups, one event time after the other."""
    u = v = 0.0
    for t in sorted(set(time[event == 1])):
        y, y1 = (time >= t).sum(), ((time >= t) & (group == 1)).sum()
        d, d1 = ((time == t) & (event == 1)).sum(), ((time == t) & (event == 1) & (group == 1)).sum()
        w = weight_of(y)
        u += w * (d1 - d * y1 / y)
        v += 0 if y == 1 else w**2 * d * y1 / y * (1 - y1 / y) * (y - d) / (y - 1)
    return u**2 / v


@pytest.mark.parametrize(
    ("weights", "weight_of"), [("gehan", float), ("tarone-ware", np.sqrt), ("logrank", lambda y: 1.0)]
)
def test_weighted_log_rank_is_its_naive_twin(weights, weight_of):
    data = table("lesions")
    event = (data.status == 1).to_numpy().astype(int)
    result = log_rank(follow_up(data.time, event), data.crlm, weights=weights)
    naive = naive_log_rank(data.time.to_numpy(), event, data.crlm.to_numpy(), weight_of)
    assert result.test.statistic == pytest.approx(naive, rel=1e-10)


def test_restricted_mean_agrees_with_r():
    lung, lesions, reference = table("lung"), table("lesions"), r_numbers()["rmst"]
    for name, got in {
        "lung 500": restricted_mean(follow_up(lung.time, lung.status), 500),
        "lesions 900": restricted_mean(follow_up(lesions.time, lesions.status == 1), 900),
    }.items():
        np.testing.assert_allclose([got.mean, got.std_err], reference[name], rtol=R_CURVE)


def test_results_do_not_depend_on_the_order_of_rows():
    data = table("lesions")
    mixed = data.sample(frac=1, random_state=3)
    a = kaplan_meier(follow_up(data.time, data.status == 1, cluster=data.patient))
    b = kaplan_meier(follow_up(mixed.time, mixed.status == 1, cluster=mixed.patient))
    np.testing.assert_allclose(a.std_err, b.std_err, atol=ROUNDOFF)
    p = [log_rank(follow_up(d.time, d.status == 1), d.crlm).p for d in (data, mixed)]
    assert p[0] == pytest.approx(p[1], abs=ROUNDOFF)


def test_landmark_counts_who_left_before():
    kept = landmark(follow_up([10, 56, 60, 90], [1, 0, 1, 0]), 56)
    assert kept.keep.tolist() == [False, False, True, True]
    assert kept.rows.time.tolist() == [4, 34]
    assert (kept.n_event_before, kept.n_censored_before) == (1, 1)


def test_a_landmark_needs_somebody_at_risk_and_keeps_patients():
    kept = landmark(follow_up([10, 56, 60, 90], [1, 0, 1, 0], cluster=["a", "b", "a", "c"]), 56)
    assert kept.rows.cluster.labels == ("a", "c")
    with pytest.raises(InputError, match="at risk after the landmark"):
        landmark(follow_up([10, 56], [1, 0]), 56)
    with pytest.raises(InputError, match="under observation from the start"):
        landmark(follow_up([10, 56], [1, 0], entry=[2, 3]), 5)


def test_chosen_rows_keep_their_patients_and_forget_the_others():
    rows = follow_up([5, 6, 7], [1, 0, 1], entry=[1, 2, 3], cluster=["p", "q", "r"])
    some = rows.chosen(np.array([2, 0, 2]))
    assert some.time.tolist() == [7, 5, 7]
    assert some.entry.tolist() == [3, 1, 3]
    assert some.cluster.labels == ("p", "r")
    assert some.owner.tolist() == [1, 0, 1]
    assert rows.independent.owner.tolist() == [0, 1, 2]
    assert rows.by_cluster(np.ones((3, 2))).tolist() == [[1, 1]] * 3


@pytest.mark.parametrize(
    ("time", "event", "words"),
    [
        ([1, -2], [1, 0], "negative.*row 2|row 2.*negative"),
        ([1, float("nan")], [1, 0], "missing"),
        ([1, 2], [1, 2], "0 .censored. or 1"),
        ([1, 2], [1], "equal lengths"),
        ([], [], "at least one row"),
    ],
)
def test_follow_up_that_cannot_be_right_is_refused(time, event, words):
    with pytest.raises(InputError, match=words):
        kaplan_meier(follow_up(time, event))


def test_one_group_is_no_comparison():
    with pytest.raises(InputError, match="two or more groups"):
        log_rank(follow_up([1, 2], [1, 1]), ["a", "a"])


def test_restricted_mean_beyond_the_data_is_refused():
    with pytest.raises(InputError, match="beyond the last observation"):
        restricted_mean(follow_up([1, 2, 3], [1, 0, 0]), 5)


def test_median_follow_up_is_that_of_the_censoring():
    lung = table("lung")
    follow = reverse_kaplan_meier(follow_up(lung.time, lung.status))
    assert follow.n_events == (lung.status == 0).sum()
    assert follow.median.estimate > np.median(lung.time)  # deaths shorten what was observed, not what was possible


def test_times_that_differ_by_arithmetic_alone_are_tied():
    exact = log_rank(follow_up([0.3, 0.3, 0.5, 0.9], [1, 1, 1, 0]), [0, 1, 0, 1])
    sums = log_rank(follow_up([0.3, 0.1 + 0.2, 0.5, 0.9], [1, 1, 1, 0]), [0, 1, 0, 1])
    assert sums.test == exact.test
    curve = kaplan_meier(follow_up([0.1 + 0.2, 0.3, 5], [1, 1, 0]))
    assert curve.time.tolist() == [0.3, 5]
    assert curve.survival_at([0.3, 0.1 + 0.2]).tolist() == pytest.approx([1 / 3, 1 / 3])


def test_log_rank_without_events_or_without_information():
    with pytest.raises(InputError, match="needs events"):
        log_rank(follow_up([1, 2], [0, 0]), ["a", "b"])
    assert np.isnan(log_rank(follow_up([5, 5, 5], [1, 1, 1]), ["a", "b", "b"]).p)
