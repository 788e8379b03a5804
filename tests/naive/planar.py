"""Distances from outlines, spans of rows and stretched averages, each from its definition."""

from __future__ import annotations

import itertools
import math

import numpy as np

from naive.grids import trilinear


def distance_to_segment(point: np.ndarray, segment: np.ndarray) -> float:
    """The nearer end, or the height of the triangle where its foot lies between the ends."""
    start, end = segment[:2], segment[2:]
    to_start, to_end = math.dist(point, start), math.dist(point, end)
    length = math.dist(start, end)
    if length == 0 or abs(to_start**2 - to_end**2) >= length**2:
        return min(to_start, to_end)
    (x0, y0), (x1, y1), (x, y) = start, end, point
    return abs((x1 - x0) * (y0 - y) - (x0 - x) * (y1 - y0)) / length


def row_spans(level: np.ndarray, row: float, shift: float) -> list[tuple[float, float]]:
    """Crossings of a row in their order, two and two; the border counts as outside."""
    low = min(max(math.floor(row), 0), level.shape[0] - 2)
    values = [level[low, i] * (low + 1 - row) + level[low + 1, i] * (row - low) - shift for i in range(level.shape[1])]
    crossings = [0.0] if values[0] >= 0 else []
    for i, (left, right) in enumerate(itertools.pairwise(values)):
        if (left >= 0) != (right >= 0):
            crossings.append(i + left / (left - right))
    if values[-1] >= 0:
        crossings.append(len(values) - 1.0)
    return list(zip(crossings[::2], crossings[1::2], strict=True))


def stretched(level: np.ndarray, along: np.ndarray, i: int, j: int) -> float:
    """The value at a pixel of a stretched and shifted plane."""
    at = np.array([along[0] * i + along[1], along[2] * j + along[3], 0.0])
    return trilinear(level[None], at)


def held_area(level: np.ndarray) -> float:
    """Area where a level is not negative, linear in triangles of pixels: mean of both ways to divide each square.

    Each triangle is walked round: what its corners and crossings enclose is summed by the shoelace formula.
    """
    total = 0.0
    for j in range(level.shape[0] - 1):
        for i in range(level.shape[1] - 1):
            square = [(i, j), (i + 1, j), (i, j + 1), (i + 1, j + 1)]
            for left_out in range(4):
                corners = [p for k, p in enumerate(square) if k != left_out]
                total += 0.5 * _enclosed([(x, y, float(level[y, x])) for x, y in corners])
    return total


def _enclosed(corners: list[tuple[float, float, float]]) -> float:
    points = []
    for (x0, y0, a), (x1, y1, b) in itertools.pairwise([*corners, corners[0]]):
        if a >= 0:
            points.append((x0, y0))
        if (a >= 0) != (b >= 0):
            points.append((x0 + (x1 - x0) * a / (a - b), y0 + (y1 - y0) * a / (a - b)))
    return 0.5 * abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in itertools.pairwise([*points, *points[:1]])))


def cells(spans: np.ndarray, step_x: float, step_y: float, r2: np.ndarray) -> list[list[float]]:
    """Equal pieces of each span with a point of two even sequences in each."""
    rows: list[list[float]] = []
    for k, (y, first, last, low, high, section) in enumerate(spans):
        ends = np.linspace(first, last, max(1, round((last - first) / step_x)) + 1)
        for start, end in itertools.pairwise(ends):
            along, up = math.modf(k * r2[1])[0] - 0.5, math.modf(len(rows) * r2[0])[0] - 0.5
            middle = [(start + end) / 2, y, (low + high) / 2]
            edges = [end - start, step_y, high - low]
            point = [middle[0] + along * edges[0], y, middle[2] + up * edges[2]]
            rows.append([*point, *middle, *edges, section, math.prod(edges)])
    return rows
