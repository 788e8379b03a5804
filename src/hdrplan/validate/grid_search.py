"""The voxel of a dose grid that deviates most from the formula, by search: many starts, uphill among neighbours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.geometry import Dwells, Volume
from hdrplan.sources import TG43Source

__all__ = ["WorstVoxel", "worst_voxel"]

# Voxels at random and on the axes of the dwells, where errors of dwells in one line add up.
_RANDOM, _ON_AXIS = 3_000, 1_500
_FOLLOWED, _STEPS = 30, 20
_BESIDE = np.array([[x, y, z] for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1) if x or y or z])
# The promise holds beyond 1 mm from every capsule.
_FROM_CAPSULE_MM = 1.0


@dataclass(frozen=True, slots=True)
class WorstVoxel:
    """What the search came to.

    Parameters
    ----------
    deviation_frac : float
        Of the worst voxel.
    looked_at : int
        Voxels whose dose was computed by the formula.
    """

    deviation_frac: float
    looked_at: int


def worst_voxel(
    field: Volume, dwells: Dwells, source: TG43Source, dose_gy: Callable[[FloatArray], FloatArray]
) -> WorstVoxel:
    """Return the largest relative deviation of a grid that the search finds, in water.

    Parameters
    ----------
    field : Volume
        Gy.
    dwells : Dwells
        With time: no voxel within 1 mm of their capsules is judged.
    source : TG43Source
    dose_gy : callable
        (n, 3) points in mm -> (n,) doses in Gy, by the formula.
    """
    grid = field.grid
    nz, ny, nx = grid.shape_zyx
    size = np.array([nx, ny, nz])
    rng = np.random.default_rng(31)
    reach_mm = float(np.linalg.norm(size * grid.spacing_mm))
    k = rng.integers(0, len(dwells), _ON_AXIS)
    way_mm = rng.uniform(-1.0, 1.0, _ON_AXIS)[:, None] * reach_mm * dwells.axes[k]
    on_axis = np.rint(grid.index(dwells.positions_mm[k] + way_mm)).astype(np.int64)
    index = np.concatenate((rng.integers(0, size, (_RANDOM, 3)), on_axis))
    index, error = _errors(index, field, dwells, source, dose_gy)
    looked_at = len(index)
    order = np.argsort(-error)[:_FOLLOWED]
    index, error = index[order], error[order]
    for _ in range(_STEPS):
        beside = (index[:, None, :] + _BESIDE[None]).reshape(-1, 3)
        beside, beside_error = _errors(np.unique(beside, axis=0), field, dwells, source, dose_gy)
        looked_at += len(beside)
        both, errors = np.concatenate((index, beside)), np.concatenate((error, beside_error))
        both, first = np.unique(both, axis=0, return_index=True)
        errors = errors[first]
        best = np.argsort(-errors)[:_FOLLOWED]
        if errors[best[0]] <= error.max(initial=0.0) and errors[best].sum() <= error.sum():
            break
        index, error = both[best], errors[best]
    return WorstVoxel(float(error.max()) if len(error) else np.nan, looked_at)


def _errors(
    index: IntArray, field: Volume, dwells: Dwells, source: TG43Source, dose_gy: Callable[[FloatArray], FloatArray]
) -> tuple[IntArray, FloatArray]:
    """Voxels of the grid in water, and their relative deviations."""
    nz, ny, nx = field.grid.shape_zyx
    index = index[((index >= 0) & (index < [nx, ny, nz])).all(axis=1)]
    points = field.grid.world(index.astype(np.float64))
    capsule = source.capsule
    water = np.ones(len(points), dtype=np.bool_)
    for position, axis in zip(dwells.positions_mm, dwells.axes, strict=True):
        along = (points - position) @ axis
        away = np.linalg.norm(np.cross(points - position, axis), axis=1)
        low, high = capsule.cable_z_mm - _FROM_CAPSULE_MM, capsule.tip_z_mm + _FROM_CAPSULE_MM
        water &= ~((low < along) & (along < high) & (away < capsule.radius_mm + _FROM_CAPSULE_MM))
    index, points = index[water], points[water]
    exact = dose_gy(points)
    stated = field.values_zyx[index[:, 2], index[:, 1], index[:, 0]].astype(np.float64)
    return index, np.abs(stated / exact - 1.0)
