"""Random deliveries and virtual cohorts. A seed determines every draw. Knows no files and no workflows."""

from typing import TYPE_CHECKING

from hdrplan.rooms import loaded_when_used

if TYPE_CHECKING:
    from hdrplan.simulate.coverage import (
        BAND_FRAC,
        Coverage,
        MetricSummary,
        RobustResult,
        robust_coverage,
        wilson_interval,
    )
    from hdrplan.simulate.entities import ASSUMPTIONS, CRLM, HCC, DoseModel, Entity
    from hdrplan.simulate.followup import simulate_cohort
    from hdrplan.simulate.patients import TrueLesion
    from hdrplan.simulate.power_study import TESTS, PowerPoint, power
    from hdrplan.simulate.scenarios import Scenarios, scenario, scenario_rates
    from hdrplan.simulate.tables import cohort_tables
    from hdrplan.simulate.uncertainty import COMPONENTS, Scenario, Uncertainty, smooth_field
    from hdrplan.simulate.variance import Decomposition, decompose

__all__ = [
    "ASSUMPTIONS",
    "BAND_FRAC",
    "COMPONENTS",
    "CRLM",
    "HCC",
    "TESTS",
    "Coverage",
    "Decomposition",
    "DoseModel",
    "Entity",
    "MetricSummary",
    "PowerPoint",
    "RobustResult",
    "Scenario",
    "Scenarios",
    "TrueLesion",
    "Uncertainty",
    "cohort_tables",
    "decompose",
    "power",
    "robust_coverage",
    "scenario",
    "scenario_rates",
    "simulate_cohort",
    "smooth_field",
    "wilson_interval",
]

__getattr__, __dir__ = loaded_when_used(__name__)
