"""How much work a search or a proof may do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

__all__ = ["LongProof", "WorkLimit"]

PlanT = TypeVar("PlanT")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class LongProof(Generic[PlanT]):
    """A proof that may take long: what it may use, and who is told of it.

    Parameters
    ----------
    limit : WorkLimit
    on_plan : callable, optional
        Called once, with the whole plan as it stands before the proof begins; not where there is nothing to prove.
    on_progress : callable, optional
        Called with (done, total) while the proof runs.
    """

    limit: WorkLimit = field(default_factory=lambda: WorkLimit(seconds=0.0))
    on_plan: Callable[[PlanT], None] | None = None
    on_progress: Callable[[int, int], None] | None = None
