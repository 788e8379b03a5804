"""A structure, drawn or segmented, as dense points: as it is read, and as it might be read otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.cautions import Caution
from hdrplan.dose.dense_points import DensePoints, points_of_layers
from hdrplan.dose.outline_field import Level, OutlineField, field_of, spans_of
from hdrplan.dose.outline_layers import Between, Ends, Layers, body_layers, end_layers
from hdrplan.dose.shape import Shape, shape_of
from hdrplan.errors import InputError
from hdrplan.geometry import Grid, Outline, Structure, end_to_end, planes_of

__all__ = ["DENSE_POINTS", "Region", "RegionPoints", "region_points"]

Region: TypeAlias = Outline | Structure

# Cells of a structure: D95 in a dose that changes by its own size across the structure is then told to 0.2 %.
DENSE_POINTS = 30_000
# Other readings are compared, not reported: an eighth of the cells.
_FEWER = 8
# A structure has at least this many layers, and rows across it.
_MINIMUM_LAYERS = 24
# Points on contours are this near to each other.
_ALONG_MM = 0.5
_MOST_ALONG = 200


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegionPoints:
    """One structure as points.

    Parameters
    ----------
    name : str
    volume_cc : float
    parts : tuple of DensePoints
        As it is read; together they are the structure.
    fewer : tuple of DensePoints
        The same with fewer points: what the other readings are compared with.
    other_between : tuple of DensePoints
        As it would be with the other way to read between slices, or voxels.
    other_ends : tuple of tuples of DensePoints
        As it would be with each other way to end it; none for voxels, which end where they end. These three are empty
        where no other readings were asked for.
    surface : (n, 3) array
        Points on the surface, to those of the parts and in the frame of the first.
    between, ends : str
        How it was read, in words.
    warnings : tuple of Caution
    """

    name: str
    volume_cc: float
    parts: tuple[DensePoints, ...]
    fewer: tuple[DensePoints, ...]
    other_between: tuple[DensePoints, ...]
    other_ends: tuple[tuple[DensePoints, ...], ...]
    surface: FloatArray
    between: str
    ends: str
    warnings: tuple[Caution, ...] = ()


def region_points(
    region: Region,
    *,
    between: Between = "interpolated",
    ends: Ends = "continued",
    count: int = DENSE_POINTS,
    readings: bool = True,
) -> RegionPoints:
    """Fill a structure with points.

    Parameters
    ----------
    region : Outline or Structure
        Contours, or a mask.
    between : {"interpolated", "slabs"}
        Between the planes of contours: interpolated shapes, or each contour as a slab. Of a mask: the smooth shape
        behind it (:func:`hdrplan.dose.shape_of`), or its voxels as boxes.
    ends : {"continued", "half-slice", "none"}
        Beyond the last contours; slabs end flat, by "half-slice" instead of "continued".
    count : int
        About how many points; at least 1000.
    readings : bool
        With the points of the other readings, and with fewer points: what errors are told by.

    Raises
    ------
    InputError, FormatError
        A count that is too small, contours that enclose nothing.
    """
    if count < 1000:
        raise InputError("a structure needs at least 1000 points", got=count)
    if isinstance(region, Structure):
        return _of_mask(region, between, count, readings)
    return _of_outline(region, between, ends, count, readings)


def _of_outline(outline: Outline, between: Between, ends: Ends, count: int, readings: bool) -> RegionPoints:
    planes, warnings = planes_of(outline)
    field = field_of(planes)
    gaps = np.append(np.diff(planes.height_mm)[planes.joined], planes.thickness_mm)
    mm3 = float(field.rows[:, 1].mean()) * float(gaps.sum())
    layer_mm = float(gaps.sum()) / _MINIMUM_LAYERS

    def body(way: Between, cells: int) -> DensePoints:
        spacing = _spacing_mm(mm3, cells, field)
        return points_of_layers(body_layers(field, way, min(spacing, layer_mm)), field.to_lps, spacing)

    def beyond(way: Ends, cells: int, *sides: int) -> DensePoints:
        spacing = _spacing_mm(mm3, cells, field)
        layers = end_layers(field, way, min(spacing, layer_mm), sides=sides or (-1, 1))
        return points_of_layers(layers, field.to_lps, spacing)

    flat = between == "slabs" and ends == "continued"
    used: Ends = "half-slice" if flat else ends
    few = max(1000, count // _FEWER)
    parts = (body(between, count), beyond(used, count))
    fewer: tuple[DensePoints, ...] = ()
    other_between: tuple[DensePoints, ...] = ()
    other_ends: list[tuple[DensePoints, ...]] = []
    if readings:
        fewer = (parts[0].thinned(_FEWER), beyond(used, few))
        other_between = (body("slabs" if between == "interpolated" else "interpolated", few), fewer[1])
        alternatives: tuple[Ends, ...] = ("continued", "half-slice", "none")
        # Either end alone, too: what both together change may cancel in a mean or a median.
        for way in (way for way in alternatives if way != used):
            usual, other = ([beyond(w, few, side) for side in (-1, 1)] for w in (used, way))
            pairs = (other, (usual[0], other[1]), (other[0], usual[1]))
            other_ends += [(fewer[0], first, last) for first, last in pairs]
    return RegionPoints(
        name=outline.name,
        volume_cc=float(sum(part.volume_cc.sum() for part in parts)),
        parts=parts,
        fewer=fewer,
        other_between=other_between,
        other_ends=tuple(other_ends),
        surface=_along(field),
        between="contours interpolated between slices" if between == "interpolated" else "each contour as a slab",
        ends={
            "continued": "areas continued beyond the last contours, at most half a slice where they do not close",
            "half-slice": "the last contours half a slice farther",
            "none": "at the last contours",
        }[used],
        warnings=warnings,
    )


def _spacing_mm(mm3: float, cells: int, field: OutlineField) -> float:
    across = min(field.levels.shape[1:]) * field.pixel_mm / _MINIMUM_LAYERS
    return float(min(np.cbrt(mm3 / cells), across))


def _along(field: OutlineField) -> FloatArray:
    """Points on the contours themselves."""
    loops = [loop for plane in field.planes.loops_mm for loop in plane]
    points, _, after = end_to_end(loops)
    height = np.repeat(field.planes.height_mm, [sum(map(len, plane)) for plane in field.planes.loops_mm])
    way = points[after] - points
    count = np.clip(np.ceil(np.sqrt((way**2).sum(axis=1)) / _ALONG_MM), 1, _MOST_ALONG).astype(np.int64)
    part = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    at = np.repeat(points, count, axis=0) + np.repeat(way / count[:, None], count, axis=0) * part[:, None]
    return np.column_stack(((at - field.corner_mm) / field.pixel_mm, np.repeat(height, count)))


def _of_mask(structure: Structure, between: Between, count: int, readings: bool) -> RegionPoints:
    shape = shape_of(structure)
    first, second = (_smooth, _boxes) if between == "interpolated" else (_boxes, _smooth)
    few = max(1000, count // _FEWER)
    points = first(structure, shape, count)
    return RegionPoints(
        name=structure.name,
        volume_cc=structure.volume_cc,
        parts=(points,),
        fewer=(points.thinned(_FEWER),) if readings else (),
        other_between=(second(structure, shape, few),) if readings else (),
        other_ends=(),
        surface=_rim(shape) if between == "interpolated" else np.empty((0, 3)),
        between="the smooth shape behind the mask" if between == "interpolated" else "voxels as boxes",
        ends="as the mask's voxels end",
    )


def _smooth(structure: Structure, shape: Shape, count: int) -> DensePoints:
    """Points of the smooth shape; volumes scaled to the mask's."""
    spacing = float(np.cbrt(structure.volume_cc * 1000.0 / count))
    points = points_of_layers(_shape_layers(shape, spacing), _to_lps(shape.grid, 0.0), spacing)
    return replace(points, volume_cc=points.volume_cc * (structure.volume_cc / float(points.volume_cc.sum())))


def _to_lps(grid: Grid, first: float) -> FloatArray:
    """Matrix from pixel and plane indices to LPS; ``first`` is the index of the grid's first voxel."""
    scale = grid.direction * grid.spacing_mm
    return np.column_stack((scale, grid.origin_mm - scale.sum(axis=1) * first))


def _shape_layers(shape: Shape, thickness_mm: float) -> Layers:
    count = max(1, int(np.ceil(shape.grid.spacing_mm[2] / thickness_mm)))
    inside = np.asarray(shape.level_zyx.max(axis=(1, 2)) >= 0)
    planes = np.repeat(np.flatnonzero(inside[:-1] | inside[1:]), count)
    part = np.tile(np.arange(count), len(planes) // count)
    t = ((part + 0.5) / count).astype(np.float32)[:, None, None]
    levels: Level = (1 - t) * shape.level_zyx[planes] + t * shape.level_zyx[planes + 1]
    return _layers_of(levels, np.arange(len(planes)), np.column_stack((part, part + 1)) / count + planes[:, None])


def _layers_of(levels: Level, which: IntArray, faces: FloatArray) -> Layers:
    """Layers of a mask, between plane indices."""
    _, ny, nx = levels.shape
    return Layers(
        faces_mm=faces,
        levels=levels,
        places=np.column_stack((which, np.tile([0, nx - 1, 0, ny - 1], (len(which), 1)))),
        shift=np.zeros(len(which)),
        end_mm=np.full(len(which), np.nan),
        is_tip=np.zeros(len(which), dtype=np.bool_),
    )


def _boxes(structure: Structure, _: Shape, count: int) -> DensePoints:
    """Points of the mask's voxels, each a box."""
    grid = structure.grid
    spacing = float(np.cbrt(structure.volume_cc * 1000.0 / count))
    levels = np.pad(structure.mask_zyx, 1).astype(np.float32) - np.float32(0.5)
    per_voxel = max(1, int(np.ceil(grid.spacing_mm[2] / spacing)))
    planes = np.repeat(np.arange(1, len(levels) - 1), per_voxel)
    part = np.tile(np.arange(per_voxel), len(levels) - 2)
    faces = np.column_stack((part, part + 1)) / per_voxel + planes[:, None] - 0.5
    return points_of_layers(_layers_of(levels, planes, faces), _to_lps(grid, 1.0), spacing, whole_rows=True)


def _rim(shape: Shape) -> FloatArray:
    """Where the smooth shape ends along its slice axis."""
    points = [np.empty((0, 3))]
    for y in range(0, shape.grid.shape_zyx[1]):
        plane = np.ascontiguousarray(shape.level_zyx[:, y, :].T)
        if plane.max() < 0:
            continue
        spans = spans_of(plane, np.arange(plane.shape[0], dtype=np.float64), 0.0)
        row = np.full(len(spans), float(y))
        points += [np.column_stack((spans[:, 0], row, spans[:, end])) for end in (1, 2)]
    return np.concatenate(points)
