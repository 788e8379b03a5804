"""Every reported figure says how exact it is; what was extrapolated is said where it is read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hdrplan.dose import dose_at_points, sample_points
from hdrplan.geometry import Grid, Volume
from hdrplan.metrics import dvh
from hdrplan.validate.walk import planned
from hdrplan.workflow import PlanOptions, PlanResult, plan_result
from hdrplan.workflow.score import isodose_error_cc


@pytest.fixture(scope="module")
def result() -> PlanResult:
    made = planned(8.0)
    options = PlanOptions(sample_mm=1.4, dose_margin_mm=20.0)
    return plan_result(made.case, made.goals, made.source, made.plan, options=options)


def test_figures_carry_their_uncertainty(result: PlanResult) -> None:
    lesion, organ = result.score.structures["lesion"], result.score.structures["duodenum"]
    assert 0.0 <= lesion["d100_sampling_gy"] < 1.0
    assert lesion["d100_other_points_gy"] > 0.0
    assert 0.0 < lesion["isodose_error_cc"] < 0.2 * lesion["isodose_cc"]
    for name in ("d0_1cc", "d1cc", "d2cc"):
        assert 0.0 < organ[f"{name}_sampling_gy"] < 0.05 * organ[f"{name}_gy"]


def test_the_organs_sampling_error_covers_the_error(result: PlanResult) -> None:
    """Against the organ in cubes of 0.4 mm throughout."""
    organ = next(s for s in result.case.structures if s.name == "duodenum")
    fine = sample_points([replace(organ, role="CTV")], spacing_mm=0.4, max_points=300_000)
    plan = result.plan
    dose = dose_at_points(plan.dwells, plan.times_s, fine.points_mm, result.source, strength_u=plan.strength_u)
    truth = dvh(dose.gy, fine.volume_cc)
    stated = result.score.structures["duodenum"]
    for name, cc in (("d0_1cc", 0.1), ("d1cc", 1.0), ("d2cc", 2.0)):
        error = abs(stated[f"{name}_gy"] - truth.dose_at_cc(cc))
        assert error <= stated[f"{name}_sampling_gy"] + 0.005 * truth.dose_at_cc(cc), name
        assert stated[f"{name}_sampling_gy"] <= 0.05 * truth.dose_at_cc(cc), name


def test_the_healthy_organ_says_how_exact_its_hottest_volumes_are(result: PlanResult) -> None:
    liver = result.score.structures["liver"]
    for name in ("d0_1cc", "d1cc", "d2cc"):
        assert 0.0 < liver[f"{name}_sampling_gy"] < 0.3 * liver[f"{name}_gy"]


@pytest.mark.parametrize("voxel_mm", [1.0, 2.5])
def test_the_isodose_volume_errs_as_stated(voxel_mm: float) -> None:
    # Inverse square round a point: the isodose of 20 Gy is a ball of 18 mm.
    n = int(50 / voxel_mm)
    errors, stated = [], []
    for seed in range(8):
        shift = np.random.default_rng(seed).uniform(-0.5, 0.5, 3) * voxel_mm
        grid = Grid(
            shape_zyx=(n, n, n), origin_mm=np.full(3, -(n - 1) / 2 * voxel_mm) + shift, spacing_mm=np.full(3, voxel_mm)
        )
        r2 = (grid.points_mm() ** 2).sum(axis=1).reshape(grid.shape_zyx)
        dose = Volume(grid, (20.0 * 18.0**2 / np.maximum(r2, 1.0)).astype(np.float32))
        volume_cc = float((dose.values_zyx >= 20.0).sum()) * grid.voxel_cc
        errors.append(abs(volume_cc - 4 / 3 * np.pi * 18.0**3 / 1000))
        stated.append(isodose_error_cc(dose, 20.0))
    assert np.mean(errors) < np.mean(stated)
    assert max(stated) < 0.1 * 24.4
