"""Where a tube ends: its tip in the body, its hub in the air."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.tracing.centreline import CLEAR_HU, THICK_MM, Centreline, centred, is_metal, trimmed
from hdrplan.tracing.line_paths import across, heading, way_on
from hdrplan.tracing.scene import Scene

__all__ = ["hub_cut", "tip_found"]

# The tip is looked for from so far before the end of the track to so far beyond it, at these steps; the contrast of the
# tube is that of the piece before.
_BEFORE_MM, _BEYOND_MM, _PROFILE_MM = 6.0, 60.0, 0.25
_BODY_MM = 30.0
# The last so much tells the direction: catheters bend towards their tips.
_HEADING_MM = 20.0
# Neither the skin nor the end of the track tell the contrast of the tube.
_SKIN_MM, _BLURRED_MM = 2.0, 4.0
# A sample of the profile with the contrast that the tube must have there counts half a sample for it, one without
# contrast half a sample against it; so does one with 2.5 times as much: bone beyond the tip is no tube.
_LIKE, _TOO_MUCH = 0.5, 2.0
# The surroundings are judged by lines beside the tube, at this distance, a mm apart: their own rings do not touch it.
_BESIDE_MM, _BESIDE_STEP = 7.5, 4
# Surroundings that differ by less than this tell nothing of how the contrast follows them; fewer points than these
# are no median.
_DIFFER_HU, _FEWEST = 300.0, 6
# A sample counts up to the square of this contrast in its scatter: the model of the tube is no better.
_CLEAR = 5.0
# So much evidence against a tube is a gap: 12 mm without any contrast where it would be clear.
_GAP = 75.0
# Neighbouring samples of the profile share their noise over so many mm.
_SHARED_MM = 2.0


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a tube adds to its surroundings in HU: ``at_hu`` where these have ``around_hu``, ``slope`` more for each HU.

    A share of the middle is the tube's own, whatever is around it: contrast falls on a line as the surroundings rise.
    The empty lumen of a plastic tube is darker than the liver, brighter than air, and hardly seen along the lung.
    """

    at_hu: float
    around_hu: float
    slope: float

    def expected(self, around_hu: FloatArray) -> FloatArray:
        return self.at_hu + self.slope * (around_hu - self.around_hu)


def tip_found(scene: Scene, line: Centreline, closed_end_mm: float) -> tuple[Centreline, float]:
    """End a centreline where its tube ends: where a step from its contrast to none fits best.

    Parameters
    ----------
    scene : Scene
    line : Centreline
        Whose end may lie before the tip or beyond it.
    closed_end_mm : float
        Of plastic beyond the lumen: where the lumen is what is seen, empty or with a wire, the tube is longer by this.

    Returns
    -------
    Centreline
        That ends at the tip.
    float
        Standard uncertainty of the tip along the tube in mm.
    """
    kept = max(len(line.points_mm) - round(_BEFORE_MM), 4)
    stands, direction = heading(line.points_mm[max(0, kept - round(_HEADING_MM)) : kept])
    beyond = way_on(scene, stands, direction, _BEFORE_MM + _BEYOND_MM)
    longer = centred(scene, np.concatenate((line.points_mm[: kept - 1], beyond))) if len(beyond) > 2 else line
    way, length = longer.points_mm, _lengths(longer.points_mm)
    depth = scene.depth_at(way)
    inside, in_air = depth > _SKIN_MM, depth < -_SKIN_MM
    profile = _profile(scene, way)
    old = (np.arange(len(way)) < len(line.points_mm) - round(_BLURRED_MM)) & inside
    skin = float(length[int(inside.argmax())])
    # A track may have gone on far beyond the tip: what the tube shows is first that of the whole, then before the end.
    end, sigma_mm = _end(scene, way, np.arange(skin, length[-1], _PROFILE_MM), _shown(profile, old, in_air))
    last_piece = inside & (length < end - _BLURRED_MM) & (length > end - _BLURRED_MM - _BODY_MM)
    if last_piece.any():
        shown = _shown(profile, last_piece, in_air)
        end, sigma_mm = _end(scene, way, np.arange(max(skin, end - _BODY_MM), length[-1], _PROFILE_MM), shown)
    body = float(np.median(longer.contrast_hu[last_piece])) if last_piece.any() else 0.0
    lumen_seen = body < 0 or is_metal(scene, way[last_piece])
    tip = min(end + (closed_end_mm if lumen_seen else 0.0), float(length[-1]))
    ended = trimmed(longer, 0, max(2, int(np.searchsorted(length, tip - 0.5)) - 1))
    last = np.stack([np.interp(tip, length, way[:, k]) for k in range(3)])
    along = float(np.linalg.norm(direction @ scene.grid.direction * scene.grid.spacing_mm)) / np.sqrt(12.0)
    done = Centreline(
        points_mm=np.concatenate((ended.points_mm, last[None])),
        sigma_mm=np.append(ended.sigma_mm, ended.sigma_mm[-1]),
        contrast_hu=np.append(ended.contrast_hu, ended.contrast_hu[-1]),
    )
    return done, float(np.hypot(np.hypot(along, 0.5), sigma_mm))


def hub_cut(scene: Scene, line: Centreline) -> Centreline:
    """Begin a centreline where its tube begins in the air: a track may have gone on to what lies beyond."""
    outside = int(np.argmax(scene.depth_at(line.points_mm) > -_SKIN_MM))
    if outside < round(2 * _BLURRED_MM):
        return line
    way = line.points_mm[outside::-1]
    length = _lengths(way)
    body = float(np.median(_profile(scene, way)[0][round(_BLURRED_MM) :][: round(_BODY_MM)]))
    end, _ = _end(scene, way, np.arange(0.0, length[-1], _PROFILE_MM), _Shown(body, 0.0, 0.0))
    return trimmed(line, outside - int(np.searchsorted(length, end, side="right")) + 1, len(line.points_mm))


def _shown(profile: tuple[FloatArray, FloatArray], body: BoolArray, air: BoolArray) -> _Shown:
    """Return what a tube shows, by its contrast and surroundings in the body and in the air."""
    if not body.any():
        return _Shown(0.0, 0.0, 0.0)
    at, around = (float(np.median(values[body])) for values in profile)
    if air.sum() < _FEWEST:
        return _Shown(at, around, 0.0)
    air_at, air_around = (float(np.median(values[air])) for values in profile)
    apart = around - air_around
    return _Shown(at, around, float(np.clip((at - air_at) / apart, -1.0, 0.0)) if apart > _DIFFER_HU else 0.0)


def _end(scene: Scene, way_mm: FloatArray, at: FloatArray, shown: _Shown) -> tuple[float, float]:
    """Return the length along a way at which a step from a tube to none fits best, and its standard uncertainty.

    Each sample counts by how much the tube would stand out of the lines beside it: between ribs, or along the lung,
    where any line has some contrast, samples tell little.
    """
    length = _lengths(way_mm)
    places = np.stack([np.interp(at, length, way_mm[:, k]) for k in range(3)], axis=1)
    if not shown.at_hu or len(places) < 2:
        return (float(at[-1]) if len(at) else 0.0), 0.0
    u, v = across(_along(places))
    contrast, around = _matched(scene, places, u, v)
    expected = shown.expected(around)
    few = slice(None, None, _BESIDE_STEP)
    turns = np.arange(8) * np.pi / 4.0
    beside = [
        _matched(scene, places[few] + _BESIDE_MM * (np.cos(a) * u[few] + np.sin(a) * v[few]), u[few], v[few])[0]
        for a in turns
    ]
    scatter = np.interp(at, at[few], np.median(np.abs(beside), axis=0) / 0.6745)
    like = contrast / np.where(np.abs(expected) > 1e-6, expected, 1e-6)
    share = np.clip(np.minimum(like - _LIKE, _TOO_MUCH - like), -_LIKE, _LIKE)
    # Gaussian errors: the logarithm of the likelihood goes with the square of the contrast in its scatter.
    evidence = np.cumsum(share * expected**2 / ((expected / _CLEAR) ** 2 + scatter**2)) * (_PROFILE_MM / _SHARED_MM)
    # A tube has no gap: what is seen beyond one, such as a catheter that comes from the other side, is not its own.
    gone = np.flatnonzero(np.maximum.accumulate(evidence) - evidence > _GAP)
    evidence = evidence[: gone[0]] if len(gone) else evidence
    at = at[: len(evidence)]
    chance = np.exp(evidence - evidence.max())
    best = int(evidence.argmax())
    sigma_mm = np.sqrt(chance @ (at - at[best]) ** 2 / chance.sum())
    return float(at[best]) + _PROFILE_MM / 2.0, float(sigma_mm)


def _lengths(points_mm: FloatArray) -> FloatArray:
    return np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(points_mm, axis=0), axis=1))))


def _along(points_mm: FloatArray) -> FloatArray:
    along = np.gradient(points_mm, axis=0)
    return np.asarray(along / np.linalg.norm(along, axis=1, keepdims=True))


def _profile(scene: Scene, way_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Contrast and surroundings of a tube at each point of its way."""
    return _matched(scene, way_mm, *across(_along(way_mm)))


def _matched(scene: Scene, points_mm: FloatArray, u: FloatArray, v: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return what stands out in the middle, (n,), and what is around it there, (n,), in HU.

    A blurred tube and surroundings that may slope and bend (a curve of the second degree) are fitted to the values
    across the line: along the lung or a rib, a ring alone takes the edge of these for a tube. A ring is enough
    for a wire, which is far brighter.
    """
    places = points_mm[:, None] + _ACROSS[:, 0, None] * u[:, None] + _ACROSS[:, 1, None] * v[:, None]
    values = scene.smooth_at(places)
    fitted = values @ _FIT.T
    radius = np.hypot(_ACROSS[:, 0], _ACROSS[:, 1])
    ring = np.median(values[:, radius >= _RING_MM], axis=1)
    above = values[:, radius < 1.0].mean(axis=1) - ring
    clear = (np.abs(above) > CLEAR_HU) | (scene.grid.spacing_mm.max() > THICK_MM)
    return np.where(clear, above, fitted[:, 0]), np.where(clear, ring, fitted[:, 1])


def _across() -> tuple[FloatArray, FloatArray]:
    """Return places across a line, (n, 2), and the first two rows of the least-squares fit of tube and surroundings."""
    steps = np.arange(-_SEEN_MM, _SEEN_MM + 0.1, 0.9)
    a, b = (side.ravel() for side in np.meshgrid(steps, steps, indexing="ij"))
    within = np.hypot(a, b) <= _SEEN_MM + 0.1
    a, b = a[within], b[within]
    tube = np.exp(-(a**2 + b**2) / (2.0 * _TUBE_MM**2))
    columns = np.stack((tube, np.ones_like(a), a, b, a * a, a * b, b * b), axis=1)
    return np.stack((a, b), axis=1), np.linalg.pinv(columns)[:2]


# Across a line so far is looked at; a tube of 2 mm, blurred by voxels and filter, is a Gaussian of this.
_SEEN_MM, _TUBE_MM, _RING_MM = 4.5, 1.0, 3.2
_ACROSS, _FIT = _across()
