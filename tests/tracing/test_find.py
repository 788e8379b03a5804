"""Catheters found in a small trunk made by formulas: all of them, exactly, and nothing that is none."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.errors import InputError
from hdrplan.geometry import Catheter, Grid, Tube, Volume, outwards, with_tubes
from hdrplan.tracing import TracedCatheter, doubts_of_traced, find_catheters, snap_catheters, trace_from

GRID = Grid(shape_zyx=(70, 130, 150), origin_mm=np.array([-75.0, -65.0, -35.0]), spacing_mm=np.ones(3))
# Hubs in the air on the patient's right, tips in the middle; the second is bent by 3 mm.
BOW = np.linspace(0.0, 1.0, 30)[:, None]
LINES = (
    np.array([[-72.0, -20.0, 5.0], [0.0, 8.0, -4.0]]),
    np.array([-72.0, 4.0, -12.0]) + BOW * [80.0, 12.0, 14.0] + 12.0 * BOW * (1 - BOW) * [0.0, 0.3, 1.0],
    np.array([[-20.0, -63.0, 20.0], [4.0, -8.0, 10.0]]),
)
CATHETERS = tuple(Catheter(f"true_{k}", line) for k, line in enumerate(LINES, start=1))
AIR, SOLID = Tube(), Tube(wall_hu=350.0, lumen_hu=350.0)


def trunk(grid: Grid = GRID, *, noise_hu: float = 12.0) -> Volume:
    """An ellipse of water with fat under the skin, a bent rib below it, and a vessel that ends in it."""
    at = grid.points_mm()
    out = np.hypot(at[:, 0] / 52.0, at[:, 1] / 48.0)
    hu = np.where(out <= 1.0, np.where(out > 0.9, -100.0, 50.0), -1000.0)
    rib = (np.hypot((out - 0.84) * 50.0, at[:, 2] + 22.0) < 4.0) & (at[:, 0] < 0)
    vessel = np.hypot(at[:, 1] + 2.0, at[:, 2] - 18.0) < 4.0
    hu[rib] = 600.0
    hu[vessel & (np.abs(at[:, 0]) < 30.0)] = 160.0
    noise = np.random.default_rng(3).normal(0.0, noise_hu, len(at)) * (out <= 1.0)
    return Volume(grid, (hu + noise).reshape(grid.shape_zyx).astype(np.float32))


def away_mm(points_mm: np.ndarray, line_mm: np.ndarray) -> np.ndarray:
    share = np.linspace(0.0, len(line_mm) - 1.0, 2000)
    dense = np.stack([np.interp(share, np.arange(len(line_mm)), line_mm[:, k]) for k in range(3)], axis=1)
    return np.linalg.norm(points_mm[:, None] - dense, axis=2).min(axis=1)


def assert_traced(found: TracedCatheter, truth: Catheter, *, tip_mm: float = 1.0) -> None:
    away = away_mm(found.points_mm, truth.points_mm)
    assert np.sqrt((away**2).mean()) < 0.5
    assert np.linalg.norm(found.points_mm[-1] - truth.points_mm[-1]) < tip_mm
    # Hub first: outside the skin.
    assert np.hypot(*(found.points_mm[0, :2] / [52.0, 48.0])) > 1.0
    assert (found.sigma_mm > 0).all()
    # Where the tube is; its ends have uncertainties of their own.
    along = (found.points_mm - truth.points_mm[0]) @ (truth.points_mm[-1] - truth.points_mm[0])
    within = (along > 0) & (along < ((truth.points_mm[-1] - truth.points_mm[0]) ** 2).sum())
    assert np.sqrt((away**2 / 2 / found.sigma_mm**2)[within].mean()) < 3.0


def nearest(found: tuple[TracedCatheter, ...], truth: Catheter) -> TracedCatheter:
    return min(found, key=lambda one: float(np.median(away_mm(one.points_mm, truth.points_mm))))


@pytest.fixture(scope="module", params=[AIR, SOLID], ids=["air", "solid"])
def implanted(request: pytest.FixtureRequest) -> Volume:
    return with_tubes(trunk(), CATHETERS, request.param)


def test_all_catheters_are_found_and_nothing_else(implanted: Volume) -> None:
    found = find_catheters(implanted)
    assert [one.name for one in found] == ["cath_1", "cath_2", "cath_3"]
    for truth in CATHETERS:
        assert_traced(nearest(found, truth), truth)
    assert all(one.confidence > 0.9 and not one.is_metal and not one.leaves_scan for one in found)


def test_a_trunk_without_catheters_has_none() -> None:
    assert find_catheters(trunk()) == ()


def test_a_rod_that_ends_below_the_skin_or_lies_on_it_is_no_catheter() -> None:
    inner = Catheter("stent", np.array([[-25.0, 5.0, 0.0], [25.0, -5.0, 5.0]]))
    cable = Catheter("cable", np.array([[-54.0, -10.0, -30.0], [-54.0, 10.0, 33.0]]))
    assert find_catheters(with_tubes(trunk(), [inner, cable], SOLID)) == ()


def test_grids_along_other_axes_show_the_same(implanted: Volume) -> None:
    """Rows from left to right and slices from the head down: the same voxels under other indices."""
    turned = Grid(
        shape_zyx=GRID.shape_zyx,
        origin_mm=GRID.world(np.subtract(GRID.shape_zyx[::-1], 1)),
        spacing_mm=GRID.spacing_mm,
        direction=-np.eye(3),
    )
    found = find_catheters(Volume(turned, implanted.values_zyx[::-1, ::-1, ::-1]))
    assert len(found) == 3
    for truth in CATHETERS:
        assert_traced(nearest(found, truth), truth)


def test_catheters_that_touch_are_two() -> None:
    first = CATHETERS[0].points_mm
    side = np.cross(first[1] - first[0], [0.0, 0.0, 1.0])
    beside = Catheter("beside", first + 2.2 * side / np.linalg.norm(side) + [[0.0, 0.0, 8.0], [0.0, 0.0, 0.0]])
    found = find_catheters(with_tubes(trunk(), [CATHETERS[0], beside], AIR))
    assert len(found) == 2
    for truth in (CATHETERS[0], beside):
        assert np.median(away_mm(nearest(found, truth).points_mm, truth.points_mm)) < 1.0


def test_a_wire_is_flagged_as_metal() -> None:
    wire = Tube(lumen_mm=0.9, wall_hu=200.0, lumen_hu=6000.0)
    (found,) = traced = find_catheters(with_tubes(trunk(), CATHETERS[:1], wire))
    assert found.is_metal
    assert [doubt.kind.id for doubt in doubts_of_traced(traced)] == ["traced-metal"]
    assert_traced(found, CATHETERS[0])


def a_trace(name: str, points_mm: list[list[float]], inside_mm: float, tip_sigma_mm: float = 0.6) -> TracedCatheter:
    return TracedCatheter(
        name=name,
        points_mm=np.array(points_mm),
        sigma_mm=np.full(len(points_mm), 0.1),
        tip_sigma_mm=tip_sigma_mm,
        contrast_hu=-190.0,
        confidence=1.0,
        inside_mm=inside_mm,
        is_metal=False,
        leaves_scan=False,
    )


def test_traces_on_one_tube_and_traces_that_end_early_are_doubted() -> None:
    """They cross between their points: the distance is that of the lines."""
    first = a_trace("a", [[0, 0, 0], [100, 0, 0]], 80.0)
    across = a_trace("b", [[30, -30, 1], [70, 30, 1]], 70.0)
    apart, short = a_trace("c", [[0, 9, 0], [100, 9, 0]], 90.0), a_trace("d", [[0, 20, 0], [60, 20, 0]], 40.0)
    assert [doubt.kind.id for doubt in doubts_of_traced([first, apart])] == []
    assert [doubt.kind.id for doubt in doubts_of_traced([first, across])] == ["traced-on-one-tube"]
    (doubt,) = doubts_of_traced([first, apart, short])
    assert doubt.kind.id == "traced-short"
    assert "d ends after 40 mm in the body, the others after 85 mm" in doubt.text


def test_a_tip_that_is_not_clear_is_doubted() -> None:
    clear, unclear = a_trace("a", [[0, 0, 0], [100, 0, 0]], 80.0), a_trace("b", [[0, 9, 0], [100, 9, 0]], 80.0, 6.4)
    (doubt,) = doubts_of_traced([clear, unclear])
    assert doubt.kind.id == "traced-tip-unclear"
    assert "where b ends is not clear: its tip is known to 6 mm" in doubt.text


def test_slices_of_three_mm_show_them_too() -> None:
    grid = Grid(shape_zyx=(24, 130, 150), origin_mm=GRID.origin_mm, spacing_mm=np.array([1.0, 1.0, 3.0]))
    found = find_catheters(with_tubes(trunk(grid), CATHETERS, AIR))
    assert len(found) == 3
    for truth in CATHETERS:
        assert np.linalg.norm(nearest(found, truth).points_mm[-1] - truth.points_mm[-1]) < 3.0


def test_a_click_traces_the_catheter_it_lies_on(implanted: Volume) -> None:
    beside = np.array([0.0, 1.5, 0.5])
    clicks = [truth.points_mm[[0, -1]].mean(axis=0) + beside for truth in (CATHETERS[2], CATHETERS[0])]
    found = trace_from(implanted, clicks)
    assert_traced(found[0], CATHETERS[2])
    assert_traced(found[1], CATHETERS[0])


def test_a_click_beside_everything_is_refused(implanted: Volume) -> None:
    with pytest.raises(InputError, match="expected a catheter within 6 mm of a click"):
        trace_from(implanted, [(20.0, 20.0, -20.0)])
    with pytest.raises(InputError, match="a click must lie in the CT"):
        trace_from(implanted, [(900.0, 0.0, 0.0)])


def test_a_rough_hub_and_tip_snap(implanted: Volume) -> None:
    rough = [
        Catheter(c.name, np.array([c.points_mm[0] + [3.0, 2.0, -2.0], c.points_mm[-1] + [-3.0, 3.0, 2.0]]))
        for c in CATHETERS
    ]
    for found, truth in zip(snap_catheters(implanted, rough), CATHETERS, strict=True):
        assert found.name == truth.name
        assert_traced(found, truth)


def test_longer_closed_ends_move_the_tips_of_empty_tubes_alone() -> None:
    for tube, moved_mm in ((AIR, 2.0), (SOLID, 0.0)):
        ct = with_tubes(trunk(), CATHETERS[:1], tube)
        tips = [find_catheters(ct, closed_end_mm=mm)[0].points_mm[-1] for mm in (1.0, 3.0)]
        assert np.linalg.norm(tips[1] - tips[0]) == pytest.approx(moved_mm, abs=0.2)


@pytest.mark.parametrize(
    ("spacing", "shape", "said"),
    [((1.0, 1.0, 8.0), (20, 60, 60), "voxels up to 6 mm"), ((1.0, 1.0, 1.0), (3, 60, 60), "at least 5 slices")],
)
def test_scans_that_cannot_show_catheters_are_refused(
    spacing: tuple[float, ...], shape: tuple[int, int, int], said: str
) -> None:
    grid = Grid(shape_zyx=shape, origin_mm=np.zeros(3), spacing_mm=np.array(spacing))
    with pytest.raises(InputError, match=said):
        find_catheters(Volume(grid, np.zeros(shape, dtype=np.float32)))


def test_a_scan_of_air_has_no_body() -> None:
    with pytest.raises(InputError, match="expected a body"):
        find_catheters(Volume(GRID, np.full(GRID.shape_zyx, -1000.0, dtype=np.float32)))


def test_a_tube_holds_its_share_of_every_voxel() -> None:
    """Sum of what a solid tube adds = its volume times its contrast, on voxels of any size."""
    for spacing in (0.7, 1.0, 2.0):
        count = int(80 / spacing)
        grid = Grid(shape_zyx=(count,) * 3, origin_mm=np.full(3, -40.0), spacing_mm=np.full(3, spacing))
        line = Catheter("c", np.array([[-20.0, -3.0, 2.0], [20.0, 4.0, -5.0]]))
        drawn = with_tubes(Volume(grid, np.zeros(grid.shape_zyx, dtype=np.float32)), [line], SOLID)
        added = float(drawn.values_zyx.sum()) * spacing**3
        assert added == pytest.approx(350.0 * np.pi * line.length_mm, rel=0.03)


def test_outwards_continues_the_first_piece() -> None:
    (longer,) = outwards(CATHETERS[:1], 20.0)
    assert longer.length_mm == pytest.approx(CATHETERS[0].length_mm + 20.0)
    np.testing.assert_allclose(longer.points_mm[1:], CATHETERS[0].points_mm[1:])
    with pytest.raises(InputError, match="0 to 500 mm"):
        outwards(CATHETERS, -1.0)
    with pytest.raises(InputError, match="lumen narrower"):
        Tube(outer_mm=1.0, lumen_mm=2.0)
