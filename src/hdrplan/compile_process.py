"""A second process that compiles some of the kernels that a first run needs, while this one works towards them.

Compiling holds Numba's lock, so a second thread gains nothing; a second process does. It keeps what it compiles where
this process looks for it (:mod:`hdrplan.kernels._cache`). It has no say in a result: if it fails, is killed or never
starts, this process compiles for itself.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Collection
from contextlib import suppress

from hdrplan.compiling import heed_kept, keeping, wait_with

__all__ = ["compile_beside", "serve_as_compiler"]

# Longest wait for one kernel. The slowest takes 4 s on an idle processor, and half a minute among ten other programs.
_LONGEST_WAIT_S = 60.0
# It ends at once; between two calls of LLVM if it is busy.
_ENDS_IN_S = 1.0


def compile_beside(arguments: Collection[str], kernels: Collection[str]) -> None:
    """Start a process that compiles some kernels, and let this one wait for those.

    Parameters
    ----------
    arguments : collection of str
        Of the Python interpreter. The process calls :func:`serve_as_compiler` before it works.
    kernels : collection of str
        Names of those it compiles.
    """
    with suppress(OSError):  # no further process may be started: this one compiles
        wait_with(_Beside(arguments, kernels).wait_for)


def serve_as_compiler() -> None:
    """Tell the process that started this one what is kept, end with it, and leave Ctrl-C to it."""
    with suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it comes to both; the plan ends, and this process with it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    heed_kept(lambda kernel: os.write(1, f"{kernel}\n".encode()))


def _end_with_parent() -> None:
    """End once nobody holds the other end of standard input, whatever is being done."""
    with suppress(OSError):
        while os.read(0, 1):
            pass
    with keeping:
        os._exit(0)


class _Beside:
    """A process that compiles, and what is still awaited of it."""

    def __init__(self, arguments: Collection[str], kernels: Collection[str]) -> None:
        self._awaited = set(kernels)
        self._changed = threading.Condition()
        # It ends with this process, however that ends: its standard input is a pipe that nothing is written to.
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._listener = threading.Thread(target=self._listen, name="compiling", daemon=True)
        self._listener.start()
        atexit.register(self._end)

    def wait_for(self, kernel: str) -> bool:
        """Wait for a kernel, if it is one of those, until it is kept, the process has ended or takes too long."""
        with self._changed:
            if kernel not in self._awaited:
                return False
            self._changed.wait_for(lambda: kernel not in self._awaited, timeout=_LONGEST_WAIT_S)
            self._awaited.discard(kernel)
            return True

    def _listen(self) -> None:
        assert self._process.stdout is not None
        line = b""
        with suppress(OSError, ValueError):
            while piece := os.read(self._process.stdout.fileno(), 1000):
                *names, line = (line + piece).split(b"\n")
                self._done({name.decode(errors="replace").strip() for name in names})
        self._done(None)
        self._process.stdout.close()
        self._process.wait()

    def _done(self, kernels: set[str] | None) -> None:
        """Note that kernels are kept; None: no more will be."""
        with self._changed:
            self._awaited -= set(self._awaited) if kernels is None else kernels
            self._changed.notify_all()

    def _end(self) -> None:
        """Let it end: whatever it has not compiled, nobody waits for."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._listener.join(_ENDS_IN_S)
