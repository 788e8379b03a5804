"""Times without stops that are too short: each stop lasts at least the shortest time, or is left out.

Either is a choice for each stop, so the plans are not convex. Dives decide for many stops at once; branch and bound
then goes on with one stop at a time. Where it finds no plan that meets all goals, goals give way as they do elsewhere:
those of the last priority level first, then those of earlier levels too, then the prescriptions; organ limits stand.

References
----------
Semi-continuous variables: Beale EML, Branch and bound methods for mathematical programming systems. Ann Discrete Math
1979;5:201-219. https://doi.org/10.1016/S0167-5060(08)70351-0
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.errors import InputError
from hdrplan.optimize.afterloader import Delivery
from hdrplan.optimize.program.dose_program import MAX_MISS, Program
from hdrplan.optimize.program.judge import polished
from hdrplan.optimize.program.lazy_lp import LPStatus, Solution
from hdrplan.optimize.times.rounding import may_miss, rank

__all__ = ["without_short_stops"]

# Shorter times are 0 but for the solver's last digits, and times as near to the shortest are the shortest.
_NO_TIME_S = 1e-9
# A dive leaves out the stops below this fraction of the shortest time, lengthens the others, and solves again.
_DIVES_FRAC = (0.5, 0.9, 0.1)
_MAX_TRIES = 12
# Linear programs of one search, by the number of stops: with many each takes seconds, and few are too short.
_MAX_NODES, _MIN_NODES, _NODES_PER_STOP = 100, 12, 2500
# A plan this near to the bound, as a fraction of the objective, ends a branch: half of what the proof costs.
_CLOSE_FRAC = 5e-4
# What it costs to miss a goal that gives way by its whole limit, in objectives; of each later level a tenth.
_MISS_COST = 1e3


def without_short_stops(program: Program, cost: FloatArray, plan: Solution, delivery: Delivery) -> Solution:
    """Return times of which none is too short, at the least cost found; the program keeps to these stops.

    Parameters
    ----------
    program : Program
        Its limits on times are changed for good, and so is what a goal that gave way may be missed by.
    cost : (n_columns,) array
    plan : Solution
        Times that may be too short.
    delivery : Delivery
        Its shortest stop; without its search the best of the dives is enough, where they find any.

    Returns
    -------
    Solution
        Stopped where time ran out before any was found: then its times are made from those of ``plan`` alone.

    Raises
    ------
    InputError
        No times with stops of at least ``shortest_s`` hold the limits, with every prescription given up.
    """
    shortest_s = delivery.shortest_s
    if shortest_s <= 0:
        return plan
    found = None
    for gives_way in _giving_way(program):
        found = _at_any_miss(program, cost, plan, delivery, gives_way)
        if found is not None:
            break
    if found is None:
        raise InputError(
            "dwell times of at least the minimum cannot hold the limits",
            got=f"{shortest_s:g} s",
            remedy="Lower the minimum dwell time, or relax a limit.",
        )
    # Whole times keep to these stops.
    free, times_s = _free(program), found.x[: program.columns.n_dwells]
    _, longest_s = program.time_bounds_s
    stops, others = (np.flatnonzero(free & at) for at in (times_s > _NO_TIME_S, times_s <= _NO_TIME_S))
    program.bound_times(stops, shortest_s, longest_s[stops])
    program.bound_times(others, 0.0, 0.0)
    x = found.x.copy()
    x[stops], x[others] = np.maximum(x[stops], shortest_s), 0.0
    return replace(found, x=x)


def _giving_way(program: Program) -> Iterator[tuple[int, ...]]:
    """Yield the requirements that give way: none, those of the last level, of the last two, ..., and prescriptions."""
    yield ()
    listed, able = program.requirements, may_miss(program)
    for level in sorted({listed[k].level for k in able}, reverse=True):
        yield tuple(k for k in able if listed[k].level >= level)


def _at_any_miss(
    program: Program, cost: FloatArray, plan: Solution, delivery: Delivery, gives_way: tuple[int, ...]
) -> Solution | None:
    """Search while some requirements may be missed, at a price; they stay so where that finds times."""
    listed, before = program.requirements, program.max_miss(gives_way)
    scale = _MISS_COST * max(abs(float(cost @ plan.x)), 1e-6)
    price = {k: scale * 0.1 ** min(listed[k].level, 4) / max(listed[k].limit, 1e-9) for k in gives_way}
    with program.missing_allowed(gives_way) as allow:
        # A dose below 0 cannot be asked for.
        allow(np.array([listed[k].limit if listed[k].sense == 1 else MAX_MISS for k in gives_way]))
        priced = cost + program.columns.cost(misses=price)
        found = _searched(program, priced, plan, delivery)
        if found is not None and program.dose_volume and found.status == LPStatus.OPTIMAL:
            found = _other_points_left_out(program, priced, found, delivery.shortest_s)
    if found is not None:
        program.allow_miss(gives_way, np.maximum(before, found.x[program.columns.of_misses(gives_way)]))
        return replace(found, value=float(cost @ found.x))
    return None


def _searched(program: Program, cost: FloatArray, plan: Solution, delivery: Delivery) -> Solution | None:
    """Return the best times found by dives and by branch and bound, depth first."""
    all_dwells, shortest_s = np.arange(program.columns.n_dwells), delivery.shortest_s
    best: Solution | None = None
    first = program.time_bounds_s
    with program.times_bound() as bound:
        for leave_out_frac in _DIVES_FRAC:
            best = _better(best, _dived(program, cost, plan, shortest_s, leave_out_frac))
            bound(all_dwells, *first)
        if best is not None and not delivery.search:
            return best
        stops = int(np.count_nonzero(plan.x[: program.columns.n_dwells] > _NO_TIME_S))
        stack = [first]
        for _ in range(int(np.clip(_NODES_PER_STOP / max(stops, 1), _MIN_NODES, _MAX_NODES))):
            if not stack:
                break
            shortest, longest = stack.pop()
            bound(all_dwells, shortest, longest)
            solved = program.solve(cost, plan.excused)
            if solved.status == LPStatus.STOPPED:
                return best or _without_solving(program, cost, plan, shortest_s)
            if solved.status != LPStatus.OPTIMAL or _is_close(solved, best):
                continue
            short = _short(program, solved.x, shortest_s)
            if not short.any():
                best = solved
                continue
            times_s = solved.x[all_dwells]
            j = int(np.where(short, np.minimum(times_s, shortest_s - times_s), -1.0).argmax())
            left_out, lengthened = longest.copy(), shortest.copy()
            left_out[j], lengthened[j] = 0.0, shortest_s
            sides = [(shortest, left_out)] + ([(lengthened, longest)] if longest[j] >= shortest_s else [])
            stack += sides if times_s[j] >= 0.5 * shortest_s else sides[::-1]
    return best


def _other_points_left_out(program: Program, cost: FloatArray, found: Solution, shortest_s: float) -> Solution:
    """Let dose-volume goals leave out the points that suit the stops found: fewer goals give way, or by less."""
    free, (_, longest_s) = _free(program), program.time_bounds_s
    stop = free & (found.x[: program.columns.n_dwells] > _NO_TIME_S)
    with program.times_bound() as bound:
        at = np.flatnonzero(free)
        bound(at, np.where(stop, shortest_s, 0.0)[at], np.where(stop, longest_s, 0.0)[at])
        polished_ = polished(program, cost, found.x)
    return polished_ if polished_.status == LPStatus.OPTIMAL and polished_.value <= found.value else found


def _dived(
    program: Program, cost: FloatArray, plan: Solution, shortest_s: float, leave_out_frac: float
) -> Solution | None:
    """Leave out the shortest stops and lengthen the others that are too short, until none is; None where that fails."""
    now = plan
    for _ in range(_MAX_TRIES):
        times_s, (_, longest_s) = now.x[: program.columns.n_dwells], program.time_bounds_s
        short = _short(program, now.x, shortest_s)
        if not short.any() and now is not plan:
            return now
        out = short & ((times_s < leave_out_frac * shortest_s) | (longest_s < shortest_s))
        drop, stretch = np.flatnonzero(out), np.flatnonzero(short & ~out)
        program.bound_times(drop, 0.0, 0.0)
        program.bound_times(stretch, shortest_s, longest_s[stretch])
        now = program.solve(cost, plan.excused)
        if now.status != LPStatus.OPTIMAL and len(drop):
            # Without the stops that were left out the goals fail: lengthen them instead.
            able = drop[longest_s[drop] >= shortest_s]
            program.bound_times(able, shortest_s, longest_s[able])
            now = program.solve(cost, plan.excused)
        if now.status != LPStatus.OPTIMAL:
            return None
    return None


def _without_solving(program: Program, cost: FloatArray, plan: Solution, shortest_s: float) -> Solution:
    """Return the least bad of the plan's own times: all short stops lengthened, or all of them left out."""
    n = program.columns.n_dwells
    _, longest_s = program.time_bounds_s
    short = _short(program, plan.x, shortest_s)
    out, longer = plan.x.copy(), plan.x.copy()
    out[:n][short] = 0.0
    longer[:n][short] = np.where(longest_s >= shortest_s, shortest_s, 0.0)[short]
    x = min(longer, out, key=lambda x: rank(program, cost, x))
    return replace(plan, x=x, value=float(cost @ x), status=LPStatus.STOPPED)


def _free(program: Program) -> BoolArray:
    shortest_s, longest_s = program.time_bounds_s
    return np.asarray(shortest_s < longest_s)


def _short(program: Program, x: FloatArray, shortest_s: float) -> BoolArray:
    """Return the stops that are too short; times that are fixed, or held at the shortest, are not."""
    times_s, (lowest_s, _) = x[: program.columns.n_dwells], program.time_bounds_s
    own = _free(program) & (lowest_s < shortest_s)
    return np.asarray(own & (times_s > _NO_TIME_S) & (times_s < shortest_s - _NO_TIME_S))


def _better(one: Solution | None, other: Solution | None) -> Solution | None:
    if one is None or other is None:
        return one or other
    return min(one, other, key=lambda solution: solution.value)


def _is_close(solved: Solution, best: Solution | None) -> bool:
    return best is not None and solved.value >= best.value - _CLOSE_FRAC * abs(best.value)
