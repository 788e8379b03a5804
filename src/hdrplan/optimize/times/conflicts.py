"""Which goals cannot hold together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from hdrplan.optimize.program.dose_program import MAX_MISS, Program
from hdrplan.optimize.program.lazy_lp import LPStatus
from hdrplan.optimize.program.requirements import Kind

__all__ = ["smallest_conflict"]

# Sets of up to this many goals are all tried, smallest first; larger conflicts are thinned out one goal at a time.
TRIED_SIZE = 3


def smallest_conflict(program: Program, hard: Sequence[int]) -> tuple[int, ...]:
    """Return a smallest set of hard convex goals that no dwell times satisfy together; empty if all can hold.

    Up to three goals the set is a smallest one; a larger one is irreducible: without any one of its goals the rest
    can hold.
    """
    hard = [k for k in hard if program.requirements[k].kind != Kind.DOSE_VOLUME]
    with program.missing_allowed(hard) as allow:

        def possible(kept: tuple[int, ...]) -> bool:
            allow(np.where(np.isin(hard, kept), 0.0, MAX_MISS))
            return program.solve(program.columns.cost()).status != LPStatus.INFEASIBLE

        if possible(tuple(hard)):
            return ()
        for size in range(1, TRIED_SIZE + 1):
            for kept in combinations(hard, size):
                if not possible(kept):
                    return kept
        conflict = tuple(hard)
        for k in hard:
            without = tuple(j for j in conflict if j != k)
            if not possible(without):
                conflict = without
        return conflict
