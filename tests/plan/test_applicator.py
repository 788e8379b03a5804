"""Applicators: the offset of the first dwell is measured along the drawn catheter, and stated with its source."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.errors import InputError
from hdrplan.geometry import Catheter, dwell_positions
from hdrplan.plan import Applicator, measured_applicator

BENT = np.array([[0.0, 0.0, 100.0], [0.0, 0.0, 10.0], [0.0, 6.0, 2.0]])  # the last piece is 10 mm long


def loaded(name, *points):
    return Catheter(name, np.array([[0.0, 0.0, 100.0], *points]))


def test_offsets_are_measured_along_a_bent_catheter_and_a_plan_with_their_mean_starts_there():
    drawn = [Catheter("a", BENT), Catheter("b", BENT), Catheter("c", BENT)]
    # 6 mm back along the last piece; 10 mm and 2 mm more, round the bend; 0.5 mm beside it at 6 mm.
    six, twelve, beside = [0.0, 2.4, 6.8], [0.0, 0.0, 12.0], [0.5, 2.4, 6.8]
    others = [loaded("a", six), loaded("b", twelve), loaded("c", beside), loaded("unknown", six)]
    found, offsets = measured_applicator(drawn, others, name="n", source="test")
    assert offsets == pytest.approx({"a": 6.0, "b": 12.0, "c": 6.0})
    assert found.tip_offset_mm == pytest.approx(8.0)
    assert found.uncertainty_mm == pytest.approx(np.std([6, 12, 6], ddof=1))
    alone, _ = measured_applicator(drawn[1:2], others, name="n", source="test")
    assert np.isnan(alone.uncertainty_mm), "one catheter shows no scatter"
    dwells = dwell_positions([drawn[1]], step_mm=5.0, tip_offset_mm=alone.tip_offset_mm)
    assert dwells.positions_mm[0] == pytest.approx(twelve)


@pytest.mark.parametrize(
    ("points", "message"), [([[0.0, 9.0, -2.0]], "5.0 mm beyond its tip"), ([[9.0, 0.0, 50.0]], "9.0 mm beside it")]
)
def test_a_first_dwell_outside_its_catheter_is_refused(points, message):
    with pytest.raises(InputError, match=message):
        measured_applicator([Catheter("a", BENT)], [loaded("a", *points)], name="n", source="test")


def test_other_names_and_numbers_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="same catheters"):
        measured_applicator([Catheter("a", BENT)], [loaded("b", [0.0, 0.0, 12.0])], name="n", source="test")
    for wrong in ({"name": " "}, {"source": ""}, {"tip_offset_mm": 101.0}, {"uncertainty_mm": -0.1}):
        with pytest.raises(InputError):
            Applicator(**{"name": "n", "tip_offset_mm": 6.0, "source": "s"} | wrong)
    assert Applicator(name="n", tip_offset_mm=6.25, uncertainty_mm=0.4, source="s").text == "n: 6.2 ± 0.4 mm (s)"
