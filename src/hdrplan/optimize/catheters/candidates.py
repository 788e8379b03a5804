"""Catheters to choose from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray, IntArray, freeze
from hdrplan.errors import InputError

__all__ = ["MAXIMUM_CANDIDATES", "Candidates", "CatheterSet"]

# A set is one machine word.
MAXIMUM_CANDIDATES = 64

CatheterSet = frozenset[int]
U64 = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Catheters to choose from: which dwells each has, which exclude each other, where they may come to lie.

    Parameters
    ----------
    owner : (n_dwells,) int array
        Candidate of each dwell, 0 to 63; -1: of a catheter that is in the patient, whatever is chosen.
    conflicts : (n, n) bool array, optional
        True where two candidates exclude each other, being too near; the diagonal is left aside. Without it none do.
    scenarios : tuple of mapping
        CTV -> (n_points of the CTV, n_dwells) rates in Gy/s of displaced catheters; D100 holds in all of them.
    barred : frozenset of int
        Candidates that no set may hold.

    Raises
    ------
    InputError
        No candidates, more than 64, conflicts of another shape.
    """

    owner: IntArray
    conflicts: BoolArray | None = None
    scenarios: tuple[Mapping[str, FloatArray], ...] = ()
    barred: CatheterSet = frozenset()

    def __post_init__(self) -> None:
        freeze(self, "owner", (None,), dtype=np.int64)
        if self.owner.max(initial=-1) < 0 or self.owner.min() < -1:
            raise InputError(
                "every dwell needs its candidate, 0 or higher, or -1 for a catheter that is in", got=self._owners
            )
        if self.conflicts is not None:
            freeze(self, "conflicts", (None, None), dtype=np.bool_)
            if self.conflicts.shape != (self.count, self.count) or self.owner.max() >= self.count:
                raise InputError(
                    "conflicts need a row and a column for each candidate",
                    got=self.conflicts.shape,
                    where=f"candidates 0 to {self.owner.max()}",
                )
        if self.count > MAXIMUM_CANDIDATES:
            raise InputError(f"at most {MAXIMUM_CANDIDATES} candidates can be chosen from", got=self.count)

    @property
    def _owners(self) -> str:
        return f"{self.owner.min()} to {self.owner.max()}" if len(self.owner) else "no dwell"

    @property
    def any_in(self) -> bool:
        """Whether a catheter is in the patient already."""
        return bool((self.owner < 0).any())

    @property
    def barred_bits(self) -> np.uint64:
        """Bit i says that no set may hold candidate i."""
        return np.uint64(sum(1 << i for i in self.barred))

    @property
    def count(self) -> int:
        """Number of candidates; the last ones may have no dwell where conflicts tell of them."""
        return int(self.owner.max()) + 1 if self.conflicts is None else len(self.conflicts)

    @property
    def everything(self) -> CatheterSet:
        """The set of all candidates."""
        return frozenset(range(self.count))

    @property
    def conflict_bits(self) -> U64:
        """(n,): bit j of word i says that candidates i and j exclude each other."""
        if self.conflicts is None:
            return np.zeros(self.count, dtype=np.uint64)
        others = self.conflicts & ~np.eye(self.count, dtype=np.bool_)
        powers = np.uint64(1) << np.arange(self.count, dtype=np.uint64)
        return np.asarray(np.where(others, powers, np.uint64(0)).sum(axis=1, dtype=np.uint64))

    def allowed(self, chosen: CatheterSet) -> bool:
        """Whether a set may be chosen: it holds none that is barred and no two that exclude each other."""
        if chosen & self.barred:
            return False
        if self.conflicts is None:
            return True
        return not any(self.conflicts[i, j] for i in chosen for j in chosen if i != j)
