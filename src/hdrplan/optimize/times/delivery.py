"""Times that an afterloader can deliver: whole tenths of a second, no very short stops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.errors import InputError
from hdrplan.optimize.afterloader import Delivery
from hdrplan.optimize.notes import MissedAfterRounding, Note, Rounded
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.judge import broken, excused_at
from hdrplan.optimize.program.lazy_lp import LPStatus, Solution

__all__ = ["deliverable"]

# Tries to find whole times that keep the limits; each lowers the broken limits by what was broken.
MAX_TRIES = 12


def deliverable(
    program: Program, cost: FloatArray, plan: Solution, delivery: Delivery
) -> tuple[FloatArray, tuple[Note, ...]]:
    """Return times by the rules that hold all that ``plan`` holds, and what to say about them.

    Times are rounded up, which keeps every D100. Where an upper limit then breaks, that limit is lowered by the excess
    and the program solved again. When that does not help, an organ's limit wins: times are rounded down, and then
    lengthened one by one, beginning where the coldest point gains most.

    Parameters
    ----------
    program : Program
        Its last use: limits, times and what was kept are changed for good.
    cost : (n_columns,) array
        Main objective.
    plan : Solution
        Real times.
    delivery : Delivery

    Returns
    -------
    times_s : (n_dwells,) array
    notes : tuple of Note

    Raises
    ------
    InputError
        No times with stops of at least the shortest time hold the limits.
    """
    before = float(cost @ plan.x)
    program.release_kept()
    # A dose-volume goal that held by itself was never at work; from now on it is, or whole times might break it.
    plan = replace(plan, excused=excused_at(program, plan.x))
    plan = _without_short_stops(program, cost, plan, delivery.shortest_s)
    x, missed = plan.x, {}
    for _ in range(MAX_TRIES):
        x = _rounded_up(program, plan.x, delivery.resolution_s)
        missed = {k: by for k, by in broken(program, x).items() if by > 0}
        if not missed:
            break
        for k, by in missed.items():
            program.lower_limit(k, 1.1 * by)
        again = program.solve(cost, plan.excused)
        if again.status != LPStatus.OPTIMAL:
            break
        plan = again
    up = not _breaks_an_organ(program, missed)
    if not up:
        # No whole times hold everything: the organs' hard limits win, as everywhere, and the coverage pays.
        x = _topped_up(program, plan.x, delivery)
        missed = {k: by for k, by in broken(program, x).items() if by > 0}
    rounded = Rounded(up=up, resolution_s=delivery.resolution_s, before=before, after=float(cost @ x))
    notes = [MissedAfterRounding(program.requirements[k].goal, by) for k, by in missed.items()]
    return x[: program.columns.n_dwells], (rounded, *notes)


def _free(program: Program) -> BoolArray:
    """Dwells whose time is not fixed."""
    shortest_s, longest_s = program.time_bounds_s
    return np.asarray(shortest_s < longest_s)


def _rounded_up(program: Program, x: FloatArray, step_s: float) -> FloatArray:
    """Round the times that are free; one that is whole but for the last digits stays."""
    return _with_times(program, x, np.ceil(x[: program.columns.n_dwells] / step_s - 1e-6) * step_s)


def _rounded_down(program: Program, x: FloatArray, step_s: float) -> FloatArray:
    return _with_times(program, x, np.floor(x[: program.columns.n_dwells] / step_s + 1e-6) * step_s)


def _with_times(program: Program, x: FloatArray, times_s: FloatArray) -> FloatArray:
    changed, n = x.copy(), program.columns.n_dwells
    changed[:n] = np.where(_free(program), np.round(times_s, 9), x[:n])
    return changed


def _breaks_an_organ(program: Program, missed: dict[int, float]) -> bool:
    """Whether one of the requirements missed by more than 0 is a hard upper limit outside the CTVs."""
    ctvs = {r.structure for r in program.requirements if r.prescription}
    broken_ones = [program.requirements[k] for k, by in missed.items() if by > 0]
    return any(r.sense == -1 and r.level == 0 and r.structure not in ctvs for r in broken_ones)


def _topped_up(program: Program, x: FloatArray, delivery: Delivery) -> FloatArray:
    """Round down, then lengthen single times again, as long as no organ's limit breaks.

    Each step goes to the dwell from which the coldest point of the CTVs gains most, until that point has what it had
    before, or none of the dwells near it can give more. No stop begins where one step would be too short a stop, or too
    short beside its neighbours.
    """
    step_s, n = delivery.resolution_s, program.columns.n_dwells
    ctvs = [(k, f.points) for k, f in program.families.items() if program.requirements[k].prescription]
    before_gy = {k: float(points.dose_gy(x).min()) for k, points in ctvs}
    x = _rounded_down(program, x, step_s)
    _, longest_s = program.time_bounds_s
    free = _free(program)
    if delivery.shortest_s > step_s or delivery.ratio is not None:
        free &= x[:n] > 0
    for _ in range(10 * n):
        coldest = []
        for k, points in ctvs:
            dose = points.dose_gy(x)
            at = int(dose.argmin())
            coldest.append((float(dose[at]) / max(before_gy[k], 1e-9), points.gy_per_s[at]))
        coverage, rates = min(coldest, key=lambda cold: cold[0])
        if coverage >= 1.0:
            break
        for j in np.argsort(-rates, kind="stable")[:MAX_TRIES]:
            longer = x.copy()
            longer[j] = round(longer[j] + step_s, 9)
            if free[j] and longer[j] <= longest_s[j] and not _breaks_an_organ(program, broken(program, longer)):
                x = longer
                break
        else:
            break
    return x


def _without_short_stops(program: Program, cost: FloatArray, plan: Solution, shortest_s: float) -> Solution:
    """Leave out stops shorter than half the shortest time, lengthen the others, until none is too short."""
    if shortest_s <= 0:
        return plan
    for _ in range(MAX_TRIES):
        times_s = plan.x[: program.columns.n_dwells]
        short = _free(program) & (times_s > 0) & (times_s < shortest_s * (1 - 1e-9))
        if not short.any():
            return plan
        drop = np.flatnonzero(short & (times_s < shortest_s / 2))
        stretch = np.flatnonzero(short & (times_s >= shortest_s / 2))
        _, longest_s = program.time_bounds_s
        program.bound_times(drop, 0.0, 0.0)
        program.bound_times(stretch, shortest_s, longest_s[stretch])
        again = program.solve(cost, plan.excused)
        if again.status != LPStatus.OPTIMAL:
            # Without the dropped stops the goals fail: lengthen them instead.
            program.bound_times(drop, shortest_s, longest_s[drop])
            again = program.solve(cost, plan.excused)
            if again.status != LPStatus.OPTIMAL:
                raise InputError(
                    "stops of at least the least time cannot hold the limits",
                    got=f"{shortest_s:g} s",
                    remedy="Shorten the least dwell time, or soften a limit.",
                )
        plan = again
    return plan
