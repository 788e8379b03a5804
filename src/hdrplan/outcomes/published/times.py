"""Whether printed medians and survival rates can be true."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hdrplan.outcomes.published.printed_numbers import Finding, printed

__all__ = ["check_median", "check_rates"]


def check_median(
    where: str, median: str | float, minimum: str | float, maximum: str | float, *, kaplan_meier: bool = True
) -> tuple[Finding, ...]:
    """Return a finding if a median lies outside its range, or (Kaplan-Meier) at the last observation.

    Parameters
    ----------
    where : str
        Table, row and column.
    median, minimum, maximum : str or float
        As printed; text keeps the decimals.
    kaplan_meier : bool
        Whether the median is read from a survival curve.

    Returns
    -------
    tuple of Finding
    """
    m, low, high = printed(median), printed(minimum), printed(maximum)
    text = f"median {m}, range {low}-{high}"
    if low.low > high.high:
        rule, computed = "order of bounds", "the minimum lies above the maximum"
    elif m.high < low.low or m.low > high.high:
        rule, computed = "median within range", "the median lies outside"
    elif kaplan_meier and m.value == high.value:
        rule = "median at the last observation"
        computed = "the curve falls below one half at its last observation, where few are at risk"
    else:
        return ()
    return (Finding(rule=rule, where=where, printed=text, computed=computed),)


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

    Returns
    -------
    tuple of Finding
    """
    rates = [printed(rate) for rate in rates_percent]
    text = " / ".join(map(str, rates)) + f" % of {n}"
    findings = []
    if any(b.low > a.high for a, b in pairwise(rates)):
        findings.append(Finding(rule="rates fall", where=where, printed=text, computed="survival cannot rise"))
    if not median_reached and rates and rates[-1].high <= 50.0 + (rates[-1].high - rates[-1].value):
        findings.append(
            Finding(
                rule="rate against median",
                where=where,
                printed=f"{text}, median not reached",
                computed="at a rate of 50 % or less, the median is reached",
            )
        )
    counts = [round(rate.value * n / 100.0) for rate in rates]
    # Cut off or rounded: a whole number of patients gives each printed rate.
    whole = all(r.low - 1e-9 <= 100.0 * k / n < r.high + (r.high - r.value) for r, k in zip(rates, counts, strict=True))
    # Without censoring the rates are whole numbers of patients too, but then all who are gone had the event.
    if whole and len(rates) > 1 and n_events is not None and n - counts[-1] > n_events:
        numbers = ", ".join(f"{k}/{n}" for k in counts)
        computed = f"exactly {numbers}, but only {n_events} had the event: these are numbers at risk and not survival"
        findings.append(Finding(rule="rates are numbers at risk", where=where, printed=text, computed=computed))
    return tuple(findings)
