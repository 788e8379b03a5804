"""A workbook in the layout of ESTRO's consensus spreadsheets, filled with a packaged source.

``python tests/io/source_book.py OUT.xls`` makes the .xls fixture (needs xlwt, which nobody maintains: so the file is
kept and the tests do not need it).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any


def record(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (resources.files("hdrplan.sources") / "data" / f"{name}.json").read_text("utf-8")
    )
    return found


def cells(source: dict[str, Any], *, falling: bool = False) -> Iterator[tuple[int, int, Any]]:
    """Row, column (from 0) and value of every filled cell; ``falling`` lists along from tip to cable."""
    yield 0, 1, source["model"]
    yield 4, 1, "Dose rate constant"
    yield 4, 2, source["dose_rate_constant_cgy_per_h_per_u"]
    yield 9, 1, "L ="
    yield 9, 2, source["active_length_cm"]
    yield 10, 1, "r (cm)"
    yield 10, 2, "gL(r)"
    for i, (r, g) in enumerate(zip(source["radial_dose"]["r_cm"], source["radial_dose"]["g"], strict=True)):
        yield 11 + i, 1, r
        yield 11 + i, 2, g
    f = source["anisotropy"]
    for j, r in enumerate(f["r_cm"]):
        yield 10, 5 + j, r
    for i, (theta, row) in enumerate(zip(f["theta_deg"], f["f"], strict=True)):
        yield 11 + i, 4, theta
        for j, value in enumerate(row):
            if value is not None:
                yield 11 + i, 5 + j, value
    table = source.get("along_away")
    if table is None:
        return
    left = 5 + len(f["r_cm"]) + 1
    for j, away in enumerate(table["away_cm"]):
        yield 10, left + 1 + j, away
    order = range(len(table["along_cm"]))
    for i, k in enumerate(reversed(order) if falling else order):
        yield 11 + i, left, table["along_cm"][k]
        for j, row in enumerate(table["cgy_per_h_per_u"]):
            if row[k] is not None:
                yield 11 + i, left + 1 + j, row[k]


def write_xlsx(path: Path, source: dict[str, Any], *, falling: bool = False, sheets_before: int = 0) -> Path:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    for _ in range(sheets_before):
        sheet["A1"] = "nothing here"
        sheet = book.create_sheet()
    for row, column, value in cells(source, falling=falling):
        sheet.cell(row + 1, column + 1, value)
    book.save(path)
    return path


if __name__ == "__main__":
    import xlwt

    book = xlwt.Workbook()
    page = book.add_sheet("HDR")
    for at_row, at_column, cell in cells(record("gammamed-plus")):
        page.write(at_row, at_column, cell)
    book.save(sys.argv[1])
