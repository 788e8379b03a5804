"""A session of live planning: the plan on the screen is always that of what was asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from touched import ctv, holds_together, hottest, moved, with_second_catheter

from hdrplan.dose import dose_at_points
from hdrplan.errors import InputError
from hdrplan.io import read_case
from hdrplan.live import ACTIONS, PlanState, Session
from hdrplan.options import PlanOptions
from hdrplan.workflow import plan_case


def test_every_touch_gives_the_optimum_of_what_is_asked(session: Session) -> None:
    for dose_gy in (17.0, 23.0):
        shown = session.do("prescribe", ctv=ctv(session), dose_gy=dose_gy)
        holds_together(shown)
        assert shown.state == PlanState.SAMPLES
        assert shown.score.targets[0].d100_gy == pytest.approx(dose_gy, rel=1e-6)
        assert shown.optimum is not None
        assert shown.optimum.certificate.main.gap_frac < 1e-6


def test_settled_it_is_the_plan_of_the_command(session: Session, folder: Path) -> None:
    case = read_case(folder)
    planned = plan_case(case.case, case.goals, case.source, case.strength, options=PlanOptions(**case.options))
    shown = session.settle()
    holds_together(shown)
    assert shown.state == PlanState.PROVEN
    np.testing.assert_allclose(shown.plan.times_s, planned.plan.times_s, atol=1e-9)
    assert shown.score.targets[0].d100_lower_gy == pytest.approx(planned.score.targets[0].d100_lower_gy, rel=1e-9)


def test_what_no_plan_holds_leaves_the_last_plan_and_says_so(session: Session) -> None:
    before = session.shown
    organ = next(s.name for s in session.case_file.case.structures if s.role == "OAR")
    name = hottest(session)
    session.do("lock", catheter=name["catheter"])
    shown = session.do("add_goal", structure=organ, goal="Dmax <= 0.001 Gy")
    assert shown.state == PlanState.REFUSED
    assert "The plan shown is the last one." in shown.text
    np.testing.assert_array_equal(shown.plan.times_s, before.plan.times_s)
    assert session.undo().state == PlanState.SAMPLES


def test_undo_and_redo_go_all_the_way(folder: Path) -> None:
    session = Session.open(folder)
    with_second_catheter(session)
    session = Session(replace(session.case_file, case=session.wishes.case_of(session.case_file.case)))
    begun = session.shown.plan.times_s
    name = session.wishes.catheters[0].name
    session.do("prescribe", ctv=ctv(session), dose_gy=18.0)
    session.do("switch_catheter", name=name, on=False)
    after = session.shown.plan.times_s
    assert name not in session.shown.plan.dwells.catheter_names
    session.undo()
    session.undo()
    np.testing.assert_array_equal(session.shown.plan.times_s, begun)
    with pytest.raises(InputError, match="the history has the places 0 to 2, got -1"):
        session.undo()
    session.redo()
    session.redo()
    np.testing.assert_array_equal(session.shown.plan.times_s, after)
    session.undo()
    session.do("prescribe", ctv=ctv(session), dose_gy=21.0)
    prescribed = [f"prescribe: {ctv(session)}, {dose_gy} Gy" for dose_gy in (18, 21)]
    assert session.history == ("opened", *prescribed)


def test_a_moving_source_is_refused(folder: Path) -> None:
    file = read_case(folder)
    with pytest.raises(InputError, match="does not count the dose of the moving source"):
        Session(replace(file, options={**file.options, "source_speed_mm_per_s": 300.0}))


def test_a_catheter_is_added_used_and_taken_out(session: Session) -> None:
    value = session.shown.optimum.certificate.main.value
    shown = with_second_catheter(session)
    holds_together(shown)
    assert "new 1" in shown.plan.dwells.catheter_names
    # One more catheter never costs dose.
    assert shown.optimum.certificate.main.value <= value * (1 + 1e-6)
    assert "new 1" not in session.do("delete_catheter", name="new 1").plan.dwells.catheter_names


def test_plans_are_kept_compared_and_taken_back(session: Session) -> None:
    session.keep("first")
    session.do("prescribe", ctv=ctv(session), dose_gy=24.0)
    rows = {(d.structure, d.metric): d for d in session.compare("first")}
    row = rows[ctv(session), "D100 (Gy)"]
    assert row.now == pytest.approx(24.0, rel=1e-6)
    assert row.kept == pytest.approx(session.kept["first"].score.targets[0].d100_gy)
    assert session.take("first").plan is session.kept["first"].plan
    assert session.history[-1] == "take first"
    with pytest.raises(InputError, match="no plan was kept as 'second'"):
        session.take("second")


def test_a_case_without_catheters_is_sent_to_placement(folder: Path) -> None:
    file = read_case(folder)
    with pytest.raises(InputError, match=r"a plan needs catheters, got none\. `hdrplan place`"):
        Session(replace(file, case=replace(file.case, catheters=())))


def test_robustness_is_of_the_plan_on_the_screen_and_leaves_places_out(session: Session) -> None:
    middle = session.wishes.catheters[0].points_mm[-1]
    session.do("ask_dose_at", point_mm=moved(middle, 3.0, 0.0, 0.0), dose_gy=25.0, at_least=True)
    coverage = session.robustness(deliveries=4)
    assert len(coverage.values) == 4
    planned = session.shown.plan
    dose = dose_at_points(
        planned.dwells, planned.times_s, session.shown.points.points_mm, planned.source, strength_u=planned.strength_u
    )
    rows = session.shown.points.rows("liver")
    mean_gy = np.average(dose.gy[rows], weights=session.shown.points.volume_cc[rows])
    assert coverage.summary("liver mean_gy").planned == pytest.approx(mean_gy, rel=0.02)


@pytest.mark.parametrize(
    ("action", "arguments", "message"),
    [
        ("fly", {}, "no action is named 'fly'"),
        ("prescribe", {"ctv": "liver"}, "prescribe takes ctv, dose_gy, got no dose_gy"),
        ("prescribe", {"ctv": "liver", "dose_gy": 20.0}, "no CTV is named 'liver'"),
        ("prescribe", {"ctv": "tumour", "dose_gy": float("nan")}, "dose_gy of prescribe must be a finite number"),
        ("prescribe", {"ctv": "tumour", "dose_gy": True}, "dose_gy of prescribe must be a finite number"),
        ("prescribe", {"ctv": 7, "dose_gy": 20.0}, "ctv of prescribe must be a printable text"),
        ("set_goal", {"number": 99, "value": 3.0}, "goals have the numbers"),
        ("set_goal", {"number": 0.5, "value": 3.0}, "number of set_goal must be a whole number"),
        ("switch_goal", {"number": 0, "on": 1}, "on of switch_goal must be true or false"),
        ("add_goal", {"structure": "nowhere", "goal": "Dmax <= 3 Gy"}, "nowhere"),
        ("add_goal", {"structure": "liver", "goal": "Dmax < 3 Gy"}, "a goal uses >= or <="),
        ("move_catheter", {"name": "nobody", "tip_mm": [0, 0, 0]}, "no catheter is named 'nobody'"),
        ("ask_dose_at", {"point_mm": [0, 0], "dose_gy": 3.0, "at_least": True}, "must be three numbers in mm"),
        ("ask_dose_at", {"point_mm": "abc", "dose_gy": 3.0, "at_least": True}, "must be three numbers in mm"),
        ("optimise_rest", {"quickly": True}, "optimise_rest takes no arguments, got 'quickly'"),
    ],
)
def test_an_action_that_cannot_be_changes_nothing(
    session: Session, action: str, arguments: dict[str, object], message: str
) -> None:
    wishes, shown = session.wishes, session.shown
    with pytest.raises(InputError, match=message):
        session.do(action, **arguments)
    assert session.wishes is wishes
    assert session.shown is shown


def test_every_action_says_what_it_does_and_what_it_takes() -> None:
    for action in ACTIONS.values():
        assert action.help.endswith(".")
        assert {p.kind for p in action.parameters} <= {"float", "int", "str", "bool", "point"}
    assert [(p.name, p.kind, p.optional) for p in ACTIONS["move_catheter"].parameters] == [
        ("name", "str", False),
        ("tip_mm", "point", True),
        ("hub_mm", "point", True),
    ]
