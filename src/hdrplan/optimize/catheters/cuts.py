"""A proof that a set of catheters is bad speaks of other sets too.

The value v(S) of a set S of catheters is the least healthy dose that holds every prescription and hard limit with the
dwells of S alone. Multipliers y of the solution prove it, and more: let ``V`` be the dual objective and ``load[c]`` the
greatest ratio, over the dwells of catheter c, of what the multipliers pay for a second there to what that second costs.
Divided by ``max(1, max load[c] for c in T)`` the multipliers are feasible for any other set T, so

    v(T) >= V / max(1, max over c in T of load[c]).

A set that is to be better than tau therefore holds at least one catheter with ``load > V / tau``: a cut [1]_.

References
----------
.. [1] Hooker JN, Ottosson G, Logic-based Benders decomposition, Math Program 2003;96:33.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.kernels.hitting import smallest_cuts
from hdrplan.optimize.catheters.candidates import CatheterSet

__all__ = ["Cuts", "Proof", "Proofs", "cut_words", "cuts_of"]

U64 = npt.NDArray[np.uint64]

# Proofs that are asked when sets are ordered by their known bounds.
_RECENT = 400


@dataclass(frozen=True, slots=True, eq=False)
class Proof:
    """Dual value and loads: no set whose loads are at most 1 is better than ``value``.

    Parameters
    ----------
    value : float
        Bound of the objective.
    load : (n_candidates,) array
        What the multipliers pay for a second in a candidate, over what it costs, at the dwell where that is most.
    fixed_frac : float
        Fraction of the prescriptions' pay that upper limits and longest times take back: at a prescription f times as
        high the dual value is ``pay (f - fixed_frac)``, where ``value = pay (1 - fixed_frac)``.
    """

    value: float
    load: FloatArray
    fixed_frac: float


def cuts_of(proofs: Sequence[Proof], tau: float) -> U64:
    """Return for each proof the catheters, as bits, of which a set better than ``tau`` holds at least one.

    0: no set is better.
    """
    load = np.array([proof.load for proof in proofs])
    value = np.array([proof.value for proof in proofs])
    return cut_words(load > value[:, None] / tau * (1 - 1e-9))


def cut_words(members: BoolArray) -> U64:
    """Pack rows of at most 64 flags into words, the first flag into the lowest bit."""
    bits = np.packbits(members, axis=1, bitorder="little")
    words = np.zeros((len(members), 8), dtype=np.uint8)
    words[:, : bits.shape[1]] = bits
    return words.view("<u8")[:, 0].astype(np.uint64)


class Proofs:
    """All proofs so far; they only ever become more.

    Parameters
    ----------
    proofs : sequence of Proof
        Those to begin with.
    """

    def __init__(self, proofs: Sequence[Proof] = ()) -> None:
        self._all = list(proofs)

    def add(self, proof: Proof) -> None:
        """Keep one more."""
        self._all.append(proof)

    def known_bounds(self, tried: Sequence[CatheterSet]) -> FloatArray:
        """Bound sets by the recent proofs."""
        bounds = np.zeros(len(tried))
        recent = self._all[-_RECENT:]
        if not tried or not recent:
            return bounds
        load = np.array([proof.load for proof in recent])
        value = np.array([proof.value for proof in recent])
        for i, chosen in enumerate(tried):
            bounds[i] = (value / np.maximum(load[:, sorted(chosen)].max(axis=1), 1.0)).max()
        return bounds

    def cuts(self, tau: float) -> Cuts:
        """Return the cuts that all proofs make at ``tau``, none of them implied by another."""
        used = [proof for proof in self._all if proof.value >= tau]
        return Cuts(smallest_cuts(cuts_of(used, tau)) if used else np.zeros(0, dtype=np.uint64))

    def scalable(self) -> Proofs:
        """Return the proofs whose value is in proportion to the prescription."""
        return Proofs([proof for proof in self._all if proof.fixed_frac <= 1e-6])

    @property
    def fixed_frac(self) -> float:
        """The greatest of all proofs; 1 where there is none."""
        return max((proof.fixed_frac for proof in self._all), default=1.0)


class Cuts:
    """Cuts at one tau: a list that grows without being copied each time.

    Parameters
    ----------
    first : (n,) array of words
        Those to begin with.
    """

    def __init__(self, first: U64) -> None:
        self._all, self._count = np.concatenate((first, np.zeros(1024, dtype=np.uint64))), len(first)

    @property
    def known(self) -> U64:
        """(n,): bit c of a word stands for candidate c."""
        return self._all[: self._count]

    def add(self, cut: np.uint64) -> None:
        """Keep one more."""
        if self._count == len(self._all):
            self._all = np.concatenate((self._all, np.zeros_like(self._all)))
        self._all[self._count] = cut
        self._count += 1
