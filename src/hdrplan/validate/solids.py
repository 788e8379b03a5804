"""Solids of revolution whose dosimetry is known without sampling: sphere, cylinder, cone in an inverse-square field.

The field is ``strength / distance^2`` around a point on the axis of the solid. The volume that lies within a distance a
of that point is one integral over discs, so D_cc and D_x follow to any accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.geometry import Grid, Structure

__all__ = ["STRENGTH", "Solid", "cone", "cylinder", "sphere"]

STRENGTH = 1.0e4  # Gy mm2


@dataclass(frozen=True, kw_only=True)
class Solid:
    """``radius_mm(w)`` around the axis for w (numbers or arrays) between the two ends, w = 0 at the grid's middle.

    ``rim_mm`` is the radius of its sharp rims, 0 where it has none.
    """

    name: str
    radius_mm: Callable[[FloatArray], FloatArray]
    low_mm: float
    high_mm: float
    widest_mm: float
    rim_mm: float = 0.0

    def volume_mm3(self, within_mm: float = np.inf, of_w_mm: float = 0.0) -> float:
        """Volume, or the part within a distance of the axis point ``of_w_mm``."""
        low, high = max(self.low_mm, of_w_mm - within_mm), min(self.high_mm, of_w_mm + within_mm)
        if low >= high:
            return 0.0

        def disc(w: float) -> float:
            radius_mm = float(self.radius_mm(np.asarray(w)))
            return math.pi * max(min(radius_mm**2, within_mm**2 - (w - of_w_mm) ** 2), 0.0)

        edges = np.linspace(low, high, 17)
        return float(sum(quad(disc, a, b, epsabs=1e-6, epsrel=1e-9)[0] for a, b in pairwise(edges)))

    def dose_at_mm3(self, volume_mm3: float, source_w_mm: float) -> float:
        """Dose that exactly this volume receives."""
        reach = 2 * (self.widest_mm + self.high_mm - self.low_mm) + abs(source_w_mm)
        a = brentq(lambda a: self.volume_mm3(a, source_w_mm) - volume_mm3, 1e-3, reach, xtol=1e-9)
        return float(STRENGTH / a**2)

    def distances_mm(self, source_w_mm: float) -> tuple[float, float]:
        """Least and greatest distance of the solid from an axis point outside it."""
        w = np.linspace(self.low_mm, self.high_mm, 20001)
        rim = np.hypot(self.radius_mm(w), w - source_w_mm)
        return float(min(np.abs(w - source_w_mm).min(), rim.min())), float(rim.max())

    def structure(self, spacing_mm: tuple[float, float, float], axis: FloatArray, offset: FloatArray) -> Structure:
        """Return the solid as voxels, its middle at the world's origin.

        Parameters
        ----------
        spacing_mm : tuple of float
            x, y, z.
        axis : (3,) array
            Direction of the solid's axis.
        offset : (3,) array
            Shift of the grid, in voxels.
        """
        reach = np.hypot(self.widest_mm, max(abs(self.low_mm), abs(self.high_mm)))
        count = np.ceil(2 * reach / np.asarray(spacing_mm)).astype(int) + 4
        origin = -(count - 1) / 2 * spacing_mm + offset * spacing_mm
        grid = Grid(
            shape_zyx=(int(count[2]), int(count[1]), int(count[0])), origin_mm=origin, spacing_mm=np.array(spacing_mm)
        )
        return Structure(
            name=self.name,
            role="CTV",
            grid=grid,
            # Slice by slice: the points of all voxels at once take fifty times the memory of the mask.
            mask_zyx=np.concatenate(
                [self.contains(grid.points_mm(z, z + 1), axis) for z in range(grid.shape_zyx[0])]
            ).reshape(grid.shape_zyx),
        )

    def contours(self, ct: Grid, axis: FloatArray) -> list[FloatArray]:
        """Outlines on the slices of a grid, exact to a micrometre: half a degree from point to point, as on paper."""
        angle = np.arange(720) * (math.pi / 360)
        along = np.cos(angle)[:, None] * ct.direction[:, 0] + np.sin(angle)[:, None] * ct.direction[:, 1]
        out = []
        for z in range(ct.shape_zyx[0]):
            plane = ct.points_mm(z, z + 1)
            within = plane[self.contains(plane, axis)]
            if not len(within):
                continue
            middle = within.mean(axis=0)
            low, high = np.zeros(len(angle)), np.full(len(angle), 2 * (self.widest_mm + self.high_mm - self.low_mm))
            while (high - low).max() > 1e-3:
                half = (low + high) / 2
                inside = self.contains(middle + half[:, None] * along, axis)
                low, high = np.where(inside, half, low), np.where(inside, high, half)
            out.append(middle + low[:, None] * along)
        return out

    def contains(self, points_mm: FloatArray, axis: FloatArray) -> BoolArray:
        """Whether points lie in the solid around an axis through the world's origin."""
        w = points_mm @ axis
        away = np.linalg.norm(points_mm - w[:, None] * axis, axis=1)
        near = (w >= self.low_mm) & (w <= self.high_mm) & (away <= self.widest_mm)
        near[near] = away[near] <= self.radius_mm(w[near])
        return np.asarray(near)


def sphere(radius_mm: float) -> Solid:
    """Ball round the origin."""
    return Solid(
        name="sphere",
        radius_mm=lambda w: np.sqrt(np.maximum(radius_mm**2 - w * w, 0.0)),
        low_mm=-radius_mm,
        high_mm=radius_mm,
        widest_mm=radius_mm,
    )


def cylinder(radius_mm: float, length_mm: float) -> Solid:
    """Cylinder with its middle at the origin."""
    return Solid(
        name="cylinder",
        radius_mm=lambda w: np.full_like(w, radius_mm),
        low_mm=-length_mm / 2,
        high_mm=length_mm / 2,
        widest_mm=radius_mm,
        rim_mm=radius_mm,
    )


def cone(radius_mm: float, length_mm: float) -> Solid:
    """Tip at -length / 2."""
    half = length_mm / 2
    return Solid(
        name="cone",
        radius_mm=lambda w: radius_mm * (w + half) / length_mm,
        low_mm=-half,
        high_mm=half,
        widest_mm=radius_mm,
        rim_mm=radius_mm,
    )
