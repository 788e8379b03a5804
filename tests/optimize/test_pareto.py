"""Every plan of a surface is the plan that a call of its own would give."""

import numpy as np
import pytest
from check_certificate import Condition, check_bounded
from optimize_cases import case, goal, goals, optimize_times, problem

from hdrplan.errors import InfeasibleError, InputError
from hdrplan.optimize import Axis, GoalId, pareto_front
from hdrplan.optimize.studies.pareto import _there_and_back

# The surface's plans may violate a limit by 1e-4 of it, which moves the mean dose by about as much times its price.
SURFACE = 5e-4


def axes():
    return (
        Axis("lesion1", "D100", [14.0, 17.0, 20.0]),
        Axis("duodenum", "Dmax", [9.0, 11.0, 13.0]),
        Axis("plan", "time", [250.0, 400.0]),
    )


def tightest(points):
    """What the program of the surface is made of: each axis at its tightest; what is looser may be missed."""
    return {
        GoalId(structure="lesion1", metric="D100", level=0): Condition("point", 1, 20.0, points.rows("lesion1")),
        GoalId(structure="duodenum", metric="Dmax", level=0): Condition("point", -1, 9.0, points.rows("duodenum")),
        GoalId(structure="plan", metric="time", level=0): Condition("time", -1, 250.0, slice(0, 0)),
    }


def test_plans_agree_with_single_calls():
    rate, points, _ = case()
    asked = problem(rate, points, goals(), healthy="liver")
    front = pareto_front(asked, axes())
    assert front.limits.shape == (18, 3)
    assert front.gap_frac < 1e-6
    for (dose_gy, organ_gy, time_s), plan in zip(front.limits, front.combinations, strict=True):
        limits = (goal("duodenum", f"Dmax <= {organ_gy} Gy"), goal("plan", f"time <= {time_s} s"))
        single = optimize_times(problem(rate, points, goals(*limits, dose_gy=dose_gy), healthy="liver"))
        assert (plan is not None) == (not single.shortfalls)
        if plan is not None:
            check_bounded(asked, plan.cost, listed=tightest(points))
            allowed = np.abs(plan.limits - [20.0, 9.0, 250.0])
            assert plan.cost.proof.lower[-3:] == pytest.approx(allowed)
            assert plan.cost.proof.upper[-3:] == pytest.approx(allowed)
            assert plan.cost.value == pytest.approx(single.certificate.main.value, rel=SURFACE)
            dose = rate.gy_per_s @ plan.times_s
            assert dose[points.rows("lesion1")].min() >= dose_gy * (1 - 1e-4)
            assert dose[points.rows("duodenum")].max() <= organ_gy * (1 + 1e-4)
    assert 0 < len(front.plans) < len(front.combinations)


def test_dose_volume_goals_judge_the_plans_and_are_named():
    rate, points, _ = case()
    wanted = goals(goal("duodenum", "D1cc <= 5 Gy"), goal("duodenum", "Dmax <= 14 Gy"))
    asked = problem(rate, points, wanted, healthy="liver")
    front = pareto_front(asked, (Axis("lesion1", "D100", [14.0, 17.0, 20.0]),))
    assert front.left_out == ("duodenum D1cc <= 5 Gy",)
    rows = points.rows("duodenum")
    met = []
    for plan in front.plans:
        dose = rate.gy_per_s[rows] @ plan.times_s
        met.append(points.volume_cc[rows][dose > 5.0].sum() < 1.0)
        assert plan.left_out_met == (met[-1],)
    assert set(met) == {False, True}


def test_neighbours_in_order_differ_by_one_step():
    shape = (3, 4, 2, 3)
    order = _there_and_back(shape)
    assert sorted(order) == list(range(72))
    steps = np.abs(np.diff(np.array(np.unravel_index(order, shape)), axis=1)).sum(axis=0)
    assert (steps == 1).all()


def test_bad_axes():
    rate, points, _ = case()
    with pytest.raises(InputError, match="at least one axis"):
        pareto_front(problem(rate, points, goals(), healthy="liver"), ())
    with pytest.raises(InputError, match="above 0"):
        Axis("duodenum", "Dmax", [0.0, 1.0])
    with pytest.raises(InputError, match="an axis is"):
        pareto_front(problem(rate, points, goals(), healthy="liver"), (Axis("duodenum", "D1cc", [5.0, 6.0]),))
    with pytest.raises(InfeasibleError, match="combination"):
        pareto_front(problem(rate, points, goals(), healthy="liver"), (Axis("duodenum", "Dmax", [1.0]),))
