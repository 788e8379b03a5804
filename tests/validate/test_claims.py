"""The section of claims sees what it is there to see: each of its kinds of rows fails where the claim is false."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hdrplan.validate import claim_grids, claim_shapes, claim_volume
from hdrplan.validate.claim_grids import far_rows, grid_row


def test_far_from_the_source() -> None:
    rows = far_rows()
    assert [row.state for row in rows] == ["pass"] * 3, rows


def test_a_grid_that_is_off_by_two_thousandths_somewhere_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "128 x 128 x 50 of 5 mm"
    assert grid_row(name).state == "pass"
    right = claim_grids.dose_field

    def wrong(*what, **how):
        field = right(*what, **how)
        values = field.values_zyx.copy()
        values[10:16, 20:28, 60:70] *= 1.002
        return replace(field, values_zyx=values)

    monkeypatch.setattr(claim_grids, "dose_field", wrong)
    assert grid_row(name).state == "fail"


def test_a_thin_lesion_and_what_would_be_false_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "one voxel thin"
    result = claim_shapes.planned_shape(name)
    rows = [*claim_shapes._proof_rows(result, name), claim_shapes._bound_row(result, name)]
    assert [row.state for row in rows] == ["pass"] * 3, rows
    assert claim_shapes._delivered_row(result, result, name).state == "pass"
    # Times that are not those of the certificate; a proof that is too good; a bound that is too high.
    assert result.optimum is not None
    plan = replace(result.plan, times_s=np.where(result.plan.times_s > 0, result.plan.times_s - 0.1, 0.0))
    shorter = replace(result, plan=plan)
    assert claim_shapes._proof_rows(shorter, name)[0].state == "fail"
    assert claim_shapes._delivered_row(shorter, shorter, name).state == "fail"
    certificate = result.optimum.certificate
    main = replace(certificate.main, bound=1.003 * certificate.main.bound)
    optimum = replace(result.optimum, certificate=replace(certificate, main=main))
    assert claim_shapes._bound_row(replace(result, optimum=optimum), name).state == "fail"


def test_a_volume_limit_and_a_bound_above_the_integer_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim_volume, "_LIMITS", (0.98,))
    rows = claim_volume.volume_limit_rows()
    assert [row.state for row in rows] == ["pass"] * 3, rows
    points = claim_volume._points(claim_volume.needles(3, 7))
    plain = claim_volume.rates(
        claim_volume.needles(3, 7), points.points_mm, claim_volume.load_source(), claim_volume._STRENGTH_U
    )
    value = float(rows[1].question.what.split("plan ")[1].split(" Gy")[0])
    limit_gy = float(rows[0].question.what.split("<= ")[1].split(" Gy")[0])
    claimed = claim_volume._compared(points, plain, limit_gy, (value, 1.002 * value))
    assert claimed[0].state == "fail"
    better = claim_volume._compared(points, plain, limit_gy, (0.99 * value, 0.98 * value))
    assert better[1].state == "fail"
