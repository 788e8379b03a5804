"""Boxes of contours: how the width and height of a structure's sections change from plane to plane."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.dose.outline_field import OutlineField

__all__ = [
    "POINT",
    "TELLING",
    "alike",
    "areas_by_boxes",
    "boxes_between",
    "edge_between",
    "inward",
    "maps_of",
    "moved",
    "parabola",
]

# Areas, sizes and inscribed circles that differ by less tell no power.
TELLING = 0.02
# Radius of a contour that lies between the centres of pixels, in pixels.
POINT = 1e-3
# Contours whose widths or heights differ more are not stretched onto each other: another branch begins.
_LARGEST_STRETCH = 3.0
# A side has an edge between two planes where it bends so many times as much as before and after.
_EDGE = 4.0


def inward(field: OutlineField, k: int, step: int) -> list[int]:
    """Return the next planes that plane ``k`` is joined to in a direction, at most two.

    Parameters
    ----------
    field : OutlineField
    k : int
    step : {-1, 1}
        Down or up.
    """
    inner: list[int] = []
    while len(inner) < 2:
        between = k if step == 1 else k - 1
        if not 0 <= between < len(field.levels) - 1 or not field.planes.joined[between]:
            break
        k += step
        inner.append(k)
    return inner


def parabola(at_mm: FloatArray, values: FloatArray, t: FloatArray) -> FloatArray:
    """Return Lagrange's polynomial through two or three values.

    Parameters
    ----------
    at_mm, values : (n,) arrays
    t : (m,) array
        Where it is asked for.
    """
    total = np.zeros_like(t)
    for i in range(len(values)):
        weight = np.ones_like(t)
        for j in range(len(values)):
            if j != i:
                weight *= (t - at_mm[j]) / (at_mm[i] - at_mm[j])
        total += weight * values[i]
    return total


def boxes_between(field: OutlineField, k: int, t: FloatArray, area_mm2: FloatArray) -> FloatArray:
    """Return the boxes of sections between planes ``k`` and ``k + 1``.

    Parameters
    ----------
    field : OutlineField
    k : int
    t : (m,) array
        Fraction of the way from one plane to the next.
    area_mm2 : (m,) array
        Of the sections.

    Returns
    -------
    (m, 4) array
        Middle x and y, half of the width and height, in pixels.
    """
    size, other = field.boxes[k, 2:], field.boxes[k + 1, 2:]
    change = math.log(field.area_mm2[k + 1] / field.area_mm2[k])
    if abs(change) < TELLING:
        return _between_alike(field, k, t)
    way = np.clip(np.log(area_mm2 / field.area_mm2[k]) / change, -0.5, 1.5)
    return moved(field.boxes[k], field.boxes[k + 1], size * (other / size) ** way[:, None], t)


def areas_by_boxes(field: OutlineField, planes: Sequence[int], height_mm: FloatArray) -> FloatArray | None:
    """Return areas (mm2) by the widths and heights of contours, and the fraction of their boxes that they fill.

    Squares of widths follow a parabola in every ellipsoid, cone and cylinder, whichever way it lies; beyond the planes
    the fraction goes on as between the two nearest ones.

    Parameters
    ----------
    field : OutlineField
    planes : sequence of int
        Three, from the one nearest to an end of the structure; None is returned for fewer, and for planes with more
        than one contour.
    height_mm : (m,) array
    """
    if len(planes) < 3 or not np.isfinite(field.boxes[planes]).all():
        return None
    at, size = field.planes.height_mm[planes], 2 * field.pixel_mm * field.boxes[planes, 2:]
    filled = parabola(at[:2], field.area_mm2[planes[:2]] / size[:2].prod(axis=1), height_mm)
    squares = [np.maximum(parabola(at, width**2, height_mm), 0.0) for width in size.T]
    return np.asarray(np.clip(filled, 0.0, 1.0) * np.sqrt(squares[0] * squares[1]))


def edge_between(field: OutlineField, k: int) -> int:
    """Return whether an edge lies between planes ``k`` and ``k + 1``: 1 of a bulge, -1 of a waist, 0 none.

    There is one where a side of the contours bends far less before and after the gap than in it, and both ways meet in
    the gap (subcell resolution: A. Harten, J Comput Phys 1989;83:148).
    """
    below, above = inward(field, k, -1), inward(field, k + 1, 1)
    planes = [*below[::-1], k, k + 1, *above]
    if len(planes) < 6 or not np.isfinite(field.boxes[planes]).all():
        return 0
    height, of = field.planes.height_mm[planes], field.boxes[planes]
    found = set()
    # Outward from the structure: a bulge bends inward.
    for side in np.concatenate((of[:, 2:] - of[:, :2], of[:, 2:] + of[:, :2]), axis=1).T:
        bends = [_bend(height[i : i + 3], side[i : i + 3]) for i in range(4)]
        sign = -int(np.sign(bends[1]))
        if min(-sign * bends[1], -sign * bends[2]) <= _EDGE * max(abs(bends[0]), abs(bends[3])):
            continue
        over = (
            parabola(height[:3], side[:3], height[3:4])[0] - side[3],
            (parabola(height[3:], side[3:], height[2:3])[0] - side[2]),
        )
        if min(sign * over[0], sign * over[1]) >= 0:
            found.add(sign)
    return found.pop() if len(found) == 1 else 0


def _bend(at_mm: FloatArray, values: FloatArray) -> float:
    """Second divided difference."""
    slopes = np.diff(values) / np.diff(at_mm)
    return float((slopes[1] - slopes[0]) / (at_mm[2] - at_mm[0]))


def _between_alike(field: OutlineField, k: int, t: FloatArray) -> FloatArray:
    """Return boxes between two planes of about one area: sides follow two parabolas through three planes each."""
    height, boxes = field.planes.height_mm, field.boxes
    z = (1 - t) * height[k] + t * height[k + 1]
    total, weights = np.zeros((len(t), 4)), np.zeros(len(t))
    threes = ((1 - t, [*inward(field, k, -1)[:1], k, k + 1]), (t, [k, k + 1, *inward(field, k + 1, 1)[:1]]))
    for weight, three in threes:
        sides = np.concatenate((boxes[three, :2] - boxes[three, 2:], boxes[three, :2] + boxes[three, 2:]), axis=1)
        if len(three) == 3 and np.isfinite(sides).all():
            total += weight[:, None] * np.column_stack([parabola(height[three], side, z) for side in sides.T])
            weights += weight
    if not weights.any():
        return moved(boxes[k], boxes[k + 1], boxes[k, 2:] * (boxes[k + 1, 2:] / boxes[k, 2:]) ** t[:, None], t)
    low, high = total[:, :2] / weights[:, None], total[:, 2:] / weights[:, None]
    return np.concatenate(((low + high) / 2, np.maximum((high - low) / 2, POINT)), axis=1)


def moved(first: FloatArray, second: FloatArray, size: FloatArray, t: FloatArray) -> FloatArray:
    """Return boxes of some sizes on the way from one box to another.

    A side that two planes share stays: each side moves by the fraction of its way by which the size has changed. Where
    the size hardly changes, that is ``t``.

    Parameters
    ----------
    first, second : (4,) arrays
        As of :func:`boxes_between`.
    size : (m, 2) array
        Half of the width and height.
    t : (m,) array
        1 at the second; may lie beyond.

    Returns
    -------
    (m, 4) array
    """
    change = second[2:] - first[2:]
    telling = np.abs(change) > TELLING * first[2:]
    part = np.where(telling, (size - first[2:]) / np.where(telling, change, 1.0), t[:, None])
    return np.concatenate((first[:2] + part * (second[:2] - first[:2]), size), axis=1)


def alike(field: OutlineField, k: int, other: int) -> bool:
    """Return whether two planes have one contour each, of about one size.

    Parameters
    ----------
    field : OutlineField
    k, other : int
    """
    ratio = field.boxes[k, 2:] / field.boxes[other, 2:]
    return bool(np.isfinite(ratio).all() and ratio.max() < _LARGEST_STRETCH and ratio.min() > 1 / _LARGEST_STRETCH)


def maps_of(boxes: FloatArray, of_plane: FloatArray) -> FloatArray:
    """Return scales and offsets that lead from boxes, (m, 4), to that of a plane, (m, 4): x, then y."""
    scale = of_plane[2:] / boxes[:, 2:]
    offset = of_plane[:2] - scale * boxes[:, :2]
    return np.column_stack((scale[:, 0], offset[:, 0], scale[:, 1], offset[:, 1]))
