"""Sections of a structure: levels between planes, shifted to an area, and what rows cut out of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit, jit_inline
from hdrplan.kernels.areas import SMALL_SHIFT, area_of_squares, level_area, undecided_squares

__all__ = ["cells_inside", "layer_spans", "section_rows"]

Floats = npt.NDArray[np.float64]
Levels = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

_AREA_ERROR, _AREA_STEPS = 2e-4, 12
# A long line crosses this many squares of a raster for each of its pixels, on average over all directions: 4 / pi.
_CROSSED = 1.2732
# Fractional parts of its multiples fill the unit interval evenly.
_GOLDEN = 0.6180339887498949


@jit_inline
def _blend(below: Levels, above: Levels, way: Floats, window: Places, out: Levels) -> None:
    """Average two planes, each stretched and shifted along both axes (see :func:`section_rows`), in a window."""
    ny, nx = out.shape
    one, t = np.float32(1.0), np.float32(way[0])
    first, after = window[0], window[1] + 1
    # Slices begin at 0: only then is a loop over them compiled to take several pixels at once.
    if (way[1:9:2] == 1.0).all() and (way[2:10:2] == 0.0).all():
        for j in range(window[2], window[3] + 1):
            low, high, here = below[j, first:after], above[j, first:after], out[j, first:after]
            for i in range(len(here)):
                here[i] = (one - t) * low[i] + t * high[i]
        return
    column = np.empty((2, after - first), dtype=np.int32)
    beside = np.empty((2, after - first), dtype=np.float32)
    rows = np.empty((2, nx + 1), dtype=np.float32)
    last_y = min(1, ny - 1)
    for k in range(2):
        for i in range(after - first):
            x = min(max(way[1 + 4 * k] * (i + first) + way[2 + 4 * k], 0.0), nx - 1.0)
            column[k, i] = int(x)
            beside[k, i] = x - column[k, i]
    p, q, u, r = column[0], column[1], beside[0], beside[1]
    # Scales are positive: the columns between the first and the last one are all that is asked.
    p0, p1, q0, q1 = p[0], min(p[-1] + 2, nx), q[0], min(q[-1] + 2, nx)
    low_row, high_row = rows[0], rows[1]
    low_part, high_part = low_row[p0:p1], high_row[q0:q1]
    for j in range(window[2], window[3] + 1):
        y = min(max(way[3] * j + way[4], 0.0), ny - 1.0)
        z = min(max(way[7] * j + way[8], 0.0), ny - 1.0)
        row, other = min(int(y), max(ny - 2, 0)), min(int(z), max(ny - 2, 0))
        v, w = np.float32(y - row), np.float32(z - other)
        # Rows first: these run along the memory.
        here, there = below[row, p0:p1], below[row + last_y, p0:p1]
        for i in range(len(low_part)):
            low_part[i] = here[i] * (one - v) + there[i] * v
        here, there = above[other, q0:q1], above[other + last_y, q0:q1]
        for i in range(len(high_part)):
            high_part[i] = here[i] * (one - w) + there[i] * w
        low_row[nx], high_row[nx] = low_row[nx - 1], high_row[nx - 1]
        made = out[j, first:after]
        for i in range(len(made)):
            at, beyond = np.uint32(p[i]), np.uint32(q[i])
            low = low_row[at] * (one - u[i]) + low_row[at + np.uint32(1)] * u[i]
            high = high_row[beyond] * (one - r[i]) + high_row[beyond + np.uint32(1)] * r[i]
            made[i] = (one - t) * low + t * high


@jit_inline
def _shift_to(
    level: Levels,
    area: float,
    here: tuple[float, float],
    ends: tuple[float, float],
    box: Floats,
    window: Places,
    squares: tuple[npt.NDArray[np.int32], Levels],
    inside: int,
) -> float:
    """Where the area, falling with the shift, is the one asked for: by secants from 0; the nearer end if nowhere.

    ``here`` is the area at 0 and how much it changes a pixel.
    """
    low, high = ends
    before, over = 0.0, here[0] - area
    shift = min(max(over / here[1], low), high)
    for _ in range(_AREA_STEPS):
        if abs(shift) <= SMALL_SHIFT:
            missing = area_of_squares(squares[1], shift, box, squares[0], inside)[0] - area
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
    n_pixels = levels.shape[1] * levels.shape[2]
    squares, corners = np.empty((n_pixels, 2), dtype=np.int32), np.empty((n_pixels, 4), dtype=np.float32)
    state = np.empty(levels.shape[2], dtype=np.uint8)
    for k in range(first, last):
        way, window, level = ways[k], places[k, 2:], out[k]
        _blend(levels[places[k, 0]], levels[places[k, 1]], way, window, level)
        area, box = way[9], way[12:]
        shift[k] = 0.0
        inside, count = undecided_squares(level, box, window, state, squares, corners)
        some = squares[:count], corners[:count]
        at_zero, crossed = area_of_squares(some[1], 0.0, uncut, some[0], inside)
        if abs(at_zero - area) <= _AREA_ERROR * max(area, 1.0):
            continue
        # A section grows by its outline a pixel: at least that of a circle.
        here = at_zero, max(np.sqrt(4.0 * np.pi * max(area, 1.0)), crossed / _CROSSED)
        if at_zero > area:
            shift[k] = _shift_to(level, area, here, (0.0, way[11]), uncut, window, some, inside)
            continue
        grown = _shift_to(level, area, here, (way[10], 0.0), box, window, some, inside)
        if box[2] == np.inf:
            shift[k] = grown
            continue
        for j in range(window[2], window[3] + 1):
            row, within = level[j, window[0] : window[1] + 1], box[3] - abs(j - box[1])
            for i in range(len(row)):
                row[i] = min(row[i] - grown, min(box[2] - abs(i + window[0] - box[0]), within))


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
    marks = np.empty(nx + 1, dtype=np.uint8)
    count = 0
    for k in range(len(places)):
        if not slabs[k, 1] > slabs[k, 0]:
            continue
        level, x0, x1, y0, y1 = levels[places[k, 0]], places[k, 1], places[k, 2], places[k, 3], places[k, 4]
        start = (k * _GOLDEN) % 1.0 * step_y
        # A section reaches up to a pixel beyond those that lie in it.
        n = max(0, int(np.ceil((y0 - 1.0 - start) / step_y)))
        inside = marks[: x1 - x0 + 1]
        marks[x1 - x0 + 1] = 0
        while True:
            row = start + n * step_y
            n += 1
            if row >= ny - 1.0 or row > y1 + 1.0:
                break
            at = np.rint(row) if whole_rows else row
            j = min(max(int(at), 0), max(ny - 2, 0))
            v = at - j
            here, there = level[j, x0 : x1 + 1], level[min(j + 1, ny - 1), x0 : x1 + 1]
            left = 0
            for i in range(len(inside)):
                inside[i] = here[i] * (1.0 - v) + there[i] * v >= slabs[k, 2]
                left += inside[i]
            i = 0
            while left > 0:
                while inside[i] == 0:
                    i += 1
                begin = float(x0) if i == 0 else x0 + i - 1 + _crossing(here, there, i, v, slabs[k, 2])
                while marks[i] == 1:
                    i += 1
                    left -= 1
                if count < len(out):
                    span = out[count]
                    span[0], span[1], span[3], span[4], span[5] = row, begin, slabs[k, 0], slabs[k, 1], k
                    span[2] = x0 + i - 1.0 if i > x1 - x0 else x0 + i - 1 + _crossing(here, there, i, v, slabs[k, 2])
                count += 1
    return count


@jit_inline
def _crossing(here: Levels, there: Levels, i: int, v: float, shift: float) -> float:
    """Where between pixel ``i - 1`` and the next a row between two others crosses a level: 0 to 1."""
    before = here[i - 1] * (1.0 - v) + there[i - 1] * v - shift
    return float(before / (before - (here[i] * (1.0 - v) + there[i] * v - shift)))


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
