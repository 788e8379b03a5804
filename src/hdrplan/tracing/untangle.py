"""Traces that went over to each other where two catheters cross: the straighter pairing of their halves is right."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.spatial import cKDTree

from hdrplan.arrays import FloatArray

__all__ = ["untangled"]

_Map = Callable[[FloatArray], FloatArray]

# Traces that come so near to each other may have gone over: two 6F catheters that touch are 2 mm apart, and where they
# part the middles of both are drawn to each other.
_NEAR_MM = 4.5
# So much of either way about the crossing is not looked at, and so much beyond tells how straight it is.
_BLURRED_MM, _LEG_MM, _SHORTEST_MM = 6, 60, 6
# Halves are exchanged where that leaves less than this share of the squares about smooth curves, and the curves of the
# traces as they are miss by this much, root mean square.
_STRAIGHTER, _BENT_MM = 0.5, 0.25


def untangled(tracks: Sequence[FloatArray]) -> list[FloatArray]:
    """Exchange the tip halves of tracks that went over to each other.

    A catheter of plastic or steel bends over its whole length: near a crossing it is a parabola to some tenths of a mm.
    One that jumped to a neighbour at 2 mm is not, whichever of the two was traced first.

    Parameters
    ----------
    tracks : sequence of (n, 3) arrays
        1 mm between points, hub first.

    Returns
    -------
    list of (n, 3) arrays
        In the same order, by their hubs.
    """
    lines = list(tracks)
    for _ in lines:
        changed = False
        for i in range(len(lines)):
            for j in range(i + 1, len(lines)):
                exchanged = _exchanged(lines[i], lines[j])
                if exchanged is not None:
                    lines[i], lines[j] = exchanged
                    changed = True
        if not changed:
            break
    return lines


def _exchanged(first: FloatArray, second: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """Return two tracks with their tip halves exchanged; None where they are straighter as they are."""
    away, nearest = cKDTree(second).query(first)
    i = int(away.argmin())
    j = int(nearest[i])
    halves = [(line[: max(at - _BLURRED_MM, 0)], line[at + _BLURRED_MM :]) for line, at in ((first, i), (second, j))]
    if away[i] > _NEAR_MM or min(len(half) for pair in halves for half in pair) < _SHORTEST_MM:
        return None
    (hub, tip), (other_hub, other_tip) = halves
    now, swapped = ((hub, tip), (other_hub, other_tip)), ((hub, other_tip), (other_hub, tip))
    rest = [sum(_squares(*pair) for pair in pairs) for pairs in (now, swapped)]
    count = sum(min(len(half), _LEG_MM) for pair in now for half in pair)
    if rest[0] < count * _BENT_MM**2 or rest[1] > _STRAIGHTER * rest[0]:
        return None
    return _joined(*swapped[0]), _joined(*swapped[1])


def _squares(hub: FloatArray, tip: FloatArray) -> float:
    """Sum of squared distances in mm2 of two legs from one parabola through both."""
    legs = np.concatenate((hub[-_LEG_MM:], tip[:_LEG_MM]))
    curve, along = _parabola(hub, tip)
    return float(((curve(along(legs)) - legs) ** 2).sum())


def _joined(hub: FloatArray, tip: FloatArray) -> FloatArray:
    """Two halves of a track, and between them the parabola through both."""
    curve, along = _parabola(hub, tip)
    ends = along(np.stack((hub[-1], tip[0])))
    count = max(2, round(float(np.linalg.norm(tip[0] - hub[-1]))))
    return np.concatenate((hub, curve(np.linspace(ends[0], ends[1], count + 1)[1:-1]), tip))


def _parabola(hub: FloatArray, tip: FloatArray) -> tuple[_Map, _Map]:
    """Return the parabola through the legs next to a gap, and the lengths along the chord that it is a function of."""
    legs = np.concatenate((hub[-_LEG_MM:], tip[:_LEG_MM]))
    middle = legs.mean(axis=0)
    axis = tip[:_LEG_MM].mean(axis=0) - hub[-_LEG_MM:].mean(axis=0)
    axis /= np.linalg.norm(axis)

    def along(points: FloatArray) -> FloatArray:
        return np.asarray((points - middle) @ axis / _LEG_MM)

    powers = np.polynomial.polynomial.polyfit(along(legs), legs, 2)
    return lambda at: np.asarray(np.polynomial.polynomial.polyval(at, powers)).T, along
