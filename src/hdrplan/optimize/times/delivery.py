"""Times that an afterloader can deliver: whole steps of its clock, no very short stops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.optimize.afterloader import Delivery
from hdrplan.optimize.notes import MissedAfterRounding, Note, Rounded, StopsLengthened
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.judge import broken, excused_at
from hdrplan.optimize.program.lazy_lp import LPStatus, Solution
from hdrplan.optimize.program.requirements import Kind
from hdrplan.optimize.times.rounding import best_rounding, may_miss
from hdrplan.optimize.times.short_stops import without_short_stops

__all__ = ["deliverable"]

# Times in steps of a microsecond are real numbers: a search in whole numbers of them did not end in minutes.
REAL_S = 1e-6
# A loss below this fraction of the objective, half of what the proof at every point costs, is not worth a search in
# whole numbers, nor is a search worth going on that near to its bound.
CLOSE_FRAC = 5e-4
# Where dose-volume goals bind, hardly any whole times hold all goals, and a search costs seconds for next to nothing:
# of 47 cc 1 to 3.5 CPU s for 0.05 % of the liver's dose or 0.003 Gy of a reserve of 0.02; of 255 cc 17 s for whole
# times that take nothing of the reserve and cost the liver 0.8 % more, 9 s for none. So it is for whole times that take
# more than these fractions of the objective and of the reserve.
CLOSE_UNDER_VOLUME_FRAC, RESERVE_UNDER_VOLUME_FRAC = 1e-2, 0.9
# Branches of a search in whole numbers, at steps of 1 s: fifty lose 0.14 % of the demo's liver dose, a thousand 0.11 %.
# Finer steps lose less in proportion, and their search gets as much less work: at 0.1 s a thousand branches took 8 CPU
# seconds on a lesion of 14 cc for 0.01 % of the liver's dose.
MAX_NODES = 1000
MIN_NODES = 50
# Tries to lower limits, and dwells that are tried to lengthen for one cold point.
MAX_TRIES = 12


def deliverable(
    program: Program, cost: FloatArray, plan: Solution, delivery: Delivery
) -> tuple[FloatArray, tuple[Note, ...]]:
    """Return times by the rules that hold all that ``plan`` holds, and what to say about them.

    The search for the least loss (:mod:`hdrplan.optimize.times.rounding`) begins with times rounded up, which keeps
    every D100. Where that breaks a limit, it also tries the times rounded up of a program whose limits are lower by the
    excess, and times rounded down, then lengthened one by one, beginning where the coldest point gains most.

    Parameters
    ----------
    program : Program
        Its last use: limits on times and what was kept are changed for good.
    cost : (n_columns,) array
        Main objective.
    plan : Solution
        Real times.
    delivery : Delivery

    Returns
    -------
    x : (n_columns,) array
        The times; what the requirements are missed by stays that of ``plan``.
    notes : tuple of Note

    Raises
    ------
    InputError
        No times with stops of at least the shortest time hold the limits.
    """
    before, step_s = float(cost @ plan.x), delivery.resolution_s
    close_frac, reserve_frac = (
        (CLOSE_UNDER_VOLUME_FRAC, RESERVE_UNDER_VOLUME_FRAC) if plan.excused else (CLOSE_FRAC, 0.0)
    )
    misses = plan.x[program.columns.n_dwells :]
    program.release_kept()
    # A dose-volume goal that held by itself was never at work; from now on it is, or whole times might break it.
    plan = replace(plan, excused=excused_at(program, plan.x))
    plan = without_short_stops(program, cost, plan, delivery)
    if step_s <= REAL_S:
        if delivery.shortest_s <= 0:
            return plan.x, ()
        after = float(cost @ plan.x)
        return _judged(program, plan.x, misses, StopsLengthened(delivery.shortest_s, before, after))
    starts = [_rounded_up(program, plan.x, step_s)]
    if any(by > 0 for by in broken(program, starts[0]).values()):
        starts.append(_up_under_lower_limits(program, cost, plan, step_s))
        # Lengthening one by one takes as long as everything else; without a search it is for those who have nothing.
        if delivery.search or any(by > 0 for by in broken(program, starts[-1]).values()):
            starts.append(_topped_up(program, plan.x, delivery))
    nodes = int(np.clip(MAX_NODES * step_s, MIN_NODES, MAX_NODES)) if delivery.search else 0
    rounding = best_rounding(
        program, cost, plan, starts, step_s=step_s, close_frac=close_frac, reserve_frac=reserve_frac, max_nodes=nodes
    )
    after = float(cost @ rounding.x)
    rounded = Rounded(resolution_s=step_s, before=before, after=after, bound=min(rounding.bound, after))
    return _judged(program, rounding.x, misses, rounded)


def _judged(program: Program, x: FloatArray, misses: FloatArray, how: Note) -> tuple[FloatArray, tuple[Note, ...]]:
    """Return times, how they were made, and the requirements that they miss by more than ``misses``."""
    x = np.concatenate((x[: program.columns.n_dwells], misses))
    missed = {k: by for k, by in broken(program, x).items() if by > 0}
    return x, (how, *(MissedAfterRounding(program.requirements[k].goal, by) for k, by in missed.items()))


def _free(program: Program) -> BoolArray:
    """Dwells whose time is not fixed."""
    shortest_s, longest_s = program.time_bounds_s
    return np.asarray(shortest_s < longest_s)


def _rounded_up(program: Program, x: FloatArray, step_s: float) -> FloatArray:
    """Round the times that are free, to no more than the longest; one that is whole but for the last digits stays."""
    _, longest_s = program.time_bounds_s
    longest = np.floor(longest_s / step_s + 1e-6)
    return _with_times(program, x, np.minimum(np.ceil(x[: program.columns.n_dwells] / step_s - 1e-6), longest) * step_s)


def _rounded_down(program: Program, x: FloatArray, step_s: float) -> FloatArray:
    """Round the times that are free, to no less than the shortest."""
    shortest_s, _ = program.time_bounds_s
    fewest = np.ceil(shortest_s / step_s - 1e-6)
    return _with_times(program, x, np.maximum(np.floor(x[: program.columns.n_dwells] / step_s + 1e-6), fewest) * step_s)


def _with_times(program: Program, x: FloatArray, times_s: FloatArray) -> FloatArray:
    changed, n = x.copy(), program.columns.n_dwells
    changed[:n] = np.where(_free(program), np.round(times_s, 9) + 0.0, x[:n])
    return changed


def _up_under_lower_limits(program: Program, cost: FloatArray, plan: Solution, step_s: float) -> FloatArray:
    """Round up what is solved under limits lower by as much as rounding up breaks them; the last of some tries."""
    x = plan.x
    with program.limits_lowered() as lower:
        for _ in range(MAX_TRIES):
            x = _rounded_up(program, plan.x, step_s)
            missed = {k: by for k, by in broken(program, x).items() if by > 0}
            if not missed:
                break
            for k, by in missed.items():
                lower(k, 1.1 * by)
            again = program.solve(cost, plan.excused)
            if again.status != LPStatus.OPTIMAL:
                break
            plan = again
    return x


def _breaks_an_organ(program: Program, x: FloatArray) -> bool:
    """Whether a requirement that never gives way is missed."""
    return any(by > 0 for by in broken(program, x, leave_out=may_miss(program)).values())


def _topped_up(program: Program, x: FloatArray, delivery: Delivery) -> FloatArray:
    """Round down, then lengthen single times again, as long as no organ's limit breaks.

    Each step goes to the dwell from which the coldest point of the CTVs gains most (of other minimum doses, where no
    prescription counts), until that point has what it had before, or none of the dwells near it can give more. Where
    one step would be too short a stop none begins, for those times are fixed; and no stop grows too long beside its
    neighbours.
    """
    step_s, n = delivery.resolution_s, program.columns.n_dwells
    asked = [(r, program.families[k].points) for k, r in enumerate(program.requirements) if k in program.families]
    lower = [(r, points) for r, points in asked if r.sense == 1 and r.kind == Kind.EVERY_POINT]
    ctvs = [(r.id, points) for r, points in lower if r.prescription] or [(r.id, points) for r, points in lower]
    before_gy = {k: float(points.dose_gy(x).min()) for k, points in ctvs}
    x = _rounded_down(program, x, step_s)
    _, longest_s = program.time_bounds_s
    free = _free(program)
    for _ in range(10 * n if ctvs else 0):
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
            fits = free[j] and longer[j] <= longest_s[j] and not _too_long_beside(delivery, longer, int(j))
            if fits and not _breaks_an_organ(program, longer):
                x = longer
                break
        else:
            break
    return x


def _too_long_beside(delivery: Delivery, x: FloatArray, j: int) -> bool:
    """Whether a stop is longer than its neighbours allow, the step included that they may have lost."""
    if delivery.ratio is None:
        return False
    pairs = delivery.neighbours
    beside = np.concatenate((pairs[pairs[:, 0] == j, 1], pairs[pairs[:, 1] == j, 0]))
    return bool((x[j] > delivery.ratio * (x[beside] + delivery.resolution_s)).any())
