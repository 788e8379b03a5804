"""Work beside other work: in a second process where that is safe, and here in any other case."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from hdrplan import beside as module
from hdrplan.beside import beside, imported_beside

forks = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux alone")


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the test's own helpers' threads stand: they hold no lock that the work asks for."""
    monkeypatch.setenv("HDRPLAN_THREADS", "2")
    monkeypatch.setattr(module.threading, "enumerate", lambda: [threading.current_thread()])


def _written_by(path: Path) -> int:
    return int(path.read_text())


def _write_pid(path: Path) -> None:
    path.write_text(str(os.getpid()))


@forks
@pytest.mark.usefixtures("alone")
def test_work_is_done_by_a_second_process_while_the_block_runs(tmp_path: Path) -> None:
    file = tmp_path / "made"
    read, write = os.pipe()

    def work() -> None:
        os.read(read, 1)  # of what the block writes
        _write_pid(file)

    with beside(work):
        os.write(write, b"x")
    assert _written_by(file) != os.getpid()


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("why", ["one thread", "another thread", "another system", "no process"])
def test_work_is_done_here_where_no_fork_can_be_made(tmp_path: Path, monkeypatch, why: str) -> None:
    file = tmp_path / "made"
    if why == "one thread":
        monkeypatch.setenv("HDRPLAN_THREADS", "1")
    elif why == "another thread":
        other = threading.Thread(name="a compiler")
        monkeypatch.setattr(module.threading, "enumerate", lambda: [threading.current_thread(), other])
    elif why == "another system":
        monkeypatch.setattr(module.sys, "platform", "win32")
    else:
        monkeypatch.setattr(os, "fork", _no_process)
    with beside(lambda: _write_pid(file)):
        assert not file.exists()
    assert _written_by(file) == os.getpid()


def _no_process() -> int:
    raise BlockingIOError("no more processes")


@forks
@pytest.mark.usefixtures("alone")
def test_work_of_a_process_that_is_killed_is_done_here(tmp_path: Path) -> None:
    file, here = tmp_path / "made", os.getpid()

    def work() -> None:
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        _write_pid(file)

    with beside(work):
        pass
    assert _written_by(file) == here


@forks
@pytest.mark.usefixtures("alone")
def test_what_the_work_raises_is_raised_here_and_printed_by_nobody(capfd) -> None:
    def work() -> None:
        raise ValueError("no room on the page")

    with pytest.raises(ValueError, match="no room"), beside(work):
        pass
    assert capfd.readouterr() == ("", "")


@forks
@pytest.mark.usefixtures("alone")
def test_an_error_of_the_block_ends_the_process_before_it_goes_on(tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "made"
    read, _ = os.pipe()
    fork, children = os.fork, []
    monkeypatch.setattr(os, "fork", lambda: children.append(fork()) or children[-1])

    def work() -> None:
        os.read(read, 1)  # for ever
        _write_pid(file)

    with pytest.raises(KeyError), beside(work):
        raise KeyError
    (child,) = children
    with pytest.raises(ChildProcessError):  # it was waited for already
        os.waitpid(child, os.WNOHANG)
    assert not file.exists()


def test_modules_are_imported_by_the_end_of_the_block_and_missing_ones_left(monkeypatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with imported_beside("no.such.module", "colorsys"):
        pass
    assert "colorsys" in sys.modules
    assert not [thread for thread in threading.enumerate() if thread.name == "imports"]
