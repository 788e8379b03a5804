"""Layers of a drawn structure: thin slabs between its planes and beyond its ends, each with its section.

Between two planes the signed distances are averaged, and the section is the part above the level at which its area
follows the planes' areas (shape-based interpolation that keeps areas, as :mod:`hdrplan.dose.slices` does for masks).
Where each plane has one contour, both are first stretched to the width and the height that a section of that area has:
a tip moves on then instead of growing blunt.

How areas change is told by how they scale with the inscribed circle: with its square in a ball or a cone, in proportion
to it in a cylinder that lies across the planes. The power of the area that follows a parabola is taken accordingly.

References
----------
Raya SP, Udupa JK, IEEE Trans Med Imaging 1990;9:32 (distance in the plane, averaged between slices).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray
from hdrplan.dose.outline_field import FAR_OUTSIDE, MAXIMUM_SHIFT, Level, OutlineField
from hdrplan.kernels.sections import section_rows
from hdrplan.kernels.sides import (
    alike,
    apex,
    area_power,
    areas_by_boxes,
    body_ways,
    inward,
    moved,
    parabola,
    section_way,
)
from hdrplan.threads import over_rows

__all__ = ["Between", "Ends", "Layers", "body_layers", "end_layers"]

Between = Literal["interpolated", "slabs"]
Ends = Literal["continued", "half-slice", "none"]

# A rounded end, and the slice before it, have this many layers at least.
_LAYERS_OF_END = 6
# Contours do not tell an edge between two planes from a round back: the section lies between both readings.
_SHARP_FRAC = 0.25
# Areas that differ by less do not tell how widths and heights change.
_TELLING = 0.02
_NO_BOX = np.full(4, np.nan)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layers:
    """Slabs, each with the section in its middle.

    Parameters
    ----------
    faces_mm : (n, 2) array
        Lower and upper, along the normal.
    levels : (m, ny, nx) float32 array
    places : (n, 5) int array
        Number of each layer's level; first and last x, first and last y of the pixels that its section lies in.
    shift : (n,) array
        The section is where the level is at least this.
    end_mm : (n,) array
        Height of the face with which the structure ends in a layer; NaN where it goes on.
    is_tip : (n,) bool array
        It ends in a point.
    """

    faces_mm: FloatArray
    levels: Level
    places: IntArray
    shift: FloatArray
    end_mm: FloatArray
    is_tip: BoolArray

    def __len__(self) -> int:
        return len(self.faces_mm)


def body_layers(field: OutlineField, between: Between, thickness_mm: float) -> Layers:
    """Return the layers from each plane to the next one that it is joined to.

    Parameters
    ----------
    field : OutlineField
    between : {"interpolated", "slabs"}
        Slabs: each contour stands for half of the way to its neighbours.
    thickness_mm : float
        About that of a layer.
    """
    height, joined = field.planes.height_mm, field.planes.joined
    gaps = np.diff(height)
    count = np.where(joined, np.maximum(1, np.ceil(gaps / thickness_mm - 1e-6)), 0).astype(np.int64)
    if between == "slabs":
        count += count % 2
    else:
        # Towards an end areas may change as a root does.
        goes_on = np.concatenate(([False], joined[:-1])) & np.concatenate((joined[1:], [False]))
        count = np.where(joined & ~goes_on, np.maximum(count, _LAYERS_OF_END), count)
    below = np.repeat(np.arange(len(gaps)), count)
    rank = np.arange(len(below)) - np.repeat(np.cumsum(count) - count, count)
    cuts = np.column_stack((rank, rank + 1)) / count[below, None]
    faces = height[below, None] + gaps[below, None] * cuts
    if between == "slabs":
        return _whole_planes(field, below + (2 * rank >= count[below]), faces)
    places, ways = np.empty((len(below), 6), dtype=np.int64), np.empty((len(below), 16))
    edges = body_ways(field.rows, joined, field.windows, count, field.raster, places, ways)
    layers = _made(field, faces, places, ways)
    for k in np.flatnonzero(edges).tolist():
        _to_edge(field, k, int(edges[k]), layers, int(count[:k].sum()))
    return layers


def _to_edge(field: OutlineField, k: int, edge: int, layers: Layers, first: int) -> None:
    """Follow levels from both sides to the edge between planes ``k`` and ``k + 1``, in layers from ``first`` on."""
    height = field.planes.height_mm
    meet = np.minimum if edge > 0 else np.maximum
    for layer in range(first, len(layers)):
        z = layers.faces_mm[layer].mean(keepdims=True)
        if z[0] > height[k + 1]:
            break
        ways = []
        for planes in ([k - 2, k - 1, k], [k + 1, k + 2, k + 3]):
            weights = [parabola(height[planes], one, float(z[0])) for one in np.eye(3)]
            ways.append(sum(np.float32(w) * field.levels[i] for w, i in zip(weights, planes, strict=True)))
        t = np.float32((z[0] - height[k]) / (height[k + 1] - height[k]))
        # The edge only adds to what is between the two planes anyway, or takes from it.
        straight = (1 - t) * field.levels[k] + t * field.levels[k + 1]
        sharp = (np.maximum if edge > 0 else np.minimum)(meet(*ways), straight)
        rounded = layers.levels[layer] - np.float32(layers.shift[layer])
        layers.levels[layer] = rounded + np.float32(_SHARP_FRAC) * (sharp - rounded)
        layers.shift[layer] = 0.0


def end_layers(field: OutlineField, ends: Ends, thickness_mm: float, *, sides: Sequence[int] = (-1, 1)) -> Layers:
    """Return the layers beyond the first and the last plane of each part.

    Parameters
    ----------
    field : OutlineField
    ends : {"continued", "half-slice", "none"}
        Continued: areas go on as they changed before; where they fall to zero within one slice, the structure ends
        there, otherwise half a slice beyond. Half-slice: the last contour, half a slice farther.
    thickness_mm : float
        About that of a layer.
    sides : sequence of {-1, 1}
        Before the first planes, beyond the last ones, or both.
    """
    last = len(field.levels) - 1
    parts = []
    for k in range(last + 1):
        for step in sides:
            beyond = k if step == 1 else k - 1
            if 0 <= beyond < last and field.planes.joined[beyond]:
                continue
            height = float(field.planes.height_mm[k])
            inner = inward(field.planes.joined, k, -step)
            slice_mm = (
                abs(float(field.planes.height_mm[inner[0]]) - height) if len(inner) else field.planes.thickness_mm
            )
            if ends == "continued" and len(inner):
                parts.append(_continued(field, [k, *inner.tolist()], step, thickness_mm))
                continue
            face = height if ends == "none" else height + step * slice_mm / 2
            parts.append(_whole_planes(field, np.array([k]), np.sort([[height, face]]), end_mm=face))
    return _joined(parts)


def _whole_planes(field: OutlineField, planes: IntArray, faces_mm: FloatArray, end_mm: float = math.nan) -> Layers:
    """Layers with the sections of planes."""
    return Layers(
        faces_mm=faces_mm,
        levels=field.levels,
        places=np.column_stack((planes, field.windows[planes])),
        shift=np.zeros(len(planes)),
        end_mm=np.full(len(planes), end_mm),
        is_tip=np.zeros(len(planes), dtype=np.bool_),
    )


def _joined(parts: Sequence[Layers]) -> Layers:
    """All layers as one value; parts may share their levels."""
    stacks = list({id(part.levels): part.levels for part in parts}.values())
    first = dict(zip(map(id, stacks), np.cumsum([0, *map(len, stacks)]).tolist(), strict=False))
    places = [part.places + np.array([first[id(part.levels)], 0, 0, 0, 0]) for part in parts]
    return Layers(
        faces_mm=np.concatenate([part.faces_mm for part in parts]),
        levels=np.concatenate(stacks) if len(stacks) > 1 else stacks[0],
        places=np.concatenate(places),
        shift=np.concatenate([part.shift for part in parts]),
        end_mm=np.concatenate([part.end_mm for part in parts]),
        is_tip=np.concatenate([part.is_tip for part in parts]),
    )


def _made(field: OutlineField, faces_mm: FloatArray, sections: IntArray, ways: FloatArray) -> Layers:
    """Layers with sections between planes."""
    n = len(faces_mm)
    levels = np.full((n, *field.levels.shape[1:]), FAR_OUTSIDE, dtype=np.float32)
    shift = np.empty(n)
    over_rows(
        lambda first, last: section_rows(first, last, field.levels, sections, ways, levels, shift), n, smallest=32
    )
    return Layers(
        faces_mm=faces_mm,
        levels=levels,
        places=np.column_stack((np.arange(n), sections[:, 2:])),
        shift=shift,
        end_mm=np.full(n, np.nan),
        is_tip=np.zeros(n, dtype=np.bool_),
    )


def _continued(field: OutlineField, known: list[int], step: int, thickness_mm: float) -> Layers:
    """Layers beyond the plane ``known[0]`` in the direction ``step``; the others are its neighbours inside."""
    k = known[0]
    height = float(field.planes.height_mm[k])
    rows = field.rows[known]
    depth = -np.abs(rows[:, 0] - height)
    slice_mm, power = -float(depth[1]), area_power(rows[0], rows[1])
    values = rows[:, 1] ** power
    tip_of_boxes = _apex_of_boxes(rows, depth, slice_mm)
    apex_mm = apex(depth, values, slice_mm) if tip_of_boxes is None else tip_of_boxes
    is_tip = not math.isnan(apex_mm)
    reach_mm = apex_mm if is_tip else 0.5 * slice_mm
    count = max(_LAYERS_OF_END, math.ceil(reach_mm / thickness_mm - 1e-6))
    at = reach_mm * (np.arange(count) + 0.5) / count
    own = float(rows[0, 1])
    if tip_of_boxes is None:
        areas = np.array([max(parabola(depth, values, x), 0.0) for x in at.tolist()]) ** (1 / power)
    else:
        areas = np.array([areas_by_boxes(rows, field.pixel_mm, height + step * x) for x in at.tolist()])
    areas = np.clip(areas, 0.0 if is_tip else 0.5 * own, 1.5 * own)
    # A growing end is followed as far as sections between planes are; a shrinking one to its tip.
    grow = MAXIMUM_SHIFT * slice_mm / field.pixel_mm
    shrink = float(rows[0, 2]) if is_tip else grow
    change = math.log(rows[0, 1] / rows[1, 1])
    changes = alike(rows[0], rows[1]) and abs(change) >= _TELLING
    places, ways = np.tile([k, k, *field.windows[k]], (count, 1)), np.empty((count, 16))
    for layer, (area, x) in enumerate(zip(areas.tolist(), at.tolist(), strict=True)):
        # The last ones before a tip are too small to be stretched to.
        stretched = changes and area >= 1e-3 * own
        box = _box_beyond(rows, change, area, x / slice_mm) if stretched else _NO_BOX
        asked = np.array([0.0, area / field.pixel_mm**2, -grow, shrink, *field.raster[2:]])
        section_way(rows[[0, 0]], box, asked, places[layer, 2:], ways[layer])
    edges = height + step * reach_mm * np.arange(count + 1) / count
    made = _made(field, np.sort(np.column_stack((edges[:-1], edges[1:])), axis=1), places, ways)
    made.end_mm[-1], made.is_tip[-1] = edges[-1], is_tip
    return made


def _apex_of_boxes(rows: FloatArray, depth_mm: FloatArray, slice_mm: float) -> float | None:
    """Where the width or the height of contours falls to zero within one slice; None where neither does, or is known.

    Squares follow a parabola in every ellipsoid, cone and cylinder, whichever way it lies.
    """
    if len(rows) < 3 or np.isnan(rows[:, 3:]).any():
        return None
    tips = [apex(depth_mm, size**2, slice_mm) for size in rows[:, 5:].T]
    return min((tip for tip in tips if not math.isnan(tip)), default=None)


def _box_beyond(rows: FloatArray, change: float, area_mm2: float, t: float) -> FloatArray:
    """Box of a section ``t`` slices beyond the first of two planes, as boxes changed on the way to it."""
    size, before = rows[0, 5:], rows[1, 5:]
    powers = np.clip(np.log(size / before) / change, 0.0, 1.0)
    return moved(rows[1, 3:], rows[0, 3:], size * (area_mm2 / rows[0, 1]) ** powers, 1.0 + t)
