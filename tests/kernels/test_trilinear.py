from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from hdrplan.kernels.trilinear import value_and_slope_rows, value_between


def values_of(field: np.ndarray, index: np.ndarray) -> np.ndarray:
    out = np.full((len(index), 4), np.nan)
    value_and_slope_rows(0, len(index), field, index, out)
    return out


def test_slopes_of_a_plane_are_its_coefficients() -> None:
    z, y, x = np.meshgrid(np.arange(6.0), np.arange(7.0), np.arange(8.0), indexing="ij")
    field = (0.5 * x - 2.0 * y + 3.0 * z).astype(np.float32)
    index = np.random.default_rng(2).uniform(0.5, 4.5, size=(50, 3))
    np.testing.assert_allclose(values_of(field, index)[:, 1:], np.tile([0.5, -2.0, 3.0], (50, 1)), atol=1e-5)


@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 2, 3), (2, 1, 1), (1, 1, 1)])
def test_every_voxel_centre_has_its_own_value(shape) -> None:
    """The last ones too, and those of grids one voxel thick."""
    field = np.random.default_rng(0).normal(size=shape)
    for z, y, x in product(*map(range, shape)):
        assert value_between(field, float(x), float(y), float(z)) == pytest.approx(field[z, y, x], rel=1e-12)
