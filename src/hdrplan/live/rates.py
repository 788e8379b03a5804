"""Dose rates of a session: while somebody touches the plan by tables, for a proof and for times set by hand exactly.

The sample points belong to the structures and stay. By tables the rates of all dwells at the points that a goal speaks
of are made anew with every set of catheters, in the same memory (docs/measurements/live.md). Exact ones belong to a
structure and a catheter, so that a catheter that moved costs its own columns only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, RateArray
from hdrplan.dose import DoseRateBlocks, GrowingRows, RateRoom, SamplePoints, dose_by_tables, dose_rate
from hdrplan.geometry import Dwells, Structure
from hdrplan.options import PlanOptions
from hdrplan.plan import Case, Goals
from hdrplan.sources import Strength, TG43Source
from hdrplan.threads import over_rows
from hdrplan.workflow import candidate_dwells, require_points_memory, structures_asked_for

__all__ = ["RateStore", "Rates", "Sampled", "sampled"]

# Columns of so many sets of catheters are kept besides the newest.
_KEPT_SETS = 3

# What tells the points of a structure apart from all others of this session: a place that was undone gives its name to
# the next one.
Sampled = tuple[object, ...]
# A structure's points, and what makes a catheter's rates: its name and its points.
_Column = tuple[Sampled, str, bytes]
# Points that a goal speaks of, and the others, if there are any.
_Parts = tuple[SamplePoints, SamplePoints | None]
# Structure by structure, catheter by catheter.
_Keys = tuple[tuple[_Column, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rates:
    """Dose rates of a set of catheters.

    Parameters
    ----------
    dwells : Dwells
    asked : SamplePoints
        Of the structures that a goal speaks of.
    at_asked : DoseRateBlocks
        At those points; where they are by tables they last as long as they are lent.
    dose_gy : callable
        Times, (n_dwells,) -> dose at all points of the session.
    """

    dwells: Dwells
    asked: SamplePoints
    at_asked: DoseRateBlocks
    dose_gy: Callable[[FloatArray], FloatArray]


class _Lent:
    """Rates by tables and what they are of; one draft at a time has them."""

    def __init__(self) -> None:
        self.room = RateRoom()
        self.of: tuple[object, ...] = ()
        self.filled: tuple[Dwells, DoseRateBlocks] | None = None


class RateStore:
    """Makes the rates of a session, and keeps what the next touch can use.

    Parameters
    ----------
    source : TG43Source
    strength : Strength
    options : PlanOptions
    """

    def __init__(self, source: TG43Source, strength: Strength, options: PlanOptions) -> None:
        self.source, self.strength, self.options = source, strength, options
        # A proof may run beside a touch.
        self._lock = threading.RLock()
        self._free: list[_Lent] = []
        self._parted: tuple[SamplePoints, frozenset[str], _Parts] | None = None
        self._columns: dict[_Column, tuple[FloatArray, BoolArray]] = {}
        self._exact: dict[_Keys, tuple[Dwells, DoseRateBlocks]] = {}
        self._sets: list[_Keys] = []

    @contextmanager
    def by_tables(self, case: Case, goals: Goals, points: SamplePoints) -> Iterator[Rates]:
        """Lend rates by tables, within a hundredth of a percent: a plan and its dose are made and judged by the same.

        Parameters
        ----------
        case : Case
        goals : Goals
        points : SamplePoints
            Of all structures.
        """
        with self._lock:
            lent = self._free.pop() if self._free else _Lent()
            asked, others = self._parts(case, goals, points)
        try:
            dwells, rate = self._filled(lent, case, asked)
            yield Rates(
                dwells=dwells,
                asked=asked,
                at_asked=rate,
                dose_gy=lambda times_s: self._dose_gy(points, (asked, others), dwells, rate, times_s),
            )
        finally:
            with self._lock:
                self._free = [lent]

    @contextmanager
    def exact(self, case: Case, goals: Goals, points: SamplePoints) -> Iterator[Rates]:
        """Give exact rates; arguments as of :meth:`by_tables`."""
        with self._lock:
            asked, _ = self._parts(case, goals, points)
            dwells, rate = self._exact_of(case, points, [sampled(s) for s in case.dosed_structures(goals)])
        chosen = [points.names.index(name) for name in asked.names]
        far = np.concatenate([rate.extrapolated[points.rows(name)] for name in asked.names])
        at_asked = DoseRateBlocks(tuple(rate.blocks[n] for n in chosen), far)
        yield Rates(dwells=dwells, asked=asked, at_asked=at_asked, dose_gy=rate.dose_gy)

    def _parts(self, case: Case, goals: Goals, points: SamplePoints) -> _Parts:
        names = structures_asked_for(points, goals, case.healthy)
        if self._parted is None or self._parted[0] is not points or self._parted[1] != names:
            rest = [name for name in points.names if name not in names]
            self._parted = points, names, (points.only(names), points.only(rest) if rest else None)
        return self._parted[2]

    def _filled(self, lent: _Lent, case: Case, asked: SamplePoints) -> tuple[Dwells, DoseRateBlocks]:
        of = (asked, *((c.name, c.points_mm.tobytes()) for c in case.catheters))
        if lent.filled is None or lent.of != of:
            lent.filled, dwells = None, candidate_dwells(case, self.options)
            require_points_memory(asked, dwells)
            rate = lent.room.fill(dwells, asked, self.source, strength_u=self.strength.value_u)
            lent.of, lent.filled = of, (dwells, rate)
        return lent.filled

    def _dose_gy(
        self, points: SamplePoints, parts: _Parts, dwells: Dwells, rate: DoseRateBlocks, times_s: FloatArray
    ) -> FloatArray:
        asked, others = parts
        dose_gy = np.empty(len(points))

        def product(block: RateArray, out: FloatArray) -> None:
            def some(first: int, last: int) -> None:
                np.matmul(block[first:last], times_s, out=out[first:last])

            over_rows(some, len(block), smallest=4096)

        for name, block in zip(asked.names, rate.blocks, strict=True):
            product(block.rows, dose_gy[points.rows(name)])
        if others is not None:
            elsewhere_gy = dose_by_tables(
                dwells, times_s, others.points_mm, self.source, strength_u=self.strength.value_u
            )
            for name in others.names:
                dose_gy[points.rows(name)] = elsewhere_gy[others.rows(name)]
        return dose_gy

    def _exact_of(
        self, case: Case, points: SamplePoints, structures: Sequence[Sampled]
    ) -> tuple[Dwells, DoseRateBlocks]:
        """Return the dwells of a case and their rates, of which only what is new is computed."""
        keys = tuple(tuple((s, c.name, c.points_mm.tobytes()) for c in case.catheters) for s in structures)
        if keys not in self._exact:
            dwells = candidate_dwells(case, self.options)
            require_points_memory(points, dwells)
            for k in range(len(case.catheters)):
                missing = [n for n, row in enumerate(keys) if row[k] not in self._columns]
                if missing:
                    self._compute(points, dwells.of_catheter(k), missing, [keys[n][k] for n in missing])
            blocks = [np.empty((0, 0))] * len(keys)

            def put_together(first: int, last: int) -> None:
                for n in range(first, last):
                    blocks[n] = np.hstack([self._columns[key][0] for key in keys[n]])

            over_rows(put_together, len(keys), smallest=1)
            far = np.concatenate([np.any([self._columns[key][1] for key in row], axis=0) for row in keys])
            self._keep(keys, dwells, DoseRateBlocks(tuple(map(GrowingRows, blocks)), far))
        return self._exact[keys]

    def _compute(self, points: SamplePoints, dwells: Dwells, structures: list[int], keys: list[_Column]) -> None:
        rows = [points.rows(points.names[n]) for n in structures]
        at_mm = np.concatenate([points.points_mm[r] for r in rows])
        rate = dose_rate(dwells, at_mm, self.source, strength_u=self.strength.value_u)
        first = 0
        for key, r in zip(keys, rows, strict=True):
            part = slice(first, first + r.stop - r.start)
            self._columns[key] = (rate.gy_per_s[part], rate.extrapolated[part])
            first = part.stop

    def _keep(self, keys: _Keys, dwells: Dwells, rate: DoseRateBlocks) -> None:
        """Keep the rates of the newest set of catheters, and of the last sets the columns that differ."""
        self._exact = {keys: (dwells, rate)}
        self._sets = [*self._sets[-_KEPT_SETS:], keys]
        kept = {key for keys in self._sets for row in keys for key in row}
        self._columns = {key: column for key, column in self._columns.items() if key in kept}


@lru_cache(maxsize=64)
def sampled(structure: Structure) -> Sampled:
    """Return what tells a structure's points apart from all others of a session."""
    return structure.name, structure.volume_cc, *structure.grid.origin_mm
