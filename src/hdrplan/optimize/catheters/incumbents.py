"""The best sets planned so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from hdrplan.optimize.catheters.candidates import CatheterSet
from hdrplan.optimize.program.lazy_lp import Solution

__all__ = ["Incumbents", "PlannedSet"]


class PlannedSet(NamedTuple):
    """A set and its best plan under all goals; ``value`` has what the prescriptions miss priced in."""

    chosen: CatheterSet
    plan: Solution
    value: float
    held: bool


@dataclass(frozen=True, slots=True, eq=False)
class Incumbents:
    """The best set of each size so far, and the value of every set planned.

    Parameters
    ----------
    by_size : mapping
        Number of catheters -> the best set of just so many.
    values : mapping
        Set -> its value; infinite where there was no plan within the time.
    """

    by_size: Mapping[int, PlannedSet] = field(default_factory=lambda: MappingProxyType({}))
    values: Mapping[CatheterSet, float] = field(default_factory=lambda: MappingProxyType({}))

    def best(self, count: int) -> PlannedSet | None:
        """Return the best set of at most ``count`` catheters: one that holds the prescriptions before any other."""
        sets = [planned for size, planned in self.by_size.items() if size <= count]
        return min(sets, key=_rank, default=None)

    def value(self, count: int) -> float:
        """Value of the best set of at most ``count``; infinite without one."""
        best = self.best(count)
        return float(np.inf) if best is None else best.value

    def beaten_by(self, challenger: PlannedSet) -> bool:
        """Whether a set is better than the best of at most its size."""
        best = self.best(len(challenger.chosen))
        return best is None or _rank(challenger) < _rank(best)

    def knowing(self, chosen: CatheterSet, planned: PlannedSet | None) -> Incumbents:
        """Return these with one more set planned (None: there was no plan)."""
        values = {**self.values, chosen: float(np.inf) if planned is None else planned.value}
        by_size = dict(self.by_size)
        if planned is not None and self.beaten_by(planned):
            by_size[len(chosen)] = planned
        return Incumbents(MappingProxyType(by_size), MappingProxyType(values))


def _rank(planned: PlannedSet) -> tuple[bool, float]:
    return not planned.held, planned.value
