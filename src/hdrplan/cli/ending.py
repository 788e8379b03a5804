"""How a command ends that does not end by itself: signals, closed pipes, a terminal that is gone."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType

__all__ = ["Stopped", "heed_signals", "ignore_signals", "open_streams", "pipe_is_closed"]

# Where a destructor swallowed a signal, it is sent again so much later.
_AGAIN_S = 0.05


class Stopped(BaseException):
    """A signal asked this process to end; raised where it stood, so that drafts and workers are cleared away."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)


def heed_signals() -> None:
    """End in good order on SIGTERM and SIGHUP, as on Ctrl-C; a signal that is ignored (nohup) stays ignored."""

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)  # once: the second must not disturb the clearing away
        raise Stopped(number)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            with suppress(ValueError):  # not the main thread
                signal.signal(number, stop)
    report = sys.unraisablehook

    def ask_again(unraisable: sys.UnraisableHookArgs) -> None:
        """No exception leaves a destructor: Ctrl-C while Numba freed a module was lost, and the plan went on."""
        error = unraisable.exc_value
        if not isinstance(error, KeyboardInterrupt | Stopped):
            report(unraisable)
            return
        number = error.number if isinstance(error, Stopped) else signal.SIGINT
        if isinstance(error, Stopped):
            signal.signal(number, stop)
        again = threading.Timer(_AGAIN_S, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()

    sys.unraisablehook = ask_again


def ignore_signals() -> None:
    """Let nothing disturb the end of a command whose work is done and whose exit code is known."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None:
            with suppress(ValueError):  # not the main thread
                signal.signal(number, signal.SIG_IGN)


def open_streams() -> None:
    """Open what is closed of standard input, output and error: the next file opened would get its lines."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (until the process ends)


def pipe_is_closed() -> bool:
    """Whether whoever read our output (head, less) has gone."""
    if not hasattr(select, "poll"):  # Windows
        return False
    poll = select.poll()
    for descriptor in (1, 2):
        poll.register(descriptor, select.POLLERR)
    return any(events & select.POLLERR for _, events in poll.poll(0))
