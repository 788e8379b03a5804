"""A plan whose moving source counts: what is proven, reported, drawn and kept is one and the same dose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hdrplan.dose import dose_at_points, dose_field
from hdrplan.geometry import Catheter, Grid, Transit, ellipsoid
from hdrplan.io import read_plan, write_plan
from hdrplan.optimize import Rounded
from hdrplan.options import PlanOptions
from hdrplan.plan import Case, Goals, Prescription
from hdrplan.sources import Strength, load_source
from hdrplan.workflow import PlanResult, plan_case, plan_result

SLOW = PlanOptions(source_speed_mm_per_s=20.0, sample_mm=2.0, dose_margin_mm=10.0)


@pytest.fixture(scope="module")
def planned() -> PlanResult:
    """A ball of 24 mm: two needles through it, and one beside it that no good plan uses."""
    grid = Grid(shape_zyx=(25, 25, 25), origin_mm=[-24.0] * 3, spacing_mm=[2.0] * 3)
    ball = ellipsoid("ball", grid, [0.0, 0.0, 0.0], [12.0] * 3)
    body = ellipsoid("body", grid, [0.0, 0.0, 0.0], [22.0] * 3, role="OAR")
    at_tip = {"a": -5.0, "b": 5.0, "c": 16.0}
    needles = [Catheter(name, [[x - 3.0, 4.0, -60.0], [x, 0.5, 19.0]]) for name, x in at_tip.items()]
    case = Case(name="ball", ct=None, structures=(ball, body), catheters=tuple(needles), healthy="body")
    goals = Goals((Prescription("ball", 20.0),))
    return plan_case(case, goals, load_source("gammamed-12i"), Strength(40700.0), options=SLOW)


def test_only_what_the_source_passes_counts(planned: PlanResult) -> None:
    plan = planned.plan
    passing = plan.exposure_s - plan.times_s
    assert plan.transit == Transit(20.0)
    for k, name in enumerate(plan.dwells.catheter_names):
        rows = np.flatnonzero(plan.dwells.catheter == k)
        used = rows[plan.times_s[rows] > 0]
        if name == "c":
            assert len(used) == 0
            assert not passing[rows].any()
            continue
        deepest_mm = plan.dwells.offset_mm[used].min()
        assert not passing[rows[plan.dwells.offset_mm[rows] < deepest_mm]].any()
        # 5 mm at 20 mm/s, there and back, half of it near either end.
        assert passing[rows[plan.dwells.offset_mm[rows] == deepest_mm]] == pytest.approx(0.25)


def test_the_proof_holds_for_the_dose_that_is_reported(planned: PlanResult) -> None:
    plan = planned.plan
    assert planned.optimum is not None
    assert planned.optimum.certificate.scope == "every point"
    assert planned.score.target("ball").d100_gy >= 20.0 * (1 - 1e-6)
    points = np.random.default_rng(1).uniform(-13.0, 13.0, (200_000, 3))
    points = points[planned.points.shape("ball").holds(points)]
    dose = dose_at_points(plan.dwells, plan.exposure_s, points, plan.source, strength_u=40700.0).gy
    assert dose.min() >= 20.0 * (1 - 1e-6)
    # Without the moving source the same plan misses its prescription: it is not idle here.
    assert dose_at_points(plan.dwells, plan.times_s, points, plan.source, strength_u=40700.0).gy.min() < 19.95


def test_points_and_grid_are_of_the_same_exposure(planned: PlanResult) -> None:
    plan = planned.plan
    at_points = dose_at_points(plan.dwells, plan.exposure_s, planned.points.points_mm, plan.source, strength_u=40700.0)
    np.testing.assert_array_equal(planned.dose_gy, at_points.gy)
    grid = dose_field(plan.dwells, plan.exposure_s, planned.dose.grid, plan.source, strength_u=40700.0)
    np.testing.assert_array_equal(planned.dose.values_zyx, grid.values_zyx)


def test_a_plan_that_was_written_gives_the_same_dose(planned: PlanResult, tmp_path: Path) -> None:
    write_plan(tmp_path / "plan.json", planned.plan, "ball")
    again = read_plan(tmp_path / "plan.json")
    assert again.transit == planned.plan.transit
    evaluated = plan_result(planned.case, planned.goals, again, points=planned.points, options=SLOW)
    np.testing.assert_array_equal(evaluated.dose_gy, planned.dose_gy)


def test_the_certificate_counts_the_moving_source(planned: PlanResult) -> None:
    """Mean dose and bound are those of the whole dose: the source's way is no part that a certificate may leave out."""
    assert planned.optimum is not None
    main = planned.optimum.certificate.main
    assert main.objective.text == "mean dose of body"
    assert main.value == pytest.approx(planned.score.structure("body").mean_gy, rel=1e-9)
    assert 0.0 < main.gap_frac < 5e-3
    (rounded,) = [note for note in planned.optimum.notes if isinstance(note, Rounded)]
    assert rounded.after == pytest.approx(main.value, rel=1e-6)
