"""Draws: delivery under uncertainty, virtual cohorts, follow-up. Every draw is keyed by a seed. Knows no files."""

from hdrplan.simulate.followup import ASSUMPTIONS, CRLM, HCC, DoseModel, Entity, TrueLesion, simulate_cohort
from hdrplan.simulate.plans import LesionTask, PlannedLesion, host_organ, plan_lesion
from hdrplan.simulate.power import TESTS, PowerPoint, power
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
from hdrplan.simulate.tables import cohort_tables
from hdrplan.simulate.tasks import TaskResult, run_tasks, shard
from hdrplan.simulate.uncertainty import COMPONENTS, Scenario, Uncertainty, smooth_field

__all__ = [
    "ASSUMPTIONS",
    "BAND_FRAC",
    "COMPONENTS",
    "CRLM",
    "HCC",
    "TESTS",
    "Decomposition",
    "DoseModel",
    "Entity",
    "LesionTask",
    "PlannedLesion",
    "PowerPoint",
    "RobustResult",
    "Scenario",
    "TaskResult",
    "TrueLesion",
    "Uncertainty",
    "cohort_tables",
    "decompose",
    "host_organ",
    "plan_lesion",
    "power",
    "robust_coverage",
    "robust_points",
    "run_tasks",
    "scenario",
    "scenario_rates",
    "shard",
    "simulate_cohort",
    "smooth_field",
]
