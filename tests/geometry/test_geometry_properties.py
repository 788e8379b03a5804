"""What must hold for any grid, mask and catheter."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hdrplan.geometry import (
    Catheter,
    Grid,
    Structure,
    contours_of_structure,
    distance_mm,
    dwell_positions,
    inside,
    on_grid,
    structure_of_contours,
)
from naive import geometry as naive
from tolerances import MOVED

Rng = np.random.Generator
SEEDS = st.integers(0, 10**6)


def turned(rng: Rng) -> np.ndarray:
    """Any three axes at right angles, left-handed ones too."""
    return np.asarray(np.linalg.qr(rng.normal(size=(3, 3)))[0])


def some_grid(rng: Rng, low: int = 1, high: int = 9) -> Grid:
    return Grid(
        shape_zyx=tuple(rng.integers(low, high, 3)),
        origin_mm=rng.uniform(-300.0, 300.0, 3),
        spacing_mm=rng.uniform(0.3, 6.0, 3),
        direction=turned(rng),
    )


def some_structure(rng: Rng, grid: Grid, fill: float) -> Structure:
    mask = rng.random(grid.shape_zyx) < fill
    mask.ravel()[rng.integers(mask.size)] = True
    return Structure(name="s", role="CTV", grid=grid, mask_zyx=mask)


def moved(grid: Grid, turn: np.ndarray, shift: np.ndarray) -> Grid:
    return Grid(
        shape_zyx=grid.shape_zyx,
        origin_mm=turn @ grid.origin_mm + shift,
        spacing_mm=grid.spacing_mm,
        direction=turn @ grid.direction,
    )


@given(SEEDS)
def test_places_and_indices_undo_each_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    grid = some_grid(rng)
    index = rng.uniform(-3.0, 12.0, (20, 3))
    world = grid.world(index)
    np.testing.assert_allclose(grid.index(world), index, atol=MOVED)
    for at, (x, y, z) in zip(world, index * grid.spacing_mm, strict=True):
        by_hand = grid.origin_mm + x * grid.direction[:, 0] + y * grid.direction[:, 1] + z * grid.direction[:, 2]
        np.testing.assert_allclose(at, by_hand, atol=MOVED)
    # Distances are those of the voxels' edges, whatever the directions.
    steps = np.linalg.norm(np.diff(index * grid.spacing_mm, axis=0), axis=1)
    np.testing.assert_allclose(np.linalg.norm(np.diff(world, axis=0), axis=1), steps, atol=MOVED)
    low = rng.integers(0, 3, 3)
    part = grid.box(low, (2, 2, 2))
    np.testing.assert_allclose(part.world(index), grid.world(index + low), atol=MOVED)
    assert part.same_as(
        Grid(shape_zyx=(2, 2, 2), origin_mm=grid.world(low), spacing_mm=grid.spacing_mm, direction=grid.direction)
    )


@settings(deadline=None)
@given(SEEDS, st.floats(0.05, 0.95))
def test_any_mask_survives_its_contours(seed: int, fill: float) -> None:
    """Holes, islands in holes, pixels that touch at a corner, at the border of the grid; on any axes."""
    rng = np.random.default_rng(seed)
    size = rng.integers(2, 12, 2)
    grid = Grid(
        shape_zyx=(3, *size), origin_mm=rng.uniform(-100.0, 100.0, 3), spacing_mm=[1.5, 1.5, 3.0], direction=turned(rng)
    )
    mask = rng.random(grid.shape_zyx) < fill
    mask[:, rng.integers(size[0]), rng.integers(size[1])] = True  # something on every slice
    want = Structure(name="s", role="OAR", grid=grid, mask_zyx=mask)
    found, warnings = structure_of_contours("s", "OAR", [points for _, points in contours_of_structure(want)], grid)
    np.testing.assert_array_equal(on_grid(found, grid).mask_zyx, mask)
    assert not warnings
    assert abs(found.volume_cc - want.volume_cc) <= MOVED * want.volume_cc


@settings(deadline=None)
@given(SEEDS, st.floats(0.02, 0.9))
def test_distance_falls_to_zero_inside_and_no_faster_than_the_way(seed: int, fill: float) -> None:
    rng = np.random.default_rng(seed)
    grid = some_grid(rng, 2, 7)
    part = some_structure(rng, grid, fill)
    whole = Structure(name="w", role="CTV", grid=grid, mask_zyx=part.mask_zyx | (rng.random(grid.shape_zyx) < 0.2))
    points = grid.world(rng.uniform(-3.0, 9.0, (40, 3)))
    away = distance_mm(part, points)
    assert ((away == 0.0) == inside(part, points)).all()
    way = np.linalg.norm(points[:, None] - points[None], axis=2)
    assert (np.abs(away[:, None] - away[None]) <= way + MOVED).all()
    # More voxels are nearer; one voxel more at a time, the least of both distances.
    assert (distance_mm(whole, points) <= away + MOVED).all()
    turn, shift = turned(rng), rng.uniform(-50.0, 50.0, 3)
    there = Structure(name="t", role="CTV", grid=moved(grid, turn, shift), mask_zyx=part.mask_zyx)
    np.testing.assert_allclose(distance_mm(there, points @ turn.T + shift), away, atol=MOVED)


@settings(deadline=None)
@given(SEEDS, st.floats(1.0, 8.0))
def test_dwells_lie_on_their_catheter_and_move_with_it(seed: int, step_mm: float) -> None:
    rng = np.random.default_rng(seed)
    points = np.cumsum(rng.normal([6.0, 0.0, 0.0], 1.0, (8, 3)), axis=0)
    plain = dwell_positions([Catheter("c", points)], step_mm=step_mm, tip_offset_mm=6.0)
    for position, offset in zip(plain.positions_mm, plain.offset_mm, strict=True):
        np.testing.assert_allclose(position, naive.along(points, offset), atol=MOVED)
    np.testing.assert_allclose(np.linalg.norm(plain.axes, axis=1), 1.0, atol=MOVED)
    turn, shift = turned(rng), rng.uniform(-50.0, 50.0, 3)
    there = dwell_positions([Catheter("c", points @ turn.T + shift)], step_mm=step_mm, tip_offset_mm=6.0)
    np.testing.assert_allclose(there.positions_mm, plain.positions_mm @ turn.T + shift, atol=MOVED)
    np.testing.assert_allclose(there.axes, plain.axes @ turn.T, atol=MOVED)
    # A point more on the way is the same catheter.
    k, part = int(rng.integers(1, 8)), rng.uniform(0.1, 0.9)
    denser = np.insert(points, k, (1 - part) * points[k - 1] + part * points[k], axis=0)
    same = dwell_positions([Catheter("c", denser)], step_mm=step_mm, tip_offset_mm=6.0)
    np.testing.assert_allclose(same.positions_mm, plain.positions_mm, atol=MOVED)
    np.testing.assert_allclose(same.axes, plain.axes, atol=1e-6)
