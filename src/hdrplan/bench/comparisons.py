"""One table for correctness and speed: what the tests check is what the benchmark times, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray
from hdrplan.bench.problems import STRENGTH_U, Problem
from hdrplan.dose import dose_at_points, dose_field, dose_rate

__all__ = ["COMPARISONS", "Comparison", "Deviation", "deviation", "sampled_voxels"]

_SAMPLED_ROWS = 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One way of computing something.

    Parameters
    ----------
    name : str
    kind : {"matrix", "points", "field"}
        What is computed, and so which pairs are counted and what is compared.
    run : callable
        Problem -> array.
    bound : float
        Relative deviation from the float64 reference that is promised 2 mm from a dwell and farther (fields: 1 mm from
        a capsule).
    maximum_pairs : float
        Larger problems are left out: they would take minutes and teach nothing.
    """

    name: str
    kind: Literal["matrix", "points", "field"]
    run: Callable[[Problem], npt.NDArray[np.floating]]
    bound: float
    maximum_pairs: float = 1e12


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """Relative deviations from the float64 reference at sampled places.

    Parameters
    ----------
    places : int
        How many were compared.
    median, p99, largest : float
    """

    places: int
    median: float
    p99: float
    largest: float


def _numpy_matrix(p: Problem, points_mm: FloatArray) -> FloatArray:
    """TG-43U1 as whole-array NumPy: what one writes without a compiler, and the reference of the kernels."""
    s, out = p.source, np.empty((len(points_mm), len(p.dwells)))
    half, capsule = s.active_length_mm / 2.0, s.capsule
    for k, (position, axis) in enumerate(zip(p.dwells.positions_mm, p.dwells.axes, strict=True)):
        d = points_mm - position
        along = d @ axis
        away = np.linalg.norm(d - along[:, None] * axis, axis=1)
        inside = (away < capsule.radius_mm) & (along >= capsule.cable_z_mm) & (along <= capsule.tip_z_mm)
        away = np.where(inside, capsule.radius_mm, np.maximum(away, 1e-6))
        r, theta = np.hypot(along, away), np.arctan2(away, along)
        beta = np.arctan2(2 * half * away, r**2 - half**2) / (2 * half * away)
        beta /= np.arctan2(20 * half, 100 - half**2) / (20 * half)
        g = np.interp(r, s.radial_r_mm, s.radial_dose)
        i = np.clip(np.searchsorted(s.anisotropy_theta_rad, theta) - 1, 0, len(s.anisotropy_theta_rad) - 2)
        j = np.clip(np.searchsorted(s.anisotropy_r_mm, r) - 1, 0, len(s.anisotropy_r_mm) - 2)
        u = np.clip((theta - s.anisotropy_theta_rad[i]) / np.diff(s.anisotropy_theta_rad)[i], 0.0, 1.0)
        v = np.clip((r - s.anisotropy_r_mm[j]) / np.diff(s.anisotropy_r_mm)[j], 0.0, 1.0)
        f = (1 - v) * ((1 - u) * s.anisotropy[i, j] + u * s.anisotropy[i + 1, j])
        f += v * ((1 - u) * s.anisotropy[i, j + 1] + u * s.anisotropy[i + 1, j + 1])
        out[:, k] = STRENGTH_U * s.dose_rate_constant_gy_per_s_per_u * beta * g * f
    return out


def _matrix(p: Problem, exact: bool) -> FloatArray:
    return dose_rate(p.dwells, p.points_mm, p.source, strength_u=STRENGTH_U, exact=exact).gy_per_s


def _points(p: Problem) -> FloatArray:
    return dose_at_points(p.dwells, p.times_s, p.points_mm, p.source, strength_u=STRENGTH_U).gy


def _field(p: Problem, exact: bool) -> npt.NDArray[np.floating]:
    volume = dose_field(p.dwells, p.times_s, p.grid, p.source, strength_u=STRENGTH_U, exact=exact)
    return np.asarray(volume.values_zyx)


COMPARISONS: tuple[Comparison, ...] = (
    Comparison(
        name="rate matrix, NumPy",
        kind="matrix",
        run=lambda p: _numpy_matrix(p, p.points_mm),
        bound=1e-9,
        maximum_pairs=4e6,
    ),
    Comparison(name="rate matrix, float64", kind="matrix", run=lambda p: _matrix(p, True), bound=1e-9),
    Comparison(name="rate matrix, float32 tables", kind="matrix", run=lambda p: _matrix(p, False), bound=2e-4),
    Comparison(name="dose at points, float64", kind="points", run=_points, bound=1e-9),
    Comparison(name="dose grid, float64", kind="field", run=lambda p: _field(p, True), bound=2e-7, maximum_pairs=2e8),
    Comparison(name="dose grid, blocks", kind="field", run=lambda p: _field(p, False), bound=1e-3),
)


def deviation(comparison: Comparison, p: Problem, result: npt.NDArray[np.floating]) -> Deviation:
    """Compare a result with a reference at sampled points or voxels, where the bound holds.

    Matrices and point doses against whole-array NumPy (NumPy against the float64 kernel), grids against the float64
    kernel at the voxels' centres.

    Parameters
    ----------
    comparison : Comparison
    p : Problem
    result : array
        What the comparison's ``run`` returned.

    Returns
    -------
    Deviation
    """
    reference = {"source": p.source, "strength_u": STRENGTH_U}
    if comparison.kind == "field":
        index = sampled_voxels(p)
        points = p.grid.world(index)
        got = result[index[:, 2], index[:, 1], index[:, 0]]
        want = dose_at_points(p.dwells, p.times_s, points, **reference).gy  # type: ignore[arg-type]
        ratio = got / want
    else:
        rows = np.linspace(0, len(p.points_mm) - 1, min(_SAMPLED_ROWS, len(p.points_mm))).astype(int)
        points = p.points_mm[rows]
        if "NumPy" in comparison.name:
            rate = dose_rate(p.dwells, points, **reference).gy_per_s  # type: ignore[arg-type]
        else:
            rate = _numpy_matrix(p, points)
        far = np.linalg.norm(points[:, None] - p.dwells.positions_mm, axis=2) >= 2.0
        ratio = (result[rows] / rate)[far] if comparison.kind == "matrix" else result[rows] / (rate @ p.times_s)
    error = np.abs(ratio - 1.0)
    return Deviation(
        places=error.size,
        median=float(np.median(error)),
        p99=float(np.percentile(error, 99)),
        largest=float(error.max()),
    )


def sampled_voxels(p: Problem) -> npt.NDArray[np.int64]:
    """Voxels (x, y, z) anywhere, near dwells and near the axes of sources, 1 mm and more from every capsule."""
    rng = np.random.default_rng(18)
    each = max(1, 6000 // len(p.dwells))
    near = np.repeat(p.dwells.positions_mm, each, axis=0)
    near = near + rng.normal(size=near.shape) * 5.0
    reach = rng.uniform(-100.0, 100.0, (len(p.dwells), each, 1))
    axis = (p.dwells.positions_mm[:, None] + p.dwells.axes[:, None] * reach).reshape(-1, 3)
    axis = axis + rng.normal(size=axis.shape) * 2.0
    shape_xyz = np.array(p.grid.shape_zyx[::-1])
    index = np.concatenate([np.rint(p.grid.index(np.concatenate([near, axis]))), rng.integers(0, shape_xyz, (6000, 3))])
    index = index[((index >= 0) & (index < shape_xyz)).all(axis=1)].astype(np.int64)
    points, capsule = p.grid.world(index), p.source.capsule
    outside = np.ones(len(index), dtype=np.bool_)
    for position, direction in zip(p.dwells.positions_mm, p.dwells.axes, strict=True):
        along = (points - position) @ direction
        away = np.linalg.norm(points - position - along[:, None] * direction, axis=1)
        beyond = np.maximum(np.maximum(along - capsule.tip_z_mm, capsule.cable_z_mm - along), 0.0)
        outside &= np.hypot(beyond, np.maximum(away - capsule.radius_mm, 0.0)) > 1.0
    return np.asarray(index[outside])
