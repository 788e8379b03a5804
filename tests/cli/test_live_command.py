"""``hdrplan live``: what it says before a page is opened."""

from __future__ import annotations

import os
import re
import socket
import sys
from pathlib import Path

import pytest

from small_case import write_small_case

pytest.importorskip("uvicorn", reason="the optional extra 'live' is not installed")


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("uvicorn.Server.run", lambda server, sockets: [s.close() for s in sockets])
    return write_small_case(tmp_path / "case")


def test_it_prints_an_address_on_this_machine_with_a_token(run, case: Path) -> None:
    said = run("live", case, "--no-browser")
    assert said.code == 0, said.err
    assert re.search(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{32}\n", said.out)
    assert "Research use only, never for treatment." in said.out
    assert list(Path("live-plans").iterdir()) == []


def test_a_browser_is_opened_at_that_address(run, case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("threading.Timer.start", lambda timer: timer.function(*timer.args))
    assert run("live", case).out.count(opened[0]) == 1


def test_a_session_that_ended_unsaved_goes_on(run, case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hdrplan.live

    sessions: list[hdrplan.live.Session] = []

    def touched(server: object, sockets: list[socket.socket]) -> None:
        sockets[0].close()
        sessions[-1].do("prescribe", ctv="lesion", dose_gy=20.0 + len(sessions))

    monkeypatch.setattr(hdrplan.live, "app_of", lambda session, **_: sessions.append(session))
    monkeypatch.setattr("uvicorn.Server.run", touched)
    assert run("live", case, "--no-browser").code == 0
    said = run("live", case, "--no-browser")
    assert said.code == 0, said.err
    assert "Going on with the session that ended here, 1 touch." in said.err
    assert sessions[1].history == ("opened", "prescribe: lesion, 21 Gy", "prescribe: lesion, 22 Gy")
    other = run("live", case, "--no-browser", "--prescription", "lesion=15")
    assert other.code == 2
    assert "a session goes on with the same case, files and options only" in other.err
    assert "--saves names another folder" in other.err


def test_a_start_that_was_refused_leaves_nothing_that_stops_the_next_case(
    run, case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal of a case without catheters held off every other case that was opened in the folder."""
    monkeypatch.setattr("uvicorn.Server.run", lambda server, sockets: sockets[0].close())
    text = (case / "case.toml").read_text()
    (case / "case.toml").write_text(text.replace('catheters = "catheters.json"\n', ""))
    assert "a plan needs catheters" in run("live", case, "--no-browser").err
    (case / "case.toml").write_text(text)
    said = run("live", case, "--no-browser")
    assert said.code == 0, said.err
    assert "Going on" not in said.err


def test_a_port_that_is_taken_is_an_error(run, case: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = run("live", case, "--no-browser", "--port", str(port))
    assert said.code == 2
    assert f"port {port} must be free" in said.err
    assert "Without --port a free one is taken." in said.err


def test_without_the_extra_it_names_it(run, case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    said = run("live", case, "--no-browser")
    assert said.code == 2
    assert "pip install 'hdrplan[live]'" in said.err


def test_a_case_without_catheters_is_sent_to_placement(run, case: Path) -> None:
    toml = (case / "case.toml").read_text()
    (case / "case.toml").write_text(toml.replace('catheters = "catheters.json"\n', ""))
    said = run("live", case, "--no-browser")
    assert said.code == 2
    assert "hdrplan place" in said.err
    assert "Traceback" not in said.err


def test_without_a_case_it_names_a_first_one(run) -> None:
    """It named `hdrplan plan`."""
    said = run("live")
    assert said.code == 2
    assert said.err.rstrip().endswith("Try: hdrplan live phantoms/liver-lesion-b")


def test_a_folder_that_cannot_hold_saves_is_refused_before_anything_is_planned(run, case: Path) -> None:
    said = run("live", case, "--no-browser", "--saves", case / "case.toml" / "saves")
    assert said.code == 2
    assert "the folder for saves must be made, got Not a directory" in said.err
    assert "--saves names another folder" in said.err
    assert "Planning" not in said.err


def test_a_folder_for_reading_only_is_refused(run, case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: mode != os.W_OK)  # nothing is closed to root
    said = run("live", case, "--no-browser")
    assert said.code == 2
    assert "live-plans: the folder for saves must be writable, got one for reading" in said.err
