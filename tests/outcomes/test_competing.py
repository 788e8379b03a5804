"""Competing risks against R and by their properties."""

import numpy as np
import pytest

from hdrplan.errors import InfeasibleError, InputError
from hdrplan.outcomes import (
    aalen_johansen,
    competing_risks,
    cox,
    fine_gray,
    follow_up,
    gray_test,
    kaplan_meier,
    subdistribution,
)
from hdrplan.outcomes.product_limit import product_limit_errors
from naive.survival import aalen_variance
from outcomes.reference_data import numbers, r_numbers, table
from tolerances import R_COX, R_CURVE, R_FRAILTY, ROUNDOFF


def data_of(name):
    data = table(name)
    return (data.etime, data.cause) if name == "mgus2" else (data.time, data.status)


@pytest.mark.parametrize("name", sorted(r_numbers()["aj"]))
def test_incidence_agrees_with_r(name):
    reference, curve = r_numbers()["aj"][name], aalen_johansen(competing_risks(*data_of(name)))
    at = np.searchsorted(curve.time, reference["time"])
    np.testing.assert_array_equal(curve.at_risk[at], reference["n_risk"])
    np.testing.assert_allclose(curve.incidence[at], numbers(reference["incidence"]), atol=R_CURVE, rtol=0)
    np.testing.assert_allclose(curve.std_err[at], numbers(reference["std_err"]), atol=R_CURVE, rtol=0)
    some = curve.incidence[at] > 0
    for field in ("lower", "upper"):
        np.testing.assert_allclose(getattr(curve, field)[at][some], numbers(reference[field])[some], atol=R_CURVE)


def test_incidences_and_survival_add_up_to_one():
    curve = aalen_johansen(competing_risks(*data_of("lesions")))
    np.testing.assert_allclose(curve.incidence.sum(axis=1) + curve.survival, 1, atol=ROUNDOFF)


def test_one_cause_alone_is_one_minus_kaplan_meier():
    data = table("lesions")
    one = aalen_johansen(competing_risks(data.time, data.status == 1, censored=False, cluster=data.patient))
    km = kaplan_meier(follow_up(data.time, data.status == 1, cluster=data.patient))
    np.testing.assert_allclose(one.incidence[:, 0], 1 - km.survival, atol=ROUNDOFF)
    np.testing.assert_allclose(one.std_err[:, 0], km.std_err, atol=ROUNDOFF)


def naive_incidence(time, cause, weight, until):
    survival, incidence = 1.0, 0.0
    for t in np.unique(time[time <= until]):
        at_risk = weight[time >= t].sum()
        incidence += survival * weight[(time == t) & (cause == 1)].sum() / at_risk
        survival *= 1 - weight[(time == t) & (cause > 0)].sum() / at_risk
    return incidence


def test_error_by_patient_is_the_numerical_derivative():
    # R's survfit leaves ``cluster`` out of account for several states, so the check is the definition itself.
    data = table("lesions")
    time, cause, patient = (data[c].to_numpy() for c in ("time", "status", "patient"))
    step = 1e-6
    base = naive_incidence(time, cause, np.ones(time.size), 400)
    moved = [naive_incidence(time, cause, 1 + step * (patient == p), 400) for p in np.unique(patient)]
    want = np.sqrt((((np.array(moved) - base) / step) ** 2).sum())
    curve = aalen_johansen(competing_risks(time, cause, cluster=patient))
    assert curve.std_err[np.searchsorted(curve.time, 400, side="right") - 1, 0] == pytest.approx(want, rel=1e-4)


def test_no_event_is_refused():
    with pytest.raises(InputError, match="at least one event"):
        aalen_johansen(competing_risks([1, 2], [0, 0]))


@pytest.mark.parametrize("name", sorted(r_numbers()["gray"]))
def test_gray_test_agrees_with_r(name):
    words = name.split()
    data = table(words[0])
    data = data.dropna(subset=[words[1]])
    time, cause = (data.etime, data.cause) if words[0] == "mgus2" else (data.time, data.status)
    strata = data.diameter_mm > 30 if "strata" in words else None
    for of, (statistic, p, df) in zip((1, 2), r_numbers()["gray"][name], strict=True):
        result = gray_test(
            competing_risks(time, cause), data[words[1]], of=of, strata=strata, rho=1.0 * ("rho" in words)
        )
        assert result.test.statistic == pytest.approx(statistic, abs=R_CURVE)
        assert (result.p, result.test.df) == (pytest.approx(p, abs=R_CURVE), df)


def fine_gray_case(name):
    if name == "mgus2":
        data = table("mgus2").dropna(subset=["hgb", "mspike"])
        x = {"age": data.age, "male": data.sex.eq("M") * 1.0, "hgb": data.hgb, "mspike": data.mspike}
        return data.etime, data.cause, x, 1
    if name == "pbc":
        data = table("pbc").dropna(subset=["age", "edema", "bili", "albumin", "protime"])
        return data.time, data.status, {"age": data.age, "edema": data.edema, "log_bili": np.log(data.bili)}, 2
    data = table("lesions")
    x = {c: data[c] for c in ("d100_gy", "diameter_mm", "crlm", "age_years")}
    return data.time, data.status, x, 2 if "death" in name else 1


@pytest.mark.parametrize("name", sorted(r_numbers()["fine_gray"]))
def test_fine_gray_agrees_with_r(name):
    time, cause, x, of = fine_gray_case(name)
    fit, reference = fine_gray(competing_risks(time, cause), x, of=of), r_numbers()["fine_gray"][name]
    np.testing.assert_allclose(fit.coef, reference["coef"], atol=R_COX, rtol=0)
    np.testing.assert_allclose(fit.se, reference["se"], rtol=R_FRAILTY)
    np.testing.assert_allclose(fit.se, reference["se"], rtol=R_COX)  # and in fact to this
    assert (fit.loglik, fit.loglik_null) == pytest.approx((reference["loglik"], reference["loglik_null"]))


def test_fine_gray_without_competing_events_is_the_cox_model_with_sandwich_errors():
    data = table("lesions")
    event = (data.status == 1).astype(int)
    x = {"d100": data.d100_gy, "crlm": data.crlm}
    rows = follow_up(data.time, event, cluster=data.patient)
    model = fine_gray(competing_risks(data.time, event, cluster=data.patient), x)
    cause = cox(rows, x, ties="breslow")
    np.testing.assert_allclose(model.coef, cause.coef, atol=1e-10)
    np.testing.assert_allclose(model.se, cause.robust_se, atol=1e-10)


def test_clustered_fine_gray_counts_patients():
    time, cause, x, of = fine_gray_case("lesions")
    data = table("lesions")
    fit = fine_gray(competing_risks(time, cause, cluster=data.patient), x, of=of)
    plain = fine_gray(competing_risks(time, cause), x, of=of)
    np.testing.assert_array_equal(fit.coef, plain.coef)
    assert fit.n_clusters == data.patient.nunique()
    # a lesion copied within its patient carries nothing new
    twice = competing_risks(*(np.repeat(np.asarray(c), 2) for c in (time, cause)), cluster=np.repeat(data.patient, 2))
    doubled = fine_gray(twice, {k: np.repeat(np.asarray(v), 2) for k, v in x.items()})
    np.testing.assert_allclose(doubled.se, fit.se, rtol=1e-8)


def test_cause_that_never_happens_is_refused():
    with pytest.raises(InputError, match="must happen at least once"):
        gray_test(competing_risks([1, 2, 3], [2, 2, 0]), ["a", "b", "a"])
    with pytest.raises(InfeasibleError, match="no finite estimate"):
        fine_gray(competing_risks([1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 2, 0]), {"x": [1, 1, 1, 0, 0, 0]})


def test_a_stratum_without_events_says_nothing_about_groups():
    # the third stratum holds two censored rows; it crashed before
    time, cause, group = [1, 2, 3, 4, 5, 6], [1, 2, 1, 1, 0, 0], ["a", "b", "a", "b", "a", "b"]
    with_it = gray_test(competing_risks(time, cause), group, strata=[1, 1, 1, 1, 2, 2])
    without = gray_test(competing_risks(time[:4], cause[:4]), group[:4])
    assert with_it.test == without.test


@pytest.mark.parametrize("model", [lambda r: gray_test(r, ["a", "b", "a"]), lambda r: fine_gray(r, {"x": [1, 2, 1]})])
def test_late_entry_is_refused_where_it_is_not_known(model):
    with pytest.raises(InputError, match="under observation from the start"):
        model(competing_risks([2, 3, 4], [1, 1, 0], entry=[0, 1, 1]))


def test_a_group_in_which_a_cause_never_happens_reports_it_as_zero():
    curve = aalen_johansen(competing_risks([1, 2, 3], [0, 0, 0], causes=(1, 2)))
    assert curve.incidence.tolist() == [[0, 0]] * 3
    assert curve.survival.tolist() == [1, 1, 1]
    with pytest.raises(InputError, match="must be named"):
        aalen_johansen(competing_risks([1, 2], [1, 3], causes=(1, 2)))


def test_events_that_carry_no_information_give_no_test():
    assert np.isnan(gray_test(competing_risks([5, 5, 5], [1, 1, 1]), ["a", "b", "b"]).p)


def random_risks(seed, n, *, late, clustered):
    """Tied times, two causes, late entry and clusters."""
    rng = np.random.default_rng(seed)
    time = rng.integers(1, n // 2, n).astype(float)
    entry = np.where(rng.random(n) < 0.3, time - rng.integers(1, 6, n), -np.inf) if late else None
    cluster = rng.integers(0, n // 3, n) if clustered else None
    return competing_risks(time, rng.choice([0, 1, 2], n, p=[0.3, 0.4, 0.3]), entry=entry, cluster=cluster)


def errors_time_by_time(risks, times):
    """Errors by the plain recursion over times, with the change of every cluster in hand: n^2 steps."""
    rows, of_cause = risks.rows, risks.of_cause
    n_clusters = rows.owner.max() + 1
    survival, d_survival, d_incidence = 1.0, np.zeros(n_clusters), np.zeros((n_clusters, of_cause.shape[1]))
    of_survival, of_incidence = [], []
    for t in times:
        under = (rows.time >= t) & (rows.entry < t)
        here = of_cause * (rows.time == t)[:, None]
        hazard = here.sum(axis=0) / max(under.sum(), 1)
        d_hazard = np.zeros_like(d_incidence)
        np.add.at(d_hazard, rows.owner, (here - under[:, None] * hazard) / max(under.sum(), 1))
        d_incidence = d_incidence + d_survival[:, None] * hazard + survival * d_hazard
        d_survival = d_survival * (1 - hazard.sum()) - survival * d_hazard.sum(axis=1)
        survival *= 1 - hazard.sum()
        of_survival.append(np.sqrt((d_survival**2).sum()))
        of_incidence.append(np.sqrt((d_incidence**2).sum(axis=0)))
    return np.array(of_survival), np.array(of_incidence)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_errors_are_those_of_the_recursion_over_times(seed, late, clustered):
    risks = random_risks(seed, 90, late=late, clustered=clustered)
    times = np.unique(risks.rows.time)
    for got, plain in zip(product_limit_errors(risks.rows, risks.of_cause, times),
                          errors_time_by_time(risks, times), strict=True):  # fmt: skip
        np.testing.assert_allclose(got, plain, atol=1e-12)


def test_a_single_cluster_has_no_error():
    risks = competing_risks([1, 2, 3, 4], [1, 2, 0, 1], cluster=["a"] * 4)
    survival, incidence = product_limit_errors(risks.rows, risks.of_cause, np.arange(1.0, 5.0))
    assert max(survival.max(), incidence.max()) < 1e-8


def test_the_weights_of_fine_and_gray_are_those_of_the_full_table():
    """Sums over risk sets, in n log n steps, against weights written out for every row and time."""
    risks = random_risks(5, 80, late=False, clustered=False)
    rows, wanted = risks.rows, risks.had(1)
    x = np.random.default_rng(6).normal(size=(rows.n, 2))
    sets = subdistribution._WeightedRiskSets.of(rows, wanted, x)
    gone = rows.time[:, None] < sets.times[None, :]
    g_own = subdistribution._uncensored(rows.time, ~rows.event, rows.time)
    kept = np.where((rows.event & ~wanted)[:, None] & gone, sets.g[None, :] / g_own[:, None], 0.0)
    weight = np.where(gone, kept, 1.0)
    np.testing.assert_allclose(sets.over_rows(x), weight.T @ x, atol=1e-12)
    per_time = np.random.default_rng(7).normal(size=(sets.times.size, 3))
    np.testing.assert_allclose(sets.over_times(per_time), weight @ per_time, atol=1e-12)


def test_fifty_thousand_rows_with_a_time_each_fit_in_memory():
    """A table of rows and times would be 20 GB."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=50_000)
    time = rng.exponential(np.exp(-0.5 * x))
    risks = competing_risks(time, rng.choice([0, 1, 2], 50_000))
    curve = aalen_johansen(risks)
    assert curve.time.size > 49_000
    assert fine_gray(risks, {"x": x}).coef[0] > 0


@pytest.mark.parametrize("seed", range(4))
def test_aalen_errors_are_the_twin(seed):
    rng = np.random.default_rng(seed)
    time, cause = rng.integers(1, 9, 30), rng.integers(0, 3, 30)
    curve = aalen_johansen(competing_risks(time, cause), errors="aalen")
    for k, t in enumerate(curve.time):
        twin = [aalen_variance(time, cause, of, t) for of in (1, 2)]
        np.testing.assert_allclose(curve.std_err[k] ** 2, twin, atol=1e-14)


def test_aalen_errors_of_one_cause_without_ties_have_a_closed_form():
    """All n fail, one after the other: the variance of the incidence is S(t)^2 / n^2 times the sum of 1 / S(u)^2."""
    n = 12
    curve = aalen_johansen(competing_risks(np.arange(1, n + 1), np.ones(n)), errors="aalen")
    left = 1 - np.arange(1, n) / n
    want = left**2 / n**2 * np.cumsum(1 / left**2)
    np.testing.assert_allclose(curve.std_err[:-1, 0] ** 2, want, rtol=1e-10)
    # nobody is left after the last one, whose draw is certain but for its own term
    assert curve.std_err[-1, 0] == pytest.approx(1 / n, rel=1e-10)


def test_aalen_errors_are_refused_for_what_they_do_not_know():
    with pytest.raises(InputError, match="independent"):
        aalen_johansen(competing_risks([1, 2, 3], [1, 2, 0], cluster=[1, 1, 2]), errors="aalen")
    with pytest.raises(InputError, match="late entry"):
        aalen_johansen(competing_risks([1, 2, 3], [1, 2, 0], entry=[0, 1, 1]), errors="aalen")
