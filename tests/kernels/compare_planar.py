"""Kernels on outlines in a plane against their twins."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from kernel_cases import Rng

from hdrplan.arrays import frozen
from naive import grids as naive_grids
from naive import planar as naive
from tolerances import FLOAT32_SUM

Kernel = Callable[..., Any]
# Nearest points that are handed from pixel to pixel: rarely, and by less than this, another one is nearer (Danielsson
# 1980 gives 0.29 for outlines of pixels).
HANDED_ON = 0.3
# Distances and points are stored as float32.
STORED = 4 * float(np.finfo(np.float32).eps)


def segments_of(rng: Rng) -> np.ndarray:
    n = int(rng.integers(3, 9))
    corners = rng.uniform(3.0, 17.0, (n, 2)) if rng.random() < 0.7 else rng.integers(3, 17, (n, 2)).astype(float)
    return np.column_stack((corners, np.roll(corners, -1, axis=0)))


def near_feet(kernel: Kernel, rng: Rng) -> None:
    segments, reach = segments_of(rng), 3.0
    padded = np.full((3, 18, 22), np.inf, np.float32)
    kernel(frozen(segments), reach, padded)
    assert np.isinf(padded[:, :, [0, -1]]).all()
    feet = np.moveaxis(padded[:, :, 1:-1], 0, -1).astype(float)
    for j in range(18):
        for i in range(20):
            away = min(naive.distance_to_segment(np.array([i, j], float), segment) for segment in segments)
            squared = feet[j, i, 2]
            assert squared >= away**2 * (1 - STORED) - 1e-9
            if away < reach:
                assert math.isclose(squared, away**2, rel_tol=STORED, abs_tol=1e-9)
            if np.isfinite(squared):
                assert math.isclose(math.dist(feet[j, i, :2], (i, j)), math.sqrt(squared), abs_tol=20 * STORED)


def spread_feet(kernel: Kernel, rng: Rng) -> None:
    feet = np.full((3, 14, 18), np.inf, np.float32)
    known = rng.integers(0, (14, 16), (int(rng.integers(1, 6)), 2))
    for j, i in known:
        x, y = i + rng.uniform(-0.4, 0.4), j + rng.uniform(-0.4, 0.4)
        feet[:, j, i + 1] = x, y, (x - i) ** 2 + (y - j) ** 2
    points = feet[:2, np.isfinite(feet[2])].T.astype(float)
    kernel(feet)
    off = 0
    for j in range(14):
        for i in range(16):
            away = min(math.dist(point, (i, j)) for point in points)
            got = math.sqrt(feet[2, j, i + 1])
            assert away - 20 * STORED <= got <= away + HANDED_ON
            off += got > away + 20 * STORED
    # Nearly all of them have the nearest point itself.
    assert off < 0.05 * 14 * 16


def row_spans(kernel: Kernel, rng: Rng) -> None:
    # Levels that are exactly the shift at a pixel, too.
    whole = rng.random() < 0.4
    level = frozen(rng.integers(-2, 3, (6, 11)) if whole else rng.normal(size=(6, 11)), np.float32)
    rows, shift = frozen(rng.uniform(0.0, 5.0, 9)), float(rng.normal() * 0.3)
    if whole:
        rows, shift = frozen(np.arange(9) % 6, np.float64), 0.0
    out = np.full((9 * 6, 3), np.nan)
    count = kernel(level, rows, shift, out)
    want = [(k, *span) for k, row in enumerate(rows) for span in naive.row_spans(level, float(row), shift)]
    assert count == len(want)
    np.testing.assert_allclose(out[:count], np.array(want).reshape(-1, 3), atol=1e-6)
    assert np.isnan(out[count:]).all()


def placed_value_rows(kernel: Kernel, rng: Rng) -> None:
    field = frozen(rng.normal(size=(4, 5, 6)), np.float32)
    points, matrix = frozen(rng.uniform(-1.0, 3.0, (40, 3))), frozen(rng.uniform(-1.5, 1.5, (3, 4)) + 1.0)
    rim, out = float(rng.choice([0.0, 0.5])), np.full(40, -7.0)
    if rng.random() < 0.3:
        # Places on the rim itself belong to it.
        matrix = frozen(np.eye(3, 4))
        points = frozen(np.where(rng.random((40, 3)) < 0.4, -rim, rng.integers(0, 4, (40, 3))))
    kernel(1, 39, field, points, matrix, rim, out)
    assert (out[[0, -1]] == -7.0).all()
    for row in range(1, 39):
        at = matrix @ np.append(points[row], 1.0)
        inside = ((at >= -rim) & (at <= np.array([5.0, 4.0, 3.0]) + rim)).all()
        want = naive_grids.trilinear(field, at) if inside else math.nan
        np.testing.assert_allclose(out[row], want, atol=8 * FLOAT32_SUM)


def fill_cells(kernel: Kernel, rng: Rng) -> None:
    starts = rng.uniform(0.0, 5.0, 12)
    spans = np.column_stack(
        (rng.uniform(size=12), starts, starts + rng.uniform(0.0, 4.0, 12), *rng.uniform(size=(3, 12)))
    )
    step_x, step_y, r2 = float(rng.uniform(0.2, 1.0)), 0.7, np.array([0.75, 0.57])
    want = naive.cells(spans, step_x, step_y, r2)
    assert kernel(frozen(spans), step_x, step_y, frozen(r2), np.empty((0, 11))) == len(want)
    out = np.full((len(want), 11), np.nan)
    assert kernel(frozen(spans), step_x, step_y, frozen(r2), out) == len(want)
    np.testing.assert_allclose(out, want, atol=1e-9)


def plane_level_rows(kernel: Kernel, rng: Rng) -> None:
    square = np.array([[3.0, 3.0], [15.0, 3.0], [15.0, 14.0], [3.0, 14.0]]) + rng.uniform(-0.4, 0.4, 2)
    hole = np.array([[7.0, 7.0], [11.0, 7.5], [10.0, 10.0]]) + rng.uniform(-0.4, 0.4, 2)
    loops = [square, hole, square + 0.5]
    corners, polygons = np.cumsum([0, 4, 3, 4]), np.array([0, 2, 3])
    surface = np.ones(11, dtype=np.bool_)
    surface[10] = rng.random() < 0.5  # one side of the second plane is a keyhole's
    levels = np.full((2, 18, 20), -7.0, np.float32)
    windows = np.array([[1, 18, 0, 16], [1, 18, 0, 16]])
    first = int(rng.integers(2))
    kernel(first, 2, frozen(np.concatenate(loops)), surface, (corners, polygons), windows, levels)
    assert (levels[:first] == -7.0).all()
    sides = [np.column_stack((loop, np.roll(loop, -1, axis=0))) for loop in loops]
    planes = [np.concatenate(sides[:2]), sides[2][surface[7:]]]
    for k in range(first, 2):
        assert (levels[k, 17:] == -7.0).all()
        assert (levels[k, :, 0] == -7.0).all()
        inside = np.zeros((18, 20), dtype=np.bool_)
        for loop in (loops[:2], loops[2:])[k]:
            inside ^= [[naive_grids.inside_polygon(x, y, loop) for x in range(20)] for y in range(18)]
        for j in range(17):
            for i in range(1, 19):
                away = min(naive.distance_to_segment(np.array([i, j], float), side) for side in planes[k])
                got = float(levels[k, j, i])
                assert away < 1e-3 or (got > 0) == inside[j, i]
                assert away - 1e-4 <= abs(got) <= away + (1e-4 if away < 3.0 else HANDED_ON)
