"""What the steps of the choice work with, and the look at one set that they share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.optimize.catheters.candidates import Candidates, CatheterSet
from hdrplan.optimize.catheters.cuts import Proofs
from hdrplan.optimize.catheters.incumbents import Incumbents, PlannedSet
from hdrplan.optimize.catheters.meter import Meter
from hdrplan.optimize.catheters.set_bounds import SetBounds
from hdrplan.optimize.catheters.set_plans import SetPlans
from hdrplan.optimize.catheters.set_problem import SetProblem, set_problem
from hdrplan.optimize.problem import PlanProblem

__all__ = ["SetTools", "guessed", "planned", "set_tools"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SetTools:
    """What the steps of the choice work with. What grows (rows, proofs, the meter) grows inside its own part.

    Parameters
    ----------
    sets : SetProblem
    bounds : SetBounds
        Quick.
    plans : SetPlans
        Exact.
    proofs : Proofs
        Of all sets bounded so far.
    meter : Meter
    """

    sets: SetProblem
    bounds: SetBounds
    plans: SetPlans
    proofs: Proofs
    meter: Meter


def set_tools(problem: PlanProblem, candidates: Candidates, meter: Meter) -> SetTools:
    """Return the tools of one choice, without any proof yet.

    Parameters
    ----------
    problem : PlanProblem
    candidates : Candidates
    meter : Meter
        Of the whole choice.

    Raises
    ------
    InputError
        Candidates or goals that do not fit the problem.
    """
    sets = set_problem(problem, candidates)
    plans = SetPlans(sets, meter)
    bounds = SetBounds(sets, plans.pool, meter)
    bounds.excuse(plans.excused(np.zeros(len(sets.cost))))
    return SetTools(sets=sets, bounds=bounds, plans=plans, proofs=Proofs(), meter=meter)


def guessed(tools: SetTools, chosen: CatheterSet, best: float) -> tuple[float, FloatArray]:
    """Value of a set by all rows.

    Parameters
    ----------
    tools : SetTools
    chosen : frozenset of int
    best : float
        Where the value is below it and there are dose-volume goals, these count too, with the points excused now.

    Returns
    -------
    float
    (n_columns,) array
        Times and misses.
    """
    proof, x = tools.bounds.filled(chosen)
    tools.proofs.add(proof)
    if proof.value >= best or not tools.sets.tails:
        return proof.value, x
    guess, x = tools.bounds.filled(chosen, strict=True)
    return guess.value, x


def planned(tools: SetTools, incumbents: Incumbents, chosen: CatheterSet, start: FloatArray | None) -> Incumbents:
    """Plan a set under all goals unless that was done before; strict bounds from then on aim at the best plan.

    Parameters
    ----------
    tools : SetTools
    incumbents : Incumbents
    chosen : frozenset of int
    start : (n_columns,) array, optional
        A plan whose hottest points are the first to be excused.

    Returns
    -------
    Incumbents
        With this set among them.
    """
    if chosen in incumbents.values:
        return incumbents
    plan = tools.plans.best(chosen, start)
    if plan is None:
        return incumbents.knowing(chosen, None)
    challenger = PlannedSet(chosen, plan, plan.value, tools.sets.held(plan.x))
    if incumbents.beaten_by(challenger):
        tools.bounds.excuse(tools.plans.excused(plan.x))
    return incumbents.knowing(chosen, challenger)
