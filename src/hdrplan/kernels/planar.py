"""Distances from outlines in a plane, and what a row of such a field cuts out of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit

__all__ = ["blended", "fill_cells", "level_area", "near_feet", "points_at_least", "row_spans", "spread_feet"]

Floats = npt.NDArray[np.float64]


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
def spread_feet(feet: Floats) -> None:
    """Give every pixel the nearest of the points that its eight neighbours know.

    Two sweeps over the rows, each with one to the right and one to the left [1]_.

    Parameters
    ----------
    feet : (ny, nx, 3) array
        As in :func:`near_feet`; changed.

    References
    ----------
    .. [1] P.-E. Danielsson, "Euclidean distance mapping", Comput Graph Image Process 14, 227-248, 1980.
    """
    ny, nx, _ = feet.shape
    for sweep in range(2):
        step = 1 if sweep == 0 else -1
        for row in range(ny):
            j = row if step == 1 else ny - 1 - row
            before = j - step
            for way in range(2):
                side = 1 if way == 0 else -1
                for column in range(nx):
                    i = column if side == 1 else nx - 1 - column
                    for neighbour in range(4):
                        # The pixel beside, then the three of the row before.
                        y = j if neighbour == 0 else before
                        x = i - side if neighbour == 0 else i + neighbour - 2
                        if y < 0 or y >= ny or x < 0 or x >= nx or feet[y, x, 2] == np.inf:
                            continue
                        away = (i - feet[y, x, 0]) ** 2 + (j - feet[y, x, 1]) ** 2
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
def _between_pixels(level: npt.NDArray[np.float32], x: float, y: float) -> float:
    """Bilinear value; beyond the border, that of the border."""
    ny, nx = level.shape
    x, y = min(max(x, 0.0), nx - 1.0), min(max(y, 0.0), ny - 1.0)
    i, j = min(int(x), max(nx - 2, 0)), min(int(y), max(ny - 2, 0))
    i1, j1 = min(i + 1, nx - 1), min(j + 1, ny - 1)
    u, v = x - i, y - j
    low = level[j, i] * (1.0 - u) + level[j, i1] * u
    high = level[j1, i] * (1.0 - u) + level[j1, i1] * u
    return float(low * (1.0 - v) + high * v)


@jit
def blended(
    below: npt.NDArray[np.float32],
    above: npt.NDArray[np.float32],
    from_below: Floats,
    from_above: Floats,
    t: float,
    out: npt.NDArray[np.float32],
) -> None:
    """Average two levels, each stretched and shifted along both axes.

    Parameters
    ----------
    below, above : (ny, nx) arrays
    from_below, from_above : (4,) arrays
        Scale and offset in x, scale and offset in y: pixel (i, j) takes the value at ``scale * index + offset``.
    t : float
        Weight of ``above``, 0 to 1.
    out : (ny, nx) array
        Filled.
    """
    ny, nx = out.shape
    column = np.empty((2, nx), dtype=np.int64)
    beside = np.empty((2, nx))
    for i in range(nx):
        for k in range(2):
            along = from_below if k == 0 else from_above
            x = min(max(along[0] * i + along[1], 0.0), nx - 1.0)
            column[k, i] = min(int(x), max(nx - 2, 0))
            beside[k, i] = x - column[k, i]
    last_x, last_y = min(1, nx - 1), min(1, ny - 1)
    for j in range(ny):
        y = min(max(from_below[2] * j + from_below[3], 0.0), ny - 1.0)
        z = min(max(from_above[2] * j + from_above[3], 0.0), ny - 1.0)
        row, other = min(int(y), max(ny - 2, 0)), min(int(z), max(ny - 2, 0))
        v, w = y - row, z - other
        for i in range(nx):
            p, u = column[0, i], beside[0, i]
            first = below[row, p] * (1.0 - u) + below[row, p + last_x] * u
            second = below[row + last_y, p] * (1.0 - u) + below[row + last_y, p + last_x] * u
            low = first * (1.0 - v) + second * v
            p, u = column[1, i], beside[1, i]
            first = above[other, p] * (1.0 - u) + above[other, p + last_x] * u
            second = above[other + last_y, p] * (1.0 - u) + above[other + last_y, p + last_x] * u
            out[j, i] = (1.0 - t) * low + t * (first * (1.0 - w) + second * w)


@jit
def level_area(level: npt.NDArray[np.float32], shift: float, box: Floats) -> float:
    """Return the area, in pixels, inside a box where the level is at least ``shift``: two rows a pixel.

    Parameters
    ----------
    level : (ny, nx) array
        Linear between pixel centres; each is taken as no larger than its distance to the box, plus ``shift``.
    shift : float
    box : (4,) array
        Middle x, y and half of the width and height; infinite where nothing is cut.
    """
    ny, nx = level.shape
    total = 0.0
    for j in range(ny - 1):
        low = box[3] - abs(j - box[1])
        high = box[3] - abs(j + 1 - box[1])
        if low < 0.0 and high < 0.0:
            continue
        side = box[2] - abs(box[0])
        before_low, before_high = min(level[j, 0] - shift, low, side), min(level[j + 1, 0] - shift, high, side)
        for i in range(1, nx):
            side = box[2] - abs(i - box[0])
            here_low, here_high = min(level[j, i] - shift, low, side), min(level[j + 1, i] - shift, high, side)
            inside = int(before_low >= 0.0) + int(before_high >= 0.0) + int(here_low >= 0.0) + int(here_high >= 0.0)
            if inside == 4:
                total += 1.0
            elif inside > 0:
                for half in range(2):
                    v = 0.25 + 0.5 * half
                    a = before_low * (1.0 - v) + before_high * v
                    b = here_low * (1.0 - v) + here_high * v
                    if a >= 0.0 and b >= 0.0:
                        total += 0.5
                    elif a >= 0.0:
                        total += 0.5 * a / (a - b)
                    elif b >= 0.0:
                        total += 0.5 * b / (b - a)
            before_low, before_high = here_low, here_high
    return total


@jit
def points_at_least(level: npt.NDArray[np.float32], shift: float, points: Floats, out: npt.NDArray[np.bool_]) -> None:
    """Tell at which points the level, linear between pixel centres, is at least ``shift``.

    Parameters
    ----------
    level : (ny, nx) array
    shift : float
    points : (n, m) array
        x and y first, in pixels.
    out : (n,) bool array
        Filled.
    """
    for k in range(len(points)):
        out[k] = _between_pixels(level, points[k, 0], points[k, 1]) >= shift


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
    out : (m, 10) array
        Filled: middle, edges and offset of the point in edges (-0.5 to 0.5), each x, y and height; the section.

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
            out[at, 0] = spans[k, 1] + (rank + 0.5) * edge
            out[at, 1] = spans[k, 0]
            out[at, 2] = 0.5 * (spans[k, 3] + spans[k, 4])
            out[at, 3], out[at, 4], out[at, 5] = edge, step_y, spans[k, 4] - spans[k, 3]
            out[at, 6] = (k * r2[1]) % 1.0 - 0.5
            out[at, 7] = 0.0
            out[at, 8] = (at * r2[0]) % 1.0 - 0.5
            out[at, 9] = spans[k, 5]
            at += 1
    return total
