"""What is convex of the dose-volume goals of a program, and the bound that follows from it without a search."""

from __future__ import annotations

import time

from hdrplan.arrays import FloatArray
from hdrplan.optimize.program.beyond_tail import BeyondTail
from hdrplan.optimize.program.dose_program import Program

__all__ = ["beyond_tails", "convex_bound"]

# Each goal has one row a round; after these they gain next to nothing.
MAX_ROUNDS = 30


def beyond_tails(program: Program) -> list[BeyondTail]:
    """Return the family of rows beyond the tail of each dose-volume goal entered."""
    volume_cc, listed = program.problem.points.volume_cc, program.requirements
    return [
        BeyondTail(family.points, volume_cc[listed[k].rows], listed[k].tail_cc)
        for k, family in program.dose_volume.items()
    ]


def convex_bound(program: Program, cost: FloatArray, *, seconds: float) -> float:
    """Bound an objective by the rows so far and those beyond the tails, in a copy.

    Parameters
    ----------
    program : Program
    cost : (n_columns,) array
    seconds : float
        After this, the bound is that of the rows found by then.

    Returns
    -------
    float
    """
    lp = program.without_dose_volume()
    lp.families.extend(beyond_tails(program))
    return lp.solve(cost, deadline=min(program.deadline, time.monotonic() + seconds), max_rounds=MAX_ROUNDS).bound
