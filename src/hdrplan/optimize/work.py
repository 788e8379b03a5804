"""How much work a search or a proof may do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["WorkLimit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkLimit:
    """Time and steps that may be used; whichever is used up first ends the work.

    Seconds end it differently on every machine and every day, steps do not: tests and published figures use these.

    Parameters
    ----------
    seconds : float
    steps : int, optional
        Regions of plans in a proof with dose-volume goals, linear programs in a search; no limit without it.
    """

    seconds: float = np.inf
    steps: int | None = None

    @property
    def used_up(self) -> bool:
        """Whether nothing may be done."""
        return self.seconds <= 0 or (self.steps is not None and self.steps <= 0)

    def half(self) -> WorkLimit:
        """Return half of it."""
        return WorkLimit(seconds=0.5 * self.seconds, steps=None if self.steps is None else self.steps // 2)

    def less(self, *, seconds: float, steps: int) -> WorkLimit:
        """Take off what was used."""
        return WorkLimit(
            seconds=self.seconds - seconds, steps=None if self.steps is None else max(0, self.steps - steps)
        )
