"""The trade-off surface of a case: what coverage costs the organs, the healthy tissue and the clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hdrplan.errors import InputError
from hdrplan.optimize import Axis, Front, PlanProblem, optimize_times, pareto_front
from hdrplan.options import PlanOptions
from hdrplan.plan import Case, Goals, Plan
from hdrplan.sources import Strength, TG43Source
from hdrplan.workflow.problem import planning_problem
from hdrplan.workflow.score import evaluate
from hdrplan.workflow.steps import StepProgress, Steps

__all__ = ["ParetoResult", "plan_pareto", "usual_axes"]

# An organ that uses less of its limit is nothing to trade.
_NEAR_FRAC = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ParetoResult:
    """A trade-off surface, and one of its plans.

    Parameters
    ----------
    front : Front
    plan : Plan
        The first that is possible: its dwells, source and strength are those of all.
    problem : PlanProblem
        What all were made of: the doses of each follow from its rates.
    seconds : mapping
        Step -> wall time; "all" is their sum.
    """

    front: Front
    plan: Plan
    problem: PlanProblem
    seconds: Mapping[str, float]


def plan_pareto(
    case: Case,
    goals: Goals,
    source: TG43Source,
    strength: Strength,
    *,
    axes: Sequence[Axis] = (),
    options: PlanOptions | None = None,
    on_progress: StepProgress | None = None,
) -> ParetoResult:
    """Plan every combination of limits, each to a proven optimum at times that are real numbers.

    Parameters
    ----------
    case : Case
    goals : Goals
    source : TG43Source
    strength : Strength
    axes : sequence of Axis
        What to vary; none: :func:`usual_axes`.
    options : PlanOptions, optional
    on_progress : callable, optional
        Called with (step, done, total).

    Returns
    -------
    ParetoResult

    Raises
    ------
    InputError
        An axis that is none, see :func:`hdrplan.optimize.pareto_front`; a transit speed.
    """
    options = options or PlanOptions()
    if options.source_speed_mm_per_s:
        raise InputError(
            "limits are traded without transit dose", got="a transit speed", remedy="Add `source_speed_mm_per_s=0`."
        )
    step = Steps(on_progress)
    with step("sample and matrix"):
        dwells, problem = planning_problem(case, goals, source, strength_u=strength.value_u, options=options)
    with step("optimise") as progress:
        front = pareto_front(problem, axes or usual_axes(problem), on_progress=progress)
    plan = Plan(dwells=dwells, times_s=front.plans[0].times_s, source=source, strength=strength)
    seconds = step.seconds | {"all": round(sum(step.seconds.values()), 4)}
    return ParetoResult(front=front, plan=plan, problem=problem, seconds=seconds)


def usual_axes(problem: PlanProblem) -> list[Axis]:
    """Return coverage of each CTV, the organ nearest to its limit, and time, around the plan with all prescriptions.

    Ten steps each for one CTV, four for more. An organ is an axis where the plan uses half of a limit that somebody set
    for it: what lies far below its limit is nothing to trade.
    """
    points, prescriptions = problem.points, problem.goals.prescriptions
    plain = optimize_times(problem)
    dose_gy = problem.rate.gy_per_s @ plain.times_s
    used = {
        judged.goal.structure: judged.reached / judged.goal.value
        for judged in evaluate(dose_gy, points, problem.goals).goals
        if judged.goal.sense == "<=" and judged.goal.structure != problem.healthy and judged.goal.value > 0
    }
    near = max(
        (name for name in used if used[name] >= _NEAR_FRAC and name in points.names), key=used.__getitem__, default=None
    )
    n = 10 if len(prescriptions) == 1 else 4
    axes = [Axis(p.structure, "D100", np.linspace(0.75, 1.0, n) * p.dose_gy) for p in prescriptions]
    if near is not None:
        axes.append(Axis(near, "Dmax", np.linspace(0.6, 1.0, n) * float(dose_gy[points.rows(near)].max())))
    axes.append(Axis("plan", "time", np.linspace(0.8, 1.0, n) * float(plain.times_s.sum())))
    return axes
