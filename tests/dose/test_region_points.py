"""Points of a structure that is judged as a file draws it: inside it, on its surface, with its volume."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.dose import region_points
from hdrplan.dose.outline_field import field_of
from hdrplan.geometry import Grid, Outline, Structure
from hdrplan.geometry.outline import planes_of

# Edges of a turned box in mm, far from zero: heights and pixels cannot be taken for one another.
EDGES_MM, CENTRE_MM, TURN_RAD = np.array([41.3, 17.1, 30.0]), np.array([-60.0, 110.0, 300.0]), 0.4


def box() -> Outline:
    across = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * EDGES_MM[:2] / 2
    turn = np.array([[np.cos(TURN_RAD), -np.sin(TURN_RAD)], [np.sin(TURN_RAD), np.cos(TURN_RAD)]])
    heights = np.arange(-EDGES_MM[2] / 2, EDGES_MM[2] / 2 + 0.1, 3.0)
    loops = [np.column_stack((across @ turn.T, np.full(4, z))) + CENTRE_MM for z in heights]
    return Outline(name="box", contours_mm=tuple(loops))


def within_mm(points_mm: np.ndarray) -> np.ndarray:
    """How far points lie outside the box along each of its edges; negative inside."""
    turn = np.array([[np.cos(TURN_RAD), -np.sin(TURN_RAD)], [np.sin(TURN_RAD), np.cos(TURN_RAD)]])
    own = points_mm - CENTRE_MM
    own[:, :2] = own[:, :2] @ turn
    return np.abs(own) - EDGES_MM / 2


def test_the_area_of_one_contour_is_its_own() -> None:
    """Not that of its pixels, which are a tenth of a millimetre too many or too few along each edge."""
    field = field_of(planes_of(box())[0])
    assert field.pixel_mm != pytest.approx(1.0, abs=0.05)
    np.testing.assert_allclose(field.rows[:, 1], EDGES_MM[0] * EDGES_MM[1], rtol=1e-9)


@pytest.mark.parametrize("between", ["interpolated", "slabs"])
def test_points_without_volume_are_those_of_the_surface(between: str) -> None:
    """None lies outside by more than a pixel or half a slice, and they reach as far as the structure."""
    region = region_points(box(), between=between)
    room_mm = field_of(planes_of(box())[0]).pixel_mm + np.array([0.0, 0.0, 1.5])
    outside = np.concatenate([within_mm(p.points_mm[p.volume_cc == 0]) for p in (*region.parts, *region.fewer)])
    assert len(outside) > 100
    assert (outside <= room_mm).all()
    assert (outside.max(axis=0) >= -room_mm).all()


def test_fewer_points_have_the_same_volume() -> None:
    region = region_points(box())
    whole = sum(part.volume_cc.sum() for part in region.parts)
    fewer = sum(part.volume_cc.sum() for part in region.fewer)
    assert whole == pytest.approx(region.volume_cc)
    assert fewer == pytest.approx(whole, rel=2e-3)
    assert whole == pytest.approx(np.prod(EDGES_MM) / 1000.0, rel=0.11)  # half a slice at each end is open


@pytest.mark.parametrize("shape_zyx", [(8, 30, 12), (30, 8, 12), (12, 14, 30)])
def test_the_rim_of_a_mask_goes_round_all_of_it(shape_zyx: tuple[int, int, int]) -> None:
    """Rows of the slice axis: as many of them as the mask has along y, whatever its other sides."""
    grid = Grid(shape_zyx=tuple(n + 6 for n in shape_zyx), origin_mm=CENTRE_MM, spacing_mm=[1.5, 2.0, 2.5])
    mask = np.zeros(grid.shape_zyx, dtype=bool)
    mask[3:-3, 3:-3, 3:-3] = True
    region = region_points(Structure(name="box", role="OAR", grid=grid, mask_zyx=mask))
    (points,) = region.parts
    at_mm = region.surface @ points.to_lps[:, :3].T + points.to_lps[:, 3]
    index = grid.index(at_mm)
    nz, ny, nx = shape_zyx
    # The smooth shape rounds edges off by less than a voxel, and makes flat faces a little rounder.
    assert np.abs(index[:, 1].min() - 2.5) < 1.0
    assert np.abs(index[:, 1].max() - (2.5 + ny)) < 1.0
    assert np.abs(index[:, 2].min() - 2.5) < 0.5
    assert np.abs(index[:, 2].max() - (2.5 + nz)) < 0.5
    assert np.abs(index[:, 0].max() - (2.5 + nx)) < 1.0


def test_voxels_as_boxes_fill_their_voxels_and_the_smooth_shape_does_not() -> None:
    grid = Grid(shape_zyx=(12, 12, 12), origin_mm=CENTRE_MM, spacing_mm=[2.0, 2.0, 3.0])
    mask = np.zeros(grid.shape_zyx, dtype=bool)
    mask[3:-3, 3:-3, 3:-3] = True
    structure = Structure(name="box", role="OAR", grid=grid, mask_zyx=mask)
    for between, corners in (("slabs", True), ("interpolated", False)):
        (points,) = region_points(structure, between=between).parts
        index = grid.index(points.points_mm[points.volume_cc > 0])
        # Of the corner voxels' outer eighths.
        in_corners = (np.abs(index - 5.5) > 2.75).all(axis=1).any()
        assert in_corners == corners
        assert points.volume_cc.sum() == pytest.approx(structure.volume_cc, rel=1e-4)


def test_an_end_that_grows_goes_on_as_wide_as_its_last_contour() -> None:
    """Squares of 10, 14 and 20 mm: half a slice beyond the last the section is no smaller than that is."""
    square = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    loops = [np.column_stack((square * edge / 2, np.full(4, z))) for z, edge in ((0.0, 10.0), (3.0, 14.0), (6.0, 20.0))]
    region = region_points(Outline(name="funnel", contours_mm=tuple(loops)))
    beyond = region.parts[1]
    on_top = beyond.points_mm[:, 2] > 6.0
    volume_cc = float(beyond.volume_cc[on_top].sum())
    assert 0.98 <= volume_cc / (20.0**2 * 1.5 / 1000.0) <= 1.5
