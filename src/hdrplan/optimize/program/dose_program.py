"""The linear program of one set of goals: columns, rows, objectives."""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray
from hdrplan.errors import InputError
from hdrplan.optimize.problem import PlanProblem
from hdrplan.optimize.program.lazy_lp import LazyLP, NewRows, Solution, margin
from hdrplan.optimize.program.point_rows import EveryPoint, Tail, cubes_of
from hdrplan.optimize.program.requirements import Requirement, hottest

__all__ = ["Program"]

# Finite, so that weak duality always gives a bound; no goal is ever missed by this much.
MOST_MISSED = 1e5


class Program:
    """Dwell times and one miss for each requirement, under the requirements entered so far.

    Parameters
    ----------
    problem : PlanProblem
    listed : tuple of Requirement
    """

    def __init__(self, problem: PlanProblem, listed: tuple[Requirement, ...]) -> None:
        self.rate, self.points, self.given_gy = problem.rate, problem.points, problem.earlier_gy
        self.problem, self.listed, self.n = problem, listed, problem.n_dwells
        self.columns = self.n + len(listed)
        least_s, most_s = problem.time_bounds_s
        self.lp = LazyLP(np.append(least_s, np.zeros(len(listed))), np.append(most_s, np.zeros(len(listed))))
        self.tails: dict[int, EveryPoint] = {}
        self.blocks: dict[int, EveryPoint] = {}
        self.single: dict[int, int] = {}  # requirement -> its only row
        self.lowered: dict[int, float] = {}
        self.rows_all = 0
        self.deadline = np.inf

    # -- requirements ---------------------------------------------------------------------------------------------

    def enter(self, k: int) -> None:
        """Add requirement ``k``; a dose-volume goal starts to count only with :meth:`excuse`."""
        one = self.listed[k]
        if one.kind in ("every", "tail"):
            block = self.block(k)
            self.rows_all += len(block)
            self.blocks[k] = block
            if one.kind == "tail":
                self.tails[k] = block
            else:
                self.lp.families.append(block)
            return
        row = np.zeros((1, self.columns))
        row[0, self.n + k] = one.sense
        row[0, : self.n] = 1.0 if one.kind == "time" else self.mean_row(one.rows)
        limit = self.single_limit(k)
        low, high = (limit, np.inf) if one.sense == 1 else (-np.inf, limit)
        self.single[k] = self.lp.add(one.label, NewRows(row, np.array([low]), np.array([high]), margin(one.limit)))
        self.rows_all += 1

    def block(self, k: int) -> EveryPoint:
        """Return all points of requirement ``k`` under its limit."""
        one = self.listed[k]
        return EveryPoint(
            one.label,
            self.rate.gy_per_s[one.rows],
            one.limit,
            one.sense,
            cubes_of(self.points.points_mm[one.rows]),
            self.columns,
            slack_column=self.n + k,
            given_gy=None if self.given_gy is None else self.given_gy[one.rows],
        )

    def allow_miss(self, which: list[int], most: float | FloatArray = MOST_MISSED) -> None:
        """Let requirements be missed by at most ``most`` Gy (or s); 0 makes them hard."""
        at = self.n + np.asarray(which, dtype=np.int64)
        self.lp.bounds(at, np.zeros(len(at)), np.broadcast_to(np.asarray(most, dtype=np.float64), at.shape).copy())

    def miss(self, x: FloatArray, k: int) -> float:
        """How much requirement ``k`` is missed by, Gy or s."""
        return float(x[self.n + k])

    def tie(self, pairs: IntArray, ratio: float) -> None:
        """Neighbouring times differ by at most a factor: both ``t_i <= ratio t_j`` and the reverse."""
        both = np.concatenate((pairs, pairs[:, ::-1]))
        rows = np.zeros((len(both), self.columns))
        rows[np.arange(len(both)), both[:, 0]] = 1.0
        rows[np.arange(len(both)), both[:, 1]] = -ratio
        self.lp.add("neighbour ratio", NewRows(rows, np.full(len(both), -np.inf), np.zeros(len(both))))

    def keep(self, cost: FloatArray, most: float) -> None:
        """Hold an objective at what was reached."""
        self.lp.add("kept", NewRows(cost[None, :], np.array([-np.inf]), np.array([most])))

    def release(self, name: str) -> None:
        """Free all rows added under a name."""
        for row in self.lp.rows_of(name):
            self.lp.limit(row, -np.inf, np.inf)

    def broken(self, x: FloatArray) -> dict[int, float]:
        """By how many Gy (or s) ``x`` breaks each requirement entered, at the worst of all points."""
        broken = {}
        for k, one in enumerate(self.listed):
            scale = max(one.limit, 1e-9)
            if k in self.tails:
                # As a volume: which points may lie on the wrong side is chosen anew.
                short = one.sense * (one.limit - self.blocks[k].dose_gy(x)) - self.miss(x, k)
                broken[k] = float(short[~self.outside(k, x)].max(initial=-np.inf))
            elif k in self.blocks:
                block = self.blocks[k]
                was, block.limit_gy = block.limit_gy, one.limit
                broken[k] = block.violated(x)[1] * scale
                block.limit_gy = was
            elif k in self.single:
                value = float(self.lp.row(self.single[k])[: self.n] @ x[: self.n])
                broken[k] = one.sense * (self.single_limit(k) - value) - self.miss(x, k)
        return broken

    def lower_limit(self, k: int, by: float) -> None:
        """Plan on a limit lower by some Gy (or s) than the goal's."""
        if k in self.blocks:
            block = self.blocks[k]
            block.limit_gy -= by
            block.excuse(block.excused, self.lp)
        else:
            self.lowered[k] = self.lowered.get(k, 0.0) + by
            self.lp.limit(self.single[k], -np.inf, self.single_limit(k) - self.lowered[k])

    def single_limit(self, k: int) -> float:
        """Limit of a mean dose or of the total time, without what was given before."""
        one = self.listed[k]
        return one.limit - (self.given_mean_gy(one.rows) if one.kind == "mean" else 0.0)

    # -- objectives -----------------------------------------------------------------------------------------------

    def mean_row(self, rows: slice) -> FloatArray:
        """Coefficients of the volume-weighted mean dose."""
        volume = self.points.volume_cc[rows]
        if not volume.sum() > 0:
            raise InputError("a mean dose needs sample points with volume", got="none")
        return np.asarray(volume @ self.rate.gy_per_s[rows] / volume.sum())

    def given_mean_gy(self, rows: slice) -> float:
        """Mean dose of former sessions."""
        if self.given_gy is None:
            return 0.0
        return float(np.average(self.given_gy[rows], weights=self.points.volume_cc[rows]))

    def cost(self, times: FloatArray | float = 0.0, misses: dict[int, float] | None = None) -> FloatArray:
        """Return an objective: weights of the dwell times, and of the misses."""
        cost = np.zeros(self.columns)
        cost[: self.n] = times
        for k, weight in (misses or {}).items():
            cost[self.n + k] = weight
        return cost

    # -- solving --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Give the solver some rows of each CTV to begin with."""
        for family in self.lp.families:
            if isinstance(family, EveryPoint) and family.sense == 1 and not family.point_of:
                family.first_rows(self.lp)

    def solve(self, cost: FloatArray, *, primal: bool = False) -> Solution:
        """Minimise; the dose-volume goals hold for the points excused now."""
        return self.lp.solve(cost, deadline=self.deadline, primal=primal)

    def polished(self, cost: FloatArray, x: FloatArray, *, rounds: int = 25, better_frac: float = 2e-5) -> Solution:
        """Minimise under dose-volume goals, which are not convex: excuse the hottest points, solve, repeat.

        For given excused points the program is linear and solved to its optimum. The points excused next are the
        hottest of the new plan, which stays feasible: the objective never rises. Ends where it falls no more.
        """
        best: Solution | None = None
        for _ in range(rounds):
            self.excuse(x)
            found = self.solve(cost)
            if found.status != "optimal":
                return best or found
            small = best is not None and best.value - found.value <= better_frac * max(abs(best.value), 1e-6)
            best = found
            if small:
                break
            x = found.x
        assert best is not None
        return best

    def excuse(self, x: FloatArray) -> None:
        """Let each dose-volume goal leave out the points that are its hottest (coldest) at ``x``."""
        for k, block in self.tails.items():
            block.excuse(self.outside(k, x), self.lp)
            if block not in self.lp.families:
                self.lp.families.append(block)

    def outside(self, k: int, x: FloatArray) -> BoolArray:
        """Return the points that dose-volume goal ``k`` does not bind at ``x``."""
        one = self.listed[k]
        volume = self.points.volume_cc[one.rows]
        # A goal on a volume does not see the points on the surface, which have none.
        return np.asarray(hottest(-one.sense * self.tails[k].dose_gy(x), volume, one.tail_cc) | (volume == 0))

    def tail(self, k: int) -> Tail:
        """Return the convex, stricter form of dose-volume goal ``k``."""
        one = self.listed[k]
        return Tail(f"mean tail of {one.label}", self.tails[k], self.points.volume_cc[one.rows], one.tail_cc)

    def tails_missed(self, x: FloatArray) -> list[int]:
        """Return the dose-volume goals that ``x`` does not reach within its miss."""
        missed = []
        for k, block in self.tails.items():
            one = self.listed[k]
            wrong = one.sense * (one.limit - block.dose_gy(x)) > self.miss(x, k)
            if float(self.points.volume_cc[one.rows][wrong].sum()) >= one.tail_cc:
                missed.append(k)
        return missed
