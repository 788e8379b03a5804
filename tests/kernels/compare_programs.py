"""The optimiser's kernels against their twins, in cases drawn at random."""

from __future__ import annotations

import itertools

import numpy as np

from hdrplan.kernels.screen import Cells, Doses, Extremes, Limit, Seconds, Worst
from hdrplan.kernels.staircase import _LEAST_ANSWER, grow
from naive import programs as naive
from tolerances import ROUNDOFF

# Doses are sums of a dozen terms, hulls of some ten corners.
SUMS = 1e3 * ROUNDOFF
# Rounding to float32, and as much outwards.
SINGLE = 2.0**-22


def _cells(rng, n=60, dwells=5):
    points = rng.uniform(-9.0, 9.0, (n, 3))
    low, edge = points.min(axis=0), 6.0
    many = ((points.max(axis=0) - low) / edge).astype(np.int64) + 1
    cell = np.array([naive.cell_number(p, low, edge, many) for p in points])
    members = [c for c in naive.points_of_cells(cell, int(many.prod())) if c]
    order = np.array([i for c in members for i in c])
    start = np.cumsum([0, *(len(c) for c in members)])
    return points, low, edge, many, cell, members, order, start, rng.uniform(0.1, 2.0, (n, dwells))


def cell_numbers(kernel, rng):
    points, low, edge, many, cell, *_ = _cells(rng)
    found = np.empty(len(points), dtype=np.int64)
    kernel(0, len(points), points, low, edge, many, found)
    np.testing.assert_array_equal(found, cell)


def sorted_by_cell(kernel, rng):
    _, _, _, many, cell, *_ = _cells(rng)
    count = int(many.prod())
    start, order = np.zeros(count + 2, dtype=np.int64), np.empty(len(cell), dtype=np.int64)
    kernel(cell, start, order)
    members = naive.points_of_cells(cell, count)
    np.testing.assert_array_equal(order, [i for c in members for i in c])
    np.testing.assert_array_equal(start[:-1], np.cumsum([0, *(len(c) for c in members)]))


def cell_extremes(kernel, rng):
    *_, members, order, start, rates = _cells(rng)
    given, sign = rng.uniform(0.0, 1.0, len(rates)), float(rng.choice([1, -1]))
    least, least_given = np.empty((rates.shape[1], len(members)), dtype=np.float32), np.empty(len(members))
    point, total = np.empty(len(members), dtype=np.int64), np.empty(len(members))
    kernel(0, len(members), Cells(order, start), Doses(rates, given), sign, Extremes(least, least_given), point, total)
    for c, points in enumerate(members):
        expected = naive.extremes(points, rates, given, sign)
        np.testing.assert_allclose(least[:, c], expected[0], rtol=SINGLE)
        # Rounded outwards: never a bound that a point passes.
        assert (sign * (expected[0] - least[:, c].astype(np.float64)) >= 0.0).all()
        assert (least_given[c], point[c]) == expected[1:3]
        np.testing.assert_allclose(total[c], expected[3], rtol=SUMS)


def add_to_bounds(kernel, rng):
    rates, before = rng.uniform(0.1, 2.0, (7, 40)).astype(np.float32), rng.uniform(0.0, 9.0, 40)
    dwells = np.sort(rng.choice(7, 4, replace=False)).astype(np.int64)
    seconds, bound = rng.uniform(-3.0, 3.0, 4), before.copy()
    kernel(5, 33, Extremes(rates, np.zeros(40)), Seconds(dwells, seconds), bound)
    expected = naive.bounds_after(before, rates, dwells, seconds)
    np.testing.assert_allclose(bound[5:33], expected[5:33], atol=SUMS * 20)
    np.testing.assert_array_equal(np.delete(bound, np.s_[5:33]), np.delete(before, np.s_[5:33]))


def worst_of_cells(kernel, rng):
    *_, members, order, start, rates = _cells(rng)
    n, given, sign = len(rates), rng.uniform(0.0, 1.0, len(rates)), float(rng.choice([1, -1]))
    times, excused = rng.uniform(0.0, 3.0, rates.shape[1]), rng.random(n) < 0.3
    limit = float(np.quantile(given + rates @ times, rng.uniform(0.1, 0.9)))
    least = np.array([naive.extremes(c, rates, given, sign)[0] for c in members])
    least_given = np.array([naive.extremes(c, rates, given, sign)[1] for c in members])
    point, short = np.empty(len(members), dtype=np.int64), np.empty(len(members))
    asked = Limit(sign, limit, excused)
    cells, doses, bound = Cells(order, start), Doses(rates, given), least_given + least @ times
    kernel(0, len(members), cells, doses, bound, times, asked, Worst(point, short))
    for c, points in enumerate(members):
        expected = naive.worst(points, rates, given, sign, times, limit, excused)
        assert point[c] == expected[0]
        np.testing.assert_allclose(short[c], expected[1], atol=SUMS * limit)


def cheapest_cover(kernel, rng):
    columns = np.sort(rng.choice(9, 5, replace=False))
    rows = rng.uniform(0.1, 2.0, (9, 40)) ** 2
    limit = rng.uniform(5.0, 20.0, 40)
    limit[rng.random(40) < 0.1] = -np.inf
    cost, most = rng.uniform(0.5, 2.0, 5), np.full(5, 60.0)
    y, times = kernel(rows, np.linalg.norm(rows, axis=0), limit, columns, cost, most)
    best = naive.cheapest(rows[columns], limit, cost, most)
    assert best is not None
    # The other solver's tolerance.
    np.testing.assert_allclose(cost @ times, best, rtol=1e-6)
    paid = np.where(np.isfinite(limit), limit, 0.0) @ y
    dual = paid + np.minimum(0.0, cost - rows[columns] @ y) @ most
    np.testing.assert_allclose(dual, best, rtol=1e-6)


def _doses(rng, n=9, numbers=3):
    loads = rng.normal(0.6, 0.4, (n, numbers))
    return loads, rng.normal(0.0, 0.5, n), rng.uniform(0.0, 0.2, n), rng.uniform(0.1, 1.0, n)


def grown(kernel, rng):
    loads, mid, rest, volume = _doses(rng)
    most = np.where(rng.random(len(mid)) < 0.5, rng.uniform(-0.5, 2.0, len(mid)), np.inf)
    mean, first, hull_x, hull_y, left = kernel(loads, mid, rest, volume, most)
    expected = naive.groups(loads, mid, rest, volume, most, _LEAST_ANSWER)
    np.testing.assert_array_equal(left, [g[2] for g in expected])
    assert first[0] == 0
    assert first[-1] == len(hull_x) == len(hull_y)
    for g, (loads_mean, corners, _) in enumerate(expected):
        np.testing.assert_allclose(mean[g], loads_mean, rtol=SUMS, atol=SUMS)
        x, y = hull_x[first[g] : first[g + 1]], hull_y[first[g] : first[g + 1]]
        for at in [*x, *(f for f, _ in corners)]:
            np.testing.assert_allclose(np.interp(at, x, y), naive.envelope(corners, at), rtol=SUMS, atol=SUMS)


def alike(kernel, rng):
    loads, *_ = _doses(rng)
    np.testing.assert_array_equal(kernel(loads), naive.side_by_side(loads, range(len(loads))))


def floor_at(kernel, rng):
    loads, mid, rest, volume = _doses(rng)
    mean, first, hull_x, hull_y, left = grow(loads, mid, rest, volume, np.full(len(mid), np.inf))
    hulls = [(hull_x[a:b], hull_y[a:b]) for a, b in itertools.pairwise(first)]
    q = rng.uniform(-1.0, 1.0, loads.shape[1])
    value, slope = kernel(mean, first, hull_x, hull_y, left, q)
    expected = naive.floor(mean, hulls, left, q)
    np.testing.assert_allclose(value, expected[0], rtol=SUMS, atol=SUMS)
    np.testing.assert_allclose(slope, expected[1], rtol=SUMS, atol=SUMS)
    # What it is for: never above the volume that is surely above the limit.
    for p in rng.uniform(-1.0, 1.0, (200, len(q))):
        assert value + slope @ (p - q) <= volume[mid + loads @ p - rest > 0.0].sum() + SUMS


def smallest_cuts(kernel, rng):
    cuts = [set(np.flatnonzero(row).tolist()) for row in rng.random((12, 6)) < 0.4]
    as_bits = [sum(1 << e for e in cut) for cut in cuts]
    kept = [int(bits) for bits in kernel(np.array(as_bits, dtype=np.uint64))]
    assert sorted(kept) == sorted({b for b, cut in zip(as_bits, cuts, strict=True) if naive.is_needed(cut, cuts)})
    sizes = [bits.bit_count() for bits in kept]
    assert sizes == sorted(sizes)


def lowest_means(kernel, rng):
    rates = np.round(rng.uniform(0.1, 2.0, (15, 4)), 1)  # with ties
    at, volume = rng.permutation(15)[:9], rng.uniform(0.1, 1.0, 9)
    wanted = rng.uniform(0.05, 1.0) * volume.sum()
    for array in (rates, at, volume):
        array.setflags(write=False)
    for sign in (1.0, -1.0):
        mean = np.zeros(4)
        kernel(0, 4, sign, rates, at, volume, wanted, mean)
        expected = [naive.lowest_mean(rates[at, j], volume, wanted, sign) for j in range(4)]
        np.testing.assert_allclose(mean, expected, rtol=SUMS)
