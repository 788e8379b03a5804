"""Progress is seen on a terminal and in a pipe, with the time left, also while a step tells nothing."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from hdrplan.cli import progress


class Told(io.StringIO):
    """A stream that says when something was written to it."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal, self.written = terminal, threading.Event()

    def isatty(self) -> bool:
        return self.terminal

    def write(self, text: str) -> int:
        done = super().write(text)
        self.written.set()
        return done

    def next(self) -> None:
        self.written.clear()
        assert self.written.wait(60.0)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Told:
    stream = Told(terminal=request.param == "terminal")
    # Not sys.stderr: pytest puts its own there before a test begins.
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=stream))
    monkeypatch.setattr(progress, "_TERMINAL_S", 0.01)
    monkeypatch.setattr(progress, "_SILENT_S", 0.0)
    # What other tests compiled in this process is not what is tested here.
    monkeypatch.setattr(progress, "compiled", lambda: 0)
    monkeypatch.setenv("HDRPLAN_PROGRESS_S", "0.01")
    return stream


@pytest.mark.parametrize("told", ["terminal", "pipe"], indirect=True)
def test_a_step_that_tells_nothing_is_shown_again(told: Told) -> None:
    with progress.steps_bar() as on_progress:
        on_progress("matrix", 0, 10)
        told.next()
        told.next()
    assert "matrix" in told.getvalue()
    assert "0 %" in told.getvalue()


@pytest.mark.parametrize("told", ["terminal", "pipe"], indirect=True)
def test_the_time_left_is_told(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_GUESS_AFTER_S", -1.0)
    with progress.progress_bar("simulating") as on_progress:
        on_progress(0, 4)
        on_progress(2, 4)
        told.next()
        told.next()
    assert "simulating" in told.getvalue()
    assert "50 %" in told.getvalue()
    assert "s left" in told.getvalue()


@pytest.mark.parametrize("told", ["pipe"], indirect=True)
def test_a_pipe_gets_whole_lines_without_control_characters(told: Told) -> None:
    with progress.work_bar() as on_progress:
        on_progress("dose", 0.25)
        told.next()
        told.next()
    lines = told.getvalue().splitlines()
    assert lines
    assert all(
        line.startswith(("dose 25 %", "(")) and line.endswith("so far)") and line.isprintable() for line in lines
    )


@pytest.mark.parametrize("told", ["terminal"], indirect=True)
def test_a_terminal_is_left_with_an_empty_line_and_no_escape_codes(told: Told) -> None:
    with progress.steps_bar() as on_progress:
        on_progress("a step with a long name", 1, 2)
        on_progress("short", 1, 2)
    assert "\x1b" not in told.getvalue()
    last, before = told.getvalue().split("\r")[-1], told.getvalue().split("\r")[-2]
    assert last == ""
    assert before.strip() == ""


@pytest.mark.parametrize("told", ["terminal", "pipe"], indirect=True)
def test_quiet_writes_nothing_and_starts_no_thread(told: Told) -> None:
    before = threading.active_count()
    with progress.steps_bar(quiet=True) as on_progress:
        on_progress("dose", 1, 2)
        assert threading.active_count() == before
    assert told.getvalue() == ""


@pytest.mark.parametrize(("asked", "seconds"), [("0", float("inf")), ("5", 5.0), ("soon", 30.0), (None, 30.0)])
def test_how_often_a_pipe_is_told(asked: str | None, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HDRPLAN_PROGRESS_S")
    if asked is not None:
        monkeypatch.setenv("HDRPLAN_PROGRESS_S", asked)
    assert progress._pipe_s() == seconds


@pytest.mark.parametrize("told", ["terminal", "pipe"], indirect=True)
def test_a_first_run_says_that_it_compiles(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 1
    monkeypatch.setattr(progress, "compiled", lambda: count)
    with progress.steps_bar() as on_progress:
        on_progress("dose", 0, 10)
        told.next()
        told.next()
        assert "compiling" not in told.getvalue()
        count = 30
        told.next()
        told.next()
        told.next()
    assert "compiling for this machine, the next run is quicker" in told.getvalue()


def test_compiled_kernels_are_counted_and_kept_ones_are_not(tmp_path: Path) -> None:
    code = (
        "from hdrplan.compiling import compiled\n"
        "from hdrplan.kernels.angle import angle64\n"
        "angle64(0.5, 1.0)\n"
        "print(compiled())\n"
    )
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    counts = [
        int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env).stdout)
        for _ in range(2)
    ]
    if "NUMBA_DISABLE_JIT" not in os.environ:
        assert counts[0] > 0
    assert counts[1] == 0
