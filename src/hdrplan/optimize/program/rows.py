"""The rows that a linear program has been given so far, and what multipliers of them prove."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray
from hdrplan.optimize.proof import NO_POINT

__all__ = ["Dual", "NewRows", "Row", "RowTable"]


class NewRows(NamedTuple):
    """Rows to add, and what their family needs to know of them later.

    Parameters
    ----------
    coefficients : (m, n_columns) array
    low, high : (m,) arrays
        True limits.
    margin : float
        How much tighter they are solved.
    points : (m,) int array, optional
        Which point of the family each row is.
    earlier_gy : (m,) array, optional
        Dose that is there before in each row.
    """

    coefficients: FloatArray
    low: FloatArray
    high: FloatArray
    margin: float = 0.0
    points: IntArray | None = None
    earlier_gy: FloatArray | None = None


class Row(NamedTuple):
    """One row: whose it is, which of the owner's points, coefficients, true limits, how much tighter it is solved."""

    owner: Hashable
    point: int
    coefficients: FloatArray
    low: float
    high: float
    margin: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dual:
    """Multipliers of the rows of one solve, and what they prove.

    Parameters
    ----------
    rows : (m,) int array
        Numbers of the rows that have a multiplier.
    owners : tuple
        Whose they are.
    points : (m,) int array
        Which of the owner's points each is.
    multipliers, limits : (m,) arrays
        Theirs, and the limits they press on.
    paid : (n_columns,) array
        Sum of the multipliers times the rows.
    lower, upper : (n_columns,) arrays
        Bounds of the columns.
    """

    rows: IntArray
    owners: tuple[Hashable, ...]
    points: IntArray
    multipliers: FloatArray
    limits: FloatArray
    paid: FloatArray
    lower: FloatArray
    upper: FloatArray

    def by_owner(self) -> dict[Hashable, float]:
        """Sum the multipliers of each owner's rows."""
        sums: dict[Hashable, float] = {}
        for owner, multiplier in zip(self.owners, self.multipliers.tolist(), strict=True):
            sums[owner] = sums.get(owner, 0.0) + multiplier
        return sums

    def bound(self, cost: FloatArray) -> float:
        """Weak duality: no ``x`` between its bounds that holds the rows has ``cost @ x`` below this.

        It holds for any multipliers: what they gain at the limits, and the least that is left for the box.
        """
        reduced = cost - self.paid
        gained = float(self.multipliers @ self.limits)
        return gained + float(np.minimum(reduced * self.lower, reduced * self.upper).sum())


class RowTable:
    """Rows in the order they were added; a row keeps its number."""

    def __init__(self) -> None:
        self._owner: list[Hashable] = []
        self._point: list[int] = []
        self._coefficients: list[FloatArray] = []
        self._low: list[float] = []
        self._high: list[float] = []
        self._margin: list[float] = []

    def __len__(self) -> int:
        return len(self._owner)

    def __getitem__(self, number: int) -> Row:
        return Row(
            self._owner[number],
            self._point[number],
            self._coefficients[number],
            self._low[number],
            self._high[number],
            self._margin[number],
        )

    def append(self, owner: Hashable, new: NewRows) -> None:
        """Take in rows of one owner."""
        m = len(new.coefficients)
        self._owner += [owner] * m
        self._point += [NO_POINT] * m if new.points is None else new.points.tolist()
        self._coefficients += list(new.coefficients)
        self._low += new.low.tolist()
        self._high += new.high.tolist()
        self._margin += [new.margin] * m

    def relimit(self, number: int, low: float, high: float) -> None:
        """Give a row other true limits.

        Parameters
        ----------
        number : int
        low, high : float
        """
        self._low[number], self._high[number] = low, high

    def rewrite(self, number: int, coefficients: FloatArray) -> None:
        """Give a row other coefficients."""
        self._coefficients[number] = coefficients

    def slack(self, x: FloatArray, spare_frac: float) -> BoolArray:
        """Return which rows are free, or rows of points that hold at ``x`` with room to spare.

        Parameters
        ----------
        x : (n_columns,) array
        spare_frac : float
            Of the limit.

        Returns
        -------
        (m,) bool array
        """
        low, high = np.array(self._low), np.array(self._high)
        free = np.isinf(low) & np.isinf(high)
        value = np.array(self._coefficients) @ x
        spare = spare_frac * np.where(free, 0.0, np.minimum(np.abs(low), np.abs(high)))
        holds = (value >= low + spare) & (value <= high - spare)
        return np.asarray(free | (holds & (np.array(self._point) != NO_POINT)))

    def tight(self, x: FloatArray, near_frac: float) -> BoolArray:
        """Return which rows with a lower limit are at it, or below, at ``x``.

        Parameters
        ----------
        x : (n_columns,) array
        near_frac : float
            Of the limit.

        Returns
        -------
        (m,) bool array
        """
        low = np.array(self._low)
        value = np.array(self._coefficients) @ x
        return np.asarray(np.isfinite(low) & (np.abs(value - low) <= near_frac * np.abs(low)))

    def dual(self, y: FloatArray, lower: FloatArray, upper: FloatArray) -> Dual:
        """Return what multipliers of the first rows prove at the rows' true limits.

        Parameters
        ----------
        y : (m,) array
            Of the first m rows.
        lower, upper : (n_columns,) arrays
            Bounds of the columns.

        Returns
        -------
        Dual
        """
        low, high = np.array(self._low[: len(y)]), np.array(self._high[: len(y)])
        # A multiplier on an absent limit proves nothing; solvers leave some of 1e-12.
        y = np.where((y > 0) & np.isinf(low) | (y < 0) & np.isinf(high), 0.0, y)
        used = np.flatnonzero(y)
        limits = np.where(y[used] > 0, low[used], high[used])
        rows = np.array([self._coefficients[i] for i in used.tolist()]).reshape(len(used), len(lower))
        numbers = used.tolist()
        return Dual(
            rows=used,
            owners=tuple([self._owner[i] for i in numbers]),
            points=np.array([self._point[i] for i in numbers], dtype=np.int64),
            multipliers=y[used],
            limits=limits,
            paid=y[used] @ rows,
            lower=lower.copy(),
            upper=upper.copy(),
        )
