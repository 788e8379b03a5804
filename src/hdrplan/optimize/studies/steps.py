"""What finer dwell steps buy: the best plan of each step size, its offsets chosen catheter by catheter."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray
from hdrplan.dose import DoseRate
from hdrplan.errors import InputError
from hdrplan.optimize.certificate import Optimum
from hdrplan.optimize.problem import PlanProblem
from hdrplan.optimize.times.goal_sequence import optimize_times

__all__ = ["StepResult", "compare_steps"]


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
    problem: PlanProblem,
    catheter: IntArray,
    offset_mm: FloatArray,
    *,
    steps_mm: Sequence[float],
    rounds: int = 2,
) -> tuple[StepResult, ...]:
    """Return the best plan of each step size, its offsets chosen catheter by catheter: what finer steps buy.

    Offsets are improved one catheter at a time until a round changes none: a local search. What it may miss is bounded
    by the optimum over all candidates at once.

    Parameters
    ----------
    problem : PlanProblem
        Its dwells are fine candidates, 1 mm apart, say; without ``locked_s`` and ``delivery``.
    catheter, offset_mm : (n_candidates,) arrays
        As in Dwells.
    steps_mm : sequence of float
        Multiples of the candidates' spacing.
    rounds : int
        Most rounds over all catheters.

    Returns
    -------
    tuple of StepResult
        In the order of ``steps_mm``.

    Raises
    ------
    InputError
        Candidates that are not evenly spaced, steps that are no multiples of their spacing.
    """
    problem.refuse("locked_s", "delivery")
    fine_mm = _fine_step(catheter, offset_mm)
    everything = optimize_times(problem)
    names = np.unique(catheter)
    results = []
    for step_mm in steps_mm:
        started = time.perf_counter()
        every = round(step_mm / fine_mm)
        if every < 1 or abs(every * fine_mm - step_mm) > 1e-6:
            raise InputError(f"steps must be multiples of the candidates' {fine_mm:g} mm", got=f"{step_mm:g} mm")
        phase = np.zeros(len(names), dtype=np.int64)
        best = _planned(problem, _used(catheter, offset_mm, names, phase, every, fine_mm))
        for _ in range(rounds if every > 1 else 0):
            changed = False
            for c in range(len(names)):
                for other in range(every):
                    if other == phase[c]:
                        continue
                    trial = phase.copy()
                    trial[c] = other
                    used = _used(catheter, offset_mm, names, trial, every, fine_mm)
                    found = _planned(problem, used)
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


def _planned(problem: PlanProblem, used: BoolArray) -> Optimum:
    rate = problem.rate
    return optimize_times(
        replace(problem, rate=DoseRate(np.ascontiguousarray(rate.gy_per_s[:, used]), rate.extrapolated))
    )


def _better(one: Optimum, other: Optimum) -> bool:
    """More dose where prescriptions give way, else a lower objective by a hundred-thousandth."""
    short, other_short = (sum(s.prescription_gy - s.reached_gy for s in o.shortfalls) for o in (one, other))
    if abs(short - other_short) > 1e-4:
        return short < other_short
    return one.certificate.primal < other.certificate.primal * (1 - 1e-5)
