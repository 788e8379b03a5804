"""Packed files judged by what they say they hold, before memory is spent on it."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from xml.parsers.expat import ExpatError

from hdrplan.errors import FormatError, ResourceError
from hdrplan.io.sheet_cells import SheetFacts, sheets_of
from hdrplan.memory import require_memory

__all__ = ["check_cells", "check_zip"]

# A cohort of 10^5 measurements is 50 MB of XML. Python's reader never unpacks more of a part than is claimed here.
MAX_UNPACKED_BYTES = 512 << 20
# XML becomes Python objects of about this many times its size.
_GROWTH = 8.0


def check_cells(path: Path) -> dict[str, SheetFacts]:
    """Refuse a workbook with cells that its readers leave out: errors, formulas never computed, rows out of order.

    Parameters
    ----------
    path : Path
        Judged by :func:`check_zip` before; a file that is no .xlsx is left to its reader.

    Returns
    -------
    dict
        Name of a sheet's part of the archive -> what else is odd about it.

    Raises
    ------
    FormatError
        Names the first such cell and their number.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            sheets = sheets_of(archive)
    except (
        zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError, KeyError, RuntimeError, zlib.error,
        ExpatError,
    ):  # fmt: skip
        return {}  # damaged, encrypted, packed in an unknown way: its reader says what is wrong with it
    bad = [(name, at) for name, sheet in sheets.items() for at in sheet.without_value]
    if bad:
        name, at = bad[0]
        raise FormatError(
            "every formula of a workbook must have a value",
            got=f"{len(bad)} errors or formulas that were never computed",
            where=f"{path}, {Path(name).stem}" + (f", cell {at}" if at else ""),
            remedy="Open it in a spreadsheet, correct them and save it.",
        )
    for name, sheet in sheets.items():
        if sheet.disorder:
            raise FormatError(
                "rows and cells of a sheet must stand in their order",
                got=sheet.disorder,
                where=f"{path}, {Path(name).stem}",
                remedy="Open it in a spreadsheet, look at it and save it.",
            )
    return sheets


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
