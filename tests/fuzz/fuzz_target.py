"""What the fuzzers break: a reader and its good files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Target"]


@dataclass(frozen=True)
class Target:
    """A reader, a good folder of files, and which of its files to break.

    ``read`` takes the folder; ``files`` are the names broken, one at a time.
    """

    name: str
    files: dict[str, bytes]
    broken: tuple[str, ...]
    read: Callable[[Path], Any]
