"""The skin of a cylinder, seen from its sides, beside its formula."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.errors import InputError
from hdrplan.geometry import Grid, skin_view

GRID = Grid(shape_zyx=(40, 70, 70), origin_mm=np.array([-69.0, -69.0, -40.0]), spacing_mm=np.full(3, 2.0))
RADIUS_MM = 50.0


def patient() -> np.ndarray:
    at = GRID.points_mm()
    return (np.hypot(at[:, 0], at[:, 1]) < RADIUS_MM).reshape(GRID.shape_zyx)


@pytest.mark.parametrize("towards", [[-1.0, 0.0, 0.0], [-3.0, -4.0, 1.0]], ids=["right", "oblique"])
def test_the_skin_of_a_cylinder_lies_where_its_formula_says(towards: list[float]) -> None:
    view = skin_view(GRID, patient(), np.array(towards), np.zeros(3), 60.0)
    side = np.linspace(-view.half_mm, view.half_mm, len(view.height_mm))
    expected = np.sqrt(np.maximum(RADIUS_MM**2 - side**2, 0.0))
    inner = np.abs(side) < 0.8 * RADIUS_MM
    rows = np.abs(side) < 36.0
    assert np.abs(view.height_mm[np.ix_(rows, inner)] - expected[inner]).max() < 3.5
    assert np.isnan(view.height_mm[:, np.abs(side) > RADIUS_MM + 2.0]).all()


def test_right_of_the_picture_is_the_patients_left_seen_from_the_front() -> None:
    view = skin_view(GRID, patient(), np.array([0.0, -1.0, 0.0]), np.zeros(3), 60.0)
    assert view.placed_mm(np.array([[10.0, 0.0, 5.0]])).round(9).tolist() == [[10.0, 5.0, 0.0]]


def test_entries_on_the_other_side_are_hidden() -> None:
    view = skin_view(GRID, patient(), np.array([0.0, -1.0, 0.0]), np.zeros(3), 60.0)
    points = np.array([[10.0, -49.0, 5.0], [10.0, 49.0, 5.0], [300.0, 0.0, 0.0]])
    assert view.hidden(points, 8.0).tolist() == [False, True, True]


def test_from_the_head_nothing_is_seen() -> None:
    with pytest.raises(InputError, match="seen from a side"):
        skin_view(GRID, patient(), np.array([0.0, 0.0, 1.0]), np.zeros(3), 60.0)


@pytest.mark.parametrize("turn_deg", [0.0, 30.0])
@pytest.mark.parametrize("corner", [(0, 0, 0), (-1, 0, -1), (-1, -1, -1)])
def test_a_voxel_in_the_corner_of_a_turned_grid_is_seen_where_it_lies(
    turn_deg: float, corner: tuple[int, int, int]
) -> None:
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    direction = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    grid = Grid(shape_zyx=(6, 8, 9), origin_mm=np.zeros(3), spacing_mm=np.array([5.0, 6.0, 7.0]), direction=direction)
    mask = np.zeros(grid.shape_zyx, dtype=np.bool_)
    mask[corner] = True
    voxel_mm = grid.world(np.argwhere(mask)[:, ::-1].astype(np.float64))[0]
    towards = np.array([-1.0, 0.4, 0.0])
    view = skin_view(grid, mask, towards, np.array([10.0, 5.0, 3.0]), 80.0)
    height_mm = view.height_mm[np.isfinite(view.height_mm)]
    middle_mm = view.placed_mm(voxel_mm[None])[0, 2]
    # Every line through it meets it on the viewer's half of it or behind, no farther than half its diagonal.
    assert len(height_mm) >= 6
    assert np.abs(height_mm - middle_mm).max() <= 0.5 * np.linalg.norm(grid.spacing_mm[:2]) + 1e-9
    # Of its side in the axial plane, half a millimetre of a step is lost at most.
    assert height_mm.max() >= middle_mm + 0.5 * grid.spacing_mm[:2].min() - 1.0


def test_of_no_patient_nothing_is_seen() -> None:
    view = skin_view(GRID, np.zeros(GRID.shape_zyx, dtype=np.bool_), np.array([0.0, -1.0, 0.0]), np.zeros(3), 60.0)
    assert np.isnan(view.height_mm).all()
