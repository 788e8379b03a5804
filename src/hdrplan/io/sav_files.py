"""Tables of SPSS (.sav): cells as text, with the words that the file gives for its codes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hdrplan.errors import FormatError
from hdrplan.io.cell_text import cell_text
from hdrplan.io.files import existing_file
from hdrplan.io.text_form import TextForm

__all__ = ["SavTable", "read_sav"]

_TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class SavTable:
    """A table of SPSS.

    Parameters
    ----------
    columns : mapping of str to tuple of str
        Cells by column: codes as they are stored, days as YYYY-MM-DD; values declared as missing are blank.
    words : mapping of str to mapping of str to str
        Column -> code -> value label, for columns that have labels.
    """

    columns: Mapping[str, tuple[str, ...]]
    words: Mapping[str, Mapping[str, str]]


def read_sav(path: Path, form: TextForm | None = None) -> SavTable:
    """Read a .sav or .zsav file, in a process of its own (:mod:`hdrplan.io.sav_cells`).

    Parameters
    ----------
    path : Path
    form : TextForm or None
        An encoding other than the one that the file names; a decimal mark is refused.

    Raises
    ------
    FormatError
        No such file, a damaged one, text of another encoding, more cells than a table can have.
    """
    form = form or TextForm()
    if "decimal" in form.told:
        raise FormatError("`decimal` is for text; an SPSS file stores numbers", where=path, remedy="Leave it out.")
    existing_file(path)
    reader = Path(__file__).with_name("sav_cells.py")
    command = [sys.executable, "-P", str(reader), str(path), *([form.encoding] if form.told else [])]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise FormatError("an SPSS file", got=f"none read in {_TIMEOUT_S} s", where=path) from None
    try:
        read: Any = json.loads(done.stdout) if done.returncode == 0 else {"refused": "a damaged file, or too large"}
    except ValueError:
        read = {"refused": "a damaged file"}
    if "refused" in read:
        reason = str(read["refused"])
        remedy = 'Say its encoding: `encoding="cp1252"`.' if "encod" in reason or "convert" in reason else ""
        raise FormatError("expected an SPSS file (.sav)", got=reason[:120], where=path, remedy=remedy)
    columns = {name: tuple(cell_text(value) for value in values) for name, values in read["columns"].items()}
    words = {
        name: {cell_text(code): str(word).strip() for code, word in labels} for name, labels in read["words"].items()
    }
    if not columns or not next(iter(columns.values())):
        raise FormatError("a table needs rows and columns", got="none", where=path)
    return SavTable(columns, words)
