"""What the XML of a workbook's sheets says of cells, and what their readers leave out without a word.

Readers give a formula without a value as blank, and pass over a row or cell that stands behind its successors. None
tells that a cell is shown as 33 % and stored as 0.33, or that a filter hides a row.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

__all__ = ["SheetFacts", "sheets_of"]

_PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
# Forms 9 and 10 of every workbook: 0% and 0.00%.
_PERCENT_FORMS = frozenset({"9", "10"})
# Quoted text, and characters that stand for themselves, are no sign of percent.
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.')


@dataclass(slots=True)
class SheetFacts:
    """Facts of one sheet.

    Parameters
    ----------
    without_value : list of str
        Places of cells that hold an error, or a formula that was never computed.
    disorder : str
        The first row or cell that stands behind its successors, or twice; "" where there is none.
    percent : dict of int to str
        Column, from 0 on -> its first number that is shown as percent.
    hidden_rows : int
        Rows with cells that a spreadsheet does not show.
    """

    without_value: list[str] = field(default_factory=list)
    disorder: str = ""
    percent: dict[int, str] = field(default_factory=dict)
    hidden_rows: int = 0


def sheets_of(archive: zipfile.ZipFile) -> dict[str, SheetFacts]:
    """Return the facts of every sheet of a workbook, by the name of its part.

    Parameters
    ----------
    archive : ZipFile

    Raises
    ------
    expat.ExpatError
        A part that is no XML.
    """
    names = [name for name in archive.namelist() if name.lower().endswith(".xml")]
    roots = {name: _root(archive, name) for name in names}
    percent = frozenset(
        style for name in names if roots[name] == "styleSheet" for style in _percent_styles(archive.read(name))
    )
    return {name: _facts(archive.read(name), percent) for name in names if roots[name] == "worksheet"}


class _EnoughError(Exception):
    """The parser has seen what it was asked for."""


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _parser() -> Any:
    # Prefixes of elements are free: x:c is a cell too.
    return expat.ParserCreate(namespace_separator=" ")


def _root(archive: zipfile.ZipFile, name: str) -> str:
    """Return the name of a part's outermost element; "" where its beginning is no XML."""
    found: list[str] = []

    def start(element: str, _: dict[str, str]) -> None:
        found.append(_local(element))
        raise _EnoughError

    parser = _parser()
    parser.StartElementHandler = start
    with archive.open(name) as part:
        try:
            while not found and (data := part.read(4096)):
                parser.Parse(data, False)
        except (_EnoughError, expat.ExpatError):
            pass
    return found[0] if found else ""


def _percent_styles(styles: bytes) -> Iterator[str]:
    """Yield the numbers of cell styles that show numbers as percent."""
    forms, cells, inside = set(_PERCENT_FORMS), [], [""]

    def start(element: str, attributes: dict[str, str]) -> None:
        name = _local(element)
        if name == "numFmt" and "%" in _LITERAL.sub("", attributes.get("formatCode", "")):
            forms.add(attributes.get("numFmtId", ""))
        elif name in ("cellXfs", "cellStyleXfs", "dxfs", "cellStyles"):
            inside[0] = name
        elif name == "xf" and inside[0] == "cellXfs":
            cells.append(attributes.get("numFmtId", "0"))

    parser = _parser()
    parser.StartElementHandler = start
    parser.Parse(styles, True)
    return (str(k) for k, form in enumerate(cells) if form in forms)


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - 64
    return number


class _Reader:
    """Rows and cells as they come; a cell is judged when the next one begins."""

    def __init__(self, percent: frozenset[str]) -> None:
        self.facts, self.percent, self.parser = SheetFacts(), percent, _parser()
        self.parser.StartElementHandler = self.start
        self.row = self.column = 0
        self.cell: dict[str, str] | None = None
        self.formula = self.has_value = self.hidden = False
        self.value: list[str] = []

    def start(self, element: str, attributes: dict[str, str]) -> None:
        name = _local(element)
        self.parser.CharacterDataHandler = None
        if name == "c":
            self.judge()
            self.new_cell(attributes)
        elif name == "row":
            self.judge()
            self.new_row(attributes)
        elif name == "f":
            self.formula = True
        elif name in ("v", "t"):
            self.has_value = True
            self.parser.CharacterDataHandler = self.value.append

    def new_row(self, attributes: dict[str, str]) -> None:
        number = attributes.get("r", "")
        row = int(number) if number.isdecimal() else self.row + 1
        if row <= self.row:
            self.facts.disorder = self.facts.disorder or f"row {row} after row {self.row}"
        self.row, self.column = row, 0
        self.hidden = attributes.get("hidden") in ("1", "true")

    def new_cell(self, attributes: dict[str, str]) -> None:
        place = _PLACE.fullmatch(attributes.get("r", ""))
        column = _column(place[1]) if place else self.column + 1
        if column <= self.column or (place and int(place[2]) != self.row):
            self.facts.disorder = self.facts.disorder or f"cell {attributes['r'] if place else ''} in row {self.row}"
        if self.hidden:
            self.facts.hidden_rows, self.hidden = self.facts.hidden_rows + 1, False
        self.column, self.cell = column, attributes
        self.formula = self.has_value = False
        self.value.clear()

    def judge(self) -> None:
        """Take down what is odd about the cell that has ended."""
        cell, self.cell = self.cell, None
        if cell is None or not (self.formula or "t" in cell or self.has_value):
            return
        kind, filled = cell.get("t", "n"), bool("".join(self.value).strip())
        # A computed text may be empty; of a number there is something.
        if kind == "e" or (self.formula and not filled and not (kind == "str" and self.has_value)):
            self.facts.without_value.append(cell.get("r", ""))
        elif kind == "n" and filled and cell.get("s", "0") in self.percent:
            self.facts.percent.setdefault(self.column - 1, cell.get("r", f"column {self.column}"))


def _facts(sheet: bytes, percent: frozenset[str]) -> SheetFacts:
    reader = _Reader(percent)
    reader.parser.Parse(sheet, True)
    reader.judge()
    return reader.facts
