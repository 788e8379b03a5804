"""Source axes from neighbouring dwells: rings, gaps, ends, and how well each is known."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.geometry import axes_from_neighbours, axes_from_path, off_path_mm, path_error_deg


def on_ring(at_mm: np.ndarray, radius_mm: float = 15.0) -> tuple[np.ndarray, np.ndarray]:
    """Dwells of a ring at distances from the tip along it, and unit vectors toward the tip."""
    turn = at_mm / radius_mm
    points = radius_mm * np.column_stack((np.cos(turn), np.sin(turn), 0 * turn))
    return points, np.column_stack((np.sin(turn), -np.cos(turn), 0 * turn))


def off_deg(axes: np.ndarray, true: np.ndarray) -> np.ndarray:
    return np.degrees(np.arccos(np.clip((axes * true).sum(axis=1), -1, 1)))


def test_ring_beside_gaps_keeps_its_direction() -> None:
    """Two arcs of a ring: the neighbour across the gap, 25 mm along the ring, must not turn the axis."""
    at = np.array([0.0, 2.5, 5.0, 7.5, 32.5, 35.0, 37.5, 40.0])
    points, true = on_ring(at)
    estimate = axes_from_neighbours(points, at)
    off = off_deg(estimate.axes, true)
    assert off.max() < 1.0
    assert (off <= estimate.error_deg + 0.1).all()
    assert estimate.error_deg.max() < 6.0


def test_lonely_dwells_of_a_ring_say_how_uncertain_they_are() -> None:
    """Two pairs far apart and one dwell alone: rough, and said so."""
    at = np.array([0.0, 2.5, 30.0, 57.5, 60.0])
    points, true = on_ring(at)
    estimate = axes_from_neighbours(points, at)
    off = off_deg(estimate.axes, true)
    assert (off <= estimate.error_deg + 0.1).all()
    assert estimate.error_deg[2] > 10.0


@pytest.mark.parametrize("apart_mm", [5.0, 25.0, 40.0, 65.0])
def test_two_dwells_of_a_ring_say_how_far_their_chord_is_off(apart_mm: float) -> None:
    """The channel is longer than the chord: that tells how far its ends may turn, more than half a ring apart too."""
    at = np.array([0.0, apart_mm])
    points, true = on_ring(at)
    estimate = axes_from_neighbours(points, at)
    off = off_deg(estimate.axes, true)
    assert (off <= estimate.error_deg + 0.1).all()
    assert (estimate.error_deg <= off + 35.0).all()
    straight = axes_from_neighbours(np.array([[0.0, 0, 0], [0.0, 0, apart_mm]]), at)
    assert straight.error_deg.max() < 10.0


@pytest.mark.parametrize("at", [[0.0, 5.0, 10.0, 15.0], [0.0, 5.0, 15.0, 20.0], [0.0, 5.0, 40.0, 45.0]])
def test_straight_needles_are_known_with_and_without_gaps(at: list[float]) -> None:
    direction = np.array([1.0, 2.0, 2.0]) / 3.0
    points = np.array([10.0, 0.0, 5.0]) - np.array(at)[:, None] * direction
    estimate = axes_from_neighbours(points, np.array(at))
    np.testing.assert_allclose(estimate.axes, [direction] * len(at), atol=1e-9)
    np.testing.assert_allclose(estimate.error_deg, 0.0, atol=1e-4)


def test_order_of_the_file_does_not_matter_and_one_dwell_knows_nothing() -> None:
    at = np.array([7.5, 0.0, 35.0, 2.5, 32.5, 5.0])
    points, _ = on_ring(at)
    order = np.argsort(at)
    np.testing.assert_allclose(
        axes_from_neighbours(points, at).axes[order], axes_from_neighbours(points[order], at[order]).axes
    )
    alone = axes_from_neighbours(points[:1], at[:1])
    assert np.isnan(alone.error_deg).all()
    np.testing.assert_array_equal(alone.axes, 0.0)


def test_distance_from_a_path() -> None:
    path = np.array([[0.0, 0, 0], [10.0, 0, 0], [10.0, 10.0, 0]])
    assert off_path_mm(path, np.array([[5.0, 1.0, 0], [12.0, 5.0, 0]])) == pytest.approx(2.0)


def ring(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return on_ring(at, 13.0)


def tandem(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Straight for 40 mm, then bent with a radius of 50 mm."""
    turn = np.maximum(at - 40.0, 0.0) / 50.0
    points = np.column_stack((50 * (1 - np.cos(turn)), 0 * at, -np.minimum(at, 40.0) - 50 * np.sin(turn)))
    return points, -np.column_stack((np.sin(turn), 0 * at, -np.cos(turn)))


def ovoid(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """60 degrees of a radius of 15 mm from the tip, then straight."""
    bent = np.minimum(at, 15.0 * np.pi / 3)
    turn, rest = bent / 15.0, at - bent
    along = np.column_stack((np.cos(turn), 0 * at, np.sin(turn)))
    return np.column_stack((15 * np.sin(turn), 0 * at, 15 * (1 - np.cos(turn)))) + rest[:, None] * along, -along


def double_bend(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """To one side and to the other, radii of 15 mm at the tightest."""
    fine = np.linspace(0.0, 80.0, 8001)
    turn = 0.8 * np.sin(fine / 12.0)
    steps = np.column_stack((np.cos(turn), np.sin(turn), 0 * turn)) * 0.01
    points, turn = np.cumsum(steps, axis=0), 0.8 * np.sin(at / 12.0)
    at_points = np.column_stack([np.interp(at, fine, points[:, k]) for k in range(3)])
    return at_points, -np.column_stack((np.cos(turn), np.sin(turn), 0 * turn))


@pytest.mark.parametrize("channel", [ring, tandem, ovoid, double_bend])
@pytest.mark.parametrize("step_mm", [2.5, 5.0])
def test_no_dwell_is_farther_off_than_it_says(channel, step_mm: float) -> None:  # type: ignore[no-untyped-def]
    """Random dwells of applicators, with and without gaps, in the hundredths of a millimetre that files keep."""
    rng = np.random.default_rng(16)
    over = []
    for _ in range(150):
        at = np.arange(int(70 / step_mm)) * step_mm
        at = at[rng.random(len(at)) < rng.choice([0.15, 0.3, 0.5, 0.8, 1.0])]
        if len(at) < 2:
            continue
        points, true = channel(at)
        estimate = axes_from_neighbours(points.round(2), at)
        over.append(off_deg(estimate.axes, true) - estimate.error_deg)
    excess_deg = np.concatenate(over)
    assert np.mean(excess_deg > 2.0) < 0.02
    assert excess_deg.max() < 12.0


@pytest.mark.parametrize("channel", [ring, tandem, ovoid])
@pytest.mark.parametrize("piece_mm", [1.0, 3.0, 5.0, 8.0])
def test_a_path_of_few_points_says_how_far_its_axes_are_off(channel, piece_mm: float) -> None:  # type: ignore[no-untyped-def]
    path, _ = channel(np.arange(0.0, 70.0, piece_mm))
    at = np.arange(2.5, 60.0, 2.5)
    points, true = channel(at)
    off = off_deg(axes_from_path(path, points), true)
    stated = path_error_deg(path, points)
    assert (off <= stated + piece_mm).all()
    assert stated.max() < (2.5 if piece_mm < 4.0 else 12.0)


def test_a_straight_path_is_known_however_it_is_drawn() -> None:
    path = np.array([[0.0, 0, 0], [0.0, 0, 40.0], [0.0, 0, 40.0], [0.0, 0, 41.0], [0.0, 0, 120.0]])
    np.testing.assert_allclose(path_error_deg(path, np.array([[0.0, 0, 1.0], [0.0, 0, 40.0], [0.0, 0, 90.0]])), 0.0)
