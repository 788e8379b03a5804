"""Blocks of rows shared among threads; kernels release the interpreter lock (docs/decisions/0002)."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from functools import cache
from typing import TypeVar

import threadpoolctl

from hdrplan.stopping import stop_if_asked

__all__ = [
    "POOL_NAME",
    "begun",
    "over_each",
    "over_rows",
    "single_blas_thread",
    "single_blas_thread_from",
    "thread_count",
]

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")

# What the names of the threads that share out rows begin with.
POOL_NAME = "hdrplan_pool"
# Rows of a table from which the library of linear algebra divides a product among threads.
_LONG = 5_000


def thread_count() -> int:
    """Threads to use: HDRPLAN_THREADS, else the processors this process may run on."""
    wanted = os.environ.get("HDRPLAN_THREADS", "")
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def single_blas_thread() -> AbstractContextManager[object]:
    """Return a context in which the linear algebra of small matrices keeps to one thread.

    A few hundred rows gain nothing from more; on a busy machine the waiting threads made them a hundred times slower.
    """
    context: AbstractContextManager[object] = _libraries("scipy.linalg" in sys.modules).limit(limits=1, user_api="blas")
    return context


@cache
def _libraries(with_scipy: bool) -> threadpoolctl.ThreadpoolController:
    """Return the libraries of linear algebra that are loaded; NumPy and SciPy each bring one. To look takes 4 ms."""
    return threadpoolctl.ThreadpoolController()


def single_blas_thread_from(n_rows: int) -> AbstractContextManager[object]:
    """Return :func:`single_blas_thread` for a long table of a few columns, and no context for a short one.

    Of 200,000 rows and three columns a Cox model took 0.44 CPU s with two threads and 0.23 with one, a frailty model 35
    and 8.5: the products are short, the threads wait for each other. Below some thousand rows none are used.

    Parameters
    ----------
    n_rows : int
    """
    return single_blas_thread() if n_rows >= _LONG else nullcontext()


_worker = threading.local()


def _begin_worker() -> None:
    _worker.is_worker = True


def _is_worker() -> bool:
    return getattr(_worker, "is_worker", False)


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix=POOL_NAME, initializer=_begin_worker)


if hasattr(os, "register_at_fork"):
    # A forked child inherits the pool without its threads and would wait for them for ever.
    os.register_at_fork(after_in_child=_pool.cache_clear)


def over_rows(block: Callable[[int, int], None], n_rows: int, *, smallest: int = 512) -> None:
    """Call ``block(first, last)`` for blocks of rows that together cover ``n_rows``, on all threads.

    Parameters
    ----------
    block : callable
        Works on rows ``first`` to ``last - 1``; what it raises is raised here.
    n_rows : int
    smallest : int
        Rows that a block has at least: below, handing over costs more than the work.

    Raises
    ------
    StoppedError
        The work is no longer wanted (:mod:`hdrplan.stopping`).
    """
    stop_if_asked()
    threads = thread_count()
    step = max(smallest, -(-n_rows // (4 * threads)))
    # A block that shares out rows itself does them alone: to wait for the pool from inside it would be for ever.
    if threads == 1 or n_rows <= step or _is_worker():
        block(0, n_rows)
        return
    over_each(lambda first: block(first, min(first + step, n_rows)), range(0, n_rows, step))


def over_each(
    work: Callable[[_Item], _Answer], items: Sequence[_Item], *, size: Callable[[_Item], float] | None = None
) -> list[_Answer]:
    """Return ``work(item)`` of each item; the threads take one item after the other.

    For work of many small steps, such as sampling the structures one by one: handed to the threads whole, it is not
    shared out within, which costs more than it gains there.

    Parameters
    ----------
    work : callable
        What it raises is raised here, after the items that have begun have ended.
    items : sequence
    size : callable, optional
        The largest items are taken first: the threads then end together.

    Returns
    -------
    list
        In the order of the items.

    Raises
    ------
    StoppedError
        The work is no longer wanted (:mod:`hdrplan.stopping`).
    """
    stop_if_asked()
    threads = thread_count()
    if threads == 1 or len(items) < 2 or _is_worker():
        return [work(item) for item in items]
    pool, begun = _pool(threads), dict[int, Future[_Answer]]()
    try:
        for k in sorted(range(len(items)), key=lambda k: -size(items[k])) if size else range(len(items)):
            # In a copy of this thread's context, so that it can be stopped as this thread can.
            begun[k] = pool.submit(copy_context().run, work, items[k])
        return [begun[k].result() for k in range(len(items))]
    except BaseException:
        # Whoever clears away after an error or a signal must be alone: another thread may write into that folder.
        wait([answer for answer in begun.values() if not answer.cancel()])
        raise


def begun(work: Callable[[], _Answer]) -> Callable[[], _Answer]:
    """Begin work in a thread of its own whose answer is needed later; what is returned waits for it.

    For work that leaves Python idle, such as packing, beside other such work, such as a solver. It shares out nothing:
    the pool has the work that somebody waits for. With one processor it is done at once.

    Parameters
    ----------
    work : callable
        What it raises is raised to whoever asks for its answer.

    Examples
    --------
    >>> total = begun(lambda: sum(range(10)))
    >>> total()
    45
    """
    if thread_count() == 1:
        answer = work()
        return lambda: answer
    alone = ThreadPoolExecutor(1, thread_name_prefix="hdrplan_beside", initializer=_begin_worker)
    future = alone.submit(copy_context().run, work)
    alone.shutdown(wait=False)
    return future.result
