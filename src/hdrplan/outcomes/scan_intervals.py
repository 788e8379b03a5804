"""Events known only to lie between two scans, as one checked value.

An interval is (left, right]: clean at ``left``, found at ``right``. Right-censored rows have ``right`` infinite,
exact times have ``left`` equal to ``right``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray, IntArray, freeze
from hdrplan.errors import InputError
from hdrplan.outcomes.columns import Groups, grouped

__all__ = ["Intervals", "intervals"]


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """Checked intervals; :func:`intervals` makes them.

    Parameters
    ----------
    left, right : (n,) arrays
        Last time known to be free of the event; first time known to have it, infinite where none was seen.
    cluster : Groups or None
        Patient of each row; None where rows are independent.
    """

    left: FloatArray
    right: FloatArray
    cluster: Groups | None = None

    def __post_init__(self) -> None:
        freeze(self, "left", (None,), finite=False)
        freeze(self, "right", (self.left.size,), finite=False)
        low, high = self.left, self.right
        for bad, words in (
            (np.isnan(low) | (low < 0), "left must be a time of 0 or more"),
            (high < low, "right must not come before left"),
            ((high == 0) | np.isinf(low), "an event needs a positive finite time"),
        ):
            if bad.any():
                row = int(np.argmax(bad))
                raise InputError(words, got=f"({low[row]:g}, {high[row]:g}]", where=f"row {row + 1}")

    @property
    def n(self) -> int:
        """Rows."""
        return int(self.left.size)

    @property
    def seen(self) -> BoolArray:
        """Rows whose event was seen."""
        return np.isfinite(self.right)

    def chosen(self, rows: IntArray | BoolArray) -> Intervals:
        """Return the intervals of some rows."""
        cluster = None if self.cluster is None else self.cluster.chosen(rows)
        return Intervals(self.left[rows], self.right[rows], cluster)


def intervals(left: npt.ArrayLike, right: npt.ArrayLike, *, cluster: npt.ArrayLike | None = None) -> Intervals:
    """Return checked intervals of events known to lie in (left, right].

    Parameters
    ----------
    left : (n,) array_like
        Last time known to be free of the event (0 where never examined before).
    right : (n,) array_like
        First time known to have the event; infinite or missing where none was seen; equal to left for an exact time.
    cluster : (n,) array_like, optional
        Patient of each row.

    Returns
    -------
    Intervals

    Raises
    ------
    InputError
        Unequal lengths, or intervals that cannot be right.
    """
    try:
        low, high = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("left and right must be numbers", got=str(error)) from None
    if low.ndim != 1 or low.shape != high.shape or low.size == 0:
        raise InputError("left and right must be columns of equal length", got=f"shapes {low.shape} and {high.shape}")
    owners = None if cluster is None else grouped(cluster, low.size, "cluster")
    return Intervals(low, np.where(np.isnan(high), np.inf, high), owners)
