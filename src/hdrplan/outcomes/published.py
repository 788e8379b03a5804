"""Can these printed numbers be true together? Checks of published survival tables.

A printed number stands for a range: "1.02" for 1.015 to 1.025. Each check asks whether any numbers within the printed
ranges satisfy the arithmetic, so that rounding never raises a finding.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import stats

from hdrplan.errors import InputError

__all__ = [
    "PRINTED_COLUMNS",
    "Finding",
    "Printed",
    "check_counts",
    "check_mean_sd",
    "check_median",
    "check_percent",
    "check_rates",
    "check_ratio",
    "check_row",
    "p_from_interval",
    "printed",
    "smallest_sd",
]

_NUMBER = re.compile(r"^\s*(<=|>=|<|>)?\s*([+-]?\d*\.?\d+(?:[eE][+-]?\d+)?)\s*%?\s*$")
_Z95 = 1.959963984540054

# What check_row looks for.
PRINTED_COLUMNS = (
    "ratio", "lower", "upper", "p", "count", "total", "percent", "n", "mean", "sd", "sum", "ones", "median", "minimum",
    "maximum",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Printed:
    """A number as printed, and the range of numbers that would be printed so."""

    text: str
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Finding:
    """One contradiction: which rule, where, what is printed, what follows from the other numbers."""

    rule: str
    where: str
    printed: str
    computed: str


def printed(number: str | float | Printed) -> Printed:
    """Return a printed number with the range that its decimals stand for; "<0.001" reaches down to 0.

    Raises
    ------
    InputError
        Not a number.

    Examples
    --------
    >>> printed("1.02").low, printed("1.02").high
    (1.015, 1.025)
    """
    if isinstance(number, Printed):
        return number
    text = str(number).strip().replace("\u2212", "-")
    match = _NUMBER.match(text)
    if not match:
        raise InputError("a printed number is digits with a decimal point", got=text)
    sign, digits = match[1], match[2]
    value: float = float(digits)
    mantissa, _, exponent = digits.lower().partition("e")
    decimals = len(mantissa.partition(".")[2]) - int(exponent or 0)
    half = 0.5 * 10.0**-decimals
    low, high = value - half, value + half
    if sign in ("<", "<="):
        low, high = -math.inf, value
    elif sign in (">", ">="):
        low, high = value, math.inf
    return Printed(text, value, round(low, decimals + 2) if low > -math.inf else low, high)


def p_from_interval(ratio: float, lower: float, upper: float) -> float:
    """Return the two-sided Wald p that a ratio and its 95 % interval imply.

    References
    ----------
    D. G. Altman, J. M. Bland, BMJ 2011;343:d2304, DOI 10.1136/bmj.d2304.
    """
    error = (math.log(upper) - math.log(lower)) / (2.0 * _Z95)
    return float(2.0 * stats.norm.sf(abs(math.log(ratio)) / error)) if error > 0 else float("nan")


def _p_range(ratio: Printed, lower: Printed, upper: Printed) -> tuple[float, float]:
    """Lowest and highest p over all numbers that would be printed so."""
    least = 1e-12
    ratios = (max(ratio.low, least), max(ratio.high, least))
    wide = (math.log(upper.high) - math.log(max(lower.low, least))) / (2.0 * _Z95)
    narrow = max((math.log(max(upper.low, least)) - math.log(max(lower.high, least))) / (2.0 * _Z95), least)
    logs = [abs(math.log(r)) for r in ratios]
    near = 0.0 if ratios[0] <= 1.0 <= ratios[1] else min(logs)
    return float(2.0 * stats.norm.sf(max(logs) / narrow)), float(2.0 * stats.norm.sf(near / wide))


def check_ratio(
    where: str, ratio: str | float, lower: str | float, upper: str | float, p: str | float | None = None
) -> tuple[Finding, ...]:
    """Return what is wrong with a hazard (or odds) ratio, its 95 % interval and its p.

    Order of the bounds, the ratio between them and at their geometric mean, p against the interval, and whether p and
    the interval agree on significance.

    Parameters
    ----------
    where : str
        Table, row and column.
    ratio, lower, upper, p : str or float
        As printed; text keeps the decimals.
    """
    r, low, high = printed(ratio), printed(lower), printed(upper)
    text = f"{r} ({low}-{high})" + (f", p {printed(p)}" if p is not None else "")
    found: list[Finding] = []
    if min(r.high, low.high, high.high) <= 0:
        return (Finding("positive", where, text, "a ratio and its bounds are positive"),)
    swapped = low.low > high.high
    if swapped:
        found.append(Finding("order of bounds", where, text, "the lower bound lies above the upper"))
    if r.high < low.low or r.low > high.high:
        implied = (
            f"the ratio lies outside; with the upper bound it implies a lower bound of {r.value**2 / high.value:.3f}"
        )
        found.append(Finding("ratio inside its interval", where, text, implied))
    elif not swapped:
        middle = math.sqrt(max(low.low, 0.0) * high.low), math.sqrt(low.high * high.high)
        if r.high < middle[0] or r.low > middle[1]:
            computed = f"bounds symmetric on the log scale would surround {math.sqrt(low.value * high.value):.3f}"
            found.append(Finding("ratio in the middle of its interval", where, text, computed))
    if p is None:
        return tuple(found)
    if swapped:  # the ratio and the upper bound still tell
        low = Printed("", r.value**2 / high.value, r.low**2 / high.high, r.high**2 / high.low)
    q = printed(p)
    least, most = _p_range(r, low, high)
    if most < q.low or least > q.high:
        p_implied = p_from_interval(r.value, low.value, high.value)
        digits = f"{p_implied:.1g}" if p_implied < 0.001 else f"{p_implied:.3f}"
        found.append(Finding("p against interval", where, text, f"the interval implies p {digits}"))
    excludes = low.low > 1.0 or high.high < 1.0
    includes = low.high < 1.0 < high.low
    if (excludes and q.low > 0.05) or (includes and q.high < 0.05):
        found.append(Finding("significance", where, text, "p and interval disagree on p < 0.05"))
    return tuple(found)


def check_percent(where: str, count: int, total: int, percent: str | float) -> tuple[Finding, ...]:
    """Return a finding if a printed percentage is not count / total; says which total near by would fit."""
    q = printed(percent)
    text = f"{count} of {total} ({q} %)"
    if not 0 <= count <= total:
        return (Finding("count within total", where, text, f"{count} of {total} cannot be"),)
    actual = 100.0 * count / total if total else float("nan")
    # A percentage cut off instead of rounded is sloppy, not contradictory.
    if q.low - 1e-9 <= actual <= q.high + (q.high - q.value) + 1e-9:
        return ()
    fits = [n for n in range(max(1, total - 10), total + 11) if q.low <= 100.0 * count / n <= q.high]
    hint = f"; {q} % would be {count} of {' or '.join(map(str, fits))}" if fits else ""
    return (Finding("percent against count", where, text, f"{count}/{total} is {actual:.2f} %{hint}"),)


def check_counts(where: str, parts: Mapping[str, int], total: int) -> tuple[Finding, ...]:
    """Return a finding if exclusive parts do not add up to their total."""
    added = sum(parts.values())
    if added == total:
        return ()
    text = " + ".join(f"{name} {n}" for name, n in parts.items()) + f" of {total}"
    return (Finding("parts add up", where, text, f"the parts add up to {added}"),)


def smallest_sd(n: int, total: int, *, at_one: int = 0) -> float:
    """Return the smallest SD of ``n`` whole numbers that add up to ``total`` with exactly ``at_one`` of them 1.

    The others are at least 2 and as equal as whole numbers can be.

    Raises
    ------
    InputError
        No such numbers.
    """
    rest, left = n - at_one, total - at_one
    if rest < 0 or (rest == 0 and left != 0) or left < 2 * rest:
        raise InputError("no whole numbers do this", got=f"{n} numbers, total {total}, {at_one} of them 1")
    values = [1.0] * at_one
    if rest:
        base, more = divmod(left, rest)
        values += [base + 1.0] * more + [float(base)] * (rest - more)
    return float(np.std(values, ddof=1))


def check_mean_sd(
    where: str,
    n: int,
    mean: str | float,
    sd: str | float,
    *,
    total: int | None = None,
    at_one: int | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
) -> tuple[Finding, ...]:
    """Return what is impossible about a mean and SD.

    Counts (``total`` given): the mean must be total / n, and with ``at_one`` units having exactly one the SD has a
    least value. Bounded values (``minimum``, ``maximum``): the mean lies between, and the SD cannot pass that of all
    values at the bounds.

    References
    ----------
    N. J. L. Brown, J. A. J. Heathers, Soc Psychol Personal Sci 2017;8:363-369, DOI 10.1177/1948550616673876 (GRIM).
    """
    m, s = printed(mean), printed(sd)
    text = f"n {n}, mean {m}, SD {s}"
    found = []
    # A mean cut off instead of rounded is sloppy, not contradictory.
    if total is not None and not m.low <= total / n <= m.high + (m.high - m.value):
        found.append(Finding("mean against total", where, f"{text}, total {total}", f"{total} / {n} = {total / n:.3f}"))
    if total is not None and at_one is not None:
        least = smallest_sd(n, total, at_one=at_one)
        if s.high < least:
            found.append(
                Finding(
                    "SD is possible", where, f"{text}, {at_one} with one", f"the smallest possible SD is {least:.3f}"
                )
            )
    for bound, sign, name in ((minimum, 1.0, "minimum"), (maximum, -1.0, "maximum")):
        if bound is not None and sign * (m.value - bound) < 0:
            found.append(Finding("mean within range", where, f"{text}, {name} {bound:g}", "the mean lies outside"))
    if minimum is not None and maximum is not None and n > 1 and minimum <= m.value <= maximum:
        middle = min(max((minimum + maximum) / 2.0, m.low), m.high)  # the printed mean that allows most
        most = math.sqrt(max((middle - minimum) * (maximum - middle), 0.0) * n / (n - 1.0))
        if s.low > most + 1e-12:
            found.append(Finding("SD is possible", where, text, f"within the range the SD is at most {most:.3f}"))
    return tuple(found)


def check_median(
    where: str, median: str | float, minimum: str | float, maximum: str | float, *, kaplan_meier: bool = True
) -> tuple[Finding, ...]:
    """Return a finding if a median lies outside its range, or (Kaplan-Meier) at the last observation."""
    m, low, high = printed(median), printed(minimum), printed(maximum)
    text = f"median {m}, range {low}-{high}"
    if low.low > high.high:
        return (Finding("order of bounds", where, text, "the minimum lies above the maximum"),)
    if m.high < low.low or m.low > high.high:
        return (Finding("median within range", where, text, "the median lies outside"),)
    if kaplan_meier and m.value == high.value:
        computed = "the curve falls through one half at its last observation, where at most a few are at risk"
        return (Finding("median at the last observation", where, text, computed),)
    return ()


def check_rates(
    where: str,
    rates_percent: Sequence[str | float],
    n: int,
    *,
    n_events: int | None = None,
    median_reached: bool = True,
) -> tuple[Finding, ...]:
    """Return what is wrong with printed survival rates of ``n`` patients.

    Rates must fall; a rate of 50 % or less means that the median is reached; with censoring they are no whole number of
    patients out of ``n``, so rates that all are, are rather numbers still under observation.

    Parameters
    ----------
    where : str
        Place in the paper.
    rates_percent : sequence of str or float
        Survival at increasing times.
    n : int
        Patients at the start.
    n_events : int, optional
        Events in all of follow-up.
    median_reached : bool
        Whether the paper prints a median.
    """
    rates = [printed(rate) for rate in rates_percent]
    text = " / ".join(map(str, rates)) + f" % of {n}"
    found = []
    if any(b.low > a.high for a, b in pairwise(rates)):
        found.append(Finding("rates fall", where, text, "survival cannot rise"))
    if not median_reached and rates and rates[-1].high <= 50.0 + (rates[-1].high - rates[-1].value):
        found.append(
            Finding(
                "rate against median", where, f"{text}, median not reached", "at 50 % or less the median is reached"
            )
        )
    counts = [round(rate.value * n / 100.0) for rate in rates]
    # Cut off or rounded: a whole number of patients gives each printed rate.
    whole = all(r.low - 1e-9 <= 100.0 * k / n < r.high + (r.high - r.value) for r, k in zip(rates, counts, strict=True))
    # Without censoring the rates are whole numbers of patients too, but then all who are gone had the event.
    if whole and len(rates) > 1 and n_events is not None and n - counts[-1] > n_events:
        numbers = ", ".join(f"{k}/{n}" for k in counts)
        computed = f"exactly {numbers}, though only {n_events} had the event: numbers at risk, not survival"
        found.append(Finding("rates are numbers at risk", where, text, computed))
    return tuple(found)


def check_row(row: Mapping[str, str], where: str) -> tuple[Finding, ...]:
    """Return all findings of one row of a table of printed numbers, by what it holds.

    Columns, any of which may be blank: ``ratio, lower, upper, p``; ``count, total, percent``; ``n, mean, sd, sum, ones,
    minimum, maximum``; ``median, minimum, maximum``.

    Parameters
    ----------
    row : mapping of str to str
        Printed numbers by column.
    where : str
        Name of the row.

    Raises
    ------
    InputError
        A cell that is no number.
    """
    has = {name: text.strip() for name, text in row.items() if text and text.strip()}
    found: list[Finding] = []
    if {"ratio", "lower", "upper"} <= has.keys():
        found += check_ratio(where, has["ratio"], has["lower"], has["upper"], has.get("p"))
    if {"count", "total", "percent"} <= has.keys():
        found += check_percent(where, _whole(has["count"]), _whole(has["total"]), has["percent"])
    if {"n", "mean", "sd"} <= has.keys():
        found += check_mean_sd(
            where, _whole(has["n"]), has["mean"], has["sd"],
            total=_whole(has["sum"]) if "sum" in has else None, at_one=_whole(has["ones"]) if "ones" in has else None,
            minimum=printed(has["minimum"]).value if "minimum" in has else None,
            maximum=printed(has["maximum"]).value if "maximum" in has else None,
        )  # fmt: skip
    if {"median", "minimum", "maximum"} <= has.keys():
        found += check_median(where, has["median"], has["minimum"], has["maximum"])
    return tuple(found)


def _whole(text: str) -> int:
    value = printed(text).value
    if value != round(value):
        raise InputError("a count is a whole number", got=text)
    return int(value)
