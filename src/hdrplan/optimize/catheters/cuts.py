"""A proof that a set of catheters is bad speaks of other sets too.

The value v(S) of a set S of catheters is the least healthy dose that holds every prescription and hard limit with the
dwells of S alone. Multipliers y of the solution prove it, and more: let ``V`` be the dual objective and ``load[c]`` the
greatest ratio, over the dwells of catheter c, of what the multipliers pay for a second there to what that second costs.
Divided by ``max(1, max load[c] for c in T)`` the multipliers are feasible for any other set T, so

    v(T) >= V / max(1, max over c in T of load[c]).

A set that is to be better than tau therefore holds at least one catheter with ``load > V / tau``: a cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray

__all__ = ["Proof", "cuts_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Proof:
    """Dual value and loads: no set whose loads are at most 1 is better than ``value``.

    ``fixed_frac`` is the part of the prescriptions' pay that upper limits and greatest times take back: at a
    prescription f times as high the dual value is ``pay (f - fixed_frac)``, where ``value = pay (1 - fixed_frac)``.
    """

    value: float
    load: FloatArray
    fixed_frac: float


def cuts_of(proofs: Sequence[Proof], tau: float) -> npt.NDArray[np.uint64]:
    """Return for each proof the catheters, as bits, of which a set better than ``tau`` holds at least one.

    0: no set is better.
    """
    load = np.array([proof.load for proof in proofs])
    value = np.array([proof.value for proof in proofs])
    bits = np.packbits(load > value[:, None] / tau * (1 - 1e-9), axis=1, bitorder="little")
    words = np.zeros((len(proofs), 8), dtype=np.uint8)
    words[:, : bits.shape[1]] = bits
    return words.view("<u8")[:, 0].astype(np.uint64)
