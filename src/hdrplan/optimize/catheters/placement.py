"""What is known about the best sets of 1, 2, ... catheters (from 0 on where some are in the patient already)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray, freeze
from hdrplan.errors import InfeasibleError
from hdrplan.optimize.bounded import Bounded

__all__ = ["CatheterLoss", "ChosenSet", "Placement", "Recourse"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChosenSet:
    """The best set known of at most so many catheters.

    Parameters
    ----------
    count : int
        How many are allowed.
    candidates : tuple of int
        Those chosen; empty where no set holds every prescription and limit.
    times_s : (n_dwells,) array
        Of all candidates' dwells.
    cost : Bounded
        Main objective. The value is infinite where there is no plan, the bound where no set of ``count`` catheters
        holds the prescription.
    d100 : Bounded
        Of the first prescription, in Gy, at the healthy dose of the largest number looked at. Where the prescription
        cannot be held: the best D100 under the limits, NaN where the time was too short for one.
    seconds : float
        That the proof took.
    """

    count: int
    candidates: tuple[int, ...]
    times_s: FloatArray
    cost: Bounded
    d100: Bounded
    seconds: float

    def __post_init__(self) -> None:
        freeze(self, "times_s", (None,))


@dataclass(frozen=True, slots=True)
class CatheterLoss:
    """What is left when one chosen catheter fails and is not replaced.

    Parameters
    ----------
    candidate : int
        That is lost.
    value : float
        Main objective of the others alone; infinite where they do not hold every prescription and limit.
    d100_gy : float
        Dose that the others keep under the hard limits for the worst of the prescriptions; NaN where the time was too
        short for a plan.
    """

    candidate: int
    value: float
    d100_gy: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recourse:
    """In which order a chosen set is inserted, and what losing the first catheter would cost.

    Parameters
    ----------
    order : tuple of CatheterLoss
        The chosen candidates; the one whose loss costs most comes first.
    replacement : tuple of int
        Best set found of as many candidates without the first; empty where none holds everything.
    replaced : Bounded or None
        Its main objective, beside the bound of all such sets; None where nothing is chosen.
    """

    order: tuple[CatheterLoss, ...]
    replacement: tuple[int, ...]
    replaced: Bounded | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placement:
    """Best sets of 1, 2, ... catheters.

    Parameters
    ----------
    curve : tuple of ChosenSet
        From 0 on where some catheters are in the patient already.
    with_all : Bounded
        Main objective with all candidates at once: no number of them does better.
    left_out : tuple of str
        Dose-volume goals that the plans hold and the bounds leave out.
    solves : int
        Linear programs solved.
    recourse : Recourse or None
        Of the set that the caller's rule chose.
    """

    curve: tuple[ChosenSet, ...]
    with_all: Bounded
    left_out: tuple[str, ...]
    solves: int
    recourse: Recourse | None = None

    def at(self, count: int) -> ChosenSet:
        """Return the entry of a number of catheters."""
        return next(chosen for chosen in self.curve if chosen.count == count)

    def fewest(self, saving_frac: float) -> ChosenSet:
        """Return the fewest catheters that hold everything and after which one more does not pay.

        Parameters
        ----------
        saving_frac : float
            What a further catheter must save of the objective to be taken.

        Raises
        ------
        InfeasibleError
            No set holds everything.
        """
        held = [chosen for chosen in self.curve if chosen.candidates]
        if not held:
            largest = self.curve[-1]
            raise InfeasibleError(
                f"no {largest.count} of these candidates hold the prescription and all hard goals: proven"
                if np.isinf(largest.cost.bound)
                else f"no set of at most {largest.count} of these candidates was found that holds the prescription and "
                "all hard goals; that there is none is not proven",
                got=f"a D100 of {largest.d100.value:.2f} Gy with {largest.count}, at most {largest.d100.bound:.2f} Gy "
                "possible"
                if np.isfinite(largest.d100.value)
                else "no plan within the time",
                remedy="Allow more catheters (`maximum_count`), more time (`time_limit_s`) or longer dwells, "
                "or prescribe less.",
            )
        best = held[0]
        for chosen in held[1:]:
            if chosen.cost.value <= best.cost.value * (1 - saving_frac) ** (chosen.count - best.count):
                best = chosen
        return best
