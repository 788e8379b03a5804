"""Which few of many possible catheters, and how good any choice could be.

For each number of catheters good sets are found by swapping (:mod:`hdrplan.optimize.catheters.swaps`), and a proof
bounds all sets (:mod:`hdrplan.optimize.catheters.no_better_set`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from hdrplan.errors import InfeasibleError, InputError
from hdrplan.optimize.bounded import Bounded
from hdrplan.optimize.catheters.candidates import Candidates
from hdrplan.optimize.catheters.incumbents import Incumbents
from hdrplan.optimize.catheters.meter import Meter
from hdrplan.optimize.catheters.no_better_set import maximum_prescription_frac, proven_bound
from hdrplan.optimize.catheters.placement import ChosenSet, Placement
from hdrplan.optimize.catheters.recourse import recourse_of
from hdrplan.optimize.catheters.swaps import improved
from hdrplan.optimize.catheters.tools import SetTools, set_tools
from hdrplan.optimize.objectives import Coverage
from hdrplan.optimize.problem import PlanProblem
from hdrplan.optimize.work import WorkLimit
from hdrplan.threads import single_blas_thread

__all__ = ["choose_catheters"]

USUAL_LIMIT = WorkLimit(seconds=120.0)
# The search for good sets may take this fraction of the limit, the proof the rest.
_SEARCH_FRAC = 1 / 3
# What is kept for the order of insertion and the replacement of the first catheter, where these are asked for.
_RECOURSE_FRAC = 0.15


def choose_catheters(
    problem: PlanProblem,
    candidates: Candidates,
    *,
    maximum_count: int,
    gap_frac: float = 1e-3,
    limit: WorkLimit = USUAL_LIMIT,
    decide: Callable[[Placement], ChosenSet] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Placement:
    """Best sets of 1 to ``maximum_count`` catheters among candidates, each with a proven bound.

    Where catheters are in the patient already, every set has them too, and the curve begins with them alone.

    Parameters
    ----------
    problem : PlanProblem
        Goals of level 0 hold, others are left aside; without ``earlier_gy``, ``locked_s`` and ``delivery``.
    candidates : Candidates
    maximum_count : int
        Most candidates taken.
    gap_frac : float
        Proof enough.
    limit : WorkLimit
        For everything; what is not proven by then has a wider gap. Its steps are linear programs: with these alone the
        result does not depend on the machine.
    decide : callable, optional
        Takes the placement and returns the entry of its curve that is chosen; the order of insertion and what losing
        the first catheter costs are found for it.
    on_progress : callable, optional
        Called with (numbers of catheters done, in all).

    Returns
    -------
    Placement

    Raises
    ------
    InputError
        ``maximum_count`` below 1, candidates or goals that do not fit the problem.
    InfeasibleError
        Not even all candidates together hold the prescriptions under the limits.
    """
    problem.refuse("earlier_gy", "locked_s", "delivery")
    if maximum_count < 1:
        raise InputError("at least one catheter must be allowed", got=maximum_count)
    progress = on_progress or (lambda done, total: None)
    meter = Meter(limit)
    tools = set_tools(problem, candidates, meter)
    maximum_count = min(maximum_count, candidates.count)
    with single_blas_thread():
        with_all = _with_all(tools)
        incumbents = Incumbents()
        counts = range(0 if candidates.any_in else 1, maximum_count + 1)
        rest = meter.end if decide is None else meter.after(1 - _RECOURSE_FRAC)
        for count in counts:
            incumbents = improved(tools, incumbents, count, meter.after(_SEARCH_FRAC * count / maximum_count))
        bounds, seconds = [], []
        for count in counts:
            started, end = time.monotonic(), meter.after_rest(1 / (maximum_count - count + 1), rest)
            incumbents, bound = proven_bound(
                tools, incumbents, count, lowest=with_all.bound, gap_frac=gap_frac, end=end
            )
            bounds.append(bound)
            seconds.append(time.monotonic() - started)
            progress(count, maximum_count)
        placement = Placement(
            curve=_curve(tools, incumbents, counts, bounds, seconds),
            with_all=with_all,
            left_out=tuple(tools.sets.requirements[k].label for k in tools.sets.tails),
            solves=meter.solves,
        )
        if decide is None:
            return placement
        chosen = decide(placement)
        recourse = recourse_of(
            tools,
            chosen,
            lowest=with_all.bound,
            gap_frac=gap_frac,
            search_end=meter.after_rest(_SEARCH_FRAC, meter.end),
            end=meter.end,
        )
    return replace(placement, recourse=recourse, solves=meter.solves)


def _with_all(tools: SetTools) -> Bounded:
    """Return the main objective with all candidates at once; the rows that matter are known from then on."""
    sets, everything = tools.sets, tools.sets.candidates.everything
    plan = tools.plans.best(everything)
    if plan is None or not sets.held(plan.x):
        raise InfeasibleError(
            "no set of these candidates holds the prescription under the hard limits",
            got="no plan within the time"
            if plan is None
            else f"{sets.missed_gy(plan.x):.2f} Gy short with all {len(everything)} together, "
            f"held back by {sets.binding(plan)}",
            remedy="Lower the prescription, relax a limit, or allow more paths (margins, angles, length).",
        )
    tools.bounds.excuse(tools.plans.excused(plan.x))
    proof = tools.bounds.bound(everything)
    tools.proofs.add(proof)
    return _cost(tools, plan.value, proof.value)


def _curve(
    tools: SetTools, incumbents: Incumbents, counts: range, bounds: list[float], seconds: list[float]
) -> tuple[ChosenSet, ...]:
    """Return the best set of each number, with D100 at the healthy dose of the largest number."""
    last = incumbents.best(counts[-1])
    budget = last.value if last is not None and last.held else np.inf
    return tuple(
        _chosen(tools, incumbents, count, bound, budget, spent_s)
        for count, bound, spent_s in zip(counts, bounds, seconds, strict=True)
    )


def _chosen(
    tools: SetTools, incumbents: Incumbents, count: int, bound: float, budget: float, seconds: float
) -> ChosenSet:
    sets, best, dose_gy = tools.sets, incumbents.best(count), tools.sets.problem.goals.doses[0].dose_gy
    if best is None or not best.held:
        # What is missed is priced in: of a bound above all that the times can cost, the rest is missed.
        short_gy = (bound - sets.highest_cost(count)) / sets.miss_cost
        candidates: tuple[int, ...] = ()
        times_s, value = np.zeros(sets.n_dwells), np.inf
        bound, d100_bound_gy = (np.inf, dose_gy - short_gy) if short_gy > 0 else (bound, dose_gy)
        d100_gy = float("nan") if best is None else dose_gy - sets.missed_gy(best.plan.x)
    else:
        candidates = tuple(sorted(best.chosen))
        times_s, value = best.plan.x[: sets.n_dwells], best.value
        d100_gy = dose_gy - tools.plans.missed_at(best.chosen, best.plan.x, budget)
        d100_bound_gy = dose_gy * maximum_prescription_frac(tools, incumbents, count, bound, budget)
    return ChosenSet(
        count=count,
        candidates=candidates,
        times_s=times_s,
        cost=_cost(tools, value, bound),
        d100=Bounded(objective=Coverage(), value=d100_gy, bound=max(d100_bound_gy, d100_gy), large=True),
        seconds=seconds,
    )


def _cost(tools: SetTools, value: float, bound: float) -> Bounded:
    return Bounded(objective=tools.sets.problem.objective, value=value, bound=bound)
