"""How a grid is cut into blocks for :mod:`hdrplan.kernels.tree`, and from where on a block may carry a dwell."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from hdrplan.arrays import FloatArray, frozen
from hdrplan.dose.tables import lattice_of_source
from hdrplan.geometry import Grid
from hdrplan.kernels.carried_error import FARTHEST, STEP, BlockPlaces, Probe, error_rows
from hdrplan.kernels.chebyshev import NODES, PADDED
from hdrplan.kernels.tree import Blocks
from hdrplan.sources import TG43Source
from hdrplan.threads import over_rows

__all__ = ["ERROR_SHAPE", "TOLERANCE", "blocks_of"]

ErrorOf = Callable[[TG43Source, tuple[float, float, float]], FloatArray]

TOLERANCE = 7e-4
"""Relative error that a block may add to the rate of one dwell, at the places where it is measured; what is left of the
promised 0.1 % is for the places between and for float32 (a search over placements of all sources found 0.09 %)."""

_LEAF_VOXELS = 512
_TABLES_END_MM = 400.0
_ANGLES = 60  # bins of 3 degrees
_DIRECTIONS = 16
_DISTANCES = FARTHEST / STEP ** np.arange(44)
ERROR_SHAPE = (len(_DISTANCES), _ANGLES)
"""Distances and angles of a block's errors."""
_CHEBYSHEV = np.cos((2 * np.arange(NODES)[::-1] + 1) * np.pi / (2 * NODES))


def blocks_of(grid: Grid, source: TG43Source, *, error_of: ErrorOf | None = None) -> Blocks:
    """Return the cut of a grid for a source.

    Parameters
    ----------
    grid : Grid
    source : TG43Source
    error_of : callable, optional
        Gives the largest relative error of a dwell that a block of some half edges carries, of :data:`ERROR_SHAPE`;
        it is measured otherwise.
    """
    measured = error_of or _error
    spacing = tuple(float(s) for s in grid.spacing_mm)
    leaf = _leaf(spacing)
    count = np.array(grid.shape_zyx[::-1])
    # Roots of 8 x 8 x 8 leaves on large grids, of 4 x 4 x 4 on others: enough roots for all threads.
    depth = 3 if np.prod(np.ceil(count / (8 * leaf))) >= 48 else 2
    half_mm = 0.5 * leaf * np.array(spacing)
    nodes = [_product(half_mm * 2 ** (depth - level), _CHEBYSHEV, PADDED) for level in range(depth + 1)]
    places = [(2 * np.arange(n) + 1) / n - 1 for n in leaf]
    voxels = np.stack(np.meshgrid(*(h * p for h, p in zip(half_mm[::-1], places[::-1], strict=True)), indexing="ij"))
    half_diagonal_mm = np.linalg.norm(half_mm) * 2.0 ** np.arange(depth, -1, -1)
    error = [measured(source, tuple(half_mm * 2 ** (depth - level))) for level in range(depth + 1)]
    least_mm = [_least_mm(table, half) for table, half in zip(error, half_diagonal_mm, strict=True)]
    return Blocks(
        source=lattice_of_source(source),
        roots=frozen(np.ceil(count / (leaf << depth)), np.int64),
        origin=grid.origin_mm,
        steps=frozen((grid.direction * grid.spacing_mm).T),
        leaf=frozen(leaf, np.int64),
        least2_mm2=frozen(np.square(least_mm)),
        half_diagonal_mm=frozen(half_diagonal_mm),
        nodes=frozen(np.array([grid.direction @ n for n in nodes]), np.float32),
        voxels=frozen(grid.direction @ voxels[::-1].reshape(3, -1), np.float32),
        child=frozen([_lagrange(0.5 * _CHEBYSHEV + side) for side in (-0.5, 0.5)], np.float32),
        write_x=frozen(_lagrange(places[0]), np.float32),
        write_y=frozen(_lagrange(places[1]), np.float32),
        write_z=frozen(_lagrange(places[2]), np.float32),
    )


def _leaf(spacing: tuple[float, ...]) -> np.ndarray:
    """Voxels of a leaf along x, y, z: powers of two, about 512 in all, edges as equal as they can be."""
    edge = (_LEAF_VOXELS * math.prod(spacing)) ** (1 / 3)
    return np.array([2 ** max(1, round(math.log2(edge / s))) for s in spacing])


def _lagrange(places: FloatArray) -> FloatArray:
    """Lagrange polynomials of the Chebyshev nodes, [node, place]."""
    out = np.ones((NODES, len(places)))
    for k in range(NODES):
        for m in range(NODES):
            if m != k:
                out[k] *= (places - _CHEBYSHEV[m]) / (_CHEBYSHEV[k] - _CHEBYSHEV[m])
    return out


def _product(half_mm: FloatArray, places: FloatArray, padded: int) -> FloatArray:
    """All combinations of ``places`` in a block, x fastest, (3, n) in mm; filled up to ``padded`` with the centre."""
    z, y, x = np.meshgrid(places, places, places, indexing="ij")
    out = np.zeros((3, max(padded, x.size)))
    out[:, : x.size] = np.stack([x.ravel(), y.ravel(), z.ravel()]) * half_mm[:, None]
    return out


def _least_mm(error: FloatArray, half_diagonal_mm: float) -> FloatArray:
    """From which distance on a block carries a dwell, for each angle; infinite where it never does.

    Parameters
    ----------
    error : (distances, angles) array
        The largest from there outward; nothing nearer than the half diagonal is carried.
    half_diagonal_mm : float
    """
    allowed = (error <= TOLERANCE) & (_DISTANCES > 1.0)[:, None]
    nearest = len(error) - 1 - np.argmax(allowed[::-1], axis=0)
    return np.where(allowed.any(axis=0), _DISTANCES[nearest] * half_diagonal_mm, np.inf)


@lru_cache(maxsize=64)
def _error(source: TG43Source, half_mm: tuple[float, float, float]) -> FloatArray:
    """Largest relative error of a dwell that a block of these half edges carries, [distance, angle]."""
    half = np.array(half_mm)
    rng = np.random.default_rng(20)
    directions = rng.normal(size=(_DIRECTIONS, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    directions = np.column_stack([directions, rng.uniform(0.0, 2 * np.pi, _DIRECTIONS)])
    # Where the error of the interpolation is largest: at the faces and midway between nodes.
    places = np.array([-1.0, -0.82, -0.32, 0.32, 0.82, 1.0])
    distances_mm = _DISTANCES * np.linalg.norm(half)
    # Tables end at 400 mm; what is farther is as smooth as there.
    beyond = int((distances_mm > _TABLES_END_MM).sum())
    if beyond == len(distances_mm):
        # A block of half a metre carries nothing: no dwell is that far away.
        return frozen(np.full((beyond, _ANGLES), np.inf))
    out = np.empty((len(distances_mm) - beyond, _ANGLES))
    probe = Probe(frozen(distances_mm[beyond:]), frozen(directions), 20.0 * TOLERANCE)
    block = BlockPlaces(
        nodes=frozen(_product(half, _CHEBYSHEV, PADDED), np.float32),
        places=frozen(_product(half, places, 0), np.float32),
        write=frozen(_lagrange(places), np.float32),
    )
    lattice = lattice_of_source(source)
    over_rows(lambda first, last: error_rows(first, last, probe, block, lattice, out), _ANGLES, smallest=4)
    return frozen(np.concatenate([np.repeat(out[:1], beyond, axis=0), out]))
