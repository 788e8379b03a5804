"""Maximally selected statistics against R, and what they promise on cohorts without an effect."""

import numpy as np
import pytest

from hdrplan.errors import InputError
from hdrplan.outcomes import benjamini_hochberg, best_cutoff, cox, cutoff, cutoff_problem, follow_up, holm, max_t
from hdrplan.outcomes.cutoff import lausen_1992, lausen_1994
from hdrplan.outcomes.resampling import permuted_rows
from hdrplan.outcomes.scores import efficient_scores
from outcomes.reference_data import r_numbers, table


def rng():
    return np.random.default_rng(5)


@pytest.mark.parametrize("name", sorted(r_numbers()["maxstat"]))
def test_statistic_and_cut_off_are_those_of_coin(name):
    words = name.split()
    data, reference = table(words[0]), r_numbers()["maxstat"][name]
    event = data.status == (2 if words[0] == "pbc" else 1)
    cut = best_cutoff(cutoff_problem(follow_up(data.time, event), data[words[1]]), rng=rng(), n_resamples=19)
    assert cut.scan.maximum == pytest.approx(reference["statistic"], abs=1e-10)
    assert cut.best == reference["cutpoint"]


def test_corrected_p_are_those_of_maxstat():
    heights = (1.5, 2, 2.5, 3, 4)
    np.testing.assert_allclose([lausen_1992(b, 0.1, 0.9) for b in heights], r_numbers()["lausen92"], rtol=1e-10)
    want = np.minimum(r_numbers()["lausen94"], 1)
    np.testing.assert_allclose([lausen_1994(b, np.arange(10, 91), 100) for b in heights], want, rtol=1e-10)


def null_cohort(seed, n_patients=90):
    """Patients with one to three lesions, a shared frailty, and a value without effect that patients share too."""
    r = np.random.default_rng(seed)
    owner = np.repeat(np.arange(n_patients), r.integers(1, 4, n_patients))
    value = (r.normal(size=n_patients)[owner] + r.normal(size=owner.size)) / np.sqrt(2)
    time = np.ceil(r.exponential(1 / r.gamma(1, 1, n_patients)[owner]) * 10)
    censor = np.ceil(r.exponential(15, n_patients))[owner]
    return np.minimum(time, censor), time <= censor, value, owner


def test_choice_among_cut_offs_is_paid_for():
    p = []
    for seed in range(120):
        time, event, value, owner = null_cohort(seed)
        cut = best_cutoff(cutoff_problem(follow_up(time, event, cluster=owner), value), rng=rng(), n_resamples=99)
        p.append((cut.p.naive, cut.p.resampled))
    rejected = (np.array(p) <= 0.05).mean(axis=0)
    assert rejected[0] > 0.3  # uncorrected: significant in a third of cohorts without any effect
    assert rejected[1] < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 120)


def test_adjusted_choice_keeps_its_level_where_size_confounds():
    p = []
    for seed in range(120):
        r = np.random.default_rng(1000 + seed)
        size = r.normal(size=150)
        dose = 20 - 1.5 * size + r.normal(size=150) * 2
        time = r.exponential(10 * np.exp(-0.7 * size))
        censor = r.exponential(12, 150)
        rows = follow_up(np.minimum(time, censor), time <= censor)
        plain = best_cutoff(cutoff_problem(rows, dose), rng=rng(), n_resamples=99)
        adjusted = best_cutoff(cutoff_problem(rows, dose, covariates={"size": size}), rng=rng(), n_resamples=99)
        p.append((plain.p.resampled, adjusted.p.resampled))
    rejected = (np.array(p) <= 0.05).mean(axis=0)
    assert rejected[0] > 0.5  # the dose stands for the size
    assert rejected[1] < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 120)


def test_a_real_threshold_is_found_and_its_interval_holds_it():
    r = np.random.default_rng(3)
    value = r.uniform(10, 30, 300)
    time = r.exponential(np.where(value < 18, 5.0, 20.0))
    cut = best_cutoff(cutoff_problem(follow_up(time, time < 30), value), rng=rng(), n_resamples=199, n_bootstrap=100)
    assert cut.p.resampled == pytest.approx(1 / 200)
    assert cut.best == pytest.approx(18, abs=1)
    assert cut.interval[0] <= 18.2
    assert cut.interval[1] >= 17.8
    assert cut.scan.maximum > cut.critical > 2


def test_order_of_rows_changes_no_statistic():
    data = table("lesions")
    mixed = data.sample(frac=1, random_state=2)
    cuts = [
        best_cutoff(
            cutoff_problem(
                follow_up(d.time, d.status == 1, cluster=d.patient), d.d100_gy, covariates={"s": d.diameter_mm}
            ),
            rng=rng(),
            n_resamples=9,
        )
        for d in (data, mixed)
    ]
    np.testing.assert_allclose(cuts[0].scan.statistic, cuts[1].scan.statistic, atol=1e-9)
    assert cuts[0].best == cuts[1].best


def test_permutations_keep_patients_whole():
    owner = np.array([0, 0, 1, 2, 2, 3, 4, 4])
    for source in permuted_rows(owner, 50, rng()):
        assert sorted(source) == list(range(8))
        for patient in range(5):
            assert len(set(owner[source[owner == patient]])) == 1


def test_efficient_score_is_the_score_test_of_the_added_covariate():
    data = table("lesions")
    event = data.status == 1
    null = cox(follow_up(data.time, event), {"size": data.diameter_mm}, ties="breslow")
    one = efficient_scores(null, data.d100_gy.to_numpy()[:, None])[:, 0]
    h = 1e-4  # the profile likelihood's slope at zero, by fits with the candidate as an offset
    up, down = (
        cox(follow_up(data.time, event), {"size": data.diameter_mm}, ties="breslow", offset=s * data.d100_gy).loglik
        for s in (h, -h)
    )
    assert one.sum() == pytest.approx((up - down) / (2 * h), rel=1e-5)


def test_holm_and_benjamini_hochberg_agree_with_r():
    reference = r_numbers()["padjust"]
    np.testing.assert_allclose(holm(reference["p"]), reference["holm"])
    np.testing.assert_allclose(benjamini_hochberg(reference["p"]), reference["BH"])


def test_max_t_asks_one_question_of_twin_metrics():
    data = table("lesions")
    null = cox(follow_up(data.time, data.status == 1, cluster=data.patient), {"size": data.diameter_mm})
    d100 = data.d100_gy.to_numpy(float)
    noise = rng().normal(size=(len(d100), 6))
    twins = max_t(null, {f"m{k}": d100 + 1e-6 * noise[:, k] for k in range(6)}, rng=rng())
    strangers = max_t(null, {"d100": d100, **{f"n{k}": noise[:, k] for k in range(5)}}, rng=rng())
    assert twins.p_adjusted[0] == pytest.approx(twins.p[0], abs=0.03)  # six times the same costs nothing
    assert strangers.p_adjusted[0] > 2.5 * strangers.p[0]


def test_a_cut_off_needs_values_on_both_sides():
    with pytest.raises(InputError, match="both sides"):
        best_cutoff(cutoff_problem(follow_up([1, 2, 3, 4], [1, 1, 1, 1]), [5, 5, 5, 5]), rng=rng())


def test_the_interval_holds_the_middle_95_percent_of_the_bootstrap(monkeypatch):
    """Thousand resampled cut-offs 1, 2, ..., 1000: 25 lie at or below the lower end, 25 above the upper one."""
    shuffled = rng().permutation(np.arange(1.0, 1001.0))
    monkeypatch.setattr(cutoff, "bootstrap_statistics", lambda *args: shuffled)
    data = table("lesions")
    problem = cutoff_problem(follow_up(data.time, data.status == 1), data.d100_gy)
    assert best_cutoff(problem, rng=rng(), n_resamples=9, n_bootstrap=1000).interval == (25.0, 975.0)


def test_both_corrections_are_about_the_divisions_that_were_looked_at():
    data = table("lesions")
    rows = follow_up(data.time, data.status == 1)
    # Many lesions at the largest value: more room below than above.
    value = np.minimum(data.d100_gy, np.quantile(data.d100_gy, 0.7))
    cut = best_cutoff(cutoff_problem(rows, value), rng=rng(), n_resamples=9)
    below = np.array([(value <= c).sum() for c in cut.scan.cutoffs])
    np.testing.assert_array_equal(cut.scan.n_below, below)
    assert below[0] / rows.n != pytest.approx(1.0 - below[-1] / rows.n, abs=0.05)
    assert cut.p.lausen92 == lausen_1992(cut.scan.maximum, below[0] / rows.n, below[-1] / rows.n)
    assert cut.p.lausen94 == lausen_1994(cut.scan.maximum, below, rows.n)


def test_the_adjusted_statistic_is_the_sum_of_scores_over_their_root_of_squares():
    """For a cohort so small that the errors are below 1."""
    r = np.random.default_rng(8)
    size, value, time = r.normal(size=14), r.normal(size=14), r.exponential(size=14)
    rows = follow_up(time, np.arange(14) % 3 == 0)
    cut = best_cutoff(cutoff_problem(rows, value, covariates={"size": size}), rng=rng(), n_resamples=9)
    candidates = (value[:, None] <= cut.scan.cutoffs).astype(float)
    scores = efficient_scores(cox(rows, {"size": size}), candidates)
    error = np.sqrt((scores**2).sum(axis=0))
    assert error.min() < 1.0
    np.testing.assert_allclose(cut.scan.statistic, scores.sum(axis=0) / error, rtol=1e-9)


def test_an_approximate_p_is_no_more_than_one():
    # Over a wide range of cut-offs the formula passes 1 where the statistic says nothing.
    assert lausen_1992(1.5, 0.01, 0.99) == 1.0


def test_cut_offs_in_blocks_give_what_they_give_at_once(monkeypatch):
    """The scores of rows times cut-offs do not fit into memory for a large cohort."""
    r = np.random.default_rng(9)
    rows = follow_up(r.exponential(size=60), r.integers(0, 2, 60), cluster=np.arange(60) // 2)
    problem = cutoff_problem(rows, r.normal(size=60), covariates={"size": r.normal(size=60)})
    whole = best_cutoff(problem, rng=rng(), n_resamples=199)
    monkeypatch.setattr("hdrplan.outcomes.cutoff._BLOCK", 7 * 60)
    apart = best_cutoff(problem, rng=rng(), n_resamples=199)
    np.testing.assert_allclose(apart.scan.statistic, whole.scan.statistic, rtol=1e-12)
    assert apart.p.resampled == whole.p.resampled


def test_very_many_cut_offs_are_thinned_evenly_and_the_best_is_found_among_its_neighbours(monkeypatch):
    r = np.random.default_rng(3)
    n = 900
    value, size = r.normal(size=n), r.normal(size=n)
    time = r.exponential(np.where(value > 0.3, 3.0, 1.0))
    problem = cutoff_problem(follow_up(time, np.ones(n)), value, covariates={"size": size})
    whole = best_cutoff(problem, rng=rng(), n_resamples=9)
    monkeypatch.setattr(cutoff, "_MOST", 60)
    thin = best_cutoff(problem, rng=rng(), n_resamples=9)
    assert whole.scan.cutoffs.size > 700
    assert thin.scan.cutoffs.size == 60
    assert set(thin.scan.cutoffs.tolist()) < set(whole.scan.cutoffs.tolist())
    assert (thin.scan.n_below[0], thin.scan.n_below[-1]) == (whole.scan.n_below[0], whole.scan.n_below[-1])
    steps = np.diff(thin.scan.n_below)
    assert steps.max() - steps.min() <= 1
    rows_apart = abs(int((value <= thin.best).sum()) - int((value <= whole.best).sum()))
    assert rows_apart <= 2 * steps.max()
    assert thin.scan.maximum == pytest.approx(whole.scan.maximum, rel=0.02)
