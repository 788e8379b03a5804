"""A table as it is printed: title, columns, rows of text, notes; reports and files render it."""

from __future__ import annotations

from dataclasses import dataclass

from hdrplan.outcomes import ratio_decimals

__all__ = ["TextTable", "control_text", "estimate_text", "p_text", "ratio_text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTable:
    """Rows of text under a header.

    Parameters
    ----------
    name : str
        Of its files.
    title : str
    columns : tuple of str
        The header.
    rows : tuple of tuple of str
    notes : tuple of str
        What stands below.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def p_text(p: float) -> str:
    """Return p with three digits; never '.000'."""
    return "" if p != p else "<0.001" if p < 0.001 else f"{p:.3f}"


def estimate_text(value: float, lower: float, upper: float, digits: int = 3) -> str:
    """Return an estimate with its interval, NR (not reached) for what is missing.

    Parameters
    ----------
    value, lower, upper : float
    digits : int
        Digits after the point.

    Returns
    -------
    str
    """

    def text(x: float) -> str:
        return "NR" if x != x or x in (float("inf"), float("-inf")) else f"{x:.{digits}f}"

    return f"{text(value)} ({text(lower)}-{text(upper)})"


def ratio_text(value: float, lower: float, upper: float) -> str:
    """Return a ratio with its interval, with so many digits that it differs from 1.

    Parameters
    ----------
    value, lower, upper : float

    Returns
    -------
    str
    """
    return estimate_text(value, lower, upper, ratio_decimals(value, lower, upper))


def control_text(control: float, lower: float, upper: float) -> str:
    """Return a fraction without event as percent with its interval; an estimate of 0 or 1 has none that means anything.

    Parameters
    ----------
    control, lower, upper : float
        0 to 1.
    """
    if control in (0.0, 1.0):
        return "100.0 (no event)" if control else "0.0 (nobody left)"
    return estimate_text(100 * control, 100 * lower, 100 * upper, 1)
