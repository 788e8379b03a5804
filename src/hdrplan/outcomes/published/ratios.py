"""Whether a printed hazard or odds ratio, its interval and its p can be true together."""

from __future__ import annotations

import math
from collections.abc import Iterator

import scipy

from hdrplan.outcomes.published.printed_numbers import Finding, Printed, printed

__all__ = ["check_ratio", "events_from_interval", "p_from_interval"]

_Z95 = 1.959963984540054


def p_from_interval(ratio: float, lower: float, upper: float) -> float:
    """Return the two-sided Wald p that a ratio and its 95 % interval imply.

    Parameters
    ----------
    ratio, lower, upper : float
        All positive.

    Returns
    -------
    float
        NaN where the interval has no width.

    References
    ----------
    D. G. Altman, J. M. Bland, BMJ 2011;343:d2304, DOI 10.1136/bmj.d2304.
    """
    error = (math.log(upper) - math.log(lower)) / (2.0 * _Z95)
    return float(2.0 * scipy.stats.norm.sf(abs(math.log(ratio)) / error)) if error > 0 else float("nan")


def _p_range(ratio: Printed, lower: Printed, upper: Printed) -> tuple[float, float]:
    """Lowest and highest p over all numbers that would be printed so."""
    tiny = 1e-12
    ratios = (max(ratio.low, tiny), max(ratio.high, tiny))
    wide = (math.log(upper.high) - math.log(max(lower.low, tiny))) / (2.0 * _Z95)
    narrow = max((math.log(max(upper.low, tiny)) - math.log(max(lower.high, tiny))) / (2.0 * _Z95), tiny)
    logs = [abs(math.log(r)) for r in ratios]
    near = 0.0 if ratios[0] <= 1.0 <= ratios[1] else min(logs)
    return float(2.0 * scipy.stats.norm.sf(max(logs) / narrow)), float(2.0 * scipy.stats.norm.sf(near / wide))


def events_from_interval(lower: float, upper: float) -> float:
    """Return how many events a 95 % interval of a binary covariate's hazard ratio needs.

    An event adds at most 1/4 to the information on the log hazard ratio of two groups, so the standard error is at
    least ``2 / sqrt(events)``, with further covariates too.

    Parameters
    ----------
    lower, upper : float
        Positive, in order.

    Returns
    -------
    float
    """
    return 4.0 / ((math.log(upper) - math.log(lower)) / (2.0 * _Z95)) ** 2


def check_ratio(
    where: str,
    ratio: str | float,
    lower: str | float,
    upper: str | float,
    p: str | float | None = None,
    *,
    n_events: int | None = None,
) -> tuple[Finding, ...]:
    """Return what is wrong with a hazard (or odds) ratio, its 95 % interval and its p.

    Order of the bounds, the ratio between them and at their geometric mean, p against the interval, whether p and the
    interval agree on significance, p of 0, and the number of events that the interval needs.

    Parameters
    ----------
    where : str
        Table, row and column.
    ratio, lower, upper, p : str or float
        As printed; text keeps the decimals.
    n_events : int, optional
        Events of the model of a hazard ratio between two groups.

    Returns
    -------
    tuple of Finding

    Raises
    ------
    InputError
        Not a number.

    References
    ----------
    D. G. Altman, J. M. Bland, BMJ 2011;343:d2304, DOI 10.1136/bmj.d2304 (p from an interval).
    """
    r, low, high = printed(ratio), printed(lower), printed(upper)
    text = f"{r} ({low}-{high})" + (f", p {printed(p)}" if p is not None else "")
    if min(r.high, low.high, high.high) <= 0:
        faults = [("positive", "a ratio and its bounds are positive")]
    else:
        faults = [*_of_bounds(r, low, high), *([] if p is None else _of_p(r, low, high, printed(p)))]
        if n_events is not None and 0 < low.high < high.low:
            needed = events_from_interval(max(low.low, 1e-12), high.high)
            if needed > n_events:
                text += f", {n_events} events"
                faults.append(("events for the interval", f"an interval this narrow needs {math.ceil(needed)} events"))
    return tuple(Finding(rule=rule, where=where, printed=text, computed=computed) for rule, computed in faults)


def _of_bounds(r: Printed, low: Printed, high: Printed) -> Iterator[tuple[str, str]]:
    """Rule and what follows, for each fault of a ratio and its bounds."""
    swapped = low.low > high.high
    if swapped:
        exchanged = not [*_of_bounds(r, high, low)]
        agree = "; exchanged, they agree with the ratio" if exchanged else ""
        yield "order of bounds", f"the lower bound lies above the upper{agree}"
        if exchanged:
            return
    if r.high < low.low or r.low > high.high:
        implied = r.value**2 / high.value
        yield (
            "ratio inside its interval",
            f"the ratio lies outside; together with the upper bound it implies a lower bound of {implied:.3f}",
        )
    elif not swapped:
        middle = math.sqrt(max(low.low, 0.0) * high.low), math.sqrt(low.high * high.high)
        if r.high < middle[0] or r.low > middle[1]:
            computed = f"the bounds are symmetric on the log scale around {math.sqrt(low.value * high.value):.3f}"
            yield "ratio in the middle of its interval", computed


def _of_p(r: Printed, low: Printed, high: Printed, p: Printed) -> Iterator[tuple[str, str]]:
    """Rule and what follows, for each fault of p beside a ratio and its bounds."""
    if p.value == 0.0 and not p.text.startswith("<"):
        yield "p above zero", f"p is never 0; here it is below {p.high:g}"
    if p.low > 1.0:
        yield "p at most 1", "p is a probability"
    if low.low > high.high:  # bounds in the wrong order: exchanged, or the ratio and the upper bound still tell
        if not [*_of_bounds(r, high, low)]:
            low, high = high, low
        else:
            low = Printed(text="", value=r.value**2 / high.value, low=r.low**2 / high.high, high=r.high**2 / high.low)
        if low.low > high.high:
            return
    lowest, highest = _p_range(r, low, high)
    if highest < p.low or lowest > p.high:
        implied = p_from_interval(r.value, low.value, high.value)
        if math.isnan(implied):  # bounds that are printed alike: they differ by rounding at most
            implied, bound = highest, "at most "
        else:
            bound = ""
        digits = f"{implied:.1g}" if implied < 0.001 else f"{implied:.3f}"
        yield "p against interval", f"the interval implies p {bound}{digits}"
    excludes = low.low > 1.0 or high.high < 1.0
    includes = low.high < 1.0 < high.low
    if (excludes and p.low > 0.05) or (includes and p.high < 0.05):
        yield "significance", "p and interval disagree on whether p < 0.05"
