"""Dose-volume goals: brute force by integer programming on small cases, the bound, honesty."""

import numpy as np
import pytest
from optimize_cases import case, goal, goals, optimize_times, problem
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from hdrplan.optimize import WorkLimit
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.judge import broken
from hdrplan.optimize.program.requirements import requirements


def exact(rate, points, organ_cc, limit_gy, dose_gy=20.0, most=600.0):
    """Which points are excused is decided by binaries: the least mean liver dose there is."""
    n = rate.gy_per_s.shape[1]
    ctv, organ, liver = (rate.gy_per_s[points.rows(s)] for s in ("lesion1", "duodenum", "liver"))
    volume = points.volume_cc[points.rows("duodenum")]
    organ, volume = organ[volume > 0], volume[volume > 0]
    m = len(organ)
    big = 60.0  # far above any dose of the organ in these cases
    cost = np.r_[
        points.volume_cc[points.rows("liver")] @ liver / points.volume_cc[points.rows("liver")].sum(), np.zeros(m)
    ]
    rows = [
        LinearConstraint(np.c_[ctv, np.zeros((len(ctv), m))], dose_gy, np.inf),
        LinearConstraint(np.c_[organ, -big * np.eye(m)], -np.inf, limit_gy),
        # Strictly less than the volume: half a voxel less.
        LinearConstraint(np.r_[np.zeros(n), volume], -np.inf, organ_cc - 0.5 * volume.min()),
    ]
    found = milp(
        cost,
        constraints=rows,
        integrality=np.r_[np.zeros(n), np.ones(m)],
        bounds=Bounds(0, np.r_[np.full(n, most), np.ones(m)]),
        options={"mip_rel_gap": 1e-4},
    )
    return found.fun


@pytest.mark.parametrize("limit_gy", [6.4, 6.5])
def test_plan_and_bound_enclose_the_exact_optimum(limit_gy):
    rate, points, _ = case(step=6.0, organ_gap=6.0)
    wanted = goals(goal("duodenum", f"D0.5cc <= {limit_gy} Gy"))
    plain = optimize_times(problem(rate, points, wanted, healthy="liver"))
    proven = optimize_times(problem(rate, points, wanted, healthy="liver"), proof=WorkLimit(steps=200))
    best = exact(rate, points, 0.5, limit_gy)
    if best is None:
        assert plain.status == "prescription lowered"
        return
    for optimum in (plain, proven):
        assert optimum.certificate.main.bound <= best * (1 + 1e-6)
        assert optimum.certificate.main.value >= best * (1 - 2e-4)
    assert proven.certificate.main.bound >= plain.certificate.main.bound - 1e-9
    # 0.5 %: the scheme is a local one; on these small coarse cases one voxel is an eighth of the volume.
    assert plain.certificate.main.value <= best * 1.005


def test_goals_that_do_not_bind_cost_nothing_and_are_proven():
    rate, points, _ = case()
    free = optimize_times(problem(rate, points, goals(), healthy="liver"))
    easy = optimize_times(problem(rate, points, goals(goal("duodenum", "D1cc <= 14 Gy")), healthy="liver"))
    assert easy.status == "proven"
    assert easy.certificate.main.value == pytest.approx(free.certificate.main.value, rel=1e-6)


def test_cold_and_relative_goals_hold():
    rate, points, _ = case()
    wanted = goals(goal("lesion1", "D95 >= 22 Gy"), goal("lesion1", "V200 <= 60 %"), goal("liver", "V5 <= 70 %"))
    optimum = optimize_times(problem(rate, points, wanted, healthy="liver"))
    dose, ctv, liver = rate.gy_per_s @ optimum.times_s, points.rows("lesion1"), points.rows("liver")

    def part(rows, above):
        return points.volume_cc[rows][dose[rows] > above].sum() / points.volume_cc[rows].sum()

    assert optimum.status in ("proven", "not proven")
    assert part(ctv, 22.0 - 1e-9) >= 0.95
    assert part(ctv, 40.0) <= 0.60
    assert part(liver, 5.0) <= 0.70


def test_the_total_time_is_bounded_for_plans_that_leave_out_other_points_too():
    """Its bound was that of plans that leave out the same half cubic centimetre."""
    rate, points, _ = case(step=6.0, organ_gap=6.0)
    asked = problem(rate, points, goals(goal("duodenum", "D0.5cc <= 6.5 Gy")), healthy="liver")
    optimum = optimize_times(asked)
    main, total_time = optimum.levels[-2:]
    assert main.value > main.bound * (1 + 1e-6)
    n, ctv, liver = asked.n_dwells, points.rows("lesion1"), points.rows("liver")
    mean = np.average(rate.gy_per_s[liver], axis=0, weights=points.volume_cc[liver])
    without_goal = linprog(
        np.ones(n),
        A_ub=np.concatenate((-rate.gy_per_s[ctv], mean[None, :])),
        b_ub=np.append(np.full(ctv.stop - ctv.start, -20.0), main.value * (1 + 1e-6)),
        bounds=(0, 600),
        method="highs",
    )
    assert total_time.bound <= without_goal.fun * (1 + 1e-5)
    assert total_time.proof is not None


def test_a_dose_volume_goal_is_broken_by_the_dose_of_its_coldest_hot_point():
    """By hand: sort the doses, leave out the volume that may be hotter, compare the next one with the limit."""
    rate, points, _ = case(radius=10.0, step=6.0, organ_gap=5.0, seed=3, n_catheters=3)
    asked = problem(rate, points, goals(goal("duodenum", "D0.5cc <= 8 Gy")), healthy="liver")
    program = Program(asked, requirements(asked))
    program.enter(0)
    program.enter(1)
    x = np.zeros(program.columns.count)
    x[: program.columns.n_dwells] = np.random.default_rng(0).uniform(1.0, 20.0, program.columns.n_dwells)
    rows = points.rows("duodenum")
    inside = points.volume_cc[rows] > 0
    dose_gy = rate.gy_per_s[rows][inside] @ x[: program.columns.n_dwells]
    order = np.argsort(-dose_gy)
    before_cc = np.cumsum(points.volume_cc[rows][inside][order])
    limited = dose_gy[order][before_cc >= 0.5 * (1 - 1e-9)]  # less than half a cc is hotter
    found = broken(program, x)
    assert found[1] == pytest.approx(limited.max() - 8.0)
    short = 20.0 - (rate.gy_per_s[points.rows("lesion1")] @ x[: program.columns.n_dwells]).min()
    assert found[0] == pytest.approx(short, rel=1e-6)
