"""How good could a plan with dose-volume goals be? A proven bound, by branch and bound.

"Less than v cc of the organ above L" is not convex: the volume above L is a staircase in the doses. But the plans that
matter are few: they hold every other goal, and they beat the plan in hand by more than the gap that is allowed. Written
in the few numbers in which these differ (:mod:`hdrplan.optimize.bound.dose_modes`), each with its range, most points
are never above L or always; the staircase of the others is bounded from below by convex functions
(:mod:`hdrplan.kernels.staircase`), each a row of the linear program. The program bounds the objective, and the ranges
of the numbers; smaller ranges make better rows, and so on. What remains is halved along the number that matters most,
and each half treated alike, until no half can hold a plan worth having. All bounds are by weak duality, recomputed
here.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.optimize.bound.dose_modes import Directions, Excess, excess_of
from hdrplan.optimize.bound.region import Region
from hdrplan.optimize.bound.region_program import Question, RegionProgram
from hdrplan.optimize.bound.search import InHand, Report, Search
from hdrplan.optimize.bound.sweep import Root, learnt, live_rows, swept
from hdrplan.optimize.notes import ProofEnd
from hdrplan.optimize.program.convex_bound import beyond_tails
from hdrplan.optimize.program.dose_program import MAX_MISS, Program
from hdrplan.optimize.program.lazy_lp import LazyLP, LPStatus, Solution
from hdrplan.optimize.work import WorkLimit
from hdrplan.threads import single_blas_thread, thread_count

__all__ = ["ProvenBound", "branch_and_bound"]

# Regions halved together, whatever the number of threads: the same search on every machine.
TOGETHER = 2
# Where no more than so many points may still be above their limit, halving decides single points: each takes one of the
# places, and when none is left, the region is a linear program without any staircase.
FEW_POINTS, MAX_UNDECIDED = 16, 1000
# A point this much above its limit, as a fraction, is worth to be decided.
ABOVE_FRAC = 1e-7
# A lower limit that may be missed by this fraction of it is not looked at.
MAX_MISS_FRAC = 0.9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProvenBound:
    """A proven lower bound of an objective, the better plan found on the way, and how much work it took.

    Parameters
    ----------
    bound : float
    ended : ProofEnd
        Whether the bound is as near to the best plan as was asked for, or what was used up before.
    plan : Solution or None
        A plan better than the one in hand.
    regions : int
    seconds : float
    """

    bound: float
    ended: ProofEnd
    plan: Solution | None
    regions: int
    seconds: float


def branch_and_bound(
    program: Program,
    cost: FloatArray,
    best: float,
    *,
    gap_of: Callable[[float], float],
    limit: WorkLimit,
    polish: Callable[[FloatArray], Solution] | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> ProvenBound:
    """Prove that no plan has an objective below some value, dose-volume goals included.

    Parameters
    ----------
    program : Program
        With the requirements of the plan entered; it goes over to the search.
    cost : (n_columns,) array
    best : float
        Objective of the plan in hand.
    gap_of : callable
        Objective of a plan -> the end: no plan is better than the best found by more than this, in the same unit.
    limit : WorkLimit
        Its steps are regions.
    polish : callable, optional
        Makes a plan of times that are promising; the search goes on from a better one.
    on_progress : callable, optional
        Called with the share of the work done, 0 to 1: of the gap closed or the limit used, whichever is more.

    Returns
    -------
    ProvenBound
    """
    begun = time.monotonic()
    held = [k for k in program.dose_volume if _says_anything(program, k)]
    deadline = begun + limit.seconds
    tails = beyond_tails(program)
    lp = program.hand_over()
    lp.families.extend(tails)
    in_hand = InHand(value=best, plan=None, regions=0)
    with single_blas_thread(), ThreadPoolExecutor(min(thread_count(), 2 * TOGETHER)) as pool:
        first = lp.solve(cost, deadline=deadline)
        bound = np.inf if first.status == LPStatus.INFEASIBLE else first.bound
        if held and bound < best - gap_of(best):
            search = Search(
                lp=lp,
                n_dwells=program.columns.n_dwells,
                question=Question(cost=cost, excess=excess_of(program, held), gap=gap_of(best), deadline=deadline),
                gap_of=gap_of,
                max_regions=limit.steps,
                polish=polish,
                report=Report(on_progress or (lambda share: None), begun, bound),
                pool=pool,
            )
            bound, in_hand = _searched(search, in_hand, first)
    if bound >= in_hand.value - gap_of(in_hand.value):
        ended = ProofEnd.CLOSED
    else:
        ended = ProofEnd.WORK if limit.steps is not None and in_hand.regions >= limit.steps else ProofEnd.TIME
    return ProvenBound(
        bound=min(bound, in_hand.value),
        ended=ended,
        plan=in_hand.plan,
        regions=in_hand.regions,
        seconds=time.monotonic() - begun,
    )


def _says_anything(program: Program, k: int) -> bool:
    """Whether a dose-volume goal, missed by all that is allowed, still limits a volume."""
    requirement = program.requirements[k]
    return bool(program.max_miss([k])[0] < (MAX_MISS if requirement.sense == -1 else MAX_MISS_FRAC * requirement.limit))


def _searched(search: Search, best: InHand, first: Solution) -> tuple[float, InHand]:
    """Return the bound and the best plan."""
    lp, n = search.lp, search.n_dwells
    bound = first.bound
    search.report.of(search, best, bound)
    # A time whose second costs more than is left to spend is short: reduced costs.
    reduced = np.maximum((search.question.cost - first.dual.paid)[:n], 0.0)
    spare = search.target(best) - bound
    shortest_s = lp.lower[:n].copy()
    longest_s = np.minimum(lp.upper[:n], lp.lower[:n] + spare / np.maximum(reduced, 1e-12 * spare))
    known = learnt(search, best, first)
    while True:
        goal = search.target(best)
        root, best = swept(search, best, known, shortest_s, longest_s)
        if root is None:
            return search.target(best), best
        known = root
        bound, best = _halved(search, best, root, enough=goal)
        # A plan much better than the one in hand leaves far fewer worth having: begin again with these.
        if search.late(best) or best.value >= goal:
            return bound, best


def _halved(search: Search, best: InHand, root: Root, *, enough: float) -> tuple[float, InHand]:
    """Branch and bound, best bound first, until it is closed or a plan better than ``enough`` is found."""
    lp, seen, rows = root.lp, root.seen, live_rows(root.lp)
    programs = [RegionProgram(lp.copy(rows), search.question, seen, search.target(best)) for _ in range(2 * TOGETHER)]
    waiting, steps = [root.region], 0
    while waiting and waiting[0].bound < search.target(best) and best.value >= enough and not search.late(best):
        steps += 1
        halves: list[Region] = []
        for _ in range(min(TOGETHER, len(waiting))):
            halves += _halves(heapq.heappop(waiting), seen, search.question.excess, best.regions)
            best = best.seen(2)
        # All are treated before any program is given new rows.
        for half in list(search.pool.map(lambda program, half: program.treat(half), programs, halves)):
            if half is not None:
                heapq.heappush(waiting, half)
                _learn_rows(lp, half.x, programs)
        if waiting and steps & (steps - 1) == 0:
            best = search.improved(best, waiting[0].x)
            for program in programs:
                program.aim(search.target(best))
        search.report.of(search, best, min(search.target(best), waiting[0].bound if waiting else np.inf))
    return min(search.target(best), waiting[0].bound if waiting else np.inf), best


def _halves(region: Region, seen: Directions, excess: Excess, made: int) -> tuple[Region, Region]:
    """Halve a region by one point, where few may be above, else along the number that moves its points most."""
    undecided = region.undecided
    point = _point_to_decide(region, seen, excess)
    if point is not None:
        under, over = (undecided.decided(excess, point, above=above) for above in (False, True))
        at_most = np.append(region.below, undecided.at[point])
        return (
            replace(region, order=made + 2, undecided=under, below=at_most),
            replace(region, order=made + 3, undecided=over),
        )
    below, above = region.ranges.halved(int(np.argmax(region.ranges.moves(seen, region.undecided))))
    return (replace(region, order=made + 2, ranges=below), replace(region, order=made + 3, ranges=above))


def _point_to_decide(region: Region, seen: Directions, excess: Excess) -> int | None:
    """Return the undecided point that the last solution puts highest, of goals that leave room for few of them."""
    undecided = region.undecided
    if not 0 < len(undecided.at) <= MAX_UNDECIDED:
        return None
    goal, volume_cc = excess.goal[undecided.at], excess.volume_cc[undecided.at]
    room_cc = excess.room_cc - undecided.above_cc
    mean_cc = np.bincount(goal, volume_cc, len(room_cc)) / np.maximum(np.bincount(goal, minlength=len(room_cc)), 1)
    above = excess.per_s(undecided.at) @ region.x[: seen.n_dwells] + excess.shift[undecided.at]
    above[(room_cc > FEW_POINTS * mean_cc)[goal]] = -np.inf
    highest = int(np.argmax(above))
    return highest if above[highest] > ABOVE_FRAC else None


def _learn_rows(lp: LazyLP, x: FloatArray, programs: Sequence[RegionProgram]) -> None:
    """Give all programs the rows of the other goals that a solution violates."""
    for family in lp.families:
        new, _ = family.violated(x)
        if new is not None:
            family.taken(lp.add(family.owner, new), new)
            for program in programs:
                program.lp.add(family.owner, new)
