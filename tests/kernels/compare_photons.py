"""Photon transport against its twins: same draws, so that every history is the same photon.

Entries of invented tables are multiples of 1/4096: their differences are exact in float32, and a cosine of a kernel is
that of its twin to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hdrplan.arrays import frozen
from hdrplan.kernels.photons import PhotonTables
from hdrplan.kernels.revolved import Core, Revolved, Tally
from hdrplan.kernels.scatter import Emitted, Scoring, VoxelBox
from naive import collisions, flights, streams
from naive.streams import Stream
from tolerances import NAIVE, ROUNDOFF

__all__ = [
    "collided", "energy_place", "isotropic", "mixed", "revolved_histories", "scatter_histories", "stream", "turned",
    "uncollided_rows", "uniform",
]  # fmt: skip

Kernel = Callable[..., Any]
Rng = np.random.Generator

# Kernels add tracks up in float32.
_SCORE = 1e-5
# A ray in steps of 0.01 mm is off by half a step at each border between solids that differ by 0.1/mm at most; up to
# four borders: 2e-3.
_STEPS = 2e-3
_ENERGIES, _MEDIA = 12, 3


def _key(rng: Rng) -> int:
    return int(rng.integers(0, 2**64, dtype=np.uint64))


def mixed(kernel: Kernel, rng: Rng) -> None:
    """Any state."""
    state = _key(rng)
    with np.errstate(over="ignore"):
        assert int(kernel(np.uint64(state))) == streams.mixed(state)


def stream(kernel: Kernel, rng: Rng) -> None:
    """Any key and history."""
    key, history = _key(rng), int(rng.integers(0, 2**40))
    with np.errstate(over="ignore"):
        assert int(kernel(np.uint64(key), history)) == Stream.of_history(key, history).state


def uniform(kernel: Kernel, rng: Rng) -> None:
    """Some numbers in a row."""
    true = Stream(_key(rng))
    for _ in range(20):
        before = true.state
        number = true.uniform()
        with np.errstate(over="ignore"):
            state, made = kernel(np.uint64(before))
        assert int(state) == true.state
        assert made == number


def energy_place(kernel: Kernel, rng: Rng) -> None:
    """Inside the table and beyond both its ends."""
    tables = _tables(rng)
    for energy in [4.0, *rng.uniform(5.0, 700.0, 20), 900.0]:
        np.testing.assert_allclose(kernel(energy, tables), collisions.row_of(energy, tables), rtol=NAIVE, atol=ROUNDOFF)


def turned(kernel: Kernel, rng: Rng) -> None:
    """Any direction, and both poles."""
    for way in [np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, -1.0]), *_directions(rng, 10)]:
        true, cosine = Stream(_key(rng)), float(rng.uniform(-1.0, 1.0))
        with np.errstate(over="ignore"):
            state, *made = kernel(np.uint64(true.state), cosine, *way.tolist())
        np.testing.assert_allclose(made, collisions.turned(true, cosine, way), atol=ROUNDOFF)
        assert int(state) == true.state


def isotropic(kernel: Kernel, rng: Rng) -> None:
    """Some directions."""
    for _ in range(10):
        true = Stream(_key(rng))
        with np.errstate(over="ignore"):
            state, *made = kernel(np.uint64(true.state))
        np.testing.assert_allclose(made, collisions.isotropic(true), atol=ROUNDOFF)
        assert int(state) == true.state


def collided(kernel: Kernel, rng: Rng) -> None:
    """All three kinds of collision, soft and hard photons."""
    tables = _tables(rng)
    for energy in rng.uniform(6.0, 650.0, 30).tolist():
        true, way, medium = Stream(_key(rng)), _directions(rng, 1)[0], int(rng.integers(_MEDIA))
        row, fraction = collisions.row_of(energy, tables)
        level = float(rng.uniform(0.0, collisions.between(tables.total, row, fraction)[medium]))
        with np.errstate(over="ignore"):
            state, after, *made = kernel(
                np.uint64(true.state), level, (row, fraction, medium), energy, tuple(way.tolist()), tables
            )
        wanted, direction = collisions.collided(true, level, energy, medium, way, tables)
        np.testing.assert_allclose(after, wanted, rtol=NAIVE)
        np.testing.assert_allclose(made, direction, atol=NAIVE)
        assert int(state) == true.state


def scatter_histories(kernel: Kernel, rng: Rng) -> None:
    """Random voxels, scored on another grid; vacuum or a medium around."""
    tables, key, n = _tables(rng), _key(rng), 30
    shape = tuple(rng.integers(2, 6, 3).tolist())
    codes = rng.integers(0, _MEDIA, shape) * 2**24 + rng.integers(1, 900_000, shape)
    outside, spacing = int(rng.choice([0, 2**24 + 400_000])), rng.uniform(5.0, 12.0, 3)
    size = spacing * shape[::-1]
    box = VoxelBox(
        codes=frozen(codes, np.uint32),
        per_mm=frozen(1.0 / spacing),
        outside=np.uint32(outside),
        reach_mm=frozen(np.array([np.full(3, -20.0), size + 20.0])),
        majorant=frozen(2.5 * tables.total.max(axis=1, keepdims=True), np.float32),
        own=frozen(1.802 * tables.total.max(axis=1, keepdims=True), np.float32),
        kept=0.6,
    )
    limit, alias = rng.uniform(0.0, 1.0, 4), rng.integers(0, 4, 4)
    cosine = np.sort(rng.uniform(-1.0, 1.0, (4, 2)), axis=1)
    emitted = Emitted(
        position_mm=frozen(rng.uniform(0.0, 1.0, (3, 3)) * size),
        axis=frozen(_directions(rng, 3)),
        cumulative=frozen(np.array([0.2, 0.7, 1.0])),
        length_mm=3.5,
        limit=frozen(limit),
        alias=frozen(alias, np.int64),
        energy_kev=frozen(rng.uniform(30.0, 600.0, 4)),
        cosine=frozen(cosine),
    )
    scoring = Scoring(
        low_mm=frozen(-0.3 * size),
        per_mm=frozen(4.0 / (1.5 * size)),
        step_mm=float(rng.uniform(1.0, 4.0)),
        response=frozen(rng.uniform(1.0, 20.0, (_ENERGIES, 4)), np.float32),
        score=np.zeros((4, 4, 4, 4), dtype=np.float32),
    )
    first = int(rng.integers(0, 1000))
    with np.errstate(over="ignore"):
        made = kernel(first, first + n, np.uint64(key), emitted, tables, box, scoring)
    number, score = flights.voxel_histories(first, first + n, key, emitted, tables, box, scoring)
    assert number > 0
    assert made == number
    np.testing.assert_allclose(scoring.score, score, rtol=_SCORE)


def revolved_histories(kernel: Kernel, rng: Rng) -> None:
    """What leaves a capsule, and the kerma around it and around a core alone."""
    tables, key = _tables(rng), _key(rng)
    limit, alias = rng.uniform(0.0, 1.0, 3), rng.integers(0, 3, 3)
    core = Core(0.4, 3.5, frozen(limit), frozen(alias, np.int64), frozen(rng.uniform(60.0, 600.0, 3)))
    capsule, alone = _capsule(rng, tables), _alone(tables)
    response = frozen(rng.uniform(1.0, 20.0, (_ENERGIES, 1)), np.float32)
    shells = (0.2, float(rng.uniform(1.0, 3.0)), response)
    for bodies, left, kerma in (
        (capsule, np.zeros((30, 5, 2, 2)), np.zeros((0, 1, 2))),
        (capsule, np.zeros((0, 1, 2, 2)), np.zeros((8, 3, 2))),
        (alone, np.zeros((0, 1, 2, 2)), np.zeros((8, 1, 2))),
    ):
        tally = Tally(left, 20.0, kerma, *shells)
        with np.errstate(over="ignore"):
            kernel(0, 12, np.uint64(key), core, tables, bodies, tally)
        true_left, true_kerma = flights.revolved_histories(0, 12, key, core, tables, bodies, tally)
        assert true_left.sum() + true_kerma.sum() > 0.0
        np.testing.assert_allclose(left, true_left, rtol=NAIVE)
        np.testing.assert_allclose(kerma, true_kerma, rtol=NAIVE)


def uncollided_rows(kernel: Kernel, rng: Rng) -> None:
    """Points all around a capsule."""
    bodies = _capsule(rng, _tables(rng))
    points = _directions(rng, 6) * rng.uniform(8.0, 40.0, (6, 1))
    starts = np.stack((*rng.uniform(-0.25, 0.25, (2, 4)), rng.uniform(-1.7, 1.7, 4)), axis=1)
    # The core attenuates most, as iridium does: a border that is seen a step off shows.
    mu, weight, out = (
        rng.uniform(0.0, 0.1, (2, 5)) * [8.0, 4.0, 4.0, 4.0, 1.0],
        rng.uniform(0.5, 2.0, 2),
        np.full(6, np.nan),
    )
    kernel(0, 6, points, starts, bodies, mu, weight, out)
    true = [flights.uncollided(point, starts, bodies, mu, weight) for point in points]
    np.testing.assert_allclose(out, true, rtol=_STEPS)


def _capsule(rng: Rng, tables: PhotonTables) -> Revolved:
    """A core in a wall with a round tip and a cone behind, in a thin medium."""
    solid = [
        [-1.75, 1.75, 0.4, 0.4, 0.0],
        [-2.0, 2.0, 0.6, 0.6, 0.0],
        [2.0, 2.6, 0.6, 0.6, 0.6],
        [-4.0, -2.0, 0.2, 0.6, 0.0],
    ]
    medium = rng.integers(0, _MEDIA, 5)
    density = np.array([*rng.uniform(1.0, 20.0, 4), rng.choice([0.5, 1.0])])
    return _bodies(solid, medium, density, (0.6, -4.0, 2.6), tables)


def _alone(tables: PhotonTables) -> Revolved:
    return _bodies(np.zeros((0, 5)), np.array([1]), np.array([1.0]), (0.0, 0.0, 0.0), tables)


def _bodies(solid: Any, medium: np.ndarray, density: np.ndarray, inner: Any, tables: PhotonTables) -> Revolved:
    mu = tables.total[:, medium] * density
    majorant = np.stack((mu.max(axis=1), mu[:, -1]), axis=1) * 1.001
    return Revolved(
        frozen(np.asarray(solid)), frozen(medium, np.int64), frozen(density), frozen(inner), 50.0,
        frozen(majorant, np.float32),
    )  # fmt: skip


def _directions(rng: Rng, n: int) -> np.ndarray:
    ways = rng.normal(size=(n, 3))
    return np.asarray(ways / np.linalg.norm(ways, axis=1, keepdims=True))


def _tables(rng: Rng) -> PhotonTables:
    """Media that no one has: cross sections, S, form factors and lines at random."""
    sums = np.cumsum(rng.integers(20, 100, (3, _ENERGIES, _MEDIA)), axis=0) / 4096.0
    rising = np.sort(rng.choice(np.arange(1, 4096), (_MEDIA, 2, 38), replace=True), axis=2) / 4096.0
    # Always rising, from 0 to 1.
    form = np.linspace(0.0, 1.0, 33)[None] ** rng.uniform(0.5, 1.0, (_MEDIA, 1))
    form = np.round(form * 4096.0) / 4096.0
    electrons = np.concatenate((np.zeros((_MEDIA, 1)), rising[:, 0], np.ones((_MEDIA, 1))), axis=1)
    t = np.linspace(0.0, 0.9925, 33)
    return PhotonTables(
        log_first=float(np.log(5.0)),
        per_log=float((_ENERGIES - 1) / np.log(700.0 / 5.0)),
        cutoff_kev=5.0,
        incoherent=frozen(sums[0], np.float32),
        scattered=frozen(sums[1], np.float32),
        total=frozen(sums[2], np.float32),
        electrons=frozen(electrons, np.float32),
        form=frozen(form, np.float32),
        x2=frozen((t / (1.0 - t)) ** 2),
        fluorescence=frozen(rng.integers(0, 4097, (_ENERGIES, _MEDIA)) / 4096.0, np.float32),
        line_kev=frozen(np.sort(rng.uniform(4.0, 80.0, (_MEDIA, 3)), axis=1)),
        line_cumulative=frozen(np.tile([0.3, 0.8, 1.0], (_MEDIA, 1))),
    )
