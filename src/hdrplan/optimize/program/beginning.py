"""What a linear program begins with: rows of its prescriptions, and the solution of one that is nearly the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.optimize.objectives import GoalId
from hdrplan.optimize.problem import PlanProblem
from hdrplan.optimize.program.apart import planned_apart
from hdrplan.optimize.program.point_rows import PointRows

__all__ = ["Beginning", "beginning"]

# A row this near to its limit, as a fraction, binds: at the solution of nearly the same program, and where CTVs were
# planned apart.
SAME_FRAC, APART_FRAC = 1e-6, 0.02


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Beginning:
    """First rows, and a solution near that of the program.

    Parameters
    ----------
    points : mapping
        Family -> which of its points; None for what equal times serve worst.
    near_s : (n_dwells,) array, optional
    near_frac : float
        How near to its limit a row is at ``near_s`` that binds, as a fraction.
    """

    points: Mapping[PointRows, IntArray | None]
    near_s: FloatArray | None = None
    near_frac: float = SAME_FRAC


def beginning(
    problem: PlanProblem,
    families: Sequence[PointRows],
    cost: FloatArray | None,
    shortest_s: FloatArray,
    longest_s: FloatArray,
) -> Beginning:
    """Return what a program begins with.

    Parameters
    ----------
    problem : PlanProblem
    families : sequence of PointRows
        Of the prescriptions.
    cost : (n_dwells,) array, optional
        What is minimised first, if no prescription may be missed then.
    shortest_s, longest_s : (n_dwells,) arrays
        Bounds of the dwell times.
    """
    known = problem.begin_with
    points = {family: known.get(family.owner) if isinstance(family.owner, GoalId) else None for family in families}
    # The last solution is a better start than plans of single CTVs only where few points are new.
    few = 0 < 3 * sum(len(at) for at in known.values()) <= 2 * problem.n_dwells
    apart = None if few or cost is None else planned_apart(points, cost, shortest_s, longest_s)
    if apart is not None:
        return Beginning(points=apart.points, near_s=apart.times_s, near_frac=APART_FRAC)
    return Beginning(points=points, near_s=problem.near_s if known else None)
