"""How good could a plan with dose-volume goals be? A proven bound, by branch and bound.

"Less than v cc of the organ above L" is not convex: the volume above L is a staircase in the doses. But the plans that
matter are few: they hold every other goal, and they beat the plan in hand by more than the gap that is allowed. Written
in the few numbers in which these differ (:mod:`hdrplan.optimize.directions`), each with its range, most points are
never above L or always; the staircase of the others is bounded from below by convex functions
(:mod:`hdrplan.kernels.staircase`), each a row of the linear program. The program bounds the objective, and the ranges
of the numbers; smaller ranges make better rows, and so on. What remains is halved along the number that matters most,
and each half treated alike, until no half can hold a plan worth having. All bounds are by weak duality, recomputed here.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.kernels.staircase import floor_at, grow
from hdrplan.optimize.directions import Directions, Excess, directions
from hdrplan.optimize.lp import LazyLP, NewRows, Solution
from hdrplan.optimize.program import Program
from hdrplan.threads import one_blas_thread, thread_count

__all__ = ["OuterBound", "outer_bound"]

# Points of each goal whose greatest and least doses give the first plans to learn from.
LEARNT = 5
SWEEPS = 6
# Sweeps go on while each closes this part of the gap; then halving does more.
WORTH_FRAC = 0.25
# Regions halved together, whatever the number of threads: the same search on every machine.
TOGETHER = 2
# Rows of convex functions added for one region, one at a time.
MOST_ROWS = 12
# Rows that gain less than this part of the allowed gap are not followed by another.
LEAST_GAIN = 0.02
# Numbers whose ranges are tightened in a region, and how much each must matter beside the first.
TIGHTENED, MATTER_FRAC = 6, 0.3
# A number that moves no dose by more than this fraction of the limit is left as it is.
NO_MATTER = 2e-5
# Volumes are compared with this fraction of the goal's volume to spare.
HAIR = 1e-6


@dataclass(frozen=True, slots=True)
class OuterBound:
    """A proven lower bound of an objective, the better plan found on the way, and how much work it took."""

    value: float
    plan: Solution | None
    regions: int
    seconds: float


@dataclass(order=True)
class _Region:
    """Plans whose numbers lie between two corners, and a bound of their objective."""

    bound: float
    order: int
    low: FloatArray
    high: FloatArray
    x: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Floor:
    """Convex function below the volume of one goal's undecided points above their limit."""

    left_cc: float  # what the points surely above leave of the goal's volume
    tail_cc: float
    hulls: tuple[FloatArray, IntArray, FloatArray, FloatArray, IntArray] | None


def _floors(excess: Excess, seen: Directions, low: FloatArray, high: FloatArray) -> list[_Floor] | None:
    """Return a floor for each goal; None where the points surely above are too many already."""
    least, most = seen.reach(low, high)
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    goal, volume = excess.goal[seen.at], excess.volume_cc[seen.at]
    floors = []
    for g, tail_cc in enumerate(excess.tail_cc):
        mine = goal == g
        left_cc = float(tail_cc - volume[mine & (least > 0)].sum())
        if left_cc < -HAIR * tail_cc:
            return None
        open_ = np.flatnonzero(mine & (least <= 0) & (most > 0))
        hulls = None
        if volume[open_].sum() > left_cc:
            loads = seen.loads[open_]
            hulls = grow(loads * half, seen.fixed[open_] + loads @ middle, seen.rest[open_], volume[open_])
        floors.append(_Floor(left_cc, float(tail_cc), hulls))
    return floors


class _Searcher:
    """One linear program, and what it knows of the region it is in."""

    def __init__(self, lp: LazyLP, cost: FloatArray, excess: Excess, seen: Directions, target: float, gap: float) -> None:
        self.gap = gap
        self.lp, self.cost, self.excess, self.seen = lp, cost, excess, seen
        self.n = seen.per_s.shape[1]
        self.worth = lp.add("worth having", NewRows(cost[None, :], np.array([-np.inf]), np.array([target])))
        self.range = lp.add("number", self._unlimited(self._rows(seen.per_s)))
        self.floor = lp.add("floor", self._unlimited(np.zeros((MOST_ROWS * len(excess.tail_cc), len(cost)))))
        self.used = 0
        self.target, self.deadline, self.check = target, np.inf, False
        self.floors: list[_Floor] = []

    def _rows(self, per_s: FloatArray) -> FloatArray:
        rows = np.zeros((len(per_s), len(self.cost)))
        rows[:, : per_s.shape[1]] = per_s
        return rows

    @staticmethod
    def _unlimited(rows: FloatArray) -> NewRows:
        none = np.full(len(rows), np.inf)
        return NewRows(rows, -none, none)

    def aim(self, target: float) -> None:
        """Look only for plans below another objective."""
        self.target = target
        self.lp.limit(self.worth, -np.inf, target)

    def leave(self) -> None:
        """Free the program of everything added for a region."""
        for row in range(self.worth, self.floor + MOST_ROWS * len(self.excess.tail_cc)):
            self.lp.limit(row, -np.inf, np.inf)

    def enter(self, region: _Region) -> bool:
        """Go to a region; False where it surely holds no plan."""
        self.low, self.high, self.x = region.low.copy(), region.high.copy(), region.x
        for k in range(len(self.low)):
            self.lp.limit(self.range + k, self.low[k], self.high[k])
        return self._refloor()

    def _refloor(self) -> bool:
        for row in range(self.floor, self.floor + self.used):
            self.lp.limit(row, -np.inf, np.inf)
        self.used = 0
        floors = _floors(self.excess, self.seen, self.low, self.high)
        self.floors = floors or []
        return floors is not None

    def matter(self) -> FloatArray:
        """How much each number moves the doses of the undecided points, as a fraction of the limit."""
        least, most = self.seen.reach(self.low, self.high)
        open_ = (least <= 0) & (most > 0)
        if not open_.any():
            return np.zeros(len(self.low))
        return np.asarray(np.sqrt((self.seen.loads[open_] ** 2).mean(axis=0)) * 0.5 * (self.high - self.low))

    def _solve(self, cost: FloatArray, *, primal: bool, check: bool = False) -> Solution | None:
        """Solve; None where it is proven that the region holds no plan worth having."""
        found = self.lp.solve(cost, check=check, most_rounds=6, primal=primal, deadline=self.deadline)
        if found.status == "infeasible":
            if self.lp.none_proven():
                return None
            # The primal simplex leaves no multipliers that prove it, the dual does.
            found = self.lp.solve(cost, check=False, deadline=self.deadline)
            if found.status == "infeasible" and self.lp.none_proven():
                return None
        return found

    def bound(self) -> float:
        """Bound the objective in the region, adding rows of the floors; infinite where no plan is worth having."""
        best = -np.inf
        for k in range(MOST_ROWS):
            found = self._solve(self.cost, primal=False, check=self.check)
            if found is None or found.bound >= self.target:
                return np.inf
            gain, best = found.bound - best, max(best, found.bound)
            self.x = found.x
            if found.rounds == 0 or (k > 3 and gain < LEAST_GAIN * self.gap) or not self._cut(found.x):
                break
        return best

    def _cut(self, x: FloatArray) -> bool:
        """Add the row of each floor that lies above its goal's volume at ``x``."""
        number = self.seen.per_s @ x[: self.n]
        middle, half = 0.5 * (self.low + self.high), np.maximum(0.5 * (self.high - self.low), 1e-15)
        cut = False
        for floor in self.floors:
            if floor.hulls is None:
                continue
            q = (number - middle) / half
            volume_cc, slope = floor_at(*floor.hulls, q)
            if volume_cc - floor.left_cc <= 10 * HAIR * floor.tail_cc:
                continue
            cut = True
            # volume + slope (p - q) <= left, for p = (number - middle) / half.
            row = self._rows(((slope / half) @ self.seen.per_s)[None, :])[0]
            most = floor.left_cc - volume_cc + slope @ q + (slope / half) @ middle + HAIR * floor.tail_cc
            self.lp.rewrite(self.floor + self.used, row, -np.inf, float(most))
            self.used += 1
        return cut

    def extreme(self, k: int, sign: float) -> Solution | None:
        """Solve for the least (sign 1) or greatest (-1) of one number."""
        return self._solve(self._rows(sign * self.seen.per_s[k][None, :])[0], primal=True)

    def narrow(self, k: int, low: Solution | None, high: Solution | None) -> bool:
        """Take over new bounds of one number; False where none is left."""
        if low is None or high is None:
            return False
        self.low[k], self.high[k] = max(self.low[k], low.bound), min(self.high[k], -high.bound)
        if self.low[k] > self.high[k]:
            if self.low[k] - self.high[k] > 1e-9 * (1.0 + abs(self.low[k])):
                return False
            self.low[k], self.high[k] = self.high[k], self.low[k]
        self.lp.limit(self.range + k, self.low[k], self.high[k])
        return True

    def treat(self, region: _Region) -> _Region | None:
        """Bound one region; None where it holds no plan worth having."""
        if not self.enter(region):
            return None
        bound = self.bound()
        if bound < self.target:
            matter = self.matter()
            for k in np.argsort(-matter, kind="stable")[:TIGHTENED]:
                if matter[k] < max(MATTER_FRAC * matter.max(), NO_MATTER) or time.monotonic() > self.deadline:
                    break
                if not self.narrow(int(k), self.extreme(int(k), 1.0), self.extreme(int(k), -1.0)):
                    return None
            if not self._refloor():
                return None
            bound = max(bound, self.bound())
        if bound >= self.target:
            return None
        return _Region(max(bound, region.bound), region.order, self.low, self.high, self.x)


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
    return OuterBound(min(value, search.best), search.plan, search.regions, time.monotonic() - begun)


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
        root = self.sweeps(pool, bound, self.learn(found.x), lp.least[:n].copy(), most_s)
        return self.target if root is None else self.halvings(pool, *root)

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

    def sweeps(
        self, pool: ThreadPoolExecutor, bound: float, plans_s: FloatArray, least_s: FloatArray, most_s: FloatArray
    ) -> tuple[_Region, Directions] | None:
        """Bound all plans at once, again and again, each time with directions chosen anew; None: none worth having."""
        lp, excess = self.program.lp, self.excess
        assert excess is not None
        at, before = np.arange(len(excess.volume_cc)), None
        for sweep in range(SWEEPS):
            seen = directions(excess, at, plans_s, least_s, most_s)
            corners = np.sort(np.stack((seen.per_s * least_s, seen.per_s * most_s)), axis=0).sum(axis=2)
            region = _Region(bound, 0, corners[0], corners[1], np.append(plans_s[-1], np.zeros(len(lp.least) - self.program.n)))
            pair = [_Searcher(lp.copy(), self.cost, excess, seen, self.target, self.gap) for _ in range(2)]
            master = _Searcher(lp, self.cost, excess, seen, self.target, self.gap)
            for one in (*pair, master):
                one.deadline = self.deadline
                one.enter(region)
            plans = [plans_s[0]]
            matter = pair[0].matter()
            for k in np.flatnonzero(matter > NO_MATTER):
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
            if not master._refloor() or (new := master.bound()) >= self.target:
                return None
            region = _Region(max(bound, new), 0, master.low, master.high, master.x)
            self.regions += 1
            self.tell(region.bound)
            gained = region.bound - bound
            bound = region.bound
            plans_s = np.array([*plans, master.x[: self.program.n]])
            least, most = seen.reach(master.low, master.high)
            self.improve(master.x)
            if self.late() or (sweep and gained < WORTH_FRAC * (self.target - bound + gained)):
                break
            at = at[(most > 0)]
        return region, seen

    def improve(self, x: FloatArray) -> None:
        """Make a plan of promising times; keep it where it is better."""
        if self.polish is None or self.late():
            return
        found = self.polish(x)
        if found.status == "optimal" and found.value < self.best - 1e-3 * self.gap:
            self.best, self.plan = found.value, found

    def halvings(self, pool: ThreadPoolExecutor, root: _Region, seen: Directions) -> float:
        """Branch and bound, best bound first."""
        assert self.excess is not None
        searchers = [
            _Searcher(self.program.lp.copy(), self.cost, self.excess, seen, self.target, self.gap) for _ in range(2 * TOGETHER)
        ]
        for one in searchers:
            one.deadline = self.deadline
        open_, steps = [root], 0
        while open_ and open_[0].bound < self.target and not self.late():
            steps += 1
            halved = [heapq.heappop(open_) for _ in range(min(TOGETHER, len(open_)))]
            halves = [half for region in halved for half in self.halves(region, seen)]
            treated = list(pool.map(lambda one, half: one.treat(half), searchers, halves))
            for half in treated:
                if half is not None:
                    heapq.heappush(open_, half)
            if open_ and steps & (steps - 1) == 0:
                self.improve(open_[0].x)
                for one in searchers:
                    one.aim(self.target)
            self.tell(min(self.target, open_[0].bound if open_ else np.inf))
        return min(self.target, open_[0].bound if open_ else np.inf)

    def halves(self, region: _Region, seen: Directions) -> tuple[_Region, _Region]:
        """Halve a region along the number that moves the doses of its undecided points most."""
        least, most = seen.reach(region.low, region.high)
        open_ = (least <= 0) & (most > 0)
        loads = seen.loads[open_] if open_.any() else seen.loads
        k = int(np.argmax((loads**2).mean(axis=0) * (region.high - region.low) ** 2))
        middle = 0.5 * (region.low[k] + region.high[k])
        below, above = region.high.copy(), region.low.copy()
        below[k] = above[k] = middle
        self.regions += 2
        return (
            _Region(region.bound, self.regions, region.low, below, region.x),
            _Region(region.bound, self.regions + 1, above, region.high, region.x),
        )
