"""Tips and hubs of tubes whose tracks go on beyond them, or stop before."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.geometry import Catheter, Grid, Tube, Volume, with_tubes
from hdrplan.tracing.centreline import centred
from hdrplan.tracing.ends import hub_cut, tip_found
from hdrplan.tracing.judged import is_catheter, is_wide
from hdrplan.tracing.scene import Scene, scene_of

GRID = Grid(shape_zyx=(50, 70, 190), origin_mm=np.array([-95.0, -35.0, -25.0]), spacing_mm=np.ones(3))
LINE = Catheter("c", np.array([[-85.0, 1.0, 2.0], [20.0, 3.0, -2.0]]))
AIR, SOLID = Tube(), Tube(wall_hu=350.0, lumen_hu=350.0)


def scene(tube: Tube, *, line: Catheter = LINE, bone_mm: float | None = None) -> Scene:
    """A slab of liver, 20 mm of fat below its skin at x = -45, noise of 8 HU; perhaps with bone on the way."""
    at = GRID.points_mm()
    hu = np.select([at[:, 0] < -45.0, at[:, 0] < -25.0], [-1000.0, -100.0], 60.0)
    noise = np.random.default_rng(7).normal(0.0, 8.0, len(at)) * (at[:, 0] >= -45.0)
    values = (hu + noise).reshape(GRID.shape_zyx).astype(np.float32)
    ct = with_tubes(Volume(GRID, values), [line], tube)
    if bone_mm is None:
        return scene_of(ct)
    bone = (np.abs(at[:, 0] - bone_mm) < 4.0).reshape(GRID.shape_zyx)
    return scene_of(Volume(GRID, np.where(bone, 500.0, ct.values_zyx).astype(np.float32)))


def track(first_mm: float, last_mm: float) -> np.ndarray:
    """Points on the line of the tube, from so far before its hub (negative) to so far after it."""
    at = np.arange(first_mm, last_mm, 2.0)[:, None]
    axis = (LINE.points_mm[1] - LINE.points_mm[0]) / LINE.length_mm
    return LINE.points_mm[0] + at * axis


@pytest.mark.parametrize("tube", [AIR, SOLID], ids=["air", "solid"])
@pytest.mark.parametrize("ends_mm", [60.0, 104.0, 165.0], ids=["in fat", "at the tip", "60 mm beyond"])
def test_the_tip_is_found_from_any_track(tube: Tube, ends_mm: float) -> None:
    """An empty lumen has half the contrast in fat: a track that ends there goes on into the liver."""
    ct = scene(tube)
    line, sigma_mm = tip_found(ct, centred(ct, track(0.0, ends_mm)), 1.0)
    assert np.linalg.norm(line.points_mm[-1] - LINE.points_mm[1]) < 1.0
    assert 0.0 < sigma_mm < 1.0


def test_bone_beyond_the_tip_is_no_tube() -> None:
    ct = scene(SOLID, bone_mm=27.0)
    line, _ = tip_found(ct, centred(ct, track(0.0, 112.0)), 1.0)
    assert np.linalg.norm(line.points_mm[-1] - LINE.points_mm[1]) < 1.5


@pytest.mark.parametrize("tube", [AIR, SOLID], ids=["air", "solid"])
def test_the_hub_is_cut_where_the_tube_begins(tube: Tube) -> None:
    ct = scene(tube)
    line = hub_cut(ct, centred(ct, track(-9.0, 100.0)))
    assert np.linalg.norm(line.points_mm[0] - LINE.points_mm[0]) < 2.0


def test_what_begins_below_the_skin_as_ribs_do_is_no_catheter() -> None:
    """Even, long, bright and deep: only that it comes from nowhere tells it from one that was cut at the skin."""
    axis = np.array([1.0, 0.02, -0.04])
    for first_mm, expected in ((-44.0, True), (-24.0, False)):
        inner = Catheter("rib", np.array([first_mm, 1.0, 2.0]) + np.array([[0.0], [80.0]]) * axis)
        ct = scene(SOLID, line=inner)
        assert is_catheter(ct, centred(ct, inner.points_mm)) == expected


def rod(radius_mm: float) -> Scene:
    """As `scene`, but with a rod of bone instead of a tube, from the skin on."""
    at = GRID.points_mm()
    axis = (LINE.points_mm[1] - LINE.points_mm[0]) / LINE.length_mm
    from_hub = at - LINE.points_mm[0]
    across = np.linalg.norm(from_hub - (from_hub @ axis)[:, None] * axis, axis=1)
    hu = np.select([at[:, 0] < -45.0, across < radius_mm, at[:, 0] < -25.0], [-1000.0, 500.0, -100.0], 60.0)
    return scene_of(Volume(GRID, hu.reshape(GRID.shape_zyx).astype(np.float32)))


def test_a_rib_is_wider_than_a_catheter() -> None:
    """A rib that is cut where the scan ends begins as a catheter does: its width alone tells."""
    inner = track(42.0, 150.0)
    for radius_mm, wide in ((1.0, False), (3.5, True)):
        ct = rod(radius_mm)
        line = centred(ct, inner)
        assert is_wide(ct, line.points_mm) == wide
        assert is_catheter(ct, line) != wide


def test_neither_middle_nor_tip_go_over_to_the_lung_beside() -> None:
    """An empty lumen is dark, and so is the lung that it passes at 3 mm over its last 30 mm."""
    at = GRID.points_mm()
    axis = (LINE.points_mm[1] - LINE.points_mm[0]) / LINE.length_mm
    lung = (at[:, 1] > LINE.points_mm[1, 1] + 3.0) & (at[:, 0] > -10.0)
    hu = np.select([at[:, 0] < -45.0, lung, at[:, 0] < -25.0], [-1000.0, -750.0, -100.0], 60.0)
    noise = np.random.default_rng(7).normal(0.0, 8.0, len(at)) * (at[:, 0] >= -45.0)
    values = (hu + noise).reshape(GRID.shape_zyx).astype(np.float32)
    ct = scene_of(with_tubes(Volume(GRID, values), [LINE], Tube(lumen_mm=1.2, wall_hu=150.0)))
    line, sigma_mm = tip_found(ct, centred(ct, track(0.0, 104.0)), 1.0)
    off = line.points_mm - LINE.points_mm[0]
    off -= (off @ axis)[:, None] * axis
    assert np.linalg.norm(off, axis=1).max() < 1.0
    tip_mm = float(np.linalg.norm(line.points_mm[-1] - LINE.points_mm[1]))
    assert tip_mm < max(2.0, 2.0 * sigma_mm)


def test_a_catheter_from_the_other_side_in_the_same_line_is_not_its_own() -> None:
    """Its tip is 25 mm away, straight ahead: what is seen again beyond a gap is another tube."""
    axis = (LINE.points_mm[1] - LINE.points_mm[0]) / LINE.length_mm
    other = Catheter("other", LINE.points_mm[1] + np.array([[85.0], [25.0]]) * axis)
    ct = scene(SOLID)
    values = with_tubes(Volume(GRID, ct.hu_zyx), [other], SOLID).values_zyx
    line, _ = tip_found(scene_of(Volume(GRID, values)), centred(ct, track(0.0, 100.0)), 1.0)
    assert np.linalg.norm(line.points_mm[-1] - LINE.points_mm[1]) < 1.5
