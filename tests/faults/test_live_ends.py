"""A server of a live session that is stopped while it saves."""

from __future__ import annotations

import re
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from benchmarks.fault_commands import is_whole
from benchmarks.live_faults import Server

from held import Held, held
from small_case import write_small_case


@pytest.mark.slow
def test_a_session_that_is_stopped_during_a_save_ends_with_one_line(tmp_path: Path) -> None:
    """It ended with a traceback of the web server."""
    write_small_case(tmp_path / "case")
    server = Server(tmp_path)
    server.ask("do", action="prescribe", arguments={"ctv": "lesion", "dose_gy": 18.0})

    def save() -> None:
        with suppress(OSError, ValueError):
            server.ask("save", slicer=True, dicom=True)

    saving = threading.Thread(target=save)
    saving.start()
    time.sleep(1.0)
    code, said = server.end(signal.SIGTERM)
    saving.join()
    assert code == 143
    assert [line for line in said.splitlines() if not line.startswith(("Planning", "warning ["))] == [
        "hdrplan: stopped by SIGTERM; no incomplete output is left"
    ]
    assert all(is_whole(folder / "plan") for folder in (tmp_path / "saves").glob("plan-*"))
    assert Server(tmp_path).end(signal.SIGINT)[0] == 0


def _ended(run: Held) -> tuple[int, str, bool]:
    """Return how a session ended: its exit code, what it said, and whether its address was printed before."""
    out, said = run.process.communicate(timeout=300)
    return run.process.returncode, said, re.search(r"http://127\.0\.0\.1:\d+/\?token=", out) is not None


@pytest.mark.slow
def test_an_interrupt_right_after_the_address_ends_a_session_well(tmp_path: Path) -> None:
    """It came before the server listened to it, and ended with 130 as if something was lost."""
    write_small_case(tmp_path / "case")
    # "Planning ...", the address, how it is ended.
    with held("live", "case", "--no-browser", place="click:echo", before=3, cwd=tmp_path) as run:
        run.process.send_signal(signal.SIGINT)
        run.go_on()
        assert _ended(run) == (0, "Planning ...\n", True)
    assert list((tmp_path / "live-plans").iterdir()) == []


@pytest.mark.slow
def test_interrupts_on_the_way_out_do_not_disturb_it(tmp_path: Path) -> None:
    """A second one ended with 130 where the server had just given the signal back."""
    write_small_case(tmp_path / "case")
    with held("live", "case", "--no-browser", place="uvicorn:Server.on_tick", cwd=tmp_path) as run:
        run.go_on()
        while run.process.poll() is None:
            run.process.send_signal(signal.SIGINT)
            time.sleep(0.001)
        assert _ended(run) == (0, "Planning ...\n", True)
    assert list((tmp_path / "live-plans").iterdir()) == []
