"""Drafts beside the place of an output: put on the disk whole, then moved in by one step.

A draft of a run that was killed is removed by the next run of the same output.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hdrplan.errors import InputError

__all__ = ["draft_beside", "moved_in", "sync_folder", "sync_tree"]

# A draft is locked right after it is made; a younger one without a lock may be about to get it.
_YOUNG_S = 60.0
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@contextmanager
def draft_beside(path: Path) -> Iterator[Path]:
    """Give an empty hidden folder beside a path, that its owner alone can enter; it is removed at the end.

    Parameters
    ----------
    path : Path
        Parents that are not there are made.
    """
    made = [parent for parent in path.parents if not parent.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    lock = _locked(draft)
    try:
        yield draft
    except OSError as error:
        if error.errno is not None and error.filename is None:  # as of a full disk, which names nothing
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        if lock is not None:
            os.close(lock)
        shutil.rmtree(draft, ignore_errors=True)
        for parent in made:  # those that hold the output stay
            with suppress(OSError):
                parent.rmdir()


def _locked(folder: Path) -> int | None:
    """Descriptor that holds the lock of a folder until it is closed; None where it has another owner or no locks."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _sweep(path: Path) -> None:
    """Remove drafts of the same output whose processes are dead."""
    for draft in path.parent.glob(f".{_literal(path.name)}.*.part"):
        with suppress(OSError):
            if time.time() - draft.stat().st_mtime > _YOUNG_S and (lock := _locked(draft)) is not None:
                shutil.rmtree(draft, ignore_errors=True)
                os.close(lock)


def _literal(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def sync_tree(folder: Path, *, files: bool = True) -> None:
    """Put a folder on the disk with all that it holds: a loss of power after this loses nothing of it.

    Parameters
    ----------
    folder : Path
    files : bool
        False where only names changed since.
    """
    for top, _, names in os.walk(folder, topdown=False):
        for name in names if files else ():
            with (Path(top) / name).open("rb+") as stream:
                os.fsync(stream.fileno())
        sync_folder(Path(top))


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk, where the system can."""
    with suppress(PermissionError, NotImplementedError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EROFS):
                raise
        finally:
            os.close(descriptor)


def moved_in(draft: Path, path: Path, *, replace: bool) -> None:
    """Move a draft that is on the disk to its place, by one step that is done or not done.

    Parameters
    ----------
    draft : Path
        File or folder; what stood at the place before may stand here afterwards.
    path : Path
    replace : bool
        Take the place of what is there.

    Raises
    ------
    InputError
        Another process took the place meanwhile.
    """
    if draft.is_dir():
        _folder_in(draft, path, replace)
    elif replace:
        os.replace(draft, path)
    else:
        _file_in(draft, path)
    sync_folder(path.parent)


def _file_in(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        raise _taken(path) from None
    except OSError:  # a disk without hard links
        os.replace(draft, path)


def _folder_in(draft: Path, path: Path, replace: bool) -> None:
    if replace and path.is_dir() and any(path.iterdir()):
        if not _exchanged(draft, path):
            _swapped(draft, path)
        return
    try:
        draft.rename(path)  # over an empty folder too
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        try:
            path.rmdir()  # Windows renames nothing over a folder, empty or not
        except OSError:
            raise _taken(path) from None
        draft.rename(path)


def _taken(path: Path) -> InputError:
    return InputError(
        "the output must be new",
        got="one that another process wrote meanwhile",
        where=path,
        remedy="It is whole; use another name for this run.",
    )


def _exchanged(first: Path, second: Path) -> bool:
    """Exchange two folders by one step; False where the system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    result = rename(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE)
    return int(result) == 0


def _swapped(draft: Path, path: Path) -> None:
    """Exchange two folders by three steps: between the first two the old one stands, whole, in ``.NAME.xxxx.old``."""
    aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".old", dir=path.parent))
    path.rename(aside / path.name)
    try:
        draft.rename(path)
    except OSError:
        (aside / path.name).rename(path)
        aside.rmdir()
        raise
    shutil.rmtree(aside, ignore_errors=True)
