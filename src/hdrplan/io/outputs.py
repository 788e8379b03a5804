"""What hdrplan writes: folders and files whole or not at all, JSON and CSV.

A command opens :func:`new_folder` (or :func:`new_file`), writes into the draft, and at last ``run.json``
(:mod:`hdrplan.io.run_record`). Same input, same bytes, apart from times and dates, which stand there.
"""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

import numpy as np

from hdrplan.errors import InputError

__all__ = [
    "check_free",
    "json_text",
    "new_file",
    "new_folder",
    "table_cell",
    "write_json",
    "write_rows",
    "write_values",
]


@contextmanager
def new_folder(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary sibling folder to write into; it becomes ``path`` when the block ends well.

    Parameters
    ----------
    path : Path
        The folder to be.
    overwrite : bool
        Replace an existing folder; only one that hdrplan wrote (it holds run.json), or an empty one.

    Raises
    ------
    InputError
        The folder exists. Nothing is left on any error.
    """
    path = Path(path)
    check_free(path, overwrite)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    try:
        yield draft
        draft.chmod(0o777 & ~_umask())
        # Another process may have made the folder meanwhile: it is as little replaced as one that was there before.
        check_free(path, overwrite)
        old = None
        if path.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".old", dir=path.parent))
            path.rename(old / path.name)
        try:
            draft.rename(path)
        except OSError as error:
            if old is not None and not path.exists():
                (old / path.name).rename(path)
                old.rmdir()
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            raise InputError(
                "the output folder must be new",
                got="one that another process wrote meanwhile",
                where=path,
                remedy="It is whole; use another name for this run.",
            ) from None
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def check_free(path: Path, overwrite: bool) -> None:
    """Raise InputError where :func:`new_folder` could not put this folder: ask before long work."""
    path = Path(path)
    if not path.exists():
        return
    if not path.is_dir():
        raise InputError("the output must be a folder", got="a file", where=path)
    if not any(path.iterdir()):
        return
    if not overwrite:
        raise InputError(
            "the output folder must be new",
            got="one that exists",
            where=path,
            remedy="Use `overwrite=True` or another name.",
        )
    if not (path / "run.json").is_file():
        raise InputError(
            "only a folder written by hdrplan is overwritten",
            got="a folder without run.json",
            where=path,
            remedy="Choose another name.",
        )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Give a temporary sibling file to write to; it replaces ``path`` when the block ends well."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", suffix=".part", dir=path.parent) as folder:
        draft = Path(folder) / path.name
        yield draft
        draft.replace(path)


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
    for_spreadsheets : bool
        The cells hold free text of strangers: no control characters, no formulas. Numbers get six digits, NaN is empty.
    """
    cell = _harmless if for_spreadsheets else _text
    lines = [",".join(_quoted(cell(value)) for value in row) or '""' for row in (header, *rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def write_values(path: Path, rows: Iterable[object], of: type) -> None:
    """Write frozen values of one dataclass as CSV; None, NaN and infinity are empty cells, true is 1 and false 0.

    Parameters
    ----------
    path : Path
    rows : iterable of dataclass values
    of : type
        Their class: its fields are the header, also where there are no rows.
    """
    names = [field.name for field in fields(of)]
    write_rows(path, names, ([table_cell(getattr(row, name)) for name in names] for row in rows))


def table_cell(value: object) -> object:
    """Return a cell as tables of a cohort hold it: None, NaN and infinity are empty, true is 1 and false 0."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return int(value) if isinstance(value, bool) else value


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _harmless(value: object) -> str:
    """Text of a cell that is never a formula to a spreadsheet."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = "".join(c if c.isprintable() else " " for c in str(value))
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text


def _quoted(text: str) -> str:
    # The csv module leaves a lone carriage return bare, which splits the line for most readers.
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\r\n') else text
