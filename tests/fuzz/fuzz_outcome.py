"""What a reader did with a broken file."""

from __future__ import annotations

import signal
import time
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path

from fuzz_mutate import broken, smaller
from fuzz_target import Target

from hdrplan.errors import HdrPlanError

__all__ = ["HANG_S", "Outcome", "input_of", "outcome", "read_bytes"]

HANG_S = 10


@dataclass(frozen=True)
class Outcome:
    """``kind`` is accepted, refused or failed; ``text`` says how it failed."""

    kind: str
    text: str
    seconds: float


class HangError(Exception):
    """A reader took longer than is stated."""


def input_of(target: Target, seed: int) -> tuple[str, bytes]:
    """Return which file to break, and its broken content."""
    name = target.broken[seed % len(target.broken)]
    return name, broken(target.files[name], seed)


def read_bytes(target: Target, name: str, data: bytes, place: Path) -> Outcome:
    """Write the broken file among the good ones and read."""
    (place / name).write_bytes(data)
    started = time.perf_counter()

    def too_long(signum: int, frame: object) -> None:
        raise HangError(f"longer than {HANG_S} s")

    # Seconds of the processor: a busy machine is no hang. A process that a reader waits for has the clock.
    before = [signal.signal(number, too_long) for number in (signal.SIGPROF, signal.SIGALRM)]
    signal.setitimer(signal.ITIMER_PROF, HANG_S)
    signal.alarm(30 * HANG_S)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            target.read(place)
        kind, text = "accepted", ""
    except HdrPlanError as error:
        text = str(error)
        kind = "refused" if "\n" not in text and 10 < len(text) < 1500 else "failed"
        text = "" if kind == "refused" else f"message: {text[:300]!r}"
    except Exception as error:  # every other exception is the finding
        last = traceback.extract_tb(error.__traceback__)[-1]
        own = [f for f in traceback.extract_tb(error.__traceback__) if "hdrplan" in f.filename]
        where = own[-1] if own else last
        kind = "failed"
        text = f"{type(error).__name__}: {str(error)[:160]} at {Path(where.filename).name}:{where.lineno}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        for number, handler in zip((signal.SIGPROF, signal.SIGALRM), before, strict=True):
            signal.signal(number, handler)
        (place / name).write_bytes(target.files[name])
    return Outcome(kind, text, time.perf_counter() - started)


def outcome(target: Target, seed: int, place: Path) -> Outcome:
    """Read the broken file of one seed."""
    return read_bytes(target, *input_of(target, seed), place)


def minimal(target: Target, seed: int, place: Path) -> bytes:
    """Return the smallest file found that fails at the same place."""
    name, data = input_of(target, seed)
    where = read_bytes(target, name, data, place).text.split(" at ")[-1]
    return smaller(data, lambda d: where in read_bytes(target, name, d, place).text)
