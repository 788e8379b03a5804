"""A server of a live session that is stopped while it saves."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from benchmarks.fault_commands import is_whole
from benchmarks.live_faults import Server

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
