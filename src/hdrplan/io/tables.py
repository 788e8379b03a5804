"""Any tidy CSV table: one row a unit, one column a quantity, a header on top."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.door import number_in
from hdrplan.errors import FormatError, InputError
from hdrplan.io.csv_files import read_csv

__all__ = ["Table", "read_table"]

_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "."})
_TRUTH = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True, slots=True)
class Table:
    """A table as text, with the line of the file on which each row stands.

    Parameters
    ----------
    path : Path
        Where it was read.
    columns : mapping of str to tuple of str
        Cells by column, as they stand in the file.
    lines : tuple of int
        Line of each row.
    """

    path: Path
    columns: Mapping[str, tuple[str, ...]]
    lines: tuple[int, ...]

    def cells(self, name: str) -> tuple[str, ...]:
        """Return the cells of a column.

        Raises
        ------
        InputError
            No such column.
        """
        if name not in self.columns:
            raise InputError(f"no column {name!r}", where=self.path, remedy=f"Columns: {', '.join(self.columns)}.")
        return self.columns[name]

    def missing(self, name: str) -> BoolArray:
        """Return which cells of a column are blank, NA, NaN, null or a lone full stop."""
        return np.array([cell.strip().lower() in _MISSING for cell in self.cells(name)], dtype=np.bool_)

    def is_numeric(self, name: str) -> bool:
        """Whether every cell that is not missing is a number."""
        return all(_number(cell) is not None for cell in self.cells(name) if cell.strip().lower() not in _MISSING)

    def numbers(self, name: str, *, unbounded: bool = False) -> FloatArray:
        """Return a column as numbers; NaN where missing.

        Parameters
        ----------
        name : str
        unbounded : bool
            Infinity is a value: the right end of an interval that never ended.

        Raises
        ------
        FormatError
            A cell that is no number or infinite, with its line; TRUE or FALSE beside numbers other than 0 and 1.
        """
        values = np.full(len(self.lines), np.nan)
        for k, (cell, blank) in enumerate(zip(self.cells(name), self.missing(name), strict=True)):
            if blank:
                continue
            value = _number(cell)
            if value is None or not (unbounded or np.isfinite(value)):
                remedy = "Write decimals with a full stop." if "," in cell else ""
                raise FormatError(
                    f"column {name} must hold numbers", got=repr(cell), where=f"{self.path}, line {self.lines[k]}",
                    remedy=remedy,
                )  # fmt: skip
            values[k] = value
        words = [k for k, cell in enumerate(self.cells(name)) if cell.strip().lower() in _TRUTH]
        if words and not np.isin(values[np.isfinite(values)], (0.0, 1.0)).all():
            raise FormatError(
                f"column {name} must hold numbers or TRUE and FALSE, not both", got=repr(self.cells(name)[words[0]]),
                where=f"{self.path}, line {self.lines[words[0]]}",
            )  # fmt: skip
        return values

    def chosen(self, keep: BoolArray) -> Table:
        """Return the table of some rows."""
        rows = np.flatnonzero(keep)
        columns = {name: tuple(cells[k] for k in rows) for name, cells in self.columns.items()}
        return Table(self.path, columns, tuple(self.lines[k] for k in rows))


def _number(cell: str) -> float | None:
    text = cell.strip().lower()
    if text in ("inf", "+inf", "infinity"):
        return float("inf")
    try:
        value = number_in(text)
    except ValueError:
        return _TRUTH.get(text)
    return value if np.isfinite(value) else None


def _is_finite(text: str) -> bool:
    try:
        return bool(np.isfinite(number_in(text)))
    except ValueError:
        return False


def read_table(path: Path) -> Table:
    """Read a CSV table; commas, semicolons and tabs separate.

    Raises
    ------
    FormatError
        No header or one of numbers, no rows, a column without or with another's name, a row with too many or too few
        cells.
    """
    table = read_csv(path, separators=",;\t")
    if any(_is_finite(name) for name in table.header):
        raise FormatError("the first line must name the columns", got=", ".join(table.header)[:120], where=path)
    columns = {name: tuple(row[k] for row in table.rows) for k, name in enumerate(table.header)}
    return Table(path, columns, table.lines)
