"""Where a tube ends: its tip in the body, its hub in the air."""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.tracing.centreline import Centreline, centred, is_metal, trimmed
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
# A sample of the profile with the contrast of the tube counts half a sample for it, one without contrast half a sample
# against it; so does one with 2.5 times as much: bone beyond the tip is no tube. An empty lumen has half as much
# contrast in fat as it has in the liver, and goes from one into the other.
_LIKE, _TOO_MUCH = 0.5, 2.0
# The surroundings are judged by lines beside the tube, at this distance: their own rings do not touch it.
_BESIDE_MM = 7.5


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
    inside = scene.depth_at(way) > _SKIN_MM
    old = (np.arange(len(way)) < len(line.points_mm) - round(_BLURRED_MM)) & inside
    body = float(np.median(longer.contrast_hu[old])) if old.any() else 0.0
    skin = float(length[int(inside.argmax())])
    # A track may have gone on far beyond the tip: its contrast is first that of the whole, then that before the end.
    end = _end(scene, way, np.arange(skin, length[-1], _PROFILE_MM), body)
    last_piece = inside & (length < end - _BLURRED_MM) & (length > end - _BLURRED_MM - _BODY_MM)
    if last_piece.any():
        body = float(np.median(longer.contrast_hu[last_piece]))
        end = _end(scene, way, np.arange(max(skin, end - _BODY_MM), length[-1], _PROFILE_MM), body)
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
    return done, float(np.hypot(along, 0.5))


def hub_cut(scene: Scene, line: Centreline) -> Centreline:
    """Begin a centreline where its tube begins in the air: a track may have gone on to what lies beyond."""
    outside = int(np.argmax(scene.depth_at(line.points_mm) > -_SKIN_MM))
    if outside < round(2 * _BLURRED_MM):
        return line
    way = line.points_mm[outside::-1]
    length = _lengths(way)
    body = float(np.median(line.contrast_hu[outside - round(_BLURRED_MM) :: -1][: round(_BODY_MM)]))
    end = _end(scene, way, np.arange(0.0, length[-1], _PROFILE_MM), body)
    return trimmed(line, outside - int(np.searchsorted(length, end, side="right")) + 1, len(line.points_mm))


def _end(scene: Scene, way_mm: FloatArray, at: FloatArray, body_hu: float) -> float:
    """Return the length along a way at which a step from the contrast ``body_hu`` to none fits best.

    Each sample counts by how much the tube would stand out of the lines beside it: between ribs, or along the lung,
    where any line has some contrast, samples tell little.
    """
    length = _lengths(way_mm)
    places = np.stack([np.interp(at, length, way_mm[:, k]) for k in range(3)], axis=1)
    if not body_hu or len(places) < 2:
        return float(at[-1]) if len(at) else 0.0
    along = np.gradient(places, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    u, v = across(along)
    turns = np.arange(8) * np.pi / 4.0
    beside = [_contrast(scene, places + _BESIDE_MM * (np.cos(a) * u + np.sin(a) * v), u, v) for a in turns]
    scatter = np.median(np.abs(beside), axis=0) / 0.6745 / abs(body_hu)
    like = _contrast(scene, places, u, v) / body_hu
    share = np.clip(np.minimum(like - _LIKE, _TOO_MUCH - like), -_LIKE, _LIKE) / (1.0 + scatter**2)
    return float(at[int(np.cumsum(share).argmax())]) + _PROFILE_MM / 2.0


def _lengths(points_mm: FloatArray) -> FloatArray:
    return np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(points_mm, axis=0), axis=1))))


def _contrast(scene: Scene, points_mm: FloatArray, u: FloatArray, v: FloatArray) -> FloatArray:
    """Middle less surroundings (n,), without any smoothing along the line that ``u`` and ``v`` lie across."""
    turns = np.linspace(0.0, 2.0 * np.pi, 12, endpoint=False)
    ring = np.cos(turns)[:, None, None] * u + np.sin(turns)[:, None, None] * v
    inner = np.concatenate((scene.smooth_at(points_mm)[None], scene.smooth_at(points_mm + 0.5 * ring[::3])))
    return np.asarray(inner.mean(axis=0) - np.median(scene.smooth_at(points_mm + 3.5 * ring), axis=0))
