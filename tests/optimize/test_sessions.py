"""Lesions shared among sessions."""

from dataclasses import replace

import numpy as np
import pytest
from check_certificate import check_certificate
from optimize_cases import case, goal, goals, optimize_times, problem

from hdrplan.errors import InfeasibleError, InputError
from hdrplan.optimize import EveryPointOptimum, split_sessions
from hdrplan.optimize.studies.sessions import _shared


def test_one_session_where_the_budget_allows_it():
    rate, points, _ = case(lesions=2)
    (only,) = split_sessions(problem(rate, points, goals(lesions=2), healthy="liver"))
    check_certificate(only.problem, only.optimum)
    assert only.lesions == ("lesion1", "lesion2")


def test_a_time_budget_splits_and_the_dose_given_counts():
    rate, points, _ = case(lesions=2)
    together = optimize_times(problem(rate, points, goals(lesions=2), healthy="liver")).times_s.sum()
    budget = goal("plan", f"time <= {0.7 * together} s")
    sessions = split_sessions(problem(rate, points, goals(lesions=2), healthy="liver"), budgets=[budget])
    assert [s.lesions for s in sessions] == [("lesion1",), ("lesion2",)]
    total = np.zeros(len(points))
    for session in sessions:
        check_certificate(session.problem, session.optimum)
        assert session.optimum.times_s.sum() <= 0.7 * together
        total += rate.gy_per_s @ session.optimum.times_s
    for name in ("lesion1", "lesion2"):
        assert total[points.rows(name)].min() >= 20.0
    # The second session leaves out what the first gave: without that dose its times would miss the prescription.
    second = rate.gy_per_s @ sessions[1].optimum.times_s
    assert second[points.rows("lesion2")].min() < 20.0 - 0.1


def test_hard_goals_hold_for_the_sum():
    rate, points, _ = case(lesions=2)
    wanted = goals(goal("duodenum", "Dmax <= 16 Gy"), lesions=2)
    together = optimize_times(problem(rate, points, goals(lesions=2), healthy="liver")).times_s.sum()
    sessions = split_sessions(
        problem(rate, points, wanted, healthy="liver"), budgets=[goal("plan", f"time <= {0.7 * together} s")]
    )
    for session in sessions:
        check_certificate(session.problem, session.optimum)
    total = sum(rate.gy_per_s @ s.optimum.times_s for s in sessions)
    assert total[points.rows("duodenum")].max() <= 16.0 + 1e-9


def test_sessions_are_proven_in_the_sum_and_a_way_that_cannot_be_is_not_taken():
    rate, points, _ = case(lesions=2)
    asked = problem(rate, points, goals(lesions=2), healthy="liver")
    earlier, refused = [], []

    def prove(own, earlier_s):
        earlier.append(earlier_s)
        lesions = tuple(p.structure for p in own.goals.prescriptions)
        if lesions == ("lesion1", "lesion2"):
            refused.append(lesions)
            raise InfeasibleError("a plan that can be proven", got="none", remedy="none")
        with_reserve = replace(own, reserve_frac=1e-3, earlier_gy=rate.gy_per_s @ earlier_s)
        optimum = optimize_times(with_reserve)
        return EveryPointOptimum(optimum=optimum, problem=with_reserve, minimum={}, proven=True, points_added=0)

    sessions = split_sessions(asked, prove=prove)
    assert refused
    assert [session.lesions for session in sessions] == [("lesion1",), ("lesion2",)]
    assert earlier[-1] == pytest.approx(sessions[0].optimum.times_s)
    total = sum(rate.gy_per_s @ session.optimum.times_s for session in sessions)
    for name in ("lesion1", "lesion2"):
        assert total[points.rows(name)].min() >= 20.0 * (1 + 1e-3) - 1e-9


def test_ways_to_share():
    # Stirling numbers of the second kind: 4 lesions in 2 sessions 7 ways, in 3 sessions 6.
    assert len(_shared(("a", "b", "c", "d"), 2)) == 7
    assert len(_shared(("a", "b", "c", "d"), 3)) == 6


def test_impossible_budgets_and_bad_counts():
    rate, points, _ = case(lesions=2)
    with pytest.raises(InfeasibleError, match="Raise a session's budget"):
        split_sessions(problem(rate, points, goals(lesions=2), healthy="liver"), budgets=[goal("plan", "time <= 50 s")])
    with pytest.raises(InputError, match="between 1 and 4"):
        split_sessions(problem(rate, points, goals(lesions=2)), maximum_count=5)
