"""What a set of catheters can reach: the linear program of its dwells, quick for a bound, whole for a plan."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.errors import InputError
from hdrplan.optimize.catheters.cuts import Proof
from hdrplan.optimize.catheters.row_pool import Pool
from hdrplan.optimize.problem import PlanProblem
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.lazy_lp import LazyLP, Solution
from hdrplan.optimize.program.point_rows import EveryPoint, cubes_of
from hdrplan.optimize.program.requirements import Requirement, hottest, requirements

__all__ = ["Subsets"]

# What a missing Gy of D100 costs, in healthy doses that a Gy costs when all goes well: no limit is ever so dear.
_DEAR = 1e5
# A prescription missed by less than this fraction is held: the tolerance of the linear program.
_HELD_FRAC = 1e-6
# Dose-volume goals: polished until a round saves less than this.
_POLISHED_FRAC = 1e-4
_MOST_ROUNDS = 100


class Subsets:
    """One linear program over the dwells of all candidates, of which some are switched on.

    Parameters
    ----------
    problem : PlanProblem
    owner : (n_dwells,) array
        Candidate of each dwell.
    scenarios : sequence of dict
        CTV -> (n_points of the CTV, n_dwells) rates in which the prescriptions hold as well.
    deadline : float
    """

    def __init__(
        self,
        problem: PlanProblem,
        owner: IntArray,
        *,
        scenarios: Sequence[dict[str, FloatArray]] = (),
        deadline: float = np.inf,
    ) -> None:
        rate, points, healthy, n = problem.rate, problem.points, problem.healthy, problem.n_dwells
        if owner.shape != (n,):
            raise InputError("every dwell needs its candidate", got=f"{len(owner)} for {n} dwells")
        self.listed = requirements(problem)
        self.owner, self.n, self.max_time_s = owner, n, problem.max_time_s
        self.count = int(owner.max()) + 1
        self.hard = [k for k, r in enumerate(self.listed) if r.level == 0]
        self.lower = [k for k in self.hard if self.listed[k].sense == 1]
        self.tails = [k for k in self.hard if self.listed[k].kind == "tail"]
        self._parts = (problem, scenarios)
        self.deadline = deadline
        self.main = self._program([k for k in self.hard if k not in self.tails])
        mean = 1.0 if healthy is None else self.main.mean_row(points.rows(healthy))
        self.objective, self.unit = ("total time", "s") if healthy is None else (f"mean dose of {healthy}", "Gy")
        self.cost = self.main.cost(mean)
        if not (self.cost[:n] > 0).all():
            raise InputError("every dwell must give the healthy organ some dose", got="a dwell that gives none")
        doses = [self.listed[k].rows for k in self.lower] or [slice(0, len(points))]
        usual = np.median(np.concatenate([self.cost[:n] / rate.gy_per_s[rows].mean(axis=0) for rows in doses]))
        self.dear = _DEAR * float(usual)
        self.cost[n + np.array(self.lower, dtype=np.int64)] = self.dear
        self.first = np.concatenate([np.flatnonzero(owner == c) for c in range(self.count)])
        self._starts = np.searchsorted(owner[self.first], np.arange(self.count))
        # Families of rows that are a prescription.
        paying = [self.listed[k].label for k in self.lower if self.listed[k].prescription]
        self._paying = frozenset(
            [*paying, *(f"scenario {number} {name}" for number in range(len(scenarios)) for name in paying)]
        )
        self._known: set[int] = set()  # rows of the main program that the pool has
        self._on: dict[int, frozenset[int]] = {}
        self._strict = self._program(self.hard) if self.tails else self.main
        self.solves = 0
        # The columns that cost: dwells, then misses. What may be missed is the prescription.
        self._priced = np.append(np.arange(n), n + np.array(self.lower, dtype=np.int64))
        self._price, self._most = self.cost[self._priced], self.main.lp.most[self._priced]
        self._mine = [np.flatnonzero(owner == c) for c in range(self.count)]
        self._misses = np.arange(n, len(self._priced))
        binding = [family for family in self.main.lp.families if isinstance(family, EveryPoint)]
        self._pool = Pool(self._priced, binding, list(self._strict.tails.values()), n)
        for number in self.main.single.values():
            self._keep(number)
        self.aim(np.zeros(len(self.cost)))

    def _program(self, entered: list[int]) -> Program:
        problem, scenarios = self._parts
        points, program = problem.points, Program(problem, self.listed)
        program.deadline = self.deadline
        for k in entered:
            program.enter(k)
        # All of a prescription may be missed, and the solver's tighter limit with it.
        program.allow_miss(self.lower, 1.001 * np.array([self.listed[k].limit for k in self.lower]))
        program.start()
        for number, rates in enumerate(scenarios):
            for k in (k for k in self.lower if self.listed[k].prescription):
                one = self.listed[k]
                matrix = rates[one.structure]
                if matrix.shape != (one.rows.stop - one.rows.start, self.n):
                    raise InputError(
                        f"a scenario needs the rates of all points of {one.structure}", got=matrix.shape, where=number
                    )
                cubes = cubes_of(points.points_mm[one.rows])
                name, slack = f"scenario {number} {one.label}", self.n + k
                program.lp.families.append(
                    EveryPoint(name, matrix, one.limit, 1, cubes, program.columns, slack_column=slack)
                )
        return program

    def _switch(self, lp: LazyLP, chosen: frozenset[int]) -> None:
        """Let only the dwells of some candidates have time."""
        before = self._on.get(id(lp))
        changed = np.arange(self.count) if before is None else np.array(sorted(before ^ chosen), dtype=np.int64)
        at = np.flatnonzero(np.isin(self.owner, changed))
        if len(at):
            most = np.where(np.isin(self.owner[at], sorted(chosen)), self.max_time_s, 0.0)
            lp.bounds(at, np.zeros(len(at)), most)
        self._on[id(lp)] = chosen

    def _keep(self, number: int) -> None:
        """Take a row of the main program into the pool."""
        lp = self.main.lp
        self._pool.add(lp.row(number), *lp.limits(number), pays=lp.owner(number) in self._paying)

    def bound(self, chosen: frozenset[int]) -> Proof:
        """Bound a set by the rows of the pool: a proof whatever rows are missing there."""
        return self._quick(chosen)[0]

    def _quick(self, chosen: frozenset[int], *, strict: bool = False) -> tuple[Proof, FloatArray]:
        columns = np.concatenate([*(self._mine[c] for c in sorted(chosen)), self._misses])
        cost, most = self._price[columns], self._most[columns]
        y, times = self._pool.solve(columns, cost, most, strict=strict)
        self.solves += 1
        gained, pay, paid = self._pool.worth(y)
        # The greatest times of the dwells that are switched on take back what is paid above their cost.
        value = gained - float(np.maximum(paid[columns] - cost, 0.0) @ most)
        paid[columns] = np.minimum(paid[columns], cost)
        ratio = (paid[: self.n] / self._price[: self.n])[self.first]
        x = np.zeros(len(self.cost))
        x[self._priced[columns]] = times
        return Proof(value, np.maximum.reduceat(ratio, self._starts), 1.0 - value / pay if pay > 0 else 1.0), x

    def filled(self, chosen: frozenset[int], *, strict: bool = False) -> tuple[Proof, FloatArray]:
        """Bound a set by all rows: those that its times violate go into the pool, until there are none.

        With ``strict`` the rows of dose-volume goals are among them, but for the points excused at the plan aimed at:
        the value then is a guess and no bound.
        """
        for _ in range(_MOST_ROUNDS):
            proof, x = self._quick(chosen, strict=strict)
            if not self._pool.fill(x, self._paying, strict=strict) or time.monotonic() > self.deadline:
                break
        return proof, x

    def aim(self, x: FloatArray) -> None:
        """Excuse in strict solves the points that are hottest (coldest) in a plan."""
        points, masks = self._parts[0].points, []
        for k, block in self._strict.tails.items():
            one = self.listed[k]
            volume = points.volume_cc[one.rows]
            masks.append(hottest(-one.sense * block.dose_gy(x), volume, one.tail_cc) | (volume == 0))
        self._pool.excuse(masks)

    def solve(self, chosen: frozenset[int]) -> Solution:
        """Solve with every row to the last digit: the best times of a set. Dose-volume goals are left out."""
        lp = self.main.lp
        self._switch(lp, chosen)
        found = self.main.solve(self.cost)
        self.solves += 1
        new = {int(i) for i in lp.pressing} - self._known
        for number in sorted(new):
            self._keep(number)
        self._known |= new
        return found

    def reached(self, chosen: frozenset[int], start: FloatArray | None = None) -> Solution | None:
        """Return the plan of a set under all goals, misses priced in; None where the solver stopped.

        Parameters
        ----------
        start : (n_columns,) array, optional
            A plan whose hottest points are the first to be excused.
        """
        found = self.solve(chosen)
        if found.status != "optimal":
            return None
        strict = self._strict
        strict.deadline = self.deadline
        if strict.tails_missed(np.append(found.x[: self.n], np.zeros(len(self.listed)))):
            self._switch(strict.lp, chosen)
            found = strict.polished(self.cost, found.x if start is None else start, better_frac=_POLISHED_FRAC)
        return found if found.status == "optimal" else None

    def held(self, x: FloatArray) -> bool:
        """Whether every prescription is held."""
        return all(x[self.n + k] <= _HELD_FRAC * self.listed[k].limit for k in self.lower)

    def missed_gy(self, x: FloatArray) -> float:
        """By how much the prescriptions are missed at most."""
        return max((float(x[self.n + k]) for k in self.lower), default=0.0)

    def dearest(self, k: int) -> float:
        """Objective that no times of ``k`` candidates exceed, whatever they hold."""
        most = np.bincount(self.owner, self.cost[: self.n] * self.max_time_s)
        return float(np.sort(most)[-k:].sum())

    def binding(self, found: Solution) -> str:
        """Name the limits that keep a plan from holding the prescriptions."""
        names = [name for name, price in found.multipliers.items() if name not in self._paying and abs(price) > 1e-9]
        if (found.x[: self.n] > 0.999 * self.max_time_s).any():
            names.append(f"the greatest dwell time of {self.max_time_s:g} s")
        return ", ".join(names)

    def missed_at(self, chosen: frozenset[int], x: FloatArray, budget: float) -> float:
        """By how many Gy a set need miss its prescriptions at most, if the objective may be ``budget``.

        Dose-volume goals excuse the points that they excuse in its plan ``x``.
        """
        plan = self._strict
        plan.deadline = np.inf
        plan.excuse(x)
        self._switch(plan.lp, chosen)
        times = np.where(np.arange(len(self.cost)) < self.n, self.cost, 0.0)
        if np.isfinite(budget):
            plan.keep(times, budget * (1 + 1e-9))
        # A little of the objective keeps the times finite where nothing else does.
        weights = dict.fromkeys(self.lower, 1.0)
        found = plan.solve(plan.cost(times[: self.n] * (1e-6 / self.dear), weights))
        plan.release("kept")
        return self.missed_gy(found.x) if found.status == "optimal" else float("nan")

    @property
    def left_out(self) -> tuple[Requirement, ...]:
        """Goals that the bounds leave out."""
        return tuple(self.listed[k] for k in self.tails)
