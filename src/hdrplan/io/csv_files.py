"""Comma-separated text as every reader of hdrplan takes it: cells, the lines they stand on, one check of the header."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hdrplan.errors import FormatError
from hdrplan.io.text_form import TextForm, table_text
from hdrplan.io.value_files import as_it_was

__all__ = ["CsvTable", "csv_cells", "read_csv", "separator_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvTable:
    """A table with a checked header.

    Parameters
    ----------
    path : Path
    header : tuple of str
        Every column has a name of its own.
    rows : tuple of tuple of str
        Each as long as the header; blank rows are left out.
    lines : tuple of int
        Line of the file on which each row ends.
    """

    path: Path
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    def column(self, name: str) -> int:
        """Return the place of a column that is there."""
        return self.header.index(name)

    def where(self, row: int) -> str:
        """Return what a message names: the file and the line of a row."""
        return f"{self.path}, line {self.lines[row]}"


def csv_cells(text: str, path: Path, *, separator: str = ",") -> Iterator[tuple[int, list[str]]]:
    """Read cells row by row, with the line on which each row ends.

    Parameters
    ----------
    text : str
    path : Path
        What messages name.
    separator : str

    Raises
    ------
    FormatError
        A quote that is never closed, a cell longer than any text of a table, a NUL.
    """
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise FormatError("expected text", got="a NUL character", where=f"{path}, line {line}")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for row in reader:
            yield reader.line_num, [as_it_was(cell) for cell in row]
    except csv.Error as error:
        got = str(error)
        if "field limit" in got:
            got = f"a cell of more than {csv.field_size_limit()} characters"
        raise FormatError(
            "expected rows of separated cells",
            got=got,
            where=f"{path}, line {reader.line_num}",
            remedy="A quote may be open or doubled there.",
        ) from None


def separator_of(text: str, separators: str) -> str:
    """Return the separator that is most frequent in the first line."""
    return max(separators, key=text.partition("\n")[0].count)


def read_csv(
    path: Path, wanted: Sequence[str] = (), *, separators: str = ",", form: TextForm | None = None
) -> CsvTable:
    """Read a table whose first row names the columns.

    Parameters
    ----------
    path : Path
    wanted : sequence of str
        Columns that must be there; others may be too.
    separators : str
        What may stand between cells: the one that is most frequent in the first line does.
    form : TextForm or None
        Encoding of the file; None: UTF-8, and nothing else can be told.

    Raises
    ------
    FormatError
        No header, a column without a name or with another's, one that is missing, rows of another length, no rows.
    """
    text = table_text(path, form)
    cells = csv_cells(text, path, separator=separator_of(text, separators))
    header = [name.strip() for name in next(cells, (0, []))[1]]
    if not any(header):
        raise FormatError("a table needs a header of column names", where=path)
    missing = [name for name in wanted if name not in header]
    if missing:
        raise FormatError(
            f"columns {', '.join(wanted)}",
            got=f"none called {', '.join(missing)}",
            where=path,
            remedy=f"The first line is: {', '.join(header)[:120]}",
        )
    if "" in header or len(set(header)) < len(header):
        raise FormatError("each column needs a name of its own", got=", ".join(header)[:120], where=path)
    rows, lines = [], []
    for line, row in cells:
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header):
            raise FormatError(f"{len(header)} cells", got=len(row), where=f"{path}, line {line}")
        rows.append(tuple(row))
        lines.append(line)
    if not rows:
        raise FormatError("a table needs rows", got="a header only", where=path)
    return CsvTable(path=path, header=tuple(header), rows=tuple(rows), lines=tuple(lines))
