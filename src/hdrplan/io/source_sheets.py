"""TG-43 tables in a spreadsheet, in the layout that ESTRO publishes the consensus data in.

One sheet holds Lambda (C5), L (C10), r and g from row 12 in B and C, F with its radii in row 11 from F on and its
angles in E, and to the right of it the along-away table: along in the rows, away in row 11. Other sheets, those of the
CLRP among them, hold the same tables elsewhere. So tables are found by what they are, not by where: F by an angle
column that runs from 0 to 180, g by a value of 1 at 1 cm, along-away by rows that rise from negative to positive; the
two constants by their place, or by the words beside them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from hdrplan.door import number_in
from hdrplan.errors import FormatError
from hdrplan.io.unpacking import check_cells, check_zip

__all__ = ["record_of_workbook"]

Sheet = list[list[object]]
_TIMEOUT_S = 60
_LENGTH_WORDS = ("active length", "l (cm)", "l(cm)", "length (cm)")
_CONSTANT_WORDS = ("dose rate constant", "dose-rate constant", "lambda", "\u039b")


def record_of_workbook(path: Path) -> dict[str, object]:
    """Return the record of the first sheet that holds F and g.

    Raises
    ------
    FormatError
        Not a workbook, or none of its sheets has the tables.
    """
    for sheet in _sheets(path):
        f = _anisotropy(sheet)
        g = _radial(sheet, f[1:] if f else None)
        if f is None or g is None:
            continue
        record: dict[str, object] = {
            "dose_rate_constant_cgy_per_h_per_u": _constant(sheet, (4, 2), (0.8, 1.4), _CONSTANT_WORDS),
            "active_length_cm": _constant(sheet, (9, 2), (0.02, 1.5), _LENGTH_WORDS),
            "radial_dose": g,
            "anisotropy": f[0],
        }
        for key, place in (("dose_rate_constant_cgy_per_h_per_u", "Lambda in C5"), ("active_length_cm", "L in C10")):
            if record[key] is None:
                raise FormatError(f"{place}, or beside its name", got="no number there", where=path)
        table = _along_away(sheet)
        return record | ({"along_away": table} if table else {})
    raise FormatError(
        "a sheet with F(r, theta), angles 0 to 180 down and radii across, and with g(r), r and g down",
        got="none in this workbook",
        where=path,
        remedy="Save the tables as NAME_g.csv and NAME_F.csv instead.",
    )


def _sheets(path: Path) -> list[Sheet]:
    """Read all sheets, cells from A1 on, in a process of its own (:mod:`hdrplan.io.workbook_cells`)."""
    check_zip(path, "a workbook of a few tables")
    check_cells(path)
    reader = Path(__file__).with_name("workbook_cells.py")
    command = [sys.executable, "-P", str(reader), str(path)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise FormatError("a workbook of a few tables", got=f"none read in {_TIMEOUT_S} s", where=path) from None
    if done.returncode != 0:
        raise FormatError("a workbook (.xlsx or .xls)", got="a damaged file, another kind, or too large", where=path)
    sheets: list[Sheet] = json.loads(done.stdout)
    if any(isinstance(cell, bool) for sheet in sheets for row in sheet for cell in row):
        raise FormatError("tables of numbers", got="a cell that is TRUE or FALSE", where=path)
    return sheets


def _number(sheet: Sheet, row: int, column: int) -> float | None:
    """Return the number in a cell, or None."""
    if not (0 <= row < len(sheet) and 0 <= column < len(sheet[row])):
        return None
    value = sheet[row][column]
    if isinstance(value, str):
        # Sheets of the ESTRO hold a few numbers as text, some with a decimal comma.
        try:
            value = number_in(value.replace(",", "."))
        except ValueError:
            return None
    return float(value) if isinstance(value, int | float) else None


def _run(sheet: Sheet, row: int, column: int, step: tuple[int, int], sense: float = 1.0) -> list[float]:
    """Return the numbers from a cell on, as long as they rise (fall, with sense -1)."""
    run: list[float] = []
    while (value := _number(sheet, row, column)) is not None and (not run or sense * value > sense * run[-1]):
        run.append(value)
        row, column = row + step[0], column + step[1]
    return run


def _down(sheet: Sheet, row: int, column: int, sense: float = 1.0) -> list[float]:
    return _run(sheet, row, column, (1, 0), sense)


def _across(sheet: Sheet, row: int, column: int) -> list[float]:
    return _run(sheet, row, column, (0, 1))


def _starts(sheet: Sheet) -> Iterator[tuple[int, int]]:
    """Cells with a number whose upper neighbour is none, or is not smaller: where a rising column can begin."""
    for row, cells in enumerate(sheet):
        for column in range(len(cells)):
            value = _number(sheet, row, column)
            if value is not None:
                above = _number(sheet, row - 1, column)
                if above is None or above >= value:
                    yield row, column


def _block(sheet: Sheet, row: int, column: int, height: int, width: int) -> list[list[float | None]]:
    return [[_number(sheet, row + i, column + j) for j in range(width)] for i in range(height)]


def _anisotropy(sheet: Sheet) -> tuple[dict[str, object], int, int, int, int] | None:
    """Return F and the cells it takes: first and last row, first and last column."""
    for row, column in _starts(sheet):
        theta = _down(sheet, row, column)
        radii = _across(sheet, row - 1, column + 1)
        if len(theta) > 4 and theta[0] == 0.0 and theta[-1] == 180.0 and len(radii) > 1:
            f = _block(sheet, row, column + 1, len(theta), len(radii))
            return ({"r_cm": radii, "theta_deg": theta, "f": f}, row - 1, row + len(theta), column, column + len(radii))
    return None


def _radial(sheet: Sheet, taken: tuple[int, int, int, int] | None) -> dict[str, object] | None:
    """Return r and g: the longest rising column that holds 1, with the value 1 beside it, outside F."""
    best: tuple[list[float], list[float | None]] = ([], [])
    for row, column in _starts(sheet):
        if taken and taken[0] <= row <= taken[1] and taken[2] <= column <= taken[3]:
            continue
        r = _down(sheet, row, column)
        g = [_number(sheet, row + i, column + 1) for i in range(len(r))]
        at = r.index(1.0) if 1.0 in r else None
        g_at_1_cm = g[at] if at is not None else None
        if g_at_1_cm is not None and abs(g_at_1_cm - 1.0) < 0.01 and len(r) > max(4, len(best[0])):
            best = r, g
    return {"r_cm": best[0], "g": best[1]} if best[0] else None


def _along_away(sheet: Sheet) -> dict[str, object] | None:
    """Return the along-away table, along rising or falling; cells that are no positive number are blank."""
    for row, column in _starts(sheet):
        away = _across(sheet, row - 1, column + 1)
        along = max(_down(sheet, row, column), _down(sheet, row, column, -1.0), key=len)
        if len(along) > 4 and min(along) < 0.0 < max(along) and len(away) > 3 and away[0] >= 0.0:
            rates = _block(sheet, row, column + 1, len(along), len(away))
            rows = [[v if v is not None and v > 0.0 else None for v in line] for line in rates]
            if along[0] > along[-1]:
                along, rows = along[::-1], rows[::-1]
            return {"along_cm": along, "away_cm": away, "cgy_per_h_per_u": [list(c) for c in zip(*rows, strict=True)]}
    return None


def _constant(sheet: Sheet, place: tuple[int, int], valid: tuple[float, float], words: tuple[str, ...]) -> float | None:
    """Return the number beside one of the words if it can be right, else the one in its place."""
    for row, cells in enumerate(sheet):
        for column, cell in enumerate(cells):
            if isinstance(cell, str) and any(word in cell.lower() for word in words):
                for further in range(column + 1, min(column + 4, len(cells))):
                    value = _number(sheet, row, further)
                    if value is not None and valid[0] <= value <= valid[1]:
                        return value
    return _number(sheet, *place)
