"""A rate matrix in blocks is the matrix; points that join one structure copy the rows of no other."""

import numpy as np
import pytest

from hdrplan.dose import DoseRate, DoseRateBlocks


def test_blocks_say_what_the_matrix_says() -> None:
    rates = np.random.default_rng(1).uniform(size=(12, 3))
    outside = np.arange(12) % 2 == 0
    whole = DoseRate(rates.copy(), outside)
    blocks = DoseRateBlocks((rates[:5].copy(), rates[5:6].copy(), rates[6:].copy()), outside)
    times_s = np.array([1.0, 2.0, 0.5])
    assert blocks.shape == whole.shape == (12, 3)
    assert (blocks.gy_per_s == whole.gy_per_s).all()
    assert blocks.dose_gy(times_s) == pytest.approx(whole.dose_gy(times_s))
    for rows in (slice(0, 5), slice(5, 6), slice(7, 12), slice(3, 8), slice(0, 12)):
        assert (blocks.at(rows) == whole.at(rows)).all()


def test_a_structure_is_a_view_of_its_block() -> None:
    first, second = np.ones((4, 2)), np.zeros((3, 2))
    blocks = DoseRateBlocks((first, second), np.zeros(7, dtype=bool))
    assert np.shares_memory(blocks.at(slice(4, 7)), second)
    with pytest.raises(ValueError, match="read-only"):
        blocks.at(slice(0, 4))[0, 0] = 2.0
