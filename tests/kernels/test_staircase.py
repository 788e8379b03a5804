"""Convex functions below a staircase of volumes: never above it, and better than the sum of single steps."""

import numpy as np
import pytest

from hdrplan.kernels.staircase import alike, floor_at, grow


def points(m, r, seed):
    rng = np.random.default_rng(seed)
    loads = 0.01 * rng.normal(size=(m, r)) * 0.5 ** np.arange(r)
    loads[:, 0] += 0.04
    return loads, 0.03 * rng.normal(size=m), rng.uniform(0.0, 2e-3, m), rng.uniform(0.2, 1.0, m)


@pytest.mark.parametrize(("m", "r", "seed"), [(1, 3, 1), (2, 1, 2), (7, 4, 3), (60, 6, 4), (400, 12, 5)])
def test_floor_is_never_above_the_volume(m, r, seed):
    loads, mid, rest, volume = points(m, r, seed)
    hulls = grow(loads, mid, rest, volume, np.full(m, np.inf))
    rng = np.random.default_rng(seed)
    for _ in range(30):
        q = rng.uniform(-1, 1, r)
        value, slope = floor_at(*hulls, q)
        for p in (*rng.uniform(-1, 1, (30, r)), *np.clip(q + 0.05 * rng.normal(size=(30, r)), -1, 1)):
            least = volume[mid + loads @ p - rest > 0].sum()
            assert value + slope @ (p - q) <= least + 1e-9


def test_one_point_has_the_hull_of_its_step():
    hulls = grow(np.array([[2.0]]), np.array([1.0]), np.array([0.0]), np.array([3.0]), np.array([np.inf]))
    # Above from q = -0.5 on: a line from there to the whole volume at q = 1.
    for q, volume in ((-1.0, 0.0), (-0.5, 0.0), (0.25, 1.5), (1.0, 3.0)):
        assert floor_at(*hulls, np.array([q]))[0] == pytest.approx(volume)


def test_alike_points_together_come_near_their_staircase():
    m = 200
    mid = np.linspace(-0.9, 0.9, m)
    loads, rest, volume = np.ones((m, 1)), np.zeros(m), np.full(m, 1.0 / m)
    q = np.array([0.0])
    most = np.full(m, np.inf)
    value, _ = floor_at(*grow(loads, mid, rest, volume, most), q)
    alone = sum(floor_at(*grow(loads[[i]], mid[[i]], rest[[i]], volume[[i]], most[[i]]), q)[0] for i in range(m))
    # The hull runs straight from nothing at q = -0.9, the first step, to everything at q = 1; one step lies between.
    assert value == pytest.approx(0.9 / 1.9, abs=1.0 / m)
    assert alone < 0.2


@pytest.mark.parametrize(("m", "r", "seed"), [(2, 1, 2), (7, 4, 3), (60, 6, 4)])
def test_what_points_reach_at_most_makes_a_higher_floor_that_holds_there(m, r, seed):
    """Of the plans that keep what is known of the points none is cut off; the others are not asked about."""
    loads, mid, rest, volume = points(m, r, seed)
    rng = np.random.default_rng(seed)
    kept = rng.uniform(-1, 1, (200, r)) * 0.4
    most = (kept @ loads.T).max(axis=0)
    known, unknown = (grow(loads, mid, rest, volume, limit) for limit in (most, np.full(m, np.inf)))
    gained = []
    for q in kept[:40]:
        value, slope = floor_at(*known, q)
        gained.append(value - floor_at(*unknown, q)[0])
        least = (volume * (mid + kept @ loads.T - rest > 0)).sum(axis=1)
        assert (value + (kept - q) @ slope <= least + 1e-9).all()
    assert min(gained) >= -1e-12
    assert max(gained) > 0.0


def test_alike_points_stand_side_by_side():
    rng = np.random.default_rng(1)
    angle = rng.uniform(0.2, 1.3, 30)
    loads = rng.uniform(0.5, 2.0, 30)[:, None] * np.stack((np.cos(angle), np.sin(angle)), axis=1)
    order = alike(loads)
    assert sorted(order) == list(range(30))
    turned = np.diff(angle[order])
    assert (turned >= 0).all() or (turned <= 0).all()
