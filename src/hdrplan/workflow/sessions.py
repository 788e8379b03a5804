"""Several lesions in the fewest sequential sessions, each within its budget, the dose of former sessions counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.errors import InputError
from hdrplan.optimize import EveryPoint, EveryPointOptimum, Optimum, PlanProblem, optimize_every_point, split_sessions
from hdrplan.options import PlanOptions
from hdrplan.plan import Case, Goal, Goals, Plan
from hdrplan.sources import Strength, TG43Source
from hdrplan.workflow.problem import delivery_rules, planning_problem
from hdrplan.workflow.steps import Steps
from hdrplan.workflow.times import EVERY_POINT_FRAC, EveryPointSearch

__all__ = ["SessionPlan", "SessionsResult", "plan_sessions"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SessionPlan:
    """The plan of one session.

    Parameters
    ----------
    lesions : tuple of str
        CTVs that receive their prescription now.
    plan : Plan
    optimum : Optimum
    d100_gy, d100_sum_gy : mapping
        CTV -> D100 of this session, and of the sum with the former ones, at the sample points.
    proofs : mapping
        Lesion of this session -> what every point of it is proven to receive in the sum; empty where D100 is known at
        the sample points only.
    """

    lesions: tuple[str, ...]
    plan: Plan
    optimum: Optimum
    d100_gy: Mapping[str, float]
    d100_sum_gy: Mapping[str, float]
    proofs: Mapping[str, EveryPoint]


@dataclass(frozen=True, slots=True)
class SessionsResult:
    """The sessions in their order.

    Parameters
    ----------
    sessions : tuple of SessionPlan
    seconds : mapping
        Step -> wall time.
    """

    sessions: tuple[SessionPlan, ...]
    seconds: Mapping[str, float]

    @property
    def total_time_s(self) -> float:
        """Dwell times of all sessions."""
        return sum(session.plan.total_time_s for session in self.sessions)


def plan_sessions(
    case: Case,
    goals: Goals,
    source: TG43Source,
    strength: Strength,
    *,
    budgets: Sequence[Goal] = (),
    maximum_count: int = 4,
    options: PlanOptions | None = None,
) -> SessionsResult:
    """Share the lesions of a case among the fewest sessions that each keep their budget.

    Parameters
    ----------
    case : Case
        Its catheters serve all sessions.
    goals : Goals
        They hold for the sum of all sessions.
    source : TG43Source
    strength : Strength
    budgets : sequence of Goal
        Limits of each session alone: the time, a dose of a structure.
    maximum_count : int
        Most sessions, at most 4.
    options : PlanOptions, optional
        With ``every_point`` each lesion is proven to receive its prescription, in the sum, at every point of it.

    Returns
    -------
    SessionsResult

    Raises
    ------
    InputError
        A transit speed: sessions are planned without transit dose.
    InfeasibleError
        No way to share the lesions keeps the budgets.
    """
    goals.require_prescription("a plan in sessions")
    options = options or PlanOptions()
    if options.source_speed_mm_per_s:
        raise InputError(
            "sessions are planned without transit dose", got="a transit speed", remedy="Add `source_speed_mm_per_s=0`."
        )
    step = Steps()
    with step("all"):
        # Structures with a budget are sampled beside those with a goal.
        asked = replace(goals, goals=(*goals.goals, *budgets))
        dwells, problem = planning_problem(case, asked, source, strength_u=strength.value_u, options=options)
        problem = replace(problem, goals=goals, delivery=delivery_rules(dwells, options))
        search = EveryPointSearch(problem.points, dwells, source, strength_u=strength.value_u)

        def prove(own: PlanProblem, earlier_s: FloatArray) -> EveryPointOptimum:
            # Former sessions stop at the same positions: their seconds count as those of the moving source do.
            return optimize_every_point(
                own,
                minimum_dose=search.minimum_dose,
                rate_at=search.rate_at,
                tolerance_frac=EVERY_POINT_FRAC,
                transit_s=earlier_s,
            )

        sessions = split_sessions(
            problem, budgets=budgets, maximum_count=maximum_count, prove=prove if options.every_point else None
        )
    points, rate = problem.points, problem.rate
    ctvs = [name for name, role in zip(points.names, points.roles, strict=True) if role == "CTV"]
    sum_gy = np.zeros(len(points))
    plans = []
    for session in sessions:
        dose_gy = rate.gy_per_s @ session.optimum.times_s
        sum_gy = sum_gy + dose_gy
        plans.append(
            SessionPlan(
                lesions=session.lesions,
                plan=Plan(dwells=dwells, times_s=session.optimum.times_s, source=source, strength=strength),
                optimum=session.optimum,
                d100_gy={name: float(dose_gy[points.rows(name)].min()) for name in ctvs},
                d100_sum_gy={name: float(sum_gy[points.rows(name)].min()) for name in ctvs},
                proofs={note.structure: note for note in session.optimum.notes if isinstance(note, EveryPoint)},
            )
        )
    return SessionsResult(tuple(plans), step.seconds)
