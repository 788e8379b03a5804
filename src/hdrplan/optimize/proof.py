"""The multipliers behind a bound, row by row: enough to prove it again from the rate matrix and the goals alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from hdrplan.arrays import FloatArray, IntArray, freeze
from hdrplan.optimize.objectives import GoalId, Objective

__all__ = ["NO_POINT", "InScenario", "Kept", "NeighbourRatio", "Owner", "Proof"]

# Of rows that are no point of a structure.
NO_POINT = -1


@dataclass(frozen=True, slots=True)
class Kept:
    """Owner of the row that holds an objective at what was reached."""

    objective: Objective


@dataclass(frozen=True, slots=True)
class NeighbourRatio:
    """Owner of the rows that keep neighbouring dwell times within a factor of each other; a point is a pair."""


@dataclass(frozen=True, slots=True)
class InScenario:
    """Owner of the rows of one prescription in one scenario."""

    number: int
    goal: GoalId


# Whose a row is; rows of other owners are in no proof.
Owner = GoalId | Kept | NeighbourRatio | InScenario


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Proof:
    """No ``x`` between its bounds that holds the rows has ``cost @ x`` below ``bound``: weak duality.

    The columns ``x`` are the dwell times, then what each of ``goals`` is missed by. Every row is one of the program's:
    of a goal at one point, ``rates @ times + sense * miss``, or of a mean, of the total time, or of an objective kept.

    Parameters
    ----------
    cost : (n_columns,) array
        The objective that is bounded from below.
    lower, upper : (n_columns,) arrays
        Bounds of the columns.
    goals : tuple of GoalId
        Of the misses' columns.
    owners : tuple of Owner
        Whose each row is.
    points : (n_rows,) int array
        Which point of its structure each row is, counted from the structure's first; ``NO_POINT`` for a mean dose, the
        total time, an objective kept.
    multipliers : (n_rows,) array
        Above 0 where a row is at least its limit, below 0 where it is at most that.
    limits : (n_rows,) array
        What the rows were held at, dose that is there before taken off.
    reduced : (n_columns,) array
        What the multipliers leave of the cost: above 0 a column stands at its lower bound, below 0 at its upper.
    x : (n_columns,) array
        The plan that reaches the bound.
    bound : float
    """

    cost: FloatArray
    lower: FloatArray
    upper: FloatArray
    goals: tuple[GoalId, ...]
    owners: tuple[Owner, ...]
    points: IntArray
    multipliers: FloatArray
    limits: FloatArray
    reduced: FloatArray
    x: FloatArray
    bound: float

    def __post_init__(self) -> None:
        for name in ("cost", "lower", "upper", "reduced", "x"):
            freeze(self, name, (None,))
        for name in ("multipliers", "limits"):
            freeze(self, name, (len(self.owners),))
        freeze(self, "points", (len(self.owners),), dtype=np.int64)

    def with_limits_lower(self, by_goal: Mapping[GoalId, float]) -> Proof:
        """Return the proof for lower limits of some goals: the same multipliers bound that problem too.

        Parameters
        ----------
        by_goal : mapping
            Goal -> by how many Gy (or s) its limit is lower.
        """
        lower = np.array([by_goal.get(owner, 0.0) if isinstance(owner, GoalId) else 0.0 for owner in self.owners])
        limits = self.limits - lower
        box = float(np.minimum(self.reduced * self.lower, self.reduced * self.upper).sum())
        return replace(self, limits=limits, bound=float(self.multipliers @ limits) + box)
