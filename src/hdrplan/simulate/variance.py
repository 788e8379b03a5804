"""Which uncertainty costs most: the variance of one metric, divided among its components by Sobol indices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray, freeze
from hdrplan.dose import SamplePoints
from hdrplan.errors import InputError
from hdrplan.plan import Goals, Plan
from hdrplan.simulate.coverage import delivered_metric
from hdrplan.simulate.scenarios import Scenarios, scenario
from hdrplan.simulate.uncertainty import smooth_field

__all__ = ["Decomposition", "decompose"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decomposition:
    """Sobol indices of one metric.

    Parameters
    ----------
    metric : str
    components : tuple of str
        Keys of ``COMPONENTS`` that are switched on.
    first, total : (n_components,) arrays
        First-order index (what knowing this component alone would remove of the variance) and total index (what
        remains if all others were known).
    variance : float
    scenarios : int
        Base scenarios drawn.
    """

    metric: str
    components: tuple[str, ...]
    first: FloatArray
    total: FloatArray
    variance: float
    scenarios: int

    def __post_init__(self) -> None:
        freeze(self, "first", (len(self.components),), finite=False)
        freeze(self, "total", (len(self.components),), finite=False)


def decompose(
    plan: Plan,
    points: SamplePoints,
    goals: Goals,
    scenarios: Scenarios,
    *,
    metric: str,
    factor: FloatArray | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Decomposition:
    """Divide the variance of one metric among the components that are switched on.

    Scenarios A and B are independent; in AB_c only component c comes from B. Each of the ``scenarios.count`` base
    scenarios costs two deliveries and one more for each component.

    Parameters
    ----------
    plan, points, goals, factor
        As in :func:`hdrplan.simulate.robust_coverage`.
    scenarios : Scenarios
    metric : str
        One of ``RobustResult.names``.
    on_progress : callable, optional

    Raises
    ------
    InputError
        Every component is switched off.

    References
    ----------
    Saltelli A et al., Comput Phys Commun 2010;181:259 (first order, table 2 b) and Jansen MJW, Comput Phys Commun
    1999;117:35 (total).
    """
    shapes = smooth_field(points)
    uncertainty, n = scenarios.uncertainty, scenarios.count
    active = uncertainty.active
    if not active:
        raise InputError("a decomposition needs at least one uncertain component", got="none")

    def value(number: int, redrawn: Sequence[str]) -> float:
        delivery = scenario(
            plan, points, uncertainty, seed=scenarios.seed, number=number, redrawn=redrawn, shapes=shapes
        )
        return delivered_metric(delivery, points, goals, plan.source, metric=metric, factor=factor)

    f_a, f_b = np.empty(n), np.empty(n)
    f_ab = np.empty((len(active), n))
    for number in range(n):
        f_a[number], f_b[number] = value(number, ()), value(number, active)
        for k, key in enumerate(active):
            f_ab[k, number] = value(number, (key,))
        if on_progress is not None:
            on_progress(number + 1, n)
    variance = float(np.concatenate((f_a, f_b)).var(ddof=1))
    first = ((f_b - f_b.mean()) * (f_ab - f_a)).mean(axis=1) / variance
    total = ((f_a - f_ab) ** 2).mean(axis=1) / (2.0 * variance)
    return Decomposition(metric=metric, components=active, first=first, total=total, variance=variance, scenarios=n)
