"""Contours as fields: the signed distance in each plane, exact near the outline, and the area it encloses."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.geometry import OutlinePlanes
from hdrplan.kernels.planar import near_feet, row_spans, spread_feet
from hdrplan.kernels.polygon import flip_inside
from hdrplan.kernels.sections import level_area
from hdrplan.memory import require_memory
from hdrplan.threads import over_rows

__all__ = ["FAR_OUTSIDE", "MAXIMUM_SHIFT", "Level", "OutlineField", "field_of", "spans_of", "windows_of"]

Level = npt.NDArray[np.float32]

# Pixels along the side of a square of the mean area of the planes, at most so many across all, and their limits in mm.
_PIXELS, _MAXIMUM_ACROSS, _FINEST_MM, _COARSEST_MM = 48.0, 256.0, 0.25, 1.5
# Distances to the outline itself are measured this near to it, in pixels; farther away the nearest point is handed on.
_EXACT_PIXELS = 3.0
# Between planes an outline moves by at most this fraction of their distance to reach its area.
MAXIMUM_SHIFT = 0.3
_ON_OUTLINE = 1e-6
# The area on the raster is within this of a contour's own.
_RASTER = 0.03
# Pixels far from a plane's contours are outside, at no known distance.
FAR_OUTSIDE = -1e4
_NO_BOX = np.array([0.0, 0.0, np.inf, np.inf])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutlineField:
    """Signed distances of an outline in its planes.

    Parameters
    ----------
    planes : OutlinePlanes
    corner_mm : (2,) array
        Centre of pixel (0, 0) along the first two axes.
    pixel_mm : float
    levels : (n, ny, nx) float32 array
        Distance to the outline in pixels, positive inside; FAR_OUTSIDE far from the contours of a plane and of
        two on each side.
    area_mm2 : (n,) array
        What each plane's contours enclose.
    boxes : (n, 4) array
        Middle (x, y) and half of the width and height of a plane's contour, in pixels; NaN where it has several.
    windows : (n, 4) int array
        First and last x, first and last y of the pixels that a plane's contours may reach, or grow to.
    """

    planes: OutlinePlanes
    corner_mm: FloatArray
    pixel_mm: float
    levels: Level
    area_mm2: FloatArray
    boxes: FloatArray
    windows: IntArray

    @property
    def to_lps(self) -> FloatArray:
        """Return the matrix (3, 4) that leads from pixel coordinates and height to LPS."""
        scale = np.array([self.pixel_mm, self.pixel_mm, 1.0])
        return np.column_stack((self.planes.axes * scale, self.planes.axes[:, :2] @ self.corner_mm))


def field_of(planes: OutlinePlanes) -> OutlineField:
    """Measure distances in every plane on one raster of 0.25 to 1.5 mm.

    Raises
    ------
    ResourceError
        More pixels than this machine has memory for.
    """
    points = np.concatenate([loop for loops in planes.loops_mm for loop in loops])
    low, high = points.min(axis=0), points.max(axis=0)
    side_mm = math.sqrt(np.mean([sum(_area(loop) for loop in loops) for loops in planes.loops_mm]))
    pixel_mm = max(side_mm / _PIXELS, float((high - low).max()) / _MAXIMUM_ACROSS)
    pixel_mm = min(max(pixel_mm, _FINEST_MM), _COARSEST_MM)
    gaps = np.diff(planes.height_mm)[planes.joined]
    rim = MAXIMUM_SHIFT * float(gaps.max(initial=planes.thickness_mm)) / pixel_mm + 3.0
    nx, ny = (int(n) for n in np.ceil((high - low) / pixel_mm + 2 * rim).astype(int) + 1)
    require_memory(
        4.0 * nx * ny * len(planes.height_mm), f"contours in {len(planes.height_mm)} planes", remedy="Leave planes out."
    )
    corner = (low + high) / 2 - 0.5 * pixel_mm * np.array([nx - 1, ny - 1])
    loops = [[np.ascontiguousarray((loop - corner) / pixel_mm) for loop in plane] for plane in planes.loops_mm]
    levels = np.full((len(loops), ny, nx), FAR_OUTSIDE, dtype=np.float32)
    spans = np.array([_extent(plane) for plane in loops])
    windows = windows_of(spans, rim, (ny, nx))
    area = np.empty(len(loops))

    def block(first: int, last: int) -> None:
        for k in range(first, last):
            around = slice(max(k - 2, 0), k + 3)
            x0, y0 = windows[around, ::2].min(axis=0)
            x1, y1 = windows[around, 1::2].max(axis=0)
            levels[k, y0 : y1 + 1, x0 : x1 + 1] = _level(loops[k], (x0, y0), (y1 - y0 + 1, x1 - x0 + 1))
            area[k] = level_area(levels[k], 0.0, _NO_BOX, windows[k])
            exact = _area(loops[k][0])
            # Of one contour its own area, unless it crosses itself.
            if len(loops[k]) == 1 and abs(exact - area[k]) < _RASTER * exact:
                area[k] = exact

    over_rows(block, len(levels), smallest=16)
    alone = np.array([len(plane) == 1 for plane in loops])
    boxes = np.concatenate(((spans[:, ::2] + spans[:, 1::2]) / 2, (spans[:, 1::2] - spans[:, ::2]) / 2), axis=1)
    return OutlineField(
        planes=planes,
        corner_mm=corner,
        pixel_mm=pixel_mm,
        levels=levels,
        area_mm2=np.maximum(area, _ON_OUTLINE) * pixel_mm**2,
        boxes=np.where(alone[:, None], boxes, np.nan),
        windows=windows,
    )


def _extent(loops: list[FloatArray]) -> FloatArray:
    """First and last x, first and last y of the contours of a plane."""
    points = np.concatenate(loops) if len(loops) > 1 else loops[0]
    return np.array([points[:, 0].min(), points[:, 0].max(), points[:, 1].min(), points[:, 1].max()])


def windows_of(spans: FloatArray, rim: float, shape: tuple[int, int]) -> IntArray:
    """Return first and last x, first and last y of pixels that hold places and a rim round them, (n, 4).

    Parameters
    ----------
    spans : (n, 4) array
        The same of the places.
    rim : float
        In pixels.
    shape : tuple of int
        Pixels along y and x.
    """
    ny, nx = shape
    windows = np.rint(spans + rim * np.array([-1, 1, -1, 1])).astype(np.int64)
    return np.asarray(np.clip(windows, 0, [nx - 1, nx - 1, ny - 1, ny - 1]))


def _level(loops: list[FloatArray], corner: tuple[int, int], shape: tuple[int, int]) -> Level:
    """Signed distance in pixels of one plane, in a window."""
    inside = np.zeros(shape, dtype=np.bool_)
    moved = [loop - corner for loop in loops]
    for loop in moved:
        flip_inside(loop, inside)
    segments = np.concatenate([np.column_stack((loop, np.roll(loop, -1, axis=0))) for loop in moved])
    feet = np.full((*shape, 3), np.inf)
    near_feet(_without_keyholes(segments), _EXACT_PIXELS, feet)
    spread_feet(feet)
    away = np.maximum(np.sqrt(feet[..., 2]), _ON_OUTLINE)
    return np.asarray(np.where(inside, away, -away), dtype=np.float32)


def _without_keyholes(segments: FloatArray) -> FloatArray:
    """Segments without those that are walked there and back: a channel of no width is no surface."""
    ends = (segments[:, ::2] + 1j * segments[:, 1::2]).round(4)
    corners = np.sort(ends[:, 0])
    if not (corners[1:] == corners[:-1]).any():
        return segments
    low, high = np.minimum(*ends.T), np.maximum(*ends.T)
    order = np.lexsort((high, low))
    same = np.append(False, (low[order][1:] == low[order][:-1]) & (high[order][1:] == high[order][:-1]))
    which = np.empty(len(order), dtype=np.int64)
    which[order] = np.cumsum(~same) - 1
    once = (np.bincount(which) % 2 == 1)[which]
    kept: FloatArray = segments[once]
    return np.ascontiguousarray(kept if len(kept) else segments)


def spans_of(level: Level, rows: FloatArray, shift: float, *, at: FloatArray | None = None) -> FloatArray:
    """Return row index, first and last x index of each span at which a level is at least ``shift``, (n, 3).

    Parameters
    ----------
    level : (ny, nx) float32 array
    rows : (n,) array
        Fractional row indices.
    shift : float
    at : (n,) array, optional
        Row indices that the result shows for ``rows``.
    """
    out = np.empty((len(rows) * (level.shape[1] // 2 + 1), 3))
    spans = out[: row_spans(level, rows, shift, out)]
    spans[:, 0] = (rows if at is None else at)[spans[:, 0].astype(np.int64)]
    return spans


def _area(loop: FloatArray) -> float:
    x, y = (loop - loop[0]).T
    return 0.5 * abs(float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()))
