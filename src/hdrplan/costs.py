"""Where time goes: wall and processor seconds of named pieces of work, measured only while somebody asks.

A piece may lie inside another; its name is then behind the other's. Processor seconds are those of all threads of the
process. What the calling thread used is told apart, since the rest was shared out (:mod:`hdrplan.threads`, the solver).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["Cost", "Costs", "costs_of", "measured"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one piece of work took, all its calls together, the pieces inside it included.

    Parameters
    ----------
    name : str
        "optimise > proof" lies inside "optimise".
    calls : int
    wall_s : float
    cpu_s : float
        Processor seconds of all threads.
    own_cpu_s : float
        Of the thread that called it.
    """

    name: str
    calls: int
    wall_s: float
    cpu_s: float
    own_cpu_s: float


class Costs:
    """Pieces of work in the order in which they began."""

    def __init__(self) -> None:
        self._inside: tuple[str, ...] = ()
        self._sums: dict[tuple[str, ...], list[float]] = {}

    def rows(self) -> tuple[Cost, ...]:
        """Return what was measured, pieces before the pieces inside them."""
        begun = {path: number for number, path in enumerate(self._sums)}
        rows = []
        for path in sorted(begun, key=lambda path: [begun[path[: k + 1]] for k in range(len(path))]):
            calls, wall, cpu, own = self._sums[path]
            rows.append(Cost(name=" > ".join(path), calls=int(calls), wall_s=wall, cpu_s=cpu, own_cpu_s=own))
        return tuple(rows)

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Measure one piece."""
        outside, path = self._inside, (*self._inside, name)
        sums = self._sums.setdefault(path, [0.0, 0.0, 0.0, 0.0])
        self._inside, begun = path, (time.perf_counter(), time.process_time(), time.thread_time())
        try:
            yield
        finally:
            ended = (time.perf_counter(), time.process_time(), time.thread_time())
            self._inside = outside
            sums[0] += 1
            for k in range(3):
                sums[k + 1] += ended[k] - begun[k]


_asked: ContextVar[Costs | None] = ContextVar("costs", default=None)


@contextmanager
def costs_of() -> Iterator[Costs]:
    """Measure what :func:`measured` names, as long as this context is open.

    Examples
    --------
    >>> with costs_of() as costs:
    ...     with measured("optimise"), measured("proof"):
    ...         pass
    >>> [cost.name for cost in costs.rows()]
    ['optimise', 'optimise > proof']
    """
    costs = Costs()
    token = _asked.set(costs)
    try:
        yield costs
    finally:
        _asked.reset(token)


@contextmanager
def measured(name: str) -> Iterator[None]:
    """Name a piece of work; it costs nothing where nobody asks, as in the threads that share it."""
    costs = _asked.get()
    if costs is None:
        yield
        return
    with costs.of(name):
        yield
