"""Cohort tables on disk: a folder of CSV, Parquet or SPSS files, or one Excel workbook with a sheet a table.

Every cell is read as text, as it stands: ids keep their zeros, dates their form, so that the checks can name what is
wrong. What a file cannot say (two tables of one name, no header) comes back as a problem beside the tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hdrplan.cohort import COMPACT, TABLES, Problem, RawTable, data_dictionary, form_of, json_schema, problem
from hdrplan.door import number_in
from hdrplan.errors import FormatError, InputError
from hdrplan.io.cell_text import cell_text
from hdrplan.io.csv_files import csv_cells, separator_of
from hdrplan.io.files import sha256
from hdrplan.io.parquet_files import read_parquet
from hdrplan.io.sav_files import read_sav
from hdrplan.io.text_form import TextForm, table_text
from hdrplan.io.value_files import harmless, table_cell, write_json, write_rows
from hdrplan.io.workbooks import read_workbook

__all__ = ["cohort_sha256", "read_cohort", "write_tables", "write_template"]

_FILES = (".csv", ".parquet", ".sav")
# Of Excel; openpyxl writes more without a word, and a spreadsheet leaves them out.
_SHEET_ROWS = 1_048_576


def read_cohort(path: Path, form: TextForm | None = None) -> tuple[dict[str, RawTable], list[Problem]]:
    """Read all tables of a cohort.

    Parameters
    ----------
    path : Path
        Folder with NAME.csv, NAME.parquet or NAME.sav files, or an .xlsx workbook.
    form : TextForm or None
        How CSV files are written; None: UTF-8, with decimal points.

    Returns
    -------
    tables : dict of str to RawTable
    problems : list of Problem
        Of the files themselves.

    Raises
    ------
    InputError, FormatError
        Nothing there, or a file that cannot be read at all.
    """
    path, form = Path(path), form or TextForm()
    if path.is_file() and path.suffix.lower() == ".xlsx":
        if form.told:
            raise FormatError(f"`{form.told[0]}` is for text; a workbook stores its numbers and letters", where=path)
        return read_workbook(path)
    if not path.is_dir():
        raise InputError(
            "a cohort is a folder of CSV, Parquet or SPSS tables, or one .xlsx workbook",
            got="a file" if path.exists() else "nothing of that name",
            where=path,
            remedy="`hdrplan cohort template` writes empty tables.",
        )
    files = sorted(p for p in path.iterdir() if p.suffix.lower() in _FILES and p.name[0] not in ".~")
    books = [p for p in path.iterdir() if p.suffix.lower() == ".xlsx" and p.name[0] not in ".~"]
    if not files and len(books) == 1:
        return read_cohort(books[0], form)
    if not files:
        raise InputError("a cohort folder holds patients.csv, sessions.csv, ...", got="no table", where=path)
    tables: dict[str, RawTable] = {}
    problems = [
        problem(book.stem.lower(), None, "unknown_table", f"{book.name} lies beside CSV files") for book in books
    ]
    for file in files:
        name = file.stem.lower()
        if name in tables:
            problems.append(problem(name, None, "duplicate_key", f"{name} is in two files"))
            continue
        tables[name] = _read(file, name, form)
    return tables, problems


def cohort_sha256(path: Path) -> dict[str, str]:
    """Table file -> SHA-256, for ``run.json``."""
    path = Path(path)
    files = [path] if path.is_file() else sorted(p for p in path.iterdir() if p.suffix.lower() in (*_FILES, ".xlsx"))
    return {p.name: sha256(p) for p in files}


def _read(path: Path, name: str, form: TextForm) -> RawTable:
    kind = path.suffix.lower()
    if kind == ".csv":
        return _csv(path, name, form)
    if kind == ".parquet":
        columns = read_parquet(path)
        return RawTable(name, tuple(columns), tuple(zip(*columns.values(), strict=True)))
    # CSV files beside it may need what `form` says; an SPSS file names its own encoding.
    sav = read_sav(path)
    table = form_of(name, tuple(sav.columns)) if name in TABLES else None
    cells = []
    for column, codes in sav.columns.items():
        known = table.column(column) if table else None
        # Words stand for themselves where a table has words; numbers, flags and ids are what is stored.
        words = sav.words.get(column, {}) if known and known.kind in ("choice", "text") else {}
        cells.append([words.get(code, code) for code in codes])
    return RawTable(name, tuple(sav.columns), tuple(zip(*cells, strict=True)))


def _csv(path: Path, name: str, form: TextForm) -> RawTable:
    text = table_text(path, form)
    lines = [(line, row) for line, row in csv_cells(text, path, separator=separator_of(text, ",;\t")) if any(row)]
    if not lines:
        raise FormatError("expected a header row", got="an empty file", where=path)
    columns, rows = tuple(lines[0][1]), lines[1:]
    if form.decimal != "." and name in TABLES:
        table = form_of(name, columns)
        kinds = [table.column(column.strip()) for column in columns]
        for k in [k for k, column in enumerate(kinds) if column and column.kind == "number"]:
            for line, row in rows:
                if k < len(row):
                    row[k] = _with_full_stop(row[k], f"{path}, line {line}, column {columns[k]}")
    return RawTable(name, columns, tuple(tuple(row) for _, row in rows))


def _with_full_stop(cell: str, where: str) -> str:
    """Return a number with a decimal comma as hdrplan writes it; what is no number is left to the checks."""
    try:
        number_in(cell, ",")
    except ValueError:
        pass
    else:
        return cell.replace(",", ".")
    try:
        number_in(cell)
    except ValueError:
        return cell
    raise FormatError(
        "expected decimal commas, as `decimal` says", got=cell.strip(), where=where,
        remedy="Does the full stop divide thousands? Write the number without it.",
    )  # fmt: skip


def write_tables(
    folder: Path, tables: Mapping[str, tuple[Sequence[str], Sequence[Sequence[object]]]], form: str = "csv"
) -> None:
    """Write tables of a cohort into an existing folder.

    Parameters
    ----------
    folder : Path
    tables : mapping of name to (columns, rows)
    form : {"csv", "parquet", "xlsx"}
        A file a table, or one workbook cohort.xlsx.

    Raises
    ------
    InputError
        More rows than a sheet of a workbook can hold.
    """
    if form == "xlsx":
        import openpyxl

        for name, (_, rows) in tables.items():
            if len(rows) >= _SHEET_ROWS:
                raise InputError(
                    f"a sheet of a workbook holds {_SHEET_ROWS} rows",
                    got=f"{len(rows)} and a header",
                    where=name,
                    remedy="Use `format` csv or parquet.",
                )
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, (columns, rows) in tables.items():
            sheet = book.create_sheet(name)
            for row in (columns, *rows):
                sheet.append([harmless(v) if isinstance(v, str) else table_cell(v) for v in row])
        book.save(folder / "cohort.xlsx")
        return
    for name, (columns, rows) in tables.items():
        if form == "csv":
            write_rows(folder / f"{name}.csv", columns, (map(table_cell, row) for row in rows))
        else:
            import pyarrow as pa
            import pyarrow.parquet as pq

            texts = [
                pa.array([cell_text(table_cell(row[i])) or None for row in rows], pa.string())
                for i in range(len(columns))
            ]
            pq.write_table(pa.table(texts, names=list(columns)), folder / f"{name}.parquet")


def write_template(folder: Path, *, compact: bool = False, form: str = "csv") -> None:
    """Write empty tables, their JSON Schemas and the data dictionary into an existing folder.

    Parameters
    ----------
    folder : Path
    compact : bool
        The few tables and columns that a study of doses and recurrence needs at least.
    form : {"csv", "parquet", "xlsx"}
        As in :func:`write_tables`.
    """
    names = ("patients", "sessions", "lesions", "measurements", "findings", "other_treatments", "dose_metrics")
    chosen = {n: COMPACT.get(n, TABLES[n]) for n in names} if compact else TABLES
    write_tables(folder, {n: ([c.name for c in t.columns], []) for n, t in chosen.items()}, form)
    schemas = folder / "schema"
    schemas.mkdir()
    for name, table in chosen.items():
        write_json(schemas / f"{name}.schema.json", json_schema(table))
    dictionary = data_dictionary((*TABLES.values(), *COMPACT.values()))
    (schemas / "data-dictionary.md").write_text(f"# Cohort tables\n\n{dictionary}", encoding="utf-8")
