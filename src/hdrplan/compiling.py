"""Whether kernels are being compiled: the first run on a machine takes a minute longer, and says why."""

from __future__ import annotations

__all__ = ["compiled", "note_compiled"]

_signatures = 0


def note_compiled() -> None:
    """Say that a kernel of one signature is compiled now, for no file of it was kept."""
    global _signatures
    _signatures += 1


def compiled() -> int:
    """Return how many signatures this process has compiled so far."""
    return _signatures
