"""What an optimiser is asked: checked once, named without its limits."""

from dataclasses import replace

import numpy as np
import pytest
from optimize_cases import case, goal, goals, optimize_times, problem

from hdrplan.dose import DoseRate, MinimumDose
from hdrplan.errors import InputError
from hdrplan.optimize import Axis, WorkLimit, optimize_every_point, pareto_front, robust_times
from hdrplan.optimize.program.requirements import requirements


def test_what_does_not_fit_is_refused():
    rate, points, _ = case()
    n = rate.gy_per_s.shape[1]
    fewer = DoseRate(rate.gy_per_s[:-1].copy(), rate.extrapolated[:-1])
    for wrong, message in (
        ({"rate": fewer}, "one row for each sample point"),
        ({"max_time_s": 0.0}, "longest dwell time"),
        ({"max_time_s": np.inf}, "longest dwell time"),
        ({"earlier_gy": np.zeros(3)}, "already given"),
        ({"earlier_gy": np.full(len(points), np.nan)}, "finite"),
        ({"locked_s": np.zeros(n + 1)}, "NaN where free"),
        ({"locked_s": np.full(n, -1.0)}, "not negative"),
        ({"locked_s": np.full(n, np.inf)}, "finite and not negative"),
    ):
        with pytest.raises(InputError, match=message):
            replace(problem(rate, points, goals()), **wrong)


def test_what_an_optimiser_does_not_plan_with_is_refused_and_not_left_aside():
    rate, points, _ = case()
    earlier = problem(rate, points, goals(), earlier_gy=np.ones(len(points)))
    locked = problem(rate, points, goals(), locked_s=np.zeros(rate.gy_per_s.shape[1]))
    with pytest.raises(InputError, match="does not plan with earlier_gy"):
        robust_times(earlier, [{}])
    with pytest.raises(InputError, match="does not plan with locked_s"):
        pareto_front(locked, (Axis("duodenum", "Dmax", [5.0]),))


def test_a_problem_keeps_what_it_was_given():
    rate, points, _ = case()
    earlier = np.ones(len(points))
    asked = problem(rate, points, goals(), earlier_gy=earlier)
    earlier[:] = 5.0
    assert (asked.earlier_gy == 1.0).all()
    with pytest.raises(ValueError, match="read-only"):
        asked.earlier_gy[0] = 2.0


def test_a_goal_keeps_its_name_when_its_limit_changes_and_repeats_differ():
    rate, points, _ = case()
    wanted = goals(
        goal("duodenum", "Dmax <= 9 Gy"), goal("duodenum", "Dmax <= 8 Gy"), goal("duodenum", "Dmax <= 7 Gy", 1)
    )
    asked = problem(rate, points, wanted)
    ids = [r.id for r in requirements(asked)]
    assert [(i.metric, i.level, i.repeat) for i in ids] == [
        ("D100", 0, 0), ("Dmax", 0, 0), ("Dmax", 0, 1), ("Dmax", 1, 0),
    ]  # fmt: skip
    more = requirements(replace(asked, reserve_frac=0.01))
    assert [r.id for r in more] == ids
    assert more[0].limit == pytest.approx(20.2)
    assert more[0].label == "lesion1 D100 >= 20 Gy"


def test_goals_relative_to_a_prescription_are_of_it_and_not_of_its_reserve():
    rate, points, _ = case()
    wanted = goals(goal("lesion1", "V150 <= 60 %", 1), goal("lesion1", "V100 >= 100 %", 1))
    own, hot, covered = requirements(problem(rate, points, wanted, reserve_frac=0.01))
    assert (own.limit, hot.limit, covered.limit) == pytest.approx((20.2, 30.0, 20.0))
    volume = points.volume_cc[covered.rows]
    assert volume[-1] > 0.0
    assert volume.sum() == pytest.approx(points.volume_cc[own.rows].sum())


def test_the_highest_prescription_can_be_planned_with_a_reserve():
    """0.1 % more than 100 Gy is no prescription of its own: the proof at every point refused it."""
    rate, points, _ = case()
    asked = problem(rate, points, goals(dose_gy=100.0), healthy="liver", max_time_s=3000.0)
    proven = MinimumDose(lower_gy=100.0, upper_gy=100.1, cold_mm=np.zeros((0, 3)), boxes=1, finished=True)
    planned = optimize_every_point(asked, minimum_dose=lambda *_, **asked: proven, rate_at=lambda *_: rate)
    assert planned.proven
    dose = rate.gy_per_s[points.rows("lesion1")] @ planned.optimum.times_s
    assert dose.min() == pytest.approx(100.1, abs=1e-5)


def test_a_limit_of_work_is_split_and_used_up():
    limit = WorkLimit(seconds=8.0, steps=9)
    assert limit.half() == WorkLimit(seconds=4.0, steps=4)
    assert limit.less(seconds=1.0, steps=20) == WorkLimit(seconds=7.0, steps=0)
    assert limit.less(seconds=1.0, steps=20).used_up
    assert WorkLimit(seconds=0.0).used_up
    assert not WorkLimit().half().used_up


def test_the_same_limit_of_work_gives_the_same_proof():
    rate, points, _ = case(radius=10.0, step=6.0, organ_gap=5.0, seed=3, n_catheters=3)
    asked = problem(rate, points, goals(goal("duodenum", "D0.5cc <= 7.9 Gy")), healthy="liver")
    first, second = (optimize_times(asked, proof=WorkLimit(steps=20)) for _ in range(2))
    assert first.times_s.tobytes() == second.times_s.tobytes()
    assert first.certificate.main.bound == second.certificate.main.bound
