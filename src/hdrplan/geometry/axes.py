"""Source axes at given dwell positions from the path of their channel."""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import FloatArray

__all__ = ["axes_from_path", "off_path_mm", "path_error_deg", "path_tip_first"]


def _unit(vectors: FloatArray) -> FloatArray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-9))


def _along(path_mm: FloatArray, points_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Path length at the foot of each point, and the point's distance from the path."""
    start, step = path_mm[:-1], np.diff(path_mm, axis=0)
    square = (step**2).sum(axis=1)
    fraction = ((points_mm[:, None, :] - start) * step).sum(axis=2) / np.where(square > 0, square, 1.0)
    fraction = np.clip(fraction, 0.0, 1.0)
    distance = np.linalg.norm(points_mm[:, None, :] - (start + fraction[..., None] * step), axis=2)
    best = distance.argmin(axis=1)
    rows = np.arange(len(points_mm))
    length = np.sqrt(square)
    before = np.concatenate(([0.0], np.cumsum(length)))
    return before[best] + fraction[rows, best] * length[best], distance[rows, best]


def path_tip_first(path_mm: FloatArray, positions_mm: FloatArray, relative_mm: FloatArray) -> FloatArray | None:
    """Return the path ordered from the tip, judged by the distances of dwells from the tip; None where it is unclear.

    Vendors draw channels either way round. The right end is the one from which the path length to the dwells fits
    ``relative_mm`` up to a constant: with several dwells by its slope, with one by its size.

    Parameters
    ----------
    path_mm : (m, 3) array
        Of the channel, either way round.
    positions_mm : (n, 3) array
        Dwells.
    relative_mm : (n,) array
        Their distances from the tip along the channel.
    """
    forward, off = _along(path_mm, positions_mm)
    total = float(np.linalg.norm(np.diff(path_mm, axis=0), axis=1).sum())
    if off.max() > 5.0 or total < 1e-6:
        return None
    if np.ptp(relative_mm) > 1.0:
        slope = float(((forward - forward.mean()) * (relative_mm - relative_mm.mean())).sum())
        return None if abs(slope) < 1e-9 else path_mm if slope > 0 else path_mm[::-1].copy()
    here, there = abs(float((forward - relative_mm).mean())), abs(float((total - forward - relative_mm).mean()))
    # A third of the path is as clear as one dwell can say it.
    if abs(here - there) < total / 3:
        return None
    return path_mm if here < there else path_mm[::-1].copy()


def axes_from_path(path_mm: FloatArray, positions_mm: FloatArray, half_mm: float = 2.5) -> FloatArray:
    """Return unit vectors toward the path's first point: the chord over ``half_mm`` of path to either side.

    Parameters
    ----------
    path_mm : (m, 3) array
        Tip first.
    positions_mm : (n, 3) array
    half_mm : float
        About half the active length: the source is straight.
    """
    at, _ = _along(path_mm, positions_mm)
    return _chords(path_mm, at, half_mm)


def path_error_deg(path_mm: FloatArray, positions_mm: FloatArray, half_mm: float = 2.5) -> FloatArray:
    """Return how far the axes of :func:`axes_from_path` may be off where a path is drawn with few points.

    Where a bend lies between two vertices is open: tangents of the parabolas through three vertices, even between
    them, tell another axis.

    Parameters
    ----------
    path_mm : (m, 3) array
        Tip first.
    positions_mm : (n, 3) array
    half_mm : float
        As there.
    """
    apart = np.linalg.norm(np.diff(path_mm, axis=0), axis=1) > 1e-9
    path_mm = path_mm[np.concatenate(([True], apart))]
    before = _lengths_mm(path_mm)
    pieces = np.diff(before)
    directions = -np.diff(path_mm, axis=0) / pieces[:, None]
    weights = pieces[1:, None], pieces[:-1, None]
    inner = (weights[0] * directions[:-1] + weights[1] * directions[1:]) / (weights[0] + weights[1])
    tangents = np.vstack((directions[:1], inner, directions[-1:]))
    for end, next_ in ((0, 1), (-1, -2)) if len(pieces) > 1 else ():
        # The parabola goes on to the ends; a bend drawn by short pieces does not reach into a long one.
        share = min(pieces[end], pieces[next_]) / (pieces[end] + pieces[next_])
        tangents[end] += share * (directions[end] - directions[next_])
    at, _ = _along(path_mm, positions_mm)
    smooth = _unit(np.column_stack([np.interp(at, before, tangents[:, k]) for k in range(3)]))
    near = _chords(path_mm, at, half_mm)
    return np.asarray(np.degrees(np.arccos(np.clip((near * smooth).sum(axis=1), -1.0, 1.0))))


def _lengths_mm(path_mm: FloatArray) -> FloatArray:
    return np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(path_mm, axis=0), axis=1))))


def _chords(path_mm: FloatArray, at: FloatArray, half_mm: float) -> FloatArray:
    before = _lengths_mm(path_mm)

    def point(length: FloatArray) -> FloatArray:
        return np.column_stack([np.interp(length, before, path_mm[:, k]) for k in range(3)])

    return _unit(point(at - half_mm) - point(at + half_mm))


def off_path_mm(path_mm: FloatArray, points_mm: FloatArray) -> float:
    """Return the largest distance of points from a polyline, mm.

    Parameters
    ----------
    path_mm : (m, 3) array
        At least two points.
    points_mm : (n, 3) array
    """
    return float(_along(path_mm, points_mm)[1].max())
