"""Long work that somebody may stop: between its steps it asks whether it is still wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from hdrplan.errors import StoppedError

__all__ = ["Stops", "asked_to_stop", "stop_if_asked", "stoppable"]

_asked: ContextVar[Callable[[], bool] | None] = ContextVar("stopping", default=None)


@contextmanager
def stoppable(asked: Callable[[], bool]) -> Iterator[None]:
    """Let work be stopped as long as this context is open.

    Parameters
    ----------
    asked : callable
        Whether to stop; asked some thousand times a second, so it must be quick.
    """
    token = _asked.set(asked)
    try:
        yield
    finally:
        _asked.reset(token)


class Stops:
    """What stops the work under way: all that began before :meth:`stop`, and none that begins after it."""

    def __init__(self) -> None:
        self._asked = 0

    def stop(self) -> None:
        """Stop what runs in other threads; each piece of work ends after its step."""
        self._asked += 1

    def stoppable(self, unwanted: Callable[[], bool] = lambda: False) -> AbstractContextManager[None]:
        """Return a context in which work ends when it is stopped, or no longer wanted.

        Parameters
        ----------
        unwanted : callable
            As in :func:`stoppable`.
        """
        begun = self._asked
        return stoppable(lambda: self._asked != begun or unwanted())


def asked_to_stop() -> Callable[[], bool] | None:
    """Return what tells a solver whether the work of this thread shall stop; None where nobody may stop it."""
    return _asked.get()


def stop_if_asked() -> None:
    """Raise StoppedError where the work of this thread is no longer wanted; it costs nothing where nobody may stop it.

    Called before rows are shared out among threads and before each linear program.
    """
    asked = _asked.get()
    if asked is not None and asked():
        raise StoppedError
