"""Distances from outlines in a plane, and what a row of such a field cuts out of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit, jit_inline

__all__ = ["fill_cells", "near_feet", "plane_level_rows", "row_spans", "spread_feet"]

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Feet = npt.NDArray[np.float32]
# Distances to the outline itself are measured this near to it, in pixels; farther away the nearest point is handed on.
_EXACT = 3.0
_ON_OUTLINE = 1e-6
_BLOCK = 16


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
        flips = np.zeros((y1 - y0 + 1, x1 - x0 + 1), dtype=np.uint8)
        segments = np.empty((corners[polygons[k + 1]] - corners[polygons[k]], 4))
        count = 0
        for loop in range(polygons[k], polygons[k + 1]):
            start, end = corners[loop], corners[loop + 1]
            for at in range(start, end):
                after = at + 1 if at + 1 < end else start
                side = segments[count]
                side[0], side[1] = points[at, 0] - x0, points[at, 1] - y0
                side[2], side[3] = points[after, 0] - x0, points[after, 1] - y0
                _mark_crossings(side, flips)
                count += surface[at]
        feet = np.full((3, flips.shape[0], flips.shape[1] + 2), np.float32(np.inf))
        near_feet(segments[:count], _EXACT, feet)
        spread_feet(feet)
        for j in range(flips.shape[0]):
            row, square, flip = levels[k, y0 + j, x0 : x1 + 1], feet[2, j, 1:-1], flips[j]
            inside = np.uint8(0)
            for i in range(len(flip)):
                inside ^= flip[i]
                flip[i] = inside
            for i in range(len(row)):
                away = max(np.sqrt(square[i]), np.float32(_ON_OUTLINE))
                row[i] = away if flip[i] == 1 else -away


@jit_inline
def _mark_crossings(side: Floats, flips: npt.NDArray[np.uint8]) -> None:
    """Flip the first pixel right of where a side crosses each row: all that follow change between outside and inside.

    As :func:`hdrplan.kernels.polygon.flip_inside`, whose rows are summed up later.
    """
    ny, nx = flips.shape
    x0, y0, x1, y1 = side[0], side[1], side[2], side[3]
    if y0 == y1:
        return
    if y0 > y1:
        # Upward, whichever way it is walked: a keyhole's two walks then cancel to the last bit.
        x0, y0, x1, y1 = x1, y1, x0, y0
    for y in range(max(0, int(np.ceil(y0))), ny):
        if y >= y1:
            break
        start = max(0, int(np.floor(x0 + (y - y0) * (x1 - x0) / (y1 - y0))) + 1)
        if start < nx:
            flips[y, start] ^= 1


@jit
def near_feet(segments: Floats, reach: float, feet: Feet) -> None:
    """Note for each pixel near an outline the point of the outline that is nearest to its centre.

    Parameters
    ----------
    segments : (n, 4) array
        x, y of the start and of the end, in pixels.
    reach : float
        Pixels farther from a segment than this, along x or y, are not asked; in pixels.
    feet : (3, ny, nx + 2) array
        x, y of the nearest point and the square of its distance (infinite where none is known yet); changed. A column
        before the first pixel and one after the last hold none.
    """
    _, ny, nx = feet.shape
    nx -= 2
    for k in range(len(segments)):
        x0, y0, x1, y1 = segments[k, 0], segments[k, 1], segments[k, 2], segments[k, 3]
        dx, dy = x1 - x0, y1 - y0
        squared = dx * dx + dy * dy
        per_square = 1.0 / squared if squared > 0.0 else 0.0
        first = max(0, int(min(x0, x1) - reach))
        after = max(first, min(nx - 1, int(max(x0, x1) + reach) + 1) + 1)
        for j in range(max(0, int(min(y0, y1) - reach)), min(ny - 1, int(max(y0, y1) + reach) + 1) + 1):
            # Slices begin at 0: only then is a loop over them compiled to take several pixels at once.
            foot_x, foot_y, square = (
                feet[0, j, first + 1 : after + 1],
                feet[1, j, first + 1 : after + 1],
                feet[2, j, first + 1 : after + 1],
            )
            for i in range(len(square)):
                across, along = i + first - x0, j - y0
                t = min(max((across * dx + along * dy) * per_square, 0.0), 1.0)
                off_x, off_y = t * dx - across, t * dy - along
                away = np.float32(off_x * off_x + off_y * off_y)
                nearer = away < square[i]
                foot_x[i] = np.float32(x0 + t * dx) if nearer else foot_x[i]
                foot_y[i] = np.float32(y0 + t * dy) if nearer else foot_y[i]
                square[i] = away if nearer else square[i]


@jit
def spread_feet(feet: Feet) -> None:
    """Give every pixel the square of the distance to the nearest of the points that its eight neighbours know.

    Down, up, and with rows and columns exchanged to the right and to the left, each row from the three nearest pixels
    of the row before: in the manner of [1]_, in sweeps whose pixels do not wait for each other.

    Parameters
    ----------
    feet : (3, ny, nx + 2) array
        As in :func:`near_feet`; the squares become final, the points are used up.

    References
    ----------
    .. [1] P.-E. Danielsson, "Euclidean distance mapping", Comput Graph Image Process 14, 227-248, 1980.
    """
    _, ny, nx = feet.shape
    nx -= 2
    _sweep(feet, 1)
    _sweep(feet, -1)
    turned = np.full((3, nx, ny + 2), np.float32(np.inf))
    _exchange(feet[0, :, 1:-1], turned[1, :, 1:-1])
    _exchange(feet[1, :, 1:-1], turned[0, :, 1:-1])
    _exchange(feet[2, :, 1:-1], turned[2, :, 1:-1])
    _sweep(turned, 1)
    _sweep(turned, -1)
    _exchange(turned[2, :, 1:-1], feet[2, :, 1:-1])


@jit
def _sweep(feet: Feet, step: int) -> None:
    """Hand the points of each row on to the next one, straight and across."""
    _, ny, nx = feet.shape
    for rank in range(1, ny):
        j = rank if step == 1 else ny - 1 - rank
        own_x, own_y, own = feet[0, j, 1:-1], feet[1, j, 1:-1], feet[2, j, 1:-1]
        x, y = feet[0, j - step], feet[1, j - step]
        x0, x1, x2 = x[: nx - 2], x[1 : nx - 1], x[2:]
        y0, y1, y2 = y[: nx - 2], y[1 : nx - 1], y[2:]
        row = np.float32(j)
        for i in range(len(own)):
            at = np.float32(i)
            best_x, best_y, best = own_x[i], own_y[i], own[i]
            away = (at - x0[i]) * (at - x0[i]) + (row - y0[i]) * (row - y0[i])
            nearer = away < best
            best_x, best_y, best = x0[i] if nearer else best_x, y0[i] if nearer else best_y, away if nearer else best
            away = (at - x1[i]) * (at - x1[i]) + (row - y1[i]) * (row - y1[i])
            nearer = away < best
            best_x, best_y, best = x1[i] if nearer else best_x, y1[i] if nearer else best_y, away if nearer else best
            away = (at - x2[i]) * (at - x2[i]) + (row - y2[i]) * (row - y2[i])
            nearer = away < best
            own_x[i], own_y[i] = x2[i] if nearer else best_x, y2[i] if nearer else best_y
            own[i] = away if nearer else best


@jit
def _exchange(given: npt.NDArray[np.float32], out: npt.NDArray[np.float32]) -> None:
    """Exchange rows and columns, in blocks that the nearest cache holds."""
    ny, nx = given.shape
    for j0 in range(0, ny, _BLOCK):
        for i0 in range(0, nx, _BLOCK):
            for i in range(i0, min(i0 + _BLOCK, nx)):
                for j in range(j0, min(j0 + _BLOCK, ny)):
                    out[i, j] = given[j, i]


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
