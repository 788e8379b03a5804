"""All plans at once: ranges for the numbers in which plans worth having differ, narrower with every sweep."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.optimize.bound.dose_modes import Directions, directions
from hdrplan.optimize.bound.region import Floor, Ranges, Region, Undecided, floors_of
from hdrplan.optimize.bound.region_program import MAX_ROWS, NEGLIGIBLE_FRAC, PRESSED_ROWS, RegionProgram, RegionRow
from hdrplan.optimize.bound.search import InHand, Search
from hdrplan.optimize.program.lazy_lp import LazyLP, LPStatus, Solution
from hdrplan.optimize.program.rows import NewRows

__all__ = ["Root", "learnt", "live_rows", "pressed", "swept"]

# Points of each goal whose greatest and smallest doses give the first plans to learn from.
LEARNT = 3
MAX_SWEEPS = 40
# Groups of points of each goal whose doses are bounded in a sweep.
ROOT_GROUPS = 64
# Sweeps go on while each closes this part of the gap, or decides this part of the points; then halving does more.
GAIN_FRAC, DECIDED_FRAC = 0.25, 0.03


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Root:
    """All plans worth having, as one region.

    Parameters
    ----------
    region : Region
    seen : Directions
        The numbers of its ranges.
    lp : LazyLP
        The program with the rows of the region.
    plans_s : (k, n_dwells) array
        Plans worth having, or nearly so, that differ much.
    """

    region: Region
    seen: Directions
    lp: LazyLP
    plans_s: FloatArray


def swept(
    search: Search, best: InHand, before: Root, shortest_s: FloatArray, longest_s: FloatArray
) -> tuple[Root | None, InHand]:
    """Bound all plans at once, again and again, each time with directions chosen anew.

    Parameters
    ----------
    search : Search
    best : InHand
    before : Root
        What is known before: :func:`learnt`, or an earlier sweep.
    shortest_s, longest_s : (n_dwells,) arrays
        Bounds of the dwell times of plans worth having.

    Returns
    -------
    root : Root or None
        All plans worth having, in the last directions; None where there is none.
    best : InHand
    """
    question, root, left = search.question, before, np.inf
    for _ in range(MAX_SWEEPS):
        bound, n = root.region.bound, search.n_dwells
        undecided = root.region.undecided
        if not len(undecided.at):
            break
        # Points that are on one side for sure need no description.
        seen = directions(question.excess, undecided.at, root.plans_s, shortest_s, longest_s)
        corners = np.sort(np.stack((seen.per_s * shortest_s, seen.per_s * longest_s)), axis=0).sum(axis=2)
        # The sweep before serves to find the ranges of the new numbers, and then no more.
        pair = [RegionProgram(root.lp.copy(live_rows(root.lp)), question, seen, search.target(best)) for _ in range(2)]
        lp = root.lp.copy(i for i in live_rows(root.lp) if not isinstance(root.lp.row(i).owner, RegionRow))
        lp.families = root.lp.families
        master = RegionProgram(lp, question, seen, search.target(best), rows=MAX_ROWS + PRESSED_ROWS)
        ranges, extremes = _tightened((*pair, master), Ranges(corners[0], corners[1]), undecided, search.pool)
        if ranges is None:
            return None, best
        narrow = pair[0].decided(ranges, undecided, ROOT_GROUPS)
        floors = None if narrow is None else floors_of(question.excess, seen, ranges, narrow)
        if narrow is None or floors is None:
            return None, best
        new, x = master.bound(floors, root.region.x, check=True)
        if new >= search.target(best):
            return None, best
        tighter = pressed(master, ranges, floors, narrow)
        if tighter is None:
            return None, best
        ranges, narrow = tighter, narrow.within(question.excess, seen, tighter)
        gained, bound = max(bound, new) - bound, max(bound, new)
        plans_s = np.array([root.plans_s[0], *(plan.x[:n] for plan in extremes), x[:n]])
        region = Region(bound=bound, order=0, ranges=ranges, undecided=narrow, x=x)
        root = Root(region=region, seen=seen, lp=lp, plans_s=plans_s)
        best = search.improved(best.seen(1), x)
        search.report.of(search, best, bound)
        slow = gained < GAIN_FRAC * (search.target(best) - bound + gained)
        left, left_before = float(len(narrow.at)), left
        if search.late(best) or (slow and left > (1.0 - DECIDED_FRAC) * left_before):
            break
    return root, best


def live_rows(lp: LazyLP) -> list[int]:
    """Return the rows of a program that limit anything."""
    return [i for i in range(lp.rows_used) if np.isfinite((lp.row(i).low, lp.row(i).high)).any()]


def learnt(search: Search, best: InHand, first: Solution) -> Root:
    """Begin with what a first solve knows: find plans that differ much, while the program learns the rows that matter.

    Parameters
    ----------
    search : Search
    best : InHand
    first : Solution
        The objective at its smallest, without floors.

    Returns
    -------
    Root
        With every point, no number yet.
    """
    x = first.x
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
    none = np.zeros(0)
    nothing = Directions(at=np.arange(0), per_s=np.zeros((0, n)), loads=np.zeros((0, 0)), fixed=none, rest=none)
    undecided = Undecided.all_of(excess)
    region = Region(bound=first.bound, order=0, ranges=Ranges(none, none), undecided=undecided, x=x)
    return Root(region=region, seen=nothing, lp=lp, plans_s=np.array(plans))


def _tightened(
    programs: Sequence[RegionProgram], ranges: Ranges, undecided: Undecided, pool: ThreadPoolExecutor
) -> tuple[Ranges | None, list[Solution]]:
    """Tighten the ranges of all numbers that matter, two programs at a time; None where no plan is left.

    Returns the plans with the smallest and greatest numbers too.
    """
    seen, extremes = programs[0].seen, list[Solution]()
    for program in programs:
        program.enter(ranges)
    for k in np.flatnonzero(ranges.moves(seen, undecided) > NEGLIGIBLE_FRAC).tolist():
        both = list(pool.map(lambda program, sign, k=k: program.extreme(k, sign), programs[:2], (1.0, -1.0)))
        narrow = ranges.narrowed(k, *both)
        if narrow is None:
            return None, extremes
        ranges = narrow
        for program in programs:
            program.narrow(k, ranges)
        extremes += [solution for solution in both if solution is not None]
    return ranges, extremes


def pressed(program: RegionProgram, ranges: Ranges, floors: Sequence[Floor], undecided: Undecided) -> Ranges | None:
    """Tighten the numbers that matter with the floors, whose rows join at the extremes; None where no plan is left.

    The objective alone may never come to a place where a floor is broken. On 270 cc the least liver dose did not: no
    row was ever added, 1,700 points stayed undecided, and 220 regions left the bound 5 % below the plan. With the rows
    of the extremes 25 points were left, and 105 regions closed it to 0.1 %.

    Parameters
    ----------
    program : RegionProgram
        Keeps the rows.
    ranges : Ranges
        As entered.
    floors : sequence of Floor
        Made for these.
    undecided : Undecided
    """
    narrow, share = ranges, ranges.moves(program.seen, undecided)
    if all(floor.hulls is None for floor in floors):
        return ranges
    for k in np.argsort(-share, kind="stable")[: int((share > NEGLIGIBLE_FRAC).sum())].tolist():
        both = [program.extreme(k, sign, floors) for sign in (1.0, -1.0)]
        tighter = narrow.narrowed(k, *both)
        if tighter is None:
            return None
        narrow = tighter
        program.narrow(k, narrow)
    return narrow
