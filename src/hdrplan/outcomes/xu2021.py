"""Xu et al. 2021, checked: its printed numbers, and 26 places where they cannot be true together.

L. Xu et al., Ther Adv Med Oncol 2021;13:1-14, DOI 10.1177/17588359211042304: 114 patients with hepatocellular carcinoma
(HCC) and 50 with colorectal liver metastases (CRLM) after CT-guided HDR brachytherapy. The printed numbers stand here
as facts with their place; everything under "computed" is computed from them when the check runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy import stats

from hdrplan.outcomes.published import (
    Finding,
    check_counts,
    check_mean_sd,
    check_median,
    check_percent,
    check_rates,
    check_ratio,
    p_from_interval,
    printed,
    smallest_sd,
)

__all__ = ["XU2021_DOI", "Inconsistency", "hazard_ratio_findings", "inconsistencies"]

XU2021_DOI = "10.1177/17588359211042304"

_DAYS_PER_MONTH = 365.25 / 12.0
_HCC, _CRLM = 114, 50

# Table 3, months: median (None: not reached), minimum, maximum; HCC, CRLM; log-rank p.
_TABLE_3 = {
    "OS": ((None, "2.03", "48.30"), ("47.20", "2.01", "47.20"), "0.279"),
    "PFS": (("11.30", "1.33", "35.37"), ("8.03", "0.73", "19.80"), "0.048"),
    "PFS_local": (("36.83", "1.33", "40.27"), ("12.43", "0.73", "21.90"), "0.001"),
    "PFS_distant": (("13.50", "1.33", "27.80"), ("19.80", "1.43", "19.80"), "0.456"),
    "TTP": (("11.17", "1.60", "35.67"), ("5.27", "0.73", "19.80"), "0.007"),
    "TTP_local": (("50.13", "1.33", "50.13"), ("9.90", "0.73", "19.30"), "<0.001"),
    "TTP_distant": (("13.50", "1.33", "33.23"), ("19.80", "1.43", "19.80"), "0.535"),
}

# Table 4: hazard ratio, lower, upper, p; univariate (U) and multivariate (M).
_TABLE_4 = {
    ("U", "age", "PFS"): ("1.023", "1.005", "1.041", "0.013"),
    ("U", "age", "PFS_local"): ("1.026", "0.999", "1.052", "0.056"),
    ("U", "age", "PFS_distant"): ("1.028", "1.008", "1.048", "0.050"),
    ("U", "gender", "PFS"): ("0.843", "0.560", "1.272", "0.416"),
    ("U", "gender", "PFS_local"): ("1.049", "0.571", "1.926", "0.877"),
    ("U", "gender", "PFS_distant"): ("1.141", "0.569", "2.290", "0.506"),
    ("U", "diameter", "PFS"): ("1.015", "1.008", "1.021", "0.001"),
    ("U", "diameter", "PFS_local"): ("1.013", "1.033", "1.023", "0.014"),
    ("U", "diameter", "PFS_distant"): ("1.004", "0.996", "1.012", "0.306"),
    ("U", "number of lesions", "PFS"): ("0.738", "0.504", "1.080", "0.118"),
    ("U", "number of lesions", "PFS_local"): ("1.187", "0.686", "2.052", "0.54"),
    ("U", "number of lesions", "PFS_distant"): ("0.847", "0.601", "1.194", "0.342"),
    ("U", "tumour type", "PFS"): ("0.711", "0.497", "1.032", "0.073"),
    ("U", "tumour type", "PFS_local"): ("1.929", "1.202", "3.095", "0.006"),
    ("U", "tumour type", "PFS_distant"): ("0.812", "0.514", "1.282", "0.371"),
    ("M", "age", "PFS"): ("1.035", "1.016", "1.054", "0.001"),
    ("M", "age", "PFS_local"): ("1.026", "1.001", "1.053", "0.044"),
    ("M", "diameter", "PFS"): ("1.006", "0.998", "1.014", "0.117"),
    ("M", "diameter", "PFS_local"): ("1.010", "1.000", "1.020", "0.057"),
    ("M", "tumour type", "PFS"): ("0.567", "0.368", "0.874", "0.010"),
    ("M", "tumour type", "PFS_local"): ("1.770", "0.963", "3.254", "0.066"),
}


@dataclass(frozen=True, slots=True)
class Inconsistency:
    """One inconsistency of the paper.

    Parameters
    ----------
    number : int
        Running number.
    title : str
        What it is about.
    printed : str
        What the paper prints.
    computed : str
        What follows from its other numbers; for matters of text, why it cannot stand.
    confirmed : bool or None
        Whether the computation finds the contradiction; None for matters of text, which no arithmetic can decide.
    instead : str
        What hdrplan does instead.
    """

    number: int
    title: str
    printed: str
    computed: str
    confirmed: bool | None
    instead: str


def hazard_ratio_findings() -> tuple[Finding, ...]:
    """Return every finding of the reusable checker on all hazard ratios of Table 4."""
    found: list[Finding] = []
    for (model, covariate, endpoint), numbers in _TABLE_4.items():
        found += check_ratio(f"Table 4, {model} {covariate}, {endpoint}", *numbers)
    return tuple(found)


def inconsistencies() -> tuple[Inconsistency, ...]:
    """Return the 26 inconsistencies, computed now from the printed numbers."""
    return tuple(Inconsistency(number, *check()) for number, check in enumerate(_CHECKS, start=1))


_Row = tuple[str, str, str, bool | None, str]


def _joined(found: tuple[Finding, ...]) -> str:
    return "; ".join(f.computed for f in found)


def _of_table_4(covariate: str, endpoint: str, rules: set[str]) -> tuple[Finding, ...]:
    found = check_ratio(covariate, *_TABLE_4["U", covariate, endpoint])
    return tuple(f for f in found if f.rule in rules)


def _ratio_text(key: tuple[str, str, str]) -> str:
    hr, low, high, p = _TABLE_4[key]
    return f"HR {hr} ({low}-{high}), p {p}"


def _bounds() -> _Row:
    found = _of_table_4("diameter", "PFS_local", {"order of bounds", "ratio inside its interval"})
    hr, _, high, _ = _TABLE_4["U", "diameter", "PFS_local"]
    lower = float(hr) ** 2 / float(high)
    p = p_from_interval(float(hr), lower, float(high))
    text = f"{_joined(found)} (p {p:.3f})"
    return (
        "interval of diameter for PFS_local",
        _ratio_text(("U", "diameter", "PFS_local")),
        text,
        len(found) == 2,
        "orders of bounds are checked; shown as a misprint, never corrected silently",
    )


def _direction() -> _Row:
    """Compare each hazard ratio of tumour type with the medians; of exponential times the ratio is that of medians."""
    parts, sides = [], {}
    for endpoint in ("PFS", "PFS_local", "PFS_distant"):
        (hcc, *_), (crlm, *_), _ = _TABLE_3[endpoint]
        assert hcc is not None
        assert crlm is not None
        expected = float(hcc) / float(crlm)  # CRLM against HCC
        hr = float(_TABLE_4["U", "tumour type", endpoint][0])
        sides[endpoint] = (hr > 1) == (expected > 1)
        harmonised = hr if sides[endpoint] else 1 / hr
        reading = "CRLM against HCC" if sides[endpoint] else "HCC against CRLM"
        parts.append(f"{endpoint} {hr:g} is {reading} (medians {hcc} and {crlm}): {harmonised:.3f}")
    hr_m = float(_TABLE_4["M", "tumour type", "PFS"][0])
    parts.append(f"multivariate PFS {hr_m:g}: {1 / hr_m:.3f}")
    return (
        "direction of the hazard ratio of tumour type",
        "PFS 0.711 and PFS_local 1.929, both called worse in CRLM",
        "; ".join(parts),
        len(set(sides.values())) == 2,
        "the reference level stands beside every hazard ratio",
    )


def _os_rates() -> _Row:
    hcc = check_rates("HCC", ("92.9", "79.8", "50.0"), _HCC, n_events=23, median_reached=False)
    crlm = check_rates("CRLM", ("78.0", "50.0", "10.0"), _CRLM, n_events=9)
    found = {f.rule for f in hcc}, {f.rule for f in crlm}
    confirmed = (
        found[0] >= {"rates are numbers at risk", "rate against median"} and "rates are numbers at risk" in found[1]
    )
    return (
        "OS rates",
        "92.9 / 79.8 / 50.0 % (HCC, 23 deaths, median not reached) and 78.0 / 50.0 / 10.0 % (CRLM)",
        f"HCC: {_joined(hcc)}; CRLM: {_joined(crlm)}",
        confirmed,
        "S(t) is never computed as at risk / N",
    )


def _last_medians() -> _Row:
    at_end = []
    for endpoint, (hcc, crlm, _) in _TABLE_3.items():
        for name, (median, low, high) in (("HCC", hcc), ("CRLM", crlm)):
            if median is not None and any("last" in f.rule for f in check_median("", median, low, high)):
                at_end.append(f"{endpoint} {name} {median}")
    return (
        "medians at the end of follow-up",
        "medians of Table 3 with their ranges",
        f"median equals the largest time: {', '.join(at_end)}",
        len(at_end) == 4,
        "medians carry their interval and the number at risk, with a warning below 10",
    )


def _ttp_beyond_os() -> _Row:
    longest, os_longest = (float(_TABLE_3[e][0][2]) for e in ("TTP_local", "OS"))
    return (
        "TTP_local longer than OS (HCC)",
        f"largest TTP_local {longest:g}, largest OS {os_longest:g} months",
        f"TTP starts at or after the origin of OS, yet {longest:g} > {os_longest:g}",
        longest > os_longest,
        "each unit is checked: TTP cannot exceed OS",
    )


def _implied_p(covariate: str, endpoint: str, what: str) -> Callable[[], _Row]:
    def check() -> _Row:
        key = ("U", covariate, endpoint)
        found = _of_table_4(covariate, endpoint, {"p against interval"})
        return (what, _ratio_text(key), _joined(found), bool(found), "p is recomputed from estimate and error")

    return check


def _confirmed_by_multivariate() -> _Row:
    before, after = (_TABLE_4[m, "diameter", "PFS"][3] for m in ("U", "M"))
    return (
        '"multivariate model confirmed the univariate" (PFS)',
        f"diameter p {before} alone, {after} together",
        f"p {before} < 0.05 but {after} > 0.05: significance was lost",
        float(before) < 0.05 < float(after),
        "both models are printed side by side, without the verb",
    )


def _called_significant() -> _Row:
    values = [_TABLE_4["U", "tumour type", "PFS"][3], _TABLE_4["U", "age", "PFS_local"][3]]
    return (
        '"significantly reduced" above 5 %',
        f"p {values[0]} and p {values[1]}",
        "both lie between 0.05 and the selection level 0.1",
        all(0.05 < float(v) < 0.1 for v in values),
        "selection and significance are separate columns",
    )


def _only_predictor() -> _Row:
    column = {c: p for (m, c, e), (*_, p) in _TABLE_4.items() if m == "U" and e == "PFS_distant"}
    chosen = [c for c, p in column.items() if float(p) < 0.1]
    fitted = any(m == "M" and e == "PFS_distant" for m, _, e in _TABLE_4)
    return (
        '"only independent predictor" of PFS_distant',
        "age, p 0.050; no multivariate column",
        f"p < 0.1 chooses {', '.join(chosen)} alone: no multivariate model was fitted, independence was not tested",
        chosen == ["age"] and not fitted,
        "the word needs a model with more than one covariate",
    )


def _logrank_and_cox() -> _Row:
    parts, far = [], []
    for endpoint in ("PFS", "PFS_local", "PFS_distant"):
        logrank, cox = _TABLE_3[endpoint][2], _TABLE_4["U", "tumour type", endpoint][3]
        z = [float(stats.norm.isf(float(v) / 2.0)) for v in (logrank, cox)]
        far.append(not math.isclose(*z, rel_tol=0.02))
        parts.append(f"{endpoint} {logrank} and {cox}: z {z[0]:.2f} and {z[1]:.2f}")
    return (
        "log-rank and Cox p of the same contrast",
        "Table 3 and Table 4, tumour type",
        "; ".join(parts),
        all(far),
        "both are printed; the log-rank test is the score test of the Cox model",
    )


def _sex() -> _Row:
    found = check_percent("female", 24, 114, "22.1")
    return (
        "male and female",
        "90/24 (78.9/22.1 %)",
        f"{_joined(found)}; printed sum {78.9 + 22.1:.1f} %",
        bool(found),
        "percentages are computed from counts, and their sum is checked",
    )


def _focality() -> _Row:
    found = check_percent("unifocal", 44, 50, "84.0")
    sums = 84.0 + 12.0
    return (
        "unifocal CRLM",
        "44 (84.0 %) and 6 (12.0 %) of 50",
        f"{_joined(found)}; printed sum {sums:.0f} %",
        bool(found) and not check_percent("multifocal", 6, 50, "12.0"),
        "percentages are computed from counts",
    )


def _same_variable() -> _Row:
    multifocal, repeated = ((17, "14.91"), (6, "12.0")), ((17, "14.9"), (6, "12.0"))
    same = all(
        a == b and printed(p).high >= printed(q).low and printed(p).low <= printed(q).high
        for (a, p), (b, q) in zip(multifocal, repeated, strict=True)
    )
    return (
        "multifocal and several completed treatments",
        "17 (14.91 %) and 6 (12.0 %); 17 (14.9 %) and 6 (12.0 %)",
        "the same counts and percentages: probably one variable printed as the other",
        same,
        "each variable is counted from its own table",
    )


def _lesion_sd() -> _Row:
    rows = (("HCC", 114, 142, 97, "1.24", "0.50"), ("CRLM", 50, 81, 44, "1.62", "1.00"))
    found, parts = [], []
    for name, n, total, ones, mean, sd in rows:
        here = check_mean_sd(name, n, mean, sd, total=total, at_one=ones)
        found += list(here)
        # The more patients have several lesions, the smaller the least SD: how many must there be?
        needed = next(k for k in range(1, n) if total - (n - k) >= 2 * k and _reaches(n, total, n - k, sd))
        parts.append(f"{name}: {_joined(here)}, printed {sd}; that needs {needed} with several, printed {n - ones}")
    return (
        "lesions per patient",
        "HCC 1.24 +- 0.50, 97 of 114 unifocal; CRLM 1.62 +- 1.00, 44 of 50",
        "; ".join(parts),
        len(found) == 2,
        "count, mean and SD are checked together",
    )


def _reaches(n: int, total: int, ones: int, sd: str) -> bool:
    return smallest_sd(n, total, at_one=ones) <= printed(sd).high


def _denominators() -> _Row:
    stages = check_counts("BCLC", {"A": 45, "B": 60, "C": 10}, 114)
    percents = [f for n, p in ((45, "38.4"), (60, "50.0"), (10, "11.6")) for f in check_percent("BCLC", n, 114, p)]
    cirrhosis = check_percent("cirrhosis", 47, 114, "40.5")
    return (
        "denominators of stage and cirrhosis",
        "BCLC 45 + 60 + 10 (38.4/50.0/11.6 %); cirrhosis 47 (40.5 %); n 114",
        f"{_joined(stages)}; percentages: {_joined(tuple(percents))}; cirrhosis: {_joined(cirrhosis)}",
        bool(stages) and len(percents) == 3 and bool(cirrhosis),
        "one denominator a table, stated",
    )


def _progression_at_3_months() -> _Row:
    share = (19 + 19) / 56
    median = float(_TABLE_3["TTP"][1][0] or "nan")
    return (
        "progression at 8 weeks and 3 months (CRLM, Table 2)",
        "PD 19 of 56 at 8 weeks, 19 of 30 at 3 months",
        f"if new each time, {19 + 19} of 56 ({100 * share:.0f} %) progressed by 3 months, but the median TTP is "
        f"{median:g} months; if cumulative, nobody progressed in between",
        share > 0.5 and median > 3,
        "numerator and denominator are stated; response at a date and best response are two columns",
    )


def _followed_on() -> _Row:
    local, any_ = (float(_TABLE_3[e][0][2]) for e in ("PFS_local", "PFS"))
    return (
        '"follow-up terminated at progression"',
        f"largest PFS_local {local:g}, largest PFS {any_:g} months (HCC)",
        f"local follow-up goes on {local - any_:.1f} months beyond the last PFS time",
        local > any_,
        "a named parameter: continue after first progression",
    )


def _early_times() -> _Row:
    days = [float(m) * _DAYS_PER_MONTH for m in ("0.73", "1.33")]
    first = 56 / _DAYS_PER_MONTH
    return (
        "times before the first scan",
        "shortest times 0.73 (CRLM) and 1.33 months (HCC); first scan about 8 weeks",
        f"{days[0]:.0f} and {days[1]:.0f} days; 8 weeks are 56 days or {first:.2f} months",
        max(days) < 56,
        "visit windows are parameters; early scans count and are listed",
    )


def _complications() -> _Row:
    rates = [100 * 2 / n for n in (164, 187)]
    return (
        '"complications < 1 %"',
        "two bleedings of grade 3 or more",
        f"2/164 = {rates[0]:.1f} %, 2/187 = {rates[1]:.1f} %",
        min(rates) > 1.0,
        "rates carry numerator and denominator",
    )


def _text(title: str, said: str, why: str, instead: str) -> Callable[[], _Row]:
    return lambda: (title, said, why, None, instead)


def _origin() -> _Row:
    weeks = [3 * w for w in (4, 6)]
    return (
        "origin of patients who progress before completion",
        "origin: completion; up to 4 sessions, 4-6 weeks apart",
        f"completion comes up to {weeks[0]}-{weeks[1]} weeks after the first session, later than the first scan "
        "at 8 weeks: what a progression before it means is not defined",
        weeks[1] > 8,
        "an explicit status, with the rule printed",
    )


_CHECKS: tuple[Callable[[], _Row], ...] = (
    _bounds,
    _direction,
    _os_rates,
    _last_medians,
    _ttp_beyond_os,
    _implied_p("age", "PFS_distant", "p of age for PFS_distant"),
    _implied_p("gender", "PFS_distant", "p of gender for PFS_distant"),
    _implied_p("diameter", "PFS", "p of diameter for PFS"),
    _confirmed_by_multivariate,
    _called_significant,
    _only_predictor,
    _logrank_and_cox,
    _sex,
    _focality,
    _same_variable,
    _lesion_sd,
    _denominators,
    _progression_at_3_months,
    _followed_on,
    _early_times,
    _complications,
    _text("names and units", "CTCAE v5.1; \"AP (second)\" with the footnote alkaline phosphatase",
          "CTCAE has versions 4.03 and 5.0; seconds measure a clotting time, not an enzyme", "units are validated"),
    _text("citations", "procedural standards [15,16]; RECIST as [18]; a \"median PFS 15.2\" of Collettini 2015",
          "16 is on embolisation of another tumour, 18 another study of brachytherapy, and 15.2 a mean in its abstract",
          "sources are read before they are cited"),
    _text("names of endpoints", "\"PFS\" in the abstract for values of PFS_local and PFS_distant",
          "the values are those of other endpoints of Table 3", "one name an endpoint, everywhere"),
    _text("end of follow-up", "until progression or death (abstract); until death or loss to follow-up (methods)",
          "two definitions", "the censoring rule is a named parameter printed with the result"),
    _origin,
)  # fmt: skip
