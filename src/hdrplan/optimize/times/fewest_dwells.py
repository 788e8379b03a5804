"""As few dwells as the objective allows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hdrplan.errors import InfeasibleError
from hdrplan.optimize.certificate import LossCause, Optimum
from hdrplan.optimize.notes import DwellsLeftOut
from hdrplan.optimize.problem import PlanProblem
from hdrplan.optimize.times.goal_sequence import optimize_times

__all__ = ["fewest_dwells"]


def fewest_dwells(problem: PlanProblem, *, loss_frac: float = 1e-4) -> Optimum:
    """Leave out dwells, shortest first, as long as the objective rises by no more than a stated fraction in all.

    Greedy: each dwell is tried once, in the order of its time in the plan that still has it, at times that are real
    numbers; those of the dwells left are then made deliverable. Under a ratio of neighbouring times a dwell that is
    left out takes its whole catheter along. The certificate stays that of all dwells, so its gap shows what the loss
    was.

    Parameters
    ----------
    problem : PlanProblem
        Locked times stay.
    loss_frac : float
        Greatest relative loss of the objective.

    Returns
    -------
    Optimum
    """
    full = optimize_times(problem, real_times=True)
    if full.shortfalls:
        return full if problem.delivery is None else optimize_times(problem)
    limit = full.certificate.main.value * (1 + loss_frac)
    fixed = np.full(len(full.times_s), np.nan) if problem.locked_s is None else problem.locked_s
    locked = np.where(np.isnan(fixed) & (full.times_s <= 0), 0.0, fixed)
    best, tried = full, ~np.isnan(fixed)
    while True:
        left = np.flatnonzero((best.times_s > 0) & ~tried)
        if len(left) == 0:
            break
        shortest = int(left[np.argmin(best.times_s[left])])
        tried[shortest] = True
        without = locked.copy()
        without[shortest] = 0.0
        fewer = _optimum(replace(problem, locked_s=without))
        if fewer is not None and not fewer.shortfalls and fewer.certificate.main.value <= limit:
            best, locked = fewer, np.where(np.isnan(without) & (fewer.times_s <= 0), 0.0, without)
    if problem.delivery is not None:
        best = optimize_times(replace(problem, locked_s=locked))
    active, before = int((best.times_s > 0).sum()), int((full.times_s > 0).sum())
    proven = full.certificate.main
    main = replace(best.certificate.main, bound=proven.bound, proof=proven.proof)
    lost = best.certificate.main.bound - proven.bound
    return replace(
        best,
        certificate=replace(best.certificate, held=full.certificate.held).losing(
            LossCause.FEWER_DWELLS, lost, main=main
        ),
        notes=(*best.notes, DwellsLeftOut(active, before, loss_frac)),
    )


def _optimum(problem: PlanProblem) -> Optimum | None:
    """Return the optimum without some dwells; None where a CTV is left without any."""
    try:
        return optimize_times(problem, real_times=True)
    except InfeasibleError:
        return None
