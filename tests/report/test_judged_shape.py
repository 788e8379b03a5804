"""What is drawn of a structure is the shape that its doses are judged on."""

from __future__ import annotations

import base64
import zlib

import numpy as np
import pytest

from hdrplan.dose import Shape, shape_of
from hdrplan.geometry import Grid, Structure, Volume
from hdrplan.report.pack import LEVEL_STEP_MM, shape_pack
from hdrplan.report.planes import VIEWS, outline_field, plane_values
from report_view import CENTRE_MM, centred_grid, small_view, turned


def unpacked(pack: dict) -> np.ndarray:
    """The page's ``unpredicted`` in numpy."""
    planes = np.frombuffer(zlib.decompress(base64.b64decode(pack["data"])), np.uint8).astype(np.uint16)
    folded = planes[: len(planes) // 2] | (planes[len(planes) // 2 :] << 8)
    rest = ((folded >> 1) ^ (-(folded & 1).astype(np.int32)).astype(np.uint16)).view(np.int16).reshape(pack["shape"])
    rest = np.add.accumulate(rest, axis=1, dtype=np.int16)
    return np.add.accumulate(rest, axis=2, dtype=np.int16) * pack["step"]


def ball(spacing_mm: tuple[float, float, float], direction: np.ndarray) -> Structure:
    grid = centred_grid((24, 30, 34), spacing_mm, direction)
    inside = np.linalg.norm(grid.points_mm() - CENTRE_MM, axis=1) <= 11.0
    return Structure(name="lesion", role="CTV", grid=grid, mask_zyx=inside.reshape(grid.shape_zyx))


@pytest.mark.parametrize(
    ("spacing_mm", "direction"),
    [((1.0, 1.2, 1.5), np.eye(3)), ((1.0, 1.0, 4.0), np.eye(3)), ((1.5, 1.2, 1.0), turned(10.0, 20.0, 30.0))],
    ids=["even", "thick slices", "oblique"],
)
def test_a_packed_shape_holds_the_same_points(spacing_mm, direction):
    shape = shape_of(ball(spacing_mm, direction))
    pack = shape_pack(shape)
    grid = Grid(
        shape_zyx=tuple(pack["shape"]),
        origin_mm=np.array(pack["origin"]),
        spacing_mm=np.array(pack["spacing"]),
        direction=np.array(pack["direction"]).reshape(3, 3),
    )
    drawn = Shape(grid, unpacked(pack).astype(np.float32), shape.reach_mm)
    rng = np.random.default_rng(3)
    index = rng.uniform(0, np.subtract(shape.grid.shape_zyx[::-1], 1), (20_000, 3))
    inside = grid.index(shape.grid.world(index))
    held = ((inside >= 0) & (inside <= np.subtract(grid.shape_zyx[::-1], 1))).all(axis=1)
    judged = shape.level_at(index)
    # What the pack leaves out lies outside, beyond the last corner beside the surface.
    assert (judged[~held] < 0).all()
    assert grid.size < 0.6 * shape.grid.size
    judged, shown = judged[held], drawn.level_at(inside[held])
    # Rounding moves the level by half a step, and by a step where it keeps a point on its side.
    far = np.abs(judged) > 1.01 * LEVEL_STEP_MM
    assert far.mean() > 0.9
    assert 0.2 < (judged >= 0).mean() < 0.8
    np.testing.assert_array_equal(judged[far] >= 0, shown[far] >= 0)
    assert len(pack["data"]) < 8 * shape.grid.size / 10


def test_figures_outline_the_shape_and_not_the_mask():
    view = small_view()
    lesion = view.structures[0]
    shape = shape_of(lesion)
    across = np.linspace(-15.0, 15.0, 61) + CENTRE_MM[0]
    down = np.linspace(-15.0, 15.0, 61) + CENTRE_MM[1]
    field, edge = outline_field(lesion, {"lesion": shape})
    drawn = plane_values(field, VIEWS["axial"], float(CENTRE_MM[2]), across, down) >= edge
    points = np.stack(np.meshgrid(across, down), axis=-1)
    points = np.concatenate((points, np.full((*points.shape[:2], 1), CENTRE_MM[2])), axis=-1)
    np.testing.assert_array_equal(drawn.ravel(), shape.holds(points.reshape(-1, 3)))
    mask, half = outline_field(lesion, {})
    assert half == 0.5
    assert set(np.unique(mask.values_zyx)) == {0.0, 1.0}


def test_the_mask_pokes_out_where_the_judged_shape_does_not():
    """A dose that covers the shape exactly: its isodose holds the drawn outline, and cuts the mask's corners."""
    lesion = small_view().structures[0]
    shape = shape_of(lesion)
    grid = centred_grid((41, 41, 41), (1.0, 1.0, 1.0), np.eye(3))
    radius = np.linalg.norm(grid.points_mm() - CENTRE_MM, axis=1).reshape(grid.shape_zyx)
    voxels = lesion.grid.points_mm()[lesion.mask_zyx.ravel()]
    corners = np.concatenate([voxels + lesion.grid.spacing_mm * np.subtract(c, 0.5) for c in np.ndindex(2, 2, 2)])
    surface_mm = max(
        float(np.linalg.norm(shape.grid.points_mm()[shape.level_zyx.ravel() >= -0.3] - CENTRE_MM, axis=1).max()), 0.0
    )
    dose = Volume(grid, 20.0 * (surface_mm / np.maximum(radius, 1.0)) ** 2)
    assert dose.at(corners).min() < 20.0
    index = np.random.default_rng(5).uniform(0, np.subtract(shape.grid.shape_zyx[::-1], 1), (50_000, 3))
    inside = shape.grid.world(index[shape.level_at(index) >= 0])
    # Linear interpolation of 1/r^2 over 1 mm errs by h^2 f'' / 8 = 0.15 Gy at 10 mm, and upward only.
    assert dose.at(inside).min() >= 20.0 - 1e-3
