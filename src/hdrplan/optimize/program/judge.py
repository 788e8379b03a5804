"""What dwell times do to the requirements of a program, at all of their points."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.goal_rows import single_limit
from hdrplan.optimize.program.lazy_lp import Excused, LPStatus, Solution
from hdrplan.optimize.program.requirements import SAME_VOLUME_FRAC, hottest

# How many steps ahead the points to excuse are looked for.
FARTHEST = 3.0

__all__ = ["broken", "dose_volume_missed", "excused_at", "polished"]


def broken(program: Program, x: FloatArray, *, leave_out: Collection[int] = ()) -> dict[int, float]:
    """By how many Gy (or s) ``x`` breaks each requirement entered, some left out, at the worst of all points."""
    broken = {}
    dose_volume = program.dose_volume
    for k, requirement in enumerate(program.requirements):
        if k in leave_out:
            continue
        if k in dose_volume:
            # As a volume: which points may lie on the wrong side is chosen anew.
            dose_gy = program.families[k].points.dose_gy(x)
            short_gy = requirement.sense * (requirement.limit - dose_gy) - program.columns.miss(x, k)
            broken[k] = float(short_gy[~_outside(program, k, dose_gy)].max(initial=-np.inf))
        elif k in program.families:
            scale = max(requirement.limit, 1e-9)
            broken[k] = program.families[k].worst_frac(x, requirement.limit) * scale
        elif k in program.single_rows:
            row = program.row(program.single_rows[k]).coefficients
            value = float(row[: program.columns.n_dwells] @ x[: program.columns.n_dwells])
            broken[k] = requirement.sense * (single_limit(program.problem, requirement) - value) - program.columns.miss(
                x, k
            )
    return broken


def excused_at(program: Program, x: FloatArray) -> Excused:
    """Return for each dose-volume goal the points that are its hottest (coldest) at ``x``."""
    return {k: _outside(program, k, family.points.dose_gy(x)) for k, family in program.dose_volume.items()}


def _outside(program: Program, k: int, dose_gy: FloatArray) -> BoolArray:
    """Return the points that dose-volume goal ``k`` does not bind at these doses of its points."""
    requirement = program.requirements[k]
    volume = program.problem.points.volume_cc[requirement.rows]
    # A goal on a volume does not see the points on the surface, which have none.
    hot = hottest(-requirement.sense * dose_gy, volume, requirement.tail_cc)
    return np.asarray(hot | (volume == 0))


def dose_volume_missed(program: Program, x: FloatArray) -> list[int]:
    """Return the dose-volume goals that ``x`` does not reach within its miss."""
    missed = []
    for k, family in program.dose_volume.items():
        requirement = program.requirements[k]
        wrong = requirement.sense * (requirement.limit - family.points.dose_gy(x)) > program.columns.miss(x, k)
        wrong_cc = float(program.problem.points.volume_cc[requirement.rows][wrong].sum())
        if wrong_cc >= requirement.tail_cc * (1 - SAME_VOLUME_FRAC):
            missed.append(k)
    return missed


def polished(
    program: Program, cost: FloatArray, x: FloatArray, *, rounds: int = 25, better_frac: float = 3e-4
) -> Solution:
    """Minimise under dose-volume goals, which are not convex: excuse the hottest points, solve, repeat.

    For given excused points the program is linear and solved to its optimum. The points excused next are the hottest of
    the new plan, which stays feasible: the objective never rises. Where it fell, they are those of a plan ahead on the
    same way: on the demo at V150 <= 62 % D100 ends at 19.3 Gy instead of 18.9. Ends where the objective falls no more.

    Parameters
    ----------
    program : Program
    cost : (n_columns,) array
    x : (n_columns,) array
        A plan whose hottest points are the first to be excused.
    rounds : int
        At most so many.
    better_frac : float
        A round that lowers the objective by less than this fraction is the last.

    Returns
    -------
    Solution
    """
    best = program.solve(cost, excused_at(program, x))
    if best.status != LPStatus.OPTIMAL:
        return best
    ahead = 0.0
    for _ in range(rounds - 1):
        program.thin_out(best.x)
        solution = program.solve(cost, excused_at(program, best.x + ahead * (best.x - x)))
        gain = best.value - solution.value if solution.status == LPStatus.OPTIMAL else -np.inf
        if gain > 0.0:
            x, best = best.x, solution
        if gain > better_frac * max(abs(best.value), 1e-6):
            ahead = min(FARTHEST, 2.0 * ahead + 1.0)
        elif ahead:
            ahead = 0.0
        else:
            break
    return best
