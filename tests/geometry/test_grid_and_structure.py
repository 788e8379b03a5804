"""What grids, volumes and structures answer when they are asked where and what."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.errors import InputError
from hdrplan.geometry import Grid, Structure, Volume, box_of
from naive import grids as naive

SHAPE = (4, 5, 6)


def _grid(rng: np.random.Generator) -> Grid:
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    return Grid(shape_zyx=SHAPE, origin_mm=rng.normal(size=3) * 50, spacing_mm=rng.uniform(0.7, 3, 3), direction=turn)


def _structure(rng: np.random.Generator) -> Structure:
    return Structure(name="s", role="OAR", grid=_grid(rng), mask_zyx=rng.random(SHAPE) < 0.2)


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.float64])
def test_a_volume_says_its_values_between_the_centres(dtype: type) -> None:
    rng = np.random.default_rng(3)
    volume = Volume(_grid(rng), rng.integers(-1000, 1000, SHAPE).astype(dtype))
    index = rng.uniform(-0.9, np.array(SHAPE[::-1]) - 0.1, (2, 50, 3))
    got = volume.at(volume.grid.world(index))
    assert got.shape == (2, 50)
    far = (index < -0.5).any(axis=-1) | (index > np.array(SHAPE[::-1]) - 0.5).any(axis=-1)
    assert 0 < far.sum() < 100
    want = np.array([[naive.trilinear(volume.values_zyx, at) for at in row] for row in index])
    np.testing.assert_allclose(got, np.where(far, np.nan, want), atol=1e-9)


def test_the_rim_with_values_can_be_chosen() -> None:
    grid = Grid(shape_zyx=(3, 3, 3), origin_mm=[0, 0, 0], spacing_mm=[2, 2, 2])
    volume = Volume(grid, np.full((3, 3, 3), 7.0))
    points = [[-0.5, 2.0, 2.0], [0.0, 2.0, 2.0], [4.0, 4.0, 4.0], [4.9, 2.0, 2.0], [5.1, 2.0, 2.0]]
    assert np.isnan(volume.at(points)).tolist() == [False, False, False, False, True]
    assert np.isnan(volume.at(points, rim_voxels=0.0)).tolist() == [True, False, False, True, True]


def test_a_structure_says_where_its_voxels_lie() -> None:
    for seed in range(5):
        structure = _structure(np.random.default_rng(seed))
        at = [
            structure.grid.world([x, y, z]) for z, y, x in np.ndindex(SHAPE) if structure.mask_zyx[z, y, x]
        ]  # fmt: skip
        np.testing.assert_allclose(structure.voxels_mm, at, atol=1e-12)
        np.testing.assert_allclose(structure.centre_mm, np.mean(at, axis=0), rtol=1e-12)
        np.testing.assert_allclose(structure.box_mm, [np.min(at, axis=0), np.max(at, axis=0)], atol=1e-12)


def test_the_box_of_a_mask_is_the_smallest_that_holds_it() -> None:
    for seed in range(20):
        mask = np.random.default_rng(seed).random(SHAPE) < 0.05
        if not mask.any():
            continue
        box = box_of(mask)
        assert mask[box].sum() == mask.sum()
        for axis in range(3):
            assert mask[box].any(axis=tuple({0, 1, 2} - {axis}))[[0, -1]].all()


def test_a_grid_is_cut_to_points_and_a_margin() -> None:
    rng = np.random.default_rng(5)
    grid = _grid(rng)
    points = grid.world(rng.uniform(1.4, 2.6, (30, 3)))
    part = grid.cut_to(points, 0.3 * float(grid.spacing_mm.min()))
    assert part.contains(points, rim_voxels=0.0).all()
    assert part.shape_zyx == (3, 3, 3)
    # As far as the grid goes.
    assert grid.cut_to(points, 1000.0).same_as(grid)


def test_a_grid_around_points_reaches_beyond_them() -> None:
    points = [[0.0, 0, 0], [10, 0, 0], [0, 4, 30]]
    grid = Grid.around(points, spacing_mm=2.0, margin_mm=5.0)
    assert grid.shape_zyx == (21, 8, 11)
    assert grid.origin_mm.tolist() == [-5.0, -5.0, -5.0]
    assert grid.world(np.array(grid.shape_zyx[::-1]) - 1).tolist() == [15.0, 9.0, 35.0]
    for spacing_mm, margin_mm in ((0.05, 5.0), (51.0, 5.0), (2.0, -1.0), (2.0, 501.0)):
        with pytest.raises(InputError, match=r"`spacing_mm` must lie in 0\.1 to 50 mm"):
            Grid.around(points, spacing_mm=spacing_mm, margin_mm=margin_mm)
