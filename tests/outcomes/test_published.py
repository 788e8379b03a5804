"""Published tables: what contradicts itself is found, what is merely rounded is not."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdrplan.errors import InputError
from hdrplan.outcomes import (
    check_counted_mean,
    check_counts,
    check_mean_sd,
    check_median,
    check_percent,
    check_rates,
    check_ratio,
    check_row,
    cox,
    follow_up,
    hazard_ratio_findings,
    inconsistencies,
    kaplan_meier,
    p_from_interval,
    printed,
    smallest_sd,
)
from hdrplan.outcomes.published import xu2021_checks
from outcomes.reference_data import cox_cases, table


def rules(found):
    return [f.rule for f in found]


def test_the_26_inconsistencies_are_confirmed_by_arithmetic_except_those_of_text():
    rows = inconsistencies()
    assert [r.number for r in rows] == list(range(1, 27))
    assert [r.number for r in rows if r.confirmed is None] == [22, 23, 24, 25]
    assert all(r.confirmed for r in rows if r.confirmed is not None)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, ["lower bound lies above the upper", "1.003", "p 0.010"]),
        (2, ["1.406", "1.929", "0.812", "1.764"]),
        (3, ["106/114, 91/114, 57/114", "39/50, 25/50, 5/50"]),
        (4, ["OS CRLM 47.20, PFS_distant CRLM 19.80, TTP_local HCC 50.13, TTP_distant CRLM 19.80"]),
        (6, ["p 0.005"]),
        (7, ["p 0.710"]),
        (8, ["p 5e-06"]),
        (13, ["21.05 %", "101.0 %"]),
        (14, ["88.00 %", "96 %"]),
        (16, ["0.618", "1.701"]),
        (17, ["115", "47 of 116", "60 of 120"]),
        (18, ["38 of 56 (68 %)"]),
        (20, ["22 and 40 days", "1.84 months"]),
        (21, ["1.2 %", "1.1 %"]),
        (26, ["12-18 weeks"]),
    ],
)
def test_what_is_computed_is_what_the_printed_numbers_imply(number, words):
    for word in words:
        assert word in inconsistencies()[number - 1].computed


def test_table_4_has_no_findings_beyond_those_rows():
    rows = {f.where for f in hazard_ratio_findings()}
    assert rows == {
        "Table 4, U age, PFS_distant", "Table 4, U gender, PFS_distant", "Table 4, U diameter, PFS",
        "Table 4, U diameter, PFS_local", "Table 4, U tumour type, PFS", "Table 4, M age, PFS",
    }  # fmt: skip


@pytest.mark.parametrize(("text", "low", "high"), [("1.02", 1.015, 1.025), ("5", 4.5, 5.5), ("<0.001", -np.inf, 0.001),
                                                   ("84.0 %", 83.95, 84.05), ("−0.5", -0.55, -0.45)])  # fmt: skip
def test_a_printed_number_is_a_range(text, low, high):
    number = printed(text)
    assert (number.low, number.high) == (pytest.approx(low), pytest.approx(high))


@pytest.mark.parametrize("decimals", [2, 3, 4])
@pytest.mark.parametrize("name", ["lesions", "colon", "pbc", "veteran", "kidney"])
def test_a_true_table_raises_nothing(name, decimals):
    data, how = cox_cases()[name]
    event = data["event"] if "event" in data else data["status"]
    fit = cox(follow_up(data.time, event), {c: data[c] for c in how["x"]})
    lower, upper = fit.interval()
    for hr, low, high, p in zip(fit.hazard_ratio, lower, upper, fit.p, strict=True):
        p_text = f"{p:.3f}" if p >= 0.0005 else "<0.001"
        assert not check_ratio("x", f"{hr:.{decimals}f}", f"{low:.{decimals}f}", f"{high:.{decimals}f}", p_text)


@settings(deadline=None)
@given(st.floats(-2, 2), st.floats(0.02, 1.5), st.integers(2, 4))
def test_rounding_alone_never_raises_a_finding(beta, error, decimals):
    numbers = [f"{np.exp(beta + z * error):.{decimals}f}" for z in (0, -1.959964, 1.959964)]
    if float(numbers[1]) == 0:
        return
    p = p_from_interval(np.exp(beta), np.exp(beta - 1.959964 * error), np.exp(beta + 1.959964 * error))
    assert not check_ratio("x", *numbers, f"{p:.4f}")


def test_p_from_interval_is_the_wald_p():
    fit = cox(follow_up(table("veteran").time, table("veteran").status), {"karno": table("veteran").karno})
    low, high = fit.interval()
    assert p_from_interval(fit.hazard_ratio[0], low[0], high[0]) == pytest.approx(fit.p[0], rel=1e-9)


@pytest.mark.parametrize(
    ("numbers", "rule"),
    [
        (("1.013", "1.033", "1.023"), "order of bounds"),
        (("1.30", "1.01", "1.20"), "ratio inside its interval"),
        (("1.10", "1.01", "1.90"), "ratio in the middle of its interval"),
        (("1.50", "1.10", "2.05", "0.40"), "p against interval"),
        (("1.50", "1.10", "2.05", "0.40"), "significance"),
        (("-1.5", "-2.0", "-1.0"), "positive"),
    ],
)
def test_each_rule_of_ratios_finds_its_fault(numbers, rule):
    assert rule in rules(check_ratio("x", *numbers))


def test_percentages_and_parts():
    assert not check_percent("x", 90, 114, "78.9")
    assert not check_percent("x", 106, 114, "92.9")  # 92.98 cut off
    assert "47 of 116" in check_percent("x", 47, 114, "40.5")[0].computed
    assert rules(check_percent("x", 12, 10, "120")) == ["count within total"]
    assert rules(check_counts("x", {"A": 45, "B": 60, "C": 10}, 114)) == ["parts add up"]
    assert not check_counts("x", {"A": 1, "B": 2}, 3)


@settings(deadline=None)
@given(st.lists(st.integers(1, 6), min_size=2, max_size=30))
def test_the_smallest_sd_is_never_above_a_real_one(counts):
    values = np.array(counts)
    ones = int((values == 1).sum())
    least = smallest_sd(values.size, int(values.sum()), n_ones=ones)
    assert least <= values.std(ddof=1) + 1e-12
    printed_values = "x", values.size, f"{values.mean():.2f}", f"{values.std(ddof=1):.2f}"
    assert not check_counted_mean(*printed_values, total=int(values.sum()), n_ones=ones)
    assert not check_mean_sd(*printed_values, minimum=float(values.min()), maximum=float(values.max()))


def test_means_and_sds_that_cannot_be():
    assert rules(check_counted_mean("x", 50, "1.62", "1.00", total=81, n_ones=44)) == ["SD is possible"]
    assert rules(check_counted_mean("x", 20, "3.50", "1.0", total=71)) == ["mean against total"]
    assert rules(check_mean_sd("x", 20, "12", "1.0", minimum=1, maximum=10)) == ["mean within range"]
    assert rules(check_mean_sd("x", 20, "5", "9.0", minimum=1, maximum=10)) == ["SD is possible"]
    with pytest.raises(InputError, match="no whole numbers"):
        smallest_sd(3, 4, n_ones=1)


def test_medians_and_rates():
    assert rules(check_median("x", "47.20", "2.01", "47.20")) == ["median at the last observation"]
    assert rules(check_median("x", "50", "2", "47")) == ["median within range"]
    assert not check_median("x", "11.30", "1.33", "35.37")
    assert rules(check_rates("x", ("80", "85"), 100)) == ["rates fall"]
    lung = table("lung")
    curve = kaplan_meier(follow_up(lung.time, lung.status))
    rates = [f"{100 * s:.1f}" for s in curve.survival_at([180, 365, 540])]
    assert not check_rates("lung", rates, curve.n, n_events=curve.n_events)


def test_a_row_is_checked_by_what_it_holds():
    row = {
        "ratio": "1.013",
        "lower": "1.033",
        "upper": "1.023",
        "p": "",
        "count": "24",
        "total": "114",
        "percent": "22.1",
    }
    assert {"order of bounds", "percent against count"} <= set(rules(check_row(row, "x")))
    with pytest.raises(InputError, match="digits with a decimal point"):
        check_row({"ratio": "1,02", "lower": "1", "upper": "2"}, "x")


@pytest.mark.parametrize(
    ("percent", "total"), [("45.0", None), ("45.5", 110), ("55.6", 90), ("56.2", None), ("50.5", 99), ("49.5", 101)]
)
def test_the_total_that_would_fit_is_looked_for_up_to_ten_away(percent, total):
    """50 of 100: 45.0 % is 50 of 111 and 56.2 % 50 of 89, both too far to be a slip."""
    (finding,) = check_percent("x", 50, 100, percent)
    assert (f"would be 50 of {total}" in finding.computed) == (total is not None)
    assert ("would be" in finding.computed) == (total is not None)


def test_a_row_of_counts_is_held_against_its_sum_where_it_has_one():
    row = {"n": "20", "mean": "3.50", "sd": "1.0"}
    assert not check_row(row, "x")
    assert rules(check_row(row | {"sum": "71"}, "x")) == ["mean against total"]
    assert not check_row(row | {"sum": "70"}, "x")


def test_a_claim_about_two_tests_fails_where_they_agree(monkeypatch):
    """The log-rank and the Cox test of one table should differ a little; a table that repeats one of them would not."""
    real = xu2021_checks.paper()
    assert xu2021_checks._logrank_and_cox().confirmed
    for endpoint in ("PFS", "PFS_local", "PFS_distant"):
        same = real.logrank_p | {endpoint: real.univariate["tumour type"][endpoint][3]}
        copied = SimpleNamespace(logrank_p=same, univariate=real.univariate)
        monkeypatch.setattr(xu2021_checks, "paper", lambda copied=copied: copied)
        assert not xu2021_checks._logrank_and_cox().confirmed
