"""Points that stand for cubes: every one belongs to the shape, as :meth:`hdrplan.dose.Shape.holds` defines it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.dose.cubes import Cubes
from hdrplan.dose.shape import UNKNOWN_MM, Shape

__all__ = ["HeldPoints", "held_points"]

# Steps along the slope that lead near the surface, and how far beyond it is looked for, in edges.
_STEPS = 3
_BEYOND_EDGES = (1 / 64, 1 / 16, 1 / 4)
# Cubes with less inside than this have no point of their own.
_NOTHING = 1e-6


class HeldPoints(NamedTuple):
    """Points of a shape."""

    inner_mm: FloatArray  # (n, 3): one for each cube that has a part inside
    volume_mm3: FloatArray  # (n,): of that part
    surface_mm: FloatArray  # (m, 3): on the surface, one for each cube that it cuts


def held_points(shape: Shape, cubes: Cubes) -> HeldPoints:
    """Return a point inside for each cube, and one on the surface for each cube that it cuts.

    A point inside is the middle of the cube's part inside, to the first order of the distance. Where that lies outside,
    for the shape is thin or cornered there, it is the nearest of the shape's points on the way to the cube's centre, or
    the cube's point on the surface. A cube that has none of them is empty.
    """
    is_cut = np.abs(cubes.distance_mm) <= cubes.edge_mm / 2
    surface, has_surface = _on_surface(shape, cubes[is_cut])
    middle = cubes.middle_mm
    held = shape.holds(middle)
    in_centre = ~held & (cubes.distance_mm >= 0.0)
    middle[in_centre] = shape.last_held(middle[in_centre], cubes.centre_mm[in_centre])
    # The rest: centre and middle are outside.
    rest = ~held & ~in_centre
    at_surface = rest[is_cut] & has_surface
    middle[np.flatnonzero(is_cut)[at_surface]] = surface[at_surface]
    rest[is_cut] &= ~at_surface
    inner = ~rest & (cubes.inside_frac > _NOTHING)
    return HeldPoints(middle[inner], cubes.volume_mm3[inner], surface[has_surface])


def _on_surface(shape: Shape, cubes: Cubes) -> tuple[FloatArray, BoolArray]:
    """Return for each cube the shape's point next to its surface, and whether there is one close by."""
    near = cubes.centre_mm
    gap, slope = cubes.distance_mm, cubes.inward
    for _ in range(_STEPS):
        near = near - (gap * (np.abs(gap) < UNKNOWN_MM))[:, None] * slope
        gap, slope = shape.distance_mm(near)
    # From there to the other side: inward where the search ended outside, outward where it ended inside.
    held, other, crossed = gap >= 0.0, near.copy(), np.zeros(len(near), dtype=np.bool_)
    for edges in _BEYOND_EDGES:
        open_ = np.flatnonzero(~crossed)
        there = near[open_] + (np.where(held[open_], -edges, edges) * cubes.edge_mm[open_])[:, None] * slope[open_]
        across = shape.holds(there) != held[open_]
        other[open_[across]], crossed[open_[across]] = there[across], True
    surface = near.copy()
    began_inside = held[crossed][:, None]
    surface[crossed] = shape.last_held(
        np.where(began_inside, other[crossed], near[crossed]), np.where(began_inside, near[crossed], other[crossed])
    )
    return surface, crossed
