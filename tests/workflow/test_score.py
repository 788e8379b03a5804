"""What a plan amounts to: values with attributes, and a check of the sampling that leaves the first score as it was."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from hdrplan.dose import SamplePoints, dose_at_points, sample_points
from hdrplan.errors import InputError
from hdrplan.geometry import Catheter, Grid, Structure, dwell_positions
from hdrplan.optimize import EveryPoint
from hdrplan.options import PlanOptions
from hdrplan.plan import Case, Goals, Plan, Prescription, parse_goal
from hdrplan.sources import Strength, load_source
from hdrplan.workflow import Score, check_sampling, evaluate, plan_case, plan_result
from hdrplan.workflow.problem import points_asked_for
from hdrplan.workflow.score import with_proven_d100

GRID = Grid(shape_zyx=(24, 24, 24), origin_mm=[0.0, 0.0, 0.0], spacing_mm=[2.0, 2.0, 2.0])
GOALS = Goals(
    (Prescription("lesion", 20.0),),
    (
        parse_goal("D1cc <= 14 Gy", structure="duodenum", source="test"),
        parse_goal("time <= 100 s", structure="plan", source="test"),
    ),
)


def _structures() -> tuple[Structure, Structure]:
    away_mm = np.linalg.norm(GRID.points_mm() - [16.0, 24.0, 24.0], axis=1).reshape(GRID.shape_zyx)
    beside = (GRID.points_mm()[:, 0] > 34.0).reshape(GRID.shape_zyx)
    return (
        Structure(name="lesion", role="CTV", grid=GRID, mask_zyx=away_mm < 9.0),
        Structure(name="duodenum", role="OAR", grid=GRID, mask_zyx=beside),
    )


@pytest.fixture(scope="module")
def plan() -> Plan:
    catheter = Catheter("c", np.array([[16.0, 24.0, 2.0], [16.0, 24.0, 36.0]]))
    dwells = dwell_positions((catheter,), targets=_structures()[:1])
    return Plan(
        dwells=dwells,
        times_s=np.full(len(dwells), 30.0),
        source=load_source("gammamed-12i"),
        strength=Strength(40700.0),
    )


@pytest.fixture(scope="module")
def points() -> SamplePoints:
    return sample_points(_structures(), spacing_mm=2.0)


@pytest.fixture(scope="module")
def score(plan: Plan, points: SamplePoints) -> Score:
    dose = dose_at_points(plan.dwells, plan.times_s, points.points_mm, plan.source, strength_u=plan.strength_u)
    return evaluate(dose.gy, points, GOALS, total_time_s=plan.total_time_s)


def test_scores_are_found_by_name(score: Score) -> None:
    assert [target.name for target in score.targets] == ["lesion"]
    lesion, organ = score.target("lesion"), score.structure("duodenum")
    assert lesion.d100_gy <= lesion.d98_gy <= lesion.d90_gy <= lesion.d50_gy <= lesion.d2_gy
    assert organ.d2cc_gy <= organ.d1cc_gy <= organ.d0_1cc_gy <= organ.max_gy
    with pytest.raises(InputError, match=r"no score is named 'duodenum'.* There are: lesion"):
        score.target("duodenum")
    with pytest.raises(FrozenInstanceError):
        lesion.d100_gy = 0.0  # type: ignore[misc]


def test_a_judged_goal_keeps_its_goal(score: Score, plan: Plan) -> None:
    prescription, organ, time = score.goals
    assert prescription.goal == GOALS.prescriptions[0].goal
    assert (organ.goal, time.goal) == GOALS.goals
    assert prescription.reached == score.target("lesion").d100_gy
    assert organ.reached == score.structure("duodenum").d1cc_gy
    assert time.reached == plan.total_time_s
    assert [goal.met for goal in score.goals] == [
        prescription.reached >= 20.0,
        organ.reached <= 14.0,
        plan.total_time_s <= 100.0,
    ]


@pytest.mark.parametrize(("minimum_gy", "finished", "d100_gy"), [(20.0, True, 20.0), (19.0, False, 19.9)])
def test_a_proven_d100_takes_the_place_of_the_sampled(score: Score, minimum_gy, finished, d100_gy) -> None:
    sampled = replace(score.target("lesion"), d100_gy=20.4, d100_other_points_gy=20.2)
    before = replace(score, structures=(sampled, *score.structures[1:]))
    proof = EveryPoint(structure="lesion", minimum_gy=minimum_gy, upper_gy=19.9 + finished, boxes=1, finished=finished)
    after = with_proven_d100(before, [proof])
    lesion = after.target("lesion")
    assert lesion.d100_gy == d100_gy
    assert (lesion.d100_lower_gy, lesion.d100_upper_gy) == (minimum_gy, 20.2 if finished else 19.9)
    assert lesion.d100_sampling_gy is None
    prescription = after.goals[0]
    assert prescription.reached == d100_gy
    assert prescription.met == finished
    assert after.goals[1:] == score.goals[1:]


def test_no_time_is_minus_nothing(plan: Plan) -> None:
    times_s = np.zeros(len(plan.dwells))
    times_s[0] = -0.0
    assert not np.signbit(replace(plan, times_s=times_s).times_s).any()


def test_checking_the_sampling_returns_another_score(score: Score, plan: Plan, points: SamplePoints) -> None:
    checked = check_sampling(score, points, _structures()[:1], plan, spacing_mm=2.0)
    before, after = score.target("lesion"), checked.target("lesion")
    assert before.d100_other_points_gy is None
    assert after.d100_other_points_gy is not None
    assert after.d100_sampling_gy == abs(after.d100_gy - after.d100_other_points_gy)
    assert after.d100_gy == before.d100_gy
    assert score.structure("duodenum").d1cc_sampling_gy is None
    assert checked.structure("duodenum").d1cc_sampling_gy is not None
    assert checked.goals == score.goals


def test_a_d100_that_is_proven_is_not_sampled_again(plan: Plan, points: SamplePoints) -> None:
    case = Case(name="two", ct=None, structures=_structures(), catheters=(), healthy=None)
    for finished in (False, True):
        proof = EveryPoint(structure="lesion", minimum_gy=1.0, upper_gy=1.1, boxes=1, finished=finished)
        lesion = plan_result(case, GOALS, plan, points=points, proofs=[proof]).score.target("lesion")
        assert (lesion.d100_other_points_gy is None) == finished
        assert lesion.d100_lower_gy == 1.0


def test_only_structures_that_somebody_asks_for_are_in_the_rate_matrix(points: SamplePoints) -> None:
    assert points_asked_for(points, GOALS, None) is points
    no_limits = Goals(GOALS.prescriptions, GOALS.goals[1:])
    assert points_asked_for(points, no_limits, None).names == ("lesion",)
    assert points_asked_for(points, no_limits, "duodenum") is points


def test_structures_without_a_goal_change_no_dwell_time() -> None:
    catheter = Catheter("c", np.array([[16.0, 24.0, 2.0], [16.0, 24.0, 36.0]]))
    lesion, duodenum = _structures()
    goals, options = Goals(GOALS.prescriptions), PlanOptions(sample_mm=2.0, every_point=False, dose_margin_mm=4.0)
    planned = [
        plan_case(
            Case(name="two", ct=None, structures=structures, catheters=(catheter,), healthy=None),
            goals,
            load_source("gammamed-12i"),
            Strength(40700.0),
            options=options,
        )
        for structures in ((lesion,), (lesion, duodenum))
    ]
    np.testing.assert_array_equal(planned[0].plan.times_s, planned[1].plan.times_s)
    assert planned[1].score.structure("duodenum").d1cc_gy > 0.0
