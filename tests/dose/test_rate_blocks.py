"""A rate matrix in blocks is the matrix; points that join one structure copy the rows of no other."""

import numpy as np
import pytest

from hdrplan.dose import DoseRate, DoseRateBlocks, GrowingRows, dose_rate, dose_rate_blocks, rate_blocks, sample_points
from small_implant import small_implant


def test_blocks_say_what_the_matrix_says() -> None:
    rates = np.random.default_rng(1).uniform(size=(12, 3))
    outside = np.arange(12) % 2 == 0
    whole = DoseRate(rates.copy(), outside)
    blocks = DoseRateBlocks(tuple(GrowingRows(part.copy()) for part in (rates[:5], rates[5:6], rates[6:])), outside)
    times_s = np.array([1.0, 2.0, 0.5])
    assert blocks.shape == whole.shape == (12, 3)
    assert (blocks.gy_per_s == whole.gy_per_s).all()
    assert blocks.dose_gy(times_s) == pytest.approx(whole.dose_gy(times_s))
    for rows in (slice(0, 5), slice(5, 6), slice(7, 12), slice(3, 8), slice(0, 12)):
        assert (blocks.at(rows) == whole.at(rows)).all()


def test_a_structure_is_a_view_of_its_block() -> None:
    first, second = np.ones((4, 2)), np.zeros((3, 2))
    blocks = DoseRateBlocks((GrowingRows(first), GrowingRows(second)), np.zeros(7, dtype=bool))
    assert np.shares_memory(blocks.at(slice(4, 7)), second)
    with pytest.raises(ValueError, match="read-only"):
        blocks.at(slice(0, 4))[0, 0] = 2.0


def test_blocks_of_sample_points_are_the_matrix_and_have_room_for_cold_points() -> None:
    case, _, plan = small_implant()
    points, dwells, source = sample_points(case.structures, spacing_mm=4.0), plan.dwells, plan.source
    assert len(points.names) > 1
    told: list[tuple[int, int]] = []
    blocks = dose_rate_blocks(
        dwells, points, source, strength_u=40700.0, on_progress=lambda done, total: told.append((done, total))
    )
    whole = dose_rate(dwells, points.points_mm, source, strength_u=40700.0)
    assert np.array_equal(blocks.gy_per_s, whole.gy_per_s)
    assert np.array_equal(blocks.extrapolated, whole.extrapolated)
    assert told[-1] == (len(points), len(points))
    ctv = points.roles.index("CTV")
    grown = blocks.blocks[ctv].with_rows(np.ones((3, len(dwells))))
    assert np.shares_memory(grown.rows, blocks.blocks[ctv].rows), "joined points copied the rates of the CTV"
    assert np.array_equal(blocks.gy_per_s, whole.gy_per_s)


def test_many_rates_are_kept_in_single_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is rounded by itself, also those of points that join; sums over dwells are made in double precision."""
    monkeypatch.setattr(rate_blocks, "SINGLE_FROM_BYTES", 0)
    monkeypatch.setattr(rate_blocks, "_TOGETHER", 7 * 30)
    case, _, plan = small_implant()
    points, dwells, source = sample_points(case.structures, spacing_mm=4.0), plan.dwells, plan.source
    told: list[tuple[int, int]] = []
    blocks = dose_rate_blocks(
        dwells, points, source, strength_u=40700.0, on_progress=lambda done, total: told.append((done, total))
    )
    whole = dose_rate(dwells, points.points_mm, source, strength_u=40700.0)
    assert {block.rows.dtype for block in blocks.blocks} == {np.dtype(np.float32)}
    assert blocks.gy_per_s.dtype == np.float64
    assert np.array_equal(blocks.gy_per_s, whole.gy_per_s.astype(np.float32))
    assert np.array_equal(blocks.extrapolated, whole.extrapolated)
    assert told[-1] == (len(points), len(points))
    times_s = np.random.default_rng(1).uniform(0.0, 60.0, len(dwells))
    np.testing.assert_allclose(blocks.dose_gy(times_s), whole.gy_per_s.astype(np.float32) @ times_s, rtol=1e-13)
    np.testing.assert_allclose(blocks.dose_gy(times_s), whole.dose_gy(times_s), rtol=2.0**-23)
    grown = blocks.blocks[points.roles.index("CTV")].with_rows(np.full((3, len(dwells)), 1.0 / 3.0))
    assert grown.rows.dtype == np.float32
    assert (grown.rows[-3:] == np.float32(1.0 / 3.0)).all()
