"""Rates that are made again and again take the same memory, and are those of the tables."""

import numpy as np
import pytest

from hdrplan.dose import RateRoom, dose_rate, sample_points
from hdrplan.errors import InputError
from small_implant import small_implant
from tolerances import TABLE_NEAR


def test_the_room_holds_the_rates_of_the_last_dwells() -> None:
    case, _, plan = small_implant()
    points, dwells, source, room = sample_points(case.structures, spacing_mm=4.0), plan.dwells, plan.source, RateRoom()
    fewer = dwells.of_catheter(0)
    assert 0 < len(fewer) < len(dwells)
    before = None
    for some in (dwells, fewer, dwells):
        blocks = room.fill(some, points, source, strength_u=40700.0)
        exact = dose_rate(some, points.points_mm, source, strength_u=40700.0)
        assert blocks.shape == exact.shape
        np.testing.assert_allclose(blocks.gy_per_s, exact.gy_per_s, rtol=TABLE_NEAR)
        for name in points.names:
            np.testing.assert_array_equal(blocks.at(points.rows(name)), blocks.gy_per_s[points.rows(name)])
            with pytest.raises(ValueError, match="read-only"):
                blocks.at(points.rows(name))[0, 0] = 1.0
        if before is not None:
            assert np.shares_memory(blocks.blocks[0].rows, before.blocks[0].rows)
        before = blocks


def test_a_room_refuses_a_strength_that_cannot_be() -> None:
    case, _, plan = small_implant()
    points = sample_points(case.structures, spacing_mm=8.0)
    with pytest.raises(InputError, match="strength must be positive"):
        RateRoom().fill(plan.dwells, points, plan.source, strength_u=0.0)
