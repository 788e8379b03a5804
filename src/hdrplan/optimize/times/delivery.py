"""Times that an afterloader can deliver: whole tenths of a second, no very short stops."""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.errors import InputError
from hdrplan.optimize.afterloader import Delivery
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.lazy_lp import Solution

__all__ = ["deliverable"]

# Tries to find whole times that keep the limits; each lowers the broken limits by what was broken.
MOST_TRIES = 12


def deliverable(
    program: Program, cost: FloatArray, found: Solution, delivery: Delivery
) -> tuple[FloatArray, tuple[str, ...]]:
    """Return times by the rules that hold all that ``found`` holds, and what to tell about them.

    Times are rounded up, which keeps every D100. Where an upper limit then breaks, that limit is lowered by the excess
    and the program solved again.
    """
    before = float(cost @ found.x)
    program.release("kept")
    # A dose-volume goal that held by itself was never entered; unentered, it would be judged at its hottest point.
    program.excuse(found.x)
    found = _without_short_stops(program, cost, found, delivery.least_s)
    x, worst = found.x, {}
    for _ in range(MOST_TRIES):
        x = _rounded_up(program, found.x, delivery.resolution_s)
        worst = {k: v for k, v in program.broken(x).items() if v > 0}
        if not worst:
            break
        for k, excess in worst.items():
            program.lower_limit(k, 1.1 * excess)
        again = program.solve(cost)
        if again.status != "optimal":
            break
        found = again
    way = "up"
    if _breaks_an_organ(program, worst):
        # No whole times hold everything: the organs' hard limits win, as everywhere, and the coverage pays.
        x, way = _topped_up(program, found.x, delivery), "down, for an organ's limit,"
        worst = {k: v for k, v in program.broken(x).items() if v > 0}
    after = float(cost @ x)
    said = [
        f"Times rounded {way} to {delivery.resolution_s:g} s: the objective goes from {before:.6g} to {after:.6g} "
        f"({100 * (after / before - 1):+.2g} %)."
        if before > 0
        else f"Times rounded {way} to {delivery.resolution_s:g} s."
    ]
    said += [
        f"{program.listed[k].label} is missed by {v:.2g} {'s' if program.listed[k].kind == 'time' else 'Gy'} "
        "after rounding; no whole times that hold everything were found."
        for k, v in worst.items()
    ]
    return x[: program.n], tuple(said)


def _rounded_down(program: Program, x: FloatArray, step: float) -> FloatArray:
    down = x.copy()
    free = program.lp.least[: program.n] < program.lp.most[: program.n]
    times = np.round(np.floor(x[: program.n] / step + 1e-6) * step, 9)
    down[: program.n] = np.where(free, times, x[: program.n])
    return down


def _breaks_an_organ(program: Program, broken: dict[int, float]) -> bool:
    """Whether one of the requirements missed by more than 0 is a hard upper limit outside the CTVs."""
    ctvs = {one.structure for one in program.listed if one.prescription}
    missed = [program.listed[k] for k, v in broken.items() if v > 0]
    return any(one.sense == -1 and one.level == 0 and one.structure not in ctvs for one in missed)


def _topped_up(program: Program, x: FloatArray, delivery: Delivery) -> FloatArray:
    """Round down, then lengthen single times again, as long as no organ's limit breaks.

    Each step goes to the dwell from which the coldest point of the CTVs gains most, until that point has what it had
    before, or none of the dwells near it can give more. No stop begins where one step would be too short a stop, or too
    short beside its neighbours.
    """
    step = delivery.resolution_s
    blocks = [(k, b) for k, b in program.blocks.items() if program.listed[k].prescription]
    before = {k: float(block.dose_gy(x).min()) for k, block in blocks}
    x = _rounded_down(program, x, step)
    most = program.lp.most[: program.n]
    free = program.lp.least[: program.n] < most
    if delivery.least_s > step or delivery.ratio is not None:
        free &= x[: program.n] > 0
    for _ in range(10 * program.n):
        coldest = []
        for k, block in blocks:
            dose = block.dose_gy(x)
            at = int(dose.argmin())
            coldest.append((float(dose[at]) / max(before[k], 1e-9), block.gy_per_s[at]))
        worst, rates = min(coldest, key=lambda one: one[0])
        if worst >= 1.0:
            break
        for j in np.argsort(-rates, kind="stable")[:MOST_TRIES]:
            longer = x.copy()
            longer[j] = round(longer[j] + step, 9)
            if free[j] and longer[j] <= most[j] and not _breaks_an_organ(program, program.broken(longer)):
                x = longer
                break
        else:
            break
    return x


def _rounded_up(program: Program, x: FloatArray, step: float) -> FloatArray:
    up = x.copy()
    free = program.lp.least[: program.n] < program.lp.most[: program.n]
    # A time that is whole but for the last digits stays.
    times = np.round(np.ceil(x[: program.n] / step - 1e-6) * step, 9)
    up[: program.n] = np.where(free, times, x[: program.n])
    return up


def _without_short_stops(program: Program, cost: FloatArray, found: Solution, least_s: float) -> Solution:
    """Leave out stops shorter than half the least time, lengthen the others, until none is too short."""
    if least_s <= 0:
        return found
    n = program.n
    for _ in range(MOST_TRIES):
        t = found.x[:n]
        free = program.lp.least[:n] < program.lp.most[:n]
        short = free & (t > 0) & (t < least_s * (1 - 1e-9))
        if not short.any():
            return found
        drop, stretch = np.flatnonzero(short & (t < least_s / 2)), np.flatnonzero(short & (t >= least_s / 2))
        kept_bounds = program.lp.least.copy(), program.lp.most.copy()
        program.lp.bounds(drop, np.zeros(len(drop)), np.zeros(len(drop)))
        program.lp.bounds(stretch, np.full(len(stretch), least_s), program.lp.most[stretch])
        again = program.solve(cost)
        if again.status != "optimal":
            # Without the dropped stops the goals fail: lengthen them instead.
            program.lp.bounds(drop, np.full(len(drop), least_s), kept_bounds[1][drop])
            again = program.solve(cost)
            if again.status != "optimal":
                raise InputError(
                    "stops of at least the least time cannot hold the limits",
                    got=f"{least_s:g} s",
                    remedy="Shorten the least dwell time, or soften a limit.",
                )
        found = again
    return found
