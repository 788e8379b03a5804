"""A command that waits at a chosen call until the test lets it go on: no test depends on which process is faster."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import hdrplan

SRC = Path(hdrplan.__file__).parents[1]

# The chosen call waits for the end of a pipe that the test holds open; signals reach it there.
_RUN = """
import functools, importlib, json, sys
place, before, pipe, constants, *words = sys.argv[1:]
for where, value in json.loads(constants).items():
    setattr(importlib.import_module(where.partition(":")[0]), where.partition(":")[2], value)
module, _, name = place.partition(":")
*owners, last = name.split(".")
owner = functools.reduce(getattr, owners, importlib.import_module(module))
real, calls = getattr(owner, last), 0
def held(*given, **named):
    global calls
    calls += 1
    if calls == int(before):
        with open(pipe) as stream:
            stream.read()
    return real(*given, **named)
setattr(owner, last, held)
sys.argv[1:] = words
from hdrplan.cli import main
main()
"""


class Held:
    """A process that stands still.

    Parameters
    ----------
    process : Popen
    hold : int
        Descriptor that holds it.
    """

    def __init__(self, process: subprocess.Popen[str], hold: int) -> None:
        self.process = process
        self._hold: int | None = hold

    def go_on(self) -> None:
        """Let the process go on."""
        if self._hold is not None:
            os.close(self._hold)
            self._hold = None


@contextmanager
def held(
    *arguments: object,
    place: str,
    cwd: Path,
    before: int = 1,
    path: Sequence[Path] = (),
    constants: Mapping[str, float] | None = None,
    **more: object,
) -> Iterator[Held]:
    """Start a command and give it once it stands before a call; at the end of the block it is killed.

    Parameters
    ----------
    arguments : objects
        Of ``hdrplan``.
    place : str
        "module:function" or "module:Class.method".
    cwd : Path
        Folder of the run; the pipe stands beside it.
    before : int
        The number of the call that waits, from 1.
    path : sequence of Path
        Folders of modules, beside the package's.
    constants : mapping of str to float, optional
        "module:name" -> what it is in this run: a wait that nobody has to sit out here.
    more
        Given to ``Popen``.
    """
    pipe = cwd.parent / f"{cwd.name}.pipe"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [sys.executable, "-c", _RUN, place, str(before), str(pipe), json.dumps(constants or {}), *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (SRC, *path))), "HDRPLAN_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,  # type: ignore[call-overload]
    )
    run = None
    try:
        run = Held(process, _opened(pipe, process))
        yield run
    finally:
        process.kill()
        process.communicate()
        if run is not None:
            run.go_on()
        pipe.unlink()


def _opened(pipe: Path, process: subprocess.Popen[str]) -> int:
    """Open the pipe as soon as the process reads it."""
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
        assert process.poll() is None, f"it ended before it came there: {process.communicate()}"
        time.sleep(0.02)
