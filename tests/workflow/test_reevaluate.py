"""A plan evaluated again: its minimum dose is proven anew, whatever its times are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hdrplan.dose import dose_at_points, shape_of
from hdrplan.options import PlanOptions
from hdrplan.validate.walk import planned
from hdrplan.workflow import PlanResult, evaluate_plan

OPTIONS = PlanOptions(sample_mm=3.0, dose_margin_mm=10.0)


@pytest.fixture(scope="module")
def result() -> PlanResult:
    return planned(30.0)


@pytest.mark.parametrize("factor", [0.7, 1.0, 1.6])
def test_the_minimum_of_given_times_is_proven_within_a_thousandth(result: PlanResult, factor: float) -> None:
    plan = replace(result.plan, times_s=factor * result.plan.times_s)
    lesion = evaluate_plan(result.case, result.goals, plan, options=OPTIONS).score.target("lesion")
    assert lesion.d100_lower_gy is not None
    assert lesion.d100_upper_gy is not None
    assert 0.0 <= lesion.d100_upper_gy - lesion.d100_lower_gy <= 1e-3 * lesion.d100_upper_gy
    assert lesion.d100_gy == lesion.d100_lower_gy
    points = np.random.default_rng(4).uniform(-16.0, 16.0, (100_000, 3))
    points = points[shape_of(result.case.structure("lesion")).distance_mm(points)[0] >= 0.0]
    dose = dose_at_points(plan.dwells, plan.times_s, points, plan.source, strength_u=plan.strength_u).gy
    assert dose.min() >= lesion.d100_lower_gy
    # Dose is proportional to time: a minimum above the prescription is found too, and not the last bound of a box.
    as_planned = evaluate_plan(result.case, result.goals, result.plan, options=OPTIONS).score.target("lesion")
    assert lesion.d100_gy == pytest.approx(factor * as_planned.d100_gy, rel=3e-3)
    # Sample points alone say more than the lesion receives.
    sampled = evaluate_plan(result.case, result.goals, plan, options=replace(OPTIONS, every_point=False))
    assert sampled.score.target("lesion").d100_lower_gy is None
    assert sampled.score.target("lesion").d100_gy > lesion.d100_upper_gy


def test_goals_on_d100_are_judged_by_the_proof(result: PlanResult) -> None:
    plan = replace(result.plan, times_s=0.97 * result.plan.times_s)
    score = evaluate_plan(result.case, result.goals, plan, options=OPTIONS).score
    (goal,) = [g for g in score.goals if g.goal.metric.text == "D100"]
    assert goal.reached == score.target("lesion").d100_lower_gy
    assert not goal.met


def test_a_plan_without_any_time_has_nothing_to_prove(result: PlanResult) -> None:
    plan = replace(result.plan, times_s=0.0 * result.plan.times_s)
    lesion = evaluate_plan(result.case, result.goals, plan, options=OPTIONS).score.target("lesion")
    assert lesion.d100_gy == 0.0
    assert lesion.d100_lower_gy is None
