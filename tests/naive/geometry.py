"""Catheters and structures, one point and one voxel at a time."""

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
