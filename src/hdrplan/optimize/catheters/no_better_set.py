"""The proof that no set of so few catheters is better.

Sets that meet every cut known (:mod:`hdrplan.optimize.catheters.cuts`) are looked up one after the other: each is
better than the best, or bad, and then its proof is the next cut; when no set is left, the bound holds for all [1]_.

References
----------
.. [1] Moreno-Centeno E, Karp RM, The implicit hitting set approach, Oper Res 2013;61:453.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hdrplan.kernels.hitting import next_hitting_set
from hdrplan.optimize.catheters.cuts import cuts_of
from hdrplan.optimize.catheters.incumbents import Incumbents
from hdrplan.optimize.catheters.meter import End
from hdrplan.optimize.catheters.tools import SetTools, guessed, planned

__all__ = ["maximum_prescription_frac", "proven_bound"]

# Gaps proven one after the other: the proof can stop at any of them.
_GAPS = (0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.002, 0.001)
# Guesses under dose-volume goals that miss the best by less than this factor are planned.
_NEAR = 1.03


def proven_bound(
    tools: SetTools, incumbents: Incumbents, count: int, *, lowest: float, gap_frac: float, end: End
) -> tuple[Incumbents, float]:
    """Raise the bound of all sets of at most so many catheters until the gap is small enough.

    Parameters
    ----------
    tools : SetTools
    incumbents : Incumbents
    count : int
    lowest : float
        A bound known before.
    gap_frac : float
        Proof enough.
    end : End
        When to stop with the bound so far.

    Returns
    -------
    Incumbents
        With better sets, if any were met on the way.
    float
        The bound.
    """
    bound = lowest
    for gap in (*(g for g in _GAPS if g > gap_frac), gap_frac):
        while np.isfinite(before := incumbents.value(count)) and (tau := before * (1 - gap)) > bound:
            incumbents, floor = _none_below(tools, incumbents, count, tau, end)
            if floor is None:
                return incumbents, bound
            if incumbents.value(count) == before:
                bound = max(bound, floor)
                break
            # A better set was met: begin again below it.
    return incumbents, bound


def maximum_prescription_frac(
    tools: SetTools, incumbents: Incumbents, count: int, bound: float, budget: float
) -> float:
    """Fraction of the prescription that no ``count`` catheters exceed at an objective of ``budget``.

    A set proven to cost ``tau`` by a proof with ``fixed_frac`` q costs ``tau (f - q) / (1 - q)`` at f times the
    prescription, at least.

    Parameters
    ----------
    tools : SetTools
    incumbents : Incumbents
    count : int
    bound : float
        Proven of the objective at the full prescription.
    budget : float
    """
    if not np.isfinite(budget) or bound <= budget:
        return 1.0
    # Proofs of their own: what is learnt here says nothing at the full prescription.
    tools = replace(tools, proofs=tools.proofs.scalable())
    _, floor = _none_below(tools, incumbents, count, bound * (1 - 1e-9), tools.meter.grace())
    fixed = tools.proofs.fixed_frac
    return 1.0 if floor is None else min(1.0, budget / floor + fixed * (1.0 - budget / floor))


def _none_below(
    tools: SetTools, incumbents: Incumbents, count: int, tau: float, end: End
) -> tuple[Incumbents, float | None]:
    """Look for sets below ``tau``; return the bound proven, None at the end of the time."""
    candidates = tools.sets.candidates
    every = np.uint64((1 << candidates.count) - 1)
    before, floor = incumbents.value(count), tau
    cuts, conflicts = tools.proofs.cuts(tau), candidates.conflict_bits
    chosen, branch = np.zeros(count + 1, dtype=np.int64), np.zeros(count + 1, dtype=np.uint64)
    tried, banned = np.zeros(count + 1, dtype=np.uint64), np.zeros(count + 2, dtype=np.uint64)
    banned[0] = candidates.barred_bits
    state = np.zeros(2, dtype=np.int64)
    while next_hitting_set(cuts.known, conflicts, count, chosen, branch, tried, banned, state):
        if tools.meter.passed(end):
            return incumbents, None
        here = frozenset(chosen[: state[0]].tolist())
        proof = tools.bounds.bound(here)
        if proof.value < tau:
            value, x = guessed(tools, here, tau)
            if value < (before * _NEAR if tools.sets.tails else tau):
                incumbents = planned(tools, incumbents, here, x)
            if incumbents.value(count) != before:
                return incumbents, floor
            # What was learnt of the rows may have made it bad.
            proof = tools.bounds.bound(here)
        if proof.value < tau:
            # Better than tau without the dose-volume goals, but no plan with them: only this set is done with.
            floor = min(floor, proof.value)
            cuts.add(every & ~np.bitwise_or.reduce(np.uint64(1) << chosen[: state[0]].astype(np.uint64)))
        else:
            tools.proofs.add(proof)
            cuts.add(cuts_of([proof], tau)[0])
    return incumbents, floor
