"""Straight needles along a row of voxels, where everything can be counted."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.arrays import frozen
from hdrplan.kernels.rays import Marched, Rays, Room, march_rays

NX, GOAL, START = 60, 45, 5


def marched(
    *,
    patient_from=0,
    free_mm=None,
    target=(40, 50),
    beyond_mm=3.0,
    goal=GOAL,
    start=START,
    across=(1.0, 1.0),
    spacing_mm=(1.0, 1.0, 1.0),
):
    """From the goal back to the skin along x, in 1 mm steps; (blocker, tip, chord, least free room)."""
    shape = (3, 3, NX)
    patient, inside, free = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8), np.full(shape, 50.0, np.float32)
    patient[:, :, patient_from:], inside[:, :, target[0] : target[1] + 1] = 1, 1
    for x, value in (free_mm or {}).items():
        free[:, :, x] = value
    nearest = frozen(np.full(shape, 7), np.uint8)
    room = Room(
        frozen(spacing_mm), frozen(free, np.float32), nearest, frozen(patient, np.uint8), frozen(inside, np.uint8)
    )
    out = Marched(np.full(1, np.nan), np.full(1, np.nan), np.full(1, np.nan), np.full(1, -9, dtype=np.int64))
    march_rays(0, 1, Rays(frozen([[start, *across]]), frozen([[goal, *across]])), room, 1.0, beyond_mm, out)
    return int(out.blocker[0]), float(out.tip_mm[0]), float(out.chord_mm[0]), float(out.free_mm[0])


@pytest.mark.parametrize(("outside", "blocker"), [(0, -1), (4, -1), (6, -2), (20, -2)])
def test_only_the_last_four_millimetres_may_lie_outside_the_skin(outside, blocker):
    assert marched(patient_from=START + outside)[0] == blocker


def test_a_line_that_leaves_the_grid_is_no_way():
    assert marched(start=-3)[0] == -2
    assert marched(start=0)[0] == -1
    # The first and the last layer belong to it.
    assert marched(goal=NX - 1, target=(50, NX - 1))[0] == -1
    assert marched(goal=NX - 0.99, target=(50, NX - 1))[0] == -2
    for across in ((0.0, 1.0), (2.0, 1.0), (1.0, 0.0), (1.0, 2.0)):
        assert marched(across=across)[0] == -1
    for across in ((-0.001, 1.0), (2.001, 1.0), (1.0, -0.001), (1.0, 2.001)):
        assert marched(across=across)[0] == -2


def test_an_obstacle_anywhere_from_goal_to_skin_stops_the_line():
    for x in range(START, GOAL + 1):
        assert marched(free_mm={x: -0.5})[0] == 7
        assert marched(free_mm={x: 0.25})[::3] == (-1, 0.25)
    assert marched(free_mm={START - 1: -0.5})[0] == -1


def test_the_tip_lies_beyond_the_target_and_before_an_obstacle():
    # The last voxel of the target is 5 mm behind the goal.
    assert marched()[:2] == (-1, 8.0)
    assert marched(beyond_mm=1.0)[1] == 6.0
    stopped = marched(free_mm={GOAL + 7: -0.5})
    assert stopped[0] == -1
    assert 6.0 <= stopped[1] < 7.0
    assert marched(free_mm={GOAL + 6: 0.25})[3] == 0.25
    # What lies beyond the tip does not matter.
    assert marched(free_mm={GOAL + 10: 0.25})[3] == 50.0


def test_the_chord_is_the_length_in_the_target():
    # 40 to 50 in steps of 1 mm: eleven places.
    assert marched()[2] == pytest.approx(11.0)
    assert marched(target=(20, 50))[2] == pytest.approx(31.0)
    assert marched(target=(30, 45))[2] == pytest.approx(16.0)


@pytest.mark.parametrize("edge_mm", [0.5, 2.0])
def test_lengths_are_in_millimetres_whatever_the_edges_of_a_voxel(edge_mm):
    # Half a voxel of the target behind its last middle, and one step more where a place lies on its edge.
    _, tip, chord, _ = marched(spacing_mm=(edge_mm, 1.0, 1.0), target=(30, 50))
    assert tip == pytest.approx(5.0 * edge_mm + 3.0, abs=1.0 + edge_mm / 2)
    assert chord == pytest.approx(20.5 * edge_mm, abs=1.0 + edge_mm / 2)
    # The last four millimetres to the skin.
    for outside_mm, blocker in ((2.0, -1), (8.0, -2)):
        assert marched(spacing_mm=(edge_mm, 1.0, 1.0), patient_from=START + int(outside_mm / edge_mm))[0] == blocker
