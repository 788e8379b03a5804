"""Progress on a terminal; nothing where nobody watches, as in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

__all__ = ["Progress", "progress_bar", "steps_bar", "work_bar"]

Progress = Callable[[int, int], None]

# Before this the time left is a guess from too little.
_GUESS_AFTER_S = 3.0
_CLEAR = "\x1b[K"


@contextmanager
def progress_bar(label: str, *, quiet: bool = False) -> Iterator[Progress]:
    """Show a bar on a terminal; yields ``on_progress(done, total)``, which lower rooms call."""
    err = sys.stderr
    if quiet or not err.isatty():
        yield lambda done, total: None
        return
    with click.progressbar(length=1, label=label, file=err) as bar:

        def on_progress(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield on_progress


@contextmanager
def work_bar(*, quiet: bool = False) -> Iterator[Callable[[str, float], None]]:
    """Show what is done and the time left on one line of a terminal; yields ``on_progress(step, share of all)``."""
    started = time.monotonic()

    with _line(quiet=quiet) as show:
        yield lambda step, share: show(f"{step:<12} {100 * share:>3.0f} %{_time_left(started, share)}")


@contextmanager
def steps_bar(*, quiet: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """Show the step under way and its time left on a terminal; yields ``on_progress(step, done, total)``."""
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
    left_s = spent_s * (1.0 - share) / share
    return f"  about {left_s / 60:.0f} min left" if left_s > 90 else f"  {left_s:.0f} s left"


@contextmanager
def _line(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Yield a function that puts a text in the place of the last one; the line is empty afterwards."""
    err = sys.stderr
    if quiet or not err.isatty():
        yield lambda text: None
        return

    def show(text: str) -> None:
        err.write(f"\r{text}{_CLEAR}")
        err.flush()

    try:
        yield show
    finally:
        err.write(f"\r{_CLEAR}")
        err.flush()
