"""Published tables: what contradicts itself is found, what is merely rounded is not."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdrplan.errors import InputError
from hdrplan.outcomes import (
    check_columns,
    check_component,
    check_counted_mean,
    check_counts,
    check_mean_sd,
    check_median,
    check_nested,
    check_percent,
    check_rates,
    check_ratio,
    check_row,
    check_share,
    check_subset,
    check_whole_mean,
    cox,
    events_from_interval,
    follow_up,
    hazard_ratio_findings,
    inconsistencies,
    kaplan_meier,
    p_from_interval,
    printed,
    smallest_sd,
    unchecked,
)
from hdrplan.outcomes.published import xu2021, xu2021_checks
from hdrplan.outcomes.published.verdicts import Verdict
from outcomes.reference_data import cox_cases, table


def rules(found):
    return [f.rule for f in found]


def test_the_inconsistencies_are_confirmed_by_arithmetic_except_those_that_it_does_not_decide():
    rows = inconsistencies()
    assert [r.number for r in rows] == list(range(1, 36))
    # 9 to 11, 15, 22 to 26 are words; 12, 34 and 35 are unlikely, but can be true.
    assert [r.number for r in rows if r.confirmed is None] == [9, 10, 11, 12, 15, 22, 23, 24, 25, 26, 34, 35]
    assert all(r.confirmed for r in rows if r.confirmed is not None)


def test_what_arithmetic_does_not_decide_still_has_to_be_printed_so(monkeypatch):
    calm = xu2021.Claim(title="", check="calm", decided=False, printed="", computed=None, instead="")
    monkeypatch.setattr(xu2021, "CHECKS", {"calm": lambda: Verdict(False, "they agree")})
    assert xu2021._checked(1, calm).confirmed is False


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
        (27, ["1.60 against 1.33 (TTP_local) and 1.33 (TTP_distant)"]),
        (28, ["1.33 lies outside 1.60"]),
        (29, ["35.67 against 33.23"]),
        (30, ["19.80 against 19.30"]),
        (31, ["0.716"]),
        (32, ["p 0.0002"]),
        (
            33,
            ["97/114 = 85.088 is printed 85.09", "106/114 = 92.982 is printed 92.9", "142/114 = 1.246 is printed 1.24"],
        ),
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
    assert not check_ratio("x", *numbers, f"{p:.4f}" if p >= 0.00005 else "<0.0001")


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
        (("1.50", "1.10", "2.05", "0.000"), "p above zero"),
    ],
)
def test_each_rule_of_ratios_finds_its_fault(numbers, rule):
    assert rule in rules(check_ratio("x", *numbers))


def test_bounds_that_only_stand_in_the_wrong_order_are_one_finding():
    (finding,) = check_ratio("x", "1.50", "2.05", "1.10", "0.012")
    assert finding.rule == "order of bounds"
    assert finding.computed.endswith("exchanged, they agree with the ratio")
    assert len(check_ratio("x", "1.013", "1.033", "1.023", "0.014")) == 2, "exchanged, they do not hold the ratio"


def test_a_hazard_ratio_of_two_groups_needs_its_events():
    """The information of a binary covariate is at most a quarter an event: 4 / SE^2 events at least."""
    found = check_ratio("x", "1.50", "1.10", "2.05", n_events=100)
    assert rules(found) == ["events for the interval"]
    assert "needs 156 events" in found[0].computed
    assert not check_ratio("x", "1.50", "1.10", "2.05", n_events=160)
    for name in ("veteran", "lung"):
        data = table(name)
        binary = (data.trt == 2) if name == "veteran" else (data.sex == 2)
        fit = cox(follow_up(data.time, data.status == np.max(data.status)), {"x": binary.astype(float)})
        (low,), (high,) = fit.interval()
        assert events_from_interval(low, high) <= np.count_nonzero(data.status == np.max(data.status))


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=40))
def test_real_whole_numbers_pass_grim_and_grimmer(values):
    n, mean, sd = len(values), np.mean(values), np.std(values, ddof=1)
    for decimals in (1, 2, 3):
        assert not check_whole_mean("x", n, f"{mean:.{decimals}f}", f"{sd:.{decimals}f}")
        assert not check_share("x", n * 9, f"{100 * sum(values) / (9 * n):.{decimals}f}")


def test_means_sds_and_percentages_that_no_whole_numbers_have():
    # 28 x 5.19 = 145.32: the example of Brown and Heathers.
    assert rules(check_whole_mean("x", 28, "5.19")) == ["mean of whole numbers"]
    # 31 of 25 is 1.24 and printed so, not 1.23; 30 is 1.20. Cut off, 1.236 may be printed as 1.23.
    assert rules(check_whole_mean("x", 25, "1.23")) == ["mean of whole numbers"]
    assert not check_whole_mean("x", 25, "1.24")
    assert not check_whole_mean("x", 250, "1.23")
    assert rules(check_share("x", 8, "37.4")) == ["percent of a denominator"]  # 3 of 8 is 37.5
    assert rules(check_share("x", 20, "33.3")) == ["percent of a denominator"]
    assert "6/20 is 30.00 % and 7/20 35.00 %" in check_share("x", 20, "33.3")[0].computed
    # 1,006 of 1,000 would be a whole number.
    assert rules(check_share("x", 1000, "100.6")) == ["percent of a denominator"]
    with pytest.raises(InputError, match="one unit or more"):
        check_share("x", 0, "50")
    with pytest.raises(InputError, match="one unit or more"):
        check_whole_mean("x", 0, "5")


@pytest.mark.parametrize(("n", "top"), [(3, 5), (4, 4), (5, 3)])
def test_grimmer_refuses_no_sd_that_exists_and_some_that_do_not(n, top):
    """All samples of n whole numbers up to top: what is refused is of none of them."""
    real = {
        (f"{np.mean(v):.3f}", f"{np.std(v, ddof=1):.3f}")
        for v in itertools.combinations_with_replacement(range(top + 1), n)
    }
    refused = 0
    for mean in {m for m, _ in real}:
        for sd in np.arange(0.0, top, 0.05):
            pair = (mean, f"{sd:.3f}")
            found = check_whole_mean("x", n, *pair)
            assert not (found and pair in real), pair
            refused += bool(found)
    assert refused > 50


def test_nested_endpoints_and_groups():
    ttp, local = (
        {"minimum": "1.60", "median": "12", "maximum": "35"},
        {"minimum": "1.33", "median": "10", "maximum": "40"},
    )
    assert [f.printed.split()[0] for f in check_component("x", ttp, local)] == ["minimum", "median"]
    assert not check_component("x", local, local)
    assert [f.printed.split()[0] for f in check_subset("x", ttp, local)] == ["minimum", "maximum"]
    assert not check_subset("x", local, ttp | {"maximum": "39.9"})
    rows = {"TTP": ttp, "TTP_local": local | {"component_of": "TTP"}, "first": local | {"subset_of": "TTP"}}
    assert len(check_nested(rows)) == 4
    with pytest.raises(InputError, match="component_of must name a row"):
        check_nested({"a": local | {"component_of": "b"}})


def test_columns_that_no_check_reads_are_refused_with_the_nearest_names():
    with pytest.raises(InputError, match="HR -> ratio, CI low -> lower, CI high -> upper"):
        check_columns(("HR", "CI low", "CI high", "p"))
    with pytest.raises(InputError, match="medain -> median"):
        check_columns(("row", "medain", "minimum", "maximum"))
    with pytest.raises(InputError, match="got percent"):
        check_columns(("ratio", "lower", "upper", "percent"))
    with pytest.raises(InputError, match="expected columns to check"):
        check_columns(("row", "ratio", "p"))
    check_columns(("row", "ratio", "interval", "p"))


def test_an_interval_stands_for_its_bounds_and_a_bound_is_no_interval():
    assert rules(check_row({"ratio": "1.5", "interval": "2.05-1.10"}, "x")) == ["order of bounds"]
    for text in ("1.10-2.05", "1.10\u20132.05", "(1.10, 2.05)", "1.10 to 2.05", "[1.10; 2.05]"):
        assert not check_row({"ratio": "1.5", "interval": text}, "x")
    for wrong in ({"ratio": "1.5", "lower": "1.10-2.05", "upper": "2.05"}, {"ratio": "1", "interval": "1.10"}):
        with pytest.raises(InputError):
            check_row(wrong, "x")
    assert unchecked({"row": "a", "ratio": "1.5", "lower": "1.1", "upper": "", "p": "0.01"}) == ("ratio", "lower", "p")
    assert unchecked({"ratio": "1.5", "interval": "1.1-2", "p": "0.01"}) == ()


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


def test_both_bounds_in_the_cell_of_the_lower_one_are_an_interval():
    row = {"row": "HR", "ratio": "1.5", "lower": "1.10-2.05", "p": "0.03"}
    assert check_row(row, "HR") == check_row({"row": "HR", "ratio": "1.5", "interval": "1.10-2.05", "p": "0.03"}, "HR")
    assert rules(check_row(row, "HR")) == ["p against interval"]
    assert not unchecked(row)


@pytest.mark.parametrize("more", [{}, {"sum": "0"}, {"whole": "yes"}])
@pytest.mark.parametrize("n", ["0", "-3"])
def test_a_mean_of_nothing_is_refused(n, more):
    with pytest.raises(InputError, match="one unit or more"):
        check_row({"n": n, "mean": "2", "sd": "0.5"} | more, "x")


def test_the_smallest_sd_of_a_whole_nation_takes_no_list_of_its_people():
    values = [1] * 30 + [3] * 10 + [2] * 60
    assert smallest_sd(100, sum(values), n_ones=30) == pytest.approx(np.std(values, ddof=1), rel=1e-12)
    assert smallest_sd(10**15, 2 * 10**15 + 10**14, n_ones=0) == pytest.approx(0.3, rel=1e-6)
    assert smallest_sd(1, 4) == 0.0
