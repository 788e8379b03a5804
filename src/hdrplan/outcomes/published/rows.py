"""Every check that the columns of a table of printed numbers allow."""

from __future__ import annotations

from collections.abc import Mapping

from hdrplan.errors import InputError
from hdrplan.outcomes.published.counts import check_counted_mean, check_mean_sd, check_percent
from hdrplan.outcomes.published.printed_numbers import Finding, printed
from hdrplan.outcomes.published.ratios import check_ratio
from hdrplan.outcomes.published.times import check_median

__all__ = ["PRINTED_COLUMNS", "check_row"]

# What check_row looks for.
PRINTED_COLUMNS = (
    "ratio", "lower", "upper", "p", "count", "total", "percent", "n", "mean", "sd", "sum", "ones", "median", "minimum",
    "maximum",
)  # fmt: skip


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

    Returns
    -------
    tuple of Finding

    Raises
    ------
    InputError
        A cell that is no number.
    """
    has = {name: text.strip() for name, text in row.items() if text and text.strip()}
    findings: list[Finding] = []
    if {"ratio", "lower", "upper"} <= has.keys():
        findings += check_ratio(where, has["ratio"], has["lower"], has["upper"], has.get("p"))
    if {"count", "total", "percent"} <= has.keys():
        findings += check_percent(where, _whole(has["count"]), _whole(has["total"]), has["percent"])
    if {"n", "mean", "sd"} <= has.keys():
        n, total, ones = (_whole(has[name]) if name in has else None for name in ("n", "sum", "ones"))
        low, high = (printed(has[name]).value if name in has else None for name in ("minimum", "maximum"))
        assert n is not None
        if total is not None:
            findings += check_counted_mean(where, n, has["mean"], has["sd"], total=total, n_ones=ones)
        findings += check_mean_sd(where, n, has["mean"], has["sd"], minimum=low, maximum=high)
    if {"median", "minimum", "maximum"} <= has.keys():
        findings += check_median(where, has["median"], has["minimum"], has["maximum"])
    return tuple(findings)


def _whole(text: str) -> int:
    value = printed(text).value
    if value != round(value):
        raise InputError("a count is a whole number", got=text)
    return int(value)
