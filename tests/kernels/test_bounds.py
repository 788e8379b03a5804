"""How fast the lower bound of a box closes on the dose when the box shrinks."""

from __future__ import annotations

import numpy as np
import pytest
from compare_blocks import bound
from kernel_cases import invented_tables, some_dwells

from hdrplan.arrays import frozen
from hdrplan.kernels.bounds import linear_bound_rows
from hdrplan.kernels.tg43 import Stops
from naive import tg43 as naive


@pytest.mark.parametrize(("even", "order"), [(True, 2.0), (False, 1.0)])
@pytest.mark.parametrize("seed", range(4))
def test_gap_falls_with_the_square_of_the_box(seed: int, even: bool, order: float) -> None:
    """Where g and F have no bends; a box on a bend of the tables closes in proportion to its size."""
    rng = np.random.default_rng(seed)
    t = invented_tables(rng, even=even)
    t = t._replace(g_r_mm=frozen([*t.g_r_mm[:-1], 200.0]))  # beyond g's table the bound is a constant
    positions, axes = some_dwells(rng, 3)
    weights = frozen(rng.uniform(1.0, 9.0, 3))
    centres = rng.normal(size=(40, 3))
    centres *= rng.uniform(40.0, 70.0, (40, 1)) / np.linalg.norm(centres, axis=1, keepdims=True)
    dose = naive.doses(centres, positions, axes, weights, t)
    gaps = []
    for half in (1.0, 0.5, 0.25, 0.125):
        cubes = np.full(40, half)
        out = bound(linear_bound_rows, t, centres, cubes, np.eye(3), Stops(positions, axes, weights))
        gaps.append(np.median((dose - out[:, 0] + out[:, 4]) / dose))
    assert gaps[0] < 0.1
    assert (np.array(gaps[1:]) <= 1.1 * np.array(gaps[:-1]) / 2.0**order).all(), gaps
