"""Work done beside other work: packages imported by a thread, files written by a fork of the process.

Pictures are drawn in Python, which runs in one thread at a time; so they are drawn in a second process. A fork has all
values at hand at once, where a new process would import and receive them first.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module

from hdrplan.threads import POOL_NAME, thread_count

__all__ = ["beside", "imported_beside"]


@contextmanager
def imported_beside(*modules: str) -> Iterator[None]:
    """Import modules in a thread while the block runs, for code after it: solver and kernels leave Python idle.

    Parameters
    ----------
    *modules : str
        Full names. One that cannot be imported is left to whoever needs it.
    """

    def load() -> None:
        for name in modules:
            with suppress(ImportError):
                import_module(name)

    thread = threading.Thread(target=load, name="imports", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@contextmanager
def beside(work: Callable[[], object]) -> Iterator[None]:
    """Do some work while the block runs, or after it where there is one processor or the system is not Linux.

    Parameters
    ----------
    work : callable
        Writes files, prints nothing, and calls no solver. Where its process fails it is done again in this one, so
        what it raises is raised here.
    """
    child = _forked(work) if _may_fork() else None
    try:
        yield
    except BaseException:
        if child is not None:
            _ended(child)
        raise
    if child is None or not _done(child):
        work()


def _may_fork() -> bool:
    """Whether a fork pays and is safe: a lock that another thread holds would be held in it for ever."""
    idle = (threading.current_thread().name, POOL_NAME)
    return (
        sys.platform == "linux"
        and thread_count() > 1
        and all(thread.name.startswith(idle) for thread in threading.enumerate())
    )


def _forked(work: Callable[[], object]) -> int | None:
    """Start the work in a fork of this process; None where none can be made."""
    try:
        with warnings.catch_warnings():
            # The pool's threads wait for work and hold no lock; the fork makes threads of its own.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
    except OSError:  # no memory, or no more processes
        return None
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    finally:
        # Neither open files nor what stands to be printed are this process's own: it ends without a word.
        os._exit(status)


def _done(child: int) -> bool:
    """Wait for the end of a process; whether it ended well. One that is interrupted goes first."""
    try:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    except ChildProcessError:  # someone else has asked how it ended
        return False
    except BaseException:
        _ended(child)
        raise


def _ended(child: int) -> None:
    """End a process, and wait until it no longer writes."""
    import signal

    with suppress(ProcessLookupError, ChildProcessError):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
