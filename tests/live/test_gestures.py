"""Gestures of many steps, and touches that are stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from touched import ctv, holds_together

from hdrplan.errors import StoppedError
from hdrplan.io import read_case
from hdrplan.live import PlanState, Session, Shown, Touch
from hdrplan.live.engine import Engine


def test_steps_of_one_gesture_are_one_entry_and_start_from_the_same_place(session: Session) -> None:
    goals = len(session.wishes.goals)
    for dose_gy in (12.0, 11.0, 10.0):
        shown = session.follow("drag 1", "ask_dvh_point", structure="liver", volume_percent=10.0, dose_gy=dose_gy,
                               at_least=False)  # fmt: skip
        holds_together(shown)
    assert [asked.goal.text for asked in session.wishes.goals[goals:]] == ["D10 <= 10 Gy"]
    assert len(session.history) == 2
    session.follow("drag 2", "prescribe", ctv=ctv(session), dose_gy=18.0)
    assert len(session.history) == 3
    session.undo()
    session.follow("drag 2", "prescribe", ctv=ctv(session), dose_gy=17.0)
    assert len(session.history) == 3
    session.undo()
    session.undo()
    assert len(session.wishes.goals) == goals


def test_a_gesture_is_done_again_from_its_journal(folder: Path) -> None:
    touches: list[Touch] = []
    first = Session(read_case(folder), on_touch=touches.append)
    for dose_gy in (18.0, 17.0):
        first.follow("drag", "prescribe", ctv=ctv(first), dose_gy=dose_gy)
    again = Session(read_case(folder))
    again.again([Touch(**json.loads(json.dumps(asdict(touch)))) for touch in touches])
    assert again.history == first.history
    assert again.wishes.prescriptions == first.wishes.prescriptions


def test_a_touch_that_is_stopped_changes_nothing(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    before, history = session.shown, session.history
    draft = Engine.draft

    def stopped_meanwhile(engine: Engine, *given: object) -> Shown:
        session.stop()
        return draft(engine, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "draft", stopped_meanwhile)
        with pytest.raises(StoppedError, match="Nothing was changed"):
            session.do("prescribe", ctv=ctv(session), dose_gy=12)
        with pytest.raises(StoppedError):
            session.ranges()
    assert session.shown is before
    assert session.history == history
    # What is begun later is not stopped.
    assert session.do("prescribe", ctv=ctv(session), dose_gy=12).state == PlanState.SAMPLES


def test_a_proof_ends_when_it_is_stopped_and_when_the_plan_is_touched(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled, ended = Engine.settled, []

    def meanwhile(happens: Callable[[], object]) -> Callable[..., Shown]:
        def call(engine: Engine, *given: object) -> Shown:
            happens()
            try:
                return settled(engine, *given)
            except StoppedError as error:
                ended.append(error)
                raise

        return call

    before = session.shown
    with monkeypatch.context() as patch:
        patch.setattr(Engine, "settled", meanwhile(session.stop))
        assert session.settle() is before
        touched = meanwhile(lambda: session.do("prescribe", ctv=ctv(session), dose_gy=12))
        patch.setattr(Engine, "settled", touched)
        assert session.settle().state == PlanState.SAMPLES
    assert len(ended) == 2
    assert session.shown.goals.prescription_gy(ctv(session)) == 12
    assert session.settle().state == PlanState.PROVEN
