"""Dwell times that a person changes and locks."""

from __future__ import annotations

import numpy as np
import pytest
from touched import ctv, holds_together, hottest, moved

from hdrplan.live import PlanState, Session


def test_a_time_by_hand_changes_that_time_alone_and_says_what_it_costs(session: Session) -> None:
    before = session.shown
    where = hottest(session)
    longer = float(before.plan.times_s.max()) + 4.0
    shown = session.do("set_time", **where, seconds=longer)
    holds_together(shown)
    assert shown.state == PlanState.BY_HAND
    changed = shown.plan.times_s != before.plan.times_s
    assert changed.sum() == 1
    assert shown.plan.times_s[changed] == longer
    # More time anywhere keeps D100 and costs dose: how much is measured against the bound of all plans.
    assert shown.optimum is None
    assert before.optimum is not None
    main = before.optimum.certificate.main
    assert shown.above_frac > 0
    assert f"{100 * shown.above_frac:.1f} % above the optimum" in shown.text
    rest = session.do("optimise_rest")
    assert rest.plan.times_s[changed] == pytest.approx(longer)
    assert rest.optimum is not None
    assert main.bound <= rest.optimum.certificate.main.value <= main.bound * (1 + shown.above_frac) * (1 + 1e-6)
    assert session.do("unlock").optimum.certificate.main.value == pytest.approx(main.value, rel=1e-6)


def test_a_plan_by_hand_that_misses_a_goal_says_so(session: Session) -> None:
    shown = session.do("set_time", **hottest(session), seconds=0.0)
    assert shown.state == PlanState.BY_HAND
    assert f"misses {ctv(session)} D100" in shown.text
    assert np.isnan(shown.above_frac)


def test_times_stay_locked_when_their_catheter_moves(session: Session) -> None:
    where = hottest(session)
    session.do("lock", **where)
    time_s = session.shown.plan.times_s.max()
    name = str(where["catheter"])
    tip = session.wishes.catheter(name).points_mm[-1]
    shown = session.do("move_catheter", name=name, tip_mm=moved(tip, 0.0, 0.5, 0.0))
    holds_together(shown)
    np.testing.assert_allclose(session.wishes.catheter(name).points_mm[-1], moved(tip, 0.0, 0.5, 0.0))
    dwells = shown.plan.dwells
    k = dwells.catheter_names.index(name)
    own = (dwells.catheter == k) & (np.abs(dwells.offset_mm - where["offset_mm"]) < 1e-6)
    assert shown.plan.times_s[own] == pytest.approx(time_s)


def test_a_plan_by_hand_beside_wishes_is_not_called_the_optimum(session: Session) -> None:
    session.do("add_goal", structure="stomach", goal="Dmax <= 30 Gy", level=1)
    longer = float(session.shown.plan.times_s.max()) + 40.0
    shown = session.do("set_time", **hottest(session), seconds=longer)
    assert np.isnan(shown.above_frac)
    assert "how far from the optimum is not known" in shown.text


def test_a_time_by_hand_is_shown_where_no_plan_holds_the_limits(session: Session) -> None:
    session.do("lock", catheter=hottest(session)["catheter"])
    refused = session.do("add_goal", structure="stomach", goal="Dmax <= 0.001 Gy")
    assert refused.state == PlanState.REFUSED
    # Judged by what is asked now, and not by the goals of the plan's own time.
    assert [g.met for g in refused.score.goals if g.goal.text == "Dmax <= 0.001 Gy"] == [False]
    shown = session.do("set_time", **hottest(session), seconds=1.0)
    assert shown.state == PlanState.BY_HAND
    assert "misses" in shown.text


def test_a_gesture_of_times_by_hand_changes_that_time_alone(session: Session) -> None:
    before = session.shown.plan.times_s.copy()
    stop = hottest(session)
    for seconds in (5.0, 7.0):
        session.follow("bar", "set_time", **stop, seconds=seconds)
    changed = np.flatnonzero(session.shown.plan.times_s != before)
    assert session.shown.plan.times_s[changed].tolist() == [7.0]
    assert len(session.history) == 2
