"""Dwell positions as variables: which of many fine candidates, at what step, and as few as possible."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray, IntArray
from hdrplan.dose import DoseRate, SamplePoints
from hdrplan.errors import InputError
from hdrplan.optimize.certificate import Optimum
from hdrplan.optimize.times.goal_sequence import optimize_times
from hdrplan.plan import Goals

__all__ = ["StepResult", "compare_steps", "fewest_dwells"]


@dataclass(frozen=True, slots=True, eq=False)
class StepResult:
    """The best plan found at one step size.

    Parameters
    ----------
    step_mm : float
    offset_mm : (n_catheters,) array
        Distance of the first position from the first candidate, by catheter.
    used : (n_candidates,) bool array
        The candidates that are positions at this step and these offsets.
    optimum : Optimum
        ``times_s`` of the positions used, in the candidates' order.
    bound : float
        Of the objective with all candidates together: no step and no offsets pass it.
    loss_frac : float
        Objective above that bound.
    seconds : float
        Wall time of the search at this step.
    """

    step_mm: float
    offset_mm: FloatArray
    used: BoolArray
    optimum: Optimum
    bound: float
    loss_frac: float
    seconds: float


def compare_steps(
    rate: DoseRate,
    points: SamplePoints,
    goals: Goals,
    catheter: IntArray,
    offset_mm: FloatArray,
    *,
    steps_mm: Sequence[float],
    rounds: int = 2,
    **options: Any,
) -> tuple[StepResult, ...]:
    """Return the best plan of each step size, its offsets chosen catheter by catheter: what finer steps buy.

    Offsets are improved one catheter at a time until a round changes none: a local search. What it may miss is bounded
    by the optimum over all candidates at once.

    Parameters
    ----------
    rate : DoseRate
        Of fine candidates, 1 mm apart, say.
    catheter, offset_mm : (n_candidates,) arrays
        As in Dwells.
    steps_mm : sequence of float
        Multiples of the candidates' spacing.
    rounds : int
        Most rounds over all catheters.
    **options
        Of :func:`hdrplan.optimize.optimize_times`.
    """
    fine_mm = _fine_step(catheter, offset_mm)
    everything = optimize_times(rate, points, goals, **options)
    names = np.unique(catheter)
    results = []
    for step_mm in steps_mm:
        started = time.perf_counter()
        every = round(step_mm / fine_mm)
        if every < 1 or abs(every * fine_mm - step_mm) > 1e-6:
            raise InputError(f"steps must be multiples of the candidates' {fine_mm:g} mm", got=f"{step_mm:g} mm")
        phase = np.zeros(len(names), dtype=np.int64)
        best = _planned(rate, points, goals, _used(catheter, offset_mm, names, phase, every, fine_mm), options)
        for _ in range(rounds if every > 1 else 0):
            changed = False
            for c in range(len(names)):
                for other in range(every):
                    if other == phase[c]:
                        continue
                    trial = phase.copy()
                    trial[c] = other
                    used = _used(catheter, offset_mm, names, trial, every, fine_mm)
                    found = _planned(rate, points, goals, used, options)
                    if _better(found, best):
                        best, phase, changed = found, trial, True
            if not changed:
                break
        used = _used(catheter, offset_mm, names, phase, every, fine_mm)
        bound = everything.certificate.dual
        loss = (best.certificate.primal - bound) / max(abs(bound), 1e-9)
        first_mm, seconds = np.asarray(phase * fine_mm, dtype=np.float64), time.perf_counter() - started
        results.append(StepResult(step_mm, first_mm, used, best, bound, max(0.0, loss), seconds))
    return tuple(results)


def _fine_step(catheter: IntArray, offset_mm: FloatArray) -> float:
    """Return the candidates' spacing; a catheter through two lesions leaves some of them out between."""
    gaps = [np.diff(np.sort(offset_mm[catheter == c])) for c in np.unique(catheter)]
    joined = np.concatenate(gaps)
    if (
        len(joined) == 0
        or joined.min() <= 0
        or np.abs(joined - joined.min() * np.round(joined / joined.min())).max() > 1e-6
    ):
        raise InputError("candidates must be evenly spaced along each catheter", got="uneven or single positions")
    return float(joined.min())


def _used(
    catheter: IntArray, offset_mm: FloatArray, names: IntArray, phase: IntArray, every: int, fine_mm: float
) -> BoolArray:
    used = np.zeros(len(catheter), dtype=np.bool_)
    for c, name in enumerate(names):
        own = catheter == name
        number = np.round((offset_mm[own] - offset_mm[own].min()) / fine_mm).astype(np.int64)
        used[own] = number % every == phase[c]
    return used


def _planned(rate: DoseRate, points: SamplePoints, goals: Goals, used: BoolArray, options: dict[str, Any]) -> Optimum:
    part = DoseRate(np.ascontiguousarray(rate.gy_per_s[:, used]), rate.extrapolated)
    return optimize_times(part, points, goals, **options)


def _better(one: Optimum, other: Optimum) -> bool:
    """More dose where prescriptions give way, else a lower objective by a hundred-thousandth."""
    short, other_short = (sum(s.prescription_gy - s.reached_gy for s in o.shortfalls) for o in (one, other))
    if abs(short - other_short) > 1e-4:
        return short < other_short
    return one.certificate.primal < other.certificate.primal * (1 - 1e-5)


def fewest_dwells(
    rate: DoseRate,
    points: SamplePoints,
    goals: Goals,
    *,
    loss_frac: float = 1e-4,
    locked_s: npt.ArrayLike | None = None,
    **options: Any,
) -> Optimum:
    """Leave out dwells, shortest first, as long as the objective rises by no more than a stated fraction in all.

    Greedy: each dwell is tried once, in the order of its time in the plan that still has it. The certificate stays that
    of all dwells, so its gap shows what the loss was.

    Parameters
    ----------
    rate, points, goals, **options
        As in :func:`hdrplan.optimize.optimize_times`.
    loss_frac : float
        Most relative loss of the objective.
    locked_s : (n_dwells,) array, optional
        Times fixed by hand, which stay; NaN where free.
    """
    full = optimize_times(rate, points, goals, locked_s=locked_s, **options)
    if full.shortfalls:
        return full
    most = full.certificate.primal * (1 + loss_frac)
    fixed = np.full(len(full.times_s), np.nan) if locked_s is None else np.asarray(locked_s, dtype=np.float64)
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
        found = optimize_times(rate, points, goals, locked_s=trial, **options)
        if not found.shortfalls and found.certificate.primal <= most:
            best, locked = found, np.where(np.isnan(trial) & (found.times_s <= 0), 0.0, trial)
    active, before = int((best.times_s > 0).sum()), int((full.times_s > 0).sum())
    return replace(
        best,
        certificate=replace(best.certificate, dual=full.certificate.dual),
        notes=(*best.notes, f"{active} of {before} active dwells are enough within {100 * loss_frac:g} % of the best."),
    )
