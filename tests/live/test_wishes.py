"""Goals, prescriptions and doses at places that a person asks for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from touched import ctv, holds_together, hottest, moved

from hdrplan.errors import InputError
from hdrplan.io import read_case
from hdrplan.live import PlanState, Session
from hdrplan.options import PlanOptions
from hdrplan.workflow import plan_case
from small_case import write_small_case


def test_a_dose_asked_at_a_place_is_given(session: Session) -> None:
    rows = session.shown.points.rows(ctv(session))
    coldest = session.shown.points.points_mm[rows][np.argmin(session.shown.dose_gy[rows])]
    shown = session.do("ask_dose_at", point_mm=tuple(coldest), dose_gy=26.0, at_least=True)
    holds_together(shown)
    assert shown.score.structure("place 1").min_gy >= 26.0 * (1 - 1e-6)
    assert session.do("switch_goal", number=len(session.wishes.goals) - 1, on=False).score.targets[0].d100_gy < 26.0


def test_another_place_under_the_name_of_one_undone_has_its_own_dose(session: Session) -> None:
    tip = session.wishes.catheters[0].points_mm[-1]
    session.do("ask_dose_at", point_mm=moved(tip, 0.0, 12.0, 0.0), dose_gy=60.0, at_least=False)
    session.undo()
    shown = session.do("ask_dose_at", point_mm=moved(tip, 0.0, 0.0, 25.0), dose_gy=60.0, at_least=False)
    assert shown.points.names[-1] == "place 1"
    holds_together(shown)


def test_a_goal_on_a_volume_follows_the_hand_and_is_searched_for_after_a_rest(session: Session) -> None:
    """Each step of a drag took seconds: the whole search for a goal that is not convex."""
    name = ctv(session)
    least = session.shown.score.structure(name).v150_frac
    for k in range(3):
        shown = session.follow("drag", "add_goal", structure=name, goal=f"V150 <= {100 * least - 4 - k:.1f} %")
        holds_together(shown)
        assert shown.optimum is not None
        assert shown.optimum.certificate.relaxed
        assert "A better plan is looked for after a rest." in shown.text
        assert shown.score.structure(name).v150_frac <= least - (3.99 + k) / 100
    first = shown.plan.times_s
    session.undo()
    assert (session.redo().plan.times_s == first).all()
    assert "after a rest" not in session.settle().text


@pytest.mark.parametrize(
    ("percent", "at_least", "text"),
    [
        (0.0, False, "Dmax <= 9 Gy"),
        (0.0, True, "D0.1 >= 9 Gy"),
        (100.0, True, "Dmin >= 9 Gy"),
        (100.0, False, "D99.9 <= 9 Gy"),
        (12.5, False, "D12.5 <= 9 Gy"),
    ],
)
def test_a_point_of_a_dvh_is_a_goal(session: Session, percent: float, at_least: bool, text: str) -> None:
    session.do("ask_dvh_point", structure="stomach", volume_percent=percent, dose_gy=9.0, at_least=at_least)
    assert session.wishes.goals[-1].goal.text == text
    with pytest.raises(InputError, match="between 0 and 100 %"):
        session.do("ask_dvh_point", structure="stomach", volume_percent=101.0, dose_gy=9.0, at_least=False)


def test_a_goal_is_traded_between_what_it_reaches_asked_for_most_and_not_asked_for(session: Session) -> None:
    session.do("add_goal", structure="liver", goal="V10Gy <= 40 %", level=1)
    session.do("set_time", **hottest(session), seconds=1.0)
    ranges = {(one.number, one.structure): one for one in session.ranges()}
    number = len(session.wishes.goals) - 1
    liver = ranges[number, "liver"]
    assert liver.strictest <= liver.loosest * (1.0 + 1e-6)
    assert ranges[None, ctv(session)].strictest > 20.0
    # Without the goal, and with the times left to the optimiser, the plan reaches the loosest value.
    session.do("unlock")
    session.do("switch_goal", number=number, on=False)
    free = session.shown.dvh("liver").volume_frac_at_gy(10.0)
    assert liver.loosest == pytest.approx(float(free), abs=5e-3)
    session.do("switch_goal", number=number, on=True)
    session.do("set_goal", number=number, value=100.0 * liver.strictest)
    assert session.shown.dvh("liver").volume_frac_at_gy(10.0) <= liver.loosest + 1e-9


def test_a_prescription_is_switched_off_only_where_something_else_asks_for_dose(session: Session) -> None:
    name, before = ctv(session), session.shown
    with pytest.raises(InputError, match=r"a plan must be asked for a dose.*D90 >= 20 Gy of lesion"):
        session.do("switch_prescription", ctv=name, on=False)
    assert session.shown is before
    assert session.history == ("opened",)

    session.do("add_goal", structure=name, goal="D90 >= 22 Gy", level=1)
    shown = session.do("switch_prescription", ctv=name, on=False)
    holds_together(shown)
    target = shown.score.target(name)
    assert target.d100_gy < 19.0
    assert target.d90_gy == pytest.approx(22.0, rel=1e-3)
    assert target.prescription_gy == 20.0
    assert shown.text.endswith("What asks for dose now: lesion D90 >= 22 Gy (level 1).")
    assert "D100" not in shown.text
    assert session.settle().state != PlanState.PROVEN
    shown = session.undo()
    assert "What asks" not in shown.text
    assert shown.score.target(name).d100_gy == pytest.approx(20.0, rel=1e-6)


def test_of_two_prescriptions_one_is_switched_off(tmp_path: Path) -> None:
    folder = write_small_case(tmp_path / "case")
    text = (folder / "case.toml").read_text()
    text = text.replace('stomach = "OAR"', 'stomach = "CTV"').replace("lesion = 20.0", "lesion = 20.0\nstomach = 2.0")
    (folder / "case.toml").write_text(text.partition("[[goals]]")[0])
    session = Session.open(folder)
    both = session.shown
    assert both.score.target("stomach").d100_gy == pytest.approx(2.0, rel=1e-6)
    shown = session.do("switch_prescription", ctv="stomach", on=False)
    assert shown.score.target("stomach").d100_gy < 1.9
    assert shown.score.target("lesion").d100_gy == pytest.approx(20.0, rel=1e-6)
    assert shown.plan.total_time_s < both.plan.total_time_s
    assert "What asks for dose now: lesion D100 >= 20 Gy (hard)." in shown.text
    settled = session.settle()
    assert settled.state == PlanState.PROVEN
    assert settled.score.target("stomach").d100_lower_gy is None
    assert settled.score.target("lesion").d100_lower_gy is not None


def test_a_prescription_of_a_level_gives_way_to_earlier_levels_and_is_saved_so(
    session: Session, folder: Path, tmp_path: Path
) -> None:
    name = ctv(session)
    session.do("set_level", number=0, level=1)
    session.do("set_goal", number=0, value=0.5)
    session.do("set_prescription_level", ctv=name, level=2)
    shown = session.shown
    assert shown.score.goals[0].goal.structure == "stomach"
    assert shown.score.goals[0].met
    assert shown.score.target(name).d100_gy < 19.0
    session.do("set_prescription_level", ctv=name, level=0)
    assert session.shown.score.target(name).d100_gy == pytest.approx(20.0, rel=1e-6)
    session.undo()
    settled = session.settle()
    session.save(tmp_path / "saved")
    case = read_case(tmp_path / "saved" / "case")
    assert case.goals.prescriptions == ()
    assert [(p.structure, p.dose_gy) for p in case.goals.references] == [(name, 20.0)]
    planned = plan_case(case.case, case.goals, case.source, case.strength, options=PlanOptions(**case.options))
    np.testing.assert_allclose(settled.plan.times_s, planned.plan.times_s, atol=1e-9)
    again = Session.open(tmp_path / "saved" / "case")
    assert not again.wishes.prescriptions[0].on
    assert again.wishes.goals[-1].goal.text == "D100 >= 20 Gy"
    np.testing.assert_allclose(again.shown.dose_gy, shown.dose_gy, rtol=1e-6)


@pytest.mark.parametrize("text", ["D1cc <= 0 Gy", "D0.1cc <= 0 Gy", "Dmax <= 0 Gy", "Dmean <= 0 Gy", "V5Gy <= 0 %"])
@pytest.mark.parametrize("level", [0, 1])
def test_a_limit_of_nothing_is_a_limit(session: Session, text: str, level: int) -> None:
    """A slider moved to its end ended in a division by zero, and so did a plan of the command."""
    shown = session.do("add_goal", structure="stomach", goal=text, level=level)
    assert shown.state in (PlanState.LOWERED, PlanState.REFUSED, PlanState.SAMPLES, PlanState.NOT_PROVEN)
    holds_together(shown)
    session.settle()
