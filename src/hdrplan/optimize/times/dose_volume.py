"""Plans under dose-volume goals: a first one by the convex mean tail, bisected, then polished."""

from __future__ import annotations

from hdrplan.arrays import FloatArray
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.judge import dose_volume_missed, polished
from hdrplan.optimize.program.lazy_lp import LPStatus, Solution
from hdrplan.optimize.program.mean_tail import MeanTail
from hdrplan.optimize.times.standing import QUICK_ROUNDS

__all__ = ["best_under_dose_volume"]

# Halvings of the range of mean-tail limits: 1/128 of it is finer than what the polish changes.
HALVINGS = 7


def best_under_dose_volume(
    program: Program, cost: FloatArray, relaxed: Solution, *, quick: bool = False
) -> Solution | None:
    """Return the best plan found under the dose-volume goals entered, or None where none was found.

    Two ways, and the better of them: the points excused are the hottest of the plan without these goals; or they are
    the hottest of a plan whose mean tails are as large as the goals allow. A mean tail at the goal's own limit is
    stricter than the goal and calls possible cases impossible, so its limit is raised by bisection. Both are polished.

    Parameters
    ----------
    program : Program
    cost : (n_columns,) array
    relaxed : Solution
        The plan without the dose-volume goals.
    quick : bool
        Only the first step of the first way: a tenth of a second instead of seconds where V150 of 47 cc binds.

    Returns
    -------
    Solution or None
    """
    if quick:
        near = polished(program, cost, relaxed.x, rounds=QUICK_ROUNDS)
        return near if near.status == LPStatus.OPTIMAL else None
    plans = [polished(program, cost, relaxed.x)]
    start = _by_mean_tails(program, cost, relaxed)
    if start is not None:
        plans.append(polished(program, cost, start))
    held = [plan for plan in plans if plan.status == LPStatus.OPTIMAL]
    if not held:
        return None
    best = min(held, key=lambda plan: plan.value)
    # Once more from the better one, in a program that has learnt the rows of both.
    return polished(program, cost, best.x, rounds=2)


def _by_mean_tails(program: Program, cost: FloatArray, relaxed: Solution) -> FloatArray | None:
    """Return times under the loosest common factor on the mean tails at which the goals hold."""
    tails = {k: _mean_tail(program, k) for k in program.dose_volume}
    limits = {k: program.requirements[k].limit for k in tails}
    # The factor at which the plan without these goals holds all mean tails: nothing looser is of use.
    means = {k: tail.mean_gy(relaxed.x) for k, tail in tails.items()}

    def loosened(k: int, share: float) -> float:
        """Return a limit between the goal's own and what holds anyway; a goal may ask for 0 Gy."""
        return limits[k] * (1.0 + share * (means[k] / limits[k] - 1.0)) if limits[k] else share * means[k]

    best: FloatArray | None = None
    low, high = 0.0, 1.0
    with program.in_place_of_dose_volume(tails) as limit:
        for step in range(HALVINGS):
            share = 0.5 * (low + high) if step else high
            limit({k: loosened(k, share) for k in tails})
            plan = program.solve(cost)
            if plan.status == LPStatus.OPTIMAL and not dose_volume_missed(program, plan.x):
                best, low = plan.x, share
                if share == 1.0:
                    break
            elif plan.status == LPStatus.INFEASIBLE:
                low = share
            else:
                high = share
    return best


def _mean_tail(program: Program, k: int) -> MeanTail:
    """Return the convex, stricter form of dose-volume goal ``k``."""
    requirement = program.requirements[k]
    volume_cc = program.problem.points.volume_cc[requirement.rows]
    return MeanTail(program.families[k].points, volume_cc, requirement.tail_cc)
