"""Any tidy table, of CSV, Excel, Parquet or SPSS: one row a unit, one column a quantity, a header on top."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.cautions import Caution, caution
from hdrplan.door import number_in
from hdrplan.errors import FormatError, InputError
from hdrplan.io.csv_files import read_csv
from hdrplan.io.parquet_files import read_parquet
from hdrplan.io.sav_files import read_sav
from hdrplan.io.text_form import TextForm
from hdrplan.io.workbooks import read_workbook

__all__ = ["Table", "read_table"]

_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "."})
# Between digits a comma is a decimal mark, where one was told; before a blank it separates.
_COMMA = re.compile(r"(?<=[0-9]),(?=[0-9])")
_TRUTH = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table as text, with the line of the file on which each row stands.

    Parameters
    ----------
    path : Path
        Where it was read.
    columns : mapping of str to tuple of str
        Cells by column, as they stand in the file.
    lines : tuple of int
        Line of each row; of a file without lines, the row of a spreadsheet in which it would stand.
    decimal : str
        Decimal mark of its numbers.
    words : mapping of str to mapping of str to str
        Column -> code -> what the code means, where the file says it (SPSS).
    warnings : tuple of Caution
        What is odd about the sheet of a workbook: rows that a filter hides, a range that it does not have.
    """

    path: Path
    columns: Mapping[str, tuple[str, ...]]
    lines: tuple[int, ...]
    decimal: str = "."
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    warnings: tuple[Caution, ...] = ()

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
        return self._first(name, number=False) is None

    def is_coded(self, name: str) -> bool:
        """Whether the file gives words for every code of a column, and the codes are other than 0 and 1."""
        words = self.words.get(name, {})
        codes = {cell.strip() for cell in self.cells(name) if cell.strip().lower() not in _MISSING}
        return bool(words) and codes <= set(words) and not codes <= {"0", "1"}

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a column as words: of codes what they mean, else the cells themselves."""
        words = self.words.get(name, {})
        return tuple(words.get(cell.strip(), cell.strip()) for cell in self.cells(name))

    def printed(self, name: str, row: int) -> str:
        """Return a cell in which printed numbers, one or several, have decimal points.

        Raises
        ------
        FormatError
            A decimal point where commas were told.
        """
        cell = self.cells(name)[row]
        if self.decimal == ".":
            return cell
        if _number(cell, ",") is None and _number(cell, ".") is not None:
            raise FormatError(
                f"column {name} must have decimal commas", got=repr(cell), where=f"{self.path}, line {self.lines[row]}",
                remedy=_decimal_remedy(cell, ","),
            )  # fmt: skip
        return _COMMA.sub(".", cell)

    def check_words(self, name: str) -> None:
        """Refuse a column that is neither a quantity nor a category: numbers and text, or the other decimal mark.

        Raises
        ------
        FormatError
            With the line of the first cell that is no number.
        """
        word, number = self._first(name, number=False), self._first(name, number=True)
        cell = "" if word is None else self.cells(name)[word]
        if word is None or (number is None and not _decimal_remedy(cell, self.decimal)):
            return
        beside = "" if number is None else f" beside {self.cells(name)[number]!r}"
        remedy = f"Correct it, or take the column as a category: `reference` {name}=LEVEL."
        raise FormatError(
            f"column {name} must hold numbers or text, not both",
            got=f"{cell!r}{beside}",
            where=f"{self.path}, line {self.lines[word]}",
            remedy=_decimal_remedy(cell, self.decimal) or remedy,
        )

    def _first(self, name: str, *, number: bool) -> int | None:
        """Row of the first cell that is a number, or of the first that is none; missing cells are neither."""
        for k, cell in enumerate(self.cells(name)):
            if cell.strip().lower() not in _MISSING and (_number(cell, self.decimal) is not None) is number:
                return k
        return None

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
            value = _number(cell, self.decimal)
            if value is None or not (unbounded or np.isfinite(value)):
                remedy = _decimal_remedy(cell, self.decimal)
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
        return replace(self, columns=columns, lines=tuple(self.lines[k] for k in rows))


def _number(cell: str, decimal: str) -> float | None:
    text = cell.strip().lower()
    if text in ("inf", "+inf", "infinity"):
        return float("inf")
    try:
        value = number_in(text, decimal)
    except ValueError:
        return _TRUTH.get(text)
    return value if np.isfinite(value) else None


def _decimal_remedy(cell: str, decimal: str) -> str:
    """Say how a number is read that is written with the other decimal mark."""
    other = "," if decimal == "." else "."
    if _number(cell, other) is None:
        return ""
    if decimal == ",":
        return "The decimal mark was said to be a comma: a full stop is none."
    return 'If commas are decimal marks, say `decimal=","`.'


def read_table(path: Path, form: TextForm | None = None) -> Table:
    """Read a table: CSV (commas, semicolons or tabs separate), a workbook of one sheet, Parquet, or SPSS (.sav).

    Parameters
    ----------
    path : Path
    form : TextForm or None
        How text is written; None: UTF-8, with decimal points.

    Returns
    -------
    Table

    Raises
    ------
    FormatError
        No header or one of numbers, no rows, a column without or with another's name, a row with too many or too few
        cells; text in another encoding; `form` for a file that says these things itself.
    """
    form, kind = form or TextForm(), Path(path).suffix.lower()
    if kind in (".sav", ".zsav"):
        read = read_sav(path, form)
        return _table(path, read.columns, words=read.words)
    if kind in (".xlsx", ".parquet"):
        if form.told:
            raise FormatError(
                f"`{form.told[0]}` is for text; a {kind} file stores its numbers and letters", where=path,
                remedy="Leave it out.",
            )  # fmt: skip
        if kind == ".parquet":
            return _table(path, read_parquet(path))
        columns, warnings = _sheet(path)
        return replace(_table(path, columns), warnings=warnings)
    table = read_csv(path, separators=",;\t", form=form)
    columns = {name: tuple(row[k] for row in table.rows) for k, name in enumerate(table.header)}
    _check_header(path, columns)
    return Table(path=path, columns=columns, lines=table.lines, decimal=form.decimal)


def _check_header(path: Path, columns: Mapping[str, tuple[str, ...]]) -> None:
    if any(_number(name, ".") is not None for name in columns):
        raise FormatError("the first line must name the columns", got=", ".join(columns)[:120], where=path)


def _table(
    path: Path, columns: Mapping[str, tuple[str, ...]], words: Mapping[str, Mapping[str, str]] | None = None
) -> Table:
    """Return the table of a file that has no lines; rows without any value are left out."""
    _check_header(path, columns)
    n = len(next(iter(columns.values()), ()))
    table = Table(path=path, columns=columns, lines=tuple(range(2, n + 2)), words=words or {})
    table = table.chosen(np.array([any(cells[k].strip() for cells in columns.values()) for k in range(n)], np.bool_))
    if not table.lines:
        raise FormatError("a table needs rows", got="a header only" if columns else "nothing", where=path)
    return table


def _sheet(path: Path) -> tuple[dict[str, tuple[str, ...]], tuple[Caution, ...]]:
    """Return the columns of a workbook's only sheet, and what is odd about it."""
    sheets, problems = read_workbook(path)
    if len(sheets) != 1:
        raise FormatError(
            "expected a workbook with one sheet that holds a table",
            got=", ".join(sheets) or "empty sheets",
            where=path,
            remedy="Save the sheet as a workbook of its own, or as CSV.",
        )
    for error in [p for p in problems if p.is_error]:
        raise FormatError("a sheet that is read as it is shown", got=error.got, where=path, remedy=error.remedy)
    (sheet,) = sheets.values()
    header = [name.strip() for name in sheet.columns]
    if "" in header or len(set(header)) < len(header):
        raise FormatError("each column needs a name of its own", got=", ".join(header)[:120], where=path)
    for number, row in enumerate(sheet.rows, start=2):
        if len(row) != len(header):
            raise FormatError(f"{len(header)} cells", got=len(row), where=f"{path}, line {number}")
    doubts = tuple(caution("sheet-doubted", sheet=p.table, got=p.got, remedy=p.remedy) for p in problems)
    return {name: tuple(row[k] for row in sheet.rows) for k, name in enumerate(header)}, doubts
