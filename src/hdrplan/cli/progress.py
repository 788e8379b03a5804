"""Progress: one line that changes on a terminal; in a pipe or a log file a line now and then.

A clock shows the line anew while a step tells nothing, such as the first run, which compiles: nobody has to guess
whether the program hangs.
"""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from hdrplan.compiling import compiled

__all__ = ["Progress", "progress_bar", "steps_bar", "work_bar"]

Progress = Callable[[int, int], None]

# Before this the time left is a guess from too little.
_GUESS_AFTER_S = 3.0
# How often a line is shown anew. Short commands write nothing into a pipe.
_TERMINAL_S = 1.0
_PIPE_S = 30.0
# A step that tells nothing for so long shows how long it has taken.
_SILENT_S = 5.0
# So many kernels and more are compiled when a machine runs a command first; a new kind of input compiles one or two.
_MANY_COMPILED = 5


@contextmanager
def progress_bar(label: str, *, quiet: bool = False) -> Iterator[Progress]:
    """Show the share done of one piece of work and the time left; yields ``on_progress(done, total)``."""
    with steps_bar(quiet=quiet) as on_progress:
        yield lambda done, total: on_progress(label, done, total)


@contextmanager
def work_bar(*, quiet: bool = False) -> Iterator[Callable[[str, float], None]]:
    """Show what is done and the time left of all steps together; yields ``on_progress(step, share of all)``."""
    started = time.monotonic()

    with _line(quiet=quiet) as show:
        yield lambda step, share: show(f"{step:<12} {100 * share:>3.0f} %{_time_left(started, share)}")


@contextmanager
def steps_bar(*, quiet: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """Show the step under way and its time left; yields ``on_progress(step, done, total)``."""
    begun: dict[str, float] = {}
    with _line(quiet=quiet) as show:

        def on_progress(step: str, done: int, total: int) -> None:
            share = done / max(1, total)
            left = _time_left(begun.setdefault(step, time.monotonic()), share)
            show(f"{step:<10} {100 * share:>3.0f} %{left}")

        yield on_progress


def _time_left(started: float, share: float) -> str:
    """Return how long something takes that began at ``started`` (monotonic) and is done to a share; "" at first."""
    spent_s = time.monotonic() - started
    if share <= 0.0 or spent_s <= _GUESS_AFTER_S:
        return ""
    return f"  {_duration(spent_s * (1.0 - share) / share)} left"


def _duration(seconds: float) -> str:
    return f"about {seconds / 60:.0f} min" if seconds > 90 else f"{seconds:.0f} s"


def _compiling() -> str:
    """Return why the first run on a machine is slow; "" where hardly anything had to be compiled."""
    return "; compiling for this machine, the next run is quicker" if compiled() >= _MANY_COMPILED else ""


@contextmanager
def _line(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Yield a function that says where the work stands; a terminal's line is empty afterwards."""
    err = sys.stderr
    terminal = err.isatty()
    every_s = _TERMINAL_S if terminal else _pipe_s()
    if quiet or not math.isfinite(every_s):
        yield lambda text: None
        return
    line = _TerminalLine(err) if terminal else _PipeLine(err)
    done = threading.Event()

    def tick() -> None:
        while not done.wait(every_s):
            line.again()

    clock = threading.Thread(target=tick, name="progress", daemon=True)
    clock.start()
    try:
        yield line.show
    finally:
        done.set()
        clock.join()
        line.end()


def _pipe_s() -> float:
    """Return how many seconds lie between two lines where no terminal is: the user's number, or ours; 0 is never."""
    try:
        asked = float(os.environ.get("HDRPLAN_PROGRESS_S", _PIPE_S))
    except ValueError:
        asked = _PIPE_S
    return max(asked, 1e-3) if asked > 0 else math.inf


class _TerminalLine:
    """The last line of a terminal, written over and over: without escape codes, which not every console knows."""

    def __init__(self, err: TextIO) -> None:
        self._err = err
        self._lock = threading.Lock()
        self._text, self._told, self._shown = "", time.monotonic(), ""

    def show(self, text: str) -> None:
        """Say where the work stands."""
        with self._lock:
            self._text, self._told = text, time.monotonic()
            self._write(text)

    def again(self) -> None:
        """Show that a step which tells nothing goes on."""
        with self._lock:
            silent_s = time.monotonic() - self._told
            if silent_s >= _SILENT_S:
                self._write(f"{self._text}  working, {_duration(silent_s)}{_compiling()}".strip())

    def end(self) -> None:
        """Leave an empty line."""
        self._write("")
        self._err.write("\r")
        self._err.flush()

    def _write(self, text: str) -> None:
        self._err.write("\r" + text.ljust(len(self._shown)))
        self._err.flush()
        self._shown = text


class _PipeLine:
    """Lines of a pipe or a log: where the work stands, each with the time since the beginning."""

    def __init__(self, err: TextIO) -> None:
        self._err = err
        self._text, self._began = "", time.monotonic()

    def show(self, text: str) -> None:
        """Say where the work stands; the clock writes it."""
        self._text = text

    def again(self) -> None:
        """Write a line."""
        so_far = f"{_duration(time.monotonic() - self._began)} so far{_compiling()}"
        said = " ".join(f"{self._text or 'working'}  ({so_far})".split())
        self._err.write(said + "\n")
        self._err.flush()

    def end(self) -> None:
        """Nothing: lines stay."""
