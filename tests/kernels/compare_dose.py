"""Dose-rate kernels against their twins. Each comparison draws its own case and raises where the two differ."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from kernel_cases import Rng, hard_places, invented_tables, points_of, some_dwells

from hdrplan.arrays import frozen
from hdrplan.kernels import lattice as lattice_kernels
from hdrplan.kernels.exact import pieces_of
from hdrplan.kernels.lattice import lattice_of
from hdrplan.kernels.lattice_rows import Columns
from hdrplan.kernels.tg43 import Stops, Tables
from hdrplan.kernels.vector import HELD
from naive import tg43 as naive
from tolerances import FLOAT32_SUM, NAIVE, ROUNDOFF, TABLE, TABLE_NEAR

Kernel = Callable[..., Any]


def geometry_factor(kernel: Kernel, rng: Rng) -> None:
    t = invented_tables(rng)
    places = [(along, naive.at_wall(along, away, t)) for along, away in hard_places(rng, t)]
    want = [naive.geometry_factor(*place, t.length_mm) for place in places]
    np.testing.assert_allclose([kernel(*place, t.length_mm) for place in places], want, rtol=1e2 * ROUNDOFF)


def radial_dose(kernel: Kernel, rng: Rng) -> None:
    t = invented_tables(rng, odd=True)
    r_mm = [*np.geomspace(0.1, 400.0, 60), *t.g_r_mm]
    np.testing.assert_allclose(
        [kernel(r, t) for r in r_mm], [naive.radial_dose(r, t) for r in r_mm], rtol=1e2 * ROUNDOFF
    )


def anisotropy(kernel: Kernel, rng: Rng) -> None:
    t = invented_tables(rng, odd=True)
    asked = [*zip(np.geomspace(0.1, 400.0, 80), rng.uniform(0.0, np.pi, 80), strict=True), (t.near_mm, np.pi)]
    got = [kernel(r, theta, t) for r, theta in asked]
    np.testing.assert_allclose([f for f, _ in got], [naive.anisotropy(*a, t) for a in asked], rtol=1e2 * ROUNDOFF)
    assert [bool(off) for _, off in got] == [not naive.published(*a, t) for a in asked]


def rate_per_u(kernel: Kernel, rng: Rng) -> None:
    t = invented_tables(rng, odd=True)
    places = hard_places(rng, t)
    got = [kernel(along, away, t) for along, away in places]
    np.testing.assert_allclose([rate for rate, _ in got], [naive.rate(*p, t) for p in places], rtol=NAIVE)
    assert [bool(off) for _, off in got] == [not naive.rate_is_published(*p, t) for p in places]


def place(kernel: Kernel, rng: Rng) -> None:
    positions, axes = some_dwells(rng, 50)
    got = [kernel(*p, *a) for p, a in zip(positions, axes, strict=True)]
    want = [naive.place(p, a) for p, a in zip(positions, axes, strict=True)]
    np.testing.assert_allclose(got, want, atol=1e2 * ROUNDOFF)


def around(rng: Rng, t: Tables, n_dwells: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Dwells, and hard points round the first one that lie in no other's capsule or on its core."""
    positions, axes = some_dwells(rng, n_dwells, half_mm=30.0)
    points = points_of(hard_places(rng, t, n=12), positions[0], axes[0], rng)
    clear = (np.linalg.norm(points[:, None] - positions[None, 1:], axis=2) > 6.0).all(axis=1)
    return positions, axes, frozen(points[clear])


def rows_of(positions: np.ndarray, axes: np.ndarray) -> np.ndarray:
    return frozen(np.concatenate((positions, axes), axis=1).T)


def rate_rows(kernel: Kernel, rng: Rng) -> None:
    t = invented_tables(rng, odd=True)
    positions, axes, points = around(rng, t, 3)
    points = frozen(np.concatenate((points, [[1500.0, 200.0, -300.0]])))  # beyond every table
    out, outside = np.full((len(points), 3), np.nan), np.zeros(len(points), dtype=np.bool_)
    kernel(1, len(points), points, rows_of(positions, axes), 40.7, pieces_of(t), outside, out)
    assert np.isnan(out[0]).all()  # a row that was not asked for
    np.testing.assert_allclose(out[1:], 40.7 * naive.rates(points, positions, axes, t)[1:], rtol=NAIVE)
    np.testing.assert_array_equal(outside[1:], ~naive.all_published(points, positions, axes, t)[1:])


def dose_rows(kernel: Kernel, rng: Rng) -> None:
    t = invented_tables(rng, odd=True)
    positions, axes, points = around(rng, t, 3)
    weights = frozen(rng.uniform(1.0, 9.0, 3))
    out, unpublished = np.full(len(points), np.nan), np.full(len(points), np.nan)
    kernel(0, len(points), points, rows_of(positions, axes), weights, pieces_of(t), unpublished, out)
    np.testing.assert_allclose(out, naive.doses(points, positions, axes, weights, t), rtol=NAIVE)
    want = naive.unpublished_doses(points, positions, axes, weights, t)
    np.testing.assert_array_equal(unpublished > 0.0, want > 0.0)
    np.testing.assert_allclose(unpublished, want, rtol=NAIVE)


def oblique_steps(rng: Rng, spacing_mm: tuple[float, float, float]) -> np.ndarray:
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return frozen((turn * spacing_mm).T)


def field_rows(kernel: Kernel, rng: Rng) -> None:
    t = invented_tables(rng, odd=True)
    positions, axes = some_dwells(rng, 3)
    weights, origin, shape = frozen(rng.uniform(1.0, 9.0, 3)), frozen([20.0, 25.0, -9.0]), (2, 4, 5)
    steps = oblique_steps(rng, (2.0, 3.0, 5.0))
    out = np.full(shape, np.nan, dtype=np.float32)
    kernel(0, shape[0] * shape[1], origin, steps, rows_of(positions, axes), weights, pieces_of(t), out)
    want = naive.doses(naive.grid_points(origin, steps, shape), positions, axes, weights, t)
    np.testing.assert_allclose(out.ravel(), want, rtol=FLOAT32_SUM)


def pieces(kernel: Kernel, rng: Rng) -> None:
    """Radii and angles as close as they come: refused, or read in the right piece at every node and beside it."""
    t = invented_tables(rng, odd=True)
    close = t.g_r_mm * np.where(rng.random(len(t.g_r_mm)) < 0.5, 1.0, 1.0 + 10.0 ** rng.uniform(-4.0, -1.0))
    # A third of a degree from one node to the next, in the middle and at the end.
    angles = t.f_theta_rad.copy()
    angles[[4, -2]] = angles[5] - np.deg2rad(0.3), np.pi - np.deg2rad(0.3)
    t = t._replace(g_r_mm=frozen(np.unique(np.concatenate((t.g_r_mm, close)))), f_theta_rad=frozen(np.sort(angles)))
    t = t._replace(g=frozen(rng.uniform(0.9, 1.1, len(t.g_r_mm))))
    made = kernel(t)
    if made is None:
        assert np.diff(np.log(t.g_r_mm)).min() < 3e-3  # nothing coarser may be refused
        return
    r_mm = np.sort(np.concatenate([t.g_r_mm * (1.0 + d) for d in (-1e-5, 0.0, 1e-5)]))
    r_mm = r_mm[r_mm < t.g_r_mm[-1]]
    theta = np.clip(np.concatenate([t.f_theta_rad + d for d in (-1e-5, 0.0, 1e-5)]), 0.0, np.pi)
    asked = [(r, np.pi / 2) for r in r_mm] + [(float(rng.uniform(2.0, t.g_r_mm[-1])), angle) for angle in theta]
    places = [(r * math.cos(angle), r * math.sin(angle)) for r, angle in asked]
    got = [exact_rate_at(along, away * away, made)[0] for along, away in places]
    np.testing.assert_allclose(got, [naive.rate(along, away, t) for along, away in places], rtol=NAIVE)


def exact_rate_at(*args: Any) -> Any:
    """The pieces themselves: kernels that find a place beyond them read the tables instead, and would hide a fault."""
    from hdrplan.kernels import exact

    return exact.rate_at(*args)


def table_tolerance(points: np.ndarray, positions: np.ndarray) -> np.ndarray:
    r_mm = np.linalg.norm(points[:, None] - positions[None], axis=2)
    return np.where(r_mm >= 2.0, TABLE, TABLE_NEAR)


def within(got: np.ndarray, want: np.ndarray, allowed: np.ndarray) -> None:
    assert not np.isnan(got).any()
    np.testing.assert_array_less(np.abs(got - want), allowed + 1e-300)


def lattice(kernel: Kernel, rng: Rng) -> None:
    t = invented_tables(rng)
    made = kernel(t)
    positions, axes, points = around(rng, t, 1)
    points = frozen(points[np.linalg.norm(points - positions, axis=1) < 250.0])
    out = np.zeros(len(points))
    table_rows(0, len(points), points, Stops(positions, axes, frozen([1.0])), made, out)
    want = naive.rates(points, positions, axes, t)
    within(out, want[:, 0], (table_tolerance(points, positions) * want)[:, 0])


def table_rows(*args: Any) -> None:
    from hdrplan.kernels import lattice_rows

    lattice_rows.dose_table_rows(*args)


def dose_table_rows(kernel: Kernel, rng: Rng) -> None:
    t = invented_tables(rng)
    positions, axes, points = around(rng, t, 3)
    points = frozen(points[np.linalg.norm(points - positions[0], axis=1) < 200.0])
    weights = frozen(rng.uniform(1.0, 9.0, 3) * [1.0, -1.0, 1.0])
    out = np.full(len(points), np.nan)
    kernel(0, len(points), points, Stops(positions, axes, weights), lattice_of(t), out)
    parts = naive.rates(points, positions, axes, t) * weights
    within(out, parts.sum(axis=1), (table_tolerance(points, positions) * np.abs(parts)).sum(axis=1))


def rate_matrix_rows(kernel: Kernel, rng: Rng) -> None:
    t = invented_tables(rng)
    positions, axes, points = around(rng, t, 3)
    r_mm = np.linalg.norm(points[:, None] - positions[None], axis=2)
    points, r_mm = frozen(points[r_mm.max(axis=1) < 250.0]), r_mm[r_mm.max(axis=1) < 250.0]
    centre = frozen(positions.mean(axis=0))
    padded = [0, 1, 2, 2, 2, 2, 2, 2]  # whole vectors of eight
    singles = frozen(np.concatenate((positions - centre, axes), axis=1)[padded].T, np.float32)
    out, outside = np.full((len(points), 3), np.nan), np.zeros(len(points), dtype=np.bool_)
    columns = Columns(centre, singles, 40.7)
    kernel(0, len(points), points, columns, (t.near_mm, t.far_mm), lattice_of(t), outside, out)
    want = 40.7 * naive.rates(points, positions, axes, t)
    within(out, want, table_tolerance(points, positions) * want)
    np.testing.assert_array_equal(outside, ((r_mm < t.near_mm) | (r_mm > t.far_mm)).any(axis=1))


def unread_rows(kernel: Kernel, rng: Rng) -> None:
    """G_L as the mean of 1 / distance^2 over the core."""
    t = invented_tables(rng)
    positions, axes = some_dwells(rng, 3)
    away = rng.normal(size=(9, 3))
    away *= rng.uniform(4.0 * t.length_mm + 60.0, 200.0, (9, 1)) / np.linalg.norm(away, axis=1, keepdims=True)
    points, centre = frozen(away), frozen(positions.mean(axis=0))
    whole = [0, 1, 2, 2, 2, 2, 2, 2]
    rows = frozen(np.concatenate((positions - centre, axes), axis=1)[whole].T, np.float32)
    out = np.full((9, 3), np.nan)
    kernel(1, 9, points, Columns(centre, rows, 1.0), lattice_of(t), out)
    assert np.isnan(out[0]).all()
    for row, point in zip(out[1:], points[1:], strict=True):
        want = [
            naive.geometry_factor(*naive.place(point - q, a), t.length_mm) for q, a in zip(positions, axes, strict=True)
        ]
        np.testing.assert_allclose(row, want, rtol=10 * FLOAT32_SUM)


def added(kernel: Kernel, rng: Rng, nearest: float) -> None:
    """Points of a block seen from its middle, which lies off the dwell; what is there already stays."""
    t = invented_tables(rng)
    axis = some_dwells(rng, 1)[1][0].astype(np.float32)
    middle = rng.normal(size=3)
    middle = (middle / np.linalg.norm(middle) * rng.uniform(nearest + 7.0, 120.0)).astype(np.float32)
    places = frozen(rng.uniform(-4.0, 4.0, (3, 64)), np.float32)
    before = rng.uniform(1.0, 2.0, 64).astype(np.float32) * 1e-6
    out = before.copy()
    held = np.zeros(4 * HELD, dtype=np.float32)
    kernel(tuple(places), tuple(middle), tuple(axis), np.float32(3.0), lattice_of(t), held, out)
    points = (places.T + middle).astype(np.float64)
    want = 3.0 * naive.rates(points, np.zeros((1, 3)), axis[None].astype(np.float64), t)[:, 0]
    within(out, before + want, TABLE * want + FLOAT32_SUM * before)


def rate32(kernel: Kernel, rng: Rng, nearest: float, table: str) -> None:
    t = invented_tables(rng)
    made = lattice_of(t)
    for along, away in hard_places(rng, t, n=12):
        r_mm = float(np.hypot(along, away))
        if nearest <= r_mm < 250.0:
            want = naive.rate(along, away, t)
            got = value_of(kernel(np.float32(along), np.float32(away * away), made), getattr(made, table))
            assert abs(got - want) <= (TABLE if r_mm >= 2.0 else TABLE_NEAR) * want


def value_of(place: tuple[Any, ...], table: np.ndarray) -> float:
    """What stands at a place of the table, between its four nodes, times the place's factor."""
    factor, cell, across, down = place
    rows = table[int(cell) + np.array([[0, 1], [lattice_kernels.ROW, lattice_kernels.ROW + 1]])].astype(float)
    return float(factor) * float(np.array([1.0 - down, down]) @ rows @ np.array([1.0 - across, across]))


def place_at(kernel: Kernel, rng: Rng) -> None:
    rate32(kernel, rng, nearest=0.5, table="shape")


def far_place_at(kernel: Kernel, rng: Rng) -> None:
    rate32(kernel, rng, nearest=4.0 * 5.0, table="far")


def angle32(kernel: Kernel, rng: Rng) -> None:
    angle(kernel, rng, np.float32, FLOAT32_SUM)


def degrees32(kernel: Kernel, rng: Rng) -> None:
    turn = np.concatenate((rng.uniform(0.0, np.pi, 40), [0.0, 1e-5, np.pi / 2, np.pi]))
    for x, y in zip(np.cos(turn).astype(np.float32), np.sin(turn).astype(np.float32), strict=True):
        want = math.degrees(math.atan2(float(y), float(x)))
        assert abs(kernel(x, x * x, y * y) - want) <= 4e-6 * 180.0


def angle64(kernel: Kernel, rng: Rng) -> None:
    angle(kernel, rng, np.float64, ROUNDOFF)


def angle(kernel: Kernel, rng: Rng, dtype: Any, tolerance: float) -> None:
    """All quadrants above the axis, the axes, and beside them."""
    theta = np.concatenate((rng.uniform(0.0, np.pi, 60), [0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4, np.pi, 1e-6]))
    for t in theta:
        y, x = dtype(abs(np.sin(t))), dtype(np.cos(t))
        assert abs(kernel(y, x) - np.arctan2(float(y), float(x))) <= tolerance * max(t, 1e-9)


def add_dwell(kernel: Kernel, rng: Rng) -> None:
    added(kernel, rng, nearest=2.0)


def add_far_dwell(kernel: Kernel, rng: Rng) -> None:
    added(kernel, rng, nearest=4.0 * 5.0)  # the longest core of the invented sources
