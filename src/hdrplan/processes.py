"""Many pieces of work on the processes of one machine, any of which may be killed: by a person, or for want of memory.

Every process has a pipe of its own, so it is known which piece went down with it. That piece is tried once more, in a
new process, behind all others; the rest do not notice. No process outlives the one that started it, however that ends.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from hdrplan.errors import ResourceError
from hdrplan.threads import thread_count

__all__ = ["Lost", "over_processes"]

Task = TypeVar("Task")
Result = TypeVar("Result")

_TRIES = 2
# Processes that end before they can take work: beyond so many in a row something else is wrong.
_STILLBORN = 3
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Lost:
    """A piece of work that is lost to the machine: each process that took it up ended.

    Parameters
    ----------
    reason : str
        How the last one ended.
    """

    reason: str


class _Worker(Generic[Task]):
    """A process, our end of its pipe, and the piece of work it has."""

    def __init__(self, work: Callable[[Task], object], threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, work, threads), daemon=True)
        self.job: tuple[int, Task] | None = None
        self.ready = False
        self.process.start()
        theirs.close()

    def take(self, job: tuple[int, Task] | None) -> None:
        self.job = job
        if job is not None:
            with suppress(OSError):  # it has died: its pipe says so next
                self.connection.send(job[1])

    def ending(self) -> str:
        """Say how the process ended."""
        self.process.join()
        code = self.process.exitcode or 0
        if code < 0:
            with suppress(ValueError):
                return f"ended by {signal.Signals(-code).name}" + (", out of memory perhaps" if code == -9 else "")
        return f"ended with code {code}"


def over_processes(
    work: Callable[[Task], Result], tasks: Sequence[Task], *, workers: int
) -> Iterator[tuple[int, Result | Lost]]:
    """Do pieces of work in processes; yields (number of the task, its result) as they come, in any order.

    Parameters
    ----------
    work : callable
        Of a module, or a partial of one: processes are spawned, and it is sent to each once. What it raises is raised
        here.
    tasks : sequence
    workers : int
        Processes; the threads of this process are shared among them.

    Yields
    ------
    int, result or Lost
        Lost where the process of a task ended twice.

    Raises
    ------
    ResourceError
        Processes cannot be started.
    """
    crew = _Crew(work, tasks, workers)
    try:
        while crew.unfinished:
            yield from crew.answers()
    finally:
        crew.dismiss()


class _Crew(Generic[Task]):
    """The workers of one call, and the pieces of work that are left."""

    def __init__(self, work: Callable[[Task], object], tasks: Sequence[Task], workers: int) -> None:
        self._work, self._workers = work, workers
        self._left = deque(enumerate(tasks))
        self._tried: dict[int, int] = {}
        self._stillborn = 0
        self._threads = max(1, thread_count() // max(1, workers))
        self._members: dict[Any, _Worker[Task]] = {}
        self.unfinished = len(self._left)
        self._hire()

    def answers(self) -> Iterator[tuple[int, Any]]:
        """Wait until a worker says something or dies; yield what is finished by that."""
        for connection in wait(list(self._members)):
            worker = self._members[connection]
            try:
                good, answer = worker.connection.recv()
            except (EOFError, OSError, pickle.UnpicklingError):
                yield from self._buried(worker)
                continue
            if not good:
                raise answer
            job, worker.ready = worker.job, True
            worker.take(self._left.popleft() if self._left else None)
            if job is not None:
                self.unfinished -= 1
                yield job[0], answer

    def _buried(self, worker: _Worker[Task]) -> Iterator[tuple[int, Lost]]:
        """Take a dead worker off the list; its piece of work is tried again, or lost."""
        del self._members[worker.connection]
        ending = worker.ending()
        self._stillborn = 0 if worker.ready else self._stillborn + 1
        if self._stillborn >= _STILLBORN:
            raise ResourceError(
                "processes must start", got=f"{self._stillborn} that {ending}", remedy="Use fewer `workers`."
            )
        if worker.job is not None:
            number = worker.job[0]
            self._tried[number] = self._tried.get(number, 0) + 1
            if self._tried[number] < _TRIES:
                self._left.append(worker.job)
            else:
                self.unfinished -= 1
                yield number, Lost(ending)
        self._hire()

    def _hire(self) -> None:
        """Give what is left to workers that wait for it, and start as many more as can be of use."""
        for worker in self._members.values():
            if worker.ready and worker.job is None and self._left:
                worker.take(self._left.popleft())
        while len(self._members) < min(self._workers, self.unfinished):
            worker = _Worker(self._work, self._threads)
            self._members[worker.connection] = worker

    def dismiss(self) -> None:
        """End all workers, whatever they are doing."""
        for worker in self._members.values():
            worker.connection.close()
            worker.process.terminate()
        for worker in self._members.values():
            worker.process.join(5.0)
            if worker.process.exitcode is None:
                worker.process.kill()


def _serve(connection: Connection[Any, Any], work: Callable[[Any], object], threads: int) -> None:
    """Take pieces of work and answer (True, result) or (False, error), until the pipe is closed."""
    _end_with_parent()
    # Ctrl-C reaches the whole group; the parent decides what becomes of its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["HDRPLAN_THREADS"] = str(threads)
    with suppress(EOFError, OSError):
        connection.send((True, None))
        while True:
            task = connection.recv()
            try:
                answer: tuple[bool, object] = True, work(task)
            except Exception as error:
                answer = False, error
            connection.send(answer)


def _end_with_parent() -> None:
    """End this process when its parent ends, also by SIGKILL and while compiled code runs."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    if sys.platform.startswith("linux"):
        with suppress(AttributeError, OSError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if hasattr(os, "getppid") and os.getppid() != parent.pid:
        os._exit(1)

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
