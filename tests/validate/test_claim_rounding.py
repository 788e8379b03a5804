"""The rows of whole times fail where the times of a plan are longer than what they hold needs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hdrplan.options import PlanOptions
from hdrplan.validate import claim_rounding, claim_shapes
from hdrplan.validate.row import Row
from hdrplan.workflow import PlanResult


@pytest.fixture(scope="module", name="planned")
def _planned() -> PlanResult:
    """A lesion of 14 mm, one voxel thin: with 22 mm and three times the stops it took 21 processor seconds to plan."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(
            claim_shapes.SHAPES, "small", lambda x, y, z: (np.abs(x) < 7) & (np.abs(y) < 7) & (np.abs(z) < 1.5)
        )
        return claim_shapes.planned_shape("small", time_step_s=1.0)


def _rows(planned: PlanResult, times_s: np.ndarray, step_s: float = 1.0) -> list[Row]:
    given = replace(planned, plan=replace(planned.plan, times_s=times_s))
    return claim_rounding.rows_of(given, PlanOptions(time_step_s=step_s))


def test_delivered_times_are_near_real_ones_and_as_good_as_an_integer_program_finds(planned: PlanResult) -> None:
    real, whole = _rows(planned, planned.plan.times_s)
    assert real.state in ("pass", "explained"), real
    assert whole.state == "pass", whole
    assert float(real.result.split()[0]) > 0.0
    # What was looked for was found: the best whole times lie between the real ones and those delivered.
    best = whole.question.what.rpartition("integer program ")[2]
    assert best != "not found"
    of_real = float(real.question.what.rpartition(" ")[2])
    delivered = float(real.question.what.split("objective ")[1].split(",")[0])
    assert of_real <= float(best) <= delivered * (1 + 5e-3)


def test_times_that_are_too_long_fail_both_rows(planned: PlanResult) -> None:
    longer_s = planned.plan.times_s.copy()
    longer_s[int(np.argmax(longer_s))] += 60.0
    real, whole = _rows(planned, longer_s)
    assert real.state == "fail", real
    assert whole.state == "fail", whole


def test_real_times_have_no_rows(planned: PlanResult) -> None:
    assert not _rows(planned, planned.plan.times_s, step_s=0.0)


def test_whole_times_that_say_what_they_miss_are_not_compared(planned: PlanResult) -> None:
    """A plan whose whole times gave up 0.045 Gy of D100, as it said, was told that 1.5 % less liver dose will do."""
    assert planned.optimum is not None
    certificate = planned.optimum.certificate
    (goal,) = (held.goal for held in certificate.held) if certificate.held else (planned.optimum.prices[0].goal,)
    missing = replace(planned.optimum, certificate=replace(certificate, missed=(goal,)))
    (row,) = _rows(replace(planned, optimum=missing), planned.plan.times_s)
    assert row.state == "skipped"
    assert goal.label in row.note
