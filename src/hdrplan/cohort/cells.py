"""From text cells to typed rows; everything wrong with single cells, keys and ids is collected, nothing is dropped.

A cell that cannot be read becomes None and its problem is listed; checks further on skip None, so that one mistake
is one line of the report.
"""

from __future__ import annotations

import datetime as dt
import difflib
import math
import re
from collections.abc import Callable, Iterator, Mapping

from hdrplan.cohort.problems import Problem, problem
from hdrplan.cohort.rows import Cell, RawTable, Row, Tables
from hdrplan.cohort.schema import Column, Table
from hdrplan.cohort.tables import TABLES, form_of
from hdrplan.door import number_in

__all__ = ["typed_tables"]

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
_OLDEST = dt.date(1990, 1, 1)
# TRUE and FALSE are cells that a spreadsheet knows as such.
_FLAGS = {"0": False, "1": True, "0.0": False, "1.0": True, "FALSE": False, "TRUE": True}
_CELLS_OF_NOBODY = ("", "NA", "NaN", "nan", "None", "NULL")
# Tables whose own columns (centre, portal hypertension, ...) a model may adjust for: their text is kept.
_WITH_COVARIATES = ("patients", "lesions", "sessions")
# A rule that a cell breaks, and how.
_Wrong = Callable[[str, str], None]


def typed_tables(raw: Mapping[str, RawTable], *, today: dt.date) -> tuple[Tables, list[Problem]]:
    """Return the typed rows of all tables (compact forms still as they are) and every problem of single cells.

    Parameters
    ----------
    raw : mapping of table name to RawTable
    today : datetime.date
        Dates after it are errors.

    Returns
    -------
    tables : Tables
    problems : list of Problem
    """
    problems = [problem(n, None, "unknown_table", _nearest(n, list(TABLES))) for n in raw if n not in TABLES]
    rows: dict[str, tuple[Row, ...]] = {}
    for name, table in TABLES.items():
        if name in raw:
            reader = _Reader(raw[name], form_of(name, raw[name].columns), today)
            rows[name] = tuple(reader.rows())
            problems += reader.problems
        elif table.required:
            problems.append(problem(name, None, "missing_table", f"no table {name}"))
    forms = {name: form_of(name, raw[name].columns) for name in rows}
    tables = Tables(
        rows=rows, compact=frozenset(name for name, form in forms.items() if form.compact), present=frozenset(rows)
    )
    problems += [*_key_problems(tables, forms), *_reference_problems(tables, forms)]
    return tables, problems


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"'{name}'" + (f", did you mean '{near[0]}'?" if near else "")


class _Reader:
    """Reads one table in its form, and collects what is wrong with it on the way."""

    def __init__(self, raw: RawTable, form: Table, today: dt.date) -> None:
        self.raw, self.form, self.today = raw, form, today
        self.problems: list[Problem] = []

    def _note(self, row: int | None, rule: str, got: str) -> None:
        self.problems.append(problem(self.raw.name, row, rule, got))

    def rows(self) -> Iterator[Row]:
        """Yield the typed rows."""
        names = [c.strip() for c in self.raw.columns]
        columns = [self.form.column(n) for n in names]
        self._header(names, columns)
        for number, texts in enumerate(self.raw.rows, start=2):
            if len(texts) != len(names):
                self._note(number, "ragged_row", f"{len(texts)} cells under a header of {len(names)}")
            cells: dict[str, Cell] = {}
            for name, c, text in zip(names, columns, (*texts, *[""] * len(names)), strict=False):
                if c is not None and c.name not in cells:
                    cells[c.name] = self._cell(number, c, text)
                elif c is None and self.raw.name in _WITH_COVARIATES and name not in cells:
                    cells[name] = None if text.strip() in _CELLS_OF_NOBODY else text.strip()
            for c in self.form.columns:
                if c.or_else and c.name in cells and cells[c.name] is None and cells.get(c.or_else) is None:
                    self._note(number, "missing_value", f"{c.name} is empty or wrong, and so is {c.or_else}")
            yield Row(self.raw.name, number, cells)

    def _header(self, names: list[str], columns: list[Column | None]) -> None:
        for name, column in zip(names, columns, strict=True):
            if column is None:
                self._note(1, "unknown_column", _nearest(name, [c.name for c in self.form.columns]))
        present = [c.name for c in columns if c]
        for name in sorted({n for n in present if present.count(n) > 1}):
            self._note(1, "duplicate_column", f"{name} twice")
        for c in self.form.columns:
            if c.required and c.name not in present:
                self._note(1, "missing_column", f"no column {c.name}")
        if not self.raw.rows and self.form.required:
            self._note(None, "empty_table", "no rows")

    def _cell(self, row: int, c: Column, text: str) -> Cell:
        def wrong(rule: str, how: str) -> None:
            self._note(row, rule, f"{c.name} {how}")

        if c.kind == "id" and text != text.strip():
            wrong("stray_space", repr(text))
        text = text.strip()
        if text in _CELLS_OF_NOBODY:
            if c.required and not c.or_else:
                wrong("missing_value", "is empty")
            return None
        if c.kind == "date":
            return _date(text, self.today, wrong)
        if c.kind == "number":
            return _number(text, c, wrong)
        if c.kind == "flag":
            return _flag(text, wrong)
        if c.kind == "choice" and text not in c.choices:
            wrong("not_in_vocabulary", f"is '{text}', expected one of {', '.join(c.choices)}")
            return None
        return text


def _date(text: str, today: dt.date, wrong: _Wrong) -> dt.date | None:
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


def _number(text: str, c: Column, wrong: _Wrong) -> float | None:
    try:
        value = number_in(text)
        if not math.isfinite(value):
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


def _flag(text: str, wrong: _Wrong) -> bool | None:
    if text not in _FLAGS:
        wrong("not_a_flag", f"is '{text}'")
        return None
    return _FLAGS[text]


def _key_problems(tables: Tables, forms: Mapping[str, Table]) -> Iterator[Problem]:
    for name, rows in tables.rows.items():
        key_columns = forms[name].key
        if name == "study" and len(rows) > 1:
            yield problem(name, rows[1].number, "duplicate_key", "a second row, the study has one")
        first: dict[tuple[Cell, ...], int] = {}
        for row in rows:
            key = tuple(row.cells.get(k) for k in key_columns)
            if not key_columns or (key[-1] is None and name not in ("other_treatments",)):
                continue
            if key in first:
                words = " + ".join(f"{k} {v}" for k, v in zip(key_columns, key, strict=True) if v is not None)
                yield problem(name, row.number, "duplicate_key", f"{words} is also in row {first[key]}")
            first.setdefault(key, row.number)


def _reference_problems(tables: Tables, forms: Mapping[str, Table]) -> Iterator[Problem]:
    known = {
        table: {row.text(column) for row in tables[table]}
        for table, column in (
            ("patients", "patient_id"),
            ("lesions", "lesion_id"),
            ("sessions", "session_id"),
            ("scans", "scan_id"),
        )
    }
    for name, rows in tables.rows.items():
        refers = [c for c in forms[name].columns if c.refers]
        for row in rows:
            for c in refers:
                value = row.text(c.name)
                if value is not None and c.refers in tables.present | {"scans"} and value not in known[c.refers]:
                    near = _nearest(value, sorted(v for v in known[c.refers] if v))
                    yield problem(name, row.number, "foreign_id", f"{c.name} {near} is not in {c.refers}")
