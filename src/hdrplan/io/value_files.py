"""Values as JSON and CSV. Same values, same bytes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from itertools import repeat
from pathlib import Path
from types import MappingProxyType

import numpy as np

from hdrplan.errors import InputError

__all__ = ["as_it_was", "harmless", "json_text", "table_cell", "write_json", "write_rows", "write_values"]

# Spreadsheets read a cell that begins with one of these as a formula, and may run it.
_FORMULA = tuple("=+-@\t\r")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|nan)")


def json_text(value: object) -> str:
    """Return the JSON text of nested tables, arrays and numbers; NaN and infinity become null."""
    return json.dumps(_plain(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Path):
        return value.as_posix()
    raise InputError("results hold numbers, text, lists and tables", got=type(value).__name__)


def write_json(path: Path, value: object) -> None:
    """Write nested tables, arrays and numbers as JSON; NaN and infinity become null."""
    path.write_text(json_text(value), encoding="utf-8")


def write_rows(
    path: Path, header: Sequence[str], rows: Iterable[Iterable[object]], *, for_spreadsheets: bool = False
) -> None:
    """Write a CSV table; None is an empty cell.

    Parameters
    ----------
    path : Path
    header : sequence of str
        Names of the columns.
    rows : iterable of iterables
        Cells, written by ``str``: a caller that wants fewer digits formats them.
        Text that a spreadsheet would take for a formula gets an apostrophe before it, as spreadsheets do; hdrplan's
        own readers take it away again.
    for_spreadsheets : bool
        The cells hold free text of strangers: no control characters. Numbers get six digits, NaN is empty.
    """
    cell = _printable if for_spreadsheets else harmless
    lines = [",".join(_quoted(cell(value)) for value in row) or '""' for row in (header, *rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def write_values(
    path: Path, rows: Iterable[object], of: type, beside: Mapping[str, Sequence[object]] = MappingProxyType({})
) -> None:
    """Write frozen values of one dataclass as CSV; None, NaN and infinity are empty cells, true is 1 and false 0.

    Parameters
    ----------
    path : Path
    rows : iterable of dataclass values
    of : type
        Their class: its fields are the header, also where there are no rows.
    beside : mapping of name to sequence
        More columns, a value for each row.
    """
    names = [field.name for field in fields(of)]
    more: Iterable[tuple[object, ...]] = zip(*beside.values(), strict=True) if beside else repeat(())
    cells = (
        [table_cell(value) for value in (*(getattr(row, name) for name in names), *own)]
        for row, own in zip(rows, more, strict=bool(beside))
    )
    write_rows(path, [*names, *beside], cells)


def table_cell(value: object) -> object:
    """Return a cell as tables of a cohort hold it: None, NaN and infinity are empty, true is 1 and false 0."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return int(value) if isinstance(value, bool) else value


def harmless(value: object) -> str:
    """Return the text of a cell that is never a formula to a spreadsheet; None is empty."""
    text = "" if value is None else str(value)
    risky = text.lstrip("'")[:1] in _FORMULA and not _NUMBER.fullmatch(text)
    return f"'{text}" if risky else text


def as_it_was(cell: str) -> str:
    """Return the text that :func:`harmless` was given."""
    return cell[1:] if cell[:1] == "'" and cell.lstrip("'")[:1] in _FORMULA else cell


def _printable(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return harmless("".join(c if c.isprintable() else " " for c in str(value)))


def _quoted(text: str) -> str:
    # The csv module leaves a lone carriage return bare, which splits the line for most readers.
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\r\n') else text
