"""Changes of a plan against the difference of two whole doses."""

from __future__ import annotations

import numpy as np
from dose_cases import invented_source, some_dwells

from hdrplan.dose import dose_at_points, dose_change
from hdrplan.geometry import Dwells
from tolerances import TABLE

SOURCE = invented_source()


def far_points(n: int = 700) -> np.ndarray:
    """Points at least 2 mm from every dwell of :func:`moved_plan`, on both sides."""
    points = np.random.default_rng(11).uniform(-60.0, 60.0, (n, 3))
    places = np.concatenate([some_dwells().positions_mm, moved_plan().positions_mm])
    return points[np.linalg.norm(points[:, None] - places, axis=2).min(axis=1) > 2.0]


def moved_plan() -> Dwells:
    """``some_dwells`` with catheter b moved by 4 mm and its dwells in another order."""
    dwells = some_dwells()
    positions = dwells.positions_mm + np.where(dwells.catheter == 1, 4.0, 0.0)[:, None]
    order = np.arange(len(dwells))[::-1]
    return Dwells(
        positions_mm=positions[order],
        axes=dwells.axes[order],
        catheter=dwells.catheter[order],
        offset_mm=dwells.offset_mm[order],
        catheter_names=("a", "b", "c"),
    )


def whole(dwells: Dwells, times_s: np.ndarray, points: np.ndarray) -> np.ndarray:
    return dose_at_points(dwells, times_s, points, SOURCE, strength_u=40700.0).gy


def test_a_moved_catheter_and_a_new_time() -> None:
    before, after, points = some_dwells(), moved_plan(), far_points()
    before_s = np.arange(12.0)
    after_s = before_s[::-1].copy()
    after_s[0] += 3.0
    change = dose_change(before, before_s, after, after_s, points, SOURCE, strength_u=40700.0)
    difference = whole(after, after_s, points) - whole(before, before_s, points)
    sizes = whole(after, after_s, points) + whole(before, before_s, points)
    assert np.abs(change - difference).max() > 0.0  # float32, not the same path
    np.testing.assert_array_less(np.abs(change - difference), TABLE * sizes)


def test_one_changed_time_is_one_dwell() -> None:
    dwells, points = some_dwells(), far_points()
    before_s, after_s = np.ones(12), np.ones(12)
    after_s[5] = 4.0
    change = dose_change(dwells, before_s, dwells, after_s, points, SOURCE, strength_u=40700.0)
    alone = np.zeros(12)
    alone[5] = 3.0
    np.testing.assert_allclose(change, whole(dwells, alone, points), rtol=TABLE)


def test_nothing_changed_is_nothing() -> None:
    dwells, points = some_dwells(), far_points(20)
    order = np.random.default_rng(12).permutation(12)
    same = Dwells(
        positions_mm=dwells.positions_mm[order],
        axes=dwells.axes[order],
        catheter=dwells.catheter[order],
        offset_mm=dwells.offset_mm[order],
        catheter_names=dwells.catheter_names,
    )
    times_s = np.arange(12.0)
    assert not dose_change(dwells, times_s, same, times_s[order], points, SOURCE, strength_u=1.0).any()
