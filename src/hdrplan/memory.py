"""Available memory: a request that is too large is refused before it is made."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from hdrplan.errors import ResourceError

__all__ = ["available_bytes", "give_back", "give_back_at_once", "require_memory"]

# Of the free memory one request may take this fraction: the report, the interpreter and others need some.
_FRACTION = 0.9
# The number of mallopt, in malloc.h of the GNU C library, for the size from which on memory is taken outside the heap.
_MMAP_THRESHOLD, _LARGE_BYTES = -3, 8 << 20


def available_bytes() -> int | None:
    """Memory this process may still take: HDRPLAN_MEMORY_MB, else the minimum of machine, container and process limits.

    Returns
    -------
    int or None
        None where the system does not say.
    """
    wanted = os.environ.get("HDRPLAN_MEMORY_MB", "")
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted) << 20
    limits = [value for value in (_machine(), _container(), _process()) if value is not None]
    return min(limits) if limits else None


def require_memory(needed_bytes: float, request: str, *, remedy: str) -> None:
    """Raise ResourceError, with both numbers, where a request does not fit into the memory that is free.

    Parameters
    ----------
    needed_bytes : float
    request : str
        "the rate matrix of 90000 points x 5000 dwells".
    remedy : str
    """
    free = available_bytes()
    if free is not None and needed_bytes > _FRACTION * free:
        raise ResourceError(
            f"{request} must fit into memory",
            got=f"{needed_bytes / 1e9:.3g} GB needed, {free / 1e9:.3g} GB free",
            remedy=remedy,
        )


def give_back() -> None:
    """Return to the system what was freed, where the C library would keep it for the thread that had taken it.

    Blurring the masks of the demo left 100 MB in the threads that share such work: the rest of a plan came on top.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


def give_back_at_once() -> None:
    """From now on, let arrays of 8 MB and more go back to the system when they are freed, for this whole process.

    The GNU C library takes smaller ones than 32 MB from its heap as soon as one of that size was freed, and what lies
    between others stays there: 50 to 120 MB of a session with 900 dwells. For small plans new memory costs more time.
    """
    with suppress(AttributeError, OSError, TypeError):  # as for malloc_trim
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)


@cache
def _trim() -> Any:
    """Return ``malloc_trim`` of the GNU C library; None with others."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None  # macOS, musl; Windows has no library without a name


def _number(path: str) -> int | None:
    try:
        text = Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _machine() -> int | None:
    # The kernel's own account: free pages alone leave out the file cache, which it gives back.
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None  # Windows


def _container() -> int | None:
    limit, used = _number("/sys/fs/cgroup/memory.max"), _number("/sys/fs/cgroup/memory.current")
    return None if limit is None else max(0, limit - (used or 0))


def _process() -> int | None:
    try:
        import resource
    except ImportError:
        return None  # Windows
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    try:
        used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        used = 0
    return max(0, limit - used)
