"""Contours as fields: the signed distance in each plane, exact near the outline, and the area it encloses."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray, IntArray
from hdrplan.geometry import OutlinePlanes, end_to_end, loop_areas
from hdrplan.kernels.areas import level_area
from hdrplan.kernels.planar import plane_level_rows, row_spans
from hdrplan.memory import require_memory
from hdrplan.threads import over_rows

__all__ = ["FAR_OUTSIDE", "MAXIMUM_SHIFT", "Level", "OutlineField", "field_of", "spans_of", "windows_of"]

Level = npt.NDArray[np.float32]

# Pixels along the side of a square of the mean area of the planes, at most so many across all, and their limits in mm.
_PIXELS, _MAXIMUM_ACROSS, _FINEST_MM, _COARSEST_MM = 48.0, 256.0, 0.25, 1.5
# Between planes an outline moves by at most this fraction of their distance to reach its area.
MAXIMUM_SHIFT = 0.3
_SMALLEST_AREA = 1e-6
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
    rows : (n, 7) array
        Planes as :mod:`hdrplan.kernels.sides` has them: height, area, radius of the largest circle inside, and box.
    windows : (n, 4) int array
        First and last x, first and last y of the pixels that a plane's contours may reach, or grow to.
    """

    planes: OutlinePlanes
    corner_mm: FloatArray
    pixel_mm: float
    levels: Level
    rows: FloatArray
    windows: IntArray

    @property
    def raster(self) -> FloatArray:
        """Return length of a pixel in mm, largest shift as a fraction of a gap, largest x and y of pixels."""
        _, ny, nx = self.levels.shape
        return np.array([self.pixel_mm, MAXIMUM_SHIFT, nx - 1.0, ny - 1.0])

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
    points, start, after = end_to_end([loop for loops in planes.loops_mm for loop in loops])
    polygons = np.cumsum([0, *map(len, planes.loops_mm)])
    own_mm2 = loop_areas(points, start, after)
    low, high = points.min(axis=0), points.max(axis=0)
    side_mm = math.sqrt(own_mm2.sum() / len(planes.loops_mm))
    pixel_mm = max(side_mm / _PIXELS, float((high - low).max()) / _MAXIMUM_ACROSS)
    pixel_mm = min(max(pixel_mm, _FINEST_MM), _COARSEST_MM)
    gaps = np.diff(planes.height_mm)[planes.joined]
    rim = MAXIMUM_SHIFT * float(gaps.max(initial=planes.thickness_mm)) / pixel_mm + 3.0
    nx, ny = (int(n) for n in np.ceil((high - low) / pixel_mm + 2 * rim).astype(int) + 1)
    require_memory(
        4.0 * nx * ny * len(planes.height_mm), f"contours in {len(planes.height_mm)} planes", remedy="Leave planes out."
    )
    corner = (low + high) / 2 - 0.5 * pixel_mm * np.array([nx - 1, ny - 1])
    placed = (points - corner) / pixel_mm
    levels = np.full((len(planes.loops_mm), ny, nx), FAR_OUTSIDE, dtype=np.float32)
    spans = _extents(placed, start[polygons[:-1]])
    windows = windows_of(spans, rim, (ny, nx))
    around = _with_neighbours(windows)
    of_plane = np.repeat(np.arange(len(levels)), np.diff(polygons))
    surface = _surface(placed, start, after, np.repeat(of_plane, np.diff(start, append=len(points))))
    starts = np.append(start, len(points)), polygons
    over_rows(
        lambda first, last: plane_level_rows(first, last, placed, surface, starts, around, levels),
        len(levels),
        smallest=16,
    )
    area = np.array([level_area(level, 0.0, _NO_BOX, window) for level, window in zip(levels, windows, strict=True)])
    # Of one contour its own area, unless it crosses itself.
    exact = own_mm2[polygons[:-1]] / pixel_mm**2
    area = np.where((np.diff(polygons) == 1) & (np.abs(exact - area) < _RASTER * exact), exact, area)
    boxes = np.concatenate(((spans[:, ::2] + spans[:, 1::2]) / 2, (spans[:, 1::2] - spans[:, ::2]) / 2), axis=1)
    boxes[np.diff(polygons) > 1] = np.nan
    area_mm2 = np.maximum(area, _SMALLEST_AREA) * pixel_mm**2
    return OutlineField(
        planes=planes,
        corner_mm=corner,
        pixel_mm=pixel_mm,
        levels=levels,
        rows=np.column_stack((planes.height_mm, area_mm2, levels.max(axis=(1, 2)), boxes)),
        windows=windows,
    )


def _extents(points: FloatArray, start: IntArray) -> FloatArray:
    """First and last x, first and last y of the points from each start to the next, (n, 4)."""
    return np.stack((np.minimum.reduceat(points, start), np.maximum.reduceat(points, start)), axis=-1).reshape(-1, 4)


def _with_neighbours(windows: IntArray) -> IntArray:
    """Windows that hold those of two planes to each side too."""
    ends = np.array([1, -1, 1, -1])
    held = np.pad(windows * ends, ((2, 2), (0, 0)), mode="edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(held, 5, axis=0).min(axis=-1) * ends)


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


def _surface(points: FloatArray, start: IntArray, after: IntArray, plane: IntArray) -> BoolArray:
    """Which sides of polygons are surface: not a channel of no width, which a plane has there and back."""
    at = np.rint(points * 1e4).astype(np.int64)
    # One number a corner and plane: where none is there twice, no side is.
    number = (plane << 52) ^ (at[:, 0] << 26) ^ at[:, 1]
    once = np.ones(len(points), dtype=np.bool_)
    ordered = np.sort(number)
    if not (ordered[1:] == ordered[:-1]).any():
        return once
    ends = np.column_stack((at, at[after]))
    swapped = (ends[:, 0] > ends[:, 2]) | ((ends[:, 0] == ends[:, 2]) & (ends[:, 1] > ends[:, 3]))
    ends[swapped] = ends[swapped][:, [2, 3, 0, 1]]
    _, which, times = np.unique(np.column_stack((plane, ends)), axis=0, return_inverse=True, return_counts=True)
    once = (times % 2 == 1)[which.ravel()]
    # A plane without any other side keeps them.
    none = ~np.logical_or.reduceat(once, np.flatnonzero(np.diff(plane, prepend=-1)))
    return np.asarray(once | none[plane])


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
