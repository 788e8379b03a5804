"""Results of many tasks on disk: one small file each, named by content, whole or absent.

Unlike a journal (:mod:`hdrplan.io.journal`) a store has no owner: any number of processes on any number of machines
may fill one, and whoever comes later finds what is there.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from hdrplan.errors import InputError
from hdrplan.io.journal import kept_is_told
from hdrplan.io.sealed import sealed, unsealed

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["ResultStore"]

Result = TypeVar("Result", bound="DataclassInstance")
# Drafts older than this are of killed runs; younger ones may belong to another process that is at work here.
_DRAFT_S = 3600.0
# Results stand in 256 folders; a file manager may have left a file of its own.
_SHELF = re.compile(r"[0-9a-f]{2}|\.DS_Store|desktop\.ini|Thumbs\.db", re.IGNORECASE)


class ResultStore(Generic[Result]):
    """A folder of results of one dataclass, whose fields are numbers and text.

    A result is written beside its name and renamed, so a killed run loses at most what was under way; a file that is
    not whole, or not as it was written (a full disk, another program), counts as absent and is made again.

    Parameters
    ----------
    folder : Path
        Made with the first result.
    kind : type
        The dataclass.

    Raises
    ------
    InputError
        The folder holds what no store holds: it is somebody else's.
    """

    def __init__(self, folder: Path, kind: type[Result]) -> None:
        self.folder = Path(folder)
        self._kind = kind
        there = self.folder.iterdir() if self.folder.is_dir() else ()
        if others := sorted(entry.name for entry in there if not _SHELF.fullmatch(entry.name)):
            raise InputError(
                "finished work is kept in a folder of its own",
                got=f"one with {others[0]}",
                where=self.folder,
                remedy="Choose another output, or move that folder away.",
            )
        for draft in self.folder.glob("*/*.part"):
            if time.time() - draft.stat().st_mtime > _DRAFT_S:
                draft.unlink(missing_ok=True)

    def path(self, key: str) -> Path:
        """Return where a result stands; 256 sub-folders keep listings short."""
        return self.folder / key[:2] / f"{key}.json"

    def read(self, key: str) -> Result | None:
        """Return the result, or None where there is none."""
        try:
            return self._kind(**unsealed(self.path(key).read_text(encoding="utf-8")))  # type: ignore[arg-type]
        except (OSError, ValueError, TypeError):
            return None

    def write(self, key: str, result: Result) -> None:
        """Store a result; two processes that store the same one do no harm.

        Raises
        ------
        OSError
            The disk is full, or cannot be written: of the folder, in which earlier results are left.
        """
        path = self.path(key)
        draft = path.with_name(f".{key}.{os.getpid()}.part")
        with kept_is_told(self.folder):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                draft.write_text(sealed(asdict(result)), encoding="utf-8")
                draft.replace(path)
            except OSError:
                with suppress(OSError):
                    draft.unlink(missing_ok=True)
                raise
