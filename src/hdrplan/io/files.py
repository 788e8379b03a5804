"""Text files read with care: what is there, whole, UTF-8, JSON or TOML."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from hdrplan.door import Entries
from hdrplan.errors import FormatError, InputError, files_beside
from hdrplan.kinds import what_is

__all__ = [
    "bytes_of",
    "existing_file",
    "joint_sha256",
    "json_entries",
    "json_value",
    "sha256",
    "states_of",
    "text_of",
    "toml_entries",
    "with_newlines",
]

# A case's text files are kilobytes; markups of many catheters a megabyte.
MAX_TEXT_BYTES = 64 << 20


def existing_file(path: Path) -> Path:
    """Return the path of an existing, non-empty file."""
    path = Path(path)
    if path.is_dir():
        raise InputError("expected a file", got="a folder", where=path)
    if not path.is_file():
        raise InputError("expected a file", got="none of that name", where=path, remedy=files_beside(path))
    if path.stat().st_size == 0:
        raise FormatError("expected a file with content", got="0 bytes", where=path)
    return path


def bytes_of(path: Path) -> bytes:
    """Return what a file of text holds; FormatError where it is too large for one."""
    existing_file(path)
    if path.stat().st_size > MAX_TEXT_BYTES:
        raise FormatError(f"a text file of at most {MAX_TEXT_BYTES >> 20} MiB", got=path.stat().st_size, where=path)
    return path.read_bytes()


def joint_sha256(hashes: Mapping[str, str]) -> str:
    """Return one SHA-256 of several files: of the only one, or what ``sha256sum FILES | sha256sum`` says of them.

    Parameters
    ----------
    hashes : mapping of str to str
        File -> SHA-256, in the order of names.
    """
    if len(hashes) == 1:
        return next(iter(hashes.values()))
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(hashes.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def with_newlines(text: str) -> str:
    """Return the text with line ends as Python has them, whichever system wrote it."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def text_of(path: Path) -> str:
    """Text of a UTF-8 file; FormatError where it is none."""
    try:
        return with_newlines(bytes_of(path).decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        got = what_is(path) or f"byte {error.object[error.start]:#x}"
        raise FormatError("expected UTF-8 text", got=got, where=path) from None


def json_value(path: Path) -> object:
    """Read a JSON file.

    Raises
    ------
    FormatError
        Broken (with line and column), or a key that stands twice.
    """
    try:
        value: object = json.loads(text_of(path), object_pairs_hook=_without_doubles)
    except json.JSONDecodeError as error:
        what = what_is(path)
        if what not in (None, "a JSON file", "a plan", "an empty file"):
            raise FormatError("expected JSON", got=what, where=path) from None
        raise FormatError(
            "expected JSON", got=error.msg, where=f"{path}, line {error.lineno}, column {error.colno}"
        ) from None
    except (KeyError, RecursionError, ValueError) as error:
        raise FormatError("expected JSON", got=f"{type(error).__name__} {error}"[:120], where=path) from None
    return value


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    table = dict(pairs)
    if len(table) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise KeyError(f"{twice} twice")
    return table


def json_entries(path: Path) -> Entries:
    """Read a JSON file that holds one object.

    Raises
    ------
    FormatError
        Broken, or another kind of value.
    """
    value = json_value(path)
    if not isinstance(value, dict):
        raise FormatError("expected a JSON object {...}", got=type(value).__name__, where=path)
    return Entries(value, path)


def toml_entries(path: Path) -> Entries:
    """Read a TOML file.

    Raises
    ------
    FormatError
        Broken: with the line.
    """
    try:
        return Entries(tomllib.loads(text_of(path)), path)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        what = what_is(path)
        got = str(error)[:160] if what in (None, "a TOML file") else what
        raise FormatError("expected TOML", got=got, where=path) from None


def states_of(paths: Iterable[Path]) -> str:
    """Names, sizes and times of files, as text: another one where any of them was changed since, without reading them.

    Parameters
    ----------
    paths : iterable of Path
        A file that is not there has no size and no time.
    """
    stats = ((path, path.stat() if path.exists() else None) for path in paths)
    return "\0".join(f"{p.absolute().as_posix()} {s and s.st_size} {s and s.st_mtime_ns}" for p, s in stats)


def sha256(path: Path) -> str:
    """SHA-256 of a file; of a folder, over its files' names and hashes in order."""
    digest = hashlib.sha256()
    if path.is_dir():
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            digest.update(f"{file.relative_to(path).as_posix()}\0{sha256(file)}\n".encode())
    else:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
