"""Lines that compiled libraries print on their own to standard error, kept out of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["without_noise"]


@contextmanager
def without_noise() -> Iterator[None]:
    """Turn standard error (descriptor 2) away while a library works whose words are passed on by its exceptions.

    For the whole process: whatever another thread prints there meanwhile is lost too.
    """
    with suppress(AttributeError, OSError, ValueError):
        sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # it is closed
        yield
        return
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
