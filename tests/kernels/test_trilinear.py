from __future__ import annotations

import numpy as np

import naive_geometry
from hdrplan.kernels.trilinear import value_and_slopes


def values_of(field: np.ndarray, index: np.ndarray) -> np.ndarray:
    out = np.full((len(index), 4), np.nan)
    value_and_slopes(field, index, 0, len(index), out)
    return out


def test_value_is_the_naive_twin_inside_and_at_the_border() -> None:
    rng = np.random.default_rng(1)
    field = rng.normal(size=(4, 3, 5)).astype(np.float32)
    index = rng.uniform(-1.5, 6.0, size=(200, 3))
    expected = [naive_geometry.trilinear(field, point) for point in index]
    np.testing.assert_allclose(values_of(field, index)[:, 0], expected, rtol=0, atol=2e-6)  # float32 field


def test_slopes_of_a_plane_are_its_coefficients() -> None:
    z, y, x = np.meshgrid(np.arange(6.0), np.arange(7.0), np.arange(8.0), indexing="ij")
    field = (0.5 * x - 2.0 * y + 3.0 * z).astype(np.float32)
    index = np.random.default_rng(2).uniform(0.5, 4.5, size=(50, 3))
    np.testing.assert_allclose(values_of(field, index)[:, 1:], np.tile([0.5, -2.0, 3.0], (50, 1)), atol=1e-5)


def test_rows_outside_the_block_are_left_alone() -> None:
    out = np.full((4, 4), -7.0)
    value_and_slopes(np.ones((2, 2, 2), dtype=np.float32), np.zeros((4, 3)), 1, 3, out)
    assert (out[[0, 3]] == -7.0).all()
    assert (out[1:3, 0] == 1.0).all()
