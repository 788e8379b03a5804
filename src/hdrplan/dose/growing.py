"""Rows of a matrix that more rows join again and again: these are written behind the others, which stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, RateArray

__all__ = ["GrowingRows", "room_for"]

# Rows for which there is room: a quarter more, and some. Memory that nobody has written to is none yet.
_MORE_FRAC, _MORE_ROWS = 0.25, 4096


class _Room:
    """Memory for more rows than are there; ``used`` of them belong to somebody."""

    def __init__(self, n_rows: int, n_columns: int, dtype: np.dtype[Any]) -> None:
        self.memory: RateArray = np.empty((n_rows, n_columns), dtype=dtype)
        self.used = 0


@dataclass(frozen=True, slots=True, eq=False)
class GrowingRows:
    """Rows of a matrix. Adding some gives other rows and leaves these as they are, though both share their memory.

    Parameters
    ----------
    rows : (n, n_columns) array
        Read-only.
    room : object, optional
        Where they lie, if there is memory behind them.
    """

    rows: RateArray
    room: _Room | None = None

    def with_rows(self, more: FloatArray) -> GrowingRows:
        """Return these rows and then others.

        Parameters
        ----------
        more : (m, n_columns) array
            Rounded to the precision of these rows.
        """
        n, total = len(self.rows), len(self.rows) + len(more)
        room = self.room
        # Rows of somebody else may stand behind these already; or there is no room at all.
        if room is None or room.used != n or total > len(room.memory):
            room = _Room(_with_more(total), self.rows.shape[1], self.rows.dtype)
            room.memory[:n] = self.rows
        room.memory[n:total] = more
        room.used = total
        rows = room.memory[:total].view()
        rows.setflags(write=False)
        return GrowingRows(rows, room)


def room_for(
    n_rows: int, n_columns: int, *, more: bool, dtype: npt.DTypeLike = np.float64
) -> tuple[RateArray, GrowingRows]:
    """Return memory to write rows into, and the rows that it holds then.

    Parameters
    ----------
    n_rows, n_columns : int
    more : bool
        Whether rows will join them, for which there shall be room.
    dtype : dtype
    """
    room = _Room(_with_more(n_rows) if more else n_rows, n_columns, np.dtype(dtype))
    room.used = n_rows
    out = room.memory[:n_rows]
    rows = out.view()
    rows.setflags(write=False)
    return out, GrowingRows(rows, room)


def _with_more(n_rows: int) -> int:
    return int((1 + _MORE_FRAC) * n_rows) + _MORE_ROWS
