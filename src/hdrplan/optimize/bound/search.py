"""One search for a bound: what it works with, the plan in hand, and how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.optimize.bound.region_program import Question
from hdrplan.optimize.program.lazy_lp import LazyLP, LPStatus, Solution

__all__ = ["InHand", "Report", "Search"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InHand:
    """The best plan so far, and the work done by then.

    Parameters
    ----------
    value : float
        Its objective.
    plan : Solution or None
        None as long as it is the plan that the search began with.
    regions : int
        Looked at so far.
    """

    value: float
    plan: Solution | None
    regions: int

    def seen(self, regions: int) -> InHand:
        """Count regions that were looked at."""
        return replace(self, regions=self.regions + regions)


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """How far a search is, from the bound that it began with.

    Parameters
    ----------
    on_progress : callable
        Called with the share of the work done, 0 to 1.
    begun : float
        ``time.monotonic()`` at the start.
    first : float
        The bound at the start.
    """

    on_progress: Callable[[float], None]
    begun: float
    first: float

    def of(self, search: Search, best: InHand, bound: float) -> None:
        """Report the gap closed or the limit used, whichever is more.

        Parameters
        ----------
        search : Search
        best : InHand
        bound : float
            The bound now.
        """
        used = (time.monotonic() - self.begun) / max(search.question.deadline - self.begun, 1e-9)
        if search.max_regions:
            used = max(used, best.regions / search.max_regions)
        closed = (bound - self.first) / max(search.target(best) - self.first, 1e-9)
        self.on_progress(float(np.clip(max(used, closed), 0.0, 1.0)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Search:
    """What all steps of one search work with.

    Parameters
    ----------
    lp : LazyLP
        Learns the rows that matter.
    n_dwells : int
        The first columns are dwell times.
    question : Question
    gap_of : callable
        Objective of a plan -> plans that are better by less than this are not looked for. That of the first plan is
        too wide for a better one: the gap of a plan 1 % better ended at 0.101 %.
    max_regions : int or None
    polish : callable or None
        Makes a plan of times that are promising.
    report : Report
    pool : ThreadPoolExecutor
        Bounds several regions at once.
    """

    lp: LazyLP
    n_dwells: int
    question: Question
    gap_of: Callable[[float], float]
    max_regions: int | None
    polish: Callable[[FloatArray], Solution] | None
    report: Report
    pool: ThreadPoolExecutor

    def target(self, best: InHand) -> float:
        """Plans must be below this to be worth having."""
        return best.value - self.gap_of(best.value)

    def late(self, best: InHand) -> bool:
        """Whether the time or the work allowed is used up."""
        out_of_work = self.max_regions is not None and best.regions >= self.max_regions
        return out_of_work or time.monotonic() > self.question.deadline

    def improved(self, best: InHand, x: FloatArray) -> InHand:
        """Make a plan of promising times; keep it where it is better."""
        if self.polish is None or self.late(best):
            return best
        plan = self.polish(x)
        if plan.status != LPStatus.OPTIMAL or plan.value >= best.value - 1e-3 * self.question.gap:
            return best
        return replace(best, value=plan.value, plan=plan)
