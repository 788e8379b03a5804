"""Which files a case names, before it is read: no output may fall upon them, and kept work must be of them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from hdrplan.errors import InputError
from hdrplan.io.files import joint_sha256, sha256, text_of

__all__ = ["case_references", "case_sha256"]


def case_references(path: Path) -> tuple[Path, ...]:
    """Return the existing files and folders that a case names anywhere in its table; empty for what is no case.

    Parameters
    ----------
    path : Path
        A case folder or its ``case.toml``; anything else names none.
    """
    toml = path / "case.toml" if path.is_dir() else path
    if toml.suffix != ".toml" or not toml.is_file():
        return ()
    try:
        table = tomllib.loads(text_of(toml))
    except (InputError, ValueError, RecursionError, OSError):
        return ()  # whoever reads the case says what is wrong with it
    return tuple(dict.fromkeys(there for text in _texts(table) if (there := _existing(toml.parent, text)) is not None))


def case_sha256(folder: Path, changes: Mapping[str, object]) -> str:
    """SHA-256 of all that decides a case: its folder, and the files elsewhere that it or the changes name.

    Parameters
    ----------
    folder : Path
        Of the case.
    changes : mapping
        Keys of the case table that replace those of the case.
    """
    named = [there for text in _texts(changes) if (there := _existing(folder, text)) is not None]
    files = dict.fromkeys((folder, *case_references(folder), *named))
    return joint_sha256({str(number): sha256(path) for number, path in enumerate(files)})


def _existing(folder: Path, text: str) -> Path | None:
    try:
        path = folder / text
        # "." and ".." are words of other kinds of TOML files; no case names the folder that it lies in.
        around = {folder.resolve(), *folder.resolve().parents}
        return path if text.strip() and path.exists() and path.resolve() not in around else None
    except (OSError, ValueError):
        return None


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
