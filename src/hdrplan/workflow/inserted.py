"""Values of a procedure: a catheter that is in, what is still to go in, and what the end is worth."""

from __future__ import annotations

from dataclasses import dataclass

from hdrplan.dose import DoseRate
from hdrplan.geometry import Catheter
from hdrplan.optimize import Rest

__all__ = ["FinalPlan", "Inserted", "RestOfPaths"]


@dataclass(frozen=True, slots=True, eq=False)
class Inserted:
    """A catheter that is in, and what it gives.

    Parameters
    ----------
    catheter : Catheter
    rate : DoseRate
        Of its dwells near the lesions at all sample points; without any dwell where it missed them.
    """

    catheter: Catheter
    rate: DoseRate


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalPlan:
    """The best plan with what is in.

    Parameters
    ----------
    value : float
        Main objective; infinite without a plan.
    short_gy : float
        By how much the worst prescription is missed under the hard limits; 0 where every hard goal holds.
    """

    value: float
    short_gy: float

    @property
    def met(self) -> bool:
        """Whether every prescription and every hard goal holds."""
        return self.short_gy == 0.0


@dataclass(frozen=True, slots=True)
class RestOfPaths:
    """What is still to go in.

    Parameters
    ----------
    paths : tuple of int
        Paths of the setting, the one whose loss costs most first.
    rest : Rest
        By the numbers of the clear paths alone.
    """

    paths: tuple[int, ...]
    rest: Rest
