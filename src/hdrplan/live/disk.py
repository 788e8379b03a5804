"""Files of a case that change on the disk while its session is open."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

__all__ = ["WatchedFiles"]

# Time of the last change in ns and size; of a folder those of what lies in it.
_Stamp = tuple[tuple[str, int, int], ...]


class WatchedFiles:
    """Files as they were when this was made.

    Parameters
    ----------
    files : iterable of Path
        Files or folders.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        # A session may outlive the folder that it was started in as the current one.
        self._seen = {path: _stamp(path) for path in (file.absolute() for file in files)}

    def changed(self) -> tuple[str, ...]:
        """Return names of those that are different now or gone; it costs one look at the folder per file."""
        return tuple(path.name for path, seen in self._seen.items() if _stamp(path) != seen)


def _stamp(path: Path) -> _Stamp:
    try:
        found = sorted(path.iterdir()) if path.is_dir() else [path]
        return tuple((one.name, (s := one.stat()).st_mtime_ns, s.st_size) for one in found)
    except OSError:
        return ()
