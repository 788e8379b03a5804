"""The times on the afterloader's grid that lose least: a dive through the linear program, then whole numbers near it.

Rounding up keeps every D100 and costs half a step for each stop: 0.17 % of the liver's mean dose on the demo with steps
of 0.1 s, 1.7 % with 1 s. Fixing one time after the other, with all others free to make up for it, costs 0.02 % and
0.17 % there; a program in whole numbers, begun from that, 0.14 % with 1 s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.costs import measured
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.judge import broken
from hdrplan.optimize.program.lazy_lp import LPStatus, Solution
from hdrplan.optimize.program.whole_numbers import WholeColumns, WholeNumbers

__all__ = ["NEAR_STEPS", "Rounding", "best_rounding", "may_miss", "rank"]

# How many steps a time may lie from its real number; what more would give was never seen to matter.
NEAR_STEPS = 2
# A search ends when its bound is this near, or as near as a loss at which to be content.
GAP_FRAC = 1e-5
# Of more stops than these several are fixed at once, and a search in whole numbers follows only where a goal is
# missed, for no new stop: of 350 stops one of a hundred branches took 7 CPU s and gained 0.02 % of the dose; with steps
# of 1 s a thousand branches did not end in ten minutes.
_MANY_STOPS = 100
# Of the times that are not whole yet, those nearest to the grid are fixed together, and no fewer: 350 stops became
# whole in 43 programs instead of 143 (1.8 CPU s instead of 4.2), and lost 0.153 % instead of 0.172 %; in whole seconds
# 1.50 % instead of 1.94 %.
_AT_ONCE_FRAC, _AT_ONCE = 0.2, 16
# The last ones go up together: to its nearer side one often made room for a new stop, and that for the next, through
# 150 programs (5.6 CPU s instead of 2).
_LAST = 4
# A time this near to the grid, in steps, stands on it.
_ON_GRID = 1e-9
# What it costs to miss a goal by its whole limit, in objectives: a prescription, then each level a tenth of the last.
# A price alone let a search that ended at its thousand branches sell 9e-6 Gy of a prescription for a level's volume:
# a prescription is missed by no more than the best start misses it, whatever that costs.
_MISS_COST = 1e5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rounding:
    """Whole times, and how good any near them could be.

    Parameters
    ----------
    x : (n_columns,) array
        Columns of the program; misses are those of the real times.
    bound : float
        No times on the grid within ``NEAR_STEPS`` of the real ones, under the same exclusions of the dose-volume goals,
        have a lower objective.
    """

    x: FloatArray
    bound: float


def may_miss(program: Program) -> tuple[int, ...]:
    """Return the requirements entered that give way to the others: lower limits on CTVs, and goals of later levels."""
    ctvs = {r.structure for r in program.requirements if r.prescription}
    entered = {*program.families, *program.single_rows}
    return tuple(
        k
        for k, r in enumerate(program.requirements)
        if k in entered and (r.level > 0 or (r.sense == 1 and r.structure in ctvs))
    )


def best_rounding(
    program: Program,
    cost: FloatArray,
    plan: Solution,
    starts: Sequence[FloatArray],
    *,
    step_s: float,
    close_frac: float,
    reserve_frac: float,
    max_nodes: int,
) -> Rounding:
    """Return the whole times that miss least, and of these the ones of the least objective found.

    Parameters
    ----------
    program : Program
        Its limits on times are kept; it stands as before afterwards.
    cost : (n_columns,) array
        Main objective.
    plan : Solution
        Real times.
    starts : sequence of (n_columns,) arrays
        Whole times to begin with, at least one.
    step_s : float
        Of the grid.
    close_frac : float
        A loss at which to be content, and a gap to its bound at which a search ends.
    reserve_frac : float
        How much of the prescriptions' reserves such a content may take.
    max_nodes : int
        Branches of one search in whole numbers; 0 makes none.

    Returns
    -------
    Rounding
    """
    relaxed = program.solve(cost, plan.excused)
    if relaxed.status != LPStatus.OPTIMAL:
        best = min(starts, key=lambda x: rank(program, cost, x))
        return Rounding(x=best, bound=float(cost @ plan.x))
    dived = _dived(program, cost, relaxed, step_s)
    tried = [*starts, *([] if dived is None else [_with_misses_of(plan.x, dived, program)])]
    best = min(tried, key=lambda x: rank(program, cost, x))
    hard, short, price = rank(program, cost, best)
    if max_nodes == 0:
        return Rounding(x=best, bound=relaxed.bound)
    many = _many_stops(relaxed, program.columns.n_dwells, step_s)
    if (hard == short == 0.0 and many) or _little_lost(program, cost, best, relaxed.bound, close_frac, reserve_frac):
        return Rounding(x=best, bound=relaxed.bound)
    price = price if hard == 0.0 else np.inf
    columns = _columns(program, cost, relaxed, best, plan.x, step_s=step_s, price=price)
    search = WholeNumbers(columns, max_nodes=max_nodes, gap_frac=max(GAP_FRAC, close_frac))
    program.thin_out(relaxed.x)
    search.add_rows(program.rows)
    with measured("whole numbers"):
        solution = search.solve(best, program.binding)
    if solution is None:
        return Rounding(x=best, bound=relaxed.bound)
    x = _with_misses_of(plan.x, solution.x, program)
    best = min((best, x), key=lambda x: rank(program, cost, x))
    return Rounding(x=best, bound=relaxed.bound if many else max(relaxed.bound, solution.bound))


def _miss_costs(program: Program, cost: FloatArray, x: FloatArray) -> dict[int, float]:
    """Price of each Gy (or s) that a requirement is missed by, in the objective's unit."""
    scale = _MISS_COST * max(abs(float(cost @ x)), 1e-6)
    listed = program.requirements
    return {k: scale * 0.1 ** min(listed[k].level, 4) / max(listed[k].limit, 1e-9) for k in may_miss(program)}


def _missed(program: Program, x: FloatArray) -> dict[int, float]:
    return {k: by for k, by in broken(program, x).items() if by > 0}


def rank(program: Program, cost: FloatArray, x: FloatArray) -> tuple[float, float, float]:
    """By how much limits that never give way are broken, then prescriptions; then the objective, misses priced."""
    missed, prices = _missed(program, x), _miss_costs(program, cost, x)
    hard = sum(by for k, by in missed.items() if k not in prices)
    short = sum(by for k, by in missed.items() if k in prices and program.requirements[k].level == 0)
    return hard, short, float(cost @ x) + sum(prices[k] * by for k, by in missed.items() if k in prices)


def _little_lost(
    program: Program, cost: FloatArray, x: FloatArray, bound: float, close_frac: float, reserve_frac: float
) -> bool:
    """Whether whole times lose at most a fraction of the objective, and one of the prescriptions' reserves."""
    frac = reserve_frac * program.problem.reserve_frac
    reserves = {k: frac * r.limit for k, r in enumerate(program.requirements) if r.prescription}
    within = all(by <= reserves.get(k, 0.0) for k, by in _missed(program, x).items())
    return within and float(cost @ x) - bound <= close_frac * abs(bound)


def _with_misses_of(real: FloatArray, x: FloatArray, program: Program) -> FloatArray:
    n = program.columns.n_dwells
    return np.concatenate((x[:n], real[n:]))


def _many_stops(relaxed: Solution, n_dwells: int, step_s: float) -> bool:
    return int(np.count_nonzero(relaxed.x[:n_dwells] / step_s > _ON_GRID)) > _MANY_STOPS


def _dived(program: Program, cost: FloatArray, relaxed: Solution, step_s: float) -> FloatArray | None:
    """Fix the times nearest to the grid, solve for all others, and so on; None where limits forbid that."""
    n, now = program.columns.n_dwells, relaxed
    shortest_s, longest_s = program.time_bounds_s
    free = shortest_s < longest_s
    many = _many_stops(relaxed, n, step_s)
    with program.times_bound() as bound:

        def with_fixed(dwells: IntArray, steps: FloatArray) -> Solution | None:
            """Solve with some times at whole steps; None, and these free again, where that holds no limits."""
            times_s = np.round(steps * step_s, 9)
            if ((times_s < shortest_s[dwells]) | (times_s > longest_s[dwells])).any():
                return None
            bound(dwells, times_s, times_s)
            solved = program.solve(cost, relaxed.excused)
            if solved.status == LPStatus.OPTIMAL:
                return solved
            bound(dwells, shortest_s[dwells], longest_s[dwells])
            return None

        while True:
            steps = now.x[:n] / step_s
            off = np.where(free, np.abs(steps - np.round(steps)), 0.0)
            left = np.flatnonzero(off > _ON_GRID)
            if len(left) == 0:
                break
            nearest = left[np.argsort(off[left], kind="stable")]
            several, one = nearest[: max(_AT_ONCE, int(_AT_ONCE_FRAC * len(left)))], nearest[:1]
            again = with_fixed(left, np.ceil(steps[left])) if many and len(left) <= _LAST else None
            if many and len(several) > 1:
                again = again or with_fixed(several, np.round(steps[several]))
            # One alone: the nearer side first, the other where limits forbid it.
            for side in sorted((np.floor(steps[one]), np.ceil(steps[one])), key=lambda s: abs(s[0] - steps[one[0]])):
                again = again or with_fixed(one, side)
            if again is None:
                return None
            now = again
    x = now.x.copy()
    x[:n] = np.where(free, np.round(np.round(x[:n] / step_s) * step_s, 9), x[:n])
    return x


def _columns(
    program: Program,
    cost: FloatArray,
    relaxed: Solution,
    start: FloatArray,
    real: FloatArray,
    *,
    step_s: float,
    price: float,
) -> WholeColumns:
    """Return the variables of the search: times near their real numbers, misses, and what these may exceed.

    A time that is 0 at the optimum costs its reduced cost for each step: where one step costs more than the best plan
    known has lost, it stays 0.
    """
    n = program.columns.n_dwells
    shortest_s, longest_s = program.time_bounds_s
    free = shortest_s < longest_s
    steps, begun = relaxed.x[:n] / step_s, np.round(start[:n] / step_s)
    lowest = np.maximum(np.ceil(shortest_s / step_s - 1e-6), np.minimum(begun, np.floor(steps) - NEAR_STEPS))
    highest = np.minimum(np.floor(longest_s / step_s + 1e-6), np.maximum(begun, np.ceil(steps) + NEAR_STEPS))
    too_costly = (cost - relaxed.dual.paid)[:n] * step_s > price - relaxed.bound
    stay = (steps <= _ON_GRID) & (too_costly | _many_stops(relaxed, n, step_s))
    highest = np.where(stay, np.maximum(lowest, begun), highest)
    misses = program.max_miss(range(len(program.requirements)))
    costs, missed = _miss_costs(program, cost, real), _missed(program, start)
    excess_limit = [np.inf if program.requirements[k].level > 0 else missed.get(k, 0.0) for k in costs]
    return WholeColumns(
        cost=cost,
        lower=np.concatenate((np.where(free, lowest * step_s, shortest_s), np.zeros(len(misses)))),
        upper=np.concatenate((np.where(free, highest * step_s, longest_s), np.maximum(misses, real[n:]))),
        step=np.concatenate((np.where(free, step_s, 0.0), np.zeros(len(misses)))),
        excess_of=program.columns.of_misses(list(costs)),
        excess_limit=np.array(excess_limit),
        excess_cost=np.array(list(costs.values())),
    )
