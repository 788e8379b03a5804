"""Memory for rates that are made again and again, while somebody moves a catheter."""

from __future__ import annotations

import numpy as np

from hdrplan.dose.growing import GrowingRows
from hdrplan.dose.points import SamplePoints
from hdrplan.dose.rate import fill_by_tables
from hdrplan.dose.rate_blocks import DoseRateBlocks
from hdrplan.dose.tables import checked_strength
from hdrplan.geometry import Dwells
from hdrplan.sources import TG43Source

__all__ = ["RateRoom"]


class RateRoom:
    """Holds the rates of one set of dwells at a time, by the float32 tables; the next set takes the same memory.

    Memory that is new each time has to be zeroed by the system: 120 MB took longer than the rates themselves.
    """

    def __init__(self) -> None:
        self._memory = np.empty(0)

    def fill(self, dwells: Dwells, points: SamplePoints, source: TG43Source, *, strength_u: float) -> DoseRateBlocks:
        """Return rates within the tolerance of ``dose_rate(exact=False)``; those returned before are gone then.

        Parameters
        ----------
        dwells : Dwells
        points : SamplePoints
        source : TG43Source
        strength_u : float
            Air-kerma strength, U.

        Raises
        ------
        InputError
            A strength that is not positive.
        """
        strength, shape = checked_strength(strength_u), (len(points), len(dwells))
        size = shape[0] * shape[1]
        if size > len(self._memory):
            self._memory = np.empty(size)
        out, outside = self._memory[:size].reshape(shape), np.empty(len(points), dtype=np.bool_)
        fill_by_tables(out, outside, dwells, points.points_mm, source, strength, None)
        # Views: to write the next rates the memory itself stays writable.
        blocks = tuple(GrowingRows(out[points.rows(name)]) for name in points.names)
        return DoseRateBlocks(blocks, outside)
