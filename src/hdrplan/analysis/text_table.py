"""A table as it is printed: title, columns, rows of text, notes; reports and files render it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TextTable", "estimate_text", "p_text"]


@dataclass(frozen=True, slots=True)
class TextTable:
    """Rows of text under a header; notes stand below."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def p_text(p: float) -> str:
    """P with three digits; never '.000'."""
    return "" if p != p else "<0.001" if p < 0.001 else f"{p:.3f}"


def estimate_text(value: float, lower: float, upper: float, digits: int = 3) -> str:
    """Estimate with its interval, NR (not reached) for what is missing."""

    def one(x: float) -> str:
        return "NR" if x != x or x in (float("inf"), float("-inf")) else f"{x:.{digits}f}"

    return f"{one(value)} ({one(lower)}-{one(upper)})"
