"""A thin line followed from a place on it to where it ends."""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.tracing.centreline import Centreline, centred
from hdrplan.tracing.line_paths import STATION_MM, Contrast, heading, line_through, next_piece
from hdrplan.tracing.scene import Scene

__all__ = ["whole_line"]

# A path is continued in pieces of so many stations, within so many mm of the straight way.
_PIECE, _REACH_MM = 20, 4
# Stations of the last piece that are looked at again with the next, and those that tell the direction.
_AGAIN, _HEADING = 5, 20
_LONGEST_MM, _FEWEST, _ADDED = 400.0, 10, 3
# So many mm inside the body, or in the air and off the skin, tell the contrast there.
_TELL, _SKIN_MM = 6, 3.0


def whole_line(scene: Scene, at_mm: FloatArray, direction: FloatArray) -> FloatArray | None:
    """Return the whole line through a point, (n, 3), the end that is less deep first; None where there is none.

    Parameters
    ----------
    scene : Scene
    at_mm : (3,) array
    direction : (3,) array
        Unit vector, to some 10 degrees.
    """
    piece = line_through(scene, at_mm, direction)
    if piece is None:
        return None
    points = piece.points_mm[scene.grid.contains(piece.points_mm)]
    if len(points) < _FEWEST // 2:
        return None
    inwards = _followed(scene, points)
    # The direction of the first piece was a guess, and it may lie on two tubes: a long line is followed back over it.
    again = inwards[len(points) : len(points) + _HEADING]
    outwards = _followed(scene, again[::-1]) if len(again) >= _FEWEST else again
    rest = inwards[len(points) + len(again) :]
    if len(outwards) < len(again) + len(points):
        outwards, rest = _followed(scene, points[::-1]), inwards[len(points) :]
    track = np.concatenate((outwards[::-1], rest))
    if len(track) < _FEWEST:
        return None
    depth = scene.depth_at(track[[0, -1]])
    return track if depth[0] <= depth[1] else track[::-1]


def _followed(scene: Scene, piece: FloatArray) -> FloatArray:
    """Return a piece of a line and how it goes on until it ends, or leaves the scan."""
    track = list(piece)
    while len(track) * STATION_MM < _LONGEST_MM:
        # On the middle of the tube: whole steps of a path tell the direction to 2 degrees only, and where two
        # catheters cross at 3 degrees it went over to the other.
        last = centred(scene, np.array(track[-_HEADING:]))
        stands, direction = heading(last.points_mm)
        if not scene.grid.contains(stands):
            break
        found = next_piece(scene, stands, direction, _PIECE, reach_mm=_REACH_MM, known=_contrast(scene, last))
        new = found.points_mm[1 : _PIECE - _AGAIN if found.whole else None]
        # A piece may end before the last station because of noise there: the line ends where no more is added.
        if len(new) < _ADDED:
            break
        track += list(new)
    points = np.array(track)
    inside = scene.grid.contains(points)
    return points if inside.all() else points[: int(np.argmin(inside))]


def _contrast(scene: Scene, line: Centreline) -> Contrast:
    """Return the contrast that a line has been seen with."""
    depth = scene.depth_at(line.points_mm)
    values = [np.abs(line.contrast_hu[side]) for side in (depth > _SKIN_MM, depth < -_SKIN_MM)]
    return Contrast(*(float(np.median(seen)) if len(seen) >= _TELL else 0.0 for seen in values))
