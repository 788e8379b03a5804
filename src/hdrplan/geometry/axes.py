"""Source axes at given dwell positions: from the channel's path first, from neighbouring dwells second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray

__all__ = ["NeighbourAxes", "axes_from_neighbours", "axes_from_path", "off_path_mm", "path_tip_first"]


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
    before = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(path_mm, axis=0), axis=1))))

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


@dataclass(frozen=True, slots=True, eq=False)
class NeighbourAxes:
    """Source axes estimated from neighbouring dwells.

    Parameters
    ----------
    axes : (n, 3) array
        Unit vectors toward the tip; zero rows for a single dwell.
    error_deg : (n,) array
        Estimated uncertainty; NaN for a single dwell.
    """

    axes: FloatArray
    error_deg: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Segment:
    """From one dwell to the next: its direction toward the tip, its lengths along the channel and as a chord."""

    axis: FloatArray
    along_mm: float
    chord_mm: float
    is_gap: bool

    @property
    def deflection_deg(self) -> float:
        """Angle between chord and tangent at its ends, if it is an arc: angle / sin(angle) is arc over chord."""
        ratio = self.along_mm / self.chord_mm
        angles = np.linspace(1e-6, np.pi / 2, 2000)
        return float(np.degrees(np.interp(ratio, angles / np.sin(angles), angles, left=0.0)))


def axes_from_neighbours(positions_mm: FloatArray, relative_mm: FloatArray) -> NeighbourAxes:
    """Return source axes from the neighbours along the channel: the tangent of the parabola through three dwells.

    Neighbours across a gap in the dwells tell nothing about the direction of a curved channel. Beside a gap, and at
    the ends, the parabola of the two nearest neighbours on the other side is continued; the uncertainty there is half
    the angle between their chords.

    Parameters
    ----------
    positions_mm : (n, 3) array
    relative_mm : (n,) array
        Distances from the tip along the channel.

    Returns
    -------
    NeighbourAxes
    """
    at, first, inverse = np.unique(np.round(relative_mm, 6), return_index=True, return_inverse=True)
    points = positions_mm[first]
    segments = _segments(points, at)
    axes, error_deg = np.zeros_like(points), np.full(len(points), np.nan)
    for k in range(len(points) if segments else 0):
        before = segments[k - 1] if k > 0 else None
        after = segments[k] if k < len(segments) else None
        if before and after and before.is_gap == after.is_gap:
            axes[k], error_deg[k] = _between(before, after)
        elif before and (after is None or after.is_gap) and not (before.is_gap and after):
            axes[k], error_deg[k] = _continued(before, segments[k - 2] if k > 1 else None, after)
        elif after:
            axes[k], error_deg[k] = _continued(after, segments[k + 1] if k + 1 < len(segments) else None, before)
    return NeighbourAxes(_unit(axes)[inverse], error_deg[inverse])


def _segments(points_mm: FloatArray, at_mm: FloatArray) -> list[_Segment]:
    steps = np.diff(at_mm)
    chords = np.linalg.norm(np.diff(points_mm, axis=0), axis=1)
    if not len(steps) or chords.min() < 1e-9:
        return []
    # A dwell position left out is no gap yet where three dwells tell the curve; two and more are.
    return [
        _Segment((points_mm[k] - points_mm[k + 1]) / chords[k], steps[k], chords[k], steps[k] > 2.5 * steps.min())
        for k in range(len(steps))
    ]


def _between(before: _Segment, after: _Segment) -> tuple[FloatArray, float]:
    a, b = before.along_mm, after.along_mm
    turn = _turn_deg(before.axis, after.axis)
    uncertain = 1.0 if before.is_gap else abs(b - a) / (a + b)
    return (b * before.axis + a * after.axis) / (a + b), uncertain * turn / 2.0


def _continued(near: _Segment, next_: _Segment | None, across: _Segment | None) -> tuple[FloatArray, float]:
    """Tangent at the far end of a segment, from it and the next one on the same side; ``across`` lies over a gap."""
    if next_ is not None and next_.is_gap == near.is_gap:
        weight = near.along_mm / (near.along_mm + next_.along_mm)
        return near.axis + weight * (near.axis - next_.axis), _turn_deg(near.axis, next_.axis) / 2.0
    other = across or next_
    if near.is_gap or other is None:
        # Two dwells alone: a channel longer than the chord between them is curved, such as a ring.
        return near.axis, near.deflection_deg
    return near.axis, _turn_deg(near.axis, other.axis) / 2.0


def _turn_deg(one: FloatArray, other: FloatArray) -> float:
    return float(np.degrees(np.arccos(np.clip(one @ other, -1.0, 1.0))))
