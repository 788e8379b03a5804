"""A CT of a trunk of tissue with one catheter from the skin to its middle: small enough to trace in a second."""

from __future__ import annotations

import numpy as np

from hdrplan.geometry import Catheter, Grid, Tube, Volume, with_tubes

GRID = Grid(shape_zyx=(50, 90, 100), origin_mm=np.array([-60.0, -45.0, -25.0]), spacing_mm=np.ones(3))
TRUTH = Catheter("true", np.array([[-57.0, -10.0, 4.0], [8.0, 3.0, -3.0]]))


def trunk(*, catheters: bool = True) -> Volume:
    """CT of a cylinder of tissue with one catheter in it, or without."""
    at = GRID.points_mm()
    hu = np.where(np.hypot(at[:, 0], at[:, 1]) < 38.0, 50.0, -1000.0).reshape(GRID.shape_zyx)
    ct = Volume(GRID, (hu + np.random.default_rng(1).normal(0.0, 8.0, hu.shape)).astype(np.float32))
    drawn = with_tubes(ct, [TRUTH], Tube()) if catheters else ct
    return Volume(GRID, drawn.values_zyx.round().astype(np.int16))
