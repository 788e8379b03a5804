"""Which few of many possible catheters: search, and a proof over all sets by the cuts they must meet.

For each number of catheters a search (add the best, then swap) finds a good set. The proof that no set is better by
more than a stated gap is a hitting-set search: every proof of a bad set (:mod:`hdrplan.optimize.subsets`), widened as
far as it stays bad, says of which catheters a better set must hold at least one. Sets that meet all cuts are looked up
one after the other; each is better, or gives a new cut; when none is left, the bound is proven [1]_ [2]_.

References
----------
.. [1] Hooker JN, Ottosson G, Logic-based Benders decomposition, Math Program 2003;96:33.
.. [2] Moreno-Centeno E, Karp RM, The implicit hitting set approach, Oper Res 2013;61:453.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray, freeze
from hdrplan.dose import DoseRate, SamplePoints
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.kernels.hitting import next_hitting_set
from hdrplan.optimize.lp import Solution
from hdrplan.optimize.subsets import Proof, Subsets
from hdrplan.plan import Goals
from hdrplan.threads import one_blas_thread

__all__ = ["MOST_CANDIDATES", "Chosen", "Placement", "choose_catheters"]

# A set is one machine word.
MOST_CANDIDATES = 64
# Gaps proven one after the other: the proof can stop at any of them.
# Beginnings of the search for each number of catheters.
_STARTS = 12
_GAPS = (0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.002, 0.001)


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
                f"no set of at most {most.count} of these candidates was found that holds the prescription and all "
                "hard goals",
                got=f"a D100 of {most.d100_gy:.2f} Gy with {most.count}"
                if np.isfinite(most.d100_gy)
                else "no plan within the time",
                remedy="Allow more catheters (--most), more time (--time-limit) or longer dwells, or prescribe less.",
            )
        best = held[0]
        for one in held[1:]:
            if one.value <= best.value * (1 - worth_frac) ** (one.count - best.count):
                best = one
        return best


def choose_catheters(
    rate: DoseRate,
    points: SamplePoints,
    goals: Goals,
    owner: IntArray,
    *,
    most: int,
    healthy: str | None = None,
    apart: BoolArray | None = None,
    max_time_s: float = 600.0,
    scenarios: Sequence[dict[str, FloatArray]] = (),
    gap_frac: float = 1e-3,
    time_limit_s: float = 120.0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Placement:
    """Best sets of 1 to ``most`` catheters among candidates, each with a proven bound.

    Parameters
    ----------
    rate, points, goals, healthy, max_time_s
        As in :func:`hdrplan.optimize.optimize_times`; goals of level 0 hold, others are left aside.
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
    count = int(owner.max()) + 1
    if count > MOST_CANDIDATES:
        raise InputError(f"at most {MOST_CANDIDATES} candidates can be chosen from", got=count)
    if most < 1:
        raise InputError("at least one catheter must be allowed", got=most)
    started = time.monotonic()
    tell = on_progress or (lambda done, total: None)
    sets = Subsets(
        rate, points, goals, owner, healthy=healthy, max_time_s=max_time_s, scenarios=scenarios,
        deadline=started + time_limit_s,
    )  # fmt: skip
    run = _Search(sets, np.zeros((count, count), dtype=np.bool_) if apart is None else apart, gap_frac)
    every, proof = sets.solve(frozenset(range(count)))
    run.learn(proof)
    if sets.missed_gy(every.x) > 1e-6 * max(r.limit for r in sets.listed):
        raise InfeasibleError(
            "no set of these candidates holds the prescription under the hard limits",
            got=f"{sets.missed_gy(every.x):.2f} Gy short with all {count} together",
            remedy="Lower the prescription, loosen a limit, or allow more ways (margins, angles, length).",
        )
    most = min(most, count)
    with one_blas_thread():
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
        return run.placement(every.value, spent, goals.prescriptions[0].dose_gy)


class _Search:
    """Best sets so far, and every cut."""

    def __init__(self, sets: Subsets, apart: BoolArray, gap_frac: float) -> None:
        self.sets, self.gap_frac = sets, gap_frac
        self.apart = apart & ~np.eye(len(apart), dtype=np.bool_)
        self.apart_bits = np.array([_bits(np.flatnonzero(row)) for row in self.apart], dtype=np.uint64)
        self.proofs: list[Proof] = []
        self.best: dict[int, tuple[frozenset[int], Solution, float]] = {}
        self.bounds: dict[int, float] = {}
        # Least miss of the prescriptions, Gy, under all goals.
        self.missed: dict[int, float] = {}
        # Of the search, misses priced in: value and set of each number of catheters.
        self.elastic: dict[int, float] = {}
        self.guess: dict[int, frozenset[int]] = {}
        self.until = np.inf

    def learn(self, proof: Proof) -> None:
        """Keep a proof."""
        self.proofs.append(proof)

    def value(self, k: int) -> float:
        """Best value of at most ``k`` catheters so far."""
        return min((v for n, (_, _, v) in self.best.items() if n <= k), default=np.inf)

    def allowed(self, chosen: frozenset[int]) -> bool:
        """Whether no two of a set exclude each other."""
        at = sorted(chosen)
        return not self.apart[np.ix_(at, at)].any()

    # -- search -----------------------------------------------------------------------------------------------------

    def search(self, k: int, until: float) -> None:
        """Swap as long as that helps, beginning with the best smaller set and with sets round single candidates."""
        self.until = self.sets.deadline  # one pass is owed to each number
        base = self.guess.get(k - 1, frozenset())
        self._swapped([base | {c} for c in range(self.sets.count) if c not in base], k)
        self.until = until
        if k == 1:
            return
        for first in range(0, self.sets.count, max(1, self.sets.count // _STARTS)):
            # A greedy set round this candidate, by what all proofs so far promise.
            grown = frozenset({first})
            while len(grown) < k:
                wider = [s for c in range(self.sets.count) if c not in grown and self.allowed(s := grown | {c})]
                if not wider:
                    break
                grown = wider[int(self._known_bounds(wider).argmin())]
            self._swapped([grown], k, fresh=True)

    def _swapped(self, tried: list[frozenset[int]], k: int, *, fresh: bool = False) -> None:
        found, least = self._best_of(tried, k, np.inf if fresh else self.elastic.get(k, np.inf))
        while found is not None:
            now = found
            swaps = [now - {out} | {c} for out in sorted(now) for c in range(self.sets.count) if c not in now]
            found, least = self._best_of(swaps, k, least)

    def _best_of(self, tried: list[frozenset[int]], k: int, least: float) -> tuple[frozenset[int] | None, float]:
        """Look at sets in the order of their known bounds; return the best one below ``least``."""
        tried = [s for s in tried if self.allowed(s)]
        known = self._known_bounds(tried)
        winner = None
        for i in np.argsort(known, kind="stable"):
            if known[i] >= least * (1 - 1e-6) or time.monotonic() > self.until:
                break
            chosen = tried[i]
            proof = self.sets.bound(chosen)
            self.learn(proof)
            if proof.value >= least * (1 - 1e-6):
                continue
            value = self.note(k, chosen)
            if value < least * (1 - 1e-6):
                winner, least = chosen, value
        if winner is not None and least < self.elastic.get(k, np.inf):
            self.elastic[k], self.guess[k] = least, winner
        return winner, least

    def note(self, k: int, chosen: frozenset[int]) -> float:
        """Solve a set with every row, remember it where it is the best; return its value, misses priced in."""
        found, proof = self.sets.solve(chosen)
        self.learn(proof)
        reached = self.sets.reached(chosen, found)
        if reached is None:
            return np.inf
        if self.sets.held(reached.x) and reached.value < self.value(k):
            self.best[k] = (chosen, reached, reached.value)
        self.missed[k] = min(self.missed.get(k, np.inf), self.sets.missed_gy(reached.x))
        return reached.value

    def _known_bounds(self, tried: list[frozenset[int]]) -> FloatArray:
        """Bound sets by all proofs so far."""
        if not tried:
            return np.zeros(0)
        member = np.zeros((len(tried), self.sets.count), dtype=np.bool_)
        for i, chosen in enumerate(tried):
            member[i, sorted(chosen)] = True
        bounds = np.zeros(len(tried))
        for proof in self.proofs[-400:]:
            load = np.where(member, proof.load, -np.inf).max(axis=1)
            bounds = np.maximum(bounds, proof.value / np.maximum(load, 1.0))
        return bounds

    # -- proof ------------------------------------------------------------------------------------------------------

    def prove(self, k: int, least: float, deadline: float) -> None:
        """Raise the bound of at most ``k`` catheters until the gap is small enough or the time is over."""
        self.bounds[k] = least
        for gap in (*(g for g in _GAPS if g > self.gap_frac), self.gap_frac):
            while np.isfinite(self.value(k)):
                before = self.value(k)
                tau = before * (1 - gap)
                if tau <= self.bounds[k]:
                    break
                floor = self._none_below(k, tau, deadline)
                if floor is None:
                    return
                if self.value(k) < before * (1 - 1e-9):
                    continue  # a better set was found: begin again below it
                self.bounds[k] = max(self.bounds[k], floor)
                break

    def _most_frac(self, k: int, budget: float) -> float:
        """Part of the prescription that no ``k`` catheters exceed at an objective of ``budget``.

        A set proven to cost ``tau`` by a proof with ``fixed_frac`` q costs ``tau (f - q) / (1 - q)`` at f times the
        prescription, at least.
        """
        tau = self.bounds[k]
        if not np.isfinite(budget) or tau <= budget:
            return 1.0
        kept, self.proofs = self.proofs, [proof for proof in self.proofs if proof.fixed_frac <= 1e-6]
        # A moment more than the time allowed: most of the proofs are there.
        self.sets.deadline = time.monotonic() + 3.0
        floor = self._none_below(k, tau * (1 - 1e-9), self.sets.deadline)
        fixed = max((proof.fixed_frac for proof in self.proofs), default=1.0)
        self.proofs = kept
        return 1.0 if floor is None else min(1.0, budget / floor + fixed * (1.0 - budget / floor))

    def _none_below(self, k: int, tau: float, deadline: float) -> float | None:
        """Look for sets below ``tau``; return the bound proven, None when the time is over."""
        every = (1 << self.sets.count) - 1
        cuts = _least([c for proof in self.proofs if proof.value >= tau and (c := proof.cut(tau)) != every])
        if 0 in cuts:
            return tau
        floor = tau
        chosen, branch = np.zeros(k + 1, dtype=np.int64), np.zeros(k + 1, dtype=np.uint64)
        tried, banned = np.zeros(k + 1, dtype=np.uint64), np.zeros(k + 2, dtype=np.uint64)
        state = np.zeros(2, dtype=np.int64)
        known = np.array(cuts, dtype=np.uint64)
        while next_hitting_set(known, self.apart_bits, k, chosen, branch, tried, banned, state):
            if time.monotonic() > min(deadline, self.sets.deadline):
                return None
            here = frozenset(chosen[: state[0]].tolist())
            proof = self.sets.bound(here)
            if proof.value < tau:
                before = self.value(k)
                self.note(k, here)
                proof = self.proofs[-1]
                if self.value(k) < before * (1 - 1e-9):
                    return floor
            if proof.value < tau:
                # Better than tau without the dose-volume goals, but no plan with them: only this set is done with.
                floor = min(floor, proof.value)
                cut = every & ~_bits(sorted(here))
            else:
                proof = self._widened(here, proof, tau)
                self.learn(proof)
                cut = proof.cut(tau)
            if cut == 0:
                return floor
            known = np.append(known, np.uint64(cut))
        return floor

    def _widened(self, chosen: frozenset[int], proof: Proof, tau: float) -> Proof:
        """Switch more catheters on as long as the set stays bad: the fewer are left, the stronger the cut."""
        step = 0.5
        for _ in range(8):
            left = [c for c in range(self.sets.count) if proof.cut(tau) >> c & 1]
            if len(left) <= 1:
                break
            left.sort(key=lambda c: proof.load[c])
            more = left[: max(1, int(step * len(left)))]
            inside = frozenset(c for c in range(self.sets.count) if c not in left) | chosen
            wider = self.sets.bound(inside | set(more))
            if wider.value >= tau:
                proof, chosen = wider, inside | set(more)
            elif len(more) == 1:
                break
            else:
                step *= 0.5
        return proof

    # -- result -----------------------------------------------------------------------------------------------------

    def placement(self, every_value: float, spent: list[float], dose_gy: float) -> Placement:
        """Put the curve together."""
        curve = []
        budget = self.value(len(spent))
        for k in range(1, len(spent) + 1):
            fitting = [n for n in self.best if n <= k]
            best = min(fitting, key=lambda n: self.best[n][2], default=None)
            none = (frozenset[int](), None, np.inf)
            chosen, found, value = none if best is None else self.best[best]
            times = np.zeros(self.sets.n) if found is None else found.x[: self.sets.n]
            missed = self.sets.missed_at(chosen, budget) if chosen else self.missed.get(k, np.nan)
            d100 = dose_gy - missed
            top = dose_gy * self._most_frac(k, budget)
            top = max(d100, top) if np.isfinite(d100) else top
            curve.append(Chosen(k, tuple(sorted(chosen)), times, value, self.bounds[k], d100, top, spent[k - 1]))
        return Placement(
            self.sets.objective,
            self.sets.unit,
            tuple(curve),
            every_value,
            tuple(r.label for r in self.sets.left_out),
            self.sets.solves,
        )


def _bits(candidates: Sequence[int] | IntArray) -> int:
    return sum(1 << int(c) for c in candidates)


def _least(cuts: list[int]) -> list[int]:
    """Leave out cuts that another one implies."""
    kept: list[int] = []
    for cut in sorted(set(cuts), key=int.bit_count):
        if not any(small & cut == small for small in kept):
            kept.append(cut)
    return kept
