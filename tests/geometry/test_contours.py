"""Contours and masks: there and back, holes, missing planes, planes between slices."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.errors import FormatError
from hdrplan.geometry import Grid, Structure
from hdrplan.geometry.contours import contours_of_structure, structure_of_contours
from hdrplan.kernels.polygon import flip_inside

GRID = Grid(shape_zyx=(6, 40, 50), origin_mm=np.array([-20.0, 5.0, 100.0]), spacing_mm=np.array([1.5, 1.5, 3.0]))
Y, X = np.mgrid[:40, :50]
DISC = (X - 25) ** 2 + (Y - 20) ** 2 < 15**2
RING = DISC & ((X - 25) ** 2 + (Y - 20) ** 2 > 7**2)
TWO = ((X - 12) ** 2 + (Y - 20) ** 2 < 8**2) | ((X - 38) ** 2 + (Y - 20) ** 2 < 9**2)
HOLES = DISC & ~((abs(X - 20) < 2) & (abs(Y - 20) < 3)) & ~((abs(X - 30) < 2) & (abs(Y - 17) < 3))
ISLAND = RING | ((X - 25) ** 2 + (Y - 20) ** 2 < 3**2)
CHECKER = ((X + Y) % 2 == 0) & DISC
SHAPES = {
    "solid": DISC,
    "ring": RING,
    "two parts": TWO,
    "holes": HOLES,
    "island in a ring": ISLAND,
    "diagonal": CHECKER,
}


# A disc of 60 pixels' radius on a lattice: Gauss's circle problem, 0.2 to 0.3 % of its area.
RASTER = 4e-3


def structure(plane: np.ndarray, grid: Grid = GRID) -> Structure:
    mask = np.zeros(grid.shape_zyx, dtype=bool)
    mask[1:5] = plane
    return Structure(name="roi", role="OAR", grid=grid, mask_zyx=mask)


def on(grid: Grid, found: Structure) -> np.ndarray:
    """Return the structure's mask on a grid that it is a box of."""
    low = np.rint(grid.index(found.grid.origin_mm)).astype(int)
    mask = np.zeros(grid.shape_zyx, dtype=bool)
    nz, ny, nx = found.grid.shape_zyx
    mask[low[2] : low[2] + nz, low[1] : low[1] + ny, low[0] : low[0] + nx] = found.mask_zyx
    return mask


@pytest.mark.parametrize("shape", SHAPES)
def test_mask_to_contours_to_mask_is_the_identity(shape: str) -> None:
    want = structure(SHAPES[shape])
    contours = [points for _, points in contours_of_structure(want)]
    found, warnings = structure_of_contours("roi", "OAR", contours, GRID)
    np.testing.assert_array_equal(on(GRID, found), want.mask_zyx)
    assert not warnings


def test_identity_on_an_oblique_grid() -> None:
    c, s = np.cos(0.4), np.sin(0.4)
    turn = np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    grid = Grid(shape_zyx=GRID.shape_zyx, origin_mm=GRID.origin_mm, spacing_mm=GRID.spacing_mm, direction=turn)
    want = structure(HOLES, grid)
    found, _ = structure_of_contours("roi", "OAR", [p for _, p in contours_of_structure(want)], grid)
    np.testing.assert_array_equal(on(grid, found), want.mask_zyx)


def test_a_solid_part_is_one_contour_and_a_ring_one_keyhole() -> None:
    assert len(contours_of_structure(structure(DISC))) == 4
    assert len(contours_of_structure(structure(RING))) == 4
    assert len(contours_of_structure(structure(TWO))) == 8


def circle(radius: float, z: float, n: int = 200) -> np.ndarray:
    at = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.column_stack((radius * np.cos(at), radius * np.sin(at), np.full(n, z)))


def test_cylinder_has_its_volume_with_end_slabs() -> None:
    """Planes at 0, 2.5 ... 20 mm stand for 22.5 mm: half a slab beyond either end."""
    contours = [circle(15.0, z) for z in np.arange(0, 20.1, 2.5)]
    found, _ = structure_of_contours("roi", "OAR", contours, None)
    assert found.volume_cc == pytest.approx(np.pi * 15**2 * 22.5 / 1000, rel=RASTER)


def test_separate_inner_contour_is_a_hole() -> None:
    contours = [c for z in (0.0, 2.0, 4.0) for c in (circle(15.0, z), circle(5.0, z))]
    found, _ = structure_of_contours("roi", "OAR", contours, None)
    assert found.volume_cc == pytest.approx(np.pi * (15**2 - 5**2) * 6 / 1000, rel=RASTER)


def test_missing_plane_is_filled_between_its_neighbours() -> None:
    contours = [circle(10.0, 0.0), circle(10.0, 2.0), circle(14.0, 6.0)]
    found, warnings = structure_of_contours("roi", "OAR", contours, None)
    areas = found.mask_zyx.sum(axis=(1, 2)) * np.prod(found.grid.spacing_mm[:2])
    assert areas[2] == pytest.approx(np.pi * 12**2, rel=0.02)
    assert [w.sentence for w in warnings] == ["roi: 1 planes without contour were filled from their neighbours"]


def test_planes_between_the_slices_keep_their_place() -> None:
    contours = [np.add(circle(10.0, z), (0, 30, 101.0)) for z in (0.0, 2.0, 4.0)]
    found, warnings = structure_of_contours("roi", "OAR", contours, GRID)
    centre = found.voxels_mm.mean(axis=0)
    np.testing.assert_allclose(centre, [0, 30, 103.0], atol=0.05)
    assert any("between the CT slices" in w.text for w in warnings)


def test_contours_that_make_no_structure() -> None:
    tilted = circle(10.0, 0.0)
    tilted[:, 2] += 0.3 * tilted[:, 0]
    for contours, says in (
        ([circle(10.0, 0.0), tilted], "parallel planes"),
        ([circle(10.0, 0.0), circle(10.0, 2.0), circle(10.0, 3.3)], "regular distances"),
        ([np.array([[0, 0, 0], [1, 1, 0], [2, 2, 0.0]])], "encloses an area"),
    ):
        with pytest.raises(FormatError, match=says):
            structure_of_contours("roi", "OAR", contours, None)


def test_a_channel_walked_twice_encloses_nothing() -> None:
    polygon = np.array([[2, 2], [17, 2], [17, 17], [2, 17], [2, 2], [7.3, 6.1], [7.3, 6.1], [2, 2]], dtype=float)
    plain, keyhole = np.zeros((20, 20), dtype=bool), np.zeros((20, 20), dtype=bool)
    flip_inside(polygon[:4], plain)
    flip_inside(polygon, keyhole)
    np.testing.assert_array_equal(plain, keyhole)
