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
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray
from hdrplan.dose.outline_boxes import POINT, TELLING, alike, box_between, inward, map_of, moved, parabola
from hdrplan.dose.outline_field import MAXIMUM_SHIFT, Level, OutlineField, area_pixels
from hdrplan.kernels.planar import blended

__all__ = ["Between", "Ends", "Layer", "body_layers", "end_layers"]

Between = Literal["interpolated", "slabs"]
Ends = Literal["continued", "half-slice", "none"]

# A parabola that comes this near to zero touches it: the tip of a cone.
_TOUCHES = 0.01
_AREA_ERROR, _AREA_STEPS = 2e-4, 12
# A rounded end, and the slice before it, have this many layers at least.
_LAYERS_OF_END = 6
_AS_IT_IS = np.array([1.0, 0.0, 1.0, 0.0])


class Layer(NamedTuple):
    """A slab and the section in its middle.

    Parameters
    ----------
    low_mm, high_mm : float
        Its two faces, along the normal.
    level : (ny, nx) float32 array
    shift : float
        The section is where the level is at least this.
    face_mm : float or None
        Height of the face with which the structure ends here.
    is_tip : bool
        It ends in a point.
    """

    low_mm: float
    high_mm: float
    level: npt.NDArray[np.float32]
    shift: float
    face_mm: float | None = None
    is_tip: bool = False


def body_layers(field: OutlineField, between: Between, thickness_mm: float) -> Iterator[Layer]:
    """Yield the layers from each plane to the next one that it is joined to.

    Parameters
    ----------
    field : OutlineField
    between : {"interpolated", "slabs"}
        Slabs: each contour stands for half of the way to its neighbours.
    thickness_mm : float
        About that of a layer.
    """
    height = field.planes.height_mm
    for k in np.flatnonzero(field.planes.joined).tolist():
        gap = float(height[k + 1] - height[k])
        count = max(1, math.ceil(gap / thickness_mm - 1e-6))
        if between == "slabs":
            count += count % 2
        elif len(inward(field, k, -1)) == 0 or len(inward(field, k + 1, 1)) == 0:
            # Towards an end areas may change as a root does.
            count = max(count, _LAYERS_OF_END)
        faces = height[k] + gap * np.arange(count + 1) / count
        if between == "slabs":
            for j in range(count):
                yield Layer(faces[j], faces[j + 1], field.levels[k if 2 * j < count else k + 1], 0.0)
            continue
        limit = MAXIMUM_SHIFT * gap / field.pixel_mm
        areas = _areas_between(field, k, (faces[1:] + faces[:-1]) / 2)
        for j, area in enumerate(areas.tolist()):
            level, box = _blended(field, k, (j + 0.5) / count, area)
            yield Layer(faces[j], faces[j + 1], *_levelled(level, box, area / field.pixel_mm**2, -limit, limit))


def end_layers(field: OutlineField, ends: Ends, thickness_mm: float) -> Iterator[Layer]:
    """Yield the layers beyond the first and the last plane of each part.

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
    for k in range(last + 1):
        for step in (-1, 1):
            beyond = k if step == 1 else k - 1
            if 0 <= beyond < last and field.planes.joined[beyond]:
                continue
            height = float(field.planes.height_mm[k])
            inner = inward(field, k, -step)
            slice_mm = abs(float(field.planes.height_mm[inner[0]]) - height) if inner else field.planes.thickness_mm
            if ends == "none":
                yield Layer(height, height, field.levels[k], 0.0, height)
            elif ends == "half-slice" or not inner:
                face = height + step * slice_mm / 2
                yield Layer(min(height, face), max(height, face), field.levels[k], 0.0, face)
            else:
                yield from _continued(field, [k, *inner], step, thickness_mm)


def _continued(field: OutlineField, known: list[int], step: int, thickness_mm: float) -> Iterator[Layer]:
    """Layers beyond the plane ``known[0]`` in the direction ``step``; the others are its neighbours inside."""
    k, next_to = known[:2]
    height = float(field.planes.height_mm[k])
    depth = -np.abs(field.planes.height_mm[known] - height)
    slice_mm, power = -float(depth[1]), _power(field, k, next_to)
    values = field.area_mm2[known] ** power
    apex_mm = _apex(depth, values, slice_mm)
    reach_mm = 0.5 * slice_mm if apex_mm is None else apex_mm
    count = max(_LAYERS_OF_END, math.ceil(reach_mm / thickness_mm - 1e-6))
    at = reach_mm * (np.arange(count) + 0.5) / count
    own = float(field.area_mm2[k])
    areas = np.maximum(parabola(depth, values, at), 0.0) ** (1 / power)
    areas = np.clip(areas, 0.0 if apex_mm is not None else 0.5 * own, 1.5 * own)
    # A growing end is followed as far as sections between planes are; a shrinking one to its tip.
    grow = -MAXIMUM_SHIFT * slice_mm / field.pixel_mm
    for j, area in enumerate(areas.tolist()):
        level, box = _stretched_end(field, k, next_to, area, at[j] / slice_mm)
        shrink = float(level.max()) if apex_mm is not None else -grow
        near, far = (height + step * reach_mm * (j + side) / count for side in (0, 1))
        level, shift = _levelled(level, box, area / field.pixel_mm**2, grow, shrink)
        is_last = j == count - 1
        yield Layer(
            min(near, far), max(near, far), level, shift, far if is_last else None, is_last and apex_mm is not None
        )


def _apex(depth_mm: FloatArray, values: FloatArray, slice_mm: float) -> float | None:
    """Where values that follow a parabola fall to zero, within one slice beyond depth 0; None where they do not."""
    t = np.linspace(0.0, slice_mm, 401)[1:]
    curve = parabola(depth_mm, values, t) / values[0]
    low = int(curve.argmin())
    below = np.flatnonzero(curve <= 0.0)
    if len(below):
        return float(t[below[0]])
    return float(t[low]) if curve[low] < _TOUCHES and low < len(t) - 1 else None


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
    ends = field.area_mm2[k : k + 2]
    return np.asarray(np.clip(np.maximum(area, 0.0) ** (1 / power), 0.5 * ends.min(), 1.5 * ends.max()))


def _blended(field: OutlineField, k: int, t: float, area_mm2: float) -> tuple[Level, FloatArray | None]:
    """Average of planes ``k`` and ``k + 1``, each stretched to the width and height of a section of that area.

    Returns the box that it was stretched to, if it was.
    """
    out = np.empty_like(field.levels[k])
    below = above = _AS_IT_IS
    box = None
    if alike(field, k, k + 1):
        box = box_between(field, k, t, area_mm2)
        below, above = (map_of(box, field.boxes[i]) for i in (k, k + 1))
    blended(field.levels[k], field.levels[k + 1], below, above, t, out)
    return out, box


def _stretched_end(
    field: OutlineField, k: int, next_to: int, area_mm2: float, t: float
) -> tuple[Level, FloatArray | None]:
    """Plane ``k``, stretched as sections changed on the way to it from plane ``next_to``, ``t`` slices beyond."""
    change = math.log(field.area_mm2[k] / field.area_mm2[next_to])
    if not alike(field, k, next_to) or abs(change) < TELLING or area_mm2 < 1e-3 * field.area_mm2[k]:
        return field.levels[k], None
    size, before = field.boxes[k, 2:], field.boxes[next_to, 2:]
    powers = np.clip(np.log(size / before) / change, 0.0, 1.0)
    grown = size * (area_mm2 / field.area_mm2[k]) ** powers
    box = moved(field.boxes[next_to], field.boxes[k], grown, 1.0 + t)
    own = map_of(box, field.boxes[k])
    out = np.empty_like(field.levels[k])
    blended(field.levels[k], field.levels[k], own, own, 0.0, out)
    return out, box


def _levelled(level: Level, box: FloatArray | None, area: float, low: float, high: float) -> tuple[Level, float]:
    """Return a level and the shift at which its section has an area (in pixels); it grows within its box alone."""
    here = area_pixels(level, 0.0)
    if abs(here - area) <= _AREA_ERROR * max(area, 1.0):
        return level, 0.0
    if here > area or box is None:
        ends = (0.0, high) if here > area else (low, 0.0)
        return level, _root(lambda shift: area_pixels(level, shift) - area, here - area, area, ends)
    cut = box
    shift = _root(lambda shift: area_pixels(level, shift, cut) - area, here - area, area, (low, 0.0))
    y, x = (np.arange(n, dtype=np.float32) for n in level.shape)
    rim = np.minimum(box[2] - np.abs(x - box[0])[None, :], box[3] - np.abs(y - box[1])[:, None]).astype(np.float32)
    return np.minimum(level - np.float32(shift), rim), 0.0


def _root(missing: Callable[[float], float], at_zero: float, area: float, ends: tuple[float, float]) -> float:
    """Where a falling function crosses zero, by secants from its value at 0; the nearer end where it does not."""
    low, high = ends
    before, over = 0.0, at_zero
    # A section grows by about its outline a pixel: that of a circle.
    shift = min(max(at_zero / math.sqrt(4 * math.pi * max(area, 1.0)), low), high)
    error = _AREA_ERROR * max(area, 1.0)
    for _ in range(_AREA_STEPS):
        here = missing(shift)
        if abs(here) <= error or here == over:
            break
        following = min(max(shift - here * (shift - before) / (here - over), low), high)
        before, over, shift = shift, here, following
        if shift == before:
            break
    return shift
