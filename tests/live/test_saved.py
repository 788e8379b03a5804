"""What a session saves, and its journal."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from touched import ctv, hottest, moved, with_second_catheter

from hdrplan.errors import InputError, ResourceError
from hdrplan.io import read_case, read_plan_file
from hdrplan.live import PlanState, Session, Touch
from small_case import write_small_case


def test_files_that_change_on_the_disk_are_named_and_play_no_part(tmp_path: Path) -> None:
    session = Session.open(write_small_case(tmp_path / "case"))
    before = session.shown.score.targets[0].d100_gy
    assert session.changed_files == ()
    labels = tmp_path / "case" / "labels.nii.gz"
    whole = labels.read_bytes()
    labels.write_bytes(b"no longer an image")
    (tmp_path / "case" / "catheters.json").unlink()
    assert sorted(session.changed_files) == ["catheters.json", "labels.nii.gz"]
    assert session.do("optimise_rest").score.targets[0].d100_gy == pytest.approx(before, rel=1e-9)
    labels.write_bytes(whole)  # of the same content, but written since: nobody can know that it is the same
    assert "labels.nii.gz" in session.changed_files


@pytest.mark.slow
def test_saved_it_is_what_the_command_writes(session: Session, tmp_path: Path) -> None:
    session.do("prescribe", ctv=ctv(session), dose_gy=18.0)
    name = session.wishes.catheters[0].name
    tip = session.wishes.catheter(name).points_mm[-1]
    session.do("move_catheter", name=name, tip_mm=moved(tip, 0.0, 0.0, 0.5))
    command = session.save(tmp_path / "saved")
    assert command == "hdrplan plan case -o plan"
    saved = read_plan_file(tmp_path / "saved" / "plan").plan
    np.testing.assert_array_equal(saved.times_s, session.settle().plan.times_s)
    again = Session.open(tmp_path / "saved" / "case", plan=saved)
    assert again.shown.state == PlanState.BY_HAND
    assert again.settle().score.targets[0].d100_lower_gy >= 18.0 * (1 - 1e-6)
    with pytest.raises(InputError, match="saved"):
        session.save(tmp_path / "saved")


@pytest.mark.slow
def test_a_session_whose_command_fails_leaves_nothing(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that can be seen has its plan: killed or refused before its end, there is none."""
    failed = subprocess.CompletedProcess([], 2, stdout="", stderr="the disk is full")
    monkeypatch.setattr("hdrplan.live.saving.subprocess.run", lambda *_, **__: failed)
    with pytest.raises(ResourceError, match="hdrplan plan must end well"):
        session.save(tmp_path / "saved")
    assert list(tmp_path.iterdir()) == []


def test_locked_times_are_saved_as_locked(session: Session, tmp_path: Path) -> None:
    where = hottest(session)
    longer = round(float(session.shown.plan.times_s.max()) + 3.0)
    session.do("set_time", **where, seconds=longer)
    session.do("optimise_rest")
    assert session.save(tmp_path / "saved") == "hdrplan plan case --lock times.json -o plan"
    np.testing.assert_array_equal(
        read_plan_file(tmp_path / "saved" / "plan").plan.times_s, session.settle().plan.times_s
    )
    session.do("set_time", **where, seconds=0.0)
    session.do("optimise_rest")
    assert session.save(tmp_path / "cleared").startswith("hdrplan evaluate")
    cleared = read_plan_file(tmp_path / "cleared" / "times.json").plan
    k = int(np.argmin(np.abs(cleared.dwells.offset_mm - where["offset_mm"])))
    assert cleared.times_s[k] == 0.0


@pytest.mark.slow
def test_times_by_hand_are_saved_as_they_are(session: Session, tmp_path: Path) -> None:
    shown = session.do("set_time", **hottest(session), seconds=0.0)
    assert session.save(tmp_path / "saved") == "hdrplan evaluate case --plan times.json -o metrics.json"
    np.testing.assert_array_equal(read_plan_file(tmp_path / "saved" / "times.json").plan.times_s, shown.plan.times_s)
    metrics = json.loads((tmp_path / "saved" / "metrics.json").read_text())
    assert metrics["structures"][ctv(session)]["d100_gy"] == pytest.approx(session.settle().score.targets[0].d100_gy)


def test_a_journal_gives_the_session_back(folder: Path) -> None:
    touches: list[Touch] = []
    session = Session(read_case(folder), on_touch=touches.append)
    session.do("prescribe", ctv=ctv(session), dose_gy=18.0)
    with_second_catheter(session)
    session.settle()
    session.do("set_time", **hottest(session), seconds=40.0)
    session.keep("by hand")
    session.do("optimise_rest")
    session.undo()
    session.do(
        "ask_dose_at",
        point_mm=moved(session.wishes.catheters[0].points_mm[-1], 9.0, 0.0, 0.0),
        dose_gy=30.0,
        at_least=False,
    )
    session.take("by hand")
    # As a file holds them.
    kept = [Touch(**json.loads(json.dumps(asdict(touch)))) for touch in touches]
    again = Session(read_case(folder))
    again.again(kept)
    assert again.history == session.history
    assert again.at == session.at
    assert dict(again.wishes.locked_s) == dict(session.wishes.locked_s)
    np.testing.assert_allclose(again.shown.plan.times_s, session.shown.plan.times_s, atol=1e-9)
    again.go_to(session.at - 1)
    session.go_to(session.at - 1)
    np.testing.assert_allclose(again.shown.plan.times_s, session.shown.plan.times_s, atol=1e-6)


def test_switched_prescriptions_are_in_the_journal(folder: Path) -> None:
    touches: list[Touch] = []
    session = Session(read_case(folder), on_touch=touches.append)
    session.do("set_prescription_level", ctv=ctv(session), level=1)
    session.do("add_goal", structure=ctv(session), goal="D90 >= 22 Gy", level=1)
    session.do("switch_prescription", ctv=ctv(session), on=False)
    again = Session(read_case(folder))
    again.again(Touch(**json.loads(json.dumps(asdict(touch)))) for touch in touches)
    assert again.wishes.prescriptions == session.wishes.prescriptions
    assert again.history == session.history
    np.testing.assert_allclose(again.shown.dose_gy, session.shown.dose_gy, rtol=1e-9)
