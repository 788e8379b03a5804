"""Long work that somebody may stop: between its steps it asks whether it is still wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from hdrplan.errors import StoppedError

__all__ = ["stop_if_asked", "stoppable"]

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


def stop_if_asked() -> None:
    """Raise StoppedError where the work of this thread is no longer wanted; it costs nothing where nobody may stop it.

    Called before rows are shared out among threads and before each linear program.
    """
    asked = _asked.get()
    if asked is not None and asked():
        raise StoppedError
