"""Source axes from neighbouring dwells, where no path of the channel is there, and how far each may be off.

Three dwells close together tell a direction and how it turns. Across a gap only the length of the channel is known,
by the distances of both dwells from the tip: longer than the chord, it is bent, and how far its ends may turn from the
chord follows from the tightest bend that applicators have.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray

__all__ = ["NeighbourAxes", "axes_from_neighbours"]

# Dwells farther apart than this along the channel, or than that many of its smallest steps, leave a gap between them:
# one position left out is none yet where three dwells tell the curve.
_GAP_MM, _GAP_STEPS = 10.0, 2.5
# No channel is assumed to bend more tightly than a ring of 24 mm across: an assumption of ours, that
# docs/howto/dicom.md states.
_TIGHTEST_MM = 12.0
# Files keep coordinates in hundredths of a millimetre: two ends of a chord. Chords that are longer than the channel
# show that they are less exact.
_DIGITS_MM = 0.01


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


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Segment:
    """From one dwell to the next: its direction toward the tip, its length along the channel, whether it is a gap.

    ``bend_deg`` is how far the channel's ends may turn from the chord.
    """

    axis: FloatArray
    along_mm: float
    chord_mm: float
    is_gap: bool
    bend_deg: float


def axes_from_neighbours(positions_mm: FloatArray, relative_mm: FloatArray) -> NeighbourAxes:
    """Return source axes from the neighbours along the channel: the tangent of the parabola through three dwells.

    Neighbours across a gap in the dwells tell little about the direction of a curved channel. Beside a gap, and at the
    ends, the parabola of the two nearest neighbours on the other side is continued. The uncertainty is how far the
    parabolas of other neighbours turn the axis, and at most what the tightest bend allows.

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
        # Away from the dwell, the nearest first.
        before, after = segments[:k][::-1], segments[k:]
        axis, told_deg = _axis(before, after)
        axes[k] = axis / max(float(np.linalg.norm(axis)), 1e-12)
        near = [side[0] for side in (before, after) if side]
        error_deg[k] = min(told_deg, *(_turn_deg(axes[k], s.axis) + s.bend_deg for s in near), 180.0)
    return NeighbourAxes(axes[inverse], error_deg[inverse])


def _segments(points_mm: FloatArray, at_mm: FloatArray) -> list[_Segment]:
    steps = np.diff(at_mm)
    chords = np.linalg.norm(np.diff(points_mm, axis=0), axis=1)
    if not len(steps) or chords.min() < 1e-9:
        return []
    off_mm = max(_DIGITS_MM, 2.0 * float((chords - steps).max()))
    gap_mm = min(_GAP_STEPS * float(steps.min()), _GAP_MM)
    return [
        _Segment(
            axis=(points_mm[k] - points_mm[k + 1]) / chords[k],
            along_mm=float(steps[k]),
            chord_mm=float(chords[k]),
            is_gap=bool(steps[k] > gap_mm + 1e-6),
            bend_deg=_bend_deg(float(steps[k]), float(chords[k]) - off_mm),
        )
        for k in range(len(steps))
    ]


def _bend_deg(along_mm: float, chord_mm: float) -> float:
    """Return how far an end of a channel may turn from its chord: the tightest bend begins there, the rest is straight.

    Bends elsewhere, or wider ones, turn the ends less for the same length and chord.
    """
    turn = np.linspace(0.0, min(2.0 * np.pi, along_mm / _TIGHTEST_MM), 500)
    rest_mm = along_mm - _TIGHTEST_MM * turn
    x = _TIGHTEST_MM * np.sin(turn) + rest_mm * np.cos(turn)
    y = _TIGHTEST_MM * (1.0 - np.cos(turn)) + rest_mm * np.sin(turn)
    possible = np.hypot(x, y) >= chord_mm
    # Chords only get shorter as more of the channel is bent, up to a whole ring.
    last = int(possible.nonzero()[0].max(initial=0))
    return float(np.degrees(np.unwrap(np.arctan2(y, x))[min(last + 1, len(turn) - 1)]))


def _axis(before: list[_Segment], after: list[_Segment]) -> tuple[FloatArray, float]:
    """Return the axis of a dwell between two rows of segments, and how far off its neighbours tell it to be."""
    if before and after and not (before[0].is_gap or after[0].is_gap):
        return _between(before, after)
    sides = sorted((side for side in (before, after) if side), key=lambda side: side[0].is_gap)
    near, across = sides[0], sides[1] if len(sides) > 1 else []
    if len(near) > 1 and not (near[0].is_gap or near[1].is_gap):
        axis = _continued(near[0], near[1])
        told_deg = _turn_deg(near[0].axis, near[1].axis) / 2.0
        if len(near) > 2 and not near[2].is_gap:
            # A parabola of three segments: what the turn of the next two changes.
            third = near[0].axis - 2.0 * near[1].axis + near[2].axis
            told_deg = max(told_deg, _turn_deg(axis, axis + third / 3.0))
        return axis, told_deg
    if near[0].is_gap and across:
        a, b = near[0].along_mm, across[0].along_mm
        return (b * near[0].axis + a * across[0].axis) / (a + b), 180.0
    other = next((segment for segment in (*across, *near[1:])), None)
    if near[0].is_gap or other is None:
        return near[0].axis, 180.0
    # Two dwells next to a gap: where the channel goes straight on, it is straight between them.
    return near[0].axis, max(_turn_deg(near[0].axis, other.axis), _arc_deg(other))


def _between(before: list[_Segment], after: list[_Segment]) -> tuple[FloatArray, float]:
    a, b = before[0].along_mm, after[0].along_mm
    axis = (b * before[0].axis + a * after[0].axis) / (a + b)
    turn_deg = _turn_deg(before[0].axis, after[0].axis)
    told = [abs(b - a) / (a + b) * turn_deg / 2.0]
    for side in (before, after):
        if len(side) > 1 and not side[1].is_gap:
            told.append(_turn_deg(axis, _continued(side[0], side[1])))
        else:
            # A bend that begins at the dwell.
            told.append(turn_deg / 4.0)
    return axis, max(told)


def _continued(near: _Segment, next_: _Segment) -> FloatArray:
    """Tangent at the far end of a segment, from it and the next one on the same side."""
    weight = near.along_mm / (near.along_mm + next_.along_mm)
    return near.axis + weight * (near.axis - next_.axis)


def _arc_deg(segment: _Segment) -> float:
    """Angle between the chord and the ends of an arc: angle / sin(angle) is arc over chord."""
    angles = np.linspace(1e-6, 0.999 * np.pi, 4000)
    return float(np.degrees(np.interp(segment.along_mm / segment.chord_mm, angles / np.sin(angles), angles, left=0.0)))


def _turn_deg(one: FloatArray, other: FloatArray) -> float:
    lengths = max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-12)
    return float(np.degrees(np.arccos(np.clip(one @ other / lengths, -1.0, 1.0))))
