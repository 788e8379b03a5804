"""How good could a plan with dose-volume goals be? A proven bound, by branch and bound.

"Less than v cc of the organ above L" is not convex: the volume above L is a staircase in the doses. But the plans that
matter are few: they hold every other goal, and they beat the plan in hand by more than the gap that is allowed. Written
in the few numbers in which these differ (:mod:`hdrplan.optimize.bound.dose_modes`), each with its range, most points
are never above L or always; the staircase of the others is bounded from below by convex functions
(:mod:`hdrplan.kernels.staircase`), each a row of the linear program. The program bounds the objective, and the ranges
of the numbers; smaller ranges make better rows, and so on. What remains is halved along the number that matters most,
and each half treated alike, until no half can hold a plan worth having. All bounds are by weak duality, recomputed
here.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.optimize.bound.dose_modes import Directions, Excess, directions
from hdrplan.optimize.bound.region import NO_MATTER, Region, Searcher, matter
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.lazy_lp import LazyLP, NewRows, Solution
from hdrplan.threads import one_blas_thread, thread_count

__all__ = ["OuterBound", "outer_bound"]

# Points of each goal whose greatest and least doses give the first plans to learn from.
LEARNT = 5
SWEEPS = 6
# Sweeps go on while each closes this part of the gap; then halving does more.
WORTH_FRAC = 0.25
# Regions halved together, whatever the number of threads: the same search on every machine.
TOGETHER = 2


@dataclass(frozen=True, slots=True)
class OuterBound:
    """A proven lower bound of an objective, the better plan found on the way, and how much work it took.

    ``closed``: the bound is as near to the best plan as was asked for.
    """

    value: float
    closed: bool
    plan: Solution | None
    regions: int
    seconds: float


def outer_bound(
    program: Program,
    cost: FloatArray,
    best: float,
    *,
    gap: float,
    seconds: float,
    polish: Callable[[FloatArray], Solution] | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> OuterBound:
    """Prove that no plan has an objective below some value, dose-volume goals included.

    Parameters
    ----------
    program : Program
        With the requirements of the plan entered and its dose-volume goals not yet excused.
    cost : (n_columns,) array
    best : float
        Objective of the plan in hand.
    gap : float
        The end: no plan is better than the best found by more than this, in the unit of the objective.
    seconds : float
    polish : callable, optional
        Makes a plan of times that are promising; the search goes on from a better one.
    on_progress : callable, optional
        Called with the share of the work done, 0 to 1: of the gap closed or the time used, whichever is more.
    """
    search = _Search(program, cost, best, gap, time.monotonic() + seconds, polish, on_progress)
    begun = time.monotonic()
    with one_blas_thread(), ThreadPoolExecutor(min(thread_count(), 2 * TOGETHER)) as pool:
        value = search.run(pool)
    return OuterBound(
        min(value, search.best), value >= search.target, search.plan, search.regions, time.monotonic() - begun
    )


class _Search:
    """The whole search of one call."""

    def __init__(
        self,
        program: Program,
        cost: FloatArray,
        best: float,
        gap: float,
        deadline: float,
        polish: Callable[[FloatArray], Solution] | None,
        on_progress: Callable[[float], None] | None,
    ) -> None:
        self.program, self.cost, self.best, self.gap = program, cost, best, gap
        self.deadline, self.polish = deadline, polish
        self._tell = on_progress or (lambda share: None)
        self.begun, self.first = time.monotonic(), -np.inf
        self.plan: Solution | None = None
        self.regions = 0
        # A goal that may be missed says nothing about the volume.
        hard = [k for k in program.tails if program.lp.most[program.n + k] == 0.0]
        self.excess = Excess(program, hard) if hard else None

    @property
    def target(self) -> float:
        """Plans must be below this to be worth having."""
        return self.best - self.gap

    def tell(self, bound: float) -> None:
        """Report how far the work is."""
        if not np.isfinite(self.first):
            self.first = bound
        used = (time.monotonic() - self.begun) / max(self.deadline - self.begun, 1e-9)
        closed = (bound - self.first) / max(self.target - self.first, 1e-9)
        self._tell(float(np.clip(max(used, closed), 0.0, 1.0)))

    def late(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() > self.deadline

    def run(self, pool: ThreadPoolExecutor) -> float:
        """Return the bound."""
        lp, n = self.program.lp, self.program.n
        found = lp.solve(self.cost, deadline=self.deadline)
        bound = np.inf if found.status == "infeasible" else found.bound
        if bound >= self.target or self.excess is None:
            return bound
        self.tell(bound)
        # A time whose second costs more than is left to spend is short: reduced costs.
        dear = np.maximum((self.cost - lp.dual[1])[:n], 0.0)
        spare = self.target - bound
        most_s = np.minimum(lp.most[:n], lp.least[:n] + spare / np.maximum(dear, 1e-12 * spare))
        while True:
            begun_with = self.best
            root = self.sweeps(pool, bound, found.x, lp.least[:n].copy(), most_s)
            if root is None:
                return self.target
            bound = self.halvings(pool, *root, begun_with - self.gap)
            # A plan much better than the one in hand leaves far fewer worth having: begin again with these.
            if self.late() or self.best >= begun_with - self.gap:
                return bound

    def learn(self, x: FloatArray) -> FloatArray:
        """Return plans worth having that differ much, while the program learns the rows that matter."""
        lp, n, excess = self.program.lp, self.program.n, self.excess
        assert excess is not None
        worth = lp.add("worth having", NewRows(self.cost[None, :], np.array([-np.inf]), np.array([self.target])))
        plans, above = [x[:n]], excess.of(x[:n])
        for g in range(len(excess.tail_cc)):
            mine = np.flatnonzero(excess.goal == g)
            # The hottest points up to three times the goal's volume, evenly.
            hot = mine[np.argsort(-above[mine], kind="stable")]
            hot = hot[np.cumsum(excess.volume_cc[hot]) <= 3.0 * excess.tail_cc[g]]
            for point in hot[np.linspace(0, len(hot) - 1, min(LEARNT, len(hot))).astype(int)]:
                for sign in (1.0, -1.0):
                    direction = np.zeros(self.program.columns)
                    direction[:n] = sign * excess.per_s(np.array([point]))[0]
                    found = lp.solve(direction, primal=True, most_rounds=6, deadline=self.deadline)
                    if found.rounds and found.status != "infeasible":
                        plans.append(found.x[:n])
        lp.limit(worth, -np.inf, np.inf)
        return np.array(plans)

    def searcher(self, lp: LazyLP, seen: Directions) -> Searcher:
        """Return a searcher on a program."""
        assert self.excess is not None
        return Searcher(lp, self.cost, self.excess, seen, self.target, self.gap, self.deadline)

    def sweeps(
        self, pool: ThreadPoolExecutor, bound: float, x: FloatArray, least_s: FloatArray, most_s: FloatArray
    ) -> tuple[Region, Directions] | None:
        """Bound all plans at once, again and again, each time with directions chosen anew; None: none worth having."""
        lp, excess = self.program.lp, self.excess
        assert excess is not None
        at, before, plans_s = np.arange(len(excess.volume_cc)), None, self.learn(x)
        for sweep in range(SWEEPS):
            seen = directions(excess, at, plans_s, least_s, most_s)
            corners = np.sort(np.stack((seen.per_s * least_s, seen.per_s * most_s)), axis=0).sum(axis=2)
            region = Region(bound, 0, corners[0], corners[1], x)
            pair = [self.searcher(lp.copy(), seen) for _ in range(2)]
            master = self.searcher(lp, seen)
            for one in (*pair, master):
                one.enter(region)
            plans = [plans_s[0]]
            for k in np.flatnonzero(matter(seen, region.low, region.high) > NO_MATTER):
                both = list(pool.map(lambda one, sign, k=k: one.extreme(k, sign), pair, (1.0, -1.0)))
                for one in (*pair, master):
                    if not one.narrow(int(k), *both):
                        return None
                plans += [found.x[: self.program.n] for found in both if found is not None]
            # What the sweep before knew has served its purpose: the ranges of the new numbers.
            if before is not None:
                before.leave()
            before = master
            master.check = sweep < 2
            if not master.refloor() or (new := master.bound()) >= self.target:
                return None
            region = Region(max(bound, new), 0, master.low, master.high, master.x)
            self.regions += 1
            self.tell(region.bound)
            gained, bound, x = region.bound - bound, region.bound, master.x
            plans_s = np.array([*plans, x[: self.program.n]])
            self.improve(x)
            if self.late() or (sweep and gained < WORTH_FRAC * (self.target - bound + gained)):
                break
            # Points that are never on the wrong side need no description.
            at = at[seen.reach(master.low, master.high)[1] > 0]
        return region, seen

    def improve(self, x: FloatArray) -> None:
        """Make a plan of promising times; keep it where it is better."""
        if self.polish is None or self.late():
            return
        found = self.polish(x)
        if found.status == "optimal" and found.value < self.best - 1e-3 * self.gap:
            self.best, self.plan = found.value, found

    def halvings(self, pool: ThreadPoolExecutor, root: Region, seen: Directions, enough: float) -> float:
        """Branch and bound, best bound first, until it is closed or a plan better than ``enough`` is found."""
        lp = self.program.lp
        rows = [i for i in range(lp.rows_used) if np.isfinite(lp.limits(i)).any()]
        searchers = [self.searcher(lp.copy(rows), seen) for _ in range(2 * TOGETHER)]
        open_, steps = [root], 0
        while open_ and open_[0].bound < self.target and self.best >= enough and not self.late():
            steps += 1
            halved = [heapq.heappop(open_) for _ in range(min(TOGETHER, len(open_)))]
            halves = [half for region in halved for half in self.halves(region, seen)]
            treated = list(pool.map(lambda one, half: one.treat(half), searchers, halves))
            for half in treated:
                if half is not None:
                    heapq.heappush(open_, half)
                    self.missed(half.x, searchers)
            if open_ and steps & (steps - 1) == 0:
                self.improve(open_[0].x)
                for one in searchers:
                    one.aim(self.target)
            self.tell(min(self.target, open_[0].bound if open_ else np.inf))
        return min(self.target, open_[0].bound if open_ else np.inf)

    def missed(self, x: FloatArray, searchers: list[Searcher]) -> None:
        """Give all searchers the rows of the other goals that a solution violates."""
        for family in self.program.lp.families:
            new, _ = family.violated(x)
            if new is not None:
                family.taken(self.program.lp.add(family.name, new))
                for one in searchers:
                    one.lp.add(family.name, new)

    def halves(self, region: Region, seen: Directions) -> tuple[Region, Region]:
        """Halve a region along the number that moves the doses of its undecided points most."""
        k = int(np.argmax(matter(seen, region.low, region.high)))
        middle = 0.5 * (region.low[k] + region.high[k])
        below, above = region.high.copy(), region.low.copy()
        below[k] = above[k] = middle
        self.regions += 2
        return (
            Region(region.bound, self.regions, region.low, below, region.x),
            Region(region.bound, self.regions + 1, above, region.high, region.x),
        )
