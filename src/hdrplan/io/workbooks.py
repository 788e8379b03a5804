"""Sheets of an Excel workbook as text, by the cells that are there and not by what the sheet says of itself."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from hdrplan.cohort import Problem, RawTable, problem
from hdrplan.errors import FormatError, InputError, ResourceError
from hdrplan.io.cell_text import cell_text
from hdrplan.io.sheet_cells import SheetFacts
from hdrplan.io.unpacking import check_cells, check_zip
from hdrplan.io.value_files import as_it_was

__all__ = ["read_workbook"]

# A cohort has fewer cells.
_MAX_CELLS = 20_000_000
# Rows without a cell between two that have some: beyond, a cell has strayed.
_MAX_GAP = 1000
# Columns of percent by their names: 33 % is 33 there, and 0.33 in the cell of a spreadsheet that shows 33 %.
_OF_PERCENT = re.compile(r"%|percent|(^|_)pct($|_)")


def read_workbook(path: Path) -> tuple[dict[str, RawTable], list[Problem]]:
    """Read every sheet of a workbook.

    Parameters
    ----------
    path : Path

    Returns
    -------
    tables : dict
        Name of the sheet, in small letters -> its rows as text.
    problems : list of Problem
        Sheets of one name; sheets that say they hold other cells than they do, hide rows, or show numbers as percent
        in a column of percent.

    Raises
    ------
    FormatError
        No workbook, or one that is damaged; a cell far away from all others.
    ResourceError
        A workbook that unpacks to more than a cohort can be.
    """
    import openpyxl

    check_zip(path, "an Excel workbook (.xlsx)")
    facts = check_cells(path)
    # A broken archive shows itself while the cells are read: all of it stands in one place.
    try:
        # The file is ours: openpyxl leaves one open that it could not read to its end.
        with path.open("rb") as file:
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            sheets = [_sheet(sheet, path, facts.get(_part(sheet), SheetFacts())) for sheet in book.worksheets]
    except (InputError, ResourceError):
        raise
    except (
        zipfile.BadZipFile, zlib.error, ParseError, LookupError, ValueError, TypeError, AttributeError, OSError,
        ArithmeticError, NotImplementedError, AssertionError, EOFError,
    ) as error:  # fmt: skip
        raise FormatError("expected an Excel workbook (.xlsx)", got=str(error)[:120], where=path) from None
    tables: dict[str, RawTable] = {}
    problems: list[Problem] = []
    for table, sheet_problems in sheets:
        if table is None:
            continue
        if table.name in tables:
            problems.append(problem(table.name, None, "duplicate_key", f"{table.name} is in two sheets"))
            continue
        tables[table.name] = table
        problems += sheet_problems
    return tables, problems


def _part(sheet: Any) -> str:
    """Return the name of a sheet's part of the archive."""
    return str(sheet._worksheet_path).lstrip("/")


def _sheet(sheet: Any, path: Path, facts: SheetFacts) -> tuple[RawTable | None, list[Problem]]:
    """Return the table of one sheet, None where it is empty, and whether the sheet was wrong about itself."""
    claimed = sheet.max_row, sheet.max_column
    sheet.reset_dimensions()
    rows: list[list[str]] = []
    cells, height, width = 0, 0, 0
    for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        row = [as_it_was(cell_text(value)) for value in values]
        while row and not row[-1]:
            row.pop()
        cells, height, width = cells + len(values), number, max(width, len(values))
        if cells > _MAX_CELLS:
            raise ResourceError(
                f"a sheet of at most {_MAX_CELLS} cells", got=f"more, by row {number}", where=f"{path}, {sheet.title}"
            )
        if row and len(rows) + _MAX_GAP < number:
            raise FormatError(
                f"rows without gaps of more than {_MAX_GAP}",
                got=f"a cell in row {number}, {number - len(rows) - 1} rows below the others",
                where=f"{path}, sheet {sheet.title}",
                remedy="Delete the rows below the table.",
            )
        if row:
            rows += [[] for _ in range(number - 1 - len(rows))]
            rows.append(row)
    name = sheet.title.strip().lower()
    if not rows:
        return None, []
    columns = tuple(rows[0])
    # A spreadsheet leaves out cells at the end of a row; cells beyond the header are kept, so that they are reported.
    body = tuple(tuple(row + [""] * (len(columns) - len(row))) for row in rows[1:])
    problems = []
    # Columns may be claimed for cells that were left out because they are empty.
    if None not in claimed and (claimed[0] != height or claimed[1] < width):
        got = f"the sheet says it has {claimed[0]} rows and {claimed[1]} columns; it has {height} and {width}"
        problems.append(problem(name, None, "sheet_range", got))
    if facts.hidden_rows:
        got = f"{facts.hidden_rows} rows are hidden, as by a filter"
        problems.append(problem(name, None, "hidden_rows", got))
    for k, at in facts.percent.items():
        if k < len(columns) and _OF_PERCENT.search(columns[k].strip().lower()):
            got = f"{columns[k].strip()}: cell {at} is shown as percent and stored as a hundredth of that"
            problems.append(problem(name, None, "percent_cells", got))
    return RawTable(name, columns, body), problems
