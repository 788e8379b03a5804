"""Every reported figure says how exact it is; what was extrapolated is said where it is read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hdrplan.dose import dose_at_points, sample_points
from hdrplan.geometry import Grid, Volume
from hdrplan.metrics import dvh
from hdrplan.options import PlanOptions
from hdrplan.validate.walk import planned
from hdrplan.workflow import PlanResult, StructureScore, isodose_error_cc, plan_result


@pytest.fixture(scope="module")
def result() -> PlanResult:
    made = planned(8.0)
    options = PlanOptions(sample_mm=1.4, dose_margin_mm=20.0)
    return plan_result(made.case, made.goals, made.plan, options=options)


def _hottest(organ: StructureScore) -> list[tuple[float, float]]:
    """D0.1cc, D1cc and D2cc, each with its sampling error."""
    sampling_gy = (organ.d0_1cc_sampling_gy, organ.d1cc_sampling_gy, organ.d2cc_sampling_gy)
    doses_gy = (organ.d0_1cc_gy, organ.d1cc_gy, organ.d2cc_gy)
    return [(dose, error) for dose, error in zip(doses_gy, sampling_gy, strict=True) if error is not None]


def test_figures_carry_their_uncertainty(result: PlanResult) -> None:
    lesion, organ = result.score.target("lesion"), result.score.structure("duodenum")
    assert 0.0 <= lesion.d100_sampling_gy < 1.0
    assert lesion.d100_other_points_gy is not None
    assert lesion.d100_other_points_gy > 0.0
    assert lesion.conformity is not None
    assert 0.0 < lesion.conformity.isodose_error_cc < 0.2 * lesion.conformity.isodose_cc
    for dose_gy, sampling_gy in _hottest(organ):
        assert 0.0 < sampling_gy < 0.05 * dose_gy


def test_the_organs_sampling_error_covers_the_error(result: PlanResult) -> None:
    """Against the organ in cubes of 0.4 mm throughout."""
    organ = next(s for s in result.case.structures if s.name == "duodenum")
    fine = sample_points([replace(organ, role="CTV")], spacing_mm=0.4, max_points=300_000)
    plan = result.plan
    dose = dose_at_points(plan.dwells, plan.times_s, fine.points_mm, plan.source, strength_u=plan.strength_u)
    truth = dvh(dose.gy, fine.volume_cc)
    for (dose_gy, sampling_gy), cc in zip(_hottest(result.score.structure("duodenum")), (0.1, 1.0, 2.0), strict=True):
        error = abs(dose_gy - truth.dose_at_cc(cc))
        assert error <= sampling_gy + 0.005 * truth.dose_at_cc(cc), cc
        assert sampling_gy <= 0.05 * truth.dose_at_cc(cc), cc


def test_the_healthy_organ_says_how_exact_its_hottest_volumes_are(result: PlanResult) -> None:
    for dose_gy, sampling_gy in _hottest(result.score.structure("liver")):
        assert 0.0 < sampling_gy < 0.3 * dose_gy


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
