"""What an optimiser is asked: rates, points and goals, and what is fixed beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from hdrplan.arrays import FloatArray, IntArray, freeze
from hdrplan.dose import DoseRate, DoseRateBlocks, SamplePoints
from hdrplan.errors import InputError
from hdrplan.optimize.afterloader import Delivery
from hdrplan.optimize.objectives import GoalId, MeanDose, TotalTime
from hdrplan.plan import Goals

__all__ = ["PlanProblem"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlanProblem:
    """Find the dwell times that reach these goals at these points.

    Every optimiser of this room takes one of these first. ``dataclasses.replace`` makes another one of it.

    Parameters
    ----------
    rate : DoseRate or DoseRateBlocks
        (n_points, n_dwells) in Gy/s, rows as in ``points``.
    points : SamplePoints
    goals : Goals
        Prescriptions of all CTVs; goals of level 0 are hard.
    healthy : str, optional
        Structure whose volume-weighted mean dose is the objective; its points must leave out the CTVs. Without it the
        objective is the total time, which is proportional to the kerma released and so to the dose given to all tissue.
    max_time_s : float
        Longest time at one dwell position.
    earlier_gy : (n_points,) array, optional
        Dose that is there before: of former sessions, or of the source's transit.
    locked_s : (n_dwells,) array, optional
        Times fixed by hand; NaN where free.
    delivery : Delivery, optional
        Rules of the afterloader; without it times are real numbers.
    reserve_frac : float
        Fraction of each prescription that the program asks for on top of it, so that what lies between the sample
        points can still be proven to receive the prescription.
    begin_with : mapping
        Goal -> points, counted from the first of its structure, whose rows the program begins with: those that bound a
        plan of a problem with nearly the same points. Without them it begins with what equal times serve worst.
    near_s : (n_dwells,) array, optional
        Times of a plan of a problem with nearly the same points: where dose-volume goals bind, the search for the best
        goes on from there, and begins nowhere else.

    Raises
    ------
    InputError
        A matrix of other points, an array of another length, times that are negative or not finite.
    """

    rate: DoseRate | DoseRateBlocks
    points: SamplePoints
    goals: Goals
    healthy: str | None = None
    max_time_s: float = 600.0
    earlier_gy: FloatArray | None = None
    locked_s: FloatArray | None = None
    delivery: Delivery | None = None
    reserve_frac: float = 0.0
    begin_with: Mapping[GoalId, IntArray] = field(default_factory=dict)
    near_s: FloatArray | None = None

    def __post_init__(self) -> None:
        n_points, n_dwells = len(self.points), self.n_dwells
        if self.rate.shape[0] != n_points:
            raise InputError(
                "the rate matrix needs one row for each sample point",
                got=f"{self.rate.shape[0]} rows, {n_points} points",
            )
        if not (np.isfinite(self.max_time_s) and self.max_time_s > 0):
            raise InputError("the longest dwell time must be positive (s)", got=self.max_time_s)
        if self.earlier_gy is not None:
            if np.shape(self.earlier_gy) != (n_points,):
                raise InputError("the dose already given needs one value for each point", got=np.shape(self.earlier_gy))
            freeze(self, "earlier_gy", (n_points,))
        if self.near_s is not None:
            freeze(self, "near_s", (n_dwells,))
        if self.locked_s is not None:
            if np.shape(self.locked_s) != (n_dwells,):
                raise InputError(
                    f"locked times need one value for each of the {n_dwells} dwells, NaN where free",
                    got=np.shape(self.locked_s),
                )
            freeze(self, "locked_s", (n_dwells,), finite=False)
            fixed_s = self.locked_s[~np.isnan(self.locked_s)]
            if (fixed_s < 0).any() or not np.isfinite(fixed_s).all():
                raise InputError("locked times must be finite and not negative (s)", got=float(fixed_s.min()))

    @property
    def n_dwells(self) -> int:
        """Number of dwell positions, the columns of the rate matrix."""
        return self.rate.shape[1]

    @property
    def time_bounds_s(self) -> tuple[FloatArray, FloatArray]:
        """Shortest and longest time of each dwell, (n_dwells,) each; equal where a time is locked."""
        shortest, longest = np.zeros(self.n_dwells), np.full(self.n_dwells, float(self.max_time_s))
        if self.locked_s is not None:
            fixed = ~np.isnan(self.locked_s)
            shortest[fixed] = longest[fixed] = self.locked_s[fixed]
        return shortest, longest

    @property
    def objective(self) -> MeanDose | TotalTime:
        """What is minimised when all goals are reached."""
        return TotalTime() if self.healthy is None else MeanDose(self.healthy)

    def asked_gy(self, structure: str) -> float:
        """Return what the program asks for at every point of a CTV: its prescription and the reserve."""
        return self.goals.prescription_gy(structure) * (1 + self.reserve_frac)

    def refuse(self, *names: str) -> None:
        """Raise InputError if one of these fields is set: for optimisers that do not plan with it."""
        for name in names:
            if getattr(self, name) is not None:
                raise InputError(f"this optimiser does not plan with {name}", got="one", remedy="Leave it out.")
