"""Pictures begin where there is something to see."""

from __future__ import annotations

import numpy as np

from hdrplan.geometry import Grid, Volume
from hdrplan.report.scene import view_extent


def test_without_a_target_pictures_begin_where_the_dose_is_highest() -> None:
    """A comparison without its case began in the middle of the dose grid, beside the lesion."""
    grid = Grid(shape_zyx=(6, 8, 9), origin_mm=np.array([-40.0, 10.0, 5.0]), spacing_mm=np.array([2.0, 2.0, 3.0]))
    values = np.zeros(grid.shape_zyx)
    values[4, 1, 7] = 300.0
    _, _, focus = view_extent((), (), [Volume(grid, values)])
    assert np.allclose(focus, [-26.0, 12.0, 17.0])
