"""What corners say of the level of a shape in a whole box: itself within one cell, a plane above it in larger boxes."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit
from hdrplan.kernels.trilinear import trilinear

__all__ = ["corner_level_rows", "lowest_inside_rows"]

Floats = npt.NDArray[np.float64]
Level = npt.NDArray[np.float32]
Cells = tuple[int, int, int, int, int, int]

# A plane lies this much (mm) above what rounding makes of it.
_ROUNDING_MM = 1e-9
# Steps towards the best multiplier; it is found after three or four.
_MOST_STEPS = 12


@jit
def _corner(level_zyx: Level, i: int, j: int, k: int) -> float:
    """Level at a voxel centre; beyond the grid that of its border."""
    nz, ny, nx = level_zyx.shape
    return float(level_zyx[min(k, nz - 1), min(j, ny - 1), min(i, nx - 1)])


@jit
def _range(level_zyx: Level, i: int, j: int, k: int) -> tuple[float, float]:
    """Lowest and highest level in a cell."""
    lowest, highest = math.inf, -math.inf
    for c in range(8):
        value = _corner(level_zyx, i + (c >> 2), j + ((c >> 1) & 1), k + (c & 1))
        lowest, highest = min(lowest, value), max(highest, value)
    return lowest, highest


@jit
def _mean_slope(level_zyx: Level, cells: Cells) -> tuple[float, float, float, float]:
    """Mean slopes along x, y, z of the cells that the surface cuts, and the highest level of all cells."""
    x, y, z, count, top = 0.0, 0.0, 0.0, 0, -math.inf
    for i in range(cells[0], cells[3]):
        for j in range(cells[1], cells[4]):
            for k in range(cells[2], cells[5]):
                lowest, highest = _range(level_zyx, i, j, k)
                top = max(top, highest)
                if lowest >= 0.0 or highest < 0.0:
                    continue
                count += 1
                for c in range(8):
                    value = 0.25 * _corner(level_zyx, i + (c >> 2), j + ((c >> 1) & 1), k + (c & 1))
                    x += value if c >> 2 else -value
                    y += value if (c >> 1) & 1 else -value
                    z += value if c & 1 else -value
    count = max(count, 1)
    return x / count, y / count, z / count, top


@jit
def _height(level_zyx: Level, cells: Cells, x: float, y: float, z: float) -> float:
    """How high a plane of these slopes must lie at index 0, 0, 0 to be nowhere below the level, where that is inside.

    In a cell the level is multilinear and the plane too: their difference is largest at a corner. Cells that lie
    outside do not matter.
    """
    height = -math.inf
    for i in range(cells[0], cells[3]):
        for j in range(cells[1], cells[4]):
            for k in range(cells[2], cells[5]):
                if _range(level_zyx, i, j, k)[1] < 0.0:
                    continue
                for c in range(8):
                    ci, cj, ck = i + (c >> 2), j + ((c >> 1) & 1), k + (c & 1)
                    height = max(height, _corner(level_zyx, ci, cj, ck) - x * ci - y * cj - z * ck)
    return height


@jit
def corner_level_rows(first: int, last: int, level_zyx: Level, low: Floats, size: Floats, out: Floats) -> None:
    """Levels at the corners of boxes ``first:last``: at each point of the shape in the box their interpolation is >= 0.

    A box within one cell has the level itself, which is multilinear there. A larger box has a plane that is not below
    the level wherever that is inside. Boxes that hold no point of the shape have a level below 0 at every corner.

    Parameters
    ----------
    first, last : int
    level_zyx : (nz, ny, nx) float32 array
    low, size : (n, 3) array
        Lower corners and sizes in grid indices.
    out : (n, 8) array
        Written: corners with x slowest and z fastest.
    """
    for b in range(first, last):
        x, y, z = low[b, 0], low[b, 1], low[b, 2]
        dx, dy, dz = size[b, 0], size[b, 1], size[b, 2]
        if max(dx, dy, dz) <= 1.0:
            for c in range(8):
                out[b, c] = trilinear(level_zyx, x + (c >> 2) * dx, y + ((c >> 1) & 1) * dy, z + (c & 1) * dz)
            continue
        ends = math.ceil(x + dx), math.ceil(y + dy), math.ceil(z + dz)
        cells = int(x), int(y), int(z), ends[0], ends[1], ends[2]
        sx, sy, sz, top = _mean_slope(level_zyx, cells)
        if top < 0.0:
            out[b] = top
            continue
        height = _height(level_zyx, cells, sx, sy, sz) + _ROUNDING_MM
        for c in range(8):
            out[b, c] = height + sx * (x + (c >> 2) * dx) + sy * (y + ((c >> 1) & 1) * dy) + sz * (z + (c & 1) * dz)


@jit
def _lowest(rise: Floats, level: Floats, b: int, w: float) -> tuple[float, int]:
    """Lowest of rise - w level over the corners of box b, and that corner."""
    lowest, at = math.inf, 0
    for c in range(8):
        value = rise[b, c] - w * level[b, c]
        if value < lowest:
            lowest, at = value, c
    return lowest, at


@jit
def lowest_inside_rows(first: int, last: int, rise: Floats, level: Floats, out: Floats) -> None:
    """Bound, in boxes ``first:last``, how far a linear dose falls from the middle of the box where the level is >= 0.

    With any w >= 0 it falls no lower there than the lowest corner of rise - w level. That is concave in w, of
    straight pieces, one a corner: two of them, one rising and one falling, meet ever nearer to its highest value.

    Parameters
    ----------
    first, last : int
    rise, level : (n, 8) arrays
        Rise of the dose from the middle to each corner, Gy; level at each corner.
    out : (n,) array
        Written: Gy.
    """
    for b in range(first, last):
        best, left = _lowest(rise, level, b, 0.0)
        right = 0
        for c in range(1, 8):
            if level[b, c] > level[b, right]:
                right = c
        step = 0
        while step < _MOST_STEPS and level[b, left] < 0.0 <= level[b, right]:
            step += 1
            w = (rise[b, right] - rise[b, left]) / (level[b, right] - level[b, left])
            lowest, at = _lowest(rise, level, b, w)
            best = max(best, lowest)
            if at in (left, right):
                break
            if level[b, at] < 0.0:
                left = at
            else:
                right = at
        out[b] = best
