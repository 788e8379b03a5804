"""A plan under uncertainty: how often its coverage holds, what costs most, and the plan that holds in most deliveries.

Beside the walk of :mod:`hdrplan.workflow.plan`: the plan is given, what is drawn are deliveries that differ from it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from hdrplan.dose import DoseFactor, DoseRate, SamplePoints, dose_rate, sample_points
from hdrplan.errors import InputError
from hdrplan.optimize import PlanProblem, RobustOptimum, robust_times
from hdrplan.plan import Case, Goals, Plan
from hdrplan.simulate import Decomposition, RobustResult, Scenarios, decompose, robust_coverage, scenario_rates
from hdrplan.workflow.reevaluate import proven_minimum
from hdrplan.workflow.steps import StepProgress, Steps

__all__ = ["CoverageStudy", "Replanning", "RobustPlan", "plan_robustly", "robust_points", "study_coverage"]

# Training scenarios come from another seed: a plan is never judged on those it was made for.
_TRAINING_SEED = 1_000_003


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoverageStudy:
    """What a plan's coverage becomes in many deliveries.

    Parameters
    ----------
    plan : Plan
    points : SamplePoints
        Where every delivery is recomputed.
    coverage : RobustResult
    variance : Decomposition or None
        Shares of the variance of the first CTV's D100.
    scenarios_per_s : float
        Deliveries computed in a second.
    factor : DoseFactor or None
        What TG-43's dose was multiplied by: all doses are those in the patient's media. None: TG-43.
    """

    plan: Plan
    points: SamplePoints
    coverage: RobustResult
    variance: Decomposition | None
    scenarios_per_s: float
    factor: DoseFactor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replanning:
    """What a robust plan must hold.

    Parameters
    ----------
    reached_frac : float
        Part of the training scenarios in which every D100 reaches its prescription.
    scenarios : int
        Training scenarios: each adds the rows of its points to the linear program.
    max_dwell_s : float
    """

    reached_frac: float = 0.95
    scenarios: int = 40
    max_dwell_s: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RobustPlan:
    """A plan that holds in most deliveries.

    Parameters
    ----------
    plan : Plan
    replanning : Replanning
    optimum : RobustOptimum
        What is proven, on the training scenarios.
    coverage : RobustResult
        Judged on the scenarios of the study, which the optimisation has not seen.
    planned_mean_gy : float
        Mean dose that the plan of the study gives to the healthy organ, at the points of the optimisation; 0 where the
        case names none.
    """

    plan: Plan
    replanning: Replanning
    optimum: RobustOptimum
    coverage: RobustResult
    planned_mean_gy: float


def robust_points(case: Case, goals: Goals, *, spacing_mm: float = 2.0, max_points: int = 8000) -> SamplePoints:
    """Sample the CTVs, the healthy organ and the organs with goals, coarser than for planning: every scenario pays.

    Parameters
    ----------
    case : Case
    goals : Goals
    spacing_mm : float
    max_points : int
        For each structure.
    """
    return sample_points(
        case.dosed_structures(goals, "with goals"), spacing_mm=spacing_mm, max_points=max_points, healthy=case.healthy
    )


def study_coverage(
    case: Case,
    goals: Goals,
    plan: Plan,
    scenarios: Scenarios,
    *,
    base_scenarios: int = 128,
    factor: DoseFactor | None = None,
    on_progress: StepProgress | None = None,
) -> CoverageStudy:
    """Recompute a plan's coverage in many deliveries, and divide its variance among the causes.

    Parameters
    ----------
    case : Case
    goals : Goals
    plan : Plan
    scenarios : Scenarios
    base_scenarios : int
        Of the decomposition of the variance; 0: none.
    factor : DoseFactor, optional
        What TG-43's dose is multiplied by. A piece of tissue keeps its own in every delivery.
    on_progress : callable, optional
        Called with (step, done, total).

    Raises
    ------
    InputError
        Fewer than two scenarios; a decomposition without an uncertain component.
    """
    step = Steps(on_progress)
    points = robust_points(case, goals)
    at_points = None
    if factor is not None:
        with step("factor"):
            at_points = factor.at_all(points)
    started = time.perf_counter()
    with step("scenarios") as progress:
        coverage = robust_coverage(plan, points, goals, scenarios, factor=at_points, on_progress=progress)
    scenarios_per_s = scenarios.count / (time.perf_counter() - started)
    with step("prove"):
        coverage = _with_proven_d100(coverage, plan, points, factor)
    variance = None
    if base_scenarios:
        with step("variance") as progress:
            variance = decompose(
                plan,
                points,
                goals,
                replace(scenarios, count=base_scenarios),
                metric=f"{goals.doses[0].structure} d100_gy",
                factor=at_points,
                on_progress=progress,
            )
    return CoverageStudy(
        plan=plan, points=points, coverage=coverage, variance=variance, scenarios_per_s=scenarios_per_s, factor=factor
    )


def plan_robustly(
    case: Case,
    goals: Goals,
    study: CoverageStudy,
    *,
    replanning: Replanning = Replanning(),
    on_progress: StepProgress | None = None,
) -> RobustPlan:
    """Find the times that hold in most deliveries, at the dwells of the plan studied.

    No dose of the moving source is credited in the search: what it gives to a CTV comes on top, and the organs' limits
    hold without it. The plan found is judged with it.

    Parameters
    ----------
    case : Case
    goals : Goals
    study : CoverageStudy
        Of the plan that is to become robust.
    replanning : Replanning
    on_progress : callable, optional
        Called with (step, done, total).

    Raises
    ------
    InputError
        A study of the dose in media: its factor is not that of other times.
    InfeasibleError
        No dwell times hold the prescription in enough scenarios under the organs' limits.
    """
    if study.factor is not None:
        raise InputError("robust plans are made by TG-43", got="a study of the dose in the patient's media")
    goals.require_prescription("a robust plan")
    step = Steps(on_progress)
    plan, scenarios = study.plan, study.coverage.scenarios
    training = replace(scenarios, count=replanning.scenarios, seed=scenarios.seed + _TRAINING_SEED)
    points = robust_points(case, goals, spacing_mm=3.0, max_points=4000)
    with step("matrices") as progress:
        rates = scenario_rates(plan, points, training, on_progress=progress)
    rate = dose_rate(plan.dwells, points.points_mm, plan.source, strength_u=plan.strength_u)
    problem = PlanProblem(
        rate=rate, points=points, goals=goals, healthy=case.healthy, max_time_s=replanning.max_dwell_s
    )
    with step("robust LP") as progress:
        optimum = robust_times(problem, rates, reached_frac=replanning.reached_frac, on_progress=progress)
    robust_plan = replace(plan, times_s=optimum.times_s)
    with step("judge") as progress:
        coverage = robust_coverage(robust_plan, study.points, goals, scenarios, on_progress=progress)
    with step("prove"):
        coverage = _with_proven_d100(coverage, robust_plan, study.points)
    return RobustPlan(
        plan=robust_plan,
        replanning=replanning,
        optimum=optimum,
        coverage=coverage,
        planned_mean_gy=_mean_gy(plan, rate, points, case.healthy),
    )


def _with_proven_d100(
    coverage: RobustResult, plan: Plan, points: SamplePoints, factor: DoseFactor | None = None
) -> RobustResult:
    """Return the coverage with the D100 that `plan` and `evaluate` state: the minimum over all points of a CTV."""
    proven_gy = {}
    for ctv, prescription_gy in coverage.prescriptions_gy.items():
        planned_gy = coverage.summary(f"{ctv} d100_gy").planned
        if planned_gy > 0:
            known = {"d100_gy": planned_gy, "prescription_gy": prescription_gy}
            field = None if factor is None else factor.fields[ctv]
            proof = proven_minimum(points.shape(ctv), plan, ctv, factor=field, **known)
            proven_gy[ctv] = proof.minimum_gy if proof.finished else proof.upper_gy
    return coverage.with_planned_d100(proven_gy)


def _mean_gy(plan: Plan, rate: DoseRate, points: SamplePoints, healthy: str | None) -> float:
    if healthy is None:
        return 0.0
    rows = points.rows(healthy)
    mean_row = np.average(rate.gy_per_s[rows], axis=0, weights=points.volume_cc[rows])
    return float(mean_row @ plan.exposure_s)
