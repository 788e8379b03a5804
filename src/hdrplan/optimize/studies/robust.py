"""Dwell times whose coverage holds in most of many scenarios, with the bound that proves how good they are.

A scenario is another rate matrix of the same CTV points: the catheters, the source or the contour lie elsewhere. Every
scenario adds the rows of its points to the same linear program. Which few scenarios may fail is the only choice that is
not linear: a search excuses those that bind, the dearest first.

If the search tries all that matter, its best plan is proven best. Otherwise a weaker bound holds: whatever is excused,
at least one of any k + 1 scenarios must hold, so no plan is better than the (k + 1)-th dearest of the scenarios taken
one by one (Luedtke J, Ahmed S, SIAM J Optim 2008;19:674).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray, freeze
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.optimize.problem import PlanProblem
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.lazy_lp import Solution
from hdrplan.optimize.program.point_rows import EveryPoint, cubes_of
from hdrplan.optimize.program.requirements import requirements

__all__ = ["RobustOptimum", "robust_times"]


@dataclass(frozen=True, slots=True, eq=False)
class RobustOptimum:
    """A plan that holds in most scenarios, and its price.

    Parameters
    ----------
    times_s : (n_dwells,) array
    objective, unit : str
        "mean dose of liver", "Gy"; or "total time", "s".
    value : float
        Objective of this plan.
    chosen_bound : float
        No plan that holds in the same scenarios does better (linear program, weak duality).
    bound : float
        No plan that holds in as many scenarios, whichever, does better.
    every_value : float
        Objective of the best plan that holds in every scenario; NaN where there is none.
    excused : tuple of int
        Scenarios that may fail.
    scenarios : int
    """

    times_s: FloatArray
    objective: str
    unit: str
    value: float
    chosen_bound: float
    bound: float
    every_value: float
    excused: tuple[int, ...]
    scenarios: int

    def __post_init__(self) -> None:
        freeze(self, "times_s", (None,))

    @property
    def text(self) -> str:
        """One line: what was reached and what is proven."""
        held = self.scenarios - len(self.excused)
        return (
            f"D100 holds in {held} of {self.scenarios} scenarios with a {self.objective} of {self.value:.4g} "
            f"{self.unit}; no plan that holds in these is below {self.chosen_bound:.4g}, none that holds in any {held} "
            f"below {self.bound:.4g}; holding in all takes {self.every_value:.4g} {self.unit}"
        )


def robust_times(
    problem: PlanProblem,
    scenarios: Sequence[dict[str, FloatArray]],
    *,
    reached_frac: float = 0.95,
    time_limit_s: float = 300.0,
    most_solves: int = 300,
    on_progress: Callable[[int, int], None] | None = None,
) -> RobustOptimum:
    """Least healthy dose such that every prescription holds as planned and in ``reached_frac`` of the scenarios.

    Parameters
    ----------
    problem : PlanProblem
        Hard limits of organs hold as planned; without ``earlier_gy``, ``locked_s`` and ``delivery``.
    scenarios : sequence of dict
        CTV -> (n_points of the CTV, n_dwells) rates in Gy/s, rows as in ``points``.
    reached_frac : float
        Part of the scenarios in which D100 must reach the prescription.
    time_limit_s : float
    most_solves : int
        Linear programs of the search; with few scenarios to excuse it ends before, and the choice is proven too.
    on_progress : callable, optional
        Called with (solves done, solves in all).

    Raises
    ------
    InputError
        No scenarios, matrices of another shape, a fraction outside (0, 1].
    InfeasibleError
        No dwell times hold the prescription in enough scenarios under the organs' limits.
    """
    problem.refuse("earlier_gy", "locked_s", "delivery")
    if not scenarios:
        raise InputError("at least one scenario is needed", got=0)
    if not 0.0 < reached_frac <= 1.0:
        raise InputError("reached_frac must lie in (0, 1]", got=reached_frac)
    spare = int(np.floor((1.0 - reached_frac) * len(scenarios) + 1e-9))
    tell = on_progress or (lambda done, total: None)
    one = _Chance(problem, scenarios, time.monotonic() + time_limit_s)
    total = len(scenarios) + most_solves
    singles = np.empty(len(scenarios))
    for s in range(len(scenarios)):
        singles[s] = one.alone(s)
        tell(s + 1, total)
    every = one.all_but(frozenset())
    best, chosen, whole = _searched(one, spare, most_solves, lambda done: tell(len(scenarios) + done, total))
    tell(total, total)
    if best.status != "optimal":
        raise InfeasibleError(
            f"no dwell times hold D100 in {len(scenarios) - spare} of {len(scenarios)} scenarios under the limits",
            remedy="Lower the prescription, the fraction or the uncertainty, or add catheters.",
        )
    # Any plan holds in at least one of the spare + 1 dearest scenarios; it costs at least the cheapest of those.
    bound = best.bound if whole else min(best.bound, float(np.sort(singles)[::-1][spare]))
    return RobustOptimum(
        best.x[: one.program.n],
        one.objective,
        one.unit,
        best.value,
        best.bound,
        bound,
        every.value if every.status == "optimal" else float("nan"),
        tuple(sorted(chosen)),
        len(scenarios),
    )


def _searched(
    one: _Chance, spare: int, most_solves: int, tell: Callable[[int], None]
) -> tuple[Solution, frozenset[int], bool]:
    """Search the sets of excused scenarios; returns the best plan, its set, and whether all that matter were tried.

    Excusing a scenario that does not bind changes nothing, so only the binding ones of a solution need to be tried, the
    dearest first. The first descent is the greedy choice.
    """
    tried: set[frozenset[int]] = {frozenset()}
    stack = [frozenset[int]()]
    best: Solution | None = None
    chosen, solves = frozenset[int](), 0
    while stack and solves < most_solves:
        excused = stack.pop()
        found = one.all_but(excused)
        solves += 1
        tell(solves)
        feasible = found.status == "optimal"
        if best is None or (feasible and (best.status != "optimal" or found.value < best.value)):
            best, chosen = found, excused
        if len(excused) == spare:
            continue
        prices = one.prices(found)
        # Without multipliers (no plan at all holds) every scenario may be the one to excuse.
        binding = np.flatnonzero(prices > 1e-9) if feasible else np.arange(len(prices))
        for s in binding[np.argsort(prices[binding], kind="stable")]:
            more = excused | {int(s)}
            if len(more) > len(excused) and more not in tried:
                tried.add(more)
                stack.append(more)
    assert best is not None
    return best, chosen, not stack


class _Chance:
    """The linear program with the rows of all scenarios, of which some are lifted."""

    def __init__(self, problem: PlanProblem, scenarios: Sequence[dict[str, FloatArray]], deadline: float) -> None:
        listed, points, healthy, n = requirements(problem), problem.points, problem.healthy, problem.n_dwells
        self.program = Program(problem, listed)
        self.program.deadline = deadline
        if healthy is None:
            self.objective, self.unit, self.cost = "total time", "s", self.program.cost(1.0)
        else:
            self.objective, self.unit = f"mean dose of {healthy}", "Gy"
            self.cost = self.program.cost(self.program.mean_row(points.rows(healthy)))
        hard = [k for k, r in enumerate(listed) if r.level == 0]
        for k in hard:
            self.program.enter(k)
        self.program.start()
        doses = [listed[k] for k in hard if listed[k].prescription]
        self.families: list[list[EveryPoint]] = []
        for number, rates in enumerate(scenarios):
            blocks = []
            for dose in doses:
                matrix = rates[dose.structure]
                if matrix.shape != (dose.rows.stop - dose.rows.start, n):
                    raise InputError(
                        f"a scenario needs the rates of all points of {dose.structure}", got=matrix.shape, where=number
                    )
                cubes = cubes_of(points.points_mm[dose.rows])
                blocks.append(EveryPoint(f"scenario {number}", matrix, dose.limit, 1, cubes, self.program.columns))
            self.families.append(blocks)

    def alone(self, s: int) -> float:
        """Least cost of a plan that holds as planned and in one scenario; infinite where there is none."""
        found = self._solve({s})
        return float(np.inf) if found.status == "infeasible" else found.bound

    def all_but(self, excused: frozenset[int]) -> Solution:
        """Least cost of a plan that holds in all scenarios but some."""
        return self._solve(set(range(len(self.families))) - excused)

    def _solve(self, held: set[int]) -> Solution:
        lp = self.program.lp
        for s, blocks in enumerate(self.families):
            for block in blocks:
                # Lifted rows stay in the program, free; the basis stays warm.
                block.excuse(np.full(len(block), s not in held), lp)
                active = block in lp.families
                if s in held and not active:
                    lp.families.append(block)
                elif s not in held and active:
                    lp.families.remove(block)
        tails = self.program.tails_missed
        found = self.program.solve(self.cost)
        if found.status == "optimal" and tails(found.x):
            found = self.program.polished(self.cost, found.x)
        return found

    def prices(self, found: Solution) -> FloatArray:
        """Sum of each scenario's multipliers: what it costs the objective."""
        return np.array([abs(found.multipliers.get(f"scenario {s}", 0.0)) for s in range(len(self.families))])
