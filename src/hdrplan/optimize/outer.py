"""How good could a plan with dose-volume goals be? A proven outer bound.

"Less than v cc of the organ above L" is not convex. Where U_i is the most that point i can receive in any plan worth
having, every such plan obeys the convex condition

    sum over points of  volume_i * max(0, dose_i - L) / (U_i - L)  <=  v,

for the fraction is at most 1 and is 0 below L. The smaller the U_i, the tighter. They follow from the linear program
itself: maximise the dose of a point under all rows known and "not dearer than the plan in hand", and bound it by weak
duality; one such program serves all points of a cube, each with its own remainder. A tighter bound shrinks the set of
plans worth having, which shrinks the U_i, and so on; what then remains open is divided in two along a dwell time or
organ dose, and each part treated alike (branch and bound).
"""

from __future__ import annotations

import heapq
import time
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray
from hdrplan.optimize.lp import NewRows
from hdrplan.optimize.program import Program
from hdrplan.optimize.rows import EveryPoint, cells_of

__all__ = ["OuterBound", "outer_bound"]

# A sweep that decides less than this part of the undecided volume is followed by a division.
WORTH_FRAC = 0.1
# Points of one cube share the multipliers of one program.
CUBE_MM = 4.0
LEARNING_SWEEPS = 3


class _Hull:
    """The convex condition above for one dose-volume goal; one row a round.

    ``high`` and ``low`` bound by how many Gy each point can be on the wrong side of the limit (negative: on the right
    side) in any plan worth having. A point with ``low`` above 0 counts in full.
    """

    def __init__(self, name: str, block: EveryPoint, volume_cc: FloatArray, tail_cc: float, cubes: IntArray) -> None:
        self.name, self.block, self.volume_cc, self.tail_cc = name, block, volume_cc, tail_cc
        self.cubes = cubes
        self.high, self.low = np.full(len(volume_cc), np.inf), np.full(len(volume_cc), -np.inf)

    def open(self) -> BoolArray:
        """Return the points that may be on either side."""
        return (self.high > 0) & (self.low <= 0) & (self.volume_cc > 0)

    def left_cc(self) -> float:
        """Volume that the open points may still have on the wrong side."""
        return self.tail_cc - float(self.volume_cc[self.low > 0].sum())

    def violated(self, x: FloatArray) -> tuple[NewRows | None, float]:
        """Return the row of the points that are now on the wrong side."""
        block, left_cc = self.block, self.left_cc()
        wrong = block.sense * (block.limit_gy - block.dose_gy(x))
        at = np.flatnonzero((wrong > 0) & self.open())
        weight = self.volume_cc[at] / self.high[at]
        excess = float(weight @ wrong[at]) - left_cc
        # Looser than it need be by a hair of the volume: the rows, too, hold only to the solver's tolerance.
        hair = 1e-6 * self.tail_cc
        if excess <= 2 * hair:
            return None, 0.0
        parts = block.rows(at)
        limit = parts.low if block.sense == 1 else parts.high
        row = -block.sense * (weight @ parts.coefficients)
        most = left_cc - block.sense * float(weight @ limit) + hair
        return NewRows(row[None, :], np.array([-np.inf]), np.array([most])), excess

    def taken(self, first_row: int) -> None:
        """Nothing to remember."""


@dataclass(frozen=True, slots=True)
class OuterBound:
    """A proven lower bound of an objective, and how much work it took."""

    value: float
    parts: int
    seconds: float


@dataclass(order=True)
class _Part:
    bound: float
    order: int
    least: FloatArray
    most: FloatArray
    rows: dict[int, tuple[float, float]]  # row of the program -> limits in this part


def outer_bound(
    program: Program, cost: FloatArray, best: float, *, gap_frac: float = 1e-3, seconds: float = 10.0
) -> OuterBound:
    """Prove that no plan has an objective below some value, dose-volume goals included.

    Parameters
    ----------
    program : Program
        With the requirements of the plan entered and its dose-volume goals not yet excused.
    cost : (n_columns,) array
    best : float
        Objective of the plan in hand.
    gap_frac : float
        Stop when the bound is this near to ``best``.
    seconds : float
    """
    begun = time.monotonic()
    deadline = begun + seconds
    lp = program.lp
    hulls = []
    for k, block in program.tails.items():
        one = program.listed[k]
        hull = _Hull(
            f"hull of {one.label}",
            block,
            program.points.volume_cc[one.rows],
            one.tail_cc,
            cells_of(program.points.points_mm[one.rows], CUBE_MM),
        )
        hulls.append(hull)
        lp.families.append(hull)
    lp.add("worth having", NewRows(cost[None, :], np.array([-np.inf]), np.array([best * (1 + 1e-9)])))
    parts = [_Part(-np.inf, 0, lp.least.copy(), lp.most.copy(), {})]
    closed, done = best, 0
    walls: list[int] = []
    while parts:
        part = heapq.heappop(parts)
        if part.bound >= best * (1 - gap_frac) or time.monotonic() > deadline:
            closed = min(closed, part.bound)
            break
        done += 1
        for wall in walls:
            lp.limit(wall, *part.rows.get(wall, (-np.inf, np.inf)))
        bound, x = _treated(program, cost, best, hulls, part, gap_frac, deadline)
        part.bound = max(part.bound, bound)
        if part.bound >= best * (1 - gap_frac):
            closed = min(closed, part.bound)
            continue
        hull, point = _undecided(hulls, x)
        row = np.zeros((1, program.columns))
        row[0, : program.n] = hull.block.gy_per_s[point]
        limit = hull.block.limit_gy - float(hull.block.given_gy[point])
        wall = lp.add("wall", NewRows(row, np.array([-np.inf]), np.array([np.inf])))
        walls.append(wall)
        for side, limits in enumerate(((-np.inf, limit), (limit, np.inf))):
            heapq.heappush(
                parts,
                _Part(part.bound, 2 * done + side, part.least.copy(), part.most.copy(), part.rows | {wall: limits}),
            )
    return OuterBound(min(closed, best), done, time.monotonic() - begun)


def _undecided(hulls: list[_Hull], x: FloatArray) -> tuple[_Hull, int]:
    """Return the open point whose side, once known, decides most: many others near it in dose, both sides far away."""
    best: tuple[float, _Hull, int] | None = None
    for hull in hulls:
        at = np.flatnonzero(hull.open())
        if len(at) == 0:
            continue
        order = at[np.argsort(-(hull.high + hull.low)[at], kind="stable")]
        # The point at which the volume left would be used up, were the doses in the middle of their bounds.
        k = min(int(np.searchsorted(np.cumsum(hull.volume_cc[order]), hull.left_cc())), len(order) - 1)
        worth = float(np.minimum(hull.high, -hull.low)[order[k]]) / hull.block.limit_gy
        if best is None or worth > best[0]:
            best = worth, hull, int(order[k])
    assert best is not None
    return best[1], best[2]


def _treated(
    program: Program, cost: FloatArray, best: float, hulls: list[_Hull], part: _Part, gap_frac: float, deadline: float
) -> tuple[float, FloatArray]:
    """Bound of one part: solve, bound the doses, solve again, while it pays."""
    lp = program.lp
    everything = np.arange(program.columns)
    for hull in hulls:
        for row in lp.rows_of(hull.name):
            lp.limit(row, -np.inf, np.inf)
        hull.high[:], hull.low[:] = np.inf, -np.inf
    lp.bounds(everything, part.least, part.most)
    bound, before_cc, sweeps = -np.inf, np.inf, 0
    while True:
        found = lp.solve(cost, deadline=deadline)
        if found.status == "infeasible":
            return np.inf, found.x
        bound = max(bound, found.bound)
        undecided_cc = sum(float(hull.volume_cc[hull.open()].sum()) for hull in hulls)
        if (
            best - bound <= gap_frac * best
            or (sweeps > LEARNING_SWEEPS and undecided_cc > (1 - WORTH_FRAC) * before_cc)
            or time.monotonic() > deadline
        ):
            return bound, found.x
        before_cc = undecided_cc
        # The first sweeps of all teach the program the rows that matter in these directions.
        check = part.order == 0 and sweeps < LEARNING_SWEEPS
        sweeps += 1
        _narrow(program, part, deadline, check)
        for hull in hulls:
            _bound_doses(program, hull, deadline, check)


def _narrow(program: Program, part: _Part, deadline: float, check: bool) -> None:
    """Least and greatest time of each dwell in any plan worth having."""
    lp, n = program.lp, program.n
    for j in range(n):
        if part.most[j] - part.least[j] < 1e-3 or time.monotonic() > deadline:
            continue
        for sign in (1.0, -1.0):
            direction = np.zeros(program.columns)
            direction[j] = sign
            found = lp.solve(direction, check=check, most_rounds=4, primal=True)
            if found.status == "infeasible":
                continue
            if sign > 0:
                part.least[j] = min(max(part.least[j], found.bound), part.most[j])
            else:
                part.most[j] = max(min(part.most[j], -found.bound), part.least[j])
    lp.bounds(np.arange(program.columns), part.least, part.most)


def _bound_doses(program: Program, hull: _Hull, deadline: float, check: bool) -> None:
    """Bound the doses of all points: one program for each cube and side, weak duality for each of its points."""
    lp, block, n = program.lp, hull.block, program.n
    # wrong = sign * dose - limit: sign is 1 for a limit from above.
    sign = float(-block.sense)
    shift = sign * (block.given_gy - block.limit_gy)
    signed = sign * block.gy_per_s
    least, most = lp.least[:n].copy(), lp.most[:n].copy()
    hull.high = np.minimum(hull.high, np.maximum(signed * least, signed * most).sum(axis=1) + shift)
    hull.low = np.maximum(hull.low, np.minimum(signed * least, signed * most).sum(axis=1) + shift)
    for upward in (True, False):
        open_ = hull.open()
        for cube in np.unique(hull.cubes[open_]):
            if time.monotonic() > deadline:
                return
            at = np.flatnonzero(open_ & (hull.cubes == cube))
            middle = at[np.argsort(-hull.high[at], kind="stable")[len(at) // 2]]
            direction = np.zeros(program.columns)
            direction[:n] = -signed[middle] if upward else signed[middle]
            found = lp.solve(direction, check=check, most_rounds=4, primal=True)
            if found.status == "infeasible":
                continue
            offset, through = lp.dual
            rest = (-signed[at] if upward else signed[at]) - through[:n]
            low = offset + np.minimum(rest * least, rest * most).sum(axis=1)
            low += float(np.minimum(-through[n:] * lp.least[n:], -through[n:] * lp.most[n:]).sum())
            if upward:
                hull.high[at] = np.minimum(hull.high[at], -low + shift[at])
            else:
                hull.low[at] = np.maximum(hull.low[at], low + shift[at])
