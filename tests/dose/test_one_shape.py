"""One definition of a structure's points: sample points, voxel centres and the proof's boxes agree on it."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.odd_shapes import SPACINGS_MM, odd_shapes

from hdrplan.dose import Shape, sample_points, shape_of
from hdrplan.dose.boxes import BoxTree, first_boxes
from hdrplan.errors import InputError
from hdrplan.geometry import Grid, Structure

# Cosines of six decimals, as DICOM writes them: not square.
TURN = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))[0].round(6)


def in_shape(shape: Shape, points_mm: np.ndarray) -> np.ndarray:
    """The definition, written out: eight corners of the cell, weighted."""
    index = ((points_mm - shape.grid.origin_mm) @ np.linalg.inv(shape.grid.direction).T) / shape.grid.spacing_mm
    low = np.clip(np.floor(index).astype(int), 0, np.array(shape.grid.shape_zyx[::-1]) - 2)
    part = np.clip(index - low, 0.0, 1.0)
    level = np.zeros(len(index))
    for corner in np.ndindex(2, 2, 2):
        x, y, z = (low + corner).T
        weight = np.where(np.array(corner) == 1, part, 1.0 - part).prod(axis=1)
        level += weight * shape.level_zyx[z, y, x].astype(np.float64)
    return level >= -1e-12


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("spacing_mm", SPACINGS_MM)
def test_every_sample_point_belongs_to_the_shape(spacing_mm: tuple[float, float, float], turned: bool) -> None:
    for structure in odd_shapes(spacing_mm, TURN if turned else None):
        shape, points = shape_of(structure), sample_points([structure], spacing_mm=1.5)
        inside = in_shape(shape, points.points_mm)
        assert inside.all(), f"{structure.name}: {(~inside).sum()} of {len(points)} points outside"
        assert points.volume_cc.sum() == pytest.approx(structure.volume_cc, rel=1e-9)
        # Surface points lie on the surface, but for the mask's voxel centres close by: a fiftieth of a cube away, along
        # one direction or another, is outside.
        surface = points.points_mm[points.on_surface]
        index = structure.grid.index(surface)
        surface = surface[np.abs(index - np.rint(index)).max(axis=1) > 1e-4]
        step = 0.02 * points.spacing_mm[0]
        assert len(surface) > 20
        for direction in np.array(list(np.ndindex(3, 3, 3))) - 1.0:
            surface = surface[in_shape(shape, surface + step * direction)]
        assert len(surface) == 0, structure.name


@pytest.mark.parametrize("spacing_mm", SPACINGS_MM)
def test_voxel_centres_keep_their_side(spacing_mm: tuple[float, float, float]) -> None:
    for structure in odd_shapes(spacing_mm):
        shape, grid = shape_of(structure), structure.grid
        inside = in_shape(shape, grid.points_mm())
        wrong = int((inside != structure.mask_zyx.ravel()).sum())
        assert wrong == 0, f"{structure.name}: {wrong} voxels"


def test_the_boxes_of_the_proof_hold_every_sample_point() -> None:
    for structure in odd_shapes((1.0, 2.0, 4.0), TURN):
        points = sample_points([structure], spacing_mm=2.0)
        shape = points.shape(structure.name)
        low, size = first_boxes(shape)
        index = shape.grid.index(points.points_mm)
        held = np.zeros(len(index), dtype=bool)
        for start in range(0, len(low), 500):
            first, width = low[start : start + 500], size[start : start + 500]
            held |= ((index[:, None] >= first) & (index[:, None] <= first + width)).all(axis=2).any(axis=1)
        assert held.all(), structure.name


def test_a_shape_that_does_not_end_is_refused() -> None:
    grid = Grid(shape_zyx=(3, 3, 3), origin_mm=[0.0] * 3, spacing_mm=[1.0] * 3)
    level = -np.ones((3, 3, 3), dtype=np.float32)
    level[1, 1, 2] = 0.5
    with pytest.raises(InputError, match="must end within its grid"):
        Shape(grid, level, 5.0)


@pytest.mark.parametrize("slice_mm", [2.0, 4.0])
def test_a_flat_end_adds_no_boxes_beyond_it(slice_mm: float) -> None:
    # A cylinder along the slices ends flat, half a slice beyond the last: boxes there would hold nothing of it.
    grid = Grid(shape_zyx=(6, 20, 20), origin_mm=[-9.5, -9.5, 0.0], spacing_mm=[1.0, 1.0, slice_mm])
    place = grid.points_mm()
    mask = ((np.hypot(place[:, 0], place[:, 1]) < 6.0) & (place[:, 2] > 0.0)).reshape(grid.shape_zyx)
    mask[-1] = False
    shape = shape_of(Structure(name="can", role="CTV", grid=grid, mask_zyx=mask))
    tree = BoxTree(shape)
    boxes = tree.roots
    while (large := tree.size(boxes).max(axis=1) > 1.0).any():
        boxes = np.concatenate((boxes[~large], tree.halves(boxes[large])))
    low, size = tree.low(boxes), tree.size(boxes)
    ends_mm = shape.grid.world(np.array([low.min(axis=0), (low + size).max(axis=0)]))[:, 2]
    np.testing.assert_allclose(ends_mm, [0.5 * slice_mm, 4.5 * slice_mm], atol=1e-9)


def test_the_first_boxes_hold_the_faintest_part() -> None:
    """A structure is all where its level is not negative, be it by a hundredth of a millimetre at one place."""
    level = np.full((24, 24, 24), -1.0, dtype=np.float32)
    level[2:6, 2:6, 2:6], level[20, 19, 12] = 1.0, 0.01
    low, size = first_boxes(Shape(Grid(shape_zyx=(24,) * 3, origin_mm=[0.0] * 3, spacing_mm=[1.0] * 3), level, 5.0))
    assert ((low <= [12, 19, 20]) & (low + size >= [12, 19, 20])).all(axis=1).any()
