"""What is known of the plan on the screen, as a state and in one sentence."""

from __future__ import annotations

import numpy as np

from hdrplan.live.shown import PlanState
from hdrplan.optimize import EveryPoint, Optimum, Scope, Status
from hdrplan.plan import Goals
from hdrplan.workflow import Score

__all__ = ["state_of_optimum", "text_by_hand", "text_of"]

# A plan that lies nearer to its bound than this is the optimum in every digit on the screen.
_NEAR_FRAC = 5e-4
_MORE = "A better plan is looked for after a rest."


def state_of_optimum(optimum: Optimum) -> PlanState:
    """Return what is known of an optimum."""
    if optimum.status == Status.LOWERED:
        return PlanState.LOWERED
    proofs = [note for note in optimum.notes if isinstance(note, EveryPoint)]
    if optimum.status == Status.NOT_PROVEN or not all(proof.finished for proof in proofs):
        return PlanState.NOT_PROVEN
    return PlanState.PROVEN if optimum.certificate.scope == Scope.EVERY_POINT else PlanState.SAMPLES


def text_by_hand(score: Score, above: float) -> str:
    """Return what is known of times set by hand.

    Parameters
    ----------
    score : Score
    above : float
        Fraction above the bound of all plans; NaN where that is not known.
    """
    missed = _missed(score)
    if missed:
        return f"Edited by hand: misses {missed}."
    if np.isnan(above):
        return "Edited by hand; how far from the optimum is not known with these goals."
    return f"Edited by hand, {100 * max(above, 0.0):.1f} % above the optimum."


def text_of(optimum: Optimum, score: Score, above: float, goals: Goals, *, settled: bool) -> str:
    """Return what is known of an optimum, and what drives it where a prescription does not.

    Parameters
    ----------
    optimum : Optimum
    score : Score
    above : float
        Fraction above the bound of all plans without locks.
    goals : Goals
        What the plan was asked for.
    settled : bool
        False: where dose-volume goals bind, a better plan is looked for after a rest.
    """
    more = [] if settled or not optimum.certificate.relaxed else [_MORE]
    if optimum.shortfalls:
        return " ".join([*(short.text for short in optimum.shortfalls), *more, *_driven_by(goals)])
    state, gap, missed = state_of_optimum(optimum), optimum.certificate.main.gap_frac, _missed(score)
    proofs = [note for note in optimum.notes if isinstance(note, EveryPoint)]
    everywhere = optimum.certificate.scope == Scope.EVERY_POINT and all(proof.finished for proof in proofs)
    where = "proven at every point" if everywhere else "at the sample points"
    what = ", D100 " if goals.prescriptions else " "
    lead = "Optimal" if gap <= _NEAR_FRAC else f"Within {100 * gap:.1f} % of the optimum"
    if state == PlanState.NOT_PROVEN:
        lead = "Not proven optimal"
    costs = f"; {100 * above:.1f} % above the optimum without locks" if above > gap + _NEAR_FRAC else ""
    said = [f"{lead}{what}{where}{costs}.", *more, *([f"Missed: {missed}."] if missed else []), *_driven_by(goals)]
    return " ".join(said)


def _missed(score: Score) -> str:
    return "; ".join(f"{g.goal.structure} {g.goal.text}" for g in score.goals if not g.met)


def _driven_by(goals: Goals) -> list[str]:
    """Say what asks for a dose where a prescription is off or a goal of a level."""
    if not goals.references:
        return []
    lower = [(p.structure, p.goal.text, 0) for p in goals.prescriptions]
    lower += [(g.structure, g.text, g.level) for g in goals.goals if g.sense == ">="]
    asks = "; ".join(f"{name} {text} ({f'level {level}' if level else 'hard'})" for name, text, level in lower)
    return [f"What asks for dose now: {asks}."]
