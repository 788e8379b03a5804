"""Dwell times whose coverage holds in most of many scenarios, with the bound that proves how good they are.

A scenario is another rate matrix of the same CTV points: the catheters, the source or the contour lie elsewhere. Every
scenario adds the rows of its points to the same linear program. Which few scenarios may fail is the only choice that is
not linear: those that bind are excused one after the other, the costliest first.

If all choices that matter are tried, the best plan is proven best. Otherwise a weaker bound holds: whatever is excused,
at least one of any k + 1 scenarios must hold, so no plan is better than the (k + 1)-th costliest of the scenarios taken
one by one [1]_.

References
----------
.. [1] Luedtke J, Ahmed S, SIAM J Optim 2008;19:674.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from hdrplan.arrays import FloatArray, freeze
from hdrplan.errors import InfeasibleError, InputError, ResourceError
from hdrplan.optimize.bounded import Bounded
from hdrplan.optimize.problem import PlanProblem
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.goal_rows import objective_cost
from hdrplan.optimize.program.judge import dose_volume_missed, polished
from hdrplan.optimize.program.lazy_lp import LPStatus, Solution
from hdrplan.optimize.program.point_rows import PointRows
from hdrplan.optimize.program.proof_of import proof_of
from hdrplan.optimize.program.requirements import requirements
from hdrplan.optimize.program.scenario_rows import Scenario, scenario_rows
from hdrplan.optimize.proof import InScenario, Proof

__all__ = ["RobustOptimum", "robust_times"]

# Prescriptions that are missed by less, as a fraction, are met but for the solver's tolerance.
_MET_FRAC = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RobustOptimum:
    """A plan that holds in most scenarios, and its price.

    Parameters
    ----------
    times_s : (n_dwells,) array
    cost : Bounded
        Main objective; no plan that holds in as many scenarios, whichever, passes the bound.
    cost_of_choice : Bounded
        The same with the bound of plans that hold in the same scenarios (linear program, weak duality).
    every_value : float
        Objective of the best plan that holds in every scenario; NaN where there is none.
    excused : tuple of int
        Scenarios that may fail.
    scenario_count : int
    """

    times_s: FloatArray
    cost: Bounded
    cost_of_choice: Bounded
    every_value: float
    excused: tuple[int, ...]
    scenario_count: int

    def __post_init__(self) -> None:
        freeze(self, "times_s", (None,))

    @property
    def text(self) -> str:
        """One line: what was reached and what is proven."""
        cost, held = self.cost, self.scenario_count - len(self.excused)
        return (
            f"D100 holds in {held} of {self.scenario_count} scenarios with a {cost.text} of {cost.value:.4g} "
            f"{cost.unit}; no plan for these scenarios is below {self.cost_of_choice.bound:.4g}, no plan for any "
            f"{held} scenarios below {cost.bound:.4g}; all scenarios would need {self.every_value:.4g} {cost.unit}"
        )


def robust_times(
    problem: PlanProblem,
    scenarios: Sequence[Scenario],
    *,
    reached_frac: float = 0.95,
    time_limit_s: float = np.inf,
    choice_limit: int = 300,
    on_progress: Callable[[int, int], None] | None = None,
) -> RobustOptimum:
    """Least healthy dose such that every prescription holds as planned and in ``reached_frac`` of the scenarios.

    Parameters
    ----------
    problem : PlanProblem
        Hard limits of organs hold as planned; without ``earlier_gy``, ``locked_s`` and ``delivery``.
    scenarios : sequence of mapping
        CTV -> (n_points of the CTV, n_dwells) rates in Gy/s, rows as in the problem's points.
    reached_frac : float
        Fraction of the scenarios in which D100 must reach the prescription.
    time_limit_s : float
        Without it a slow or busy machine finds the same plan as a fast one: `choice_limit` bounds the work.
    choice_limit : int
        Choices of excused scenarios that are tried; with few to excuse there are fewer, and the choice is proven too.
    on_progress : callable, optional
        Called with (solves done, solves in all).

    Returns
    -------
    RobustOptimum

    Raises
    ------
    InputError
        No scenarios, matrices of another shape, a fraction outside (0, 1].
    InfeasibleError
        No dwell times hold the prescription in enough scenarios under the organs' limits.
    ResourceError
        Stopped before a plan was found.
    """
    problem.refuse("earlier_gy", "locked_s", "delivery")
    if not scenarios:
        raise InputError("at least one scenario is needed", got=0)
    if not 0.0 < reached_frac <= 1.0:
        raise InputError("reached_frac must lie in (0, 1]", got=reached_frac)
    count = len(scenarios)
    spare = int(np.floor((1.0 - reached_frac) * count + 1e-9))
    progress, total = on_progress or (lambda done, total: None), count + choice_limit
    program = _ScenarioProgram(problem, scenarios, time.monotonic() + time_limit_s)
    alone = np.empty(count)
    for s in range(count):
        alone[s] = program.cost_alone(s)
        progress(s + 1, total)
    every = program.all_but(frozenset())
    best = _best_choice(program, spare, choice_limit, lambda done: progress(count + done, total))
    progress(total, total)
    plan, relaxed = best.solved
    if plan.status == LPStatus.STOPPED:
        raise ResourceError(
            "a plan that holds D100 in enough scenarios", got=f"none within {time_limit_s:g} s",
            remedy="Allow more time (`time_limit_s`), or use fewer scenarios.",
        )  # fmt: skip
    if plan.status != LPStatus.OPTIMAL:
        hold = "hold" if best.all_tried else f"were found in {best.solves} tries that hold"
        raise InfeasibleError(
            f"no dwell times {hold} D100 in {count - spare} of {count} scenarios under the limits",
            remedy="Lower the prescription, the fraction or the uncertainty, or add catheters.",
        )
    # Any plan holds in at least one of the spare + 1 costliest scenarios; it costs at least the cheapest of those.
    bound = relaxed.bound if best.all_tried else min(relaxed.bound, float(np.sort(alone)[::-1][spare]))
    cost = Bounded(objective=problem.objective, value=plan.value, bound=bound)
    return RobustOptimum(
        times_s=plan.x[: problem.n_dwells],
        cost=cost,
        cost_of_choice=replace(cost, bound=relaxed.bound, proof=program.proof_of(relaxed)),
        every_value=every.plan.value if every.plan.status == LPStatus.OPTIMAL else float("nan"),
        excused=tuple(sorted(best.excused)),
        scenario_count=count,
    )


class _Solved(NamedTuple):
    """The plan of some scenarios, and the solution whose bound holds for it: without the dose-volume goals."""

    plan: Solution
    relaxed: Solution


class _Choice(NamedTuple):
    """The best plan met, the scenarios that it need not hold in, and whether all choices that count were tried."""

    solved: _Solved
    excused: frozenset[int]
    all_tried: bool
    solves: int


def _best_choice(program: _ScenarioProgram, spare: int, choice_limit: int, progress: Callable[[int], None]) -> _Choice:
    """Try sets of at most ``spare`` excused scenarios.

    Excusing a scenario that does not bind changes nothing, so only the binding ones of a solution need to be tried, the
    costliest first; where no plan holds, those that bind the doses that come nearest. The first descent is the greedy
    choice. Which scenarios bind says nothing of other plans where dose-volume goals are at work, or where time ran out:
    then not all choices that count were tried.
    """
    tried: set[frozenset[int]] = {frozenset()}
    stack = [frozenset[int]()]
    best: _Solved | None = None
    chosen, whole, solves = frozenset[int](), True, 0
    while stack and solves < choice_limit:
        excused = stack.pop()
        solved = program.all_but(excused)
        plan, relaxed = solved
        # A plan that does not hold dose-volume goals may be one of many: that none does is known without them alone.
        whole = whole and not plan.excused and plan.status == relaxed.status != LPStatus.STOPPED
        solves += 1
        progress(solves)
        feasible = plan.status == LPStatus.OPTIMAL
        if best is None or (feasible and (best.plan.status != LPStatus.OPTIMAL or plan.value < best.plan.value)):
            best, chosen = solved, excused
        if len(excused) == spare:
            continue
        prices = program.prices(plan) if feasible else program.prices_of_nearest()
        binding = np.flatnonzero(prices > 1e-9)
        for s in binding[np.argsort(prices[binding], kind="stable")]:
            more = excused | {int(s)}
            if len(more) > len(excused) and more not in tried:
                tried.add(more)
                stack.append(more)
    assert best is not None
    return _Choice(best, chosen, all_tried=whole and not stack, solves=solves)


class _ScenarioProgram:
    """The linear program with the rows of all scenarios; each solve says in which of them the prescriptions hold."""

    def __init__(self, problem: PlanProblem, scenarios: Sequence[Scenario], deadline: float) -> None:
        listed = requirements(problem)
        self._program = Program(problem, listed)
        self._program.deadline = deadline
        self._cost = objective_cost(problem, self._program.columns)
        hard = [k for k, requirement in enumerate(listed) if requirement.level == 0]
        for k in hard:
            self._program.enter(k)
        self._program.start()
        self._prescriptions = [k for k in hard if listed[k].prescription]
        self._families = [
            [PointRows(points) for points in scenario]
            for scenario in scenario_rows(self._program, scenarios, self._prescriptions, missable=True)
        ]

    def cost_alone(self, s: int) -> float:
        """Bound of the plans that hold as planned and in one scenario; infinite where there is none."""
        relaxed = self._solve({s}).relaxed
        return float(np.inf) if relaxed.status == LPStatus.INFEASIBLE else relaxed.bound

    def all_but(self, excused: frozenset[int]) -> _Solved:
        """Return the best plan that holds in all scenarios but some."""
        return self._solve(set(range(len(self._families))) - excused)

    def _solve(self, held: set[int]) -> _Solved:
        program = self._program
        for s, families in enumerate(self._families):
            for family in families:
                program.bind(family, binding=s in held)
        relaxed = program.solve(self._cost)
        if relaxed.status != LPStatus.OPTIMAL or not dose_volume_missed(program, relaxed.x):
            return _Solved(relaxed, relaxed)
        return _Solved(polished(program, self._cost, relaxed.x), relaxed)

    def proof_of(self, solution: Solution) -> Proof | None:
        """Return what proves the bound of a solution."""
        return proof_of(self._program, self._cost, solution)

    def prices_of_nearest(self) -> FloatArray:
        """Return the prices of the scenarios last solved for where the prescriptions are missed by least.

        Where none has a price no plan holds, whatever is excused.
        """
        program, which = self._program, self._prescriptions
        weights = {k: 1.0 / program.requirements[k].limit for k in which}
        with program.missing_allowed(which) as allow:
            allow(np.array([program.requirements[k].limit for k in which]))
            nearest = program.solve(program.columns.cost(misses=weights))
        if nearest.status == LPStatus.OPTIMAL and nearest.value > _MET_FRAC:
            return self.prices(nearest)
        # Dose-volume goals, or time: every scenario may be the one to excuse.
        return np.full(len(self._families), float(nearest.status != LPStatus.INFEASIBLE))

    def prices(self, solution: Solution) -> FloatArray:
        """Sum of each scenario's multipliers: what it costs the objective."""
        prices = np.zeros(len(self._families))
        for owner, multiplier in solution.dual.by_owner().items():
            if isinstance(owner, InScenario):
                prices[owner.number] += multiplier
        return np.abs(prices)
