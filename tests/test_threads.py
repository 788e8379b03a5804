"""Rows shared among threads: each once, and no waiting for oneself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from hdrplan.errors import StoppedError
from hdrplan.stopping import stoppable
from hdrplan.threads import begun, over_each, over_rows


@pytest.mark.parametrize("n_rows", [0, 1, 7, 1000])
def test_every_row_is_done_once(monkeypatch: pytest.MonkeyPatch, n_rows: int) -> None:
    monkeypatch.setenv("HDRPLAN_THREADS", "3")
    done = np.zeros(n_rows, dtype=int)

    def block(first: int, last: int) -> None:
        done[first:last] += 1

    over_rows(block, n_rows, smallest=1)
    assert (done == 1).all()


def test_a_block_may_share_out_rows_itself() -> None:
    # In a process of its own: where a block waits for its own pool, nothing ends it but a kill.
    code = """
from hdrplan.threads import over_rows
done = []
def outer(first, last):
    for row in range(first, last):
        over_rows(lambda begin, end: done.extend((row, k) for k in range(begin, end)), 100, smallest=1)
over_rows(outer, 8, smallest=1)
print(len(done), len(set(done)))
"""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "HDRPLAN_THREADS": "2"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert ran.stdout.split() == ["800", "800"]


def test_what_a_block_raises_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HDRPLAN_THREADS", "2")

    def block(first: int, last: int) -> None:
        raise ValueError(f"{first}")

    with pytest.raises(ValueError, match="0"):
        over_rows(block, 8, smallest=1)


@pytest.mark.parametrize("threads", ["1", "3"])
def test_each_item_is_answered_in_its_place_whatever_the_order_of_the_work(
    monkeypatch: pytest.MonkeyPatch, threads: str
) -> None:
    monkeypatch.setenv("HDRPLAN_THREADS", threads)
    taken = []

    def square(k: int) -> int:
        taken.append(k)
        return k * k

    assert over_each(square, range(9), size=lambda k: k % 4) == [k * k for k in range(9)]
    assert sorted(taken) == list(range(9))
    assert over_each(square, []) == []


def test_what_an_item_raises_is_raised_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HDRPLAN_THREADS", "3")

    def work(k: int) -> int:
        if k == 3:
            raise ValueError("the third")
        return k

    with pytest.raises(ValueError, match="the third"):
        over_each(work, range(6))


def test_items_may_share_out_their_own_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HDRPLAN_THREADS", "3")

    def work(k: int) -> int:
        done = np.zeros(4096, dtype=np.int64)
        over_rows(lambda first, last: done.__setitem__(slice(first, last), k), len(done))
        return int(sum(over_each(lambda value: value, done[:5].tolist())))

    assert over_each(work, range(20)) == [5 * k for k in range(20)]


def test_items_are_stopped_as_the_thread_that_asked_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each runs in a thread of its own, which does not know by itself that its work can be stopped."""
    monkeypatch.setenv("HDRPLAN_THREADS", "3")
    wanted = True

    def work(k: int) -> None:
        nonlocal wanted
        wanted = False
        over_rows(lambda first, last: None, 4096)

    with stoppable(lambda: not wanted), pytest.raises(StoppedError):
        over_each(work, range(4))


@pytest.mark.parametrize("interrupted", [False, True], ids=["an item fails", "Ctrl-C"])
def test_what_has_begun_ends_before_an_error_is_raised(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, interrupted: bool
) -> None:
    """A folder was cleared away after an error, or a signal, while another thread still wrote into it."""
    monkeypatch.setenv("HDRPLAN_THREADS", "2")
    # A shell without job control starts what runs in its background with Ctrl-C ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    begun, ended = threading.Event(), []

    def work(k: int) -> None:
        if k == 0:
            begun.wait(60)
            if interrupted:
                os.kill(os.getpid(), signal.SIGINT)
            else:
                raise OSError("the disk is full")
        begun.set()
        time.sleep(0.3)
        ended.append(k)

    with pytest.raises((OSError, KeyboardInterrupt)):
        over_each(work, range(2))
    assert sorted(ended) == ([0, 1] if interrupted else [1])


def test_work_begun_runs_beside_and_shares_out_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HDRPLAN_THREADS", "2")
    asked_for = threading.Event()

    def names() -> set[str]:
        assert asked_for.wait(60.0)
        return set(over_each(lambda _: threading.current_thread().name, range(8)))

    answer = begun(names)
    asked_for.set()
    (name,) = answer()
    assert name.startswith("hdrplan_beside")
    assert answer() == {name}


@pytest.mark.parametrize("threads", ["1", "2"])
def test_what_begun_work_raises_is_raised_to_whoever_asks(monkeypatch: pytest.MonkeyPatch, threads: str) -> None:
    monkeypatch.setenv("HDRPLAN_THREADS", threads)
    with pytest.raises(ZeroDivisionError):
        begun(lambda: 1 // 0)()
