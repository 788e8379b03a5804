"""A user's own TG-43 source, from JSON, a pair of CSV files, or a spreadsheet."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from hdrplan.door import Entries, number_in
from hdrplan.errors import FormatError, InputError
from hdrplan.io.csv_files import csv_cells
from hdrplan.io.files import existing_file, json_entries, text_of
from hdrplan.io.source_sheets import record_of_workbook
from hdrplan.io.source_values import VALUES_SCHEMA, source_of_values
from hdrplan.sources import TG43Source, load_source, user_source

__all__ = ["read_source"]

_TEXTS = ("name", "model", "manufacturer", "citation", "provenance", "note")
# What a spreadsheet writes in the place of a number; at the start of a line it would be a comment.
_SHEET_ERROR = re.compile(r"#(REF!|N/A|DIV/0!|VALUE!|NAME\?|NUM!|NULL!)")
_NUMBERS = ("dose_rate_constant_cgy_per_h_per_u", "active_length_cm", "half_life_days")
_CAPSULE = ("radius", "tip_z", "cable_z", "cable_radius")
# Tables of the record that are made entry by entry: name -> key -> value.
_Parts: TypeAlias = dict[str, dict[str, object]]
_TABLE_ENDS = {"_g.csv": "radial_dose", "_f.csv": "anisotropy", "_along_away.csv": "along_away"}


def read_source(name_or_file: str | Path) -> TG43Source:
    """Return a packaged source by name, or a user's source from a file.

    Parameters
    ----------
    name_or_file : str or Path
        A name of :func:`hdrplan.sources.source_names`; or a file: ``.json`` in the schema of the packaged sources, or
        as it stands in a plan (:mod:`hdrplan.io.source_values`);
        ``NAME_g.csv`` with ``NAME_F.csv`` beside it (and ``NAME_along_away.csv``, if there is one); ``.xlsx`` or
        ``.xls`` in the layout of the ESTRO and CLRP spreadsheets.

    Returns
    -------
    TG43Source

    Raises
    ------
    InputError, FormatError
        No such name or file, another kind of file, or a table that cannot be right.
    """
    path = Path(name_or_file)
    ending = path.suffix.lower()
    if isinstance(name_or_file, str) and ending not in _READERS and not path.is_file():
        return load_source(name_or_file)
    if ending not in _READERS:
        raise InputError(
            "a source file must be .json, .csv, .xlsx or .xls", got=ending or "a name without ending", where=path
        )
    record = _READERS[ending](existing_file(path))
    if record.get("schema") == VALUES_SCHEMA:
        return source_of_values(Entries(record, path))
    record.setdefault("name", re.sub(r"(_g|_f|_along_away)$", "", path.stem, flags=re.IGNORECASE))
    record.setdefault("citation", "not stated by the user")
    record.setdefault("provenance", path.name)
    return user_source(record, where=str(path))


def _record_of_csv(path: Path) -> dict[str, object]:
    """Read NAME_g.csv, NAME_F.csv and NAME_along_away.csv; any of them may be named."""
    stem = next((path.name[: -len(end)] for end in _TABLE_ENDS if path.name.lower().endswith(end)), None)
    if stem is None:
        raise InputError(
            "CSV tables of a source are called NAME_g.csv and NAME_F.csv", got=path.name, where=path.parent
        )
    record: dict[str, object] = {}
    parts: _Parts = {}
    beside = {p.name.lower(): p for p in path.parent.iterdir()}
    for end, key in _TABLE_ENDS.items():
        table = beside.get(f"{stem}{end}".lower())
        if table is None and key == "along_away":
            continue
        if table is None:
            raise InputError(
                "both tables of the pair are needed", got=f"no {stem}{end.replace('_f', '_F')}", where=path.parent
            )
        lines = text_of(table).splitlines()
        for number, line in enumerate(lines, 1):
            if line.startswith("#") and "=" in line:
                _take_constant(record, parts, line[1:], f"{table.name}, line {number}")
        parts.setdefault(key, {}).update(_table(key, lines, table))
    return record | parts


def _table(key: str, lines: list[str], path: Path) -> dict[str, object]:
    """Return one table of the record from the lines of its CSV file."""
    body = [line for line in lines if line.strip(" ;,\t") and not line.startswith("#")]
    faulty = next((i for i, line in enumerate(lines, 1) if _SHEET_ERROR.match(line)), None)
    if faulty is not None:
        raise FormatError("a number in every cell", got=lines[faulty - 1][:40], where=f"{path}, line {faulty}")
    if len(body) < 3:
        raise FormatError("a header and at least two rows", got=f"{len(body)} rows", where=path)
    # A spreadsheet in much of Europe writes ; between cells and , in numbers.
    semicolons = ";" in body[0]
    rows = [row for _, row in csv_cells("\n".join(body), path, separator=";" if semicolons else ",")]
    width = len(rows[0])
    ragged = next((i for i, row in enumerate(rows, 1) if len(row) != width), None)
    if ragged is not None:
        raise FormatError(f"{width} cells in every row", got=f"{len(rows[ragged - 1])} in row {ragged}", where=path)
    if _is_number(rows[0][0], semicolons):
        raise FormatError("a header above the numbers", got=repr(rows[0][0]), where=path)
    cells = [[_cell(c, path, semicolons) for c in row] for row in rows[1:]]
    if key == "radial_dose":
        if width != 2:
            raise FormatError("two columns: r_cm, g", got=width, where=path)
        return {"r_cm": [row[0] for row in cells], "g": [row[1] for row in cells]}
    across = [_cell(c, path, semicolons) for c in rows[0][1:]]
    down, values = [row[0] for row in cells], [row[1:] for row in cells]
    if key == "anisotropy":
        return {"r_cm": across, "theta_deg": down, "f": values}
    return {"along_cm": across, "away_cm": down, "cgy_per_h_per_u": values}


def _take_constant(record: dict[str, object], parts: _Parts, text: str, where: str) -> None:
    """Put one ``key = value`` into the record or the table of it that it belongs to."""
    key, value = (side.strip() for side in text.split("=", 1))
    capsule = re.fullmatch(r"capsule_(\w+?)_cm", key)
    if key in _TEXTS:
        record[key] = value
    elif key == "radial_dose_beyond":
        parts.setdefault("radial_dose", {})["beyond"] = value
    elif key in _NUMBERS or (capsule and capsule[1] in _CAPSULE):
        try:
            number = number_in(value)
        except ValueError:
            raise FormatError(f"{key} must be a number", got=repr(value), where=where) from None
        if capsule:
            parts.setdefault("capsule_cm", {})[capsule[1]] = number
        else:
            record[key] = number
    else:
        known = ", ".join((*_NUMBERS, *_TEXTS, *(f"capsule_{k}_cm" for k in _CAPSULE), "radial_dose_beyond"))
        raise FormatError("unknown key", got=repr(key), where=where, remedy=f"Known: {known}.")


def _is_number(text: str, decimal_comma: bool) -> bool:
    try:
        number_in(text.replace(",", ".") if decimal_comma else text)
    except ValueError:
        return False
    return True


def _cell(text: str, path: Path, decimal_comma: bool) -> float | None:
    """Return a number; a blank cell or a dash is None."""
    text = text.strip()
    if text in {"", "-", "\u2013", "\u2212"}:
        return None
    try:
        number = number_in(text.replace(",", ".") if decimal_comma else text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise FormatError("a number or a blank cell", got=repr(text[:40]), where=path)
    return number


_READERS: dict[str, Callable[[Path], dict[str, object]]] = {
    ".json": lambda path: dict(json_entries(path).values),
    ".csv": _record_of_csv,
    ".xlsx": record_of_workbook,
    ".xls": record_of_workbook,
}
