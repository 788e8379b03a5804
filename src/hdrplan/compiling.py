"""Whether kernels are being compiled, here or elsewhere: the first run on a machine takes longer, and says why."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["compiled", "heed_kept", "keeping", "kept_elsewhere", "note_compiled", "note_kept", "wait_with"]

keeping = threading.Lock()
"""Held while the file of a kernel is written: whoever ends a process in the midst of its work takes it first."""

_signatures = 0
_told: Callable[[str], object] | None = None
_wait: Callable[[str], bool] | None = None


def note_compiled() -> None:
    """Say that no file of a kernel's signature was kept: it is compiled now."""
    global _signatures
    _signatures += 1


def compiled() -> int:
    """Return how many signatures this process has compiled so far, or waited for."""
    return _signatures


def note_kept(kernel: str) -> None:
    """Say that a kernel of one signature has a file now."""
    if _told is not None:
        _told(kernel)


def heed_kept(told: Callable[[str], object]) -> None:
    """Let ``told`` be called with the name of each kernel that has a file from now on."""
    global _told
    _told = told


def kept_elsewhere(kernel: str) -> bool:
    """Return whether another process was to compile a kernel, once it has or cannot."""
    return _wait is not None and _wait(kernel)


def wait_with(wait: Callable[[str], bool]) -> None:
    """Let :func:`kept_elsewhere` ask ``wait``, which is called with a kernel's name."""
    global _wait
    _wait = wait
