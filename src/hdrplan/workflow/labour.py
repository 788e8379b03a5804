"""Many pieces of work: here, in processes, or on a Dask cluster; what dies takes its piece with it and not the run."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from hdrplan.edition import edition
from hdrplan.errors import InputError, ResourceError
from hdrplan.processes import Lost, over_processes

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["ALONE", "Labour", "in_words", "shared_out"]

# A scheduler that is busy answers late.
_ANSWER_S = 20.0
# Workers of a batch system come and go; one that is started by hand takes some seconds.
_WITHOUT_WORKER_S = 60.0
# Tasks that a scheduler holds, and how many it is given at a time. Ten thousand at once, each in a message of its own,
# kept a scheduler on a busy machine from reading for so long that the connection was closed (TCP_USER_TIMEOUT, 30 s).
_AT_ONCE = 1000
_BATCH = 100
# Connections that may break one after the other without any result between them.
_BREAKS = 3

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Labour:
    """Who does the work; the results do not depend on it.

    Parameters
    ----------
    workers : int
        Processes on this machine; 1 computes here.
    scheduler : str, optional
        Address of a Dask scheduler (``tcp://host:8786``), instead of this machine. It and its workers need hdrplan
        and, where the work reads files, the workers the same paths.
    """

    workers: int = 1
    scheduler: str | None = None


ALONE = Labour()


def shared_out(
    work: Callable[[Task], Result], tasks: Sequence[Task], labour: Labour, *, keys: Sequence[str]
) -> Iterator[tuple[int, Result | Lost]]:
    """Do pieces of work; yields (number of the task, its result) as they come, in any order.

    Parameters
    ----------
    work : callable
        Of a module, or a partial of one; what it raises is raised here.
    tasks : sequence
    labour : Labour
    keys : sequence of str
        A name for each task, by its content: one that another client of the same scheduler has under way is done once.

    Yields
    ------
    int, result or Lost
        Lost where the processes that took a task up died, each time.

    Raises
    ------
    InputError
        A scheduler that does not answer, or no Dask.
    ResourceError
        Processes cannot be started; the scheduler went away.
    """
    if labour.scheduler is not None:
        yield from _on_cluster(work, tasks, labour.scheduler, keys)
    elif labour.workers <= 1 or len(tasks) <= 1:
        for k, task in enumerate(tasks):
            yield k, work(task)
    else:
        yield from over_processes(work, tasks, workers=labour.workers)


def in_words(lost: Lost) -> str:
    """Say of a lost piece of work what happened, in a line."""
    return f"lost to the machine: the process that had it {lost.reason}, and so did the next. The next run tries again."


def _on_cluster(
    work: Callable[[Task], Result], tasks: Sequence[Task], scheduler: str, keys: Sequence[str]
) -> Iterator[tuple[int, Result | Lost]]:
    left = {k: (keys[k], task) for k, task in enumerate(tasks)}
    suspects: dict[int, Lost] = {}
    for k, result in _until_done(work, left, scheduler):
        if isinstance(result, Lost):
            suspects[k] = result
        else:
            yield k, result
    if len(suspects) == 1:
        yield from suspects.items()
        return
    # Dask blames a worker's death on all that the worker had at hand: which of them it was is seen one by one.
    for k in suspects:
        yield from _until_done(work, {k: (f"{keys[k]}-alone", tasks[k])}, scheduler)


def _until_done(
    work: Callable[[Task], Result], left: dict[int, tuple[str, Task]], scheduler: str
) -> Iterator[tuple[int, Result | Lost]]:
    """Do named tasks, also where the connection breaks: a scheduler that is busy for long can lose one and go on."""
    breaks, client = 0, _client(scheduler)
    while True:
        try:
            with client:
                for k, result in _results(client, work, left):
                    del left[k]
                    breaks = 0
                    yield k, result
            return
        except _DroppedError as dropped:
            breaks += 1
            if breaks > _BREAKS:
                raise _ended(scheduler, is_there=dropped.is_there) from None
        try:
            client = _client(scheduler)
        except InputError:
            raise _ended(scheduler, is_there=False) from None


def _client(scheduler: str) -> Client:
    """Return a connection to a scheduler."""
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            "a scheduler needs Dask", got="no package distributed", remedy="pip install 'hdrplan[cluster]'"
        ) from None
    _silence_dask()
    try:
        return Client(scheduler, timeout=_ANSWER_S)
    except (OSError, ValueError) as error:
        raise InputError("a Dask scheduler must answer", got=str(error)[:120], where=scheduler) from None


class _DroppedError(Exception):
    """Work was dropped: the connection broke, or the scheduler could not read it."""

    def __init__(self, *, is_there: bool) -> None:
        super().__init__()
        self.is_there = is_there


@dataclass(frozen=True, slots=True)
class _Stranger:
    """The answer of a worker that has another hdrplan: its results would stand beside ours, and differ."""


def _results(
    client: Client, work: Callable[[Task], Result], tasks: Mapping[int, tuple[str, Task]]
) -> Iterator[tuple[int, Result | Lost]]:
    """Do named tasks on a cluster, by number, and yield what each gave."""
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    # A task and no scattered value: that is lost with the last worker that holds it, this is made again.
    everywhere = client.submit(_same, work, pure=False)
    waiting, number, futures = iter(list(tasks.items())), dict[Any, int](), as_completed()

    def add() -> None:
        batch = list(islice(waiting, _BATCH))
        named = [f"hdrplan-{key}" for _, (key, _) in batch]
        tasks_of = [task for _, (_, task) in batch]
        made = client.map(_called, [everywhere] * len(batch), tasks_of, [edition()] * len(batch), key=named)
        number.update(zip(made, (k for k, _ in batch), strict=True))
        futures.update(made)

    for _ in range(0, min(len(tasks), _AT_ONCE), _BATCH):
        add()
    with _watched(client, number) as alone:
        for future in futures:
            if future.status in ("lost", "pending"):
                # Its worker died after the work ended and before it was read here: Dask does it again.
                futures.add(future)
                continue
            try:
                result: Result | Lost | _Stranger = future.result()
            except KilledWorker:
                result = Lost("died")
            except (asyncio.CancelledError, CancelledError):
                # Also between the two lines above: a connection may break at any time.
                if alone.is_set():
                    raise _ended(client.scheduler.address, alone=True) from None
                raise _DroppedError(is_there=client.status == "running") from None
            if isinstance(result, _Stranger):
                raise ResourceError(
                    "the workers of a Dask cluster need the same files of hdrplan as this machine",
                    got="one with others",
                    where=client.scheduler.address,
                    remedy="Install the same hdrplan on all of them. What is done is kept.",
                )
            k = number.pop(future)
            if len(number) <= _AT_ONCE - _BATCH:
                add()
            yield k, result


def _ended(scheduler: str, *, alone: bool = False, is_there: bool = True) -> ResourceError:
    """Return the error of a cluster that ended before the work did."""
    if alone:
        expected, got = "a Dask cluster needs a worker", f"none for {_WITHOUT_WORKER_S:g} s"
        remedy = "What is done is kept: start workers and repeat the command."
    elif is_there:
        expected, got = "a Dask scheduler with this version of hdrplan", "one that dropped the work"
        remedy = "Install hdrplan where it runs; its log says why. What is done is kept."
    else:
        expected, got = "the Dask scheduler must stay until the end", "one that went away"
        remedy = "What is done is kept: start it again and repeat the command."
    return ResourceError(expected, got=got, where=scheduler, remedy=remedy)


@contextmanager
def _watched(client: Client, futures: Collection[object]) -> Iterator[threading.Event]:
    """Cancel the work when the scheduler has had no worker for long: Dask would wait for ever. The event says so."""
    alone, ended = threading.Event(), threading.Event()

    def watch() -> None:
        since = time.monotonic()
        while not ended.wait(min(2.0, _WITHOUT_WORKER_S / 3)):
            try:
                workers = len(client.scheduler_info()["workers"])
            except Exception:  # a scheduler that went away is noticed where the work is waited for
                return
            if workers:
                since = time.monotonic()
            elif time.monotonic() - since > _WITHOUT_WORKER_S:
                alone.set()
                client.cancel(list(futures), force=True)
                return

    thread = threading.Thread(target=watch, name="hdrplan-watch", daemon=True)
    thread.start()
    try:
        yield alone
    finally:
        ended.set()
        thread.join()


def _silence_dask() -> None:
    """Keep Dask's own tracebacks off the terminal: what happens is said by our errors."""
    for name, logger in logging.root.manager.loggerDict.items():
        if name.partition(".")[0] in ("distributed", "tornado", "asyncio") and isinstance(logger, logging.Logger):
            logger.setLevel(logging.CRITICAL + 1)


def _same(work: Callable[[Task], Result]) -> Callable[[Task], Result]:
    return work


def _called(work: Callable[[Task], Result], task: Task, of: str) -> Result | _Stranger:
    """Do a piece of work, unless this is another program than the one that asks."""
    return work(task) if edition() == of else _Stranger()
