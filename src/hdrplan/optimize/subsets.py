"""What a set of catheters can reach: the linear program of its dwells, and a proof that speaks of other sets too.

The value v(S) of a set S of catheters is the least healthy dose that holds every prescription and hard limit with the
dwells of S alone. Multipliers y of the solution prove it, and more: let ``V`` be the dual objective and ``load[c]`` the
greatest ratio, over the dwells of catheter c, of what the multipliers pay for a second there to what that second costs.
Divided by ``max(1, max load[c] for c in T)`` the multipliers are feasible for any other set T, so

    v(T) >= V / max(1, max over c in T of load[c]).

A set that is to be better than tau therefore holds at least one catheter with ``load > V / tau``: a cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.dose import DoseRate, SamplePoints
from hdrplan.errors import InputError
from hdrplan.optimize.lp import LazyLP, NewRows, Solution
from hdrplan.optimize.problem import Requirement, requirements
from hdrplan.optimize.program import Program
from hdrplan.optimize.rows import EveryPoint, cubes_of
from hdrplan.plan import Goals

__all__ = ["Proof", "Subsets"]

# What a missing Gy of D100 costs, in healthy doses that a Gy costs when all goes well: no limit is ever so dear.
_DEAR = 1000.0
# A prescription missed by less than this fraction is held: the tolerance of the linear program.
_HELD_FRAC = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Proof:
    """Dual value and loads: no set whose loads are at most 1 is better than ``value``.

    ``fixed_frac`` is the part of the prescriptions' pay that upper limits and greatest times take back: at a
    prescription f times as high the dual value is ``pay (f - fixed_frac)``, where ``value = pay (1 - fixed_frac)``.
    """

    value: float
    load: FloatArray
    fixed_frac: float

    def cut(self, tau: float) -> int:
        """Return the catheters, as bits, of which a set better than ``tau`` holds at least one; 0: no set is better."""
        above = self.load > self.value / tau * (1 - 1e-9)
        return int.from_bytes(np.packbits(above, bitorder="little").tobytes(), "little")


class Subsets:
    """One linear program over the dwells of all candidates, of which some are switched on.

    Parameters
    ----------
    rate, points, goals, healthy, max_time_s
        As in :func:`hdrplan.optimize.optimize_times`.
    owner : (n_dwells,) array
        Candidate of each dwell.
    scenarios : sequence of dict
        CTV -> (n_points of the CTV, n_dwells) rates in which the prescriptions hold as well.
    deadline : float
    """

    def __init__(
        self,
        rate: DoseRate,
        points: SamplePoints,
        goals: Goals,
        owner: IntArray,
        *,
        healthy: str | None,
        max_time_s: float,
        scenarios: Sequence[dict[str, FloatArray]] = (),
        deadline: float = np.inf,
    ) -> None:
        n = rate.gy_per_s.shape[1]
        if owner.shape != (n,):
            raise InputError("every dwell needs its candidate", got=f"{len(owner)} for {n} dwells")
        self.listed = requirements(rate, points, goals)
        self.owner, self.n, self.max_time_s = owner, n, max_time_s
        self.count = int(owner.max()) + 1
        self.hard = [k for k, r in enumerate(self.listed) if r.level == 0]
        self.lower = [k for k in self.hard if self.listed[k].sense == 1]
        self.tails = [k for k in self.hard if self.listed[k].kind == "tail"]
        self._parts = (rate, points, scenarios)
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
        # Families of rows whose limit is a prescription, and its dose.
        doses_gy = {self.listed[k].label: self.listed[k].limit for k in self.lower if self.listed[k].prescription}
        self._paying = dict(doses_gy)
        for number in range(len(scenarios)):
            self._paying |= {f"scenario {number} {name}": gy for name, gy in doses_gy.items()}
        self._core = LazyLP(self.main.lp.least, self.main.lp.most)
        self._known: set[int] = set()
        self._on: dict[int, frozenset[int]] = {}
        self._strict: Program | None = None
        self.solves = 0

    def _program(self, entered: list[int]) -> Program:
        rate, points, scenarios = self._parts
        program = Program(rate, points, self.listed, least_s=np.zeros(self.n), most_s=np.full(self.n, self.max_time_s))
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

    def _proof(self, lp: LazyLP, found: Solution) -> Proof:
        """Return what the last multipliers prove."""
        total, paid = lp.dual
        over = np.maximum(paid - self.cost, 0.0)
        # Multipliers of the greatest time: only where the dwell is switched on, and at that time.
        value = total - float(over @ lp.most)
        load = np.where(lp.most[: self.n] > 0, np.minimum(paid, self.cost)[: self.n], paid[: self.n])
        ratio = (load / self.cost[: self.n])[self.first]
        pay = sum(found.multipliers.get(name, 0.0) * gy for name, gy in self._paying.items())
        fixed = 1.0 - value / pay if pay > 0 else 1.0
        return Proof(value, np.maximum.reduceat(ratio, self._starts), fixed)

    def solve(self, chosen: frozenset[int]) -> tuple[Solution, Proof]:
        """Solve with every row: the best times of a set, and the proof. Dose-volume goals are left out."""
        lp = self.main.lp
        self._switch(lp, chosen)
        found = self.main.solve(self.cost)
        proof = self._proof(lp, found)
        self.solves += 1
        new = [int(i) for i in lp.pressing if int(i) not in self._known]
        if new:
            self._known.update(new)
            for i in new:
                low, high = lp.limits(i)
                self._core.add(lp.owner(i), NewRows(lp.row(i)[None, :], np.array([low]), np.array([high])))
        return found, proof

    def bound(self, chosen: frozenset[int]) -> Proof:
        """Bound a set by the rows known to matter: quick, and a proof all the same."""
        self._switch(self._core, chosen)
        found = self._core.solve(self.cost, deadline=self.deadline, most_rounds=1, check=False)
        self.solves += 1
        return self._proof(self._core, found)

    def reached(self, chosen: frozenset[int], found: Solution) -> Solution | None:
        """Return the plan of a set under the dose-volume goals too, misses priced in; None where the solver stopped."""
        if found.status != "optimal":
            return None
        if not self.tails:
            return found
        if self._strict is None:
            self._strict = self._program(self.hard)
        strict = self._strict
        strict.deadline = self.deadline
        if strict.tails_missed(np.append(found.x[: self.n], np.zeros(len(self.listed)))):
            self._switch(strict.lp, chosen)
            strict.excuse(found.x)
            found = strict.polished(self.cost, found.x)
        return found if found.status == "optimal" else None

    def held(self, x: FloatArray) -> bool:
        """Whether every prescription is held."""
        return all(x[self.n + k] <= _HELD_FRAC * self.listed[k].limit for k in self.lower)

    def missed_gy(self, x: FloatArray) -> float:
        """By how much the prescriptions are missed at most."""
        return max((float(x[self.n + k]) for k in self.lower), default=0.0)

    def missed_at(self, chosen: frozenset[int], budget: float) -> float:
        """By how many Gy a set misses its prescriptions at least, if the objective may be ``budget`` at most."""
        plan = self._program([k for k in self.hard if k not in self.tails])
        plan.deadline = np.inf
        self._switch(plan.lp, chosen)
        del self._on[id(plan.lp)]
        times = np.where(np.arange(len(self.cost)) < self.n, self.cost, 0.0)
        if np.isfinite(budget):
            plan.keep(times, budget * (1 + 1e-9))
        # A little of the objective keeps the times finite where nothing else does.
        weights = dict.fromkeys(self.lower, 1.0)
        found = plan.solve(plan.cost(times[: self.n] * (1e-6 / self.dear), weights))
        return self.missed_gy(found.x) if found.status == "optimal" else float("nan")

    @property
    def left_out(self) -> tuple[Requirement, ...]:
        """Goals that the bounds leave out."""
        return tuple(self.listed[k] for k in self.tails)
