"""Many virtual lesions, on the processors of one machine or on a Dask cluster: results are handed over as they come.

A task that fails is a row, not an end. Workers are spawned, not forked, and compute with one thread each.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context

from hdrplan.errors import InputError
from hdrplan.geometry import Structure
from hdrplan.workflow.virtual_lesion import LesionTask, PlannedLesion, plan_lesion

__all__ = ["TaskResult", "run_tasks", "shard"]


@dataclass(frozen=True, slots=True)
class TaskResult:
    """Outcome of one task.

    Parameters
    ----------
    task : LesionTask
    result : PlannedLesion or None
    error : str
        In one line why there is no result.
    """

    task: LesionTask
    result: PlannedLesion | None
    error: str = ""


def shard(tasks: Sequence[LesionTask], number: int, of: int) -> list[LesionTask]:
    """Return one share of the tasks, for job arrays; the shares together are all, once.

    Parameters
    ----------
    tasks : sequence of LesionTask
    number, of : int
        Share ``number`` (1 to ``of``) of ``of`` shares.

    Raises
    ------
    InputError
        No such share.
    """
    if not 1 <= number <= of:
        raise InputError("a shard is K/N with 1 <= K <= N", got=f"{number}/{of}")
    return [task for k, task in enumerate(tasks) if k % of == number - 1]


def run_tasks(
    tasks: Iterable[LesionTask],
    host: Structure,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    on_result: Callable[[TaskResult], None] | None = None,
) -> list[TaskResult]:
    """Run tasks; the order of the answer is the order of the tasks.

    Parameters
    ----------
    tasks : iterable of LesionTask
    host : Structure
    workers : int
        Processes on this machine; 1 computes here.
    scheduler : str, optional
        Address of a Dask scheduler (``tcp://host:8786``); its workers need hdrplan installed. Tasks of a worker that
        dies run again elsewhere.
    on_result : callable, optional
        Called for each result as it comes, in any order: the place to store it.

    Returns
    -------
    list of TaskResult
        A task that fails is one of them, not an end.

    Raises
    ------
    InputError
        A scheduler that does not answer, or no Dask.
    """
    listed = list(tasks)
    results: dict[int, TaskResult] = {}
    for k, result in _results(listed, host, workers, scheduler):
        results[k] = result
        if on_result is not None:
            on_result(result)
    return [results[k] for k in range(len(listed))]


def _results(
    tasks: list[LesionTask], host: Structure, workers: int, scheduler: str | None
) -> Iterator[tuple[int, TaskResult]]:
    if scheduler is not None:
        yield from _on_cluster(tasks, host, scheduler)
    elif workers <= 1 or len(tasks) <= 1:
        for k, task in enumerate(tasks):
            yield k, _attempt(task, host)
    else:
        yield from _on_processes(tasks, host, workers)


def _attempt(task: LesionTask, host: Structure) -> TaskResult:
    try:
        return TaskResult(task, plan_lesion(task, host))
    except Exception as error:  # a row of failures.csv, whatever it was
        return TaskResult(task, None, f"{type(error).__name__}: {' '.join(str(error).split())}")


_host: Structure | None = None


def _start_worker(host: Structure) -> None:
    global _host
    os.environ["HDRPLAN_THREADS"] = "1"
    _host = host


def _attempt_here(task: LesionTask) -> TaskResult:
    assert _host is not None
    return _attempt(task, _host)


def _on_processes(tasks: list[LesionTask], host: Structure, workers: int) -> Iterator[tuple[int, TaskResult]]:
    # Compiled kernels are cached on disk, so spawned workers load them.
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=(host,)) as pool:
        waiting: dict[Future[TaskResult], int] = {}
        left = iter(enumerate(tasks))
        # No more tasks in flight than keep the workers busy: memory does not grow with their number.
        for k, task in left:
            waiting[pool.submit(_attempt_here, task)] = k
            if len(waiting) >= 4 * workers:
                break
        while waiting:
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield waiting.pop(future), future.result()
            for k, task in left:
                waiting[pool.submit(_attempt_here, task)] = k
                if len(waiting) >= 4 * workers:
                    break


def _on_cluster(tasks: list[LesionTask], host: Structure, scheduler: str) -> Iterator[tuple[int, TaskResult]]:
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise InputError(
            "a scheduler needs Dask", got="no package distributed", remedy="pip install 'hdrplan[cluster]'"
        ) from None
    try:
        client = Client(scheduler, timeout="20s")
    except OSError as error:
        raise InputError("a Dask scheduler must answer", got=str(error)[:120], where=scheduler) from None
    with client:
        everywhere = client.scatter(host, broadcast=True)
        # Named by content: a task that another run of the same study has under way is computed once.
        number = {
            client.submit(_attempt, task, everywhere, key=f"hdrplan-{task.key}"): k for k, task in enumerate(tasks)
        }
        for future, result in as_completed(list(number), with_results=True):
            yield number.pop(future), result
