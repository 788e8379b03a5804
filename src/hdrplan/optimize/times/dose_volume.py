"""Plans under dose-volume goals: a first one by the convex mean tail, bisected, then polished."""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.lazy_lp import Solution

__all__ = ["best_under_tails"]

# Halvings of the range of mean-tail limits: 1/128 of it is finer than what the polish changes.
HALVINGS = 7


def best_under_tails(program: Program, cost: FloatArray, relaxed: Solution) -> Solution | None:
    """Return the best plan found under the dose-volume goals entered, or None where none was found.

    Two ways, and the better of them: the points excused are the hottest of the plan without these goals; or they are
    the hottest of a plan whose mean tails are as large as the goals allow. A mean tail at the goal's own limit is
    stricter than the goal and calls possible cases impossible, so its limit is raised by bisection. Both are polished.
    """
    found = [program.polished(cost, relaxed.x)]
    start = _by_mean_tails(program, cost, relaxed)
    if start is not None:
        found.append(program.polished(cost, start))
    held = [f for f in found if f.status == "optimal"]
    if not held:
        return None
    best = min(held, key=lambda f: f.value)
    # The program must stand where its plan stands: the same points excused.
    return program.polished(cost, best.x, rounds=2)


def _by_mean_tails(program: Program, cost: FloatArray, relaxed: Solution) -> FloatArray | None:
    """Return times under the loosest common factor on the mean tails at which the goals hold."""
    blocks = dict(program.tails)
    for block in blocks.values():
        if block in program.lp.families:
            program.lp.families.remove(block)
        block.excuse(np.ones(len(block), dtype=np.bool_), program.lp)
    tails = {k: program.tail(k) for k in blocks}
    program.lp.families.extend(tails.values())
    limits = {k: program.listed[k].limit for k in blocks}
    # The factor at which the plan without these goals holds all mean tails: nothing looser is of use.
    shift = {k: (tails[k].mean_gy(relaxed.x) / limits[k] - 1.0) for k in blocks}
    best: FloatArray | None = None
    low, high = 0.0, 1.0
    for step in range(HALVINGS):
        share = 0.5 * (low + high) if step else high
        for k, tail in tails.items():
            tail.relimit(limits[k] * (1.0 + share * shift[k]), program.lp)
        found = program.solve(cost)
        if found.status == "optimal" and not program.tails_missed(found.x):
            best, low = found.x, share
            if share == 1.0:
                break
        elif found.status == "infeasible":
            low = share
        else:
            high = share
    for tail in tails.values():
        tail.relimit(np.inf if tail.block.sense == -1 else -np.inf, program.lp)
        program.lp.families.remove(tail)
    return best
