"""Sections of a structure: levels between planes, shifted to an area, and what rows cut out of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit, jit_inline

__all__ = ["cells_inside", "layer_spans", "level_area", "section_rows"]

Floats = npt.NDArray[np.float64]
Levels = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

_AREA_ERROR, _AREA_STEPS = 2e-4, 12
# Shifts up to this are found among few squares, larger ones among all; in pixels.
_SMALL_SHIFT = 1.0
# Fractional parts of its multiples fill the unit interval evenly.
_GOLDEN = 0.6180339887498949


@jit
def level_area(level: Levels, shift: float, box: Floats, window: Places) -> float:
    """Return the area, in pixels, inside a box where the level is at least ``shift``.

    Parameters
    ----------
    level : (ny, nx) array
        Linear in triangles of pixel centres, the mean of both ways to divide a square; each is taken as no larger than
        its distance to the box, plus ``shift``.
    shift : float
    box : (4,) array
        Middle x, y and half of the width and height; infinite where nothing is cut.
    window : (4,) array
        First and last x, first and last y of the pixels that are asked; it holds all of the section.
    """
    total = 0.0
    uncut = box[2] == np.inf
    for j in range(window[2], window[3]):
        low = box[3] - abs(j - box[1])
        high = box[3] - abs(j + 1 - box[1])
        if low < 0.0 and high < 0.0:
            continue
        before_low, before_high = level[j, window[0]] - shift, level[j + 1, window[0]] - shift
        if not uncut:
            side = box[2] - abs(window[0] - box[0])
            before_low, before_high = min(before_low, low, side), min(before_high, high, side)
        for i in range(window[0] + 1, window[1] + 1):
            here_low, here_high = level[j, i] - shift, level[j + 1, i] - shift
            if not uncut:
                side = box[2] - abs(i - box[0])
                here_low, here_high = min(here_low, low, side), min(here_high, high, side)
            if min(before_low, before_high, here_low, here_high) >= 0.0:
                total += 1.0
            elif max(before_low, before_high, here_low, here_high) >= 0.0:
                total += _square(before_low, before_high, here_low, here_high)
            before_low, before_high = here_low, here_high
    return total


@jit_inline
def _square(before_low: float, before_high: float, here_low: float, here_high: float) -> float:
    """Fraction of a square of pixel centres that is inside, the mean of both ways to divide it."""
    total = 0.25 * (_held(before_low, here_low, before_high) + _held(here_low, before_high, here_high))
    return total + 0.25 * (_held(before_low, here_low, here_high) + _held(before_low, before_high, here_high))


@jit_inline
def _undecided(level: Levels, box: Floats, window: Places, out: npt.NDArray[np.int32]) -> tuple[int, int]:
    """Count the squares that are inside for every small shift, and note those that are not always so or never."""
    uncut = box[2] == np.inf
    inside = count = 0
    for j in range(window[2], window[3]):
        within_row = uncut or (box[3] >= abs(j - box[1]) and box[3] >= abs(j + 1 - box[1]))
        for i in range(window[0], window[1]):
            corners = (level[j, i], level[j, i + 1], level[j + 1, i], level[j + 1, i + 1])
            if max(max(corners[0], corners[1]), max(corners[2], corners[3])) < -_SMALL_SHIFT:
                continue
            smallest = min(min(corners[0], corners[1]), min(corners[2], corners[3]))
            within = within_row and (uncut or (box[2] >= abs(i - box[0]) and box[2] >= abs(i + 1 - box[0])))
            if within and smallest >= _SMALL_SHIFT:
                inside += 1
            else:
                out[count, 0], out[count, 1] = j, i
                count += 1
    return inside, count


@jit_inline
def _area_of(level: Levels, shift: float, box: Floats, squares: npt.NDArray[np.int32], inside: int) -> float:
    """As :func:`level_area`, where only some squares are asked."""
    total = float(inside)
    uncut = box[2] == np.inf
    for k in range(len(squares)):
        j, i = squares[k, 0], squares[k, 1]
        before_low, before_high = level[j, i] - shift, level[j + 1, i] - shift
        here_low, here_high = level[j, i + 1] - shift, level[j + 1, i + 1] - shift
        if not uncut:
            low, high = box[3] - abs(j - box[1]), box[3] - abs(j + 1 - box[1])
            before, here = box[2] - abs(i - box[0]), box[2] - abs(i + 1 - box[0])
            before_low, before_high = min(before_low, low, before), min(before_high, high, before)
            here_low, here_high = min(here_low, low, here), min(here_high, high, here)
        if min(min(before_low, before_high), min(here_low, here_high)) >= 0.0:
            total += 1.0
        elif max(max(before_low, before_high), max(here_low, here_high)) >= 0.0:
            total += _square(before_low, before_high, here_low, here_high)
    return total


@jit_inline
def _held(a: float, b: float, c: float) -> float:
    """Fraction of a triangle in which the plane through its corners' values is not negative."""
    negative = int(a < 0.0) + int(b < 0.0) + int(c < 0.0)
    if negative == 0:
        return 1.0
    if negative == 3:
        return 0.0
    # The corner that lies alone on its side.
    alone, other, third = a, b, c
    if (a < 0.0) == (c < 0.0):
        alone, other, third = b, a, c
    elif (a < 0.0) == (b < 0.0):
        alone, other, third = c, a, b
    cut = alone * alone / ((alone - other) * (alone - third))
    return 1.0 - cut if negative == 1 else cut


@jit_inline
def _blend(below: Levels, above: Levels, way: Floats, window: Places, out: Levels) -> None:
    """Average two planes, each stretched and shifted along both axes (see :func:`section_rows`), in a window."""
    ny, nx = out.shape
    if (way[1:9:2] == 1.0).all() and (way[2:10:2] == 0.0).all():
        for j in range(window[2], window[3] + 1):
            for i in range(window[0], window[1] + 1):
                out[j, i] = np.float32(1.0 - way[0]) * below[j, i] + np.float32(way[0]) * above[j, i]
        return
    column = np.empty((2, nx), dtype=np.int64)
    beside = np.empty((2, nx), dtype=np.float32)
    rows = np.empty((2, nx + 1), dtype=np.float32)
    one, t = np.float32(1.0), np.float32(way[0])
    last_y = min(1, ny - 1)
    for k in range(2):
        for i in range(window[0], window[1] + 1):
            x = min(max(way[1 + 4 * k] * i + way[2 + 4 * k], 0.0), nx - 1.0)
            column[k, i] = int(x)
            beside[k, i] = x - column[k, i]
    for j in range(window[2], window[3] + 1):
        y = min(max(way[3] * j + way[4], 0.0), ny - 1.0)
        z = min(max(way[7] * j + way[8], 0.0), ny - 1.0)
        row, other = min(int(y), max(ny - 2, 0)), min(int(z), max(ny - 2, 0))
        v, w = np.float32(y - row), np.float32(z - other)
        # Rows first: these run along the memory.
        for i in range(nx):
            rows[0, i] = below[row, i] * (one - v) + below[row + last_y, i] * v
            rows[1, i] = above[other, i] * (one - w) + above[other + last_y, i] * w
        rows[0, nx], rows[1, nx] = rows[0, nx - 1], rows[1, nx - 1]
        for i in range(window[0], window[1] + 1):
            p, u = column[0, i], beside[0, i]
            q, r = column[1, i], beside[1, i]
            low = rows[0, p] * (one - u) + rows[0, p + 1] * u
            high = rows[1, q] * (one - r) + rows[1, q + 1] * r
            out[j, i] = (one - t) * low + t * high


@jit_inline
def _shift_to(
    level: Levels,
    area: float,
    here: float,
    ends: tuple[float, float],
    box: Floats,
    window: Places,
    squares: npt.NDArray[np.int32],
    inside: int,
) -> float:
    """Where the area, falling with the shift, is the one asked for: by secants from 0; the nearer end if nowhere."""
    low, high = ends
    before, over = 0.0, here - area
    # A section grows by about its outline a pixel: that of a circle.
    shift = min(max(over / np.sqrt(4.0 * np.pi * max(area, 1.0)), low), high)
    for _ in range(_AREA_STEPS):
        if abs(shift) <= _SMALL_SHIFT:
            missing = _area_of(level, shift, box, squares, inside) - area
        else:
            missing = level_area(level, shift, box, window) - area
        if abs(missing) <= _AREA_ERROR * max(area, 1.0) or missing == over:
            break
        following = min(max(shift - missing * (shift - before) / (missing - over), low), high)
        before, over, shift = shift, missing, following
        if shift == before:
            break
    return float(shift)


@jit
def section_rows(
    first: int, last: int, levels: Levels, places: Places, ways: Floats, out: Levels, shift: Floats
) -> None:
    """Make sections ``first:last``: the average of two planes, stretched, and shifted to an area.

    Parameters
    ----------
    first, last : int
    levels : (m, ny, nx) array
        Of the planes.
    places : (n, 6) array
        The two planes of a section; first and last x, first and last y of the pixels that it may lie in.
    ways : (n, 16) array
        Weight of the second plane, 0 to 1; for each plane scale and offset in x, scale and offset in y (pixel (i, j)
        takes the value at ``scale * index + offset``); the area in pixels, minimum and maximum of the shift; middle x
        and y, half of the width and height of the box in which a section may grow, infinite where it may anywhere.
    out : (n, ny, nx) array
        Levels of the sections, filled in their windows.
    shift : (n,) array
        The section is where the level is at least this.
    """
    uncut = np.array([0.0, 0.0, np.inf, np.inf])
    squares = np.empty((levels.shape[1] * levels.shape[2], 2), dtype=np.int32)
    for k in range(first, last):
        way, window, level = ways[k], places[k, 2:], out[k]
        _blend(levels[places[k, 0]], levels[places[k, 1]], way, window, level)
        area, box = way[9], way[12:]
        shift[k] = 0.0
        inside, count = _undecided(level, box, window, squares)
        some = squares[:count]
        here = _area_of(level, 0.0, uncut, some, inside)
        if abs(here - area) <= _AREA_ERROR * max(area, 1.0):
            continue
        if here > area:
            shift[k] = _shift_to(level, area, here, (0.0, way[11]), uncut, window, some, inside)
            continue
        grown = _shift_to(level, area, here, (way[10], 0.0), box, window, some, inside)
        if box[2] == np.inf:
            shift[k] = grown
            continue
        for j in range(window[2], window[3] + 1):
            for i in range(window[0], window[1] + 1):
                rim = min(box[2] - abs(i - box[0]), box[3] - abs(j - box[1]))
                level[j, i] = min(level[j, i] - grown, rim)


@jit
def layer_spans(levels: Levels, places: Places, slabs: Floats, step_y: float, whole_rows: bool, out: Floats) -> int:
    """Find what rows cut out of the sections of layers.

    Parameters
    ----------
    levels : (m, ny, nx) array
    places : (n, 5) array
        Number of a layer's level; first and last x, first and last y of the pixels that its section lies in.
    slabs : (n, 3) array
        Lower and upper face, and the shift: the section is where the level is at least this.
    step_y : float
        Distance of rows, in pixels.
    whole_rows : bool
        Sections change from row to row of pixels and not between.
    out : (s, 6) array
        Filled: row, first and last x, lower and upper face, number of the layer.

    Returns
    -------
    int
        How many spans there are; where ``out`` is shorter only the first ones are filled.
    """
    _, ny, nx = levels.shape
    values = np.empty(nx + 1)
    count = 0
    for k in range(len(places)):
        if not slabs[k, 1] > slabs[k, 0]:
            continue
        level, x0, x1, y0, y1 = levels[places[k, 0]], places[k, 1], places[k, 2], places[k, 3], places[k, 4]
        start = (k * _GOLDEN) % 1.0 * step_y
        n = max(0, int(np.ceil((y0 - start) / step_y - 1.0)))
        while True:
            row = start + n * step_y
            n += 1
            if row >= ny - 1.0 or row > y1 + 1.0:
                break
            at = np.rint(row) if whole_rows else row
            j = min(max(int(at), 0), max(ny - 2, 0))
            upper, v = min(j + 1, ny - 1), at - j
            for i in range(x0, x1 + 1):
                values[i] = level[j, i] * (1.0 - v) + level[upper, i] * v - slabs[k, 2]
            values[x1 + 1] = -1.0
            before, begin = values[x0], float(x0)
            for i in range(x0 + 1, x1 + 2):
                here = values[i]
                if before < 0.0 <= here:
                    begin = i - here / (here - before)
                elif here < 0.0 <= before:
                    if count < len(out):
                        span = out[count]
                        span[0], span[1], span[3], span[4], span[5] = row, begin, slabs[k, 0], slabs[k, 1], k
                        span[2] = i - 1 + before / (before - here) if i <= x1 else float(x1)
                    count += 1
                before = here
    return count


@jit
def cells_inside(
    levels: Levels,
    which: Places,
    shift: Floats,
    layer: Places,
    at: Floats,
    whole_rows: bool,
    out: npt.NDArray[np.bool_],
) -> None:
    """Tell which points lie in the sections of their layers.

    Parameters
    ----------
    levels : (m, ny, nx) array
        Linear between pixel centres.
    which : (n,) array
        Number of a layer's level.
    shift : (n,) array
        Its section is where the level is at least this.
    layer : (c,) array
    at : (c, p, 3) array
        x and y first, in pixels: the points of each of ``c`` cells.
    whole_rows : bool
        Sections change from row to row of pixels and not between.
    out : (c, p) array
        Filled.
    """
    _, ny, nx = levels.shape
    for c in range(len(layer)):
        level, least = levels[which[layer[c]]], shift[layer[c]]
        for p in range(at.shape[1]):
            x = min(max(at[c, p, 0], 0.0), nx - 1.0)
            y = min(max(np.rint(at[c, p, 1]) if whole_rows else at[c, p, 1], 0.0), ny - 1.0)
            i, j = min(int(x), max(nx - 2, 0)), min(int(y), max(ny - 2, 0))
            i1, j1 = min(i + 1, nx - 1), min(j + 1, ny - 1)
            u, v = x - i, y - j
            low = level[j, i] * (1.0 - u) + level[j, i1] * u
            high = level[j1, i] * (1.0 - u) + level[j1, i1] * u
            out[c, p] = low * (1.0 - v) + high * v >= least
