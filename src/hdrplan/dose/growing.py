"""Rows of a matrix that more rows join again and again: these are written behind the others, which stay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray

__all__ = ["GrowingRows", "room_for"]

# Rows for which there is room: a quarter more, and some. Memory that nobody has written to is none yet.
_MORE_FRAC, _MORE_ROWS = 0.25, 4096


class _Room:
    """Memory for more rows than are there; ``used`` of them belong to somebody."""

    def __init__(self, n_rows: int, n_columns: int) -> None:
        self.memory = np.empty((n_rows, n_columns))
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

    rows: FloatArray
    room: _Room | None = None

    def with_rows(self, more: FloatArray) -> GrowingRows:
        """Return these rows and then others.

        Parameters
        ----------
        more : (m, n_columns) array
        """
        n, total = len(self.rows), len(self.rows) + len(more)
        room = self.room
        # Rows of somebody else may stand behind these already; or there is no room at all.
        if room is None or room.used != n or total > len(room.memory):
            room = _Room(_with_more(total), self.rows.shape[1])
            room.memory[:n] = self.rows
        room.memory[n:total] = more
        room.used = total
        rows = room.memory[:total].view()
        rows.setflags(write=False)
        return GrowingRows(rows, room)


def room_for(n_rows: int, n_columns: int, *, more: bool) -> tuple[FloatArray, GrowingRows]:
    """Return memory to write rows into, and the rows that it holds then.

    Parameters
    ----------
    n_rows, n_columns : int
    more : bool
        Whether rows will join them, for which there shall be room.
    """
    room = _Room(_with_more(n_rows) if more else n_rows, n_columns)
    room.used = n_rows
    out = room.memory[:n_rows]
    rows = out.view()
    rows.setflags(write=False)
    return out, GrowingRows(rows, room)


def _with_more(n_rows: int) -> int:
    return int((1 + _MORE_FRAC) * n_rows) + _MORE_ROWS
