"""Closed polygons end to end in one array: what is asked of hundreds of contours is computed for all at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from hdrplan.arrays import FloatArray, IntArray

__all__ = ["Loop", "end_to_end", "loop_areas", "without_copies"]

# Points, and their lowest and highest coordinates.
Loop: TypeAlias = tuple[FloatArray, FloatArray]


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


def without_copies(loops: list[Loop]) -> list[Loop]:
    """Return polygons, each once, wherever a copy begins and whichever way it runs.

    What lies inside an odd number of contours is inside: a copy would cut its twin out.

    Parameters
    ----------
    loops : list of (points, extent)
        In planes, or in space.
    """
    # A copy reaches as far as its twin.
    if len(loops) == 1 or len({(extent.round(3) + 0.0).tobytes() for _, extent in loops}) == len(loops):
        return loops
    kept: dict[bytes, Loop] = {}
    for loop in loops:
        points = np.unique(loop[0].round(3) + 0.0, axis=0)
        kept.setdefault(points.tobytes(), loop)
    return list(kept.values())
