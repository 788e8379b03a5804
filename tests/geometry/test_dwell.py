from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdrplan.errors import InputError
from hdrplan.geometry import Catheter, Grid, Structure, dwell_positions
from naive import geometry as naive

STRAIGHT = Catheter("straight", [[0, 0, 0], [0, 0, 100]])


def ball(radius_mm: float = 10.0, centre_z: float = 50.0) -> Structure:
    grid = Grid(shape_zyx=(31, 31, 31), origin_mm=[-15, -15, centre_z - 15], spacing_mm=[1, 1, 1])
    away = np.linalg.norm(grid.points_mm() - [0, 0, centre_z], axis=1)
    return Structure(name="ball", role="CTV", grid=grid, mask_zyx=(away <= radius_mm).reshape(grid.shape_zyx))


def test_positions_count_from_the_tip_and_axes_point_to_it() -> None:
    dwells = dwell_positions([STRAIGHT], step_mm=10.0, tip_offset_mm=6.0)
    np.testing.assert_allclose(dwells.positions_mm[:, 2], np.arange(94, 0, -10), atol=1e-12)
    np.testing.assert_allclose(dwells.offset_mm, np.arange(6, 100, 10), atol=1e-12)
    np.testing.assert_allclose(dwells.axes, np.tile([0, 0, 1.0], (len(dwells), 1)), atol=1e-12)


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), step_mm=st.floats(0.5, 12.0), tip_offset_mm=st.floats(0.0, 10.0))
def test_positions_are_the_naive_walk_along_any_polyline(seed: int, step_mm: float, tip_offset_mm: float) -> None:
    rng = np.random.default_rng(seed)
    points = np.cumsum(rng.normal([5, 0, 0], 1.0, size=(6, 3)), axis=0)
    catheter = Catheter("bent", points)
    dwells = dwell_positions([catheter], step_mm=step_mm, tip_offset_mm=tip_offset_mm)
    expected = [naive.along(points, s) for s in dwells.offset_mm if s <= catheter.length_mm]
    np.testing.assert_allclose(dwells.positions_mm[: len(expected)], expected, atol=1e-6)
    np.testing.assert_allclose(np.diff(dwells.offset_mm), step_mm, atol=1e-9)
    assert len(dwells) == int((catheter.length_mm - tip_offset_mm + 1e-9) // step_mm) + 1
    # The source looks toward the tip: along the way on, not back.
    onward = np.array([naive.along(points, max(s - 0.01, 0)) for s in dwells.offset_mm[1:]]).reshape(-1, 3)
    assert (((onward - dwells.positions_mm[1:]) * dwells.axes[1:]).sum(axis=1) > 0).all()


def test_axis_turns_smoothly_on_a_bend() -> None:
    angle = np.linspace(0, np.pi / 2, 200)
    arc = Catheter("arc", 60 * np.stack((np.cos(angle), np.sin(angle), 0 * angle), axis=1))
    dwells = dwell_positions([arc], step_mm=1.0, tip_offset_mm=5.0)
    radial = dwells.positions_mm / np.linalg.norm(dwells.positions_mm, axis=1, keepdims=True)
    tangent = np.cross([0, 0, 1], radial)
    inner = dwells.offset_mm < arc.length_mm - 5
    assert ((dwells.axes * tangent).sum(axis=1)[inner] > 1 - 1e-5).all()


def test_a_corner_of_the_drawn_line_does_not_make_the_axis_jump() -> None:
    corner = Catheter("corner", [[0, 0, 0], [50, 0, 0], [100, 20, 0]])
    axes = dwell_positions([corner], step_mm=0.5, tip_offset_mm=0.0).axes
    turns = np.degrees(np.arccos(np.clip((axes[1:] * axes[:-1]).sum(axis=1), -1, 1)))
    assert turns.max() < 3.0  # the corner itself is 22 degrees
    assert turns.sum() == pytest.approx(np.degrees(np.arctan2(20, 50)), abs=1e-3)  # arccos near 1


@pytest.mark.parametrize("margin_mm", [0.0, 3.0, 5.0])
def test_only_dwells_within_the_margin_are_kept(margin_mm: float) -> None:
    target = ball()
    dwells = dwell_positions([STRAIGHT], step_mm=0.5, tip_offset_mm=0.0, targets=[target], margin_mm=margin_mm)
    # On the axis the voxels of the ball reach from 39.5 to 60.5 mm.
    assert dwells.positions_mm[:, 2].max() == pytest.approx(60.5 + margin_mm, abs=1e-9)
    assert dwells.positions_mm[:, 2].min() == pytest.approx(39.5 - margin_mm, abs=1e-9)


def test_a_dwell_near_any_of_several_targets_is_kept() -> None:
    dwells = dwell_positions(
        [STRAIGHT], step_mm=1.0, tip_offset_mm=0.0, targets=[ball(5, 20), ball(5, 80)], margin_mm=0.0
    )
    z = dwells.positions_mm[:, 2]
    assert z.min() == 15.0
    assert z.max() == 85.0
    assert not ((z > 26) & (z < 74)).any()


def test_first_and_last_cut_the_range() -> None:
    dwells = dwell_positions([STRAIGHT], step_mm=5.0, tip_offset_mm=0.0, first_mm=10.0, last_mm=20.0)
    assert dwells.offset_mm.tolist() == [10.0, 15.0, 20.0]


def test_every_catheter_that_misses_is_named_with_its_distance() -> None:
    away = Catheter("away", [[40, 0, 0], [40, 0, 100]])
    lost = Catheter("lost", [[90, 0, 0], [90, 0, 100]])
    with pytest.raises(InputError, match=r"away \(29\.5 mm away\), lost \(79\.5 mm away\)") as caught:
        dwell_positions([STRAIGHT, away, lost], targets=[ball()], step_mm=0.5, tip_offset_mm=0)
    assert "ball" in str(caught.value)
    with pytest.raises(InputError, match="catheter away"):
        dwell_positions([STRAIGHT, away], targets=[ball()])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step_mm": 0.0}, "step_mm"),
        ({"step_mm": float("nan")}, "step_mm"),
        ({"tip_offset_mm": -1.0}, "tip_offset_mm"),
        ({"margin_mm": -1.0}, "margin_mm"),
        ({"first_mm": 20.0, "last_mm": 10.0}, "first_mm"),
        ({"last_mm": float("nan")}, "last_mm"),
        ({"first_mm": 500.0}, "at least one dwell"),
    ],
)
def test_options_that_cannot_be(options: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        dwell_positions([STRAIGHT], **options)  # type: ignore[arg-type]


def test_a_catheter_in_metres_is_refused() -> None:
    with pytest.raises(InputError, match=r"catheter metres: .*in mm"):
        dwell_positions([Catheter("metres", [[0, 0, 0], [0, 0, 0.1]])])


def test_no_catheters() -> None:
    with pytest.raises(InputError, match="at least one catheter"):
        dwell_positions([])
