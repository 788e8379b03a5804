"""Structures as they were drawn: closed contours in parallel planes, and the planes they lie in."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, freeze
from hdrplan.cautions import Caution, caution
from hdrplan.errors import FormatError
from hdrplan.geometry.contours import ON_SLICE_MM, contour_normal
from hdrplan.geometry.loops import Loop, end_to_end, loop_areas, without_copies

__all__ = ["Outline", "OutlinePlanes", "planes_of"]

# Contours of less area enclose nothing that a dose could be asked for.
_SMALLEST_MM2 = 1e-3
# A gap this many times as wide as those beside it: slices were left out; or, wider still, the parts are apart.
_MISSING, _APART = 1.5, 4.0
# Contours that share a side: fewer of their corners than this lie in each other, by rounding.
_TOUCHING = 0.1
# Thickness of a structure in one plane.
_ONE_PLANE_MM = 2.5


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """A structure as closed planar contours.

    Parameters
    ----------
    name : str
    contours_mm : tuple of (n, 3) arrays
        LPS; each in one plane, all planes parallel. Several in a plane combine by exclusive or: holes and keyholes.
    """

    name: str
    contours_mm: tuple[FloatArray, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutlinePlanes:
    """The planes of an outline, from the lowest to the highest along their normal.

    Parameters
    ----------
    axes : (3, 3) array
        Columns: two directions in the planes and their normal, in LPS.
    height_mm : (n,) array
        Of each plane along the normal.
    loops_mm : tuple of tuples of (m, 2) arrays
        The contours of each plane along the first two axes.
    joined : (n - 1,) bool array
        Whether the structure goes on between a plane and the next; false where parts lie apart.
    thickness_mm : float
        What a plane without neighbours stands for.
    """

    axes: FloatArray
    height_mm: FloatArray
    loops_mm: tuple[tuple[FloatArray, ...], ...]
    joined: BoolArray
    thickness_mm: float

    def __post_init__(self) -> None:
        freeze(self, "axes", (3, 3))
        freeze(self, "height_mm", (len(self.loops_mm),))
        freeze(self, "joined", (len(self.loops_mm) - 1,), dtype=np.bool_)


def planes_of(outline: Outline) -> tuple[OutlinePlanes, tuple[Caution, ...]]:
    """Sort the contours of an outline by planes, at any distances.

    A gap up to 4 times as wide as those beside it is bridged, with a warning; across a wider one the parts are apart.

    Raises
    ------
    FormatError
        A contour that is not planar, planes that are not parallel, no contour that encloses an area.
    """
    contours = [np.asarray(c, dtype=np.float64) for c in outline.contours_mm]
    if not contours:
        raise FormatError("a structure must have closed contours", got="none", where=outline.name)
    normal = contour_normal(contours, outline.name)
    axes = _axes(normal)
    warnings: list[Caution] = []
    points, start, after = end_to_end(contours)
    planar = points @ axes
    area_mm2 = loop_areas(planar, start, after)
    height = np.add.reduceat(planar[:, 2], start) / np.diff(start, append=len(points))
    flat = np.split(np.ascontiguousarray(planar[:, :2]), start[1:])
    extents = np.stack((np.minimum.reduceat(planar, start), np.maximum.reduceat(planar, start)), axis=1)[..., :2]
    kept = np.flatnonzero(area_mm2 > _SMALLEST_MM2)
    if len(kept) < len(contours):
        warnings.append(caution("contours-without-area", name=outline.name, count=len(contours) - len(kept)))
    if not len(kept):
        raise FormatError("a closed contour encloses an area", got="0 mm2", where=outline.name)
    heights = height[kept]
    order = np.argsort(heights, kind="stable")
    groups: list[list[int]] = []
    for k in order.tolist():
        if groups and heights[k] - heights[groups[-1][0]] <= ON_SLICE_MM:
            groups[-1].append(k)
        else:
            groups.append([k])
    own = [without_copies([(flat[k], extents[k]) for k in kept[group].tolist()]) for group in groups]
    loops = [tuple(loop for loop, _ in plane) for plane in own]
    twice = len(kept) - sum(map(len, own))
    overlapping = sum(_overlap(plane) for plane in own)
    if overlapping:
        warnings.append(caution("contours-overlap", name=outline.name, planes=overlapping))
    if twice:
        warnings.append(caution("contours-twice", name=outline.name, count=twice))
    planes_mm = np.array([heights[group].mean() for group in groups])
    joined, thickness = _joined(planes_mm, outline.name, warnings)
    planes = OutlinePlanes(axes=axes, height_mm=planes_mm, loops_mm=tuple(loops), joined=joined, thickness_mm=thickness)
    return planes, tuple(warnings)


def _axes(normal: FloatArray) -> FloatArray:
    first = np.zeros(3)
    first[int(np.abs(normal).argmin())] = 1.0
    row = first - (first @ normal) * normal
    row /= np.linalg.norm(row)
    return np.column_stack((row, np.cross(normal, row), normal))


def _overlap(loops: list[Loop]) -> bool:
    """Whether two contours of a plane overlap in part: one inside the other is a hole, apart they are two pieces."""
    if len(loops) < 2:
        return False
    # As plain numbers: ribs and vessels have many pairs, and four comparisons by NumPy take twenty times as long.
    boxed: list[tuple[FloatArray, list[float]]] = [(loop, extent.ravel().tolist()) for loop, extent in loops]
    for (first, (x0, y0, x1, y1)), (second, (left, low, right, high)) in permutations(boxed, 2):
        if x1 < left or right < x0 or y1 < low or high < y0:
            continue
        frac = float(_contains(second, first).mean())
        if _TOUCHING < frac < 1 - _TOUCHING:
            return True
    return False


def _contains(loop: FloatArray, points: FloatArray) -> BoolArray:
    """Return which points lie in a contour, by the even-odd rule."""
    start, end = loop, np.roll(loop, -1, axis=0)
    x, y = points[:, :1], points[:, 1:]
    spans = (start[:, 1] > y) != (end[:, 1] > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = start[:, 0] + (y - start[:, 1]) * (end[:, 0] - start[:, 0]) / (end[:, 1] - start[:, 1])
    return np.asarray((spans & (x < crossing)).sum(axis=1) % 2 == 1)


def _joined(height_mm: FloatArray, name: str, warnings: list[Caution]) -> tuple[BoolArray, float]:
    gaps = np.diff(height_mm)
    if not len(gaps):
        warnings.append(caution("contours-in-one-plane", name=name, step_mm=_ONE_PLANE_MM))
        return np.ones(0, dtype=np.bool_), _ONE_PLANE_MM
    if len(gaps) == 1:
        return np.ones(1, dtype=np.bool_), float(gaps[0])
    beside = np.maximum(np.concatenate(([0.0], gaps[:-1])), np.concatenate((gaps[1:], [0.0])))
    joined = gaps <= _APART * beside
    filled = joined & (gaps > _MISSING * beside)
    if filled.any():
        planes = int(np.rint(gaps[filled] / beside[filled] - 1).sum())
        warnings.append(caution("contours-filled", name=name, planes=planes))
    if not joined.all():
        gap_mm = float(gaps[~joined].max())
        warnings.append(caution("contours-apart", name=name, parts=int((~joined).sum()) + 1, gap_mm=gap_mm))
    return joined, float(np.median(gaps))
