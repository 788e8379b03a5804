"""Rows that mattered to some set of catheters, laid out for the kernel."""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray

__all__ = ["Pool"]


class Pool:
    """Rows ``row @ x >= limit``, one a column of :attr:`coefficients`; they only ever become more.

    Parameters
    ----------
    columns : int
        Of the linear program.
    """

    def __init__(self, columns: int) -> None:
        self.count = 0
        # (columns, at least count): the rest is room to grow, and the kernel reads whole lines.
        self.coefficients = np.zeros((columns, 1024))
        self._size, self._limit, self._pays = np.ones(1024), np.zeros(1024), np.zeros(1024, dtype=np.bool_)

    def add(self, row: FloatArray, limit: float, *, pays: bool) -> None:
        """Add a row; ``pays`` says that it is a prescription's."""
        k = self.count
        if k == len(self._limit):
            self.coefficients = np.concatenate((self.coefficients, np.zeros_like(self.coefficients)), axis=1)
            self._size, self._limit = np.tile(self._size, 2), np.tile(self._limit, 2)
            self._pays = np.tile(self._pays, 2)
        self.coefficients[:, k], self._size[k] = row, np.linalg.norm(row)
        self._limit[k], self._pays[k] = limit, pays
        self.count += 1

    @property
    def size(self) -> FloatArray:
        """Length of each row."""
        return self._size[: self.count]

    @property
    def limit(self) -> FloatArray:
        """Lower limit of each row."""
        return self._limit[: self.count]

    @property
    def pays(self) -> BoolArray:
        """Whether each row is a prescription's."""
        return self._pays[: self.count]
