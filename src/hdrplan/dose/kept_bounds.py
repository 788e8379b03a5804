"""Memory for the bounds of single dwells in boxes, from one search for the minimum dose to the next."""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import BoolArray, IntArray
from hdrplan.kernels.boxes import Kept

__all__ = ["KeptBounds"]

# Of one structure, for bounds of single dwells: a part of it for all dwells in the first boxes, which are large, the
# rest for near dwells in small ones. With all dwells in every box 128 MB held 5,500 boxes of 900 dwells, of 60,000.
_KEPT_BYTES = 115 << 20
_LARGE_FRAC, _SLOT_BYTES = 0.15, 12
# Columns for near dwells that later times use.
_MORE_COLUMNS = 16


class KeptBounds:
    """Memory for the bounds of single dwells in boxes, in the order in which these are first asked for.

    Parameters
    ----------
    near : (n_dwells,) bool array
        Dwells whose bounds are kept in small boxes, too, once they have a time.
    """

    def __init__(self, near: BoolArray) -> None:
        self._near, self._columns = near, np.full(len(near), -1)
        self._n_large, self._n_columns = int(_LARGE_FRAC * _KEPT_BYTES) // (_SLOT_BYTES * max(1, len(near))), 0
        self._value, self._parts = np.zeros(0, dtype=np.float32), np.zeros((0, 4), dtype=np.int16)
        self._rows, self._room = np.full(0, -1), 0
        self._taken = 0

    def of(self, boxes: IntArray, used: BoolArray) -> Kept:
        """Return what is kept of these boxes.

        Parameters
        ----------
        boxes : (n,) int array
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
            rows=self._rows_of(boxes),
            n_large=self._n_large,
            n_columns=self._n_columns,
            columns=self._columns,
            value=self._value,
            parts=self._parts,
        )

    def _reserve(self, n_columns: int) -> None:
        """Reserve all memory at once: what is not written takes none, and it is never moved."""
        self._n_columns = n_columns
        rows = int((1.0 - _LARGE_FRAC) * _KEPT_BYTES) // (_SLOT_BYTES * n_columns)
        self._room = self._n_large + rows
        n_slots = self._n_large * len(self._near) + rows * n_columns
        self._value, self._parts = np.zeros(n_slots, dtype=np.float32), np.zeros((n_slots, 4), dtype=np.int16)

    def _rows_of(self, boxes: IntArray) -> IntArray:
        """Return the row of each box, a new one where it has none; -1 where there is no more room."""
        most = int(boxes.max(initial=-1)) + 1
        if most > len(self._rows):
            self._rows = np.concatenate((self._rows, np.full(max(most, 2 * len(self._rows)) - len(self._rows), -1)))
        new = boxes[self._rows[boxes] < 0][: self._room - self._taken]
        self._rows[new] = self._taken + np.arange(len(new))
        self._taken += len(new)
        return self._rows[boxes]
