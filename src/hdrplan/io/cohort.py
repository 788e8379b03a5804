"""Cohort tables on disk: a folder of CSV or Parquet files, or one Excel workbook with a sheet a table.

Every cell is read as text, as it stands: ids keep their zeros, dates their form, so that the checks can name what is
wrong. What a file cannot say (two tables of one name, no header) comes back as a problem beside the tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hdrplan.cohort import COMPACT, TABLES, Problem, RawTable, data_dictionary, json_schema, problem
from hdrplan.errors import FormatError, InputError, ResourceError
from hdrplan.io.cell_text import cell_text
from hdrplan.io.csv_files import csv_cells
from hdrplan.io.files import sha256, text_of
from hdrplan.io.value_files import harmless, table_cell, write_json, write_rows
from hdrplan.io.workbooks import read_workbook

__all__ = ["cohort_sha256", "read_cohort", "write_tables", "write_template"]

# A Parquet file of a kilobyte can claim more rows than any memory holds.
MAX_CELLS = 50_000_000


def read_cohort(path: Path) -> tuple[dict[str, RawTable], list[Problem]]:
    """Read all tables of a cohort.

    Parameters
    ----------
    path : Path
        Folder with NAME.csv or NAME.parquet files, or an .xlsx workbook.

    Raises
    ------
    InputError, FormatError
        Nothing there, or a file that cannot be read at all.
    """
    path = Path(path)
    if path.is_file() and path.suffix.lower() == ".xlsx":
        return read_workbook(path)
    if not path.is_dir():
        raise InputError(
            "a cohort is a folder of CSV or Parquet tables, or one .xlsx workbook",
            got="a file" if path.exists() else "nothing of that name",
            where=path,
            remedy="`hdrplan cohort template` writes empty tables.",
        )
    files = sorted(p for p in path.iterdir() if p.suffix.lower() in (".csv", ".parquet") and p.name[0] not in ".~")
    books = [p for p in path.iterdir() if p.suffix.lower() == ".xlsx" and p.name[0] not in ".~"]
    if not files and len(books) == 1:
        return read_workbook(books[0])
    if not files:
        raise InputError("a cohort folder holds patients.csv, sessions.csv, ...", got="no CSV or Parquet", where=path)
    tables: dict[str, RawTable] = {}
    problems = [
        problem(book.stem.lower(), None, "unknown_table", f"{book.name} lies beside CSV files") for book in books
    ]
    for file in files:
        name = file.stem.lower()
        if name in tables:
            problems.append(problem(name, None, "duplicate_key", f"{name} is in two files"))
            continue
        tables[name] = _csv(file, name) if file.suffix.lower() == ".csv" else _parquet(file, name)
    return tables, problems


def cohort_sha256(path: Path) -> dict[str, str]:
    """Table file -> SHA-256, for ``run.json``."""
    path = Path(path)
    files = [path] if path.is_file() else sorted(p for p in path.iterdir() if p.suffix in (".csv", ".parquet", ".xlsx"))
    return {p.name: sha256(p) for p in files}


def _csv(path: Path, name: str) -> RawTable:
    rows = [row for _, row in csv_cells(text_of(path), path) if any(row)]
    if not rows:
        raise FormatError("expected a header row", got="an empty file", where=path)
    if len(rows[0]) == 1 and (";" in rows[0][0] or "\t" in rows[0][0]):
        raise FormatError(
            "expected commas between the columns",
            got=f"'{rows[0][0][:40]}'",
            where=path,
            remedy="Save as CSV with commas and decimal points, or as .xlsx.",
        )
    return RawTable(name, tuple(rows[0]), tuple(tuple(row) for row in rows[1:]))


def _parquet(path: Path, name: str) -> RawTable:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        claims = pq.read_metadata(path)
        if claims.num_rows * claims.num_columns > MAX_CELLS:
            raise ResourceError(
                f"a Parquet file of at most {MAX_CELLS} cells",
                got=f"{claims.num_rows} rows x {claims.num_columns} columns",
                where=path,
            )
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise FormatError("expected a Parquet file", got=str(error)[:120], where=path) from None
    columns = [[cell_text(v) for v in table.column(i).to_pylist()] for i in range(table.num_columns)]
    return RawTable(name, tuple(table.column_names), tuple(zip(*columns, strict=True)))


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
    """
    if form == "xlsx":
        import openpyxl

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
