"""Kernels on tables, polygons, fields and sets against their twins."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from kernel_cases import Rng

from hdrplan.arrays import frozen
from hdrplan.kernels.blur import Blurred, Scales
from hdrplan.kernels.gamma import Reference, Search
from hdrplan.kernels.limits import FMA_LANES
from hdrplan.kernels.rays import Marched, Rays, Room
from hdrplan.kernels.vector import HELD
from naive import grids as naive
from naive.rays import Look, first, last, look
from naive.tg43 import cell_of as naive_cell
from tolerances import FLOAT32_SUM, RAY_STEPS, ROUNDOFF

Kernel = Callable[..., Any]
# Looks of the twin in one step of a ray.
FINE = 20


def cell_of(kernel: Kernel, rng: Rng) -> None:
    table = frozen(np.unique(rng.integers(0, 30, rng.integers(2, 12)) / 3.0 + rng.choice([0.0, -5.0])))
    if len(table) < 2:
        return cell_of(kernel, rng)
    for value in (*table, *rng.uniform(table[0] - 2.0, table[-1] + 2.0, 20)):
        assert kernel(table, value) == naive_cell(table, value)


def flip_inside(kernel: Kernel, rng: Rng) -> None:
    """Three polygons, one after the other: what two of them hold is a hole."""
    mask, want, free = np.zeros((20, 20), dtype=bool), np.zeros((20, 20), dtype=bool), np.ones((20, 20), dtype=bool)
    for _ in range(3):
        polygon = rng.uniform(-3, 23, (rng.integers(3, 12), 2))
        if rng.random() < 0.5:
            polygon = polygon.round(1)  # vertices on rows of pixels, edges on few centres
        kernel(frozen(polygon), mask)
        want ^= [[naive.inside_polygon(x, y, polygon) for x in range(20)] for y in range(20)]
        free &= [[not naive.on_edge(x, y, polygon) for x in range(20)] for y in range(20)]
    np.testing.assert_array_equal(mask[free], want[free])
    assert want[free].any()


def some_field(rng: Rng) -> np.ndarray:
    return frozen(rng.normal(size=rng.integers(1, 6, 3)), np.float32)


def trilinear(kernel: Kernel, rng: Rng) -> None:
    """Inside, at the border, outside, and on voxel centres."""
    field = some_field(rng)
    index = np.concatenate((rng.uniform(-1.5, 6.0, (60, 3)), rng.integers(-1, 6, (20, 3))))
    got = [kernel(field, *at) for at in index]
    np.testing.assert_allclose(got, [naive.trilinear(field, at) for at in index], atol=4 * FLOAT32_SUM)


def along_rows(kernel: Kernel, rng: Rng) -> None:
    """Lines shorter than the blur too."""
    values, weights = frozen(rng.random(rng.integers(1, 9, 3)), np.float32), frozen(rng.random(rng.integers(1, 9)))
    out = np.full_like(values, np.nan)
    kernel(0, values.shape[0] * values.shape[1], values, weights, out)
    want = [[naive.blurred_line(line, weights) for line in plane.T.tolist()] for plane in values]
    np.testing.assert_allclose(out, np.transpose(want, (0, 2, 1)), rtol=FLOAT32_SUM)


def within_rows(kernel: Kernel, rng: Rng) -> None:
    values, weights = frozen(rng.random(rng.integers(1, 9, 2)), np.float32), frozen(rng.random(rng.integers(1, 9)))
    out = np.full_like(values, np.nan)
    kernel(0, len(values), values, weights, out)
    np.testing.assert_allclose(out, [naive.blurred_line(row, weights) for row in values.tolist()], rtol=FLOAT32_SUM)


def distance_rows(kernel: Kernel, rng: Rng) -> None:
    """Values near 0, in the middle and near 1, as blurs have them."""
    once = rng.random((2, 60)) ** rng.choice([1, 1, 6], 60)
    twice = np.clip(once + rng.normal(0, 0.02, once.shape), 0, 1)
    flip = rng.random(60) < 0.5
    narrow, wide = (
        [frozen(np.where(flip, 1 - v, v), np.float32) for v in pair] for pair in zip(once, twice, strict=True)
    )
    scales, mask, out = Scales(0.7, 2.2, 0.35, 3.0, 0.05), rng.random(60) < 0.5, np.full(60, np.nan, dtype=np.float32)
    kernel(1, 59, Blurred(*narrow, *wide), frozen(mask, np.bool_), scales, out)
    assert np.isnan(out[[0, -1]]).all()
    for i in range(1, 59):
        close, far = (
            s * naive.distance_from_face(float(a[i]), float(b[i]), 3.0) for s, (a, b) in ((0.7, narrow), (2.2, wide))
        )
        if abs(close) < 3.0 * 0.7 - 0.35:
            far = min(max(far, close - 0.35), close + 0.35)
        assert abs(out[i] - (max(far, 0.05) if mask[i] else min(far, -0.05))) < FLOAT32_SUM * 10


def value_between(kernel: Kernel, rng: Rng) -> None:
    """Between the centres, and on the last ones; one voxel along an axis is enough."""
    field = some_field(rng)
    last = np.array(field.shape[::-1]) - 1.0
    index = np.concatenate((rng.uniform(0.0, last, (40, 3)), last[None], np.zeros((1, 3))))
    got = [kernel(field, *at) for at in index]
    np.testing.assert_allclose(got, [naive.trilinear(field, at) for at in index], atol=4 * FLOAT32_SUM)


def value_rows(kernel: Kernel, rng: Rng) -> None:
    field = frozen(rng.integers(-1000, 3000, some_field(rng).shape), rng.choice([np.int16, np.float32, np.float64]))
    index = frozen(rng.uniform(-1.5, 6.0, (40, 3)))
    out = np.full(40, np.nan)
    kernel(1, 39, field, index, out)
    assert np.isnan(out[[0, -1]]).all()
    np.testing.assert_allclose(out[1:-1], [naive.trilinear(field, at) for at in index[1:-1]], rtol=ROUNDOFF, atol=1e-9)


def value_and_slope_rows(kernel: Kernel, rng: Rng) -> None:
    field = some_field(rng)
    index = frozen(rng.uniform(-1.5, 6.0, (40, 3)))
    out = np.full((40, 4), np.nan)
    kernel(1, 39, field, index, out)
    assert np.isnan(out[[0, -1]]).all()
    want = [naive.value_and_slopes(field, at) for at in index[1:-1]]
    np.testing.assert_allclose(out[1:-1], want, atol=8 * FLOAT32_SUM)


def gamma_rows(kernel: Kernel, rng: Rng) -> None:
    """A rough field, so that the best place lies anywhere; points on the grid, at its border and off it."""
    evaluated = frozen(rng.uniform(5.0, 20.0, rng.integers(1, 6, 3)), np.float32)
    spacing, distance, step, largest = rng.uniform(1.0, 3.0, 3), float(rng.uniform(1.0, 3.0)), 0.5, 1.6
    index = rng.uniform(-1.0, np.array(evaluated.shape[::-1]), (8, 3))
    index[0], index[1] = 0.0, np.array(evaluated.shape[::-1]) - 1.0  # the first and the last voxel
    index = frozen(index)
    reference, criterion = frozen(rng.uniform(5.0, 20.0, 8)), frozen(rng.uniform(0.5, 1.5, 8))
    axis = np.arange(-3, 4) * step * distance
    offsets = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(-1, 3)
    near = np.linalg.norm(offsets, axis=1)
    order = np.argsort(near, kind="stable")
    order = order[near[order] < largest * distance]  # no step is just as long
    out = np.full(8, -1.0)
    steps, far2 = frozen(offsets[order] / spacing), frozen((near[order] / distance) ** 2)
    kernel(0, 8, Reference(reference, index, criterion), evaluated, Search(steps, far2, largest), out)
    want = [
        naive.gamma(
            r, at, evaluated, spacing,
            criterion_gy=c, distance_mm=distance, step_mm=step * distance, largest=largest,
        )
        for r, at, c in zip(reference, index, criterion, strict=True)
    ]  # fmt: skip
    np.testing.assert_allclose(out, want, rtol=4 * FLOAT32_SUM)


def next_hitting_set(kernel: Kernel, rng: Rng) -> None:
    """Cuts come one at a time, as a set shows that they are missed; a set that meets all brings one of its own."""
    n, most = int(rng.integers(4, 11)), int(rng.integers(1, 4))
    truth = rng.random((6, n)) < 0.45
    truth[~truth.any(axis=1), 0] = True
    cuts = [set(np.flatnonzero(row).tolist()) for row in truth]
    apart = np.zeros((n, n), dtype=bool)
    i, j = rng.integers(0, n, 2)
    apart[i, j] = apart[j, i] = i != j
    apart_bits = np.array([bits(np.flatnonzero(row)) for row in apart], dtype=np.uint64)
    arrays = [np.zeros(most + 2, dtype=t) for t in (np.int64, np.uint64, np.uint64, np.uint64)]
    state, known = np.zeros(2, dtype=np.int64), np.array([bits(cuts[0])], dtype=np.uint64)
    found = set()
    while kernel(known, apart_bits, most, *arrays, state):
        chosen = frozenset(arrays[0][: state[0]].tolist())
        missed = [bits(cut) for cut in cuts if not chosen & cut]
        if not missed:
            found.add(chosen)
            missed = [(1 << n) - 1 - bits(chosen)]
        known = np.append(known, np.uint64(missed[0]))
    # None is found that misses a cut; when none is left, every other one lies inside one that was found and shut out.
    want = naive.sets_that_meet(cuts, apart, most)
    assert found <= want
    assert all(any(one <= shut for shut in found) for one in want)


def bits(elements: Any) -> int:
    return sum(1 << int(e) for e in elements)


def multiply_add(kernel: Kernel, rng: Rng) -> None:
    factor, rounds = float(rng.uniform(0.1, 0.95)), int(rng.integers(1, 40))
    out = np.full(50, np.nan, dtype=np.float32)
    kernel(3, 3 + rounds, frozen([factor], np.float32), out)
    np.testing.assert_allclose(out[3], naive.multiply_add(rounds, factor, FMA_LANES), rtol=10 * FLOAT32_SUM)
    assert np.isnan(np.delete(out, 3)).all()


def march_rays(kernel: Kernel, rng: Rng) -> None:
    """A body with two obstacles round a target: the kernel looks every ``step_mm``, the twin twenty times as often."""
    shape, spacing = (18, 20, 22), np.array([2.0, 2.0, 2.0])
    z, y, x = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    at = np.stack((x, y, z), axis=-1) * spacing
    middle = (np.array(shape[::-1]) - 1) / 2 * spacing
    patient = (np.linalg.norm(at - middle, axis=-1) < 17.0).astype(np.uint8)
    target = (np.linalg.norm(at - middle, axis=-1) < 6.0).astype(np.uint8)
    away = np.stack([np.linalg.norm(at - c, axis=-1) - 2.5 for c in middle + rng.normal(0.0, 6.0, (2, 3))])
    clear, nearest = frozen(away.min(axis=0), np.float32), frozen(away.argmin(axis=0), np.uint8)
    start, goal = (frozen((middle + rng.normal(0.0, s, (6, 3))) / spacing) for s in (9.0, 2.0))
    step_mm, beyond_mm = 1.0, 4.0
    tip, chord, least = (np.full(6, np.nan) for _ in range(3))
    blocker = np.full(6, -9, dtype=np.int64)
    room = Room(frozen(spacing), clear, nearest, frozen(patient, np.uint8), frozen(target, np.uint8))
    kernel(0, 6, Rays(start, goal), room, step_mm, beyond_mm, Marched(tip, chord, least, blocker))
    for k in range(6):
        back = (start[k] - goal[k]) * spacing
        length = float(np.linalg.norm(back))
        unit, fine = back / length / spacing, step_mm / FINE
        fields = (clear, nearest, patient, target)
        way, behind = look(goal[k], unit, length, fine, *fields), look(goal[k], -unit, 40.0, fine, *fields)
        stopped(way, int(blocker[k]), skin=round((length - 4.0 - step_mm) / fine))
        if blocker[k] == -1:
            at_tip(way, behind, beyond_mm / fine, tip[k] / fine, chord[k] / fine, least[k])


def stopped(way: Look, blocker: int, skin: int) -> None:
    """What holds for less than a step may be overlooked, and so may what lies outside in the skin's last 4 mm."""
    left, surely_left = first(way.outside), first(way.outside[: max(skin, 0)], FINE + 1)
    touched, surely_touched = first(way.clear_mm < 0), first(way.clear_mm < 0, FINE + 1)
    if blocker == -1:
        assert min(surely_left, surely_touched) == math.inf
    elif blocker == -2:
        assert left <= surely_touched + FINE
    else:
        assert touched <= surely_left + FINE
        assert blocker in way.nearest[way.clear_mm < 0]


def at_tip(way: Look, behind: Look, beyond: float, tip: float, chord: float, least: float) -> None:
    """All lengths in the twin's steps."""
    shut = behind.outside | (behind.clear_mm < 0)
    assert tip <= min(max(last(behind.upto(int(tip)).in_target), 0) + beyond, first(shut, FINE + 1)) + FINE
    free = min(first(shut), len(shut))
    in_reach = last(behind.upto(int(free)).in_target, FINE + 1)
    assert tip >= min(max(in_reach, 0) + beyond, free) - FINE
    gone = behind.upto(int(tip) + 1)
    assert abs(chord - way.in_target.sum() - gone.in_target.sum()) <= RAY_STEPS * FINE
    seen = np.concatenate((way.clear_mm, gone.clear_mm))
    to_tip = seen[np.isfinite(seen)].min()
    assert to_tip - ROUNDOFF <= least <= to_tip + 1.0  # a distance falls by no more than the way


def peek(kernel: Kernel, rng: Rng) -> None:
    table, k = frozen(rng.normal(size=9), rng.choice([np.float32, np.float64])), int(rng.integers(9))
    both(lambda table, k: kernel(table, k), kernel, table, k, want=table[k])


def both(compiled: Kernel, kernel: Kernel, *args: Any, want: Any) -> None:
    """Called from Python, and compiled into another kernel."""
    assert kernel(*args) == want
    assert numba.njit(compiled)(*args) == want


def put(kernel: Kernel, rng: Rng) -> None:
    written(kernel, rng, lambda before, value: value)


def add(kernel: Kernel, rng: Rng) -> None:
    written(kernel, rng, lambda before, value: before + value)


def written(kernel: Kernel, rng: Rng, twin: Kernel) -> None:
    dtype = rng.choice([np.float32, np.float64])
    values, k, value = rng.normal(size=9).astype(dtype), int(rng.integers(9)), dtype(rng.normal())

    def compiled(out: np.ndarray, k: int, value: Any) -> None:
        kernel(out, k, value)

    want = values.copy()
    want[k] = twin(values[k], value)
    for run in (kernel, numba.njit(compiled)):
        out = values.copy()
        run(out, k, value)
        np.testing.assert_array_equal(out, want)


def shifted(kernel: Kernel, rng: Rng) -> None:
    bits, by = int(rng.choice([0, 1, 2**31 - 1, rng.integers(2**31)])), int(rng.integers(31))
    both(lambda bits, by: kernel(bits, by), kernel, np.int32(bits), np.int32(by), want=bits >> by)


def hold(kernel: Kernel, rng: Rng) -> None:
    """Four parts, one behind the other: the place as the bits of a float."""
    i, cell, parts = int(rng.integers(HELD)), np.int32(rng.integers(100_000)), rng.random(3).astype(np.float32)

    def compiled(places: np.ndarray, i: int, cell: Any, across: Any, down: Any, factor: Any) -> None:
        kernel(places, i, cell, across, down, factor)

    for run in (kernel, numba.njit(compiled)):
        places = np.zeros(4 * HELD, dtype=np.float32)
        run(places, i, cell, *parts)
        want = np.zeros((4, HELD), dtype=np.float32)
        want[0].view(np.int32)[i], want[1:, i] = cell, parts
        assert places.tobytes() == want.tobytes()


def add_between(kernel: Kernel, rng: Rng) -> None:
    """Every lane reads between four nodes of its own; what stands in ``out`` stays in it."""
    table = rng.uniform(0.5, 1.5, (9, 11)).astype(np.float32)
    row, column, first, to = rng.integers(0, 8, HELD), rng.integers(0, 10, HELD), int(rng.integers(HELD - 7)), 3
    across, down, factor, before = rng.uniform(0.1, 1.0, (4, HELD)).astype(np.float32)
    places = frozen(
        np.concatenate(((11 * row + column).astype(np.int32).view(np.float32), across, down, factor)), np.float32
    )
    near = (1 - across) * table[row, column] + across * table[row, column + 1]
    far = (1 - across) * table[row + 1, column] + across * table[row + 1, column + 1]
    want = before.astype(float)
    want[to : to + 8] += (factor * ((1 - down) * near + down * far))[first : first + 8]

    def compiled(table: np.ndarray, width: int, places: np.ndarray, first: int, out: np.ndarray, to: int) -> None:
        kernel(table, width, places, first, out, to)

    for run in (kernel, numba.njit(compiled)):
        out = before.copy()
        run(frozen(table.ravel(), np.float32), 11, places, first, out, to)
        np.testing.assert_allclose(out, want, rtol=FLOAT32_SUM)


def bits_of(kernel: Kernel, rng: Rng) -> None:
    value = np.float32(rng.normal() * 10.0 ** rng.integers(-20, 20))
    both(lambda value: kernel(value), kernel, value, want=naive.bits_of(value))


def long_bits_of(kernel: Kernel, rng: Rng) -> None:
    value = float(rng.normal() * 10.0 ** rng.integers(-200, 200))
    both(lambda value: kernel(value), kernel, value, want=naive.long_bits_of(value))


def float_of(kernel: Kernel, rng: Rng) -> None:
    bits = naive.long_bits_of(float(rng.normal() * 10.0 ** rng.integers(-200, 200)))
    both(lambda bits: kernel(bits), kernel, bits, want=naive.float_of(bits))


def short_near(kernel: Kernel, rng: Rng) -> None:
    """The half precision number next to a value: of halves between two of them, the even one or its neighbour."""
    for value in some_shorts(rng):
        found = kernel(value)
        twin = naive.short_near(value)
        halfway = abs(abs(naive.short_number(twin) - value) - abs(naive.short_number(found) - value)) < 1e-12 * value
        assert found == twin or halfway
        assert abs(naive.short_number(found) - value) <= max(2.0**-11 * abs(value), 1.001 * 2.0**-26)
    assert kernel(0.0) == 0
    assert kernel(2.0**-27) == 0


def short_above(kernel: Kernel, rng: Rng) -> None:
    for value in some_shorts(rng):
        assert kernel(abs(value)) == naive.short_above(abs(value))
    assert kernel(0.0) == 0
    assert kernel(1e-300) == 1


def long_of(kernel: Kernel, rng: Rng) -> None:
    for code in (0, 1, -1, 30719, *rng.integers(-30719, 30720, 20).astype(np.int16)):
        assert kernel(code) == naive.short_number(int(code))


def some_shorts(rng: Rng) -> list[float]:
    """Values of either sign that have a code, numbers that are codes themselves, and those next to them."""
    drawn = rng.choice([1.0, -1.0], 30) * 2.0 ** rng.uniform(-26.0, 3.99, 30)
    exact = [naive.short_number(int(code)) for code in (2, 1023, 1024, 30000, *rng.integers(2, 30700, 5))]
    return [15.9, *drawn.tolist(), *exact, *(float(np.nextafter(x, up)) for x in exact for up in (0.0, 16.0))]


def lowest_inside_rows(kernel: Kernel, rng: Rng) -> None:
    """The best of all multipliers at which two corners are equally low, and of none."""
    rise, level = rng.normal(size=(2, 40, 8))
    level += rng.uniform(-1.5, 1.5, (40, 1))
    level[:8] = np.abs(level[:8])  # inside
    level[8:12] -= level[8:12].max(axis=1, keepdims=True)  # touched at a corner
    level[12:16] = rise[12:16] + rng.uniform(-1.0, 1.0, (4, 1))  # dose and level fall together
    held = level.max(axis=1) >= 0.0
    out = np.full(40, np.nan)
    kernel(0, 40, rise, level, out)
    for row in np.flatnonzero(held):
        pairs = [(i, j) for i in range(8) for j in range(i) if level[row, i] != level[row, j]]
        equal = [(rise[row, i] - rise[row, j]) / (level[row, i] - level[row, j]) for i, j in pairs]
        want = max(min(rise[row] - w * level[row]) for w in (0.0, *(w for w in equal if w > 0.0)))
        np.testing.assert_allclose(out[row], want, rtol=0, atol=1e-12)
    assert (out[~held] >= rise[~held].min(axis=1)).all()


def corner_level_rows(kernel: Kernel, rng: Rng) -> None:
    """Within a cell the twin's level at the corners; of larger boxes a plane above it wherever it is inside."""
    level = frozen(rng.normal(size=(6, 5, 7)) - 0.8 + np.arange(7) * rng.uniform(-0.6, 0.6), np.float32)
    sizes = np.array([[0.5, 0.125, 0.25], [2.0, 2.0, 2.0], [4.0, 2.0, 2.0], [2.0, 4.0, 0.5], [8.0, 8.0, 8.0]])
    size = sizes[rng.permutation(len(sizes))]
    low = np.floor(rng.uniform(0.0, 4.0, size.shape) / np.ceil(size)) * np.ceil(size)
    out = np.full((len(size), 8), np.nan)
    kernel(0, len(size), level, low, size, out)
    corners = np.array([[x, y, z] for x in (0.0, 1.0) for y in (0.0, 1.0) for z in (0.0, 1.0)])
    for row in range(len(size)):
        places = np.concatenate((corners, rng.random((20, 3))))
        at = [naive.trilinear(level, low[row] + place * size[row]) for place in places]
        if size[row].max() <= 1.0:
            np.testing.assert_allclose(out[row], at[:8], rtol=1e-6, atol=1e-6)
            continue
        # A plane: its value is that of its corners, weighted by how near they are.
        nearness = np.where(corners > 0, places[:, None], 1.0 - places[:, None]).prod(axis=2)
        above = nearness @ out[row]
        assert (above[np.array(at) >= 0.0] >= np.array(at)[np.array(at) >= 0.0] - 1e-6).all()
        # Not idle: it touches the level of a cell that is not outside, or nothing is inside.
        x, y, z = np.meshgrid(
            *(np.arange(math.floor(lo), math.ceil(lo + n) + 1) for lo, n in zip(low[row], size[row], strict=True)),
            indexing="ij",
        )
        voxels = np.stack((x, y, z), axis=-1).reshape(-1, 3)
        at_x, at_y, at_z = np.minimum(voxels.astype(int), np.array(level.shape[::-1]) - 1).T
        values = level[at_z, at_y, at_x].astype(np.float64)
        if values.max() < 0.0:
            np.testing.assert_allclose(out[row], values.max())
            continue
        slope = [(out[row, corner] - out[row, 0]) / size[row, axis] for axis, corner in enumerate((4, 2, 1))]
        plane = out[row, 0] + (voxels - low[row]) @ slope
        assert np.abs(plane - values).min() < 1e-5
