"""Whether the mean and SD of whole numbers, or the percentage of a group, can be true (GRIM, GRIMMER)."""

from __future__ import annotations

import math

from hdrplan.errors import InputError
from hdrplan.outcomes.published.printed_numbers import Finding, Printed, printed

__all__ = ["check_share", "check_whole_mean"]


def _shown_as(number: Printed) -> tuple[float, float]:
    """Return what rounding, or cutting off (sloppy, not contradictory), prints so: its lowest value, and its end.

    The end is the next number that can be printed, which is printed as itself.
    """
    half = number.high - number.value
    return number.low, number.high + half


def _whole_in(low: float, end: float) -> range:
    """Return the whole numbers from ``low`` to below ``end``; what rounding errors blur counts as the number itself."""
    return range(math.ceil(low - 1e-6), math.ceil(end - 1e-10 * max(1.0, abs(end))))


def check_whole_mean(where: str, n: int, mean: str | float, sd: str | float | None = None) -> tuple[Finding, ...]:
    """Return what is impossible about the mean and SD of ``n`` whole numbers.

    Their sum is whole (GRIM); the sum of their squares is whole, and odd or even as their sum is (GRIMMER).

    Parameters
    ----------
    where : str
        Table, row and column.
    n : int
        Units.
    mean, sd : str or float
        As printed; text keeps the decimals. Without SD only the mean is judged.

    Returns
    -------
    tuple of Finding

    Raises
    ------
    InputError
        No units, or not a number.

    References
    ----------
    N. J. L. Brown, J. A. J. Heathers, Soc Psychol Personal Sci 2017;8:363-369, DOI 10.1177/1948550616673876 (GRIM).
    J. Anaya, PeerJ Preprints 2016;4:e2400v1, DOI 10.7287/peerj.preprints.2400v1 (GRIMMER).
    """
    if n < 1:
        raise InputError("a mean is of one unit or more", got=n)
    m = printed(mean)
    text = f"n {n}, mean {m}" + (f", SD {printed(sd)}" if sd is not None else "")
    low, end = _shown_as(m)
    sums = _whole_in(low * n, end * n)
    if not sums:
        near = [math.floor(m.value * n), math.ceil(m.value * n)]
        computed = " and ".join(f"{k} / {n} = {k / n:.4f}" for k in near)
        return (Finding(rule="mean of whole numbers", where=where, printed=text, computed=f"{computed} are next"),)
    if sd is None or n < 2:
        return ()
    low, end = _shown_as(printed(sd))
    for total in sums:
        of_mean = total * total / n
        squares = _whole_in(max(low, 0.0) ** 2 * (n - 1) + of_mean, end**2 * (n - 1) + of_mean)
        if any((q - total) % 2 == 0 for q in squares):
            return ()
    computed = f"no {n} whole numbers with this mean have this SD"
    return (Finding(rule="SD of whole numbers", where=where, printed=text, computed=computed),)


def check_share(where: str, total: int, percent: str | float) -> tuple[Finding, ...]:
    """Return a finding if no whole number of ``total`` units is the printed percentage.

    Parameters
    ----------
    where : str
        Table or text, row and column.
    total : int
        Denominator.
    percent : str or float
        As printed; text keeps the decimals.

    Returns
    -------
    tuple of Finding

    Raises
    ------
    InputError
        No units, or not a number.
    """
    if total < 1:
        raise InputError("a percentage is of one unit or more", got=total)
    q = printed(percent)
    low, end = _shown_as(q)
    if _whole_in(low * total / 100.0, end * total / 100.0) and q.high >= 0 and low <= 100:
        return ()
    k = min(max(math.floor(q.value * total / 100.0), 0), total - 1)
    computed = f"{k}/{total} is {100 * k / total:.2f} % and {k + 1}/{total} {100 * (k + 1) / total:.2f} %"
    return (Finding(rule="percent of a denominator", where=where, printed=f"{q} % of {total}", computed=computed),)
