"""Ways from the skin to a lesion in a box of tissue with a wall before it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hdrplan.errors import InfeasibleError, InputError
from hdrplan.geometry import (
    Catheter,
    Grid,
    Reach,
    Structure,
    angle_deg,
    angle_to_deg,
    clearance,
    distance_mm,
    gap_to_mm,
    inside,
    line_gap_mm,
    trajectories,
    varied,
)

GRID = Grid(shape_zyx=(40, 60, 60), origin_mm=np.array([-60.0, -60.0, -40.0]), spacing_mm=np.array([2.0, 2.0, 2.0]))
WIDE = Reach(longest_mm=120, tilt_deg=90, slant_deg=80, position="any")


def structure(name, low, high, role="other"):
    """Return a box between two corners in mm."""
    mask = np.zeros(GRID.shape_zyx, dtype=bool)
    points = GRID.points_mm()
    mask.ravel()[((points >= low) & (points <= high)).all(axis=1)] = True
    return Structure(name=name, role=role, grid=GRID, mask_zyx=mask)


BODY = structure("body", (-50, -50, -100), (50, 50, 100))
LESION = structure("lesion", (-10, -10, -10), (10, 10, 10), role="CTV")
# Between the lesion and the right side.
WALL = structure("colon", (-34, -40, -36), (-30, 40, 36))


def ways(reach=WIDE, margins=None, *more):
    parts = [BODY, LESION, WALL, *more]
    return trajectories(clearance([LESION], parts, {"colon": 5.0} if margins is None else margins), LESION, reach)


def test_every_way_keeps_its_margin_and_its_limits():
    reach = replace(WIDE, longest_mm=90, tilt_deg=20, slant_deg=40)
    found = ways(reach)
    assert len(found) > 50
    assert (found.length_mm <= 90 + 1e-9).all()
    assert (found.slant_deg <= 40).all()
    axis = (found.tip_mm - found.entry_mm) / found.length_mm[:, None]
    assert (np.degrees(np.arcsin(np.abs(axis[:, 2]))) <= 20 + 1e-6).all()
    for way in range(0, len(found), max(1, len(found) // 25)):
        line = found.entry_mm[way] + np.linspace(0, 1, 200)[:, None] * (found.tip_mm[way] - found.entry_mm[way])
        # Half a voxel: between voxel centres the distance is interpolated.
        assert distance_mm(WALL, line).min() >= 5.0 - 1.0
        assert inside(LESION, line).any()
        assert inside(BODY, line[5:]).all()


def test_the_wall_stops_what_comes_from_the_right():
    reach = replace(WIDE, toward=(-1.0, 0.0, 0.0), within_deg=20.0, tilt_deg=10.0)
    with pytest.raises(InfeasibleError, match=r"no straight path leads to lesion.*colon.*Lower the margin of colon"):
        ways(reach)
    assert len(ways(reach, {})) > 0
    assert len(ways(replace(reach, toward=(1.0, 0.0, 0.0)))) > 0


def test_the_table_is_below_and_the_image_border_is_no_skin():
    up = ways(replace(WIDE, position="supine", below_deg=0.0))
    assert ((up.tip_mm - up.entry_mm)[:, 1] >= -1e-6).all()
    # The body goes on above and below the image: no entry there but on the four sides.
    on_side = (np.abs(up.entry_mm[:, :2]) > 45).any(axis=1)
    assert on_side.all()


def test_the_tip_goes_beyond_the_lesion_unless_something_is_near():
    behind = structure("aorta", (14, -40, -36), (18, 40, 36))
    reach = replace(WIDE, toward=(0.0, -1.0, 0.0), within_deg=15.0, tilt_deg=5.0, beyond_mm=8.0)
    free = ways(reach)
    assert free.tip_mm[:, 1].max() == pytest.approx(18.0, abs=2.5)
    near = trajectories(
        clearance([LESION], [BODY, LESION, behind], {"aorta": 6.0}), LESION, replace(reach, toward=(-1.0, 0.0, 0.0))
    )
    assert (13.0 - near.tip_mm[:, 0]).min() >= 6.0 - 2.0


def test_varied_ways_spread_and_gaps_are_those_of_segments():
    found = ways()
    few = found.only(varied(found, 12))
    assert len(few) == 12
    gap, angle = line_gap_mm(few), angle_deg(few)
    assert np.allclose(gap, gap.T)
    t = np.linspace(0, 1, 120)
    lines = few.entry_mm[:, None] + t[None, :, None] * (few.tip_mm - few.entry_mm)[:, None]
    for i in range(12):
        for j in range(i):
            naive = np.linalg.norm(lines[i][:, None] - lines[j][None], axis=-1).min()
            assert gap[i, j] == pytest.approx(naive, abs=1.0)
            a, b = (few.tip_mm[k] - few.entry_mm[k] for k in (i, j))
            assert np.cos(np.radians(angle[i, j])) == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_free_room_is_the_distance_to_the_nearest_obstacle_less_its_margin():
    other = structure("rib", (20, 20, -10), (24, 40, 10))
    room = clearance([LESION], [BODY, LESION, WALL, other], {"colon": 5.0, "rib": 2.0})
    rng = np.random.default_rng(1)
    index = rng.integers(0, np.array(room.grid.shape_zyx[::-1]), (300, 3))
    at = room.grid.world(index)
    free = np.minimum(distance_mm(WALL, at) - 5.0, distance_mm(other, at) - 2.0)
    seen = free < 10.0
    x, y, z = index[seen].T
    # Half a voxel: distances between centres less half a voxel, against distances to boxes.
    assert np.abs(room.free_mm_zyx[z, y, x] - free[seen]).max() <= 1.0


@pytest.mark.parametrize("threads", ["1", "2"])
def test_of_obstacles_as_near_the_one_with_the_smallest_margin_is_named(threads, monkeypatch):
    """Three margins are two rounds of two threads; a voxel as near to two obstacles keeps the first one's number."""
    monkeypatch.setenv("HDRPLAN_THREADS", threads)
    near = [structure(f"x = {x_mm} mm", (x_mm, -40, -36), (x_mm + 4, 40, 36)) for x_mm in (-16, 12)]
    parts = [BODY, LESION, *near, structure("y = 14 mm", (-40, 14, -36), (40, 18, 36))]
    room = clearance([LESION], parts, {"y = 14 mm": 7.0, "x = 12 mm": 3.0, "x = -16 mm": 5.0})
    alone = [
        clearance([LESION], parts, {name: margin_mm}).free_mm_zyx
        for name, margin_mm in zip(room.names, room.margins_mm, strict=True)
    ]
    least = np.min(alone, axis=0)
    assert (room.free_mm_zyx == least).all()
    by_margin = np.argsort(room.margins_mm, kind="stable")
    expected = by_margin[(np.array(alone)[by_margin] == least).argmax(axis=0)]
    seen = least < least.max()
    assert (room.nearest_zyx[seen] == expected[seen]).all()
    assert ((np.array(alone) == least).sum(axis=0) > 1)[seen].any()


def test_neither_skin_nor_known_obstacles_is_an_error():
    with pytest.raises(InputError, match="skin is needed"):
        clearance([LESION], [LESION], {})
    with pytest.raises(InputError, match="no structure is named 'spleen'"):
        clearance([LESION], [BODY, LESION], {"spleen": 5.0})


def test_distance_and_angle_to_a_catheter_that_is_in_are_those_of_its_points():
    found = ways()
    found = found.only(range(0, len(found), max(1, len(found) // 8)))
    bent = Catheter("bent", np.array([[-60.0, 30.0, 5.0], [-20.0, 10.0, 4.0], [15.0, 12.0, -3.0]]))
    straight = Catheter("straight", np.stack([found.entry_mm[0], found.tip_mm[0]]))
    gaps, angles = gap_to_mm(found, [bent, straight]), angle_to_deg(found, [bent, straight])
    assert gaps[0, 1] == pytest.approx(0.0, abs=1e-9)
    assert angles[0, 1] == pytest.approx(0.0, abs=1e-5)
    t = np.linspace(0, 1, 400)[:, None]
    polyline = np.concatenate([a + t * (b - a) for a, b in zip(bent.points_mm, bent.points_mm[1:], strict=False)])
    chord = bent.points_mm[-1] - bent.points_mm[0]
    for k in range(len(found)):
        way = found.tip_mm[k] - found.entry_mm[k]
        line = found.entry_mm[k] + t * way
        away = np.linalg.norm(line[:, None] - polyline[None], axis=2).min()
        assert gaps[k, 0] == pytest.approx(away, abs=0.2)
        turn = np.degrees(np.arccos(way @ chord / np.linalg.norm(way) / np.linalg.norm(chord)))
        assert angles[k, 0] == pytest.approx(turn, abs=1e-6)


def test_paths_to_begin_with_stay_and_the_others_are_drawn_beside_them():
    found = ways()
    begun = varied(found, 12, first=[40, 7])
    assert list(begun[:2]) == [40, 7]
    assert len(set(begun.tolist())) == 12
