"""The dose-rate matrix in blocks, structure by structure: those of CTVs have room for the points that join them.

Large ones are kept in single precision, which rounds each rate by at most 6e-8 of it: a sixteenth of the millionth to
which limits are held. What is said of a plan is computed anew in double precision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, RateArray, adopt, freeze
from hdrplan.brief import brief_repr
from hdrplan.dose.factor import DoseFactor
from hdrplan.dose.growing import GrowingRows, room_for
from hdrplan.dose.points import SamplePoints
from hdrplan.dose.products import doses_of
from hdrplan.dose.rate import fill_rates
from hdrplan.dose.tables import checked_strength, in_slabs
from hdrplan.geometry import Dwells
from hdrplan.memory import give_back_at_once, require_memory
from hdrplan.sources import TG43Source

__all__ = ["DoseRateBlocks", "dose_rate_blocks"]


# Rates that in double precision would take more than this are kept in single precision: four lesions with 900 dwells
# have 1.3 GB of them, the demo 60 MB.
SINGLE_FROM_BYTES = 512 << 20
# Rates that a thread computes before it rounds them, 2 MB, and those between which progress is told.
_TOGETHER, _SLAB_RATES = 250_000, 20_000_000


@dataclass(frozen=True, slots=True, eq=False)
class DoseRateBlocks:
    """Dose rates in blocks of rows: points that join one structure leave the rates of all others where they are.

    A second matrix of a session with four lesions and 900 dwells took 1.2 GB for some hundred points.

    Parameters
    ----------
    blocks : tuple of GrowingRows
        Gy/s, structure by structure, (n, n_dwells) each, in double precision or all in single precision.
    extrapolated : (n_points,) bool array
        As in :class:`hdrplan.dose.DoseRate`.
    """

    blocks: tuple[GrowingRows, ...]
    extrapolated: BoolArray

    __repr__ = brief_repr

    def __post_init__(self) -> None:
        for block in self.blocks:
            adopt(block.rows)
        freeze(self, "extrapolated", (sum(len(block.rows) for block in self.blocks),), dtype=np.bool_)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of points, and of dwells."""
        return len(self.extrapolated), self.blocks[0].rows.shape[1]

    @property
    def gy_per_s(self) -> FloatArray:
        """All rates in one array in double precision, a copy: for those who need no speed."""
        return np.concatenate([block.rows for block in self.blocks], dtype=np.float64)

    def at(self, rows: slice) -> RateArray:
        """Return the rates at the points of one structure, a view; a copy where the rows are of several."""
        first = 0
        for block in self.blocks:
            if rows.start >= first and rows.stop <= first + len(block.rows):
                return block.rows[rows.start - first : rows.stop - first]
            first += len(block.rows)
        return self.gy_per_s[rows]

    def dose_gy(self, times_s: FloatArray) -> FloatArray:
        """Return the dose of dwell times, (n_dwells,), at all points."""
        return np.concatenate([doses_of(block.rows, times_s) for block in self.blocks])


def dose_rate_blocks(
    dwells: Dwells,
    points: SamplePoints,
    source: TG43Source,
    *,
    strength_u: float,
    factor: DoseFactor | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> DoseRateBlocks:
    """Dose rates at sample points: those of :func:`hdrplan.dose.dose_rate`, where there are many rounded to float32.

    Parameters
    ----------
    dwells : Dwells
    points : SamplePoints
    source : TG43Source
    strength_u : float
        Air-kerma strength, U.
    factor : DoseFactor, optional
        What TG-43's rates are multiplied by.
    on_progress : callable, optional
        Called with (rows done, rows in all).

    Returns
    -------
    DoseRateBlocks

    Raises
    ------
    InputError, ResourceError
        As :func:`hdrplan.dose.dose_rate`.
    """
    strength, n = checked_strength(strength_u), len(points)
    double = 8 * n * len(dwells) <= SINGLE_FROM_BYTES
    require_memory(
        (8.0 if double else 4.0) * n * len(dwells),
        f"the rate matrix of {n} points x {len(dwells)} dwells",
        remedy="Take fewer points (larger `sample_mm`) or fewer dwells (larger `step_mm`).",
    )
    if not double:
        give_back_at_once()
    outside, blocks = np.empty(n, dtype=np.bool_), []
    for name, role in zip(points.names, points.roles, strict=True):
        rows = points.rows(name)
        out, grown = room_for(
            rows.stop - rows.start, len(dwells), more=role == "CTV", dtype=np.float64 if double else np.float32
        )

        def tell(done: int, _: int, before: int = rows.start) -> None:
            if on_progress is not None:
                on_progress(before + done, n)

        of_tg43 = None if factor is None else factor.at(name, points.points_mm[rows])
        _fill(out, outside[rows], dwells, points.points_mm[rows], source, strength, of_tg43, tell)
        blocks.append(grown)
    return DoseRateBlocks(tuple(blocks), outside)


def _fill(
    out: RateArray,
    outside: BoolArray,
    dwells: Dwells,
    points_mm: FloatArray,
    source: TG43Source,
    strength_u: float,
    factor: FloatArray | None,
    tell: Callable[[int, int], None],
) -> None:
    """Write the rates of one structure's points times a factor; in single precision some rows at a time."""
    n, n_dwells = out.shape
    if out.dtype == np.float64:
        fill_rates(cast(FloatArray, out), outside, dwells, points_mm, source, strength_u, tell)
        if factor is not None:
            out *= factor[:, None]
        return

    def block(first: int, last: int) -> None:
        step = max(1, _TOGETHER // n_dwells)
        slab = np.empty((min(step, last - first), n_dwells))
        for begin in range(first, last, step):
            some = slice(begin, min(begin + step, last))
            part = slab[: some.stop - begin]
            fill_rates(part, outside[some], dwells, points_mm[some], source, strength_u, None)
            out[some] = part if factor is None else part * factor[some, None]

    in_slabs(block, n, max(1, _SLAB_RATES // n_dwells), tell)
