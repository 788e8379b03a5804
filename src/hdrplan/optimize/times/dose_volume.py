"""Plans under dose-volume goals, which are not convex: many places to begin, the best of them polished to its end."""

from __future__ import annotations

from hdrplan.arrays import FloatArray
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.judge import dose_volume_missed, polished
from hdrplan.optimize.program.lazy_lp import LPStatus, Solution
from hdrplan.optimize.program.mean_tail import MeanTail

__all__ = ["MANY_ROUNDS", "NEAR_ROUNDS", "QUICK_ROUNDS", "best_under_dose_volume"]

# Programs solved one after the other, each with other points left out: until the plan gets no better; few, to see which
# beginning is the best, or to go on from a plan that is near; or one, so that a plan follows a hand: in a browser
# 0.18 s a touch of V150 of 47 cc.
MANY_ROUNDS, FEW_ROUNDS, NEAR_ROUNDS, QUICK_ROUNDS = 12, 3, 2, 1
# Halvings of the range of mean-tail limits, after the strictest.
HALVINGS = 4
# A mean tail is a place to begin, no limit: with all rounds to the last digit those of V150 of 47 cc took 7 instead of
# 0.3 processor seconds, and what followed was no better.
TAIL_ROUNDS, TAIL_TOLERANCE_FRAC = 15, 5e-3


def best_under_dose_volume(
    program: Program, cost: FloatArray, relaxed: Solution, *, near: FloatArray | None = None, quick: bool = False
) -> Solution | None:
    """Return the best plan found under the dose-volume goals entered, or None where none was found.

    The points excused first are the hottest of the plan without these goals, or of plans whose mean tails are limited.
    A mean tail at the goal's own limit is stricter than the goal and calls possible cases impossible, so its limit is
    raised by bisection, and every plan on the way is a place to begin. Which ends best is luck: of one lesion's D100 at
    V150 <= 50, 62 and 65 %, one beginning alone ended up to 0.5 Gy lower than the best.

    Parameters
    ----------
    program : Program
    cost : (n_columns,) array
    relaxed : Solution
        The plan without the dose-volume goals.
    near : (n_columns,) array, optional
        A plan found under nearly the same goals: the only place to begin.
    quick : bool
        Only the first step from the plan without these goals: a tenth of a second instead of seconds.

    Returns
    -------
    Solution or None
    """
    if near is not None or quick:
        start, rounds = (relaxed.x, QUICK_ROUNDS) if quick or near is None else (near, NEAR_ROUNDS)
        plan = polished(program, cost, start, rounds=rounds)
        return plan if plan.status == LPStatus.OPTIMAL else None
    plans = (
        polished(program, cost, x, rounds=FEW_ROUNDS) for x in (relaxed.x, *_by_mean_tails(program, cost, relaxed))
    )
    held = [plan for plan in plans if plan.status == LPStatus.OPTIMAL]
    if not held:
        return None
    best = min(held, key=lambda plan: plan.value)
    return polished(program, cost, best.x, rounds=MANY_ROUNDS)


def _by_mean_tails(program: Program, cost: FloatArray, relaxed: Solution) -> list[FloatArray]:
    """Return plans under common factors on the mean tails, nearer and nearer to the loosest that holds the goals."""
    tails = {k: _mean_tail(program, k) for k in program.dose_volume}
    limits = {k: program.requirements[k].limit for k in tails}
    # The factor at which the plan without these goals holds all mean tails: nothing looser is of use.
    means = {k: tail.mean_gy(relaxed.x) for k, tail in tails.items()}

    def loosened(k: int, share: float) -> float:
        """Return a limit between the goal's own and what holds anyway; a goal may ask for 0 Gy."""
        return limits[k] * (1.0 + share * (means[k] / limits[k] - 1.0)) if limits[k] else share * means[k]

    found: list[FloatArray] = []
    low, high = 0.0, 1.0
    with program.in_place_of_dose_volume(tails) as limit:
        for step in range(1 + HALVINGS):
            share = 0.5 * (low + high) if step else 0.0
            limit({k: loosened(k, share) for k in tails})
            plan = program.solve(cost, tolerance_frac=TAIL_TOLERANCE_FRAC, max_rounds=TAIL_ROUNDS)
            if plan.status == LPStatus.INFEASIBLE:
                low = share
                continue
            found.append(plan.x)
            if dose_volume_missed(program, plan.x):
                high = share
            else:
                low = share
    return found


def _mean_tail(program: Program, k: int) -> MeanTail:
    """Return the convex, stricter form of dose-volume goal ``k``."""
    requirement = program.requirements[k]
    volume_cc = program.problem.points.volume_cc[requirement.rows]
    return MeanTail(program.families[k].points, volume_cc, requirement.tail_cc)
