"""What is asked about the plan on the screen and takes some seconds: it runs beside the touches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hdrplan.live.engine import Engine
from hdrplan.live.shown import Shown
from hdrplan.live.wishes import Wishes
from hdrplan.plan import Case
from hdrplan.simulate import Scenarios, Uncertainty
from hdrplan.workflow import PlaceOptions, default_obstacles, next_catheters, study_coverage

if TYPE_CHECKING:
    from hdrplan.simulate import RobustResult
    from hdrplan.workflow import NextCatheter

__all__ = ["next_catheters_of", "robustness_of"]

# Paths that differ most: each is planned, 0.1 s at points 2 mm apart.
_PATHS = 16


def next_catheters_of(engine: Engine, wishes: Wishes, without: Sequence[str]) -> tuple[NextCatheter, ...]:
    """Return paths for one more catheter beside those in use.

    Parameters
    ----------
    engine : Engine
    wishes : Wishes
    without : sequence of str
        Groups of obstacles that need not be segmented.
    """
    case = wishes.case_of(engine.case)
    return next_catheters(
        case,
        wishes.active,
        engine.source,
        engine.strength,
        options=PlaceOptions(margins_mm=default_obstacles(case), candidates=_PATHS, without=tuple(without)),
        plan_options=engine.options,
    )


def robustness_of(case: Case, wishes: Wishes, shown: Shown, deliveries: int) -> RobustResult:
    """Return the coverage of the plan on the screen in simulated deliveries.

    Parameters
    ----------
    case : Case
    wishes : Wishes
    shown : Shown
    deliveries : int
    """
    # Places of which a goal speaks are no organs: what becomes of them in a delivery says nothing.
    places = {place.name for place in wishes.places}
    goals = replace(shown.goals, goals=tuple(g for g in shown.goals.goals if g.structure not in places))
    study = study_coverage(
        replace(case, catheters=wishes.in_use),
        goals,
        shown.plan,
        Scenarios(Uncertainty(), count=deliveries),
        base_scenarios=0,
    )
    return study.coverage
