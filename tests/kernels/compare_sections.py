"""Kernels on sections between planes against their twins."""

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
# A secant ends within this fraction of the area.
SECANT = 2e-4
UNCUT = np.array([0.0, 0.0, np.inf, np.inf])
WHOLE = np.array([0, 10, 0, 5])


def level_area(kernel: Kernel, rng: Rng) -> None:
    level, shift = frozen(rng.normal(size=(6, 11)), np.float32), float(rng.normal() * 0.3)
    cut = rng.random() < 0.5
    box = np.array([*rng.uniform((2, 1), (8, 4)), *rng.uniform(1.0, 4.0, 2)]) if cut else UNCUT
    i, j = np.meshgrid(np.arange(11), np.arange(6))
    held = np.minimum(level - shift, np.minimum(box[3] - abs(j - box[1]), box[2] - abs(i - box[0])))
    window = np.array([1, 9, 1, 4]) if rng.random() < 0.5 else WHOLE
    want = naive.held_area(held[window[2] : window[3] + 1, window[0] : window[1] + 1])
    assert math.isclose(kernel(level, shift, frozen(box), frozen(window, np.int64)), want, rel_tol=1e-5, abs_tol=1e-5)


def undecided_squares(kernel: Kernel, rng: Rng) -> None:
    level = frozen(2.0 * rng.normal(size=(6, 11)), np.float32)
    # Boxes that end inside the raster, and beyond it.
    box = np.array([*rng.uniform((2, 1), (8, 4)), *rng.uniform(1.0, 7.0, 2)]) if rng.random() < 0.7 else UNCUT
    squares, corners = np.full((60, 2), -1, np.int32), np.full((60, 4), np.nan, np.float32)
    inside, count = kernel(level, frozen(box), frozen(WHOLE, np.int64), np.empty(11, np.uint8), squares, corners)
    noted, sure = [], 0
    for j in range(5):
        for i in range(10):
            four = level[j : j + 2, i : i + 2]
            in_box = all(abs(x - box[0]) <= box[2] for x in (i, i + 1)) and all(
                abs(y - box[1]) <= box[3] for y in (j, j + 1)
            )
            if in_box and four.min() >= 1.0:
                sure += 1
            elif four.max() >= -1.0:
                noted.append((j, i, *four.T.ravel()))
    assert (inside, count) == (sure, len(noted))
    np.testing.assert_allclose(np.column_stack((squares, corners))[:count], noted)


def area_of_squares(kernel: Kernel, rng: Rng) -> None:
    level, shift = frozen(rng.normal(size=(6, 11)), np.float32), float(rng.uniform(-0.9, 0.9))
    box = np.array([*rng.uniform((2, 1), (8, 4)), *rng.uniform(1.0, 4.0, 2)]) if rng.random() < 0.5 else UNCUT
    j, i = (axis.ravel() for axis in np.mgrid[0:5, 0:10])
    corners = np.column_stack((level[j, i], level[j + 1, i], level[j, i + 1], level[j + 1, i + 1]))
    x, y = np.meshgrid(np.arange(11), np.arange(6))
    held = np.minimum(level - shift, np.minimum(box[3] - abs(y - box[1]), box[2] - abs(x - box[0])))
    places = frozen(np.column_stack((j, i)), np.int32)
    area, crossed = kernel(frozen(corners, np.float32), shift, frozen(box), places, 7)
    assert math.isclose(area - 7.0, naive.held_area(held), rel_tol=1e-5, abs_tol=1e-5)
    four = np.stack((held[:-1, :-1], held[1:, :-1], held[:-1, 1:], held[1:, 1:]))
    assert crossed == int(((four.min(axis=0) < 0) & (four.max(axis=0) >= 0)).sum())


def section_rows(kernel: Kernel, rng: Rng) -> None:
    y, x = np.mgrid[0:18, 0:20]
    levels = frozen([r - np.hypot(x - 9.5, y - 8.5) for r in rng.uniform(4.0, 7.0, 2)], np.float32)
    maps = [[*rng.uniform((0.9, -0.5), (1.1, 0.5)), *rng.uniform((0.9, -0.5), (1.1, 0.5))] for _ in range(2)]
    t, area = float(rng.random()), float(rng.uniform(40.0, 130.0))
    # Planes that are not stretched at all, or both to half: the offsets alone do not tell.
    maps = [maps, [[1.0, 0.0] * 2] * 2, [[2.0, 0.0] * 2] * 2][int(rng.choice(3, p=(0.6, 0.2, 0.2)))]
    box = np.array([9.5, 8.5, *rng.uniform(5.0, 7.0, 2)]) if rng.random() < 0.5 else UNCUT
    ways = frozen([[t, *maps[0], *maps[1], area, -2.0, 2.0, *box]] * 3)
    places = frozen([[0, 1, 0, 19, 0, 17]] * 3, np.int64)
    out, shift = np.full((3, 18, 20), np.nan, np.float32), np.full(3, np.nan)
    kernel(1, 2, levels, places, ways, out, shift)
    assert np.isnan(out[[0, 2]]).all()
    assert np.isnan(shift[[0, 2]]).all()
    below, above = (
        np.array([[naive.stretched(levels[k], maps[k], i, j) for i in x[0]] for j in y[:, 0]]) for k in (0, 1)
    )
    plain = (1 - t) * below + t * above
    here, got = naive.held_area(plain), naive.held_area(out[1] - shift[1])
    if box[2] == np.inf or here > area:
        np.testing.assert_allclose(out[1], plain, atol=64 * FLOAT32_SUM)
        if abs(shift[1]) < 2.0:
            assert abs(got - area) < 2 * SECANT * area
    else:
        # It grows within its box alone, as far as that goes.
        rim = np.minimum(box[2] - abs(x - box[0]), box[3] - abs(y - box[1]))
        assert shift[1] == 0.0
        assert (out[1] <= rim + 1e-5).all()
        assert got < area * (1 + 2 * SECANT)
        assert got > min(area, naive.held_area(np.minimum(plain + 2.0, rim))) * (1 - 2 * SECANT)


def layer_spans(kernel: Kernel, rng: Rng) -> None:
    levels = rng.normal(size=(2, 6, 11))
    # The second plane's section lies in a window, with nothing outside it.
    levels[0, [0, 1, 5]] = levels[0, :, [0, 1, 8, 9, 10]] = -1.0
    levels = frozen(levels, np.float32)
    places = frozen([[1, 0, 10, 0, 5], *[[0, 1, 8, 2, 4]] * 3], np.int64)
    # The last begins in the upper half of a step.
    slabs = np.array([[0.0, 1.0, 0.1], [1.0, 1.0, 0.0], [1.0, 2.5, -0.2], [2.5, 3.0, -0.3]])
    step, whole = float(rng.uniform(0.3, 0.9)), bool(rng.random() < 0.5)
    want = []
    for k, (low, high, shift) in enumerate(slabs):
        for row in np.arange(math.modf(k * 0.6180339887498949)[0] * step, 5.0, step):
            at = float(np.rint(row)) if whole else float(row)
            spans = naive.row_spans(levels[places[k, 0]], at, shift) if high > low else []
            want += [(row, *span, low, high, k) for span in spans]
    assert kernel(levels, places, frozen(slabs), step, whole, np.empty((0, 6))) == len(want)
    out = np.full((len(want) + 3, 6), np.nan)
    assert kernel(levels, places, frozen(slabs), step, whole, out) == len(want)
    np.testing.assert_allclose(out[: len(want)], np.array(want).reshape(-1, 6), atol=1e-5)
    assert np.isnan(out[len(want) :]).all()


def cells_inside(kernel: Kernel, rng: Rng) -> None:
    levels = frozen(rng.normal(size=(2, 6, 7)), np.float32)
    which, shift, layer = frozen([1, 0], np.int64), frozen([0.1, -0.2]), frozen([0, 1, 1], np.int64)
    at, whole = frozen(rng.uniform(-1.0, 7.0, (3, 10, 3))), bool(rng.random() < 0.5)
    out = np.zeros((3, 10), np.bool_)
    kernel(levels, which, shift, layer, at, whole, out)
    for c in range(3):
        for p in range(10):
            x, y = at[c, p, 0], float(np.rint(at[c, p, 1])) if whole else at[c, p, 1]
            above = naive_grids.trilinear(levels[which[layer[c]]][None], np.array([x, y, 0.0])) - shift[layer[c]]
            assert abs(above) < 1e-5 or out[c, p] == (above >= 0)
