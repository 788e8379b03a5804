"""Which few of many possible catheters, and how good any choice could be.

For each number of catheters a search finds a good set and a proof bounds all sets
(:mod:`hdrplan.optimize.catheters.search`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray, freeze
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.optimize.catheters.search import Search
from hdrplan.optimize.catheters.subset_program import Subsets
from hdrplan.optimize.problem import PlanProblem
from hdrplan.threads import one_blas_thread

__all__ = ["MOST_CANDIDATES", "Chosen", "Placement", "choose_catheters"]

# A set is one machine word.
MOST_CANDIDATES = 64


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """The best set found of at most so many catheters.

    Parameters
    ----------
    count : int
        How many are allowed.
    chosen : tuple of int
        Candidates; empty where no set holds every prescription and limit.
    times_s : (n_dwells,) array
        Of all candidates' dwells.
    value : float
        Objective; infinite where there is no plan.
    bound : float
        No set of ``count`` catheters does better; infinite where none holds the prescription.
    d100_gy, d100_bound_gy : float
        Of the first prescription, at the healthy dose of the largest number looked at: reached, and no set does
        better. Where the prescription cannot be held: the best D100 under the limits.
    seconds : float
    """

    count: int
    chosen: tuple[int, ...]
    times_s: FloatArray
    value: float
    bound: float
    d100_gy: float
    d100_bound_gy: float
    seconds: float

    def __post_init__(self) -> None:
        freeze(self, "times_s", (None,))

    @property
    def gap_frac(self) -> float:
        """(value - bound) / value."""
        return max(0.0, self.value - self.bound) / self.value if np.isfinite(self.value) else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """Best sets of 1, 2, ... catheters.

    Parameters
    ----------
    objective, unit : str
        "mean dose of liver", "Gy".
    curve : tuple of Chosen
    every_value : float
        With all candidates at once: no number of them does better.
    left_out : tuple of str
        Dose-volume goals that the plans hold and the bounds leave out.
    solves : int
        Linear programs solved.
    """

    objective: str
    unit: str
    curve: tuple[Chosen, ...]
    every_value: float
    left_out: tuple[str, ...]
    solves: int

    def at(self, count: int) -> Chosen:
        """Return the entry of a number of catheters."""
        return next(one for one in self.curve if one.count == count)

    def fewest(self, worth_frac: float) -> Chosen:
        """Return the fewest catheters that hold everything and after which one more is not worth it.

        Parameters
        ----------
        worth_frac : float
            What a further catheter must save of the objective to be taken.
        """
        held = [one for one in self.curve if one.chosen]
        if not held:
            most = self.curve[-1]
            raise InfeasibleError(
                f"no {most.count} of these candidates hold the prescription and all hard goals: proven"
                if np.isinf(most.bound)
                else f"no set of at most {most.count} of these candidates was found that holds the prescription and "
                "all hard goals; that there is none is not proven",
                got=f"a D100 of {most.d100_gy:.2f} Gy with {most.count}, at most {most.d100_bound_gy:.2f} Gy possible"
                if np.isfinite(most.d100_gy)
                else "no plan within the time",
                remedy="Allow more catheters (`most`), more time (`time_limit_s`) or longer dwells, or prescribe less.",
            )
        best = held[0]
        for one in held[1:]:
            if one.value <= best.value * (1 - worth_frac) ** (one.count - best.count):
                best = one
        return best


def choose_catheters(
    problem: PlanProblem,
    owner: IntArray,
    *,
    most: int,
    apart: BoolArray | None = None,
    scenarios: Sequence[dict[str, FloatArray]] = (),
    gap_frac: float = 1e-3,
    time_limit_s: float = 120.0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Placement:
    """Best sets of 1 to ``most`` catheters among candidates, each with a proven bound.

    Parameters
    ----------
    problem : PlanProblem
        Goals of level 0 hold, others are left aside; without ``earlier_gy``, ``locked_s`` and ``delivery``.
    owner : (n_dwells,) array
        Candidate of each dwell, 0 to 63.
    most : int
        Most catheters.
    apart : (n, n) bool array, optional
        True where two candidates exclude each other: too near.
    scenarios : sequence of dict
        CTV -> (n_points of the CTV, n_dwells) rates in Gy/s of displaced catheters; D100 holds in all of them.
    gap_frac : float
        Proof enough.
    time_limit_s : float
        For everything; what is not proven by then has a wider gap.
    on_progress : callable, optional
        Called with (numbers of catheters done, in all).

    Raises
    ------
    InputError
        More than 64 candidates, ``most`` below 1, matrices that do not fit.
    InfeasibleError
        Not even all candidates together hold the prescriptions under the limits.
    """
    problem.refuse("earlier_gy", "locked_s", "delivery")
    count = int(owner.max()) + 1
    if count > MOST_CANDIDATES:
        raise InputError(f"at most {MOST_CANDIDATES} candidates can be chosen from", got=count)
    if most < 1:
        raise InputError("at least one catheter must be allowed", got=most)
    started = time.monotonic()
    tell = on_progress or (lambda done, total: None)
    sets = Subsets(problem, owner, scenarios=scenarios, deadline=started + time_limit_s)
    run = Search(sets, np.zeros((count, count), dtype=np.bool_) if apart is None else apart, gap_frac)
    everything = frozenset(range(count))
    most = min(most, count)
    with one_blas_thread():
        every = sets.reached(everything)
        if every is None or not sets.held(every.x):
            raise InfeasibleError(
                "no set of these candidates holds the prescription under the hard limits",
                got="no plan within the time"
                if every is None
                else f"{sets.missed_gy(every.x):.2f} Gy short with all {count} together, "
                f"held back by {sets.binding(every)}",
                remedy="Lower the prescription, loosen a limit, or allow more ways (margins, angles, length).",
            )
        sets.aim(every.x)
        # The rows that matter are known by now.
        proof = sets.bound(everything)
        run.proofs.append(proof)
        for k in range(1, most + 1):
            # The search may take a third of the time, the proof the rest.
            run.search(k, started + time_limit_s / 3 * k / most)
        spent = []
        for k in range(1, most + 1):
            begun = time.monotonic()
            left = started + time_limit_s - begun
            run.prove(k, proof.value, begun + left / (most - k + 1))
            spent.append(time.monotonic() - begun)
            tell(k, most)
        curve = _curve(run, spent, problem.goals.prescriptions[0].dose_gy)
    left_out = tuple(one.label for one in sets.left_out)
    return Placement(sets.objective, sets.unit, curve, every.value, left_out, sets.solves)


def _curve(run: Search, spent: list[float], dose_gy: float) -> tuple[Chosen, ...]:
    """Put the results together, and D100 at the healthy dose of the largest number."""
    sets, most = run.sets, len(spent)
    last = run.best(most)
    budget = last.value if last is not None and last.held else np.inf
    sets.deadline = np.inf
    curve = []
    for k in range(1, most + 1):
        best, bound, top_gy = run.best(k), run.bounds[k], dose_gy
        if best is None or not best.held:
            # What is missed is priced in: of a bound above all that the times can cost, the rest is missed.
            short_gy = (bound - sets.dearest(k)) / sets.dear
            if short_gy > 0:
                bound, top_gy = np.inf, dose_gy - short_gy
            chosen: tuple[int, ...] = ()
            times, value = np.zeros(sets.n), np.inf
            d100_gy = float("nan") if best is None else dose_gy - sets.missed_gy(best.plan.x)
        else:
            chosen, times, value = tuple(sorted(best.chosen)), best.plan.x[: sets.n], best.value
            d100_gy = dose_gy - sets.missed_at(best.chosen, best.plan.x, budget)
            top_gy = dose_gy * run.most_frac(k, budget)
        curve.append(Chosen(k, chosen, times, value, bound, d100_gy, max(top_gy, d100_gy), spent[k - 1]))
    return tuple(curve)
