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
from hdrplan.optimize.bound.dose_modes import Directions, directions, excess_of
from hdrplan.optimize.bound.region import Ranges, Region, floors_of
from hdrplan.optimize.bound.region_program import NO_MATTER, Question, RegionProgram, RegionRow
from hdrplan.optimize.notes import ProofEnd
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.lazy_lp import LazyLP, LPStatus, Solution
from hdrplan.optimize.program.rows import NewRows
from hdrplan.optimize.work import WorkLimit
from hdrplan.threads import one_blas_thread, thread_count

__all__ = ["ProvenBound", "branch_and_bound"]

# Points of each goal whose greatest and smallest doses give the first plans to learn from.
LEARNT = 5
MAX_SWEEPS = 6
# Sweeps go on while each closes this part of the gap; then halving does more.
WORTH_FRAC = 0.25
# Regions halved together, whatever the number of threads: the same search on every machine.
TOGETHER = 2


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
    gap: float,
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
    gap : float
        The end: no plan is better than the best found by more than this, in the unit of the objective.
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
    # A goal that may be missed says nothing about the volume.
    hard = [k for k in program.dose_volume if program.max_miss([k])[0] == 0.0]
    deadline = begun + limit.seconds
    lp = program.hand_over()
    in_hand = _Best(value=best, plan=None, regions=0)
    with one_blas_thread(), ThreadPoolExecutor(min(thread_count(), 2 * TOGETHER)) as pool:
        first = lp.solve(cost, deadline=deadline)
        bound = np.inf if first.status == LPStatus.INFEASIBLE else first.bound
        if hard and bound < best - gap:
            search = _Search(
                lp=lp,
                n_dwells=program.columns.n_dwells,
                question=Question(cost=cost, excess=excess_of(program, hard), gap=gap, deadline=deadline),
                max_regions=limit.steps,
                polish=polish,
                report=_Report(on_progress or (lambda share: None), begun, bound),
            )
            bound, in_hand = _searched(search, in_hand, first, pool)
    if bound >= in_hand.value - gap:
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Best:
    """The best plan so far, and the regions looked at by then."""

    value: float
    plan: Solution | None
    regions: int

    def seen(self, regions: int) -> _Best:
        return replace(self, regions=self.regions + regions)


@dataclass(frozen=True, slots=True, eq=False)
class _Report:
    """How far a search is, from the bound that it began with."""

    on_progress: Callable[[float], None]
    begun: float
    first: float

    def __call__(self, search: _Search, best: _Best, bound: float) -> None:
        used = (time.monotonic() - self.begun) / max(search.question.deadline - self.begun, 1e-9)
        if search.max_regions:
            used = max(used, best.regions / search.max_regions)
        closed = (bound - self.first) / max(search.target(best) - self.first, 1e-9)
        self.on_progress(float(np.clip(max(used, closed), 0.0, 1.0)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Search:
    """What all steps of one search work with."""

    lp: LazyLP
    n_dwells: int
    question: Question
    max_regions: int | None
    polish: Callable[[FloatArray], Solution] | None
    report: _Report

    def target(self, best: _Best) -> float:
        """Plans must be below this to be worth having."""
        return best.value - self.question.gap

    def late(self, best: _Best) -> bool:
        """Whether the time or the work allowed is used up."""
        out_of_work = self.max_regions is not None and best.regions >= self.max_regions
        return out_of_work or time.monotonic() > self.question.deadline

    def improved(self, best: _Best, x: FloatArray) -> _Best:
        """Make a plan of promising times; keep it where it is better."""
        if self.polish is None or self.late(best):
            return best
        plan = self.polish(x)
        if plan.status != LPStatus.OPTIMAL or plan.value >= best.value - 1e-3 * self.question.gap:
            return best
        return replace(best, value=plan.value, plan=plan)


def _searched(search: _Search, best: _Best, first: Solution, pool: ThreadPoolExecutor) -> tuple[float, _Best]:
    """Return the bound and the best plan."""
    lp, n = search.lp, search.n_dwells
    bound = first.bound
    search.report(search, best, bound)
    # A time whose second costs more than is left to spend is short: reduced costs.
    reduced = np.maximum((search.question.cost - first.dual.paid)[:n], 0.0)
    spare = search.target(best) - bound
    shortest_s = lp.lower[:n].copy()
    longest_s = np.minimum(lp.upper[:n], lp.lower[:n] + spare / np.maximum(reduced, 1e-12 * spare))
    while True:
        goal = search.target(best)
        root, best = _swept(search, best, pool, bound, first.x, shortest_s, longest_s)
        if root is None:
            return search.target(best), best
        bound, best = _halved(search, best, pool, *root, enough=goal)
        # A plan much better than the one in hand leaves far fewer worth having: begin again with these.
        if search.late(best) or best.value >= goal:
            return bound, best


def _learnt(search: _Search, best: _Best, x: FloatArray) -> FloatArray:
    """Return plans worth having that differ much, while the program learns the rows that matter."""
    lp, n, question = search.lp, search.n_dwells, search.question
    excess, cost = question.excess, question.cost
    worth_having = NewRows(cost[None, :], np.array([-np.inf]), np.array([search.target(best)]))
    row = lp.add(RegionRow.WORTH_HAVING, worth_having)
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


def _swept(
    search: _Search,
    best: _Best,
    pool: ThreadPoolExecutor,
    bound: float,
    x: FloatArray,
    shortest_s: FloatArray,
    longest_s: FloatArray,
) -> tuple[tuple[Region, Directions] | None, _Best]:
    """Bound all plans at once, again and again, each time with directions chosen anew; None: none worth having."""
    lp, question, n = search.lp, search.question, search.n_dwells
    at, before, plans_s = np.arange(len(question.excess.volume_cc)), None, _learnt(search, best, x)
    for sweep in range(MAX_SWEEPS):
        seen = directions(question.excess, at, plans_s, shortest_s, longest_s)
        corners = np.sort(np.stack((seen.per_s * shortest_s, seen.per_s * longest_s)), axis=0).sum(axis=2)
        pair = [RegionProgram(lp.copy(), question, seen, search.target(best)) for _ in range(2)]
        master = RegionProgram(lp, question, seen, search.target(best))
        ranges, extremes = _tightened((*pair, master), Ranges(corners[0], corners[1]), pool)
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
        region, best = Region(bound, 0, ranges, x), best.seen(1)
        search.report(search, best, bound)
        plans_s = np.array([plans_s[0], *(plan.x[:n] for plan in extremes), x[:n]])
        best = search.improved(best, x)
        if search.late(best) or (sweep and gained < WORTH_FRAC * (search.target(best) - bound + gained)):
            break
        # Points that are never on the wrong side need no description.
        at = at[seen.reach(ranges.low, ranges.high)[1] > 0]
    return (region, seen), best


def _tightened(
    programs: Sequence[RegionProgram], ranges: Ranges, pool: ThreadPoolExecutor
) -> tuple[Ranges | None, list[Solution]]:
    """Tighten the ranges of all numbers that matter, two programs at a time; None where no plan is left.

    Returns the plans with the smallest and greatest numbers too.
    """
    seen, extremes = programs[0].seen, list[Solution]()
    for program in programs:
        program.enter(ranges)
    for k in np.flatnonzero(ranges.moves(seen) > NO_MATTER).tolist():
        both = list(pool.map(lambda program, sign, k=k: program.extreme(k, sign), programs[:2], (1.0, -1.0)))
        narrow = ranges.narrowed(k, *both)
        if narrow is None:
            return None, extremes
        ranges = narrow
        for program in programs:
            program.narrow(k, ranges)
        extremes += [solution for solution in both if solution is not None]
    return ranges, extremes


def _halved(
    search: _Search, best: _Best, pool: ThreadPoolExecutor, root: Region, seen: Directions, *, enough: float
) -> tuple[float, _Best]:
    """Branch and bound, best bound first, until it is closed or a plan better than ``enough`` is found."""
    lp = search.lp
    rows = [i for i in range(lp.rows_used) if np.isfinite((lp.row(i).low, lp.row(i).high)).any()]
    programs = [RegionProgram(lp.copy(rows), search.question, seen, search.target(best)) for _ in range(2 * TOGETHER)]
    waiting, steps = [root], 0
    while waiting and waiting[0].bound < search.target(best) and best.value >= enough and not search.late(best):
        steps += 1
        halves: list[Region] = []
        for _ in range(min(TOGETHER, len(waiting))):
            halves += _halves(heapq.heappop(waiting), seen, best.regions)
            best = best.seen(2)
        # All are treated before any program is given new rows.
        for half in list(pool.map(lambda program, half: program.treat(half), programs, halves)):
            if half is not None:
                heapq.heappush(waiting, half)
                _learn_rows(lp, half.x, programs)
        if waiting and steps & (steps - 1) == 0:
            best = search.improved(best, waiting[0].x)
            for program in programs:
                program.aim(search.target(best))
        search.report(search, best, min(search.target(best), waiting[0].bound if waiting else np.inf))
    return min(search.target(best), waiting[0].bound if waiting else np.inf), best


def _halves(region: Region, seen: Directions, made: int) -> tuple[Region, Region]:
    """Halve a region along the number that moves the doses of its undecided points most."""
    below, above = region.ranges.halved(int(np.argmax(region.ranges.moves(seen))))
    return (
        Region(region.bound, made + 2, below, region.x),
        Region(region.bound, made + 3, above, region.x),
    )


def _learn_rows(lp: LazyLP, x: FloatArray, programs: Sequence[RegionProgram]) -> None:
    """Give all programs the rows of the other goals that a solution violates."""
    for family in lp.families:
        new, _ = family.violated(x)
        if new is not None:
            family.taken(lp.add(family.owner, new), new)
            for program in programs:
                program.lp.add(family.owner, new)
