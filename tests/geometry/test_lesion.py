from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdrplan.errors import InputError
from hdrplan.geometry import (
    Grid,
    LesionShape,
    Structure,
    dwell_positions,
    ellipsoid,
    inside,
    on_grid,
    parallel_catheters,
    place_in,
    synthetic_lesion,
)

GRID = Grid(shape_zyx=(70, 80, 90), origin_mm=[-90, -80, -70], spacing_mm=[2, 2, 2])
LIVER = ellipsoid("liver", GRID, [0, 0, 0], [80, 65, 60], role="OAR")


@pytest.mark.parametrize("diameter_mm", [20.0, 50.0, 120.0])
def test_lesion_has_the_volume_of_its_ball(diameter_mm: float) -> None:
    lesion = synthetic_lesion(LIVER, LesionShape(diameter_mm, 1.3, (0, 0, 0)))
    assert lesion.role == "CTV"
    # Counted in 2 mm voxels; the largest is cut by the organ.
    ball_cc = math.pi / 6 * diameter_mm**3 / 1000
    assert lesion.volume_cc <= ball_cc * 1.05
    assert lesion.volume_cc >= ball_cc * 0.95 or diameter_mm == 120.0
    assert not (lesion.mask_zyx & ~LIVER.mask_zyx).any()


def test_place_is_the_deepest_or_one_where_the_lesion_fits() -> None:
    assert np.abs(place_in(LIVER, 30.0)).max() <= 10.0
    rng = np.random.default_rng(4)
    places = np.array([place_in(LIVER, 60.0, rng) for _ in range(20)])
    assert np.ptp(places, axis=0).max() > 20.0
    for place in places:
        whole = ellipsoid("whole", GRID, place, [28, 28, 28])  # 30 mm less a voxel
        assert not (whole.mask_zyx & ~LIVER.mask_zyx).any()


def test_seed_fixes_the_lesion() -> None:
    first, second = (
        synthetic_lesion(LIVER, LesionShape(40.0, elongation=2.0), rng=np.random.default_rng(9)) for _ in range(2)
    )
    other = synthetic_lesion(LIVER, LesionShape(40.0, elongation=2.0), rng=np.random.default_rng(10))
    assert (first.mask_zyx == second.mask_zyx).all()
    assert (first.mask_zyx != other.mask_zyx).any()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), diameter_mm=st.floats(20.0, 110.0))
def test_catheters_by_rule_are_parallel_apart_and_reach_the_lesion(seed: int, diameter_mm: float) -> None:
    rng = np.random.default_rng(seed)
    lesion = synthetic_lesion(LIVER, LesionShape(diameter_mm, elongation=1.2), rng=rng)
    direction = rng.normal(size=3)
    direction /= np.linalg.norm(direction)
    catheters = parallel_catheters(lesion, direction=direction)
    assert 1 <= len(catheters) <= 31
    tips = np.array([c.points_mm[-1] for c in catheters])
    for c in catheters:
        way = c.points_mm[-1] - c.points_mm[0]
        np.testing.assert_allclose(way / np.linalg.norm(way), direction, atol=1e-9)
    flat = tips - np.outer(tips @ direction, direction)
    gaps = np.linalg.norm(flat[:, None] - flat[None], axis=2)[~np.eye(len(tips), dtype=bool)]
    assert gaps.min(initial=np.inf) > 9.9
    # Every one has dwells in or at the lesion.
    dwells = dwell_positions(catheters, targets=[lesion])
    assert set(dwells.catheter.tolist()) == set(range(len(catheters)))


def test_on_grid_moves_no_voxel() -> None:
    part = Structure(name="part", role="OAR", grid=GRID.box([10, 20, 30], (3, 4, 5)), mask_zyx=np.ones((3, 4, 5)))
    whole = on_grid(part, GRID)
    assert whole.volume_cc == part.volume_cc
    assert inside(whole, part.grid.points_mm()).all()
    shifted = Structure(
        name="off",
        role="OAR",
        grid=Grid(shape_zyx=(2, 2, 2), origin_mm=[0.7, 0, 0], spacing_mm=[2, 2, 2]),
        mask_zyx=np.ones((2, 2, 2)),
    )
    with pytest.raises(InputError, match="off: a structure must lie on the voxels"):
        on_grid(shifted, GRID)


def test_sizes_and_places_that_cannot_be() -> None:
    with pytest.raises(InputError, match="between 8 and 120"):
        LesionShape(5.0)
    with pytest.raises(InputError, match="must lie in liver"):
        synthetic_lesion(LIVER, LesionShape(30.0, centre_mm=(500, 0, 0)))
    with pytest.raises(InputError, match="elongation"):
        LesionShape(30.0, elongation=9.0)
    with pytest.raises(InputError, match="direction"):
        parallel_catheters(LIVER, direction=(0, 0, 0))
    with pytest.raises(InputError, match="semi-axes"):
        ellipsoid("e", GRID, [0, 0, 0], [1, -1, 1])
    with pytest.raises(InputError, match="at least one voxel centre"):
        ellipsoid("e", GRID, [900, 0, 0], [3, 3, 3])
