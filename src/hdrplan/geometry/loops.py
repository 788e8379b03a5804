"""Closed polygons end to end in one array: what is asked of hundreds of contours is computed for all at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hdrplan.arrays import FloatArray, IntArray

__all__ = ["end_to_end", "loop_areas"]


def end_to_end(loops: Sequence[FloatArray]) -> tuple[FloatArray, IntArray, IntArray]:
    """Join polygons to one list of points.

    Parameters
    ----------
    loops : sequence of (n, d) arrays
        None is empty.

    Returns
    -------
    points : (m, d) array
    start : (loops,) array
        Row of the first point of each polygon.
    after : (m,) array
        Row of the point that follows each point on its polygon.
    """
    count = np.array([len(loop) for loop in loops], dtype=np.int64)
    end = np.cumsum(count)
    start = end - count
    after = np.arange(1, end[-1] + 1)
    after[end - 1] = start
    return np.concatenate(loops), start, after


def loop_areas(points: FloatArray, start: IntArray, after: IntArray) -> FloatArray:
    """Return the area that each polygon encloses, as if it lay in the plane of x and y.

    Parameters
    ----------
    points, start, after
        As :func:`end_to_end` returns them.

    Returns
    -------
    (n_polygons,) array
    """
    x, y = (points[:, :2] - np.repeat(points[start, :2], np.diff(start, append=len(points)), axis=0)).T
    return np.asarray(0.5 * np.abs(np.add.reduceat(x * y[after] - x[after] * y, start)))
