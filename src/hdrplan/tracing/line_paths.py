"""Thin lines along a direction: contrast against a ring around them, and the best path by dynamic programming."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.tracing.scene import Scene

__all__ = [
    "STATION_MM",
    "Contrast",
    "LinePath",
    "across",
    "heading",
    "line_through",
    "next_piece",
    "path_between",
    "way_on",
]

# Between stations along a line.
STATION_MM = 2.0
# Radius of the ring, in steps of 1 mm: beyond the edge of a 6F catheter blurred by voxels of 1 mm.
_RING = 3
# Pairs of opposite places on the ring.
_PAIRS = ((3, 0), (2, 2), (0, 3), (-2, 2))
# HU: a line of this contrast counts in full, one of 0.4 of it is worth nothing and ends a path. Once the contrast of a
# tube is known, that share of it counts in full: what is beside a wire stands out by more HU than plastic does.
_FULL_HU, _WORTHLESS, _OWN = 30.0, 0.4, 0.4
# Price of one step of 1 mm to the side, in stations. A turn of 12 degrees costs what is seen on it: no path goes over
# to a catheter that crosses, nor to one 5 mm beside. Where the direction is a guess it must be cheap to leave.
_BEND, _GUESSED = 1.5, 0.5
# Price in each station of the square of the distance in mm from a rough way: at 4 mm, the error of a rough end, less
# than a quarter of what is seen there; at 8 mm, where a neighbour may be, nearly all.
_ASIDE = 0.008
_SHIFTS = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinePath:
    """A path along a line.

    Parameters
    ----------
    points_mm : (n, 3) array
        2 mm apart.
    score : float
        Stations that show a line of full contrast, less what was paid for bends and gaps.
    whole : bool
        Whether it goes to the last station that was looked at.
    """

    points_mm: FloatArray
    score: float
    whole: bool


@dataclass(frozen=True, slots=True)
class Contrast:
    """Contrast in HU that a tube has been seen with, inside the body and in the air; 0 where it is not known."""

    inside_hu: float = 0.0
    air_hu: float = 0.0

    def full_hu(self, depth_mm: FloatArray) -> FloatArray:
        """HU from which on a line counts in full, at depths (n,) below the skin."""
        return np.maximum(_FULL_HU, _OWN * np.where(depth_mm > 0, self.inside_hu, self.air_hu))


_UNKNOWN = Contrast()


def across(directions: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return two unit vectors (..., 3) at right angles to each direction (..., 3) and to each other."""
    least = np.eye(3)[np.abs(directions).argmin(axis=-1)]
    u = np.cross(directions, least)
    u /= np.linalg.norm(u, axis=-1, keepdims=True)
    return u, np.cross(directions, u)


def line_contrast(layers: FloatArray) -> FloatArray:
    """HU by which the middle stands out of the ring, brighter or darker.

    Of each pair of opposite places the one that is more like the middle counts, and of the four pairs the two that are
    most like it: along an edge or in a sheet some pair is as bright as the middle, only in a line none is.

    Parameters
    ----------
    layers : (n, u, v) array
        HU at right angles to the line, 1 mm apart.

    Returns
    -------
    (n, u - 6, v - 6) array
    """
    _, nu, nv = layers.shape
    r = _RING
    middle = layers[:, r : nu - r, r : nv - r]
    bright, dark = [], []
    for a, b in _PAIRS:
        one = layers[:, r + a : nu - r + a, r + b : nv - r + b]
        other = layers[:, r - a : nu - r - a, r - b : nv - r - b]
        bright.append(middle - np.maximum(one, other))
        dark.append(np.minimum(one, other) - middle)
    brighter, darker = (np.sort(np.stack(kind), axis=0)[:2].mean(axis=0) for kind in (bright, dark))
    return np.asarray(np.maximum(brighter, darker))


def line_through(scene: Scene, at_mm: FloatArray, direction: FloatArray, half_mm: float = 12.0) -> LinePath | None:
    """Return the piece of a line around a point; None where there is no line that is whole.

    Parameters
    ----------
    scene : Scene
    at_mm : (3,) array
    direction : (3,) array
        Unit vector, to some 10 degrees.
    half_mm : float
        To both sides.
    """
    count = 2 * round(half_mm / STATION_MM) + 1
    found = _best(scene, at_mm - half_mm * direction, direction, count, reach_mm=4, bend=_GUESSED)
    return found if len(found.points_mm) >= count - 1 else None


def next_piece(
    scene: Scene, from_mm: FloatArray, direction: FloatArray, count: int, *, reach_mm: int, known: Contrast
) -> LinePath:
    """Return the best path on from a point, as far as there is a line, at most ``count`` stations long."""
    return _best(scene, from_mm, direction, count, reach_mm=reach_mm, known=known)


def way_on(scene: Scene, from_mm: FloatArray, direction: FloatArray, length_mm: float) -> FloatArray:
    """Points (n, 3), 2 mm apart, on the best way on from a point, whether or not there is anything to see.

    Parameters
    ----------
    scene : Scene
    from_mm : (3,) array
    direction : (3,) array
        Unit vector.
    length_mm : float
        It is shorter where the scan ends.
    """
    count = max(3, round(length_mm / STATION_MM) + 1)
    points = _best(scene, from_mm, direction, count, reach_mm=2, to_end=True).points_mm
    inside = scene.grid.contains(points)
    return points if inside.all() else points[: int(np.argmin(inside))]


def path_between(scene: Scene, hub_mm: FloatArray, tip_mm: FloatArray, reach_mm: int) -> LinePath:
    """Return the best path within ``reach_mm`` of the straight way from a rough hub to a rough tip.

    The farther from them, the less it is worth: of two parallel catheters the one that was pointed at counts.
    """
    way = tip_mm - hub_mm
    length = float(np.linalg.norm(way))
    count = max(3, round(length / STATION_MM) + 1)
    return _best(scene, hub_mm, way / length, count, reach_mm=reach_mm, to_end=True, aside=_ASIDE)


def heading(last: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return where a track stands and where it goes, by a straight line through its last points."""
    middle = last.mean(axis=0)
    direction = np.linalg.svd(last - middle)[2][0]
    direction = direction * np.sign(direction @ (last[-1] - last[0]))
    return middle + direction * ((last[-1] - middle) @ direction), direction


def _best(
    scene: Scene,
    from_mm: FloatArray,
    direction: FloatArray,
    count: int,
    *,
    reach_mm: int,
    to_end: bool = False,
    bend: float = _BEND,
    known: Contrast = _UNKNOWN,
    aside: float = 0.0,
) -> LinePath:
    """Return the best path along a direction: to any station, or to the last."""
    u, v = across(direction)
    side = np.arange(-reach_mm - _RING, reach_mm + _RING + 1, dtype=np.float64)
    along = from_mm + (np.arange(count) * STATION_MM)[:, None] * direction
    places = along[:, None, None] + side[:, None, None] * u + side[:, None] * v
    # Three samples a station: noise and single bright voxels count less.
    layers = sum(scene.smooth_at(places + shift * direction) for shift in (-0.67, 0.0, 0.67)) / 3.0
    full_hu = known.full_hu(scene.depth_at(along))[:, None, None]
    worth = np.clip(line_contrast(np.asarray(layers)) / full_hu, 0.0, 1.0) - _WORTHLESS
    if aside:
        middle = (worth.shape[1] - 1) // 2
        off = np.arange(worth.shape[1]) - middle
        worth = worth - aside * (off[:, None] ** 2 + off**2)
    steps, score = _programme(worth, bend, to_end=to_end)
    points = along[: len(steps)] + steps[:, :1] * u + steps[:, 1:] * v
    return LinePath(points_mm=points, score=score, whole=len(steps) == count)


def _programme(worth: FloatArray, bend: float, *, to_end: bool) -> tuple[FloatArray, float]:
    """Return the path of highest worth that begins near the middle: its steps to the sides (n, 2), and its worth."""
    count, nu, nv = worth.shape
    middle = (nu - 1) // 2
    side_u, side_v = np.meshgrid(np.arange(nu) - middle, np.arange(nv) - middle, indexing="ij")
    best = worth[0] - (0.0 if to_end else 0.5) * np.hypot(side_u, side_v)
    ways = np.zeros((count, nu, nv), dtype=np.int8)
    scores = [best]
    for k in range(1, count):
        wide = np.pad(best, 1, constant_values=-np.inf)
        options = np.stack([wide[1 + a : 1 + a + nu, 1 + b : 1 + b + nv] - bend * np.hypot(a, b) for a, b in _SHIFTS])
        ways[k] = options.argmax(axis=0)
        best = options.max(axis=0) + worth[k]
        scores.append(best)
    end = count - 1 if to_end else int(np.argmax([score.max() for score in scores]))
    i, j = np.unravel_index(int(scores[end].argmax()), (nu, nv))
    score = float(scores[end][i, j])
    steps = []
    for k in range(end, -1, -1):
        steps.append((i - middle, j - middle))
        a, b = _SHIFTS[ways[k, i, j]] if k else (0, 0)
        i, j = i + a, j + b
    return np.array(steps[::-1], dtype=np.float64), score
