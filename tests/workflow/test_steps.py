"""The steps of a walk: their names, progress and seconds."""

from __future__ import annotations

import pytest

from hdrplan.workflow import Steps


def test_each_step_passes_its_progress_on_under_its_name() -> None:
    seen: list[tuple[str, int, int]] = []
    step = Steps(lambda name, done, total: seen.append((name, done, total)))
    with step("sample"):
        pass
    with step("matrix") as progress:
        progress(3, 10)
    assert seen == [("sample", 0, 1), ("matrix", 0, 1), ("matrix", 3, 10)]
    assert list(step.seconds) == ["sample", "matrix"]
    assert all(seconds >= 0 for seconds in step.seconds.values())


def test_a_step_that_fails_has_no_time_and_hides_no_error() -> None:
    step = Steps()
    with pytest.raises(ZeroDivisionError), step("matrix"):
        _ = 1 / 0
    assert step.seconds == {}
