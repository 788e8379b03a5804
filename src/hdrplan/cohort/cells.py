"""From text cells to typed rows; everything wrong with single cells, keys and ids is collected, nothing is dropped.

A cell that cannot be read becomes None and its problem is listed; checks further on skip None, so that one mistake
is one line of the report.
"""

from __future__ import annotations

import datetime as dt
import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hdrplan.cohort.problems import Problem, problem
from hdrplan.cohort.schema import TABLES, Column, Table, form_of

__all__ = ["RawTable", "Row", "Tables", "typed_tables"]

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
_OLDEST = dt.date(1990, 1, 1)
_CELLS_OF_NOBODY = ("", "NA", "NaN", "nan", "None", "NULL")


@dataclass(frozen=True, slots=True)
class RawTable:
    """A table as its file has it: header and rows of text; row 0 stands in row 2 of the file."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A typed row and where it stands in its file."""

    table: str
    number: int
    cells: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.cells.get(name)


@dataclass(slots=True)
class Tables:
    """Typed rows of each table in its full form, and whether the file was there."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    compact: set[str] = field(default_factory=set)
    given: set[str] = field(default_factory=set)

    def __getitem__(self, name: str) -> list[Row]:
        return self.rows.get(name, [])


def typed_tables(raw: Mapping[str, RawTable], *, today: dt.date) -> tuple[Tables, list[Problem]]:
    """Return the typed rows of all tables (compact forms still as they are) and every problem of single cells.

    Parameters
    ----------
    raw : mapping of table name to RawTable
    today : datetime.date
        Dates after it are errors.
    """
    tables = Tables()
    problems: list[Problem] = []
    problems += [problem(n, None, "unknown_table", _nearest(n, list(TABLES))) for n in raw if n not in TABLES]
    for name, table in TABLES.items():
        if name not in raw:
            if table.required:
                problems.append(problem(name, None, "missing_table", f"no table {name}"))
            continue
        form = form_of(name, raw[name].columns)
        tables.given.add(name)
        if form is not table:
            tables.compact.add(name)
        tables.rows[name] = _typed(raw[name], form, today, problems)
    _check_keys(tables, raw, problems)
    _check_references(tables, raw, problems)
    return tables, problems


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"'{name}'" + (f", did you mean '{near[0]}'?" if near else "")


def _typed(raw: RawTable, form: Table, today: dt.date, problems: list[Problem]) -> list[Row]:
    names = [c.strip() for c in raw.columns]
    columns = [form.column(n) for n in names]
    for name, column in zip(names, columns, strict=True):
        if column is None:
            problems.append(problem(raw.name, 1, "unknown_column", _nearest(name, [c.name for c in form.columns])))
    present = [c.name for c in columns if c]
    twice = sorted({n for n in present if present.count(n) > 1})
    absent = [c.name for c in form.columns if c.required and c.name not in present]
    problems += [problem(raw.name, 1, "duplicate_column", f"{n} twice") for n in twice]
    problems += [problem(raw.name, 1, "missing_column", f"no column {n}") for n in absent]
    if not raw.rows and form.required:
        problems.append(problem(raw.name, None, "empty_table", "no rows"))
    rows = []
    for i, texts in enumerate(raw.rows):
        number = i + 2
        if len(texts) != len(names):
            problems.append(
                problem(raw.name, number, "ragged_row", f"{len(texts)} cells under a header of {len(names)}")
            )
        cells: dict[str, Any] = {}
        for c, text in zip(columns, (*texts, *[""] * len(names)), strict=False):
            if c is not None and c.name not in cells:
                cells[c.name] = _cell(raw.name, number, c, text, today, problems)
        for c in form.columns:
            if c.or_else and c.name in cells and cells[c.name] is None and cells.get(c.or_else) is None:
                found = f"{c.name} is empty or wrong, and so is {c.or_else}"
                problems.append(problem(raw.name, number, "missing_value", found))
        rows.append(Row(raw.name, number, cells))
    return rows


def _cell(table: str, row: int, c: Column, text: str, today: dt.date, problems: list[Problem]) -> Any:
    def wrong(rule: str, found: str) -> None:
        problems.append(problem(table, row, rule, f"{c.name} {found}"))

    if c.kind == "id" and text != text.strip():
        wrong("stray_space", repr(text))
    text = text.strip()
    if text in _CELLS_OF_NOBODY:
        if c.required and not c.or_else:
            wrong("missing_value", "is empty")
        return None
    if c.kind == "date":
        return _date(text, today, wrong)
    if c.kind == "number":
        return _number(text, c, wrong)
    if c.kind == "flag":
        if text not in ("0", "1", "0.0", "1.0"):
            wrong("not_a_flag", f"is '{text}'")
            return None
        return text[0] == "1"
    if c.kind == "choice" and text not in c.choices:
        wrong("not_in_vocabulary", f"is '{text}', expected one of {', '.join(c.choices)}")
        return None
    return text


def _date(text: str, today: dt.date, wrong: Any) -> dt.date | None:
    try:
        if not _ISO.fullmatch(text):
            raise ValueError
        day = dt.date.fromisoformat(text)
    except ValueError:
        wrong("date_not_iso", f"is '{text}'")
        return None
    if day > today:
        wrong("future_date", f"is {text}, today is {today}")
    elif day < _OLDEST:
        wrong("date_too_old", f"is {text}")
    else:
        return day
    return None


def _number(text: str, c: Column, wrong: Any) -> float | None:
    try:
        value = float(text)
        if not math.isfinite(value) or "_" in text:
            raise ValueError
    except ValueError:
        wrong("not_a_number", f"is '{text}'")
        return None
    if c.low is not None and value < c.low:
        wrong("out_of_range", f"is {text}, expected {c.low:g} to {c.high:g}")
    elif c.high is not None and value > c.high:
        if c.name.endswith("_gy"):
            wrong("cgy_for_gy", f"is {text}, expected at most {c.high:g} Gy")
        else:
            wrong("out_of_range", f"is {text}, expected {c.low:g} to {c.high:g}")
    else:
        return value
    return None


def _check_keys(tables: Tables, raw: Mapping[str, RawTable], problems: list[Problem]) -> None:
    for name, rows in tables.rows.items():
        form = form_of(name, raw[name].columns)
        if name == "study" and len(rows) > 1:
            problems.append(problem(name, rows[1].number, "duplicate_key", "a second row, the study has one"))
        first: dict[tuple[Any, ...], int] = {}
        for row in rows:
            key = tuple(row[k] for k in form.key)
            if not form.key or (key[-1] is None and name not in ("other_treatments",)):
                continue
            if key in first:
                words = " + ".join(f"{k} {v}" for k, v in zip(form.key, key, strict=True) if v is not None)
                problems.append(problem(name, row.number, "duplicate_key", f"{words} stands in row {first[key]} too"))
            first.setdefault(key, row.number)


def _check_references(tables: Tables, raw: Mapping[str, RawTable], problems: list[Problem]) -> None:
    known = {
        "patients": {r["patient_id"] for r in tables["patients"]},
        "lesions": {r["lesion_id"] for r in tables["lesions"]},
        "sessions": {r["session_id"] for r in tables["sessions"]},
        "scans": {r["scan_id"] for r in tables["scans"]},
    }
    for name, rows in tables.rows.items():
        refers = [c for c in form_of(name, raw[name].columns).columns if c.refers]
        for row in rows:
            for c in refers:
                value = row[c.name]
                if value is not None and c.refers in tables.given | {"scans"} and value not in known[c.refers]:
                    near = _nearest(value, sorted(v for v in known[c.refers] if v))
                    problems.append(problem(name, row.number, "foreign_id", f"{c.name} {near} is not in {c.refers}"))
