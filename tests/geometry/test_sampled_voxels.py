"""A few voxels of a structure: every n-th in the order of the image, whatever the layers hold."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.geometry import Grid, Structure
from hdrplan.plausibility import sampled_mm


@pytest.mark.parametrize("filled", [0.0, 0.01, 0.4, 1.0])
@pytest.mark.parametrize("maximum", [1, 7, 300, 10**6])
def test_sampled_voxels_are_every_nth_of_all(filled, maximum):
    rng = np.random.default_rng(3)
    mask = rng.random((9, 11, 13)) < filled
    mask[4] = False  # a layer without a voxel
    mask[8, 10, 12] = True
    grid = Grid(shape_zyx=mask.shape, origin_mm=(5.0, -3.0, 2.0), spacing_mm=(0.7, 0.8, 3.0))
    structure = Structure(name="organ", role="OAR", grid=grid, mask_zyx=mask)
    voxels = structure.voxels_mm
    step = max(1, -(-len(voxels) // maximum))
    assert np.array_equal(sampled_mm(structure, maximum), voxels[::step])
