"""The dose on grids against the dose at points."""

from __future__ import annotations

import numpy as np
import pytest
from dose_cases import invented_source, oblique_grid, some_dwells

from hdrplan.dose import dose_at_points, dose_field
from hdrplan.geometry import Grid

# A dose volume is stored as float32: half a unit in the last of 24 bits, twice for safety.
FLOAT32 = 1.2e-7


@pytest.mark.parametrize("grid", [oblique_grid(), oblique_grid().box([3, 2, 1], (4, 5, 6))], ids=["oblique", "box"])
def test_grid_is_points(grid: Grid) -> None:
    source, dwells = invented_source(), some_dwells()
    times_s = np.arange(len(dwells)) * 1.5
    field = dose_field(dwells, times_s, grid, source, strength_u=40700.0, exact=True)
    points = dose_at_points(dwells, times_s, grid.points_mm(), source, strength_u=40700.0)
    np.testing.assert_allclose(field.values_zyx.ravel(), points.gy, rtol=FLOAT32)
