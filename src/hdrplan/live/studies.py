"""What is asked about the plan on the screen and takes some seconds: it runs beside the touches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hdrplan.live.engine import Engine
from hdrplan.live.shown import PlanState, Shown
from hdrplan.live.wishes import AskedGoal, Wishes
from hdrplan.plan import Case, Goal
from hdrplan.simulate import Scenarios, Uncertainty
from hdrplan.workflow import PlaceOptions, default_obstacles, evaluate, next_catheters, study_coverage

if TYPE_CHECKING:
    from hdrplan.simulate import RobustResult
    from hdrplan.workflow import NextCatheter

__all__ = ["Range", "next_catheters_of", "ranges_of", "robustness_of"]

# Paths that differ most: each is planned, 0.1 s at points 2 mm apart.
_PATHS = 16


# A limit that no plan holds: what is reached instead is the lowest that the other goals allow.
_NOTHING = 1e-3
# The highest prescription there is (hdrplan.plan.Prescription): few cases hold it.
_FAR_GY = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What a limit or a prescription can be traded between while all others stay: beyond it nothing changes.

    Parameters
    ----------
    number : int or None
        Of the goal; None for a prescription.
    structure : str
    strictest, loosest : float
        Value reached where it is asked for most, found by the optimiser, and where it is not asked for; in the goal's
        own unit, NaN where no plan holds the rest.
    """

    number: int | None
    structure: str
    strictest: float
    loosest: float


def ranges_of(engine: Engine, wishes: Wishes, shown: Shown) -> tuple[Range, ...]:
    """Return what each goal that is on can be traded between, the others as they are; two optima each.

    Parameters
    ----------
    engine : Engine
    wishes : Wishes
    shown : Shown
    """
    unlocked = replace(wishes, by_hand_s=None, locked_s={})
    found = []
    for prescription in wishes.prescriptions:
        if not prescription.on:
            continue
        more = tuple(replace(p, dose_gy=_FAR_GY) if p is prescription else p for p in wishes.prescriptions)
        there = engine.draft(replace(unlocked, prescriptions=more), shown)
        d100_gy = there.score.target(prescription.structure).d100_gy
        found.append(
            Range(number=None, structure=prescription.structure, strictest=_known(there, d100_gy), loosest=float("nan"))
        )
    for number, asked in enumerate(wishes.goals):
        goal = asked.goal
        if not asked.on or goal.sense != "<=" or goal.metric.kind == "conformity":
            continue
        # Last of all levels, a goal takes what the others leave.
        least = AskedGoal(replace(goal, value=_NOTHING * goal.value, level=9))
        strictest, loosest = (
            _reached(engine.draft(replace(unlocked, goals=_with(wishes.goals, number, instead)), shown), goal)
            for instead in (least, AskedGoal(goal, on=False))
        )
        found.append(Range(number=number, structure=goal.structure, strictest=strictest, loosest=loosest))
    return tuple(found)


def _reached(there: Shown, goal: Goal) -> float:
    """Return the value of a goal's metric in a plan; NaN where that is not known."""
    if goal.structure not in there.points.names and goal.metric.kind != "total_time":
        return float("nan")
    goals = replace(there.goals, goals=(goal,))
    score = evaluate(there.dose_gy, there.points, goals, total_time_s=there.plan.total_time_s)
    return _known(there, score.goals[-1].reached)


def _known(there: Shown, value: float) -> float:
    return float("nan") if there.state == PlanState.REFUSED else value


def _with(goals: tuple[AskedGoal, ...], number: int, asked: AskedGoal) -> tuple[AskedGoal, ...]:
    return (*goals[:number], asked, *goals[number + 1 :])


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
