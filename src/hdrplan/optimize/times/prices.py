"""What one unit of each binding limit does to an objective: the multipliers of the linear program."""

from __future__ import annotations

from collections.abc import Sequence

from hdrplan.optimize.certificate import Price
from hdrplan.optimize.objectives import Coverage, Objective
from hdrplan.optimize.program.lazy_lp import Solution
from hdrplan.optimize.program.requirements import Requirement

__all__ = ["prices_of"]

# Smaller multipliers are rounding.
SMALLEST_PRICE = 1e-9


def prices_of(
    plan: Solution, requirements: Sequence[Requirement], objective: Objective, *, leave_out: Sequence[int] = ()
) -> tuple[Price, ...]:
    """Return the prices of the limits that bind, dearest first.

    Parameters
    ----------
    plan : Solution
    requirements : sequence of Requirement
    objective : Objective
        What the plan's multipliers change; ``Coverage`` where the dose lost was minimised.
    leave_out : sequence of int
        Requirements that are not limits here.

    Returns
    -------
    tuple of Price
    """
    sign = -1.0 if isinstance(objective, Coverage) else 1.0
    multipliers = plan.dual.by_owner()
    prices = [
        Price(requirement.goal, sign * multipliers.get(requirement.id, 0.0), objective)
        for k, requirement in enumerate(requirements)
        if k not in leave_out
    ]
    binding = [price for price in prices if abs(price.per_unit) > SMALLEST_PRICE]
    return tuple(sorted(binding, key=lambda price: -abs(price.per_unit)))
