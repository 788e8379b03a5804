"""The journal of a run that may be stopped: what is finished, one line each, for one process at a time.

A journal belongs to one output and stands beside it until the output is whole. Runs that many processes share use a
store (:mod:`hdrplan.io.store`) instead.
"""

from __future__ import annotations

import errno
import importlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from hdrplan.errors import InputError
from hdrplan.io.sealed import sealed, unsealed

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    class Finished(DataclassInstance, Protocol):
        """A dataclass of numbers and text that names its piece of work."""

        @property
        def id(self) -> str: ...


__all__ = ["FINISHED_IS_KEPT", "Journal", "kept_is_told", "open_journal"]

FINISHED_IS_KEPT: Final = "what is finished is kept here, and the next run goes on with it"

# The first line of a journal begins with this; a file that does not is somebody else's.
_HEAD = '{"sha256": "'
_LOCKED_BYTE = 1 << 30
_FULL = (errno.ENOSPC, errno.EDQUOT)

Entry = TypeVar("Entry", bound="Finished")


class Journal(Generic[Entry]):
    """What a run has finished; see :func:`open_journal`.

    Parameters
    ----------
    stream : file
        Open for appending; its last line is whole.
    secret : bytes
        Drawn when the run first began.
    done : dict
        Entries of earlier, stopped runs by their ids.
    damaged : int
        Whole lines of them that were changed since: their work is not in ``done``.
    """

    def __init__(self, stream: IO[str], secret: bytes, done: dict[str, Entry], damaged: int = 0) -> None:
        self._stream = stream
        self._done = done
        self.unsettled = 0
        self.damaged = damaged
        self.secret = secret

    @property
    def done(self) -> Mapping[str, Entry]:
        """Entries by their ids."""
        return self._done

    def add(self, entry: Entry) -> None:
        """Keep an entry: once this returns, a killed run does not lose it."""
        self._write(asdict(entry))
        self._done[entry.id] = entry

    def postpone(self, entry: Entry) -> None:
        """Take an entry for this run alone: the next run does its work again, and for that the journal stays."""
        self._done[entry.id] = entry
        self.unsettled += 1

    def _write(self, line: object) -> None:
        _append(self._stream, sealed(line) + "\n")


@contextmanager
def open_journal(
    path: Path, kind: type[Entry], *, options: Mapping[str, object], secret: bytes, of_others: InputError | None = None
) -> Iterator[Journal[Entry]]:
    """Open the journal of a run, new or of a stopped run; it is removed where the block ends well with all settled.

    Only its owner can read it: it holds the secret of the pseudonyms.

    Parameters
    ----------
    path : Path
    kind : type
        Dataclass of the entries, with a field ``id``.
    options : mapping
        Every choice that changes an entry, as JSON has it: a stopped run goes on with the same ones only.
    secret : bytes
        Of a new run; a stopped run keeps its own.
    of_others : InputError, optional
        What is raised where a stopped run had other options, in the words of the command.

    Raises
    ------
    InputError
        Another run is under way; a stopped run had other options.
    OSError
        Of the block, with this file where the system names none: the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with open(descriptor, "a+", encoding="utf-8", errors="replace") as stream:
        _lock(stream, path)
        with _explained(stream, path):
            journal = _resumed(stream, path, kind, options, secret, of_others)
            os.chmod(path, 0o600)  # now that it is known to be ours: a copy may be open to all
            yield journal
        is_settled = bool(journal.unsettled) or _removed(path)
    if not is_settled:
        # Windows removes no file that is open. Whoever opened it meanwhile keeps it.
        with suppress(PermissionError):
            path.unlink(missing_ok=True)


@contextmanager
def kept_is_told(place: Path) -> Iterator[None]:
    """Name a place where finished work is kept, if there is any, where the disk fails what the work is for.

    Parameters
    ----------
    place : Path
        File or folder.

    Raises
    ------
    OSError
        Of the block.
    """
    try:
        yield
    except OSError as error:
        if not place.exists() or FINISHED_IS_KEPT in str(error.strerror):
            raise
        raise OSError(error.errno, f"{error.strerror}; {FINISHED_IS_KEPT}", str(place)) from error


@contextmanager
def _explained(stream: IO[str], path: Path) -> Iterator[None]:
    """Name the journal where the system names no file (a full disk); one without an entry is not left behind."""
    try:
        yield
    except OSError as error:
        if error.filename is not None and error.errno not in _FULL:
            raise
        stream.seek(0)
        if stream.read().count("\n") <= 1:  # the first line holds the options; a torn one is no entry
            _removed(path)
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise OSError(error.errno, f"{error.strerror}; {FINISHED_IS_KEPT}", str(path)) from error


def _removed(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except PermissionError:
        return False
    return True


def _lock(stream: IO[str], path: Path) -> None:
    """Keep other processes off until the file is closed."""
    try:
        _hold(stream.fileno())
        if os.fstat(stream.fileno()).st_nlink == 0:
            raise OSError("its run has just ended")
    except OSError:
        raise InputError(
            "one run at a time writes an output",
            got="another run that is in progress",
            where=path,
            remedy="Wait for it, or choose another output.",
        ) from None


def _hold(descriptor: int) -> None:
    """Lock a file until it is closed; OSError where another process holds it."""
    try:
        import fcntl
    except ImportError:
        # Windows locks bytes, and keeps others from reading them: one far behind the journal's end.
        msvcrt: Any = importlib.import_module("msvcrt")
        at = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, at, os.SEEK_SET)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _resumed(
    stream: IO[str],
    path: Path,
    kind: type[Entry],
    options: Mapping[str, object],
    secret: bytes,
    of_others: InputError | None,
) -> Journal[Entry]:
    """Read what a stopped run left, if anything; its last line may be torn."""
    stream.seek(0)
    text = stream.read()
    ours = text.startswith(_HEAD) or _HEAD.startswith(text)
    head, *lines = text.splitlines() or [""]
    kept = _secret_of(head, options)
    if ours and not ("\n" in text and (lines or kept is not None)):
        # Stopped before its first line was whole, or with other options before anything was done: nothing is lost.
        stream.truncate(0)
        _append(stream, sealed({"secret": secret.hex(), "options": options}) + "\n")
        return Journal(stream, secret, {})
    if kept is None:
        raise of_others or InputError(
            "a stopped run can go on with the same options only",
            got="others",
            where=path,
            remedy="Delete that file to begin anew.",
        )
    if not text.endswith("\n"):
        # Cut, not ended: a disk that is still full has no place for a line's end.
        stream.truncate(path.read_bytes().rindex(b"\n") + 1)
    done, damaged = {}, 0
    for line in lines if text.endswith("\n") else lines[:-1]:
        try:
            entry = kind(**_as_table(unsealed(line)))
        except (TypeError, ValueError):
            damaged += 1
        else:
            done[entry.id] = entry
    return Journal(stream, kept, done, damaged)


def _append(stream: IO[str], text: str) -> None:
    """Put text on the disk; not through the stream's buffer, which a full disk leaves to be written at its end."""
    data = text.encode()
    while data:
        data = data[os.write(stream.fileno(), data) :]
    os.fsync(stream.fileno())


def _secret_of(head: str, options: Mapping[str, object]) -> bytes | None:
    """Return the secret of a run with these options, None for any other."""
    try:
        table = _as_table(unsealed(head))
        # As JSON has them: a tuple is a list there.
        same = table["options"] == json.loads(json.dumps(options))
        return bytes.fromhex(table["secret"]) if same else None
    except (KeyError, TypeError, ValueError):
        return None


def _as_table(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("no table")
    return value
