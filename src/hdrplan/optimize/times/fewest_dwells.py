"""As few dwells as the objective allows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hdrplan.optimize.certificate import Optimum
from hdrplan.optimize.problem import PlanProblem
from hdrplan.optimize.times.goal_sequence import optimize_times

__all__ = ["fewest_dwells"]


def fewest_dwells(problem: PlanProblem, *, loss_frac: float = 1e-4) -> Optimum:
    """Leave out dwells, shortest first, as long as the objective rises by no more than a stated fraction in all.

    Greedy: each dwell is tried once, in the order of its time in the plan that still has it. The certificate stays that
    of all dwells, so its gap shows what the loss was.

    Parameters
    ----------
    problem : PlanProblem
        Locked times stay.
    loss_frac : float
        Most relative loss of the objective.
    """
    full = optimize_times(problem)
    if full.shortfalls:
        return full
    most = full.certificate.primal * (1 + loss_frac)
    fixed = np.full(len(full.times_s), np.nan) if problem.locked_s is None else problem.locked_s
    locked = np.where(np.isnan(fixed) & (full.times_s <= 0), 0.0, fixed)
    best, tried = full, ~np.isnan(fixed)
    while True:
        left = np.flatnonzero((best.times_s > 0) & ~tried)
        if len(left) == 0:
            break
        j = int(left[np.argmin(best.times_s[left])])
        tried[j] = True
        trial = locked.copy()
        trial[j] = 0.0
        found = optimize_times(replace(problem, locked_s=trial))
        if not found.shortfalls and found.certificate.primal <= most:
            best, locked = found, np.where(np.isnan(trial) & (found.times_s <= 0), 0.0, trial)
    active, before = int((best.times_s > 0).sum()), int((full.times_s > 0).sum())
    return replace(
        best,
        certificate=replace(best.certificate, dual=full.certificate.dual),
        notes=(*best.notes, f"{active} of {before} active dwells are enough within {100 * loss_frac:g} % of the best."),
    )
