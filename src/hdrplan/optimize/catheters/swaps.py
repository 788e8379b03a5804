"""Good sets of few catheters: the best one is added, and catheters are swapped as long as that helps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hdrplan.optimize.catheters.candidates import CatheterSet
from hdrplan.optimize.catheters.incumbents import Incumbents
from hdrplan.optimize.catheters.meter import End
from hdrplan.optimize.catheters.tools import SetTools, guessed, planned

__all__ = ["improved"]

# Sets to begin with for each number of catheters.
_STARTS = 6
# A set is better that saves more than this fraction.
_BETTER_FRAC = 1e-6


def improved(tools: SetTools, incumbents: Incumbents, count: int, end: End) -> Incumbents:
    """Swap catheters as long as that helps, from the best smaller set and from sets round single candidates.

    Parameters
    ----------
    tools : SetTools
    incumbents : Incumbents
    count : int
        At most so many catheters.
    end : End
        When to stop; the first pass may take all that is left, for one is owed to each number.

    Returns
    -------
    Incumbents
    """
    if count == 0:
        return planned(tools, incumbents, CatheterSet(), None)
    candidates = range(tools.sets.candidates.count)
    smaller = incumbents.best(count - 1)
    base = CatheterSet() if smaller is None else smaller.chosen
    wider = [base | {c} for c in candidates if c not in base]
    incumbents = _swapped(tools, incumbents, wider, count, incumbents.value(count), tools.meter.end)
    if count == 1:
        return incumbents
    for first in range(0, len(candidates), max(1, len(candidates) // _STARTS)):
        grown = _grown(tools, first, count)
        incumbents = _swapped(tools, incumbents, [grown], count, np.inf, end)
    return incumbents


def _grown(tools: SetTools, first: int, count: int) -> CatheterSet:
    """Return a greedy set round one candidate, by what the proofs so far promise."""
    candidates, grown = tools.sets.candidates, frozenset({first})
    while len(grown) < count:
        wider = [s for c in range(candidates.count) if c not in grown and candidates.allowed(s := grown | {c})]
        if not wider:
            break
        grown = wider[int(tools.proofs.known_bounds(wider).argmin())]
    return grown


def _swapped(
    tools: SetTools, incumbents: Incumbents, tried: list[CatheterSet], count: int, best: float, end: End
) -> Incumbents:
    """Go on from the best of some sets below ``best`` to its neighbours, until none of these is better."""
    candidates = range(tools.sets.candidates.count)
    incumbents, winner, best = _best_of(tools, incumbents, tried, best, end)
    while winner is not None:
        wider = [winner | {c} for c in candidates if c not in winner] if len(winner) < count else []
        swaps = [winner - {out} | {c} for out in sorted(winner) for c in candidates if c not in winner]
        incumbents, winner, best = _best_of(tools, incumbents, wider + swaps, best, end)
    return incumbents


def _best_of(
    tools: SetTools, incumbents: Incumbents, tried: Sequence[CatheterSet], best: float, end: End
) -> tuple[Incumbents, CatheterSet | None, float]:
    """Look at sets in the order of their known bounds; return the best one below ``best``, and its value."""
    tried = [chosen for chosen in tried if tools.sets.candidates.allowed(chosen)]
    known = tools.proofs.known_bounds(tried)
    winner, start = None, None
    for i in np.argsort(known, kind="stable"):
        if known[i] >= best * (1 - _BETTER_FRAC) or tools.meter.passed(end):
            break
        proof = tools.bounds.bound(tried[i])
        tools.proofs.add(proof)
        if proof.value < best * (1 - _BETTER_FRAC):
            value, x = guessed(tools, tried[i], best)
            if value < best * (1 - _BETTER_FRAC):
                winner, start, best = tried[i], x, value
    if winner is not None and best < incumbents.value(len(winner)):
        incumbents = planned(tools, incumbents, winner, start)
        best = min(best, incumbents.values[winner])
    return incumbents, winner, best
