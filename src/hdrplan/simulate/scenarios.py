"""Scenarios by number: every delivery has generators of its own, keyed by (seed, component, number).

The same seed gives the same scenarios for any number of workers, and one component can be redrawn while the others
stay, which the variance decomposition needs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.dose import SamplePoints, dose_rate
from hdrplan.plan import Plan
from hdrplan.simulate.uncertainty import COMPONENTS, Scenario, Uncertainty, draw, smooth_field

__all__ = ["Scenarios", "scenario", "scenario_rates"]


@dataclass(frozen=True, slots=True)
class Scenarios:
    """Deliveries to be drawn.

    Parameters
    ----------
    uncertainty : Uncertainty
    count : int
    seed : int
        Scenario k is the same in every set of this seed.
    """

    uncertainty: Uncertainty
    count: int = 1000
    seed: int = 1


def scenario(
    plan: Plan,
    points: SamplePoints,
    uncertainty: Uncertainty,
    *,
    seed: int,
    number: int,
    redrawn: Sequence[str] = (),
    shapes: FloatArray | None = None,
) -> Scenario:
    """Draw scenario ``number`` of ``seed``.

    Parameters
    ----------
    plan : Plan
    points : SamplePoints
    uncertainty : Uncertainty
    seed, number : int
    redrawn : sequence of str
        Components (keys of ``COMPONENTS``) that come from a second, independent stream.
    shapes : (n_points, 16) array, optional
        :func:`smooth_field` of the points, computed once for all scenarios; needed where a contour varies.

    Returns
    -------
    Scenario
    """
    rngs = {
        key: np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number, k, int(key in redrawn))))
        for k, key in enumerate(COMPONENTS)
    }
    return draw(plan, points, uncertainty, rngs, shapes=shapes)


def scenario_rates(
    plan: Plan, points: SamplePoints, scenarios: Scenarios, *, on_progress: Callable[[int, int], None] | None = None
) -> list[dict[str, FloatArray]]:
    """Compute the rate matrices of the CTVs in each scenario, for robust optimisation.

    Timer and transit act on times, which are not known yet; they are left out, so that no dose of the moving source is
    credited.

    Parameters
    ----------
    plan : Plan
        Its times are not used.
    points : SamplePoints
    scenarios : Scenarios
    on_progress : callable, optional

    Returns
    -------
    list of dict
        For each scenario CTV -> (n_points of the CTV, n_dwells) rates, Gy/s.
    """
    shapes = smooth_field(points)
    rates = []
    for number in range(scenarios.count):
        delivery = scenario(plan, points, scenarios.uncertainty, seed=scenarios.seed, number=number, shapes=shapes)
        of_ctvs = {}
        for name, role in zip(points.names, points.roles, strict=True):
            if role == "CTV":
                moved = delivery.points_mm[points.rows(name)]
                of_ctvs[name] = dose_rate(delivery.dwells, moved, plan.source, strength_u=delivery.strength_u).gy_per_s
        rates.append(of_ctvs)
        if on_progress is not None:
            on_progress(number + 1, scenarios.count)
    return rates
