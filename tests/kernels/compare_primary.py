"""Primary kerma against its twin: random boxes, lines and tables that are straight in their logarithm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hdrplan.kernels.primary import BaseBox, SpectrumTables
from hdrplan.kernels.tg43 import Stops
from naive import primary as naive

__all__ = ["primary_media_rows", "primary_rows"]

# float32 tables of logarithms of about 5.
_TOLERANCE = 5e-6


def primary_rows(kernel: Callable[..., Any], rng: np.random.Generator) -> None:
    """All dwells together."""
    call, true = _case(rng)
    out = np.full((len(true), 3), np.nan)
    kernel(0, len(out), *call, out)
    np.testing.assert_allclose(out, true.sum(axis=1), rtol=_TOLERANCE)


def primary_media_rows(kernel: Callable[..., Any], rng: np.random.Generator) -> None:
    """All dwells together, in each medium of the tables: the twin's third column, water all over, is not asked for."""
    (points, medium, stops, box, tables), true = _case(rng)
    out = np.full((len(true), 2), np.nan)
    kernel(0, len(out), points, stops, box, tables, out)
    total = true.sum(axis=1)
    np.testing.assert_allclose(out[:, 0], total[:, 1], rtol=_TOLERANCE)
    np.testing.assert_allclose(out[np.arange(len(out)), medium], total[:, 0], rtol=_TOLERANCE)


def _case(rng: np.random.Generator) -> tuple[tuple[Any, ...], np.ndarray]:
    shape = tuple(rng.integers(1, 7, 3).tolist())
    # Half of the cases lie on planes, edges and corners of voxels, with spacings that floating point holds exactly:
    # there the kernel takes the voxel above, as the twin does.
    on_planes = rng.random() < 0.5
    spacing = 2.0 ** rng.integers(0, 3, 3) if on_planes else rng.uniform(1.0, 5.0, 3)
    base, density = rng.integers(0, 2, shape), rng.uniform(0.0, 2.0, shape).astype(np.float32)
    mass = np.zeros((*shape, 2), dtype=np.float32)
    np.put_along_axis(mass, base[..., None], density[..., None], axis=3)
    size = spacing * shape[::-1]
    points = rng.uniform(-0.3, 1.3, (6, 3)) * size
    places = rng.uniform(0.0, 1.0, (3, 3)) * size
    if on_planes:
        points, places = (0.5 * spacing * np.rint(2.0 * some / spacing) for some in (points, places))
        # No place is a point: those of places lie 1/16 mm off along z, where lines still meet corners of the others.
        places[:, 2] += 0.0625
    # Lines along the axes, too.
    points[0, 1:] = places[0, 1:]
    axes = rng.normal(size=(3, 3))
    axes /= np.linalg.norm(axes, axis=1)[:, None]
    medium, weights = rng.integers(0, 2, 6), rng.uniform(0.1, 2.0, 3)
    fall, level, tilt = np.array([0.09, 0.14]), np.array([2.0, 1.0]), rng.uniform(-0.5, 0.5)
    nodes = np.arange(0.0, 20.0, 0.5)
    cosines = np.linspace(-1.0, 1.0, 5)
    # Of the cosine each stretch has a slope of its own.
    of_cosine = tilt * rng.uniform(-1.0, 1.0, 5)
    logs = level[:, None, None, None] + of_cosine[:, None, None] - fall[0] * nodes[:, None] - fall[1] * nodes
    tables = SpectrumTables(3.5, np.zeros(2), np.full(2, 2.0), logs.astype(np.float32))
    true = np.empty((6, 3, 3))
    for p, point in enumerate(points):
        for d, place in enumerate(places):
            masses = np.zeros(2)
            held = naive.path_by_medium(np.zeros(3), spacing, base.T, density.T.astype(float), place, point)
            masses[: len(held)] = held
            line = point - place
            r = float(np.linalg.norm(line))
            along = float(line @ axes[d])
            away = float(np.linalg.norm(line - along * axes[d]))
            beyond = max(0.0, abs(along) - 1.75)
            if np.hypot(beyond, away) < 0.45:
                away = np.sqrt(0.45**2 - beyond**2)
            factor = np.arctan2(3.5 * away, along**2 + away**2 - 3.5**2 / 4.0) / (3.5 * away)
            there = np.interp(along / r, cosines, of_cosine)
            behind = np.exp(level[[medium[p], 0]] + there - fall @ masses)
            in_water = np.exp(level[0] + there - fall[0] * 0.998 * r / 10.0)
            true[p, d] = weights[d] * factor * np.array([*behind, in_water])
    box = BaseBox(1.0 / spacing, mass, 0.998)
    return (points, medium, Stops(places, axes, weights), box, tables), true
