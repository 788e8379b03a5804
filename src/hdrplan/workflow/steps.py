"""The steps of a walk: which one is under way, how far it is, and how long each took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hdrplan.costs import measured
from hdrplan.memory import give_back

__all__ = ["Progress", "StepProgress", "Steps"]

# (done, total) of one step.
Progress = Callable[[int, int], None]
# (step, done, total) of a walk.
StepProgress = Callable[[str, int, int], None]


class Steps:
    """Name the steps of a walk, time them, and pass their progress on.

    Parameters
    ----------
    on_progress : callable, optional
        Called with (step, done, total).
    gives_back : bool
        Return freed memory to the system after each step. Where the same is soon asked for again it costs a tenth of
        the time.

    Examples
    --------
    >>> step = Steps(lambda name, done, total: print(name, done, total))
    >>> with step("matrix") as progress:
    ...     progress(7, 10)
    matrix 0 1
    matrix 7 10
    >>> list(step.seconds)
    ['matrix']
    """

    def __init__(self, on_progress: StepProgress | None = None, *, gives_back: bool = True) -> None:
        self.seconds: dict[str, float] = {}
        self.on_progress = on_progress
        self.gives_back = gives_back

    def tell(self, name: str, done: int, total: int) -> None:
        """Pass on the progress of something that is part of a step.

        Parameters
        ----------
        name : str
        done, total : int
        """
        if self.on_progress is not None:
            self.on_progress(name, done, total)

    @contextmanager
    def __call__(self, name: str) -> Iterator[Progress]:
        """Time one step; yields ``progress(done, total)`` for the function that takes it."""

        def progress(done: int, total: int) -> None:
            self.tell(name, done, total)

        started = time.perf_counter()
        progress(0, 1)
        with measured(name):
            yield progress
            if self.gives_back:
                give_back()
        self.seconds[name] = round(time.perf_counter() - started, 4)
