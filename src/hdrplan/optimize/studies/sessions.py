"""Several lesions in one session, or in a few one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.dose import SamplePoints
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.optimize.certificate import Optimum
from hdrplan.optimize.problem import PlanProblem
from hdrplan.optimize.times.every_point import EveryPointOptimum
from hdrplan.optimize.times.goal_sequence import optimize_times
from hdrplan.plan import Goal

__all__ = ["MAXIMUM_SESSIONS", "Session", "split_sessions"]

MAXIMUM_SESSIONS = 4
# 8 lesions have 2,795 ways to be shared among at most four sessions; nobody treats more in a row.
_MAXIMUM_LESIONS = 8

Groups = tuple[tuple[str, ...], ...]
# A problem without earlier dose, and the seconds that former sessions gave each dwell -> the plan of the sum.
ProveSession = Callable[[PlanProblem, FloatArray], EveryPointOptimum]
_Solve = Callable[[PlanProblem, FloatArray], tuple[Optimum, PlanProblem]]


@dataclass(frozen=True, slots=True)
class Session:
    """One treatment session.

    Parameters
    ----------
    lesions : tuple of str
        CTVs that receive their prescription now.
    optimum : Optimum
    problem : PlanProblem
        What the optimum solves: these lesions, the budgets, the dose of the sessions before, and the points that had
        to join for a proof at every point.
    """

    lesions: tuple[str, ...]
    optimum: Optimum
    problem: PlanProblem


def split_sessions(
    problem: PlanProblem,
    *,
    budgets: Sequence[Goal] = (),
    maximum_count: int = MAXIMUM_SESSIONS,
    prove: ProveSession | None = None,
) -> tuple[Session, ...]:
    """Fewest sequential sessions in which every lesion reaches its prescription within every session's budget.

    All ways to share the lesions among sessions are tried, fewest sessions first; among those of one number the least
    main objective in sum wins. A session counts what the former ones gave: to later lesions, which then need less, and
    under the hard goals, which hold for the sum. Budgets hold for each session alone.

    With ``prove`` every lesion receives its prescription in the sum at every point of it, not at the sample points
    only. Ways to share are then ranked at the sample points, and the best of them that can be proven is taken.

    Parameters
    ----------
    problem : PlanProblem
    budgets : sequence of Goal
        Limits of one session: total time, mean dose or dose-volume of the liver, dose of an organ.
    maximum_count : int
        Most sessions, at most four.
    prove : callable, optional
        (problem, seconds of each dwell in former sessions) -> EveryPointOptimum, as
        :func:`hdrplan.optimize.optimize_every_point` returns it when these seconds are its ``transit_s``.

    Returns
    -------
    tuple of Session
        In their order; lesions are treated in the order of the prescriptions.

    Raises
    ------
    InputError
        More than four sessions or eight lesions asked for; a budget of a later session that is neither a total time
        nor a mean dose.
    InfeasibleError
        Not even ``maximum_count`` sessions suffice.
    """
    if not 1 <= maximum_count <= MAXIMUM_SESSIONS:
        raise InputError(f"the number of sessions must lie between 1 and {MAXIMUM_SESSIONS}", got=maximum_count)
    goals = problem.goals
    lesions = tuple(p.structure for p in goals.prescriptions)
    if len(lesions) > _MAXIMUM_LESIONS:
        raise InputError(f"at most {_MAXIMUM_LESIONS} lesions can be shared among sessions", got=len(lesions))
    for count in range(1, min(maximum_count, len(lesions)) + 1):
        sampled = (_treated(problem, budgets, groups, _at_sample_points) for groups in _shared(lesions, count))
        for sessions in sorted((way for way in sampled if way is not None), key=_objective):
            if prove is None:
                return sessions
            groups = tuple(session.lesions for session in sessions)
            proven = _treated(problem, budgets, groups, _at_every_point(prove))
            if proven is not None:
                return proven
    raise InfeasibleError(
        f"a plan for {len(lesions)} lesions in at most {min(maximum_count, len(lesions))} sessions",
        got="budgets or limits too tight: " + "; ".join(f"{g.structure} {g.text}" for g in (*budgets, *goals.goals)),
        remedy="Raise a session's budget, allow more sessions, or lower a prescription.",
    )


def _shared(lesions: tuple[str, ...], count: int) -> list[Groups]:
    """All ways to share lesions among ``count`` sessions, each with at least one."""
    groupings: list[Groups] = [()]
    for lesion in lesions:
        groupings = [more for groups in groupings for more in _joined(groups, lesion) if len(more) <= count]
    return [groups for groups in groupings if len(groups) == count]


def _joined(groups: Groups, lesion: str) -> Iterator[Groups]:
    """Put one more lesion into each of the groups, then into one of its own."""
    for k, group in enumerate(groups):
        yield (*groups[:k], (*group, lesion), *groups[k + 1 :])
    yield (*groups, (lesion,))


def _objective(sessions: tuple[Session, ...]) -> float:
    """Return the main objective in sum, to the digits in which it is the same whatever the order of its terms."""
    return float(f"{sum(session.optimum.certificate.main.value for session in sessions):.9g}")


def _at_sample_points(problem: PlanProblem, earlier_s: FloatArray) -> tuple[Optimum, PlanProblem]:
    before_gy = problem.rate.gy_per_s @ earlier_s
    own = replace(problem, earlier_gy=before_gy if problem.earlier_gy is None else problem.earlier_gy + before_gy)
    return optimize_times(own), own


def _at_every_point(prove: ProveSession) -> _Solve:
    def solve(problem: PlanProblem, earlier_s: FloatArray) -> tuple[Optimum, PlanProblem]:
        found = prove(problem, earlier_s)
        return found.optimum, found.problem

    return solve


def _treated(
    problem: PlanProblem, budgets: Sequence[Goal], groups: Groups, solve: _Solve
) -> tuple[Session, ...] | None:
    """Plan the sessions in order; None as soon as one cannot hold.

    Parameters
    ----------
    problem : PlanProblem
    budgets : sequence of Goal
    groups : tuple of tuples of str
    solve : callable
    """
    points, goals = problem.points, problem.goals
    earlier_s = np.zeros(problem.n_dwells)
    sessions = []
    for group in groups:
        before_gy = problem.rate.gy_per_s @ earlier_s
        if problem.earlier_gy is not None:
            before_gy = before_gy + problem.earlier_gy
        now = replace(
            goals,
            prescriptions=tuple(p for p in goals.prescriptions if p.structure in group),
            goals=(*goals.goals, *(_session_budget(budget, points, before_gy) for budget in budgets)),
        )
        shown = replace(
            points,
            roles=tuple(
                "other" if role == "CTV" and name not in group else role
                for name, role in zip(points.names, points.roles, strict=True)
            ),
        )
        try:
            optimum, own = solve(replace(problem, points=shown, goals=now), earlier_s)
        except InfeasibleError:
            return None
        if optimum.shortfalls:
            return None
        sessions.append(Session(group, optimum, own))
        earlier_s = earlier_s + optimum.times_s
    return tuple(sessions)


def _session_budget(budget: Goal, points: SamplePoints, before_gy: FloatArray) -> Goal:
    """Return a budget as a limit on the sum: what one session may add to the dose that is there before."""
    if budget.metric.kind == "total_time" or not before_gy.any():
        return budget
    rows = points.rows(budget.structure)
    if budget.metric.kind == "dose_mean":
        earlier_gy = float(np.average(before_gy[rows], weights=points.volume_cc[rows]))
        return replace(budget, value=budget.value + earlier_gy)
    raise InputError(
        "the budget of a session after the first is a total time or a mean dose",
        got=budget.text,
        where=budget.structure,
        remedy="Give it as a hard goal: those hold for the sum of all sessions.",
    )
