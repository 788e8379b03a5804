"""Many virtual lesions, on the processors of one machine or on a Dask cluster: results are handed over as they come.

A task that fails is a row, not an end; so is one whose worker dies twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from hdrplan.errors import InputError
from hdrplan.geometry import Structure
from hdrplan.processes import Lost
from hdrplan.workflow.labour import ALONE, Labour, in_words, shared_out
from hdrplan.workflow.virtual_lesion import LesionTask, PlannedLesion, organ_digest, plan_lesion

__all__ = ["TaskResult", "run_tasks", "shard"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """Outcome of one task.

    Parameters
    ----------
    task : LesionTask
    result : PlannedLesion or None
    error : str
        In one line why there is no result.
    lost : bool
        Its worker died: nothing is known against the task itself.
    """

    task: LesionTask
    result: PlannedLesion | None
    error: str = ""
    lost: bool = False


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
    labour: Labour = ALONE,
    on_result: Callable[[TaskResult], None] | None = None,
) -> list[TaskResult]:
    """Run tasks; the order of the answer is the order of the tasks.

    Parameters
    ----------
    tasks : iterable of LesionTask
    host : Structure
    labour : Labour
        Who plans; a task whose worker dies is tried once more.
    on_result : callable, optional
        Called for each result as it comes, in any order: the place to store it.

    Returns
    -------
    list of TaskResult
        A task that fails is one of them, not an end.

    Raises
    ------
    InputError, ResourceError
        See :func:`hdrplan.workflow.labour.shared_out`.
    """
    listed, organ = list(tasks), organ_digest(host)
    results: dict[int, TaskResult] = {}
    for k, answer in shared_out(
        partial(_attempt, host=host), listed, labour, keys=[task.key(organ) for task in listed]
    ):
        results[k] = (
            TaskResult(task=listed[k], result=None, error=in_words(answer), lost=True)
            if isinstance(answer, Lost)
            else answer
        )
        if on_result is not None:
            on_result(results[k])
    return [results[k] for k in range(len(listed))]


def _attempt(task: LesionTask, host: Structure) -> TaskResult:
    try:
        return TaskResult(task=task, result=plan_lesion(task, host))
    except Exception as error:  # a row of failures.csv, whatever it was
        return TaskResult(task=task, result=None, error=f"{type(error).__name__}: {' '.join(str(error).split())}")
