"""Results of many tasks on disk: one small file each, named by content, whole or absent."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

__all__ = ["ResultStore"]


class ResultStore:
    """A folder of results.

    A result is written beside its name and renamed, so a killed run loses at most what was under way; a file that is
    not whole JSON (a full disk, another program) counts as absent and is made again.

    Parameters
    ----------
    folder : Path
        Made where absent.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        # Drafts of killed runs; younger ones may belong to another process that is at work here.
        for draft in self.folder.glob("*/*.part"):
            if time.time() - draft.stat().st_mtime > 3600.0:
                draft.unlink(missing_ok=True)

    def path(self, key: str) -> Path:
        """Return where a result stands; 256 sub-folders keep listings short."""
        return self.folder / key[:2] / f"{key}.json"

    def read(self, key: str) -> dict[str, Any] | None:
        """Return the result, or None where there is none."""
        try:
            found = json.loads(self.path(key).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def write(self, key: str, result: dict[str, Any]) -> None:
        """Store a result; two processes that store the same one do no harm."""
        path = self.path(key)
        path.parent.mkdir(exist_ok=True)
        draft = path.with_name(f".{key}.{os.getpid()}.part")
        draft.write_text(json.dumps(result), encoding="utf-8")
        draft.replace(path)
