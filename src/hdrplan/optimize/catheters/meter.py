"""What a search has spent of what it may spend."""

from __future__ import annotations

import time

import numpy as np

__all__ = ["Meter"]

# What the last step, the bound of D100, may take beyond the limit: most of its proofs are there. Of a limit in linear
# programs the same fraction as of the usual two minutes.
_GRACE_S, _GRACE_FRAC = 3.0, 0.025


class Meter:
    """Seconds by the clock; or linear programs, of which the same number gives the same result on every machine.

    Parameters
    ----------
    time_limit_s : float
    solve_limit : int or None
        Linear programs; with it the clock is not looked at.
    """

    def __init__(self, time_limit_s: float, solve_limit: int | None = None) -> None:
        self.solves = 0
        self.by_clock = solve_limit is None
        self.limit = time_limit_s if solve_limit is None else float(solve_limit)
        self._started = time.monotonic()

    @property
    def spent(self) -> float:
        """Seconds since the start, or linear programs."""
        return time.monotonic() - self._started if self.by_clock else float(self.solves)

    @property
    def grace(self) -> float:
        """What the last step may spend, whatever was spent before."""
        return _GRACE_S if self.by_clock else _GRACE_FRAC * self.limit

    @property
    def deadline(self) -> float:
        """``time.monotonic()`` at which any single solve stops."""
        return self._started + self.limit if self.by_clock else float(np.inf)
