"""Concordance against R and by counting pairs."""

import numpy as np
import pytest

from hdrplan.errors import InputError
from hdrplan.outcomes import auc_at, competing_risks, concordance, follow_up
from hdrplan.outcomes.discrimination import censoring_survival
from naive.survival import concordance_pairs, roc_area
from outcomes.reference_data import r_numbers, table
from tolerances import R_CURVE


@pytest.mark.parametrize("name", sorted(r_numbers()["concordance"]))
def test_concordance_agrees_with_r(name):
    words = name.split()
    data = table(words[0])
    event = data.status == (2 if words[0] == "pbc" else 1)
    column = {"diameter": "diameter_mm"}.get(words[1], words[1])
    result = concordance(
        follow_up(data.time, event, cluster=data.patient if "patient" in words else None),
        data[column],
        method="uno" if "uno" in words or "1500" in words else "harrell",
        tau=1500.5 if "1500" in words else None,
    )
    c, std_err = r_numbers()["concordance"][name]
    assert result.c == pytest.approx(c, abs=R_CURVE)
    assert result.std_err == pytest.approx(std_err, abs=R_CURVE)


def test_pairs_by_hand():
    # comparable: (1,2) (1,3) (1,4) and (3,4): the second is censored at 2, the tied times 3 are event and censored
    result = concordance(follow_up([1, 2, 3, 3], [1, 0, 1, 0]), [5, 9, 5, 1])
    assert (result.concordant, result.discordant, result.tied_risk) == (2, 1, 1)
    assert result.c == pytest.approx(2.5 / 4)


def test_a_perfect_and_a_reversed_score():
    time = np.arange(1, 20)
    assert concordance(follow_up(time, np.ones(19)), -time).c == 1
    assert concordance(follow_up(time, np.ones(19)), time).c == 0


def test_no_comparable_pair_is_refused():
    with pytest.raises(InputError, match="comparable pairs"):
        concordance(follow_up([1, 2], [0, 0]), [1, 2])


@pytest.mark.parametrize("name", sorted(r_numbers()["auc"]))
def test_time_dependent_auc_agrees_with_r(name):
    words = name.split()
    data = table(words[0])
    at = {"lung": [180, 365, 600], "pbc": [1000, 2000, 3000], "lesions": [150, 400, 700]}[words[0]]
    competing = "competing" in words
    event = data.status if competing else data.status == (2 if words[0] == "pbc" else 1)
    area = auc_at((competing_risks if competing else follow_up)(data.time, event), data[words[1]], at).auc
    np.testing.assert_allclose(area, r_numbers()["auc"][name], atol=R_CURVE)


def test_auc_without_censoring_is_the_share_of_ordered_pairs():
    time, risk = np.array([1, 2, 3, 4, 5, 6]), np.array([3, 9, 4, 4, 1, 0])
    pairs = [(risk[i] > risk[j]) + (risk[i] == risk[j]) / 2 for i in range(3) for j in range(3, 6)]
    assert auc_at(follow_up(time, np.ones(6)), risk, [3]).auc[0] == pytest.approx(np.mean(pairs))
    assert np.isnan(auc_at(follow_up(time, np.ones(6)), risk, [0.5]).auc[0])


@pytest.mark.parametrize("method", ["harrell", "uno"])
@pytest.mark.parametrize("seed", range(5))
def test_pairs_counted_in_passes_are_the_pairs_counted_one_by_one(seed, method):
    rng = np.random.default_rng(seed)
    n = 60
    rows = follow_up(rng.integers(1, 25, n), rng.random(n) < 0.6, cluster=rng.integers(0, 20, n))
    score = rng.integers(0, 12, n).astype(float)
    weight = np.where(rows.event, 1.0, 0.0)
    if method == "uno":
        weight = np.where(rows.event, 1 / np.maximum(censoring_survival(rows, rows.time, before=True), 1e-9) ** 2, 0.0)
    pairs, shares = np.zeros(3), np.zeros((n, 2))
    for i in np.flatnonzero(rows.event):
        for j in range(n):
            if rows.time[i] < rows.time[j] or (rows.time[i] == rows.time[j] and not rows.event[j]):
                place = 0 if score[i] > score[j] else 1 if score[i] < score[j] else 2
                pairs[place] += weight[i]
                shares[[i, j]] += weight[i] * np.array([(1, 0, 0.5)[place], 1])
    got = concordance(rows, score, method=method)
    np.testing.assert_allclose((got.concordant, got.discordant, got.tied_risk), pairs, rtol=1e-12)
    influence = (shares[:, 0] - got.c * shares[:, 1]) / pairs.sum()
    assert got.std_err == pytest.approx(np.sqrt((rows.by_cluster(influence[:, None]) ** 2).sum()), rel=1e-10)


def scored(seed=1, n=26):
    rng = np.random.default_rng(seed)
    return rng.integers(1, 8, n), rng.integers(0, 3, n), rng.integers(0, 6, n).astype(float), np.arange(n) // 2


def test_concordance_within_strata_is_the_twin():
    time, cause, score, _ = scored()
    stratum = np.arange(time.size) % 3

    def pairs(weight):
        return np.array(concordance_pairs(time, cause == 1, score, stratum, weight))

    def c(weight):
        return (pairs(weight)[0] + pairs(weight)[2] / 2) / pairs(weight).sum()

    one, step = np.ones(time.size), 1e-6
    result = concordance(follow_up(time, cause == 1), score, strata=stratum)
    assert [result.concordant, result.discordant, result.tied_risk] == pairs(one).tolist()
    moved = np.array([(c(one + unit) - c(one - unit)) / (2 * step) for unit in np.eye(time.size) * step])
    assert result.std_err == pytest.approx(np.sqrt((moved**2).sum()), rel=1e-6)


def test_weights_of_uno_are_those_of_the_stratum():
    time, cause, score, _ = scored()
    stratum = np.arange(time.size) % 3
    layers = [
        concordance(follow_up(time[s], (cause == 1)[s]), score[s], method="uno")
        for s in (stratum == k for k in range(3))
    ]
    pooled = concordance(follow_up(time, cause == 1), score, method="uno", strata=stratum)
    total = [sum(getattr(c, name) for c in layers) for name in ("concordant", "discordant", "tied_risk")]
    np.testing.assert_allclose([pooled.concordant, pooled.discordant, pooled.tied_risk], total, rtol=1e-12)


@pytest.mark.parametrize("clustered", [False, True])
def test_the_error_of_an_area_is_its_derivative_by_weights(clustered):
    time, cause, score, patient = scored()
    step = 1e-6

    def area(weight):
        return roc_area(time, cause, score, 4, weight)

    one = np.ones(time.size)
    moved = [(area(one + unit) - area(one - unit)) / (2 * step) for unit in np.eye(time.size) * step]
    owner = patient if clustered else np.arange(time.size)
    influence = np.bincount(owner, weights=moved)
    risks = competing_risks(time, cause, cluster=patient if clustered else None)
    got = auc_at(risks, score, [4])
    assert got.auc[0] == pytest.approx(area(one), abs=1e-12)
    assert got.std_err[0] == pytest.approx(np.sqrt((influence**2).sum()), rel=1e-6)


def test_the_error_of_an_area_without_censoring_is_that_of_delong():
    """E. R. DeLong et al., Biometrics 1988;44:837-845, with n in place of n - 1."""
    rng = np.random.default_rng(4)
    time, score = np.arange(1.0, 41.0), rng.normal(size=40)
    case, control = score[:15], score[15:]
    wins = (case[:, None] > control).astype(float)
    area = wins.mean()
    variance = ((wins.mean(axis=1) - area) ** 2).mean() / 15 + ((wins.mean(axis=0) - area) ** 2).mean() / 25
    got = auc_at(follow_up(time, np.ones(40)), score, [15])
    assert got.auc[0] == pytest.approx(area)
    assert got.std_err[0] == pytest.approx(np.sqrt(variance), rel=1e-12)
