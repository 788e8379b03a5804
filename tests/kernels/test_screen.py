"""Screening by cells finds what a look at every point finds."""

import numpy as np
import pytest

from hdrplan.optimize.program.cubes import cubes_of
from hdrplan.optimize.program.lazy_lp import LazyLP
from hdrplan.optimize.program.point_rows import LimitedPoints, PointRows


def layout(n=3000, seed=0):
    rng = np.random.default_rng(seed)
    points_mm = rng.uniform(-25.0, 25.0, (n, 3)) * [1.0, 0.6, 0.3] + [40.0, -7.0, 300.0]
    dwells_mm = rng.uniform(-20.0, 20.0, (17, 3)) * [1.0, 0.6, 0.3] + [40.0, -7.0, 300.0]
    rates = 10.0 / np.maximum(((points_mm[:, None] - dwells_mm[None]) ** 2).sum(axis=2), 1.0)
    return points_mm, rates, rng


def test_every_point_lies_in_one_cell():
    points_mm, _, _ = layout()
    cubes = cubes_of(points_mm)
    assert sorted(cubes.order) == list(range(len(points_mm)))
    assert cubes.start[0] == 0
    assert cubes.start[-1] == len(points_mm)
    assert (np.diff(cubes.start) > 0).all()
    assert 4 < np.diff(cubes.start).mean() < 100
    for first, last in zip(cubes.start[:-1], cubes.start[1:], strict=True):
        inside = points_mm[cubes.order[first:last]]
        assert (np.ptp(inside, axis=0) <= 8.0).all()
    # The cube is that of a plain division by 8 mm.
    index = np.floor((points_mm - points_mm.min(axis=0)) / 8.0).astype(int)
    _, expected = np.unique(index, axis=0, return_inverse=True)
    _, found = np.unique(cubes.cube, return_inverse=True)
    # NumPy 2.0 gave the inverse of rows a second axis.
    assert len(set(zip(expected.ravel().tolist(), found.tolist(), strict=True))) == found.max() + 1


@pytest.mark.parametrize("sense", [1, -1])
@pytest.mark.parametrize("quantile", [0.02, 0.5, 0.98])
@pytest.mark.parametrize("given", [False, True])
def test_the_worst_of_all_points_is_found(sense, quantile, given):
    points_mm, rates, rng = layout(seed=3)
    earlier_gy = rng.uniform(0.0, 3.0, len(rates)) if given else np.zeros(len(rates))
    x = np.append(rng.uniform(0.0, 30.0, 17) * (rng.random(17) < 0.6), 0.25)
    dose = rates @ x[:17] + earlier_gy
    limit = float(np.quantile(dose, quantile))
    block = PointRows(
        LimitedPoints(
            owner="all",
            gy_per_s=rates,
            limit_gy=limit,
            sense=sense,
            cubes=cubes_of(points_mm),
            n_columns=18,
            earlier_gy=earlier_gy,
            miss_column=17,
        )
    )
    block.excused = rng.random(len(rates)) < 0.3
    short = np.where(block.excused, -np.inf, sense * (limit - dose) - 0.25)
    points, found = block.short_gy(x, limit)
    np.testing.assert_allclose(found, short[points], rtol=0, atol=1e-11)
    assert found.max() == pytest.approx(short.max(), abs=1e-11)
    # The rows asked for are the worst of their cubes, and of the worst cubes.
    new, worst = block.violated(x)
    assert worst == pytest.approx(short.max() / limit, abs=1e-11)
    lp = LazyLP(np.zeros(18), np.full(18, 100.0))
    block.taken(lp.add("all", new), new)
    cube = block.points.cubes.cube
    worst_of = {int(c): float(short[cube == c].max()) for c in np.unique(cube[short > 0])}
    asked = list(block.point_of.values())
    assert len({int(c) for c in cube[asked]}) == len(asked) == min(50, len(worst_of))
    np.testing.assert_allclose(short[asked], [worst_of[int(c)] for c in cube[asked]], rtol=1e-12)
    np.testing.assert_allclose(short[asked], sorted(worst_of.values(), reverse=True)[: len(asked)], rtol=1e-12)
    np.testing.assert_allclose(new.coefficients[:, :17] @ x[:17], (dose - earlier_gy)[asked], rtol=1e-12)


def test_nothing_is_wrong():
    points_mm, rates, _ = layout()
    points = LimitedPoints(
        owner="all",
        gy_per_s=rates,
        limit_gy=1e-3,
        sense=1,
        cubes=cubes_of(points_mm),
        n_columns=17,
        earlier_gy=np.zeros(len(rates)),
    )
    block = PointRows(points)
    assert block.violated(np.full(17, 10.0)) == (None, 0.0)
    block.limit_gy = 1e9
    block.excused = np.ones(len(rates), dtype=bool)
    assert block.violated(np.full(17, 10.0)) == (None, 0.0)
