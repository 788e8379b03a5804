"""What all sets of candidates have in common: the requirements, the columns and their cost."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray, freeze
from hdrplan.errors import InputError
from hdrplan.optimize.catheters.candidates import Candidates
from hdrplan.optimize.problem import PlanProblem
from hdrplan.optimize.program.goal_rows import mean_row
from hdrplan.optimize.program.lazy_lp import Solution
from hdrplan.optimize.program.requirements import Kind, Requirement, requirements
from hdrplan.optimize.proof import InScenario

__all__ = ["SetProblem", "priced_requirements", "set_problem"]

# What a missing Gy of D100 costs, in healthy doses that a Gy costs when all goes well: no limit ever costs as much.
_MISS_COST = 1e5
# A prescription missed by less than this fraction is held: the tolerance of the linear program.
_HELD_FRAC = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SetProblem:
    """The linear program of all dwells; a set of candidates has time at its own and at those of catheters that are in.

    Columns are the dwell times, then one miss for each requirement.

    Parameters
    ----------
    problem : PlanProblem
    candidates : Candidates
    requirements : tuple of Requirement
        Prescriptions first; those of level 0 count.
    cost : (n_columns,) array
        Of a second at each dwell, and of a Gy that a lower limit is missed by; 0 for all other misses.
    miss_cost : float
        The cost of a missing Gy, far above all others.
    """

    problem: PlanProblem
    candidates: Candidates
    requirements: tuple[Requirement, ...]
    cost: FloatArray
    miss_cost: float

    def __post_init__(self) -> None:
        freeze(self, "cost", (self.n_dwells + len(self.requirements),))

    @property
    def n_dwells(self) -> int:
        """Dwells of all candidates: the first columns."""
        return self.problem.n_dwells

    @property
    def lower(self) -> tuple[int, ...]:
        """Numbers of the hard lower limits, the prescriptions among them."""
        return tuple(k for k, r in enumerate(self.requirements) if r.level == 0 and r.sense == 1)

    @property
    def tails(self) -> tuple[int, ...]:
        """Numbers of the hard dose-volume goals: the plans hold them, the bounds leave them out."""
        return tuple(k for k, r in enumerate(self.requirements) if r.level == 0 and r.kind == Kind.DOSE_VOLUME)

    @property
    def maximum_miss_gy(self) -> FloatArray:
        """(n_lower,): by how much a lower limit may be missed; all of it, and the solver's tighter limit with it."""
        return 1.001 * np.array([self.requirements[k].limit for k in self.lower])

    @property
    def paying(self) -> frozenset[Hashable]:
        """Owners of rows that are a prescription, as planned or in a scenario."""
        planned = [self.requirements[k].id for k in self.lower if self.requirements[k].prescription]
        scenarios = range(len(self.candidates.scenarios))
        return frozenset((*planned, *(InScenario(number, goal) for number in scenarios for goal in planned)))

    def held(self, x: FloatArray) -> bool:
        """Whether every lower limit is held."""
        return all(x[self.n_dwells + k] <= _HELD_FRAC * self.requirements[k].limit for k in self.lower)

    def missed_gy(self, x: FloatArray) -> float:
        """By how much the lower limits are missed at most."""
        return max((float(x[self.n_dwells + k]) for k in self.lower), default=0.0)

    def highest_cost(self, count: int) -> float:
        """Objective that no times of ``count`` candidates and of what is in exceed, whatever they hold."""
        # One place before the candidates' own: what is in the patient.
        highest = np.bincount(self.candidates.owner + 1, self.cost[: self.n_dwells] * self.problem.max_time_s)
        return float(highest[0] + np.sort(highest[1:])[::-1][:count].sum())

    def binding(self, solution: Solution) -> str:
        """Name the limits that keep a plan from holding the prescriptions."""
        labels: dict[Hashable, str] = {r.id: r.label for r in self.requirements}
        prices = solution.dual.by_owner().items()
        names = [labels[owner] for owner, price in prices if owner not in self.paying and abs(price) > 1e-9]
        if (solution.x[: self.n_dwells] > 0.999 * self.problem.max_time_s).any():
            names.append(f"the greatest dwell time of {self.problem.max_time_s:g} s")
        return ", ".join(names)


def set_problem(problem: PlanProblem, candidates: Candidates) -> SetProblem:
    """Return what all sets of candidates have in common.

    Raises
    ------
    InputError
        Dwells without candidate, goals that do not fit the points, a dwell that costs nothing.
    """
    n = problem.n_dwells
    if candidates.owner.shape != (n,):
        raise InputError("every dwell needs its candidate", got=f"{len(candidates.owner)} for {n} dwells")
    listed, per_s, miss_cost = priced_requirements(problem)
    lower = [k for k, r in enumerate(listed) if r.level == 0 and r.sense == 1]
    cost = np.append(per_s, np.zeros(len(listed)))
    cost[n + np.array(lower, dtype=np.int64)] = miss_cost
    return SetProblem(problem=problem, candidates=candidates, requirements=listed, cost=cost, miss_cost=miss_cost)


def priced_requirements(problem: PlanProblem) -> tuple[tuple[Requirement, ...], FloatArray, float]:
    """Return the requirements, the cost of a second at each dwell, and of a Gy that a lower limit is missed by.

    Raises
    ------
    InputError
        Goals that do not fit the points, a dwell that costs nothing.
    """
    n, points, rates = problem.n_dwells, problem.points, problem.rate.gy_per_s
    listed, healthy = requirements(problem), problem.healthy
    per_s = np.ones(n) if healthy is None else mean_row(problem, points.rows(healthy))
    if not (per_s > 0).all():
        raise InputError("every dwell must give the healthy organ some dose", got="a dwell that gives none")
    lower = [k for k, r in enumerate(listed) if r.level == 0 and r.sense == 1]
    doses = [listed[k].rows for k in lower] or [slice(0, len(points))]
    usual = np.median(np.concatenate([per_s / rates[rows].mean(axis=0) for rows in doses]))
    return listed, per_s, _MISS_COST * float(usual)
