"""The certificate of a plan in media: its own value beside the bound for the factor of its own times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hdrplan.optimize import EveryPoint, Loss, LossCause, MeanDose, Optimum, Scope, Status, TotalTime
from hdrplan.workflow.plan import PlanResult
from hdrplan.workflow.score import GoalResult

__all__ = ["certified"]


def certified(bound: Optimum, own: PlanResult, minima: Sequence[EveryPoint], *, every_point: bool) -> Optimum:
    """Return what is known of a plan from the optimum of its own factor, whose bound no plan passes.

    Parameters
    ----------
    bound : Optimum
        For the factor of the plan's own times, in times that are real numbers.
    own : PlanResult
        The plan, with that factor.
    minima : sequence of EveryPoint
        Proven of its CTVs.
    every_point : bool
        Whether the plan was asked to hold at every point.
    """
    main, certificate = bound.certificate.main, bound.certificate
    value = main.value
    if isinstance(main.objective, MeanDose):
        value = own.score.structure(main.objective.structure).mean_gy
    elif isinstance(main.objective, TotalTime):
        value = own.plan.total_time_s
    reached = {(goal.goal.structure, goal.goal.metric.text): goal.reached for goal in own.score.goals}
    shortfalls = tuple(
        replace(short, reached_gy=reached.get((short.structure, short.goal.id.metric), short.reached_gy))
        for short in bound.shortfalls
    )
    proven = every_point and all(minimum.finished for minimum in minima)
    gave_way = {(short.structure, short.goal.id.metric) for short in shortfalls}
    hard = [goal for goal in own.score.goals if goal.goal.level == 0]
    kept = [goal for goal in hard if (goal.goal.structure, goal.goal.metric.text) not in gave_way]
    held = all(goal.met for goal in hard)
    return replace(
        bound,
        times_s=own.plan.times_s,
        status=Status.NOT_PROVEN if bound.status == Status.PROVEN and not held else bound.status,
        certificate=replace(
            certificate,
            main=replace(main, value=value),
            violation_frac=max(map(_missed, kept), default=0.0),
            scope=Scope.EVERY_POINT if proven else Scope.POINTS_FOUND if every_point else Scope.SAMPLE_POINTS,
            losses=(Loss(LossCause.OWN_FACTOR, value - main.bound),),
        ),
        shortfalls=shortfalls,
        notes=(*(note for note in bound.notes if not isinstance(note, EveryPoint)), *(minima if every_point else ())),
    )


def _missed(result: GoalResult) -> float:
    goal = result.goal
    off = goal.value - result.reached if goal.sense == ">=" else result.reached - goal.value
    return max(0.0, off) / max(abs(goal.value), 1e-9)
