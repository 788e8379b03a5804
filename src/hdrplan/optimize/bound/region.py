"""Regions of plans, and the linear program that bounds the objective in one of them."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.kernels.staircase import floor_at, grow
from hdrplan.optimize.bound.dose_modes import Directions, Excess
from hdrplan.optimize.program.lazy_lp import LazyLP, NewRows, Solution

__all__ = ["NO_MATTER", "Region", "Searcher", "matter"]

# Rows of convex functions added for one region, one at a time; one that gains less than this part of the allowed gap is
# not followed by another.
MOST_ROWS = 12
LEAST_GAIN = 0.02
# Numbers whose ranges are tightened in a region, and how much each must matter beside the first.
TIGHTENED, MATTER_FRAC = 6, 0.3
# A number that moves no dose by more than this fraction of the limit is left as it is.
NO_MATTER = 2e-5
# Numbers are of the order of 1.
LEAST_HALF = 1e-7
# Volumes are compared with this fraction of the goal's volume to spare.
HAIR = 1e-6


@dataclass(order=True)
class Region:
    """Plans whose numbers lie between two corners, and a bound of their objective."""

    bound: float
    order: int
    low: FloatArray
    high: FloatArray
    x: FloatArray  # the last solution, of a relaxation: a plan that is worth a try


@dataclass(frozen=True, slots=True, eq=False)
class _Floor:
    """Convex function below the volume of one goal's undecided points above their limit."""

    left_cc: float  # what the points surely above leave of the goal's volume
    tail_cc: float
    hulls: tuple[FloatArray, IntArray, FloatArray, FloatArray, IntArray] | None


def _middle_and_half(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Middle and half width of ranges; one that has no width is given some, for coefficients the solver can hold."""
    return 0.5 * (low + high), np.maximum(0.5 * (high - low), LEAST_HALF)


def _floors(excess: Excess, seen: Directions, low: FloatArray, high: FloatArray) -> list[_Floor] | None:
    """Return a floor for each goal; None where the points surely above are too many already."""
    least, most = seen.reach(low, high)
    middle, half = _middle_and_half(low, high)
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


def matter(seen: Directions, low: FloatArray, high: FloatArray) -> FloatArray:
    """How much each number moves the doses of the undecided points, as a fraction of the limit."""
    least, most = seen.reach(low, high)
    open_ = (least <= 0) & (most > 0)
    if not open_.any():
        open_ = np.ones(len(least), dtype=np.bool_)
    return np.asarray(np.sqrt((seen.loads[open_] ** 2).mean(axis=0)) * 0.5 * (high - low))


class Searcher:
    """One linear program, and what it knows of the region it is in."""

    def __init__(
        self, lp: LazyLP, cost: FloatArray, excess: Excess, seen: Directions, target: float, gap: float, deadline: float
    ) -> None:
        self.lp, self.cost, self.excess, self.seen = lp, cost, excess, seen
        self.gap, self.deadline = gap, deadline
        self.n = seen.per_s.shape[1]
        self.worth = lp.add("worth having", NewRows(cost[None, :], np.array([-np.inf]), np.array([target])))
        self.range = lp.add("number", self._unlimited(self._rows(seen.per_s)))
        self.floor = lp.add("floor", self._unlimited(np.zeros((MOST_ROWS * len(excess.tail_cc), len(cost)))))
        self.used = 0
        self.target, self.check = target, False
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

    def enter(self, region: Region) -> bool:
        """Go to a region; False where it surely holds no plan."""
        self.low, self.high, self.x = region.low.copy(), region.high.copy(), region.x
        for k in range(len(self.low)):
            self.lp.limit(self.range + k, self.low[k], self.high[k])
        return self.refloor()

    def refloor(self) -> bool:
        """Begin new floors, for the ranges as they are now; False where they surely hold no plan."""
        for row in range(self.floor, self.floor + self.used):
            self.lp.limit(row, -np.inf, np.inf)
        self.used = 0
        floors = _floors(self.excess, self.seen, self.low, self.high)
        self.floors = floors or []
        return floors is not None

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
        middle, half = _middle_and_half(self.low, self.high)
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

    def treat(self, region: Region) -> Region | None:
        """Bound one region; None where it holds no plan worth having."""
        if not self.enter(region):
            return None
        bound = self.bound()
        if bound < self.target:
            share = matter(self.seen, self.low, self.high)
            for k in np.argsort(-share, kind="stable")[:TIGHTENED]:
                if share[k] < max(MATTER_FRAC * share.max(), NO_MATTER) or time.monotonic() > self.deadline:
                    break
                if not self.narrow(int(k), self.extreme(int(k), 1.0), self.extreme(int(k), -1.0)):
                    return None
            if not self.refloor():
                return None
            bound = max(bound, self.bound())
        if bound >= self.target:
            return None
        return Region(max(bound, region.bound), region.order, self.low, self.high, self.x)
