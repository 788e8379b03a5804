"""Slow twins of geometry, sampling and DVH, as a student would write them: one point, one voxel at a time."""

from __future__ import annotations

import math

import numpy as np

from hdrplan.geometry import Structure


def along(points_mm: np.ndarray, from_tip_mm: float) -> np.ndarray:
    """Walk from the tip (the last point) until the distance is used up."""
    left = from_tip_mm
    for here, there in zip(points_mm[::-1][:-1], points_mm[::-1][1:], strict=True):
        length = math.dist(here, there)
        if left <= length:
            return here + (there - here) * (left / length)
        left -= length
    raise ValueError("beyond the hub")


def distance_mm(structure: Structure, point_mm: np.ndarray) -> float:
    """Over every voxel of the mask: distance from the point to the box."""
    point = structure.grid.direction.T @ (point_mm - structure.grid.origin_mm)
    best = math.inf
    for z, y, x in np.argwhere(structure.mask_zyx):
        gap = 0.0
        for index, axis in ((x, 0), (y, 1), (z, 2)):
            spacing = structure.grid.spacing_mm[axis]
            gap += max(abs(point[axis] - index * spacing) - spacing / 2, 0.0) ** 2
        best = min(best, math.sqrt(gap))
    return best


def trilinear(values_zyx: np.ndarray, index_xyz: np.ndarray) -> float:
    """Weighted sum of all voxels with hat functions."""
    nz, ny, nx = values_zyx.shape
    x, y, z = (min(max(v, 0.0), n - 1.0) for v, n in zip(index_xyz, (nx, ny, nz), strict=True))
    total = 0.0
    for k in range(nz):
        for j in range(ny):
            for i in range(nx):
                hat = max(0, 1 - abs(x - i)) * max(0, 1 - abs(y - j)) * max(0, 1 - abs(z - k))
                total += hat * float(values_zyx[k, j, i])
    return total


def volume_at_gy(dose_gy: np.ndarray, volume_cc: np.ndarray, level_gy: float) -> float:
    """Sum over the points that reach the level."""
    return sum(v for d, v in zip(dose_gy, volume_cc, strict=True) if d >= level_gy)


def dose_at_cc(dose_gy: np.ndarray, volume_cc: np.ndarray, wanted_cc: float) -> float:
    """Hottest points first until their volume is reached."""
    total = 0.0
    for d, v in sorted(zip(dose_gy.tolist(), volume_cc.tolist(), strict=True), reverse=True):
        total += v
        if total >= wanted_cc:
            return d
    return math.nan
