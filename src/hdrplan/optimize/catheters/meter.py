"""What a search has spent of what it may spend."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np

from hdrplan.optimize.work import WorkLimit

__all__ = ["End", "Meter"]

# What the last step, the bound of D100, may take beyond the limit: most of its proofs are there. Of a limit in linear
# programs the same fraction as of the usual two minutes.
_GRACE_S, _GRACE_FRAC = 3.0, 0.025


class End(NamedTuple):
    """When a step of the search ends: at a ``time.monotonic()``, or after so many linear programs of the whole."""

    at_s: float
    at_solves: float


class Meter:
    """Seconds and linear programs of one search; whichever is used up first ends a step.

    Parameters
    ----------
    limit : WorkLimit
        Steps are linear programs.
    """

    def __init__(self, limit: WorkLimit) -> None:
        self.solves = 0
        self._limit, self._started = limit, time.monotonic()

    @property
    def end(self) -> End:
        """Of the whole search."""
        return self.after(1.0)

    def after(self, fraction: float) -> End:
        """End where a fraction of the limit is used up."""
        return End(self._started + fraction * self._limit.seconds, fraction * self._maximum_solves)

    def after_rest(self, fraction: float, end: End) -> End:
        """End where a fraction of what is left until another end is used up."""
        now = time.monotonic()
        return End(now + fraction * (end.at_s - now), self.solves + fraction * (end.at_solves - self.solves))

    def grace(self) -> End:
        """End of the last step, whatever was used before."""
        return End(time.monotonic() + _GRACE_S, self.solves + _GRACE_FRAC * self._maximum_solves)

    def passed(self, end: End) -> bool:
        """Whether a step must stop."""
        return self.solves > end.at_solves or time.monotonic() > end.at_s

    @property
    def _maximum_solves(self) -> float:
        return float(np.inf) if self._limit.steps is None else float(self._limit.steps)
