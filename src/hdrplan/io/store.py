"""Results of many tasks on disk: one small file each, named by content, whole or absent.

Unlike a journal (:mod:`hdrplan.io.journal`) a store has no owner: any number of processes on any number of machines
may fill one, and whoever comes later finds what is there.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from hdrplan.io.journal import kept_is_told
from hdrplan.io.sealed import sealed, unsealed

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["ResultStore"]

Result = TypeVar("Result", bound="DataclassInstance")
# Drafts older than this are of killed runs; younger ones may belong to another process that is at work here.
_DRAFT_S = 3600.0


class ResultStore(Generic[Result]):
    """A folder of results of one dataclass, whose fields are numbers and text.

    A result is written beside its name and renamed, so a killed run loses at most what was under way; a file that is
    not whole, or not as it was written (a full disk, another program), counts as absent and is made again.

    Parameters
    ----------
    folder : Path
        Made where absent.
    kind : type
        The dataclass.
    """

    def __init__(self, folder: Path, kind: type[Result]) -> None:
        self.folder = Path(folder)
        self._kind = kind
        self.folder.mkdir(parents=True, exist_ok=True)
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
                path.parent.mkdir(exist_ok=True)
                draft.write_text(sealed(asdict(result)), encoding="utf-8")
                draft.replace(path)
            except OSError:
                with suppress(OSError):
                    draft.unlink(missing_ok=True)
                raise
