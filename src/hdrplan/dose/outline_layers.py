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
from hdrplan.dose.outline_boxes import (
    POINT,
    TELLING,
    alike,
    areas_by_boxes,
    boxes_between,
    edge_between,
    inward,
    maps_of,
    moved,
    parabola,
)
from hdrplan.dose.outline_field import FAR_OUTSIDE, MAXIMUM_SHIFT, Level, OutlineField, windows_of
from hdrplan.kernels.sections import section_rows
from hdrplan.threads import over_rows

__all__ = ["Between", "Ends", "Layers", "body_layers", "end_layers"]

Between = Literal["interpolated", "slabs"]
Ends = Literal["continued", "half-slice", "none"]

# A parabola that comes this near to zero touches it: the tip of a cone.
_TOUCHES = 0.01
# A rounded end, and the slice before it, have this many layers at least.
_LAYERS_OF_END = 6
# Contours do not tell an edge between two planes from a round back: the section lies between both readings.
_SHARP_FRAC = 0.25
_AS_IT_IS = np.array([1.0, 0.0, 1.0, 0.0])
_UNCUT = np.array([0.0, 0.0, np.inf, np.inf])


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
    height = field.planes.height_mm
    faces, whole, made = [np.empty((0, 2))], [np.empty(0, dtype=np.int64)], []
    edges: list[tuple[int, int, int]] = []
    for k in np.flatnonzero(field.planes.joined).tolist():
        gap = float(height[k + 1] - height[k])
        count = max(1, math.ceil(gap / thickness_mm - 1e-6))
        if between == "slabs":
            count += count % 2
        elif len(inward(field, k, -1)) == 0 or len(inward(field, k + 1, 1)) == 0:
            # Towards an end areas may change as a root does.
            count = max(count, _LAYERS_OF_END)
        cuts = height[k] + gap * np.arange(count + 1) / count
        faces.append(np.column_stack((cuts[:-1], cuts[1:])))
        if between == "slabs":
            whole.append(np.repeat([k, k + 1], count // 2))
            continue
        if edge := edge_between(field, k):
            edges.append((sum(map(len, faces)) - count, k, edge))
        t = (np.arange(count) + 0.5) / count
        areas = _areas_between(field, k, faces[-1].mean(axis=1))
        boxes = boxes_between(field, k, t, areas) if alike(field, k, k + 1) else None
        limit = MAXIMUM_SHIFT * gap / field.pixel_mm
        made.append(_asked(field, (k, k + 1), t, areas, boxes, (-limit, limit)))
    if between == "slabs":
        return _whole_planes(field, np.concatenate(whole), np.concatenate(faces))
    layers = _made(field, np.concatenate(faces), made)
    for first, k, edge in edges:
        _to_edge(field, k, edge, layers, first)
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
            weights = [parabola(height[planes], one, z)[0] for one in np.eye(3)]
            ways.append(sum(np.float32(w) * field.levels[i] for w, i in zip(weights, planes, strict=True)))
        t = np.float32((z[0] - height[k]) / (height[k + 1] - height[k]))
        # The edge only adds to what is between the two planes anyway, or takes from it.
        straight = (1 - t) * field.levels[k] + t * field.levels[k + 1]
        sharp = (np.maximum if edge > 0 else np.minimum)(meet(*ways), straight)
        rounded = layers.levels[layer] - np.float32(layers.shift[layer])
        layers.levels[layer] = rounded + np.float32(_SHARP_FRAC) * (sharp - rounded)
        layers.shift[layer] = 0.0


def end_layers(field: OutlineField, ends: Ends, thickness_mm: float) -> Layers:
    """Return the layers beyond the first and the last plane of each part.

    Parameters
    ----------
    field : OutlineField
    ends : {"continued", "half-slice", "none"}
        Continued: areas go on as they changed before; where they fall to zero within one slice, the structure ends
        there, otherwise half a slice beyond. Half-slice: the last contour, half a slice farther.
    thickness_mm : float
        About that of a layer.
    """
    last = len(field.levels) - 1
    parts = []
    for k in range(last + 1):
        for step in (-1, 1):
            beyond = k if step == 1 else k - 1
            if 0 <= beyond < last and field.planes.joined[beyond]:
                continue
            height = float(field.planes.height_mm[k])
            inner = inward(field, k, -step)
            slice_mm = abs(float(field.planes.height_mm[inner[0]]) - height) if inner else field.planes.thickness_mm
            if ends == "continued" and inner:
                parts.append(_continued(field, [k, *inner], step, thickness_mm))
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


def _asked(
    field: OutlineField,
    planes: tuple[int, int],
    t: FloatArray,
    area_mm2: FloatArray,
    boxes: FloatArray | None,
    shifts: tuple[float, float],
) -> tuple[IntArray, FloatArray]:
    """Return what the kernel is told of sections between two planes, or beyond one: places and ways."""
    n, (low, high) = len(t), planes
    both = field.windows[[low, high]]
    around = np.concatenate((both[:, ::2].min(axis=0), both[:, 1::2].max(axis=0)))[[0, 2, 1, 3]]
    windows = np.tile(around, (n, 1))
    maps = np.tile(_AS_IT_IS, (n, 2))
    if boxes is not None:
        maps = np.concatenate([maps_of(boxes, field.boxes[k]) for k in planes], axis=1)
        spans = np.column_stack(
            (boxes[:, 0] - boxes[:, 2], boxes[:, 0] + boxes[:, 2], boxes[:, 1] - boxes[:, 3], boxes[:, 1] + boxes[:, 3])
        )
        reach = windows_of(spans, 3.0, (field.levels.shape[1], field.levels.shape[2]))
        windows[:, ::2] = np.minimum(windows[:, ::2], reach[:, ::2])
        windows[:, 1::2] = np.maximum(windows[:, 1::2], reach[:, 1::2])
    limits = np.tile(shifts, (n, 1))
    cut = np.tile(_UNCUT, (n, 1)) if boxes is None else boxes
    ways = np.column_stack((t, maps, area_mm2 / field.pixel_mm**2, limits, cut))
    return np.column_stack((np.tile(planes, (n, 1)), windows)), ways


def _made(field: OutlineField, faces_mm: FloatArray, asked: Sequence[tuple[IntArray, FloatArray]]) -> Layers:
    """Layers with sections between planes."""
    n = len(faces_mm)
    levels = np.full((n, *field.levels.shape[1:]), FAR_OUTSIDE, dtype=np.float32)
    places, shift = np.empty((0, 6), dtype=np.int64), np.empty(n)
    if n:
        places = np.concatenate([rows for rows, _ in asked])
        ways = np.concatenate([rows for _, rows in asked])
        over_rows(
            lambda first, last: section_rows(first, last, field.levels, places, ways, levels, shift), n, smallest=32
        )
    return Layers(
        faces_mm=faces_mm,
        levels=levels,
        places=np.column_stack((np.arange(n), places[:, 2:])),
        shift=shift,
        end_mm=np.full(n, np.nan),
        is_tip=np.zeros(n, dtype=np.bool_),
    )


def _continued(field: OutlineField, known: list[int], step: int, thickness_mm: float) -> Layers:
    """Layers beyond the plane ``known[0]`` in the direction ``step``; the others are its neighbours inside."""
    k, next_to = known[:2]
    height = float(field.planes.height_mm[k])
    depth = -np.abs(field.planes.height_mm[known] - height)
    slice_mm, power = -float(depth[1]), _power(field, k, next_to)
    values = field.area_mm2[known] ** power
    apex_mm = _apex(depth, values, slice_mm)
    tip_of_boxes = _apex_of_boxes(field, known, depth, slice_mm)
    apex_mm = apex_mm if tip_of_boxes is None else tip_of_boxes
    reach_mm = 0.5 * slice_mm if apex_mm is None else apex_mm
    count = max(_LAYERS_OF_END, math.ceil(reach_mm / thickness_mm - 1e-6))
    at = reach_mm * (np.arange(count) + 0.5) / count
    own = float(field.area_mm2[k])
    by_boxes = areas_by_boxes(field, known, height + step * at) if tip_of_boxes is not None else None
    areas = np.maximum(parabola(depth, values, at), 0.0) ** (1 / power) if by_boxes is None else by_boxes
    areas = np.clip(areas, 0.0 if apex_mm is not None else 0.5 * own, 1.5 * own)
    # A growing end is followed as far as sections between planes are; a shrinking one to its tip.
    grow = MAXIMUM_SHIFT * slice_mm / field.pixel_mm
    shrink = grow if apex_mm is None else float(field.levels[k].max())
    # The last ones before a tip are too small to be stretched to.
    stretched = areas >= 1e-3 * own if _changes(field, k, next_to) else np.zeros(count, dtype=np.bool_)
    n = int(stretched.sum())
    boxes = _boxes_beyond(field, k, next_to, areas[:n], at[:n] / slice_mm) if n else None
    asked = [
        _asked(field, (k, k), np.zeros(len(some)), some, of_some, (-grow, shrink))
        for some, of_some in ((areas[:n], boxes), (areas[n:], None))
    ]
    edges = height + step * reach_mm * np.arange(count + 1) / count
    made = _made(field, np.sort(np.column_stack((edges[:-1], edges[1:])), axis=1), asked)
    made.end_mm[-1], made.is_tip[-1] = edges[-1], apex_mm is not None
    return made


def _apex(depth_mm: FloatArray, values: FloatArray, slice_mm: float) -> float | None:
    """Where values that follow a parabola fall to zero, within one slice beyond depth 0; None where they do not."""
    t = np.linspace(0.0, slice_mm, 401)[1:]
    curve = parabola(depth_mm, values, t) / values[0]
    low = int(curve.argmin())
    below = np.flatnonzero(curve <= 0.0)
    if len(below):
        return float(t[below[0]])
    return float(t[low]) if curve[low] < _TOUCHES and low < len(t) - 1 else None


def _apex_of_boxes(field: OutlineField, known: list[int], depth_mm: FloatArray, slice_mm: float) -> float | None:
    """Where the width or the height of contours falls to zero within one slice; None where neither does, or is known.

    Squares follow a parabola in every ellipsoid, cone and cylinder, whichever way it lies.
    """
    if len(known) < 3 or not np.isfinite(field.boxes[known]).all():
        return None
    tips = [_apex(depth_mm, size**2, slice_mm) for size in field.boxes[known, 2:].T]
    return min((tip for tip in tips if tip is not None), default=None)


def _power(field: OutlineField, k: int, other: int) -> float:
    """Return the power of the area that follows a parabola between two planes."""
    areas = math.log(field.area_mm2[k] / field.area_mm2[other])
    radii = math.log(max(float(field.levels[k].max()), POINT) / max(float(field.levels[other].max()), POINT))
    if abs(areas) < TELLING or abs(radii) < TELLING:
        return 1.0
    return 2.0 / min(max(areas / radii, 1.0), 3.0)


def _areas_between(field: OutlineField, k: int, height_mm: FloatArray) -> FloatArray:
    """Areas between planes ``k`` and ``k + 1``, mm2: two parabolas through three planes each, blended."""
    power = _power(field, k, k + 1)
    height, values = field.planes.height_mm, field.area_mm2**power
    t = (height_mm - height[k]) / (height[k + 1] - height[k])
    below = [*inward(field, k, -1)[:1], k, k + 1]
    above = [k, k + 1, *inward(field, k + 1, 1)[:1]]
    if len(below) == 2:
        t = np.ones_like(t)
    elif len(above) == 2:
        t = np.zeros_like(t)
    area = (1 - t) * parabola(height[below], values[below], height_mm)
    area += t * parabola(height[above], values[above], height_mm)
    area = np.maximum(area, 0.0) ** (1 / power)
    if len(below) + len(above) == 5:
        # Towards an end areas may change as a root does.
        by_boxes = areas_by_boxes(field, above if len(below) == 2 else below[::-1], height_mm)
        area = area if by_boxes is None else by_boxes
    ends = field.area_mm2[k : k + 2]
    return np.asarray(np.clip(area, 0.5 * ends.min(), 1.5 * ends.max()))


def _changes(field: OutlineField, k: int, next_to: int) -> bool:
    """Whether two planes have one contour each, of areas that tell how their boxes change."""
    return alike(field, k, next_to) and abs(math.log(field.area_mm2[k] / field.area_mm2[next_to])) >= TELLING


def _boxes_beyond(field: OutlineField, k: int, next_to: int, area_mm2: FloatArray, t: FloatArray) -> FloatArray:
    """Boxes of sections ``t`` slices beyond plane ``k``, as boxes changed on the way to it from ``next_to``."""
    change = math.log(field.area_mm2[k] / field.area_mm2[next_to])
    size, before = field.boxes[k, 2:], field.boxes[next_to, 2:]
    powers = np.clip(np.log(size / before) / change, 0.0, 1.0)
    grown = size * (area_mm2 / field.area_mm2[k])[:, None] ** powers
    return moved(field.boxes[next_to], field.boxes[k], grown, 1.0 + t)
