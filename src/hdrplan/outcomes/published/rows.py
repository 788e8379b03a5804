"""Every check that the columns of a table of printed numbers allow, and what they leave unchecked."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence

from hdrplan.errors import InputError
from hdrplan.outcomes.published.counts import check_counted_mean, check_mean_sd, check_percent
from hdrplan.outcomes.published.nested import check_component, check_subset
from hdrplan.outcomes.published.printed_numbers import Finding, printed
from hdrplan.outcomes.published.ratios import check_ratio
from hdrplan.outcomes.published.times import check_median
from hdrplan.outcomes.published.whole_numbers import check_share, check_whole_mean

__all__ = ["PRINTED_COLUMNS", "check_columns", "check_nested", "check_row", "unchecked"]

# What is checked together: needed columns, and those that add to it.
_GROUPS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("ratio", "lower", "upper"), ("p", "events")),
    (("count", "total", "percent"), ()),
    (("total", "percent"), ()),
    (("n", "mean", "sd"), ("sum", "ones", "minimum", "maximum", "whole")),
    (("n", "mean", "whole"), ()),
    (("median", "minimum", "maximum"), ("component_of", "subset_of")),
)
# What check_row and check_nested look for; interval stands for lower and upper.
PRINTED_COLUMNS = ("interval", *dict.fromkeys(name for needed, more in _GROUPS for name in needed + more))
# Cells that are numbers as printed.
_NUMBERS = {*PRINTED_COLUMNS} - {"whole", "component_of", "subset_of"}
# What tables call these columns.
_OTHER_NAMES = {
    "ratio": ("hr", "hazard ratio", "or", "odds ratio", "rr", "shr", "estimate", "effect"),
    "lower": ("ci low", "ci lower", "lcl", "low", "lower 95", "lower bound", "l95", "lower ci", "ll"),
    "upper": ("ci high", "ci upper", "ucl", "high", "upper 95", "upper bound", "u95", "upper ci", "ul"),
    "interval": ("ci", "95 ci", "95% ci", "confidence interval"),
    "p": ("p value", "pvalue", "p-value", "sig"),
    "percent": ("pct", "%", "per cent", "percentage"),
    "count": ("number", "cases"),
    "total": ("of", "denominator"),
    "minimum": ("min", "range low"),
    "maximum": ("max", "range high"),
    "sd": ("std", "standard deviation", "stdev"),
    "row": ("name", "variable", "covariate", "endpoint", "label"),
    "events": ("deaths", "n events"),
}
_INTERVAL = re.compile(r"^\W*?([+-]?\d*\.?\d+)\s*(?:-|\u2013|\u2212|,|;|to)\s*([+-]?\d*\.?\d+)\W*$")


def check_columns(columns: Sequence[str]) -> None:
    """Refuse a table of printed numbers with a column that is not read, or one that nothing can be checked with.

    Raises
    ------
    InputError
        Unknown columns with the nearest known ones; columns without those that they are checked against.
    """
    known = ("row", *PRINTED_COLUMNS)
    if unknown := [c for c in columns if c not in known]:
        near = [f"{c} -> {match}" if (match := _nearest(c)) else c for c in unknown]
        raise InputError(
            "expected columns that are checked", got=", ".join(near), remedy=f"There are: {', '.join(known)}."
        )
    there = set(columns) | ({"lower", "upper"} if "interval" in columns else set())
    held = {name for needed, more in _GROUPS if set(needed) <= there for name in needed + more}
    if not held:
        raise InputError("expected columns to check", got=", ".join(columns), remedy=f"{_all_groups()}.")
    if alone := [c for c in columns if c not in ("row", "interval") and c not in held]:
        raise InputError(
            "expected the columns that these are checked against", got=", ".join(alone), remedy=f"{_all_groups()}."
        )


def _all_groups() -> str:
    return "Checked together: " + "; ".join(" ".join(needed) for needed, _ in _GROUPS)


def _nearest(column: str) -> str | None:
    text = re.sub(r"[\s_.]+", " ", column.strip().lower())
    for name, others in _OTHER_NAMES.items():
        if text in others:
            return name
    return next(iter(difflib.get_close_matches(text.replace(" ", "_"), ("row", *PRINTED_COLUMNS), n=1)), None)


def _cells(row: Mapping[str, str]) -> dict[str, str]:
    """Cells that are not blank; an interval is written out as its bounds."""
    has = {name: text.strip() for name, text in row.items() if text and text.strip() and name != "row"}
    has |= {name: text.replace("\u00b7", ".") for name, text in has.items() if name in _NUMBERS}
    if "upper" not in has and "interval" not in has and _INTERVAL.match(has.get("lower", "")):
        has["interval"] = has.pop("lower")  # both bounds were typed into the cell of the first
    if (interval := has.pop("interval", None)) is not None:
        if not (match := _INTERVAL.match(interval)):
            raise InputError("expected an interval such as 1.10-2.05", got=interval)
        if {"lower", "upper"} & has.keys():
            raise InputError("expected an interval or its bounds", got=f"interval {interval} beside lower or upper")
        has |= {"lower": match[1], "upper": match[2]}
    return has


def unchecked(row: Mapping[str, str]) -> tuple[str, ...]:
    """Return the columns of a row that no check reads, because a cell beside them is blank.

    Raises
    ------
    InputError
        An interval that is none.
    """
    has = _cells(row)
    held = {name for needed, more in _GROUPS if set(needed) <= has.keys() for name in needed + more}
    return tuple(name for name in has if name not in held)


def check_row(row: Mapping[str, str], where: str) -> tuple[Finding, ...]:
    """Return all findings of one row of a table of printed numbers, by what it holds.

    Columns, any of which may be blank: ``ratio, lower, upper`` (or ``interval``), ``p, events``; ``count, total,
    percent``; ``n, mean, sd, sum, ones, minimum, maximum, whole``; ``median, minimum, maximum``.

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
    return tuple(_findings(_cells(row), where))


def _findings(has: Mapping[str, str], where: str) -> Iterator[Finding]:
    if {"ratio", "lower", "upper"} <= has.keys():
        events = _whole(has["events"]) if "events" in has else None
        yield from check_ratio(where, has["ratio"], has["lower"], has["upper"], has.get("p"), n_events=events)
    if {"count", "total", "percent"} <= has.keys():
        yield from check_percent(where, _whole(has["count"]), _whole(has["total"]), has["percent"])
    elif {"total", "percent"} <= has.keys():
        yield from check_share(where, _whole(has["total"]), has["percent"])
    if {"n", "mean"} <= has.keys() and _yes(has.get("whole", "no")):
        yield from check_whole_mean(where, _whole(has["n"]), has["mean"], has.get("sd"))
    if {"n", "mean", "sd"} <= has.keys():
        n = _whole(has["n"])
        total, ones = (_whole(has[name]) if name in has else None for name in ("sum", "ones"))
        low, high = (has.get(name) for name in ("minimum", "maximum"))
        if total is not None:
            yield from check_counted_mean(where, n, has["mean"], has["sd"], total=total, n_ones=ones)
        yield from check_mean_sd(where, n, has["mean"], has["sd"], minimum=low, maximum=high)
    if {"median", "minimum", "maximum"} <= has.keys():
        yield from check_median(where, has["median"], has["minimum"], has["maximum"])


def check_nested(rows: Mapping[str, Mapping[str, str]]) -> tuple[Finding, ...]:
    """Return what rows of times say against the rows that they belong to.

    Parameters
    ----------
    rows : mapping of str to mapping of str to str
        Printed numbers by column, by the name of the row. ``component_of`` names the row of the composite endpoint,
        ``subset_of`` the row of all units.

    Returns
    -------
    tuple of Finding

    Raises
    ------
    InputError
        A row that is not there.
    """
    findings: list[Finding] = []
    for name, row in rows.items():
        has = _cells(row)
        for column, check in (("component_of", check_component), ("subset_of", check_subset)):
            if (other := has.get(column)) is None:
                continue
            if other == name:
                raise InputError(f"{column} must name another row", got=other, where=name)
            if other not in rows:
                raise InputError(f"{column} must name a row", got=other, where=name, remedy=f"Rows: {', '.join(rows)}.")
            findings += check(f"{name} and {other}", _cells(rows[other]), has)
    return tuple(findings)


def _yes(text: str) -> bool:
    word = text.lower()
    if word not in ("yes", "no", "true", "false", "1", "0"):
        raise InputError("whole must be yes or no", got=text)
    return word in ("yes", "true", "1")


def _whole(text: str) -> int:
    value = printed(text).value
    if value != round(value):
        raise InputError("a count is a whole number", got=text)
    return int(value)
