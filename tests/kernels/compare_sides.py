"""Kernels on planes of a structure, and on the order of doses, against their twins."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from kernel_cases import Rng

from hdrplan.arrays import frozen
from naive import sides as naive

Kernel = Callable[..., Any]


def planes_of(rng: Rng, n: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Heights, areas, radii and boxes of planes, of which some have several contours; and which are joined."""
    height = np.cumsum(rng.uniform(0.5, 3.0, n))
    radius = 8.0 + 3.0 * np.sin(height / rng.uniform(2.0, 6.0)) if rng.random() < 0.7 else np.full(n, 8.0)
    if rng.random() < 0.3:  # an edge in the middle, as of a cone that lies across
        radius = 12.0 - np.abs(height - height[n // 2 - 1 : n // 2 + 1].mean())
    radius = np.maximum(radius, 0.5)
    box = np.column_stack((20.0 + 0.2 * height, 20.0 - 0.1 * height, radius * rng.uniform(0.9, 1.1), radius * 1.3))
    if rng.random() < 0.3:  # one side alone has an edge; the sides beside it bend, a little or more than a little
        side = rng.choice([-1.0, 1.0]) * np.abs(height - height[n // 2 - 1 : n // 2 + 1].mean())
        side += rng.choice([0.0, 0.02, 0.1]) * rng.normal(size=n)
        axis = int(rng.integers(2))
        box[:, axis] += 0.5 * side
        box[:, 2 + axis] = np.maximum(8.0 + 0.5 * side, 1.0)
    planes = np.column_stack((height, np.pi * 1.3 * radius**2, 0.9 * radius, box))
    if rng.random() < 0.3:
        planes[rng.integers(n), 3:] = np.nan
    return planes, rng.random(n - 1) < 0.9


def kinked(rng: Rng, half: float, place: float = 0.5, curve: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Planes of which one side has an edge (half 0.5), or both along one way: a bulge and a waist (0).

    Near a plane (place 0 or 1) of a side that is curved, the edge does not stand out from the bend at the other plane.
    """
    height = np.cumsum(rng.uniform(0.5, 3.0, 7))
    away = height - (1.0 - place) * height[2] - place * height[3]
    side = rng.choice([-1.0, 1.0]) * (np.abs(away) + curve * away**2)
    box = np.column_stack((20.0 + 0.2 * height, 20.0 - 0.1 * height, np.full(7, 8.0), np.full(7, 9.0)))
    axis = int(rng.integers(2))
    box[:, axis] += 0.5 * side
    box[:, 2 + axis] += half * side
    return np.column_stack((height, np.full(7, 200.0), np.full(7, 7.5), box)), np.ones(6, dtype=bool)


def inward(kernel: Kernel, rng: Rng) -> None:
    _, joined = planes_of(rng)
    for k in range(7):
        for step in (-1, 1):
            assert list(kernel(frozen(joined, np.bool_), k, step)) == naive.inward(joined, k, step)


def parabola(kernel: Kernel, rng: Rng) -> None:
    at, values = np.cumsum(rng.uniform(0.5, 2.0, 3)), rng.uniform(1.0, 5.0, 3)
    for n in (2, 3):
        want = naive.parabola(at[:n], values[:n], 0.3)
        assert math.isclose(kernel(at[:n], values[:n], 0.3), want, rel_tol=1e-9, abs_tol=1e-9)


def apex(kernel: Kernel, rng: Rng) -> None:
    depth, root = np.array([0.0, -2.0, -4.0]), float(rng.uniform(-0.5, 3.0))
    away = 9.0 + rng.uniform()
    cases = [((depth - root) * (depth - root - away), root), ((depth - root) ** 2 + rng.choice([0.0, 5.0]), root)]
    for values, place in cases:
        touches = np.polyfit(depth, values, 2)
        known = 0.0 < place <= 2.0 and abs(np.polyval(touches, place)) < 1e-9
        got = kernel(depth, values, 2.0)
        # Steps of a slice's 400th; a touch is told 0.1 of the height away.
        assert (abs(got - place) <= 0.011) if known and 0.02 < place < 1.98 else (math.isnan(got) or got <= 2.0)
        if touches[2] > 0 and place > 2.6:
            assert math.isnan(got)


def alike(kernel: Kernel, rng: Rng) -> None:
    planes, _ = planes_of(rng)
    planes[3, 6] *= float(rng.choice([0.2, 1.0, 4.0]))
    for one in planes:
        ratio = np.maximum(one[5:] / planes[3, 5:], planes[3, 5:] / one[5:])
        assert kernel(one, planes[3]) == bool((ratio < 3.0).all())


def area_power(kernel: Kernel, rng: Rng) -> None:
    planes, _ = planes_of(rng)
    planes[:, 1] **= rng.uniform(0.3, 1.5)
    for one, other in pairwise(planes):
        assert math.isclose(kernel(one, other), naive.area_power(one, other), rel_tol=1e-9)


def areas_by_boxes(kernel: Kernel, rng: Rng) -> None:
    planes, _ = planes_of(rng)
    for three in (planes[:3], planes[4:][::-1], planes[:2]):
        at = float(three[0, 0] + rng.uniform(-1.0, 1.0))
        np.testing.assert_allclose(kernel(three, 0.4, at), naive.areas_by_boxes(three, 0.4, at), rtol=1e-7, atol=1e-9)


def moved(kernel: Kernel, rng: Rng) -> None:
    first, second = rng.uniform(2.0, 9.0, (2, 4))
    second[2] = first[2] * rng.choice([1.001, 1.5])
    size, t = rng.uniform(2.0, 9.0, 2), float(rng.uniform(0.0, 2.0))
    np.testing.assert_allclose(kernel(first, second, size, t), naive.moved(first, second, size, t), rtol=1e-9)


def section_way(kernel: Kernel, rng: Rng) -> None:
    planes, _ = planes_of(rng)
    two, asked = planes[[1, 2]], np.array([0.3, 50.0, -1.0, 2.0, 40.0, 39.0])
    two = two if not np.isnan(two).any() else np.full((2, 7), 9.0)
    box = np.append(rng.uniform(15.0, 25.0, 2), rng.uniform(5.0, 30.0, 2)) if rng.random() < 0.7 else np.full(4, np.nan)
    window, way = np.array([10, 30, 12, 28]), np.full(16, np.nan)
    kernel(two, box, asked, window, way)
    np.testing.assert_array_equal(way[[0, 9, 10, 11]], asked[:4])
    if np.isnan(box[0]):
        np.testing.assert_array_equal(way[1:9], [1, 0, 1, 0] * 2)
        np.testing.assert_array_equal(way[12:], [0, 0, np.inf, np.inf])
        np.testing.assert_array_equal(window, [10, 30, 12, 28])
        return
    np.testing.assert_array_equal(way[12:], box)
    for axis in (0, 1):
        low, high = box[axis] - box[2 + axis], box[axis] + box[2 + axis]
        for k in (0, 1):
            # The box's ends lead to those of the plane's own box.
            scale, offset = way[1 + 4 * k + 2 * axis : 3 + 4 * k + 2 * axis]
            middle, half = two[k, 3 + axis], two[k, 5 + axis]
            reached = scale * low + offset, scale * high + offset
            np.testing.assert_allclose(reached, (middle - half, middle + half), atol=1e-9)
        ends = np.clip(np.rint((low - 3.0, high + 3.0)), 0, asked[4 + axis])
        first, last = ((10, 30), (12, 28))[axis]
        assert list(window[2 * axis : 2 * axis + 2]) == [min(first, ends[0]), max(last, ends[1])]


def body_ways(kernel: Kernel, rng: Rng) -> None:
    near = kinked(rng, 0.5, 0.05, 0.05), kinked(rng, 0.5, 0.95, 0.05)
    for planes, joined in (planes_of(rng), kinked(rng, 0.5), kinked(rng, 0.0), *near):
        _body_ways(kernel, planes, joined, rng)


def _body_ways(kernel: Kernel, planes: np.ndarray, joined: np.ndarray, rng: Rng) -> None:
    count = np.where(joined, rng.integers(1, 4, len(joined)), 0)
    windows = np.tile([4, 36, 5, 35], (len(planes), 1)) + rng.integers(-2, 3, (len(planes), 4))
    raster = np.array([0.5, 0.3, 40.0, 39.0])
    places, ways = np.full((count.sum(), 6), -1), np.full((count.sum(), 16), np.nan)
    edges = kernel(planes, frozen(joined, np.bool_), windows, count, raster, places, ways)
    row = 0
    for k in range(len(joined)):
        if not joined[k]:
            assert edges[k] == 0
            continue
        assert edges[k] == naive.edge_between(planes, joined, k)
        for layer in range(count[k]):
            t, way = (layer + 0.5) / count[k], ways[row]
            area = naive.area_between(planes, joined, k, 0.5, t)
            np.testing.assert_array_equal(places[row, :2], (k, k + 1))
            gap = planes[k + 1, 0] - planes[k, 0]
            np.testing.assert_allclose(way[[0, 9, 10, 11]], [t, area / 0.25, -0.6 * gap, 0.6 * gap], rtol=1e-6)
            ratio = planes[k, 5:] / planes[k + 1, 5:]
            if not (np.maximum(ratio, 1 / ratio) < 3.0).all():
                np.testing.assert_array_equal(way[1:9], [1, 0, 1, 0] * 2)
            else:
                box = naive.box_between(planes, joined, k, t, area)
                np.testing.assert_allclose(way[12:], box, rtol=1e-6)
                for plane in (0, 1):
                    scale = way[[1 + 4 * plane, 3 + 4 * plane]]
                    np.testing.assert_allclose(scale, planes[k + plane, 5:] / box[2:], rtol=1e-6)
            row += 1


def falling_order(kernel: Kernel, rng: Rng) -> None:
    n = int(rng.integers(1, 200))
    gy = (
        rng.choice(rng.uniform(0.0, 10.0 ** rng.integers(-300, 5), 40), n)
        if rng.random() < 0.6
        else rng.uniform(size=n)
    )
    order = np.full(n, -1)
    kernel(gy.view(np.int64), order)
    np.testing.assert_array_equal(order, np.argsort(-gy, kind="stable"))
