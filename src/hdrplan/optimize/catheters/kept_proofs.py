"""Proofs of sets of paths that stay good when another catheter lies beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.kernels.hitting import smallest_cuts
from hdrplan.optimize.catheters.cuts import cut_words

__all__ = ["KeptProofs"]

U64 = npt.NDArray[np.uint64]

# Proofs that are kept: the last ones.
_KEPT = 1536


class KeptProofs:
    """The last proofs, with what their multipliers pay at the dwells of every path, and at those of the guest.

    ``value / max(1, load of each path of a set, load of the guest)`` bounds every set of paths beside the guest.

    Parameters
    ----------
    owner : (n_dwells,) int array
        Path of each dwell, in order; -1: of a catheter that is in.
    n_paths : int
    room : int
        Rows that multipliers may be of.
    """

    def __init__(self, owner: IntArray, n_paths: int, room: int) -> None:
        self._paths, self._first = np.unique(owner[owner >= 0], return_index=True)
        self._free = int((owner < 0).sum())
        self._value, self._load = np.zeros(_KEPT), np.zeros((_KEPT, n_paths))
        self._multipliers, self._guest = np.zeros((_KEPT, room)), np.zeros(_KEPT)
        self._count = 0

    def widen(self, room: int) -> None:
        """Give room for multipliers of more rows."""
        self._multipliers = np.pad(self._multipliers, ((0, 0), (0, room - self._multipliers.shape[1])))

    def add(self, value: float, ratio: FloatArray, rows: IntArray, multipliers: FloatArray, guest: float) -> None:
        """Keep one more proof.

        Parameters
        ----------
        value : float
        ratio : (n_dwells,) array
            What the multipliers pay for a second at each dwell, over what it costs.
        rows : (k,) int array
        multipliers : (k,) array
            Of these rows; 0 of all others.
        guest : float
            The greatest ratio at the dwells of the guest.
        """
        k = self._count % _KEPT
        self._value[k], self._guest[k] = value, guest
        if len(self._paths):
            self._load[k, self._paths] = np.maximum.reduceat(ratio[self._free :], self._first)
        self._multipliers[k] = 0.0
        self._multipliers[k, rows] = multipliers
        self._count += 1

    def beside(self, block: FloatArray, cost: FloatArray) -> None:
        """Weigh all proofs at the dwells of another guest.

        Parameters
        ----------
        block : (n_rows, m) array
            Coefficients of its dwells in the rows.
        cost : (m,) array
        """
        n = min(self._count, _KEPT)
        paid = self._multipliers[:n, : len(block)] @ block / cost
        self._guest[:n] = paid.max(axis=1, initial=0.0)

    def known(self, sets: Sequence[Sequence[int]]) -> FloatArray:
        """Bound sets of paths of one size by what is known."""
        n = min(self._count, _KEPT)
        if not n or not sets:
            return np.zeros(len(sets))
        load = np.maximum(self._guest[:n], 1.0)[:, None]
        for column in np.array(sets, dtype=np.int64).reshape(len(sets), -1).T:
            load = np.maximum(load, self._load[:n, column])
        return np.asarray((self._value[:n, None] / load).max(axis=0))

    def cuts(self, tau: float, paths: IntArray) -> U64:
        """Return sets of paths, bit i for ``paths[i]``, of each of which a set better than ``tau`` holds at least one.

        None of them is implied by another; 0: no set is better.
        """
        n = min(self._count, _KEPT)
        most = self._value[:n] / tau * (1 - 1e-9)
        used = np.flatnonzero((self._value[:n] >= tau) & (self._guest[:n] <= most))
        words = cut_words(self._load[np.ix_(used, paths)] > most[used, None])
        return smallest_cuts(words) if len(words) else words

    def last_cut(self, tau: float, paths: IntArray) -> np.uint64:
        """Return the cut that the newest proof makes."""
        k = (self._count - 1) % _KEPT
        return np.uint64(cut_words(self._load[k : k + 1, paths] > self._value[k] / tau * (1 - 1e-9))[0])
