"""Source axes from neighbouring dwells: rings, gaps, ends, and how well each is known."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.geometry import axes_from_neighbours, off_path_mm


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


@pytest.mark.parametrize("apart_mm", [5.0, 25.0, 40.0])
def test_two_dwells_of_a_ring_say_how_far_their_chord_is_off(apart_mm: float) -> None:
    """The channel is longer than the chord: that tells the arc, and the angle at its ends."""
    at = np.array([0.0, apart_mm])
    points, true = on_ring(at)
    estimate = axes_from_neighbours(points, at)
    np.testing.assert_allclose(estimate.error_deg, off_deg(estimate.axes, true), atol=0.1)
    straight = axes_from_neighbours(np.array([[0.0, 0, 0], [0.0, 0, apart_mm]]), at)
    np.testing.assert_allclose(straight.error_deg, 0.0, atol=1e-6)


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
