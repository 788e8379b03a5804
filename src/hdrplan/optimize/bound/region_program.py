"""The linear program that bounds the objective in one region of plans, and narrows the region."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.optimize.bound.dose_modes import Directions, Excess
from hdrplan.optimize.bound.groups import groups_of
from hdrplan.optimize.bound.region import Floor, Ranges, Region, Undecided, floors_of
from hdrplan.optimize.program.lazy_lp import LazyLP, LPStatus, Solution
from hdrplan.optimize.program.rows import NewRows

__all__ = ["NEGLIGIBLE_FRAC", "Question", "RegionProgram", "RegionRow", "unlimited"]

# Rows of convex functions added for one region, one at a time; one that gains less than this part of the allowed gap is
# not followed by another.
MAX_ROWS = 12
# Rows of them added where all plans are bounded at once, at the extremes of the numbers, and those for one extreme.
PRESSED_ROWS, ROWS_EACH = 160, 4
MIN_GAIN = 0.02
# Numbers whose ranges are tightened in a region, and how much each must matter beside the first.
TIGHTENED, RELEVANT_FRAC = 6, 0.3
# Groups of undecided points of each goal whose doses are bounded in a region.
GROUPS = 8
# A number that moves no dose by more than this fraction of the limit is left as it is.
NEGLIGIBLE_FRAC = 2e-5


class RegionRow(Enum):
    """Owners of the rows of a region: the objective below the target, ranges of the numbers, floors, decided points."""

    BETTER = "better"
    NUMBER = "number"
    FLOOR = "floor"
    POINT = "point"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """What is asked of all regions.

    Parameters
    ----------
    cost : (n_columns,) array
        The objective.
    excess : Excess
        Of the dose-volume goals.
    gap : float
        Plans that are better by less than this are not looked for.
    deadline : float
        ``time.monotonic()`` at which to stop.
    """

    cost: FloatArray
    excess: Excess
    gap: float
    deadline: float


def unlimited(rows: FloatArray) -> NewRows:
    """Return rows that limit nothing yet."""
    none = np.full(len(rows), np.inf)
    return NewRows(rows, -none, none)


class RegionProgram:
    """One linear program with rows for one region at a time.

    Parameters
    ----------
    lp : LazyLP
        Its own, but for the master of :func:`hdrplan.optimize.bound.branch_and_bound.branch_and_bound`.
    question : Question
    seen : Directions
    target : float
        Objective below which a plan is worth having.
    rows : int
        Of convex functions, for each goal.
    """

    def __init__(
        self, lp: LazyLP, question: Question, seen: Directions, target: float, *, rows: int = MAX_ROWS
    ) -> None:
        self.lp, self.question, self.seen, self.target = lp, question, seen, target
        cost, n_goals = question.cost, len(question.excess.tail_cc)
        better = NewRows(cost[None, :], np.array([-np.inf]), np.array([target]))
        self._better = lp.add(RegionRow.BETTER, better)
        self._range = lp.add(RegionRow.NUMBER, unlimited(self._rows(seen.per_s)))
        self._room = rows * n_goals
        self._floor = lp.add(RegionRow.FLOOR, unlimited(np.zeros((self._room, len(cost)))))
        self._used = 0
        # Rows of points put below their limit, made as regions ask for them, and the point that each stands for.
        self._point_rows, self._points = list[int](), list[int]()

    def _rows(self, per_s: FloatArray) -> FloatArray:
        rows = np.zeros((len(per_s), len(self.question.cost)))
        rows[:, : per_s.shape[1]] = per_s
        return rows

    def aim(self, target: float) -> None:
        """Look only for plans below another objective."""
        self.target = target
        self.lp.limit(self._better, -np.inf, target)

    def leave(self) -> None:
        """Free the program of everything added for a region."""
        for row in range(self._better, self._floor + self._room):
            self.lp.limit(row, -np.inf, np.inf)
        self._put_below(())

    def enter(self, ranges: Ranges, below: Sequence[int] = ()) -> None:
        """Go to a region: ranges of the numbers, and points put below their limit."""
        for k in range(len(ranges.low)):
            self.narrow(k, ranges)
        self.drop_floors()
        self._put_below(below)

    def _put_below(self, below: Sequence[int]) -> None:
        """Let some points of the excess stay below their limit, and free all others of that."""
        excess = self.question.excess
        for k, point in enumerate(below):
            if k == len(self._points):
                row = self.lp.add(RegionRow.POINT, unlimited(np.zeros((1, len(self.question.cost)))))
                self._point_rows.append(row)
                self._points.append(-1)
            high = -float(excess.shift[point])
            if self._points[k] == point:
                self.lp.limit(self._point_rows[k], -np.inf, high)
            else:
                coefficients = self._rows(excess.per_s(np.array([point])))[0]
                self.lp.rewrite(self._point_rows[k], coefficients, low=-np.inf, high=high)
                self._points[k] = point
        for row in self._point_rows[len(below) :]:
            self.lp.limit(row, -np.inf, np.inf)

    def narrow(self, k: int, ranges: Ranges) -> None:
        """Take over the range of one number."""
        self.lp.limit(self._range + k, float(ranges.low[k]), float(ranges.high[k]))

    def drop_floors(self) -> None:
        """Free the rows of the floors so far."""
        for row in range(self._floor, self._floor + self._used):
            self.lp.limit(row, -np.inf, np.inf)
        self._used = 0

    def _solve(self, cost: FloatArray, *, primal: bool, check: bool = False) -> Solution | None:
        """Solve; None where it is proven that the region holds no plan worth having."""
        deadline = self.question.deadline
        solution = self.lp.solve(cost, check=check, max_rounds=6, primal=primal, deadline=deadline)
        if solution.status == LPStatus.INFEASIBLE:
            if self.lp.none_proven():
                return None
            # The primal simplex leaves no multipliers that prove it, the dual does.
            solution = self.lp.solve(cost, check=False, deadline=deadline)
            if solution.status == LPStatus.INFEASIBLE and self.lp.none_proven():
                return None
        return solution

    def bound(self, floors: Sequence[Floor], x: FloatArray, *, check: bool = False) -> tuple[float, FloatArray]:
        """Bound the objective in the region, adding rows of the floors.

        Parameters
        ----------
        floors : sequence of Floor
            Made for the ranges entered.
        x : (n_columns,) array
            Last solution.
        check : bool
            Whether to look for rows of the other goals that are violated.

        Returns
        -------
        bound : float
            Infinite where no plan is worth having.
        x : (n_columns,) array
            The new last solution.
        """
        best = -np.inf
        for k in range(MAX_ROWS):
            solution = self._solve(self.question.cost, primal=False, check=check)
            if solution is None or solution.bound >= self.target:
                return np.inf, x
            gain, best = solution.bound - best, max(best, solution.bound)
            x = solution.x
            slow = k > 3 and gain < MIN_GAIN * self.question.gap
            if solution.rounds == 0 or slow or not self._cut(x, floors):
                break
        return best, x

    def _cut(self, x: FloatArray, floors: Sequence[Floor]) -> bool:
        """Add the row of each floor that lies above its goal's volume at ``x``."""
        number = self.seen.per_s @ x[: self.seen.n_dwells]
        cut = False
        for floor in floors:
            row = floor.above(number, self.seen.per_s)
            if row is None or self._used == self._room:
                continue
            cut = True
            coefficients = self._rows(row[0][None, :])[0]
            self.lp.rewrite(self._floor + self._used, coefficients, low=-np.inf, high=row[1])
            self._used += 1
        return cut

    def extreme(self, k: int, sign: float, floors: Sequence[Floor] = ()) -> Solution | None:
        """Solve for the smallest (sign 1) or greatest (-1) of one number; None where no plan is left.

        Rows of the floors that the solution breaks join the program.
        """
        direction = self._rows(sign * self.seen.per_s[k][None, :])[0]
        solution = self._solve(direction, primal=True)
        for _ in range(ROWS_EACH):
            if solution is None or solution.rounds == 0 or not self._cut(solution.x, floors):
                break
            again = self._solve(direction, primal=False)
            # A solve that stopped early has a weaker bound than the one before it.
            solution = again if again is None or again.bound >= solution.bound else replace(again, bound=solution.bound)
        return solution

    def treat(self, region: Region) -> Region | None:
        """Bound one region, with ranges as narrow as they can be; None where it holds no plan worth having."""
        excess, ranges = self.question.excess, region.ranges
        self.enter(ranges, region.below.tolist())
        undecided = region.undecided.within(excess, self.seen, ranges)
        floors = floors_of(excess, self.seen, ranges, undecided)
        if floors is None:
            return None
        bound, x = self.bound(floors, region.x)
        if bound < self.target:
            narrow = self._tightened(ranges, undecided)
            if narrow is None:
                return None
            ranges, decided = narrow, self.decided(narrow, undecided, GROUPS)
            if decided is None:
                return None
            undecided = decided
            self.drop_floors()
            floors = floors_of(excess, self.seen, ranges, undecided)
            if floors is None:
                return None
            again, x = self.bound(floors, x)
            bound = max(bound, again)
        if bound >= self.target:
            return None
        return replace(region, bound=max(bound, region.bound), ranges=ranges, undecided=undecided, x=x)

    def decided(self, ranges: Ranges, undecided: Undecided, count: int) -> Undecided | None:
        """Narrow the excess of the undecided points, by that of groups of alike ones; None where no plan is left.

        The ranges of the numbers allow combinations that no plan has: on 34 cc the excess of a point had less than
        half the range that they gave it.

        Parameters
        ----------
        ranges : Ranges
            As entered.
        undecided : Undecided
        count : int
            Groups of each goal at most.

        Returns
        -------
        Undecided or None
        """
        seen, excess = self.seen, self.question.excess
        undecided = undecided.within(excess, seen, ranges)
        low, high = undecided.low.copy(), undecided.high.copy()
        for group in groups_of(excess, seen, ranges, undecided, count):
            both = [
                self._solve(sign * self._rows((group.number @ seen.per_s)[None, :])[0], primal=True)
                for sign in (1.0, -1.0)
            ]
            if both[0] is None or both[1] is None:
                return None
            low[group.members], high[group.members] = group.reach(both[0].bound, -both[1].bound)
        return undecided.narrowed(excess, low, high)

    def _tightened(self, ranges: Ranges, undecided: Undecided) -> Ranges | None:
        """Tighten the ranges of the numbers that matter most; None where nothing is left."""
        share = ranges.moves(self.seen, undecided)
        for k in np.argsort(-share, kind="stable")[:TIGHTENED].tolist():
            if (
                share[k] < max(RELEVANT_FRAC * share.max(), NEGLIGIBLE_FRAC)
                or time.monotonic() > self.question.deadline
            ):
                break
            narrow = ranges.narrowed(k, self.extreme(k, 1.0), self.extreme(k, -1.0))
            if narrow is None:
                return None
            ranges = narrow
            self.narrow(k, ranges)
        return ranges
