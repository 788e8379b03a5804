"""Whether printed counts, percentages, means and standard deviations can be true together."""

from __future__ import annotations

import math
from collections.abc import Mapping

from hdrplan.errors import InputError
from hdrplan.outcomes.published.printed_numbers import Finding, printed

__all__ = ["check_counted_mean", "check_counts", "check_mean_sd", "check_percent", "smallest_sd"]


def check_percent(where: str, count: int, total: int, percent: str | float) -> tuple[Finding, ...]:
    """Return a finding if a printed percentage is not count / total; says which total near by would fit.

    Parameters
    ----------
    where : str
        Table, row and column.
    count, total : int
    percent : str or float
        As printed; text keeps the decimals.

    Returns
    -------
    tuple of Finding

    Raises
    ------
    InputError
        A percentage that is no number.
    """
    q = printed(percent)
    text = f"{count} of {total} ({q} %)"
    if not 0 <= count <= total:
        computed = f"{count} of {total} is impossible"
        return (Finding(rule="count within total", where=where, printed=text, computed=computed),)
    actual = 100.0 * count / total if total else 0.0  # of none of none, tables print 0
    # A percentage cut off instead of rounded is sloppy, not contradictory.
    if q.low - 1e-9 <= actual <= q.high + (q.high - q.value) + 1e-9:
        return ()
    fits = [n for n in range(max(1, total - 10), total + 11) if q.low <= 100.0 * count / n <= q.high]
    hint = f"; {q} % would be {count} of {' or '.join(map(str, fits))}" if fits else ""
    computed = f"{count}/{total} is {actual:.2f} %{hint}" if total else "0/0 is no percentage"
    return (Finding(rule="percent against count", where=where, printed=text, computed=computed),)


def check_counts(where: str, counts: Mapping[str, int], total: int) -> tuple[Finding, ...]:
    """Return a finding if exclusive counts do not add up to their total.

    Parameters
    ----------
    where : str
        Table, row and column.
    counts : mapping of str to int
        Count of each group.
    total : int

    Returns
    -------
    tuple of Finding
    """
    added = sum(counts.values())
    if added == total:
        return ()
    text = " + ".join(f"{name} {n}" for name, n in counts.items()) + f" of {total}"
    return (Finding(rule="parts add up", where=where, printed=text, computed=f"the parts add up to {added}"),)


def smallest_sd(n: int, total: int, *, n_ones: int = 0) -> float:
    """Return the smallest SD of ``n`` whole numbers that add up to ``total`` with exactly ``n_ones`` of them 1.

    The others are at least 2 and as equal as whole numbers can be.

    Parameters
    ----------
    n, total : int
        How many numbers, and their sum.
    n_ones : int
        How many of them are 1.

    Returns
    -------
    float

    Raises
    ------
    InputError
        No such numbers.
    """
    rest, left = n - n_ones, total - n_ones
    if rest < 0 or (rest == 0 and left != 0) or left < 2 * rest:
        raise InputError("no whole numbers do this", got=f"{n} numbers, total {total}, {n_ones} of them 1")
    if n < 2:
        return 0.0
    base, more = divmod(left, rest) if rest else (0, 0)
    mean = total / n
    squares = n_ones * (1 - mean) ** 2 + more * (base + 1 - mean) ** 2 + (rest - more) * (base - mean) ** 2
    return math.sqrt(squares / (n - 1))


def check_counted_mean(
    where: str, n: int, mean: str | float, sd: str | float, *, total: int, n_ones: int | None = None
) -> tuple[Finding, ...]:
    """Return what is impossible about a mean and SD of whole numbers: it is total / n, and the SD has a minimum.

    Parameters
    ----------
    where : str
        Table, row and column.
    n : int
        Units.
    mean, sd : str or float
        As printed; text keeps the decimals.
    total : int
        Sum over the units.
    n_ones : int, optional
        Units that have exactly one; the others have more.

    Returns
    -------
    tuple of Finding

    Raises
    ------
    InputError
        No units, or no whole numbers that add up so.

    References
    ----------
    N. J. L. Brown, J. A. J. Heathers, Soc Psychol Personal Sci 2017;8:363-369, DOI 10.1177/1948550616673876 (GRIM).
    """
    _refuse_none(n)
    m, s = printed(mean), printed(sd)
    text = f"n {n}, mean {m}, SD {s}"
    findings = []
    # A mean cut off instead of rounded is sloppy, not contradictory.
    if not m.low <= total / n <= m.high + (m.high - m.value):
        computed = f"{total} / {n} = {total / n:.3f}"
        findings.append(
            Finding(rule="mean against total", where=where, printed=f"{text}, total {total}", computed=computed)
        )
    if n_ones is not None and s.high < (minimum := smallest_sd(n, total, n_ones=n_ones)):
        computed = f"the smallest possible SD is {minimum:.3f}"
        findings.append(
            Finding(rule="SD is possible", where=where, printed=f"{text}, {n_ones} with one", computed=computed)
        )
    return tuple(findings)


def check_mean_sd(
    where: str,
    n: int,
    mean: str | float,
    sd: str | float,
    *,
    minimum: str | float | None = None,
    maximum: str | float | None = None,
) -> tuple[Finding, ...]:
    """Return what is impossible about a mean and SD of values between bounds.

    The mean lies between the bounds, and the SD cannot pass that of all values at the bounds. No SD is negative, and
    one value has none.

    Parameters
    ----------
    where : str
        Table, row and column.
    n : int
        Units.
    mean, sd : str or float
        As printed; text keeps the decimals.
    minimum, maximum : str or float, optional
        Bounds; text is as printed, a number is exact.

    Returns
    -------
    tuple of Finding

    Raises
    ------
    InputError
        No units, or not a number.
    """
    _refuse_none(n)
    m, s = printed(mean), printed(sd)
    text = f"n {n}, mean {m}, SD {s}"
    findings = []
    if s.high < 0 or (n == 1 and s.low > 0):
        computed = "no SD is negative" if s.high < 0 else "one value has no SD"
        findings.append(Finding(rule="SD is possible", where=where, printed=text, computed=computed))
    low, high = (_lowest_and_highest(bound) for bound in (minimum, maximum))
    for name, bound, outside in (
        ("minimum", minimum, low is not None and m.high < low[0]),
        ("maximum", maximum, high is not None and m.low > high[1]),
    ):
        if outside:
            findings.append(
                Finding(
                    rule="mean within range",
                    where=where,
                    printed=f"{text}, {name} {bound}",
                    computed="the mean lies outside the range",
                )
            )
    if low is not None and high is not None and n > 1 and m.high >= low[0] and m.low <= high[1]:
        first, last = low[0], high[1]
        middle = min(max((first + last) / 2.0, m.low), m.high)  # the printed mean that allows the largest SD
        largest = math.sqrt(max((middle - first) * (last - middle), 0.0) * n / (n - 1.0))
        if s.low > largest + 1e-12:
            computed = f"within the range the SD is at most {largest:.3f}"
            findings.append(Finding(rule="SD is possible", where=where, printed=text, computed=computed))
    return tuple(findings)


def _refuse_none(n: int) -> None:
    if n < 1:
        raise InputError("a mean is of one unit or more", got=n)


def _lowest_and_highest(bound: str | float | None) -> tuple[float, float] | None:
    """Return the range that a bound stands for."""
    if bound is None:
        return None
    if isinstance(bound, str):
        return printed(bound).low, printed(bound).high
    return float(bound), float(bound)
