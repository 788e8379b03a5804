"""First step of the sequence: the hard goals, and the prescriptions that give way to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.errors import InfeasibleError
from hdrplan.optimize.bounded import Bounded
from hdrplan.optimize.certificate import Shortfall, joined
from hdrplan.optimize.held import Held
from hdrplan.optimize.notes import ConflictNotProven, LongestTimes, Note
from hdrplan.optimize.objectives import Coverage, DoseLost
from hdrplan.optimize.program.dose_program import MAX_MISS
from hdrplan.optimize.program.judge import dose_volume_missed
from hdrplan.optimize.program.lazy_lp import LPStatus, Solution
from hdrplan.optimize.program.proof_of import proof_of
from hdrplan.optimize.times.conflicts import smallest_conflict
from hdrplan.optimize.times.dose_volume import best_under_dose_volume
from hdrplan.optimize.times.prices import prices_of
from hdrplan.optimize.times.proof import GAP_FRAC, proven
from hdrplan.optimize.times.standing import SLACK_FRAC, Standing, Task
from hdrplan.optimize.work import WorkLimit

__all__ = ["hold_hard_goals"]

# What one step may take of the prescriptions where they may hold: of V150 of 47 cc it took 2 % where a search then held
# them, and 4 % where only a search for the least loss did.
MAY_HOLD_FRAC = 0.03

# What the spared organ may take back of a lowered D100, as a fraction of the prescription: 0.001 Gy at 20 Gy. At the
# exact optimum of D100 next to no plan is left to choose from, and the multipliers of what follows grow without bound.
D100_SLACK_FRAC = 5e-5


def hold_hard_goals(task: Task, proof: WorkLimit) -> Standing:
    """Hold all goals of level 0, or let the prescriptions give way.

    Raises
    ------
    InfeasibleError
        Limits that no dwell times satisfy, with every prescription given up.
    """
    program = task.program
    for k in task.hard:
        program.enter(k)
    program.start(task.cost)
    plan = program.solve(task.cost)
    standing = Standing(plan=plan, proof=proof).at(plan)
    if plan.status == LPStatus.INFEASIBLE:
        conflict = task.goals(smallest_conflict(program, task.hard))
        standing = _lower(task, replace(standing, conflict=conflict), program.solve)
        standing = standing.at(program.solve(task.cost))
    if dose_volume_missed(program, standing.plan.x):
        standing = _hold_dose_volume(task, replace(standing, relaxed=standing.plan))
    return standing


def _hold_dose_volume(task: Task, standing: Standing) -> Standing:
    """Hold the dose-volume goals: at once, by way of their smallest miss, or with lower prescriptions."""
    program, goals = task.program, tuple(task.program.dose_volume)
    held = task.best_found(task.cost, standing.plan) if _may_hold(task, standing) else None
    if held is not None:
        return standing.at(held)
    least = _least_lost(task, standing)
    if least.status == LPStatus.OPTIMAL and least.value <= SLACK_FRAC:
        held = task.polished(task.cost, least.x)
        if held.status == LPStatus.OPTIMAL:
            return standing.at(held)
    standing = _lower(task, standing, lambda lost: program.solve(lost, least.excused), convex=False)
    standing = replace(standing, conflict=standing.conflict or task.goals(task.doses + goals))
    if task.quick or standing.levels[0].bound <= 0.0:
        standing = standing.noting(ConflictNotProven())
    # The bound found before was that of plans with the prescriptions in full.
    standing = standing.relaxed_to(program.solve(task.cost))
    if task.quick:
        return standing.at(program.solve(task.cost, standing.plan.excused))
    return standing.at(task.polished(task.cost, standing.plan.x))


def _may_hold(task: Task, standing: Standing) -> bool:
    """Whether a search with the prescriptions in full is worth its time: one step from the plan takes little of them.

    For a touch and near a plan it takes next to none.
    """
    if task.quick or task.near is not None:
        return True
    with _giving_way(task) as lost:
        near = best_under_dose_volume(task.program, lost, standing.plan, quick=True)
    return near is None or near.value <= MAY_HOLD_FRAC * sum(task.requirements[k].limit for k in task.doses)


def _least_lost(task: Task, standing: Standing) -> Solution:
    """Return the plan that holds the dose-volume goals and takes least from the prescriptions, Gy of D100."""
    with _giving_way(task) as lost:
        return task.best_found(lost, standing.plan) or task.polished(lost, _nearest(task, standing).x)


@contextmanager
def _giving_way(task: Task) -> Iterator[FloatArray]:
    """Let the prescriptions give way for a while: yields the cost of what they lose, Gy of D100."""
    with task.program.missing_allowed(task.doses) as allow:
        allow(np.array([task.requirements[k].limit for k in task.doses]))
        yield _lost(task)


def _lost(task: Task) -> FloatArray:
    return task.program.columns.cost(misses=dict.fromkeys(task.doses, 1.0))


def _nearest(task: Task, standing: Standing) -> Solution:
    """Return the plan that misses the dose-volume goals by least, as fractions of the limits; of one of nothing, Gy."""
    program, goals = task.program, tuple(task.program.dose_volume)
    misses = program.columns.cost(misses={k: 1.0 / (task.requirements[k].limit or 1.0) for k in goals})
    with program.missing_allowed(goals) as allow:
        allow(MAX_MISS)
        return task.polished(misses, standing.plan.x)


def _lower(task: Task, standing: Standing, solve: Callable[[FloatArray], Solution], *, convex: bool = True) -> Standing:
    """Let the prescriptions give way, by the smallest sum of shortfalls (Gy of D100) that the limits allow.

    The sum, not the greatest: a lesion far from the organ keeps its prescription, the one beside it pays.

    Parameters
    ----------
    task : Task
    standing : Standing
    solve : callable
        Minimises a cost under the goals that are to hold.
    convex : bool
        Whether the solution proves its own bound.
    """
    program, requirements = task.program, task.requirements
    limits = np.array([requirements[k].limit for k in task.doses])
    program.allow_miss(task.doses, limits)
    lost = _lost(task)
    standing = standing.at(solve(lost))
    if standing.plan.status == LPStatus.INFEASIBLE:
        raise InfeasibleError(
            "limits that dwell times can satisfy",
            got=joined(task.goals(tuple(k for k in task.hard if k not in task.doses))) or "none",
            remedy="Even without any dose to the CTV they fail: dose already given, or fixed times.",
        )
    bound, proof = standing.plan.bound, proof_of(program, lost, standing.plan)
    if not convex:
        # The bound found before the dose-volume goals holds in any case.
        bound, proof = (standing.levels[0].bound, standing.levels[0].proof) if standing.levels else (0.0, None)
        # Half of the work: the other half is for the main objective.
        gap_gy = GAP_FRAC * float(limits.sum())
        alone = task.doses if len(task.doses) == 1 else ()
        limit = standing.proof.half()
        standing, lifted = proven(task, standing, lost, gap_of=lambda _: gap_gy, limit=limit, surplus=alone)
        bound = max(bound, lifted)
    plan = standing.plan
    short_gy = np.array([program.columns.miss(plan.x, k) for k in task.doses])
    prices = prices_of(plan, requirements, Coverage(), leave_out=task.doses)
    shortfalls = tuple(
        Shortfall(
            goal=requirements[k].goal,
            prescription_gy=limit,
            reached_gy=limit - float(short),
            best_gy=min(limit, limit - float(short) + max(0.0, plan.value - bound)),
            has_others=len(task.doses) > 1,
            binding=tuple(price.goal for price in prices),
        )
        for k, limit, short in zip(task.doses, limits.tolist(), short_gy, strict=True)
        if short > SLACK_FRAC * limit
    )
    metric = requirements[task.doses[0]].id.metric if len(task.doses) == 1 else ""
    kept = np.where(short_gy > SLACK_FRAC * limits, short_gy + D100_SLACK_FRAC * limits, 0.0)
    allowed = np.minimum(limits, kept)
    program.allow_miss(task.doses, allowed)
    held = zip(task.goals(task.doses), (limits - allowed).tolist(), strict=True)
    return replace(
        standing,
        levels=(Bounded(objective=DoseLost(metric), value=plan.value, bound=bound, proof=proof),),
        held=tuple(Held(goal, dose_gy) for goal, dose_gy in held) if shortfalls else (),
        shortfalls=shortfalls,
        prices=prices,
        notes=(*standing.notes, *(_longest(task, plan) if shortfalls else ())),
    )


def _longest(task: Task, plan: Solution) -> tuple[Note, ...]:
    """Note how many dwells stand at their longest time, if any."""
    n = task.program.columns.n_dwells
    _, longest_s = task.program.time_bounds_s
    full = int(((plan.x[:n] >= longest_s * (1 - 1e-9)) & (longest_s > 0)).sum())
    return (LongestTimes(full, n),) if full else ()
