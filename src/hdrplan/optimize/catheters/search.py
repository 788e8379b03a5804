"""Good sets of few catheters, and the proof that there is no better one.

A search adds the best catheter and swaps while that helps. The proof looks for sets that meet every cut known
(:mod:`hdrplan.optimize.catheters.cuts`) one after the other: each is better than the best, or bad, and then its proof
is the next cut; when no set is left, the bound holds for all [1]_ [2]_.

References
----------
.. [1] Hooker JN, Ottosson G, Logic-based Benders decomposition, Math Program 2003;96:33.
.. [2] Moreno-Centeno E, Karp RM, The implicit hitting set approach, Oper Res 2013;61:453.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.kernels.hitting import next_hitting_set, smallest_cuts
from hdrplan.optimize.catheters.cuts import Proof, cuts_of
from hdrplan.optimize.catheters.subset_program import Subsets
from hdrplan.optimize.program.lazy_lp import Solution

__all__ = ["Found", "Search"]

U64 = npt.NDArray[np.uint64]

# Beginnings of the search for each number of catheters.
_STARTS = 6
# Gaps proven one after the other: the proof can stop at any of them.
_GAPS = (0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.002, 0.001)
# Proofs that the search remembers when it orders sets by their known bounds.
_RECENT = 400
# Guesses under dose-volume goals that miss the best by less than this factor are planned.
_NEAR = 1.03
# For the bound of D100, beyond the time allowed: most of the proofs are there.
_MOMENT_S = 3.0


class Found(NamedTuple):
    """A set and its best plan under all goals; ``value`` has what the prescriptions miss priced in."""

    chosen: frozenset[int]
    plan: Solution
    value: float
    held: bool


class Search:
    """Best sets so far, and every proof.

    Parameters
    ----------
    sets : Subsets
    apart : (n, n) bool array
        Candidates that exclude each other.
    gap_frac : float
        Proof enough.
    """

    def __init__(self, sets: Subsets, apart: BoolArray, gap_frac: float) -> None:
        self.sets, self.gap_frac = sets, gap_frac
        self.apart = apart & ~np.eye(len(apart), dtype=np.bool_)
        powers = np.uint64(1) << np.arange(len(apart), dtype=np.uint64)
        self._apart_bits = np.where(self.apart, powers, np.uint64(0)).sum(axis=1, dtype=np.uint64)
        self.proofs: list[Proof] = []
        self.bounds: dict[int, float] = {}
        self._best: dict[int, Found] = {}
        self._plans: dict[frozenset[int], float] = {}
        self._until = np.inf

    def best(self, k: int) -> Found | None:
        """Return the best set of at most ``k`` catheters so far: one that holds the prescriptions before any other."""
        found = [one for n, one in self._best.items() if n <= k]
        return min(found, key=lambda one: (not one.held, one.value), default=None)

    def value(self, k: int) -> float:
        """Value of the best set of at most ``k``."""
        best = self.best(k)
        return np.inf if best is None else best.value

    def allowed(self, chosen: frozenset[int]) -> bool:
        """Whether no two of a set exclude each other."""
        at = sorted(chosen)
        return not self.apart[np.ix_(at, at)].any()

    # -- search -----------------------------------------------------------------------------------------------------

    def search(self, k: int, until: float) -> None:
        """Swap as long as that helps, beginning with the best smaller set and with sets round single candidates."""
        self._until = self.sets.deadline  # one pass is owed to each number
        smaller = self.best(k - 1)
        base = frozenset[int]() if smaller is None else smaller.chosen
        self._swapped([base | {c} for c in range(self.sets.count) if c not in base], k, self.value(k))
        self._until = until
        if k == 1:
            return
        for first in range(0, self.sets.count, max(1, self.sets.count // _STARTS)):
            # A greedy set round this candidate, by what the proofs so far promise.
            grown = frozenset({first})
            while len(grown) < k:
                wider = [s for c in range(self.sets.count) if c not in grown and self.allowed(s := grown | {c})]
                if not wider:
                    break
                grown = wider[int(self._known_bounds(wider).argmin())]
            self._swapped([grown], k, np.inf)

    def _swapped(self, tried: list[frozenset[int]], k: int, least: float) -> None:
        found, least = self._best_of(tried, k, least)
        while found is not None:
            wider = [found | {c} for c in range(self.sets.count) if c not in found] if len(found) < k else []
            swaps = [found - {out} | {c} for out in sorted(found) for c in range(self.sets.count) if c not in found]
            found, least = self._best_of(wider + swaps, k, least)

    def _best_of(self, tried: list[frozenset[int]], k: int, least: float) -> tuple[frozenset[int] | None, float]:
        """Look at sets in the order of their known bounds; return the best one below ``least``."""
        tried = [s for s in tried if self.allowed(s)]
        known = self._known_bounds(tried)
        winner, guess = None, None
        for i in np.argsort(known, kind="stable"):
            if known[i] >= least * (1 - 1e-6) or time.monotonic() > self._until:
                break
            proof = self.sets.bound(tried[i])
            self.proofs.append(proof)
            if proof.value < least * (1 - 1e-6):
                value, x = self._guessed(tried[i], least)
                if value < least * (1 - 1e-6):
                    winner, guess, least = tried[i], x, value
        if winner is not None and least < self.value(len(winner)):
            least = min(least, self._planned(winner, guess))
        return winner, least

    def _guessed(self, chosen: frozenset[int], least: float) -> tuple[float, FloatArray]:
        """Value of a set by all rows, and where that is below ``least`` under dose-volume goals, excused as now."""
        proof, x = self.sets.filled(chosen)
        self.proofs.append(proof)
        if proof.value >= least or not self.sets.tails:
            return proof.value, x
        guess, x = self.sets.filled(chosen, strict=True)
        return guess.value, x

    def _planned(self, chosen: frozenset[int], start: FloatArray | None) -> float:
        """Plan a set under all goals, and remember it where it is the best; return its value."""
        if chosen not in self._plans:
            plan = self.sets.reached(chosen, start)
            self._plans[chosen] = np.inf if plan is None else plan.value
            best = self.best(len(chosen))
            if plan is not None:
                one = Found(chosen, plan, plan.value, self.sets.held(plan.x))
                if best is None or (not one.held, one.value) < (not best.held, best.value):
                    self._best[len(chosen)] = one
                    self.sets.aim(plan.x)
        return self._plans[chosen]

    def _known_bounds(self, tried: list[frozenset[int]]) -> FloatArray:
        """Bound sets by the recent proofs."""
        bounds = np.zeros(len(tried))
        recent = self.proofs[-_RECENT:]
        if not tried or not recent:
            return bounds
        load = np.array([proof.load for proof in recent])
        value = np.array([proof.value for proof in recent])
        for i, chosen in enumerate(tried):
            bounds[i] = (value / np.maximum(load[:, sorted(chosen)].max(axis=1), 1.0)).max()
        return bounds

    # -- proof ------------------------------------------------------------------------------------------------------

    def prove(self, k: int, least: float, deadline: float) -> None:
        """Raise the bound of at most ``k`` catheters until the gap is small enough or the time is over."""
        self.bounds[k] = least
        for gap in (*(g for g in _GAPS if g > self.gap_frac), self.gap_frac):
            while np.isfinite(before := self.value(k)) and (tau := before * (1 - gap)) > self.bounds[k]:
                floor = self.none_below(k, tau, deadline)
                if floor is None:
                    return
                if self.value(k) == before:
                    self.bounds[k] = max(self.bounds[k], floor)
                    break
                # A better set was found: begin again below it.

    def none_below(self, k: int, tau: float, deadline: float) -> float | None:
        """Look for sets below ``tau``; return the bound proven, None when the time is over."""
        every = np.uint64((1 << self.sets.count) - 1)
        before = self.value(k)
        cuts = _Cuts(self._cuts(tau))
        floor = tau
        chosen, branch = np.zeros(k + 1, dtype=np.int64), np.zeros(k + 1, dtype=np.uint64)
        tried, banned = np.zeros(k + 1, dtype=np.uint64), np.zeros(k + 2, dtype=np.uint64)
        state = np.zeros(2, dtype=np.int64)
        while next_hitting_set(cuts.known, self._apart_bits, k, chosen, branch, tried, banned, state):
            if time.monotonic() > deadline:
                return None
            here = frozenset(chosen[: state[0]].tolist())
            proof = self.sets.bound(here)
            if proof.value < tau:
                value, x = self._guessed(here, tau)
                if value < (before * _NEAR if self.sets.tails else tau):
                    self._planned(here, x)
                if self.value(k) != before:
                    return floor
                # What was learnt of the rows may have made it bad.
                proof = self.sets.bound(here)
            if proof.value < tau:
                # Better than tau without the dose-volume goals, but no plan with them: only this set is done with.
                floor = min(floor, proof.value)
                cuts.add(every & ~np.bitwise_or.reduce(np.uint64(1) << chosen[: state[0]].astype(np.uint64)))
            else:
                self.proofs.append(proof)
                cuts.add(cuts_of([proof], tau)[0])
        return floor

    def most_frac(self, k: int, budget: float) -> float:
        """Part of the prescription that no ``k`` catheters exceed at an objective of ``budget``.

        A set proven to cost ``tau`` by a proof with ``fixed_frac`` q costs ``tau (f - q) / (1 - q)`` at f times the
        prescription, at least.
        """
        tau = self.bounds[k]
        if not np.isfinite(budget) or tau <= budget:
            return 1.0
        kept, self.proofs = self.proofs, [proof for proof in self.proofs if proof.fixed_frac <= 1e-6]
        floor = self.none_below(k, tau * (1 - 1e-9), time.monotonic() + _MOMENT_S)
        fixed = max((proof.fixed_frac for proof in self.proofs), default=1.0)
        self.proofs = kept
        return 1.0 if floor is None else min(1.0, budget / floor + fixed * (1.0 - budget / floor))

    def _cuts(self, tau: float) -> U64:
        """Return the cuts that all proofs so far make at ``tau``, none of them implied by another."""
        used = [proof for proof in self.proofs if proof.value >= tau]
        return smallest_cuts(cuts_of(used, tau)) if used else np.zeros(0, dtype=np.uint64)


class _Cuts:
    """A list that grows without being copied each time."""

    def __init__(self, first: U64) -> None:
        self._all, self._count = np.concatenate((first, np.zeros(1024, dtype=np.uint64))), len(first)

    @property
    def known(self) -> U64:
        return self._all[: self._count]

    def add(self, cut: np.uint64) -> None:
        if self._count == len(self._all):
            self._all = np.concatenate((self._all, np.zeros_like(self._all)))
        self._all[self._count] = cut
        self._count += 1
