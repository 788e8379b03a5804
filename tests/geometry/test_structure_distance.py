from __future__ import annotations

import numpy as np
import pytest

from hdrplan.errors import InputError
from hdrplan.geometry import Grid, Structure, distance_mm, inside, rim_mm, without
from naive import geometry as naive


def oblique(shape: tuple[int, int, int], spacing: list[float], seed: int = 0) -> Grid:
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return Grid(shape_zyx=shape, origin_mm=[10.0, -20.0, 30.0], spacing_mm=spacing, direction=turn)


def test_distance_is_the_naive_twin_on_an_oblique_grid() -> None:
    rng = np.random.default_rng(3)
    grid = oblique((5, 6, 7), [1.0, 1.5, 5.0])
    structure = Structure(name="s", role="CTV", grid=grid, mask_zyx=rng.random((5, 6, 7)) > 0.7)
    points = grid.world(rng.uniform(-6, 12, size=(80, 3)))
    expected = [naive.distance_mm(structure, point) for point in points]
    np.testing.assert_allclose(distance_mm(structure, points), expected, atol=1e-9)


def test_distance_of_many_points_is_that_of_each_and_of_none_is_none() -> None:
    """Points are looked at by blocks of 2048."""
    rng = np.random.default_rng(4)
    grid = oblique((6, 5, 4), [2.0, 1.0, 3.0])
    structure = Structure(name="s", role="CTV", grid=grid, mask_zyx=rng.random((6, 5, 4)) > 0.6)
    points = grid.world(rng.uniform(-4, 9, size=(4500, 3)))
    together = distance_mm(structure, points)
    apart = [distance_mm(structure, point[None])[0] for point in points[::97]]
    np.testing.assert_allclose(together[::97], apart, rtol=1e-12)
    assert distance_mm(structure, np.empty((0, 3))).tolist() == []


def test_distance_to_a_box() -> None:
    cube = Structure(
        name="cube",
        role="CTV",
        grid=Grid(shape_zyx=(3, 3, 3), origin_mm=[0, 0, 0], spacing_mm=[2, 2, 2]),
        mask_zyx=np.ones((3, 3, 3)),
    )  # -1 to 5 mm
    assert distance_mm(cube, [[2, 2, 2], [5, 5, 5], [8, 2, 2], [8, 9, 2]]).tolist() == [0, 0, 3, 5]


def test_inside_knows_the_edges_of_voxels() -> None:
    one = Structure(
        name="one",
        role="CTV",
        grid=Grid(shape_zyx=(1, 1, 1), origin_mm=[0, 0, 0], spacing_mm=[1, 2, 3]),
        mask_zyx=np.ones((1, 1, 1)),
    )
    assert inside(one, [[0.49, 0.99, 1.49], [0.51, 0, 0], [0, -1.01, 0], [0, 0, 1.51]]).tolist() == [
        True,
        False,
        False,
        False,
    ]


def test_rim_of_a_cube_lacks_its_core() -> None:
    cube = Structure(name="cube", role="CTV", grid=oblique((5, 5, 5), [1, 1, 1]), mask_zyx=np.ones((5, 5, 5)))
    assert len(rim_mm(cube)) == 5**3 - 3**3


def test_liver_without_a_lesion_on_another_grid() -> None:
    liver = Structure(
        name="liver",
        role="OAR",
        grid=Grid(shape_zyx=(20, 20, 20), origin_mm=[0, 0, 0], spacing_mm=[1, 1, 1]),
        mask_zyx=np.ones((20, 20, 20)),
    )
    fine = Grid(shape_zyx=(8, 8, 8), origin_mm=[5.25, 5.25, 5.25], spacing_mm=[0.5, 0.5, 0.5])  # covers 5 to 9 mm
    rest = without(liver, [Structure(name="lesion", role="CTV", grid=fine, mask_zyx=np.ones((8, 8, 8)))])
    # Voxel centres at 5, 6, 7, 8 mm lie in it; 9 mm lies on its edge and rounds to the voxel beyond.
    assert rest.name == "liver"
    assert rest.role == "OAR"
    assert rest.volume_cc == pytest.approx((20**3 - 4**3) / 1000)


def test_without_returns_the_same_structure_where_nothing_is_shared() -> None:
    liver = Structure(
        name="liver",
        role="OAR",
        grid=Grid(shape_zyx=(2, 2, 2), origin_mm=[0, 0, 0], spacing_mm=[1, 1, 1]),
        mask_zyx=np.ones((2, 2, 2)),
    )
    far = Structure(
        name="far",
        role="CTV",
        grid=Grid(shape_zyx=(2, 2, 2), origin_mm=[50, 0, 0], spacing_mm=[1, 1, 1]),
        mask_zyx=np.ones((2, 2, 2)),
    )
    assert without(liver, [far]) is liver


def test_nothing_left_is_an_error() -> None:
    liver = Structure(
        name="liver",
        role="OAR",
        grid=Grid(shape_zyx=(2, 2, 2), origin_mm=[0, 0, 0], spacing_mm=[1, 1, 1]),
        mask_zyx=np.ones((2, 2, 2)),
    )
    with pytest.raises(InputError, match="liver must be larger than lesion"):
        without(liver, [Structure(name="lesion", role="CTV", grid=liver.grid, mask_zyx=np.ones((2, 2, 2)))])
