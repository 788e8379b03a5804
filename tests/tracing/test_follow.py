"""Lines followed at the border of a scan."""

from __future__ import annotations

import numpy as np

from hdrplan.geometry import Catheter, Grid, Tube, Volume, with_tubes
from hdrplan.tracing.follow import whole_line
from hdrplan.tracing.scene import scene_of

GRID = Grid(shape_zyx=(30, 60, 70), origin_mm=np.array([-35.0, -30.0, -15.0]), spacing_mm=np.ones(3))


def test_a_line_along_the_outer_slice_is_followed_inside_the_scan_alone() -> None:
    """Beyond the last slice the CT is taken to go on: a line there is none, and one that leaves ends at the border."""
    at = GRID.points_mm()
    hu = np.where(np.abs(at[:, 1]) < 22.0, 40.0, -1000.0).reshape(GRID.shape_zyx).astype(np.float32)
    line = Catheter("c", np.array([[-33.0, 0.0, 10.0], [33.0, 0.0, 18.0]]))
    scene = scene_of(with_tubes(Volume(GRID, hu), [line], Tube()))
    along = np.array([66.0, 0.0, 8.0]) / np.hypot(66.0, 8.0)
    track = whole_line(scene, np.array([-10.0, 0.0, 12.8]), along)
    assert track is not None
    assert GRID.contains(track).all()
    assert whole_line(scene, np.array([-10.0, 0.0, 19.0]), np.array([1.0, 0.0, 0.0])) is None
