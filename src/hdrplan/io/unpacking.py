"""Packed files judged by what they say they hold, before memory is spent on it."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path

from hdrplan.errors import FormatError, ResourceError
from hdrplan.memory import require_memory

__all__ = ["check_cells", "check_zip"]

# A cohort of 10^5 measurements is 50 MB of XML. Python's reader never unpacks more of a part than is claimed here.
MAX_UNPACKED_BYTES = 512 << 20
# XML becomes Python objects of about this many times its size.
_GROWTH = 8.0


# Attributes and content of a cell; one that closes itself (<c r="A1"/>) has no content and is passed over.
_CELL = re.compile(rb"<c\b((?:[^>/]|/(?!>))*)>(.*?)</c>", re.DOTALL)
_EMPTY_FORMULA = re.compile(rb"<f\b(?:[^>]*/>|[^>]*>.*?</f>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*", re.DOTALL)
_PLACE = re.compile(rb'\br="([A-Z]+[0-9]+)"')


def check_cells(path: Path) -> None:
    """Refuse a workbook with cells whose value is an error, or a formula that was never computed: both read as blank.

    Parameters
    ----------
    path : Path
        Judged by :func:`check_zip` before; a file that is no .xlsx is left to its reader.

    Raises
    ------
    FormatError
        Names the first such cell and their number.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if n.startswith("xl/worksheets/") and n.endswith(".xml")]
            bad = [(name, at) for name in names for at in _cells_without_value(archive.read(name))]
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError, KeyError, RuntimeError, zlib.error):
        return  # its reader says what is wrong with it
    if bad:
        name, at = bad[0]
        raise FormatError(
            "every formula of a workbook must have a value",
            got=f"{len(bad)} errors or formulas that were never computed",
            where=f"{path}, {Path(name).stem}" + (f", cell {at}" if at else ""),
            remedy="Open it in a spreadsheet, correct them and save it.",
        )


def _cells_without_value(sheet: bytes) -> list[str]:
    """Return the places of cells that hold an error, or a formula and no value."""
    if b"<f" not in sheet and b't="e"' not in sheet:
        return []
    places = []
    for attributes, content in _CELL.findall(sheet):
        if b't="e"' in attributes or _EMPTY_FORMULA.fullmatch(content):
            at = _PLACE.search(attributes)
            places.append(at[1].decode() if at else "")
    return places


def check_zip(path: Path, expected: str) -> None:
    """Refuse a zipped file that unpacks to more than a table can be, or than there is memory for.

    Parameters
    ----------
    path : Path
        A file that is no zip archive is left to its reader.
    expected : str
        Of messages, with its article.

    Raises
    ------
    ResourceError
        Too large, with both numbers.
    FormatError
        A zip archive whose list of parts is broken.
    """
    try:
        if not zipfile.is_zipfile(path):
            return
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise FormatError(f"expected {expected}", got=str(error)[:120], where=path) from None
    if unpacked > MAX_UNPACKED_BYTES:
        raise ResourceError(
            f"{expected} of at most {MAX_UNPACKED_BYTES >> 20} MB unpacked",
            got=f"{unpacked / 2**20:.0f} MB from {path.stat().st_size / 2**20:.1f} MB",
            where=path,
            remedy="Save the tables as CSV.",
        )
    require_memory(_GROWTH * unpacked, f"{expected} of {unpacked / 2**20:.0f} MB unpacked", remedy="Save it as CSV.")
