"""The arithmetic that decides each inconsistency of Xu et al. 2021."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import scipy

from hdrplan.outcomes.published.counts import check_counted_mean, check_counts, check_percent, smallest_sd
from hdrplan.outcomes.published.printed_numbers import Finding, printed
from hdrplan.outcomes.published.ratios import check_ratio, p_from_interval
from hdrplan.outcomes.published.times import check_median, check_rates
from hdrplan.outcomes.published.verdicts import Verdict
from hdrplan.outcomes.published.xu2021_paper import paper
from hdrplan.outcomes.published.xu2021_times import component_check, rounding_check, subset_check

__all__ = ["CHECKS"]

_DAYS_PER_MONTH = 365.25 / 12.0


def _joined(findings: tuple[Finding, ...]) -> str:
    return "; ".join(f.computed for f in findings)


def _of_table_4(covariate: str, endpoint: str, rules: set[str]) -> tuple[Finding, ...]:
    return tuple(f for f in check_ratio(covariate, *paper().univariate[covariate][endpoint]) if f.rule in rules)


def _ratio_text(covariate: str, endpoint: str) -> str:
    hr, low, high, p = paper().univariate[covariate][endpoint]
    return f"HR {hr} ({low}-{high}), p {p}"


def _median(endpoint: str, kind: str) -> str:
    median = paper().times[endpoint][kind].median
    assert median is not None, "reached where it is asked for"
    return median


def _bounds() -> Verdict:
    findings = _of_table_4("diameter", "PFS_local", {"order of bounds", "ratio inside its interval"})
    hr, _, high, _ = paper().univariate["diameter"]["PFS_local"]
    p = p_from_interval(float(hr), float(hr) ** 2 / float(high), float(high))
    return Verdict(len(findings) == 2, f"{_joined(findings)} (p {p:.3f})", _ratio_text("diameter", "PFS_local"))


def _direction() -> Verdict:
    """Compare each hazard ratio of tumour type with the medians; of exponential times the ratio is that of medians."""
    texts, sides = [], {}
    for endpoint in ("PFS", "PFS_local", "PFS_distant"):
        hcc, crlm = _median(endpoint, "HCC"), _median(endpoint, "CRLM")
        expected = float(hcc) / float(crlm)  # CRLM against HCC
        hr = float(paper().univariate["tumour type"][endpoint][0])
        sides[endpoint] = (hr > 1) == (expected > 1)
        harmonised = hr if sides[endpoint] else 1 / hr
        reading = "CRLM against HCC" if sides[endpoint] else "HCC against CRLM"
        texts.append(f"{endpoint} {hr:g} is {reading} (medians {hcc} and {crlm}): {harmonised:.3f}")
    together = float(paper().multivariate["tumour type"]["PFS"][0])
    texts.append(f"multivariate PFS {together:g}: {1 / together:.3f}")
    return Verdict(len(set(sides.values())) == 2, "; ".join(texts))


def _os_rates() -> Verdict:
    hcc = check_rates("HCC", ("92.9", "79.8", "50.0"), paper().n_hcc, n_events=23, median_reached=False)
    crlm = check_rates("CRLM", ("78.0", "50.0", "10.0"), paper().n_crlm, n_events=9)
    both = {f.rule for f in hcc} >= {"rates are numbers at risk", "rate against median"}
    confirmed = both and "rates are numbers at risk" in {f.rule for f in crlm}
    return Verdict(confirmed, f"HCC: {_joined(hcc)}; CRLM: {_joined(crlm)}")


def _last_medians() -> Verdict:
    at_end = []
    for endpoint, row in paper().times.items():
        for kind, times in row.items():
            if times.median is None:
                continue
            if any("last" in f.rule for f in check_median("", times.median, times.minimum, times.maximum)):
                at_end.append(f"{endpoint} {kind} {times.median}")
    return Verdict(len(at_end) == 4, f"the median equals the largest time: {', '.join(at_end)}")


def _ttp_beyond_os() -> Verdict:
    longest, os_longest = (float(paper().times[e]["HCC"].maximum) for e in ("TTP_local", "OS"))
    return Verdict(
        longest > os_longest,
        f"TTP is counted from the origin of OS or later, but {longest:g} > {os_longest:g}",
        f"largest TTP_local {longest:g}, largest OS {os_longest:g} months",
    )


def _off_centre() -> Verdict:
    findings = _of_table_4("tumour type", "PFS", {"ratio in the middle of its interval"})
    return Verdict(bool(findings), _joined(findings), _ratio_text("tumour type", "PFS"))


def _p_of_age_together() -> Verdict:
    hr, low, high, p = paper().multivariate["age"]["PFS"]
    findings = tuple(f for f in check_ratio("age", hr, low, high, p) if f.rule == "p against interval")
    return Verdict(bool(findings), _joined(findings), f"HR {hr} ({low}-{high}), p {p}")


def _implied_p(covariate: str, endpoint: str) -> Callable[[], Verdict]:
    def check() -> Verdict:
        findings = _of_table_4(covariate, endpoint, {"p against interval"})
        return Verdict(bool(findings), _joined(findings), _ratio_text(covariate, endpoint))

    return check


def _confirmed_by_multivariate() -> Verdict:
    before, after = (rows["diameter"]["PFS"][3] for rows in (paper().univariate, paper().multivariate))
    return Verdict(
        float(before) < 0.05 < float(after),
        f"p {before} < 0.05 but {after} > 0.05: it is no longer significant",
        f"diameter p {before} alone, {after} together",
    )


def _called_significant() -> Verdict:
    values = [paper().univariate["tumour type"]["PFS"][3], paper().univariate["age"]["PFS_local"][3]]
    return Verdict(
        all(0.05 < float(v) < 0.1 for v in values),
        "both lie between 0.05 and the level of selection, 0.1",
        f"p {values[0]} and p {values[1]}",
    )


def _only_predictor() -> Verdict:
    chosen = [c for c, row in paper().univariate.items() if float(row["PFS_distant"][3]) < 0.1]
    fitted = any("PFS_distant" in row for row in paper().multivariate.values())
    computed = (
        f"p < 0.1 chooses {', '.join(chosen)} alone: no multivariate model was fitted, so independence was not tested"
    )
    return Verdict(chosen == ["age"] and not fitted, computed)


def _logrank_and_cox() -> Verdict:
    texts, far = [], []
    for endpoint in ("PFS", "PFS_local", "PFS_distant"):
        logrank, cox = paper().logrank_p[endpoint], paper().univariate["tumour type"][endpoint][3]
        z = [float(scipy.stats.norm.isf(float(v) / 2.0)) for v in (logrank, cox)]
        far.append(not math.isclose(*z, rel_tol=0.02))
        texts.append(f"{endpoint} {logrank} and {cox}: z {z[0]:.2f} and {z[1]:.2f}")
    return Verdict(all(far), "; ".join(texts))


def _sex() -> Verdict:
    findings = check_percent("female", 24, 114, "22.1")
    return Verdict(bool(findings), f"{_joined(findings)}; printed sum {78.9 + 22.1:.1f} %")


def _focality() -> Verdict:
    findings = check_percent("unifocal", 44, 50, "84.0")
    confirmed = bool(findings) and not check_percent("multifocal", 6, 50, "12.0")
    return Verdict(confirmed, f"{_joined(findings)}; printed sum {84.0 + 12.0:.0f} %")


def _same_variable() -> Verdict:
    multifocal, repeated = ((17, "14.91"), (6, "12.0")), ((17, "14.9"), (6, "12.0"))
    same = all(
        a == b and printed(p).high >= printed(q).low and printed(p).low <= printed(q).high
        for (a, p), (b, q) in zip(multifocal, repeated, strict=True)
    )
    return Verdict(same, "counts and percentages are the same: probably one variable was printed in place of the other")


def _lesion_sd() -> Verdict:
    rows = (("HCC", 114, 142, 97, "1.24", "0.50"), ("CRLM", 50, 81, 44, "1.62", "1.00"))
    n_findings, texts = 0, []
    for name, n, total, ones, mean, sd in rows:
        findings = check_counted_mean(name, n, mean, sd, total=total, n_ones=ones)
        n_findings += len(findings)
        # The more patients have several lesions, the smaller the SD can be: how many must there be?
        needed = next(k for k in range(1, n) if total - (n - k) >= 2 * k and _reaches(n, total, n - k, sd))
        texts.append(
            f"{name}: {_joined(findings)}, but {sd} is printed; this needs {needed} patients with several lesions, but "
            f"{n - ones} are printed"
        )
    return Verdict(n_findings == 2, "; ".join(texts))


def _reaches(n: int, total: int, ones: int, sd: str) -> bool:
    return smallest_sd(n, total, n_ones=ones) <= printed(sd).high


def _denominators() -> Verdict:
    stages = check_counts("BCLC", {"A": 45, "B": 60, "C": 10}, 114)
    percents = [f for n, p in ((45, "38.4"), (60, "50.0"), (10, "11.6")) for f in check_percent("BCLC", n, 114, p)]
    cirrhosis = check_percent("cirrhosis", 47, 114, "40.5")
    return Verdict(
        bool(stages) and len(percents) == 3 and bool(cirrhosis),
        f"{_joined(stages)}; percentages: {_joined(tuple(percents))}; cirrhosis: {_joined(cirrhosis)}",
    )


def _progression_at_3_months() -> Verdict:
    share = (19 + 19) / 56
    median = float(_median("TTP", "CRLM"))
    return Verdict(
        share > 0.5 and median > 3,
        f"if these are new each time, {19 + 19} of 56 ({100 * share:.0f} %) progressed by 3 months, but the median TTP "
        f"is {median:g} months; if they are cumulative, nobody progressed in between",
    )


def _followed_on() -> Verdict:
    local, any_ = (float(paper().times[e]["HCC"].maximum) for e in ("PFS_local", "PFS"))
    return Verdict(
        local > any_,
        f"local follow-up continues for {local - any_:.1f} months after the last PFS time",
        f"largest PFS_local {local:g}, largest PFS {any_:g} months (HCC)",
    )


def _early_times() -> Verdict:
    days = [float(m) * _DAYS_PER_MONTH for m in ("0.73", "1.33")]
    first = 56 / _DAYS_PER_MONTH
    return Verdict(max(days) < 56, f"{days[0]:.0f} and {days[1]:.0f} days; 8 weeks are 56 days or {first:.2f} months")


def _complications() -> Verdict:
    rates = [100 * 2 / n for n in (164, 187)]
    return Verdict(min(rates) > 1.0, f"2/164 = {rates[0]:.1f} %, 2/187 = {rates[1]:.1f} %")


def _origin() -> Verdict:
    weeks = [3 * w for w in (4, 6)]
    return Verdict(
        weeks[1] > 8,
        f"completion can be {weeks[0]}-{weeks[1]} weeks after the first session, later than the first scan at "
        "8 weeks: how a progression before completion counts is not defined",
    )


CHECKS: Mapping[str, Callable[[], Verdict]] = {
    "bounds": _bounds,
    "direction": _direction,
    "os_rates": _os_rates,
    "last_medians": _last_medians,
    "ttp_beyond_os": _ttp_beyond_os,
    "p_of_age": _implied_p("age", "PFS_distant"),
    "p_of_gender": _implied_p("gender", "PFS_distant"),
    "p_of_diameter": _implied_p("diameter", "PFS"),
    "confirmed_by_multivariate": _confirmed_by_multivariate,
    "called_significant": _called_significant,
    "only_predictor": _only_predictor,
    "logrank_and_cox": _logrank_and_cox,
    "sex": _sex,
    "focality": _focality,
    "same_variable": _same_variable,
    "lesion_sd": _lesion_sd,
    "denominators": _denominators,
    "progression_at_3_months": _progression_at_3_months,
    "followed_on": _followed_on,
    "early_times": _early_times,
    "complications": _complications,
    "origin": _origin,
    "ttp_minimum": component_check("HCC", "minimum", "TTP", "TTP_local", "TTP_distant"),
    "ttp_first_treatments": subset_check("HCC", "minimum", "TTP", "PFS"),
    "ttp_maximum_hcc": component_check("HCC", "maximum", "TTP", "TTP_distant"),
    "ttp_maximum_crlm": component_check("CRLM", "maximum", "TTP", "TTP_local"),
    "off_centre": _off_centre,
    "p_of_age_together": _p_of_age_together,
    "rounding": rounding_check,
    "pfs_maximum": component_check("HCC", "maximum", "PFS", "PFS_distant"),
    "local_first_treatments": subset_check("CRLM", "maximum", "TTP_local", "PFS_local"),
}
