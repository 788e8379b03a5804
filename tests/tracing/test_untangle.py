"""Halves of two traces exchanged where they went over to each other."""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.tracing.untangle import untangled

AT = np.arange(-60.0, 61.0)


def bent(slope: float, apart_mm: float) -> FloatArray:
    """A catheter bent by 3 mm; two of them with opposite slopes cross in the middle, ``apart_mm`` apart."""
    return np.stack((AT, slope * AT, apart_mm + 3.0 * (AT / 60.0) ** 2), axis=1)


def jumped(first: FloatArray, second: FloatArray) -> FloatArray:
    """The hub half of one, the tip half of the other, and a few mm from one to the other."""
    share = np.clip((AT + 4.0) / 8.0, 0.0, 1.0)[:, None]
    return first + share * (second - first)


def test_traces_that_went_over_to_each_other_at_three_degrees_are_exchanged() -> None:
    one, other = bent(0.026, 0.0), bent(-0.026, 2.2)
    first, second = untangled([jumped(one, other), jumped(other, one)])
    np.testing.assert_allclose(first, one, atol=0.3)
    np.testing.assert_allclose(second, other, atol=0.3)


def test_traces_that_cross_on_their_own_tubes_stay_as_they_are() -> None:
    lines = [bent(0.026, 0.0), bent(-0.026, 2.2), bent(0.0, 30.0)]
    for before, after in zip(lines, untangled(lines), strict=True):
        np.testing.assert_array_equal(before, after)


def test_traces_that_meet_at_a_tip_have_nothing_to_exchange() -> None:
    one, other = bent(0.026, 0.0), bent(-0.026, 2.2)[:66]
    for before, after in zip((one, other), untangled([one, other]), strict=True):
        np.testing.assert_array_equal(before, after)
