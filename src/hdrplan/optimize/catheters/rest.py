"""The rest of an implant while needles go in, chosen without a proof: which candidates still to insert, and which next.

A simulated procedure asks this hundreds of times, so only the search is made (:mod:`hdrplan.optimize.catheters.swaps`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from hdrplan.errors import InputError
from hdrplan.optimize.catheters.candidates import Candidates, CatheterSet
from hdrplan.optimize.catheters.incumbents import Incumbents
from hdrplan.optimize.catheters.meter import Meter
from hdrplan.optimize.catheters.no_better_set import proven_bound
from hdrplan.optimize.catheters.swaps import improved
from hdrplan.optimize.catheters.tools import SetTools, guessed, planned, set_tools
from hdrplan.optimize.problem import PlanProblem
from hdrplan.optimize.work import WorkLimit
from hdrplan.threads import single_blas_thread

__all__ = ["Rest", "chosen_rest", "with_each"]

# No clock ends a search whose result is part of a simulation: its length is that of its linear programs.
_LIMIT = WorkLimit(seconds=86_400.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """The best set found of candidates that are still to go in.

    Parameters
    ----------
    order : tuple of int
        Candidates, the one whose loss costs most first: it is the next.
    value : float
        Main objective of their plan with what is in; infinite where it does not hold every hard goal.
    short_gy : float
        By how much the worst of the prescriptions is missed under the hard limits.
    bound : float
        No set of so many candidates has a lower ``priced``: by what all candidates at once would reach, or by a proof
        where one was asked for.
    priced : float
        Main objective with what is missed priced in, far above any healthy dose: what is compared.
    """

    order: tuple[int, ...]
    value: float
    short_gy: float
    bound: float
    priced: float

    @property
    def held(self) -> bool:
        """Whether every hard goal holds."""
        return bool(np.isfinite(self.value))


def chosen_rest(
    problem: PlanProblem,
    candidates: Candidates,
    count: int,
    *,
    planned_before: Sequence[int] = (),
    gap_frac: float | None = None,
) -> Rest:
    """Choose at most ``count`` candidates beside the catheters that are in, for the best plan of all together.

    Parameters
    ----------
    problem : PlanProblem
        Goals of level 0 hold, others are left aside; without ``earlier_gy``, ``locked_s`` and ``delivery``.
    candidates : Candidates
    count : int
    planned_before : sequence of int
        Candidates that were chosen earlier: what is chosen now is not worse in its plan.
    gap_frac : float, optional
        Prove the choice to this gap.

    Raises
    ------
    InputError
        A count below 0; candidates or goals that do not fit the problem.
    """
    problem.refuse("earlier_gy", "locked_s", "delivery")
    if count < 0:
        raise InputError("the number of catheters still to insert must not be negative", got=count)
    count = min(count, candidates.count)
    tools = set_tools(problem, candidates, Meter(_LIMIT))
    with single_blas_thread():
        lowest = _with_all(tools)
        incumbents = _searched(tools, frozenset(planned_before), count)
        # Nothing more goes in: its plan without the dose-volume goals is the bound.
        bound = lowest if count else tools.bounds.filled(CatheterSet())[0].value
        if count and gap_frac is not None:
            incumbents, bound = proven_bound(
                tools, incumbents, count, lowest=lowest, gap_frac=gap_frac, end=tools.meter.end
            )
        best = incumbents.best(count)
        if best is None:
            return Rest(order=(), value=np.inf, short_gy=float("nan"), bound=bound, priced=np.inf)
        order = _order(tools, best.chosen)
    return Rest(
        order=order,
        value=best.value if best.held else float(np.inf),
        short_gy=0.0 if best.held else tools.sets.missed_gy(best.plan.x),
        bound=min(bound, best.value),
        priced=best.value,
    )


def with_each(
    problem: PlanProblem, candidates: Candidates, chosen: Sequence[int], count: int
) -> list[tuple[float, tuple[int, ...]]]:
    """Return for each candidate the best set of it and others of a choice: its value by all rows, and these others.

    Parameters
    ----------
    problem : PlanProblem
    candidates : Candidates
    chosen : sequence of int
        The choice.
    count : int
        At most so many together.
    """
    tools = set_tools(problem, candidates, Meter(_LIMIT))
    found = []
    with single_blas_thread():
        _with_all(tools)
        for candidate in range(candidates.count):
            others = [other for other in chosen if other != candidate]
            best = (np.inf, tuple[int, ...]())
            for rest in combinations(others, min(count - 1, len(others))):
                together = frozenset((candidate, *rest))
                if candidates.allowed(together):
                    best = min(best, (guessed(tools, together, np.inf)[0], rest))
            if not np.isfinite(best[0]):
                best = (guessed(tools, frozenset((candidate,)), np.inf)[0], ())
            found.append(best)
    return found


def _searched(tools: SetTools, before: CatheterSet, count: int) -> Incumbents:
    incumbents = Incumbents()
    if 0 < len(before) <= count and tools.sets.candidates.allowed(before):
        incumbents = planned(tools, incumbents, before, None)
    for number in range(0 if tools.sets.candidates.any_in else 1, count + 1):
        incumbents = improved(tools, incumbents, number, tools.meter.end)
    return incumbents


def _with_all(tools: SetTools) -> float:
    """Bound the objective with all candidates at once; the rows that matter are known from then on."""
    everything = tools.sets.candidates.everything
    plan = tools.plans.best(everything)
    if plan is not None:
        tools.bounds.excuse(tools.plans.excused(plan.x))
    proof = tools.bounds.bound(everything)
    tools.proofs.add(proof)
    return proof.value


def _order(tools: SetTools, chosen: CatheterSet) -> tuple[int, ...]:
    """Sort candidates by what the others' plan costs without each: the one whose loss costs most first."""
    if len(chosen) < 2:
        return tuple(chosen)
    costs = {}
    for lost in sorted(chosen):
        plan = tools.plans.best(chosen - {lost})
        costs[lost] = np.inf if plan is None else plan.value
    return tuple(sorted(costs, key=lambda lost: -costs[lost]))
