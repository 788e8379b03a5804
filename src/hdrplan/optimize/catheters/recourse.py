"""What is lost with each chosen catheter, the order of insertion that follows, and the best replacement of the first.

A catheter may fail: a vessel is in its way, it comes to lie elsewhere. The one whose loss costs most goes in first: at
that time every other path is still free to make up for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hdrplan.optimize.bounded import Bounded
from hdrplan.optimize.catheters.candidates import CatheterSet
from hdrplan.optimize.catheters.incumbents import Incumbents, PlannedSet
from hdrplan.optimize.catheters.meter import End
from hdrplan.optimize.catheters.no_better_set import proven_bound
from hdrplan.optimize.catheters.placement import CatheterLoss, ChosenSet, Recourse
from hdrplan.optimize.catheters.swaps import improved
from hdrplan.optimize.catheters.tools import SetTools

__all__ = ["recourse_of"]


@dataclass(frozen=True, slots=True)
class _Rest:
    """What is left of a chosen set without one candidate."""

    lost: int
    plan: PlannedSet | None


def recourse_of(
    tools: SetTools, chosen: ChosenSet, *, lowest: float, gap_frac: float, search_end: End, end: End
) -> Recourse:
    """Return the order of insertion of a chosen set, and what losing the first costs.

    Parameters
    ----------
    tools : SetTools
    chosen : ChosenSet
        That holds everything.
    lowest : float
        A bound known of every set of so many candidates.
    gap_frac : float
        Proof enough.
    search_end, end : End
        When to stop with the search for a replacement, and with its proof.
    """
    rests = sorted((_without(tools, chosen, lost) for lost in chosen.candidates), key=_cost_of_loss, reverse=True)
    order = tuple(_loss(tools, rest) for rest in rests)
    if not rests:
        return Recourse(order=(), replacement=(), replaced=None)
    first = rests[0]
    sets = tools.sets
    barred = replace(sets.candidates, barred=frozenset({first.lost}))
    tools = replace(tools, sets=replace(sets, candidates=barred))
    incumbents = Incumbents()
    if first.plan is not None:
        incumbents = incumbents.knowing(first.plan.chosen, first.plan)
    count = len(chosen.candidates)
    incumbents = improved(tools, incumbents, count, search_end)
    incumbents, bound = proven_bound(tools, incumbents, count, lowest=lowest, gap_frac=gap_frac, end=end)
    best = incumbents.best(count)
    held = best is not None and best.held
    value = best.value if best is not None and held else np.inf
    # A bound above all that times can cost says that so many without the first hold no prescription.
    proven_none = not held and bound > sets.highest_cost(count)
    return Recourse(
        order=order,
        replacement=tuple(sorted(best.chosen)) if best is not None and held else (),
        replaced=Bounded(objective=sets.problem.objective, value=value, bound=np.inf if proven_none else bound),
    )


def _without(tools: SetTools, chosen: ChosenSet, lost: int) -> _Rest:
    others: CatheterSet = frozenset(chosen.candidates) - {lost}
    plan = tools.plans.best(others)
    if plan is None:
        return _Rest(lost, None)
    return _Rest(lost, PlannedSet(others, plan, plan.value, tools.sets.held(plan.x)))


def _cost_of_loss(rest: _Rest) -> float:
    """Cost of the others' plan, misses of prescriptions priced in far above any healthy dose."""
    return np.inf if rest.plan is None else rest.plan.value


def _loss(tools: SetTools, rest: _Rest) -> CatheterLoss:
    plan, dose_gy = rest.plan, tools.sets.problem.goals.doses[0].dose_gy
    if plan is None:
        return CatheterLoss(candidate=rest.lost, value=np.inf, d100_gy=float("nan"))
    if plan.held:
        return CatheterLoss(candidate=rest.lost, value=plan.value, d100_gy=dose_gy)
    short_gy = tools.sets.missed_gy(plan.plan.x)
    return CatheterLoss(candidate=rest.lost, value=np.inf, d100_gy=max(0.0, dose_gy - short_gy))
