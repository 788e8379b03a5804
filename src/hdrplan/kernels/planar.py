"""Distances from outlines in a plane, and what a row of such a field cuts out of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit, jit_inline
from hdrplan.kernels.polygon import flip_inside

__all__ = ["fill_cells", "near_feet", "plane_level_rows", "row_spans", "spread_feet"]

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
# Distances to the outline itself are measured this near to it, in pixels; farther away the nearest point is handed on.
_EXACT = 3.0
_ON_OUTLINE = 1e-6


@jit
def plane_level_rows(
    first: int,
    last: int,
    points: Floats,
    surface: npt.NDArray[np.bool_],
    starts: tuple[Places, Places],
    windows: Places,
    levels: npt.NDArray[np.float32],
) -> None:
    """Measure the signed distance to the outlines of planes ``first:last``, positive inside by the even-odd rule.

    Parameters
    ----------
    first, last : int
    points : (n, 2) array
        Corners of all polygons, x and y in pixels.
    surface : (n,) array
        Whether the side from a corner to the next one is a part of the outline: those of keyholes are not.
    starts : tuple of (m + 1,) and (k + 1,) arrays
        First corner of each polygon, first polygon of each plane.
    windows : (k, 4) array
        First and last x, first and last y of the pixels that are filled.
    levels : (k, ny, nx) array
        Filled: the distance in pixels; exact within 3 pixels of the outline.
    """
    corners, polygons = starts
    for k in range(first, last):
        x0, x1, y0, y1 = windows[k]
        inside = np.zeros((y1 - y0 + 1, x1 - x0 + 1), dtype=np.bool_)
        low, high = corners[polygons[k]], corners[polygons[k + 1]]
        moved = np.empty((high - low, 2))
        segments = np.empty((high - low, 4))
        count = 0
        for loop in range(polygons[k], polygons[k + 1]):
            start, end = corners[loop] - low, corners[loop + 1] - low
            for at in range(start, end):
                moved[at, 0], moved[at, 1] = points[low + at, 0] - x0, points[low + at, 1] - y0
            flip_inside(moved[start:end], inside)
            for at in range(start, end):
                if surface[low + at]:
                    after = at + 1 if at + 1 < end else start
                    segments[count, 0], segments[count, 1] = moved[at, 0], moved[at, 1]
                    segments[count, 2], segments[count, 3] = moved[after, 0], moved[after, 1]
                    count += 1
        feet = np.full((inside.shape[0], inside.shape[1], 3), np.inf)
        near_feet(segments[:count], _EXACT, feet)
        spread_feet(feet, _EXACT * _EXACT)
        for j in range(inside.shape[0]):
            for i in range(inside.shape[1]):
                away = max(np.sqrt(feet[j, i, 2]), _ON_OUTLINE)
                levels[k, y0 + j, x0 + i] = away if inside[j, i] else -away


@jit
def near_feet(segments: Floats, reach: float, feet: Floats) -> None:
    """Note for each pixel near an outline the point of the outline that is nearest to its centre.

    Parameters
    ----------
    segments : (n, 4) array
        x, y of the start and of the end, in pixels.
    reach : float
        Pixels farther from a segment than this, along x or y, are not asked; in pixels.
    feet : (ny, nx, 3) array
        x, y of the nearest point and the square of its distance (infinite where none is known yet); changed.
    """
    ny, nx, _ = feet.shape
    for k in range(len(segments)):
        x0, y0, x1, y1 = segments[k, 0], segments[k, 1], segments[k, 2], segments[k, 3]
        dx, dy = x1 - x0, y1 - y0
        squared = dx * dx + dy * dy
        for j in range(max(0, int(min(y0, y1) - reach)), min(ny - 1, int(max(y0, y1) + reach) + 1) + 1):
            for i in range(max(0, int(min(x0, x1) - reach)), min(nx - 1, int(max(x0, x1) + reach) + 1) + 1):
                t = 0.0
                if squared > 0.0:
                    t = min(max(((i - x0) * dx + (j - y0) * dy) / squared, 0.0), 1.0)
                x, y = x0 + t * dx, y0 + t * dy
                away = (i - x) * (i - x) + (j - y) * (j - y)
                if away < feet[j, i, 2]:
                    feet[j, i, 0], feet[j, i, 1], feet[j, i, 2] = x, y, away


@jit
def spread_feet(feet: Floats, known: float) -> None:
    """Give every pixel the nearest of the points that its eight neighbours know.

    Two sweeps over the rows, each from the row before, to the right and to the left [1]_.

    Parameters
    ----------
    feet : (ny, nx, 3) array
        As in :func:`near_feet`; changed.
    known : float
        Pixels with a square up to this keep what they know.

    References
    ----------
    .. [1] P.-E. Danielsson, "Euclidean distance mapping", Comput Graph Image Process 14, 227-248, 1980.
    """
    ny, nx, _ = feet.shape
    for sweep in range(2):
        step = 1 if sweep == 0 else -1
        for row in range(ny):
            j = row if step == 1 else ny - 1 - row
            if 0 <= j - step < ny:
                for i in range(nx):
                    if feet[j, i, 2] > known:
                        for x in range(max(i - 1, 0), min(i + 2, nx)):
                            _hand_on(feet, j - step, x, j, i)
            for i in range(1, nx):
                if feet[j, i, 2] > known:
                    _hand_on(feet, j, i - 1, j, i)
            for i in range(nx - 2, -1, -1):
                if feet[j, i, 2] > known:
                    _hand_on(feet, j, i + 1, j, i)


@jit_inline
def _hand_on(feet: Floats, y: int, x: int, j: int, i: int) -> None:
    """Give pixel (j, i) the point that pixel (y, x) knows, if it is nearer."""
    across, along = i - feet[y, x, 0], j - feet[y, x, 1]
    away = across * across + along * along
    if away < feet[j, i, 2]:
        feet[j, i, 0], feet[j, i, 1], feet[j, i, 2] = feet[y, x, 0], feet[y, x, 1], away


@jit
def row_spans(level: npt.NDArray[np.float32], rows: Floats, shift: float, out: Floats) -> int:
    """Find where the level, linear between pixel centres, is at least ``shift`` along rows of a plane.

    Parameters
    ----------
    level : (ny, nx) array
        Positive inside.
    rows : (n,) array
        Fractional row indices, 0 to ny - 1.
    shift : float
    out : (m, 3) array
        Filled with the rank of the row, the first and the last x index of each span; has room for ``nx // 2 + 1`` a
        row.

    Returns
    -------
    int
        How many spans there are.
    """
    ny, nx = level.shape
    count = 0
    for k in range(len(rows)):
        j = min(max(int(rows[k]), 0), max(ny - 2, 0))
        upper = min(j + 1, ny - 1)
        v = rows[k] - j
        before = level[j, 0] * (1.0 - v) + level[upper, 0] * v - shift
        start = 0.0
        for i in range(1, nx):
            here = level[j, i] * (1.0 - v) + level[upper, i] * v - shift
            if before < 0.0 <= here:
                start = i - here / (here - before)
            elif here < 0.0 <= before:
                out[count, 0], out[count, 1], out[count, 2] = k, start, i - 1 + before / (before - here)
                count += 1
            before = here
        if before >= 0.0:
            out[count, 0], out[count, 1], out[count, 2] = k, start, nx - 1.0
            count += 1
    return count


@jit
def fill_cells(spans: Floats, step_x: float, step_y: float, r2: Floats, out: Floats) -> int:
    """Divide spans into cells of about one length and put a point at an irregular place into each.

    Parameters
    ----------
    spans : (n, 6) array
        Row, first and last x, lower and upper face, number of the section.
    step_x, step_y : float
        About the length of a cell, and its width.
    r2 : (2,) array
        Of an even sequence: its fractional parts are the places along the cell and across the faces.
    out : (m, 11) array
        Filled: the point, middle and edges of the cell, each x, y and height; the section; the cell's volume.

    Returns
    -------
    int
        How many cells there are; where ``out`` is shorter nothing is filled.
    """
    total = 0
    for k in range(len(spans)):
        total += max(1, int(np.rint((spans[k, 2] - spans[k, 1]) / step_x)))
    if total > len(out):
        return total
    at = 0
    for k in range(len(spans)):
        count = max(1, int(np.rint((spans[k, 2] - spans[k, 1]) / step_x)))
        edge = (spans[k, 2] - spans[k, 1]) / count
        for rank in range(count):
            cell = out[at]
            cell[3], cell[4] = spans[k, 1] + (rank + 0.5) * edge, spans[k, 0]
            cell[5] = 0.5 * (spans[k, 3] + spans[k, 4])
            cell[6], cell[7], cell[8] = edge, step_y, spans[k, 4] - spans[k, 3]
            cell[0] = cell[3] + ((k * r2[1]) % 1.0 - 0.5) * cell[6]
            cell[1] = cell[4]
            cell[2] = cell[5] + ((at * r2[0]) % 1.0 - 0.5) * cell[8]
            cell[9], cell[10] = spans[k, 5], cell[6] * cell[7] * cell[8]
            at += 1
    return total
