"""Which dwells a block carries: every one that keeps the tolerance, and no other."""

from __future__ import annotations

import numpy as np
import pytest
from compare_blocks import stair_blocks
from kernel_cases import invented_tables, some_dwells

from hdrplan.arrays import frozen
from hdrplan.dose import blocks as cut
from hdrplan.geometry import Grid
from hdrplan.kernels.chebyshev import PADDED
from hdrplan.kernels.lattice import lattice_of
from hdrplan.kernels.tg43 import Stops
from hdrplan.kernels.tree import _carry
from hdrplan.kernels.vector import HELD


@pytest.fixture(scope="module")
def blocks():
    grid = Grid(shape_zyx=(5, 9, 18), origin_mm=[0.0] * 3, spacing_mm=[2.0, 1.5, 1.0])
    return stair_blocks(grid, lattice_of(invented_tables(np.random.default_rng(0))))


def error_at(table, half, distance, theta):
    """The entry of the next nearer distance, in the bin of the angle; farther than the table the first row."""
    nearer = [k for k, r in enumerate(cut._DISTANCES) if r <= distance / half]
    if not nearer or distance <= half:
        return np.inf
    return table[nearer[0], min(int(theta / np.pi * cut._ANGLES), cut._ANGLES - 1)]


@pytest.mark.parametrize("seed", range(12))
def test_a_dwell_is_carried_if_its_error_stays_within_the_tolerance(blocks, seed):
    """Doses are positive: relative errors that each keep the tolerance keep it together, whatever their signs."""
    rng = np.random.default_rng(seed)
    n, level = 24, 1
    half = blocks.half_diagonal_mm[level]
    # Larger errors the nearer, of the order of the tolerance; each row holds the largest from there outward.
    error = cut.TOLERANCE * np.sort(10.0 ** rng.uniform(-2.0, 1.5, (len(cut._DISTANCES), cut._ANGLES)), axis=0)
    least_mm = np.tile(cut._least_mm(error, half), (len(blocks.least2_mm2), 1))
    b = blocks._replace(least2_mm2=frozen(least_mm**2))
    lines, axes = some_dwells(rng, n)
    distance = half * np.concatenate((rng.uniform(0.3, 22.0, 12), rng.uniform(1.5, 2.0, 12)))
    positions = lines / np.linalg.norm(lines, axis=1, keepdims=True) * distance[:, None]
    weights = 10.0 ** rng.uniform(-3.0, 0.0, n) * np.maximum(distance, half) ** 2
    near, polynomial = np.full(n, -1), np.zeros(PADDED, dtype=np.float32)
    stops = Stops(frozen(positions), axes, frozen(weights))
    held = np.zeros(4 * HELD, dtype=np.float32)
    count = _carry(level, (0.0, 0.0, 0.0), np.arange(n), stops, b, near, held, polynomial)

    along = -(positions * axes).sum(axis=1)
    errs = [error_at(error, half, r, np.arccos(a / r)) for a, r in zip(along, distance, strict=True)]
    assert near[:count].tolist() == np.flatnonzero(np.array(errs) > cut.TOLERANCE).tolist()
    assert 0 < count < n
