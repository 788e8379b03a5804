"""The afterloader: the rules its dwell times obey."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hdrplan.arrays import FloatArray, IntArray, freeze
from hdrplan.errors import InputError

__all__ = ["Delivery", "neighbours"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Delivery:
    """Rules of the afterloader.

    Parameters
    ----------
    resolution_s : float
        Times are multiples of this.
    shortest_s : float
        A stop lasts at least this long, or is left out.
    ratio : float or None
        Neighbouring dwell times differ at most by this factor.
    neighbours : (m, 2) int array
        Pairs of neighbouring dwells, from :func:`neighbours`; needed for ``ratio``.
    search : bool
        Look long for the whole times that lose least: among several starts, and in a program of whole numbers.
    """

    resolution_s: float = 0.1
    shortest_s: float = 0.0
    ratio: float | None = None
    neighbours: IntArray = field(default_factory=lambda: np.zeros((0, 2), dtype=np.int64))
    search: bool = True

    def __post_init__(self) -> None:
        freeze(self, "neighbours", (None, 2), dtype=np.int64)
        if not (np.isfinite(self.resolution_s) and self.resolution_s > 0):
            raise InputError("the time resolution must be positive (s)", got=self.resolution_s)
        if not (np.isfinite(self.shortest_s) and self.shortest_s >= 0):
            raise InputError("the minimum dwell time must not be negative (s)", got=self.shortest_s)
        if self.ratio is not None and not self.ratio >= 1:
            raise InputError("the ratio of neighbouring times must be at least 1", got=self.ratio)
        if self.ratio is not None and len(self.neighbours) == 0:
            raise InputError("a ratio of neighbouring times needs the pairs of neighbours", got="none")


def neighbours(catheter: IntArray, offset_mm: FloatArray) -> IntArray:
    """Return the pairs of dwells that follow one another in a catheter, (m, 2)."""
    order = np.lexsort((offset_mm, catheter))
    pairs = np.stack((order[:-1], order[1:]), axis=1)
    return np.asarray(pairs[catheter[pairs[:, 0]] == catheter[pairs[:, 1]]])
