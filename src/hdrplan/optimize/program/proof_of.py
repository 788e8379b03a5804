"""The multipliers of a solution as a proof that stands by itself."""

from __future__ import annotations

from typing import cast

from hdrplan.arrays import FloatArray
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.lazy_lp import Solution
from hdrplan.optimize.proof import Owner, Proof

__all__ = ["proof_of"]


def proof_of(program: Program, cost: FloatArray, solution: Solution) -> Proof | None:
    """Return what proves the bound of a solution, row by row.

    Parameters
    ----------
    program : Program
    cost : (n_columns,) array
        That the solution is the smallest of.
    solution : Solution

    Returns
    -------
    Proof or None
        None where dose-volume goals were at work: the bound is then one of plans that leave out the same points.
    """
    if solution.excused:
        return None
    dual = solution.dual
    return Proof(
        cost=cost,
        lower=dual.lower,
        upper=dual.upper,
        goals=tuple(requirement.id for requirement in program.requirements),
        owners=cast("tuple[Owner, ...]", dual.owners),  # rows of other owners come with dose-volume goals
        points=dual.points,
        multipliers=dual.multipliers,
        limits=dual.limits,
        reduced=cost - dual.paid,
        x=solution.x,
        bound=solution.bound,
    )
