"""Work that processes are given, some of which kills them.

A module of its own: each process that is started imports it, and the tests' modules import all of hdrplan.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from hdrplan.errors import InputError


def square(task: int, *, folder: Path, kills: int = 0) -> int:
    """Work; task 3 kills its process so many times."""
    died = folder / "died"
    if task == 3 and len(died.read_text() if died.exists() else "") < kills:
        with died.open("a") as stream:
            stream.write("x")
        os.kill(os.getpid(), signal.SIGKILL)
    return task * task


def late_to_die(task: int, *, folder: Path) -> int:
    """Task 1 kills its process once, and not before task 0 is done."""
    if task == 0:
        (folder / "done").touch()
    elif not (folder / "died").exists():
        while not (folder / "done").exists():
            time.sleep(0.05)
        time.sleep(1.0)
        (folder / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return task


def raising(task: int) -> int:
    raise InputError("a good task", got=task)


def dying(task: int) -> int:
    os._exit(5)
