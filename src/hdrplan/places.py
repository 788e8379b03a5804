"""Paths that people give: what stands there is looked at before anything is imported or computed."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path, PurePath, PureWindowsPath

from hdrplan.errors import InputError

__all__ = ["RECORD", "file_stem", "record_beside", "recorded_files", "refuse_inputs", "refuse_taken", "refuse_together"]

RECORD = "run.json"
_SYSTEM = sys.platform
# What Windows keeps for devices, whatever ending follows, and characters that no name has there.
# https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\..*)?", re.IGNORECASE)
_NOT_IN_NAMES = re.compile(r'[<>:"|?*\x00-\x1f]')


def file_stem(text: str) -> str:
    """Return a name of a file, without ending, that every system takes, as near to a text as it can be.

    >>> file_stem("a/b: c"), file_stem("con"), file_stem("..")
    ('a-b- c', 'con_', '_')
    """
    stem = re.sub(r"[/\\]", "-", _NOT_IN_NAMES.sub("-", text)).strip(" .-")
    return f"{stem}_" if not stem or _DEVICE.fullmatch(stem) else stem


def _refuse_name(path: PurePath) -> None:
    """Refuse what Windows would not write under this name, or would write elsewhere: to a device, or without a dot."""
    for part in path.parts[1 if path.anchor else 0 :]:
        if part in (".", ".."):
            continue
        if _DEVICE.fullmatch(part) or _NOT_IN_NAMES.search(part) or part[-1] in " .":
            raise InputError(
                "an output must have a name that Windows takes",
                got=repr(part),
                where=path,
                remedy='Choose another: no device such as CON or NUL, none of <>:"|?*, no dot or blank at its end.',
            )


def refuse_taken(path: Path, *, folder: bool, overwrite: bool) -> None:
    """Refuse an output where something stands that may not be replaced, or where nothing can be written.

    Parameters
    ----------
    path : Path
    folder : bool
        Whether a folder is to be written, or a file.
    overwrite : bool
        A file may be replaced, and what hdrplan wrote into a folder.

    Raises
    ------
    InputError
    """
    if _SYSTEM == "win32":
        _refuse_name(PureWindowsPath(str(path)))
    if not folder and not path.name:  # "." and "", which pathlib takes for it
        raise InputError("the output must be a file", got="a folder or device", where=path)
    if not folder and os.path.lexists(record_beside(path)):
        recorded_files(record_beside(path))
    if not os.path.lexists(path):
        _refuse_parent(path)
        return
    if folder and not path.is_dir():
        raise InputError("the output must be a folder", got="a file", where=path)
    if not folder and not path.is_file():
        raise InputError("the output must be a file", got="a folder or device", where=path)
    if folder and not any(path.iterdir()):
        return
    if not overwrite:
        kind = "folder" if folder else "file"
        raise InputError(
            f"the output {kind} must be new",
            got="one that exists",
            where=path,
            remedy="Use `overwrite=True` or another name.",
        )
    if folder:
        recorded_files(path)


def record_beside(path: Path) -> Path:
    """Return where the record of the run that wrote a file stands."""
    return path.with_name(f"{path.name}.{RECORD}")


def recorded_files(place: Path) -> frozenset[str]:
    """Return the names of the files that hdrplan wrote, by the record in a folder, or by a record itself.

    Raises
    ------
    InputError
        There is no such record.
    """
    of_folder = place.is_dir()
    try:
        record = json.loads((place / RECORD if of_folder else place).read_text(encoding="utf-8"))
        files = record["files"] if str(record["schema"]).startswith("hdrplan.run/") else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        files = None
    if not isinstance(files, list):
        raise InputError(
            "only a folder written by hdrplan is overwritten" if of_folder else "the record of the run must be new",
            got="one without a run.json that lists its files" if of_folder else "a file that hdrplan did not write",
            where=place,
            remedy="Choose another name.",
        )
    return frozenset(name for name in files if isinstance(name, str))


def _refuse_parent(path: Path) -> None:
    """Folders that are not there are made, in the nearest that is."""
    nearest = next((parent for parent in path.parents if os.path.lexists(parent)), Path())
    if not nearest.is_dir():
        raise InputError("the output must lie in a folder", got="a file", where=nearest, remedy="Use another name.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError("the output must lie in a folder that you may write to", where=nearest)


def refuse_inputs(path: Path, inputs: Iterable[Path], *, folder: bool) -> None:
    """Refuse an output that is an input, lies inside one or holds one.

    Files are compared by their identity: links and names in another case lead to the same ones.

    Parameters
    ----------
    path : Path
    inputs : iterable of Path
        Files and folders; what does not exist is no input.
    folder : bool
        Whether a folder is to be written, or a file.

    Raises
    ------
    InputError
    """
    real = Path(os.path.realpath(path))
    own, around = _identity(real), {_identity(parent) for parent in real.parents}
    for input_path in inputs:
        there = Path(os.path.realpath(input_path))
        identity = _identity(there)
        if identity is None:
            continue
        if identity == own:
            relation = "an input"
        elif there.is_dir() and identity in around:
            relation = f"a place inside the input {input_path}"
        elif folder and own is not None and own in {_identity(parent) for parent in there.parents}:
            relation = f"a folder that holds the input {input_path}"
        else:
            continue
        raise InputError(
            "the output must lie apart from the inputs", got=relation, where=path, remedy="Use another name."
        )


def refuse_together(one: Path, other: Path) -> None:
    """Refuse two outputs of one run at one place, or one inside the other: the second would replace the first.

    Parameters
    ----------
    one, other : Path
        They need not exist.

    Raises
    ------
    InputError
        The other is the first one, its record, or lies in it.
    """
    real, there = Path(os.path.realpath(one)), Path(os.path.realpath(other))
    same = _identity(real) == _identity(there) is not None
    if same or there in (real, record_beside(real)) or real in there.parents:
        raise InputError("every output must have a place of its own", got=f"two at {one}", where=other)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino
