"""Tables of a cohort as their files have them, and as typed rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Cell", "RawTable", "Row", "Tables"]

# A cell as it was read; None where it is empty or wrong.
Cell = str | float | bool | dt.date | None


@dataclass(frozen=True, slots=True)
class RawTable:
    """A table as its file has it: header and rows of text; row 0 stands in row 2 of the file."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A typed row and where it stands in its file; each look-up gives None for a cell that is empty or wrong."""

    table: str
    number: int
    cells: Mapping[str, Cell]

    def text(self, column: str) -> str | None:
        """Return an id, a text or a choice."""
        cell = self.cells.get(column)
        return cell if isinstance(cell, str) else None

    def value(self, column: str) -> float | None:
        """Return a number."""
        cell = self.cells.get(column)
        return cell if isinstance(cell, float) else None

    def flag(self, column: str) -> bool | None:
        """Return a flag."""
        cell = self.cells.get(column)
        return cell if isinstance(cell, bool) else None

    def day(self, column: str) -> dt.date | None:
        """Return a date."""
        cell = self.cells.get(column)
        return cell if isinstance(cell, dt.date) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Typed rows of the tables.

    Parameters
    ----------
    rows : mapping of table name to tuple of Row
    compact : frozenset of str
        Tables that came in their compact form.
    present : frozenset of str
        Tables that came at all.
    """

    rows: Mapping[str, tuple[Row, ...]]
    compact: frozenset[str]
    present: frozenset[str]

    def __getitem__(self, name: str) -> tuple[Row, ...]:
        return self.rows.get(name, ())
