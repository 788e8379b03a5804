"""What is on the screen: a plan, its dose, and what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from hdrplan.arrays import FloatArray, freeze
from hdrplan.brief import brief_repr, html_table
from hdrplan.dose import SamplePoints
from hdrplan.metrics import DVH
from hdrplan.optimize import Optimum
from hdrplan.plan import Goals, Plan
from hdrplan.workflow import Score

__all__ = ["PlanState", "Shown", "html_of"]


class PlanState(StrEnum):
    """What is known of the plan on the screen."""

    SAMPLES = "optimal on samples"
    PROVEN = "proven at every point"
    BY_HAND = "edited by hand"
    LOWERED = "prescription lowered"
    NOT_PROVEN = "not proven"
    REFUSED = "no plan holds these limits"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shown:
    """A plan and everything that is said of it: dose, metrics and state are those of this plan.

    Parameters
    ----------
    plan : Plan
    goals : Goals
        Those that count.
    points : SamplePoints
    dose_gy : (n_points,) array
    curves : mapping
        Structure -> DVH.
    score : Score
    state : PlanState
    text : str
        The state in one sentence.
    above_frac : float
        How far the main objective lies above the bound of all plans with these goals and no time locked, as a fraction
        of the bound; NaN where that says nothing, as for a plan that misses a goal.
    optimum : Optimum or None
        None where the times were set by hand.
    seconds : mapping
        Step -> wall time.
    """

    plan: Plan
    goals: Goals
    points: SamplePoints
    dose_gy: FloatArray
    curves: Mapping[str, DVH]
    score: Score
    state: PlanState
    text: str
    above_frac: float
    optimum: Optimum | None
    seconds: Mapping[str, float]

    __repr__ = brief_repr

    def __post_init__(self) -> None:
        freeze(self, "dose_gy", (len(self.points),))

    def dvh(self, name: str) -> DVH:
        """Return the DVH of a structure; InputError lists the names there are."""
        self.points.rows(name)
        return self.curves[name]


def html_of(case_name: str, shown: Shown) -> str:
    """Return the goals of a plan on the screen as a table for notebooks.

    Parameters
    ----------
    case_name : str
    shown : Shown
    """
    rows = [
        (g.goal.structure, g.goal.text, f"{g.reached:.4g}", "met" if g.met else "NOT MET") for g in shown.score.goals
    ]
    caption = f"{case_name}: {shown.text} Research use only, never for treatment."
    return html_table(caption, ("structure", "goal", "reached", ""), rows)
