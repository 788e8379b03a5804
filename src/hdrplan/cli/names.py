"""Errors about clinical files without their names: planning systems name files and folders after patients."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hdrplan.errors import HdrPlanError, InputError

__all__ = ["names_hidden"]


@contextmanager
def names_hidden(*paths: Path | None, identify: bool = False) -> Iterator[None]:
    """Let no name of these files and folders, or of anything in them, stand in an error: terminals are logged.

    Parameters
    ----------
    *paths : Path or None
        Files, and folders of files. A file of a folder is called by its number in the order of names.
    identify : bool
        Leave errors as they are.

    Raises
    ------
    InputError
        What was raised inside, without the names.
    """
    try:
        yield
    except (HdrPlanError, OSError) as error:
        if identify:
            raise
        if isinstance(error, HdrPlanError):
            raise type(error)(_hidden(str(error), [p for p in paths if p is not None])) from None
        if error.filename is None:
            raise
        where = _hidden(str(error.filename), [p for p in paths if p is not None])
        raise InputError("the file must be readable", got=error.strerror, where=where) from None


def _hidden(text: str, paths: list[Path]) -> str:
    from hdrplan.workflow import alone_in_text, mask_of, masked

    for path in paths:
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for k, file in enumerate(files, start=1):
            name = _place(path, k, len(files), paths)
            for words in (str(file), str(file.absolute())):
                text = re.sub(alone_in_text(words), name, text)
            # A single letter or digit names nobody, but stands in many sentences (`mask_of` leaves it, too).
            if len(file.name) > 1:
                text = re.sub(alone_in_text(file.name), name, text)
        text = masked(text, mask_of([path], [path, *files]))
    return text


def _place(path: Path, k: int, count: int, paths: list[Path]) -> str:
    """Words that find a file without its name: its place in a folder, or among what was given."""
    if path.is_dir():
        return f"file {k} of {count} by name"
    return "the file" if len(paths) == 1 else f"the file given as {paths.index(path) + 1} of {len(paths)}"
