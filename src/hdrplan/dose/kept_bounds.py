"""Memory for the bounds of single dwells in boxes, from one search for the minimum dose to the next."""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import BoolArray, IntArray
from hdrplan.kernels.boxes import Kept

__all__ = ["KeptBounds"]

# Of one structure, for bounds of single dwells: a quarter of it for all dwells in large boxes, the rest for near dwells
# in small ones. With all dwells in every box it held 5,500 boxes of 900 dwells: 60,000 were computed in each round.
_KEPT_BYTES = 128 << 20
_LARGE_FRAC, _SLOT_BYTES = 0.25, 21
# Columns for near dwells that later times use.
_MORE_COLUMNS = 16


class KeptBounds:
    """Memory for the bounds of single dwells in the boxes with the lowest numbers, as far as it may be taken.

    Parameters
    ----------
    near : (n_dwells,) bool array
        Dwells whose bounds are kept in small boxes, too, once they have a time.
    """

    def __init__(self, near: BoolArray) -> None:
        self._near, self._columns = near, np.full(len(near), -1)
        self._n_large, self._n_columns = int(_LARGE_FRAC * _KEPT_BYTES) // (_SLOT_BYTES * max(1, len(near))), 0
        self._per_u, self._known = np.empty((0, 5), dtype=np.float32), np.zeros(0, dtype=np.bool_)
        self._centres = np.empty((0, 3))

    def of(self, boxes: IntArray, wholes: IntArray, used: BoolArray) -> Kept:
        """Return what is kept of these boxes.

        Parameters
        ----------
        boxes, wholes : (n,) int array
        used : (n_dwells,) bool array
            Dwells with a time.
        """
        new = np.flatnonzero(used & self._near & (self._columns < 0))
        if not self._n_columns:
            self._reserve(len(new) + _MORE_COLUMNS)
        taken = int(self._columns.max(initial=-1)) + 1
        new = new[: self._n_columns - taken]
        self._columns[new] = taken + np.arange(len(new))
        return Kept(
            rows=boxes,
            wholes=wholes,
            n_large=self._n_large,
            n_columns=self._n_columns,
            columns=self._columns,
            per_u=self._per_u,
            known=self._known,
            centres=self._centres,
        )

    def _reserve(self, n_columns: int) -> None:
        """Reserve all memory at once: what is not written takes none, and it is never moved."""
        self._n_columns = n_columns
        rows = int((1.0 - _LARGE_FRAC) * _KEPT_BYTES) // (_SLOT_BYTES * n_columns)
        slots = self._n_large * len(self._near) + rows * n_columns
        self._per_u, self._known = np.empty((slots, 5), dtype=np.float32), np.zeros(slots, dtype=np.bool_)
        self._centres = np.empty((self._n_large + rows, 3))
