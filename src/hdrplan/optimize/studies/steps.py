"""What finer dwell steps buy: the best plan of each step size, its offsets chosen catheter by catheter."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray, freeze
from hdrplan.dose import DoseRate
from hdrplan.errors import InputError
from hdrplan.optimize.bounded import Bounded
from hdrplan.optimize.certificate import Optimum
from hdrplan.optimize.problem import PlanProblem
from hdrplan.optimize.times.goal_sequence import optimize_times

__all__ = ["StepResult", "compare_steps"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StepResult:
    """The best plan met at one step size.

    Parameters
    ----------
    step_mm : float
    offset_mm : (n_catheters,) array
        Distance of the first position from the first candidate, by catheter.
    used : (n_candidates,) bool array
        The candidates that are positions at this step and these offsets.
    optimum : Optimum
        ``times_s`` of the positions used, in the candidates' order.
    cost : Bounded
        Main objective, with the bound of all candidates together: no step and no offsets pass it.
    seconds : float
        Wall time of the search at this step.
    """

    step_mm: float
    offset_mm: FloatArray
    used: BoolArray
    optimum: Optimum
    cost: Bounded
    seconds: float

    def __post_init__(self) -> None:
        freeze(self, "offset_mm", (None,))
        freeze(self, "used", (None,), dtype=np.bool_)

    @property
    def loss_frac(self) -> float:
        """Objective above the bound, over the bound."""
        return max(0.0, (self.cost.value - self.cost.bound) / max(abs(self.cost.bound), 1e-9))


def compare_steps(
    problem: PlanProblem, catheter: IntArray, offset_mm: FloatArray, *, steps_mm: Sequence[float], rounds: int = 2
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
    fine = _FineDwells.of(catheter, offset_mm)
    everything = optimize_times(problem).certificate.main
    results = []
    for step_mm in steps_mm:
        started = time.perf_counter()
        phase, best = _best_phase(problem, fine, fine.multiple(step_mm), rounds)
        results.append(
            StepResult(
                step_mm=step_mm,
                offset_mm=np.asarray(phase * fine.spacing_mm, dtype=np.float64),
                used=fine.used(phase, fine.multiple(step_mm)),
                optimum=best,
                cost=replace(best.certificate.main, bound=everything.bound, proof=everything.proof),
                seconds=time.perf_counter() - started,
            )
        )
    return tuple(results)


@dataclass(frozen=True, slots=True, eq=False)
class _FineDwells:
    """Evenly spaced candidates.

    Parameters
    ----------
    catheter : (n_candidates,) array
        0, 1, ... in the order of the catheters' numbers.
    number : (n_candidates,) array
        Place along its catheter, from 0, in spacings.
    spacing_mm : float
    """

    catheter: IntArray
    number: IntArray
    spacing_mm: float

    @classmethod
    def of(cls, catheter: IntArray, offset_mm: FloatArray) -> _FineDwells:
        """Return candidates by their numbers; a catheter through two lesions leaves some of them out between."""
        names, index = np.unique(catheter, return_inverse=True)
        gaps_mm = np.concatenate([np.diff(np.sort(offset_mm[index == c])) for c in range(len(names))])
        if (
            len(gaps_mm) == 0
            or gaps_mm.min() <= 0
            or np.abs(gaps_mm - gaps_mm.min() * np.round(gaps_mm / gaps_mm.min())).max() > 1e-6
        ):
            raise InputError("candidates must be evenly spaced along each catheter", got="uneven or single positions")
        spacing_mm = float(gaps_mm.min())
        first_mm = np.array([offset_mm[index == c].min() for c in range(len(names))])
        return cls(index, np.round((offset_mm - first_mm[index]) / spacing_mm).astype(np.int64), spacing_mm)

    def multiple(self, step_mm: float) -> int:
        """How many spacings a step has."""
        multiple = round(step_mm / self.spacing_mm)
        if multiple < 1 or abs(multiple * self.spacing_mm - step_mm) > 1e-6:
            raise InputError(
                f"steps must be multiples of the candidates' {self.spacing_mm:g} mm", got=f"{step_mm:g} mm"
            )
        return multiple

    def used(self, phase: IntArray, multiple: int) -> BoolArray:
        """Mask of the candidates that are positions where each catheter begins at its phase."""
        return np.asarray(self.number % multiple == phase[self.catheter])


def _best_phase(problem: PlanProblem, fine: _FineDwells, multiple: int, rounds: int) -> tuple[IntArray, Optimum]:
    """Improve the phase of one catheter after the other; return the phases, in spacings, and their plan."""
    phase = np.zeros(fine.catheter.max() + 1, dtype=np.int64)
    best = _planned(problem, fine.used(phase, multiple))
    for _ in range(rounds if multiple > 1 else 0):
        changed = False
        for c in range(len(phase)):
            for other in range(multiple):
                if other == phase[c]:
                    continue
                trial = phase.copy()
                trial[c] = other
                optimum = _planned(problem, fine.used(trial, multiple))
                if _better(optimum, best):
                    best, phase, changed = optimum, trial, True
        if not changed:
            break
    return phase, best


def _planned(problem: PlanProblem, used: BoolArray) -> Optimum:
    rate = problem.rate
    return optimize_times(
        replace(problem, rate=DoseRate(np.ascontiguousarray(rate.gy_per_s[:, used]), rate.extrapolated))
    )


def _better(trial: Optimum, best: Optimum) -> bool:
    """More dose where prescriptions give way, else a lower objective by a hundred-thousandth."""
    short_gy, best_short_gy = (sum(s.prescription_gy - s.reached_gy for s in o.shortfalls) for o in (trial, best))
    if abs(short_gy - best_short_gy) > 1e-4:
        return short_gy < best_short_gy
    return bool(trial.certificate.main.value < best.certificate.main.value * (1 - 1e-5))
