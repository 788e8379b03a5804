"""All plans at once: ranges for the numbers in which plans worth having differ, narrower with every sweep."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.optimize.bound.dose_modes import Directions, directions
from hdrplan.optimize.bound.region import Ranges, Region, floors_of
from hdrplan.optimize.bound.region_program import NEGLIGIBLE_FRAC, RegionProgram, RegionRow
from hdrplan.optimize.bound.search import InHand, Search
from hdrplan.optimize.program.lazy_lp import LPStatus, Solution
from hdrplan.optimize.program.rows import NewRows

__all__ = ["swept"]

# Points of each goal whose greatest and smallest doses give the first plans to learn from.
LEARNT = 5
MAX_SWEEPS = 6
# Sweeps go on while each closes this part of the gap; then halving does more.
GAIN_FRAC = 0.25


def swept(
    search: Search, best: InHand, bound: float, x: FloatArray, shortest_s: FloatArray, longest_s: FloatArray
) -> tuple[tuple[Region, Directions] | None, InHand]:
    """Bound all plans at once, again and again, each time with directions chosen anew.

    Parameters
    ----------
    search : Search
    best : InHand
    bound : float
        Known before.
    x : (n_columns,) array
        A relaxation's plan.
    shortest_s, longest_s : (n_dwells,) arrays
        Bounds of the dwell times of plans worth having.

    Returns
    -------
    root : tuple of Region and Directions, or None
        All plans worth having, in the last directions; None where there is none.
    best : InHand
    """
    lp, question, n = search.lp, search.question, search.n_dwells
    at, before, plans_s = np.arange(len(question.excess.volume_cc)), None, _learnt(search, best, x)
    for sweep in range(MAX_SWEEPS):
        seen = directions(question.excess, at, plans_s, shortest_s, longest_s)
        corners = np.sort(np.stack((seen.per_s * shortest_s, seen.per_s * longest_s)), axis=0).sum(axis=2)
        pair = [RegionProgram(lp.copy(), question, seen, search.target(best)) for _ in range(2)]
        master = RegionProgram(lp, question, seen, search.target(best))
        ranges, extremes = _tightened((*pair, master), Ranges(corners[0], corners[1]), search.pool)
        if ranges is None:
            return None, best
        # What the sweep before knew has served its purpose: the ranges of the new numbers.
        if before is not None:
            before.leave()
        before = master
        floors = floors_of(question.excess, seen, ranges)
        if floors is None:
            return None, best
        new, x = master.bound(ranges, floors, x, check=sweep < 2)
        if new >= search.target(best):
            return None, best
        gained, bound = max(bound, new) - bound, max(bound, new)
        region, best = Region(bound=bound, order=0, ranges=ranges, x=x), best.seen(1)
        search.report.of(search, best, bound)
        plans_s = np.array([plans_s[0], *(plan.x[:n] for plan in extremes), x[:n]])
        best = search.improved(best, x)
        if search.late(best) or (sweep and gained < GAIN_FRAC * (search.target(best) - bound + gained)):
            break
        # Points that are never on the wrong side need no description.
        at = at[seen.reach(ranges.low, ranges.high)[1] > 0]
    return (region, seen), best


def _learnt(search: Search, best: InHand, x: FloatArray) -> FloatArray:
    """Return plans worth having that differ much, while the program learns the rows that matter."""
    lp, n, question = search.lp, search.n_dwells, search.question
    excess, cost = question.excess, question.cost
    better = NewRows(cost[None, :], np.array([-np.inf]), np.array([search.target(best)]))
    row = lp.add(RegionRow.BETTER, better)
    plans, above = [x[:n]], excess.of(x[:n])
    for g in range(len(excess.tail_cc)):
        own = np.flatnonzero(excess.goal == g)
        # The hottest points up to three times the goal's volume, evenly.
        hot = own[np.argsort(-above[own], kind="stable")]
        hot = hot[np.cumsum(excess.volume_cc[hot]) <= 3.0 * excess.tail_cc[g]]
        for point in hot[np.linspace(0, len(hot) - 1, min(LEARNT, len(hot))).astype(int)]:
            for sign in (1.0, -1.0):
                direction = np.zeros(len(cost))
                direction[:n] = sign * excess.per_s(np.array([point]))[0]
                solution = lp.solve(direction, primal=True, max_rounds=6, deadline=question.deadline)
                if solution.rounds and solution.status != LPStatus.INFEASIBLE:
                    plans.append(solution.x[:n])
    lp.limit(row, -np.inf, np.inf)
    return np.array(plans)


def _tightened(
    programs: Sequence[RegionProgram], ranges: Ranges, pool: ThreadPoolExecutor
) -> tuple[Ranges | None, list[Solution]]:
    """Tighten the ranges of all numbers that matter, two programs at a time; None where no plan is left.

    Returns the plans with the smallest and greatest numbers too.
    """
    seen, extremes = programs[0].seen, list[Solution]()
    for program in programs:
        program.enter(ranges)
    for k in np.flatnonzero(ranges.moves(seen) > NEGLIGIBLE_FRAC).tolist():
        both = list(pool.map(lambda program, sign, k=k: program.extreme(k, sign), programs[:2], (1.0, -1.0)))
        narrow = ranges.narrowed(k, *both)
        if narrow is None:
            return None, extremes
        ranges = narrow
        for program in programs:
            program.narrow(k, ranges)
        extremes += [solution for solution in both if solution is not None]
    return ranges, extremes
