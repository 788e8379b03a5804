"""Draws: delivery under uncertainty, virtual cohorts, follow-up. Every draw is keyed by a seed. Knows no files."""

from hdrplan.simulate.robust import (
    BAND_FRAC,
    Decomposition,
    RobustResult,
    decompose,
    robust_coverage,
    robust_points,
    scenario,
    scenario_rates,
)
from hdrplan.simulate.uncertainty import COMPONENTS, Scenario, Uncertainty, smooth_field

__all__ = [
    "BAND_FRAC",
    "COMPONENTS",
    "Decomposition",
    "RobustResult",
    "Scenario",
    "Uncertainty",
    "decompose",
    "robust_coverage",
    "robust_points",
    "scenario",
    "scenario_rates",
    "smooth_field",
]
