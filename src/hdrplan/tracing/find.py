"""Catheters found on a CT: all of them, or those that a person points at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from hdrplan.arrays import FloatArray
from hdrplan.errors import InputError
from hdrplan.geometry import Catheter, Volume
from hdrplan.tracing.centreline import Centreline, centred, is_metal
from hdrplan.tracing.ends import hub_cut, tip_found
from hdrplan.tracing.follow import whole_line
from hdrplan.tracing.judged import is_catheter, is_needle, is_rim, seen_hu
from hdrplan.tracing.line_paths import line_through, path_between
from hdrplan.tracing.scene import Scene, scene_of
from hdrplan.tracing.seeds import seeds
from hdrplan.tracing.straight import bend_mm, straightened
from hdrplan.tracing.traced import TracedCatheter
from hdrplan.tracing.untangle import untangled

__all__ = ["find_catheters", "snap_catheters", "trace_from"]

# 6F closed-end catheters end in about so much plastic; see docs/howto/catheters.md.
CLOSED_END_MM = 1.0
# Points that are handed on lie so far apart; a catheter bends little between them.
_POINTS_MM = 5.0
# Others that come so near disturb where the middle is.
_NEAR_MM = 6.0
_DIRECTIONS = 400
_CLICK_MM = 6.0
# A trace of one catheter lies so near to one parabola, or within this share of a voxel where these are large; a piece
# of a curve is a catheter where so much of it is seen.
_STRAIGHT_MM, _STRAIGHT_VOXELS, _SEEN_FRAC = 0.4, 0.3, 0.7


def find_catheters(ct: Volume, *, closed_end_mm: float = CLOSED_END_MM) -> tuple[TracedCatheter, ...]:
    """Find the catheters that are in a patient.

    Every catheter crosses the skin: thin lines that do are followed to their ends, in both directions.

    Parameters
    ----------
    ct : Volume
        HU, after the punctures.
    closed_end_mm : float
        Plastic beyond the lumen at the tip.

    Returns
    -------
    tuple of TracedCatheter
        Named ``cath_1`` and so on, from the patient's right to the left by their tips. Empty where there is none.

    Raises
    ------
    InputError
        Slices too thick, or no body in the scan.
    """
    scene = scene_of(ct)
    lines = _all_lines(scene, closed_end_mm)
    tracks = untangled([line.points_mm for line in lines])
    found = [_traced(_alone(scene, track, tracks), track, closed_end_mm) for track in tracks]
    found.sort(key=lambda one: tuple(one.points_mm[-1]))
    return tuple(replace(one, name=f"cath_{k}") for k, one in enumerate(found, start=1))


def trace_from(
    ct: Volume, clicks_mm: npt.ArrayLike, *, closed_end_mm: float = CLOSED_END_MM
) -> tuple[TracedCatheter, ...]:
    """Trace the catheters that points lie on, one a point.

    Parameters
    ----------
    ct : Volume
        HU.
    clicks_mm : (n, 3) array
        LPS; each within 6 mm of a catheter, 12 mm or more from its ends.
    closed_end_mm : float

    Raises
    ------
    InputError
        A point outside the CT, or without a thin line near it.
    """
    scene = scene_of(ct)
    traced = []
    for k, click_mm in enumerate(np.asarray(clicks_mm, dtype=np.float64).reshape(-1, 3), start=1):
        where = f"click {k} at ({', '.join(f'{v:.1f}' for v in click_mm)}) mm"
        if not ct.grid.contains(click_mm[None])[0]:
            raise InputError("a click must lie in the CT", got="a point outside", where=where)
        track = _track_near(scene, click_mm)
        if track is None:
            raise InputError(
                f"expected a catheter within {_CLICK_MM:g} mm of a click",
                got="no thin line that goes on for 24 mm",
                where=where,
                remedy="Click on the catheter in the middle of its way, or give a rough hub and tip.",
            )
        traced.append(replace(_traced(scene, track, closed_end_mm), name=f"cath_{k}"))
    return tuple(traced)


def snap_catheters(
    ct: Volume, rough: Sequence[Catheter], *, within_mm: float = 10.0, closed_end_mm: float = CLOSED_END_MM
) -> tuple[TracedCatheter, ...]:
    """Move rough catheters onto the tubes that the CT shows.

    Parameters
    ----------
    ct : Volume
        HU.
    rough : sequence of Catheter
        Hub and tip, or more points; hub first.
    within_mm : float
        How far the tube may lie from the rough way.
    closed_end_mm : float

    Raises
    ------
    InputError
        Points outside the CT.
    """
    scene = scene_of(ct)
    snapped = []
    for one in rough:
        if not ct.grid.contains(one.points_mm).all():
            raise InputError("a rough catheter must lie in the CT", got="a point outside", where=one.name)
        pieces = [
            path_between(scene, hub, tip, round(within_mm)).points_mm
            for hub, tip in zip(one.points_mm[:-1], one.points_mm[1:], strict=True)
        ]
        track = np.concatenate([pieces[0], *(piece[1:] for piece in pieces[1:])])
        snapped.append(replace(_traced(scene, track, closed_end_mm), name=one.name))
    return tuple(snapped)


def _all_lines(scene: Scene, closed_end_mm: float) -> list[Centreline]:
    """Return all lines that are catheters: first those that one curve goes through, then what is left.

    A trace that holds pieces of two catheters hides both. Where most of it is one of them, it is led along that one's
    curve; else it waits until the others are known and gone.
    """
    rest, lines = scene, list[Centreline]()
    waiting = list(zip(*seeds(scene), strict=True))
    most_mm = max(_STRAIGHT_MM, _STRAIGHT_VOXELS * float(scene.grid.spacing_mm.max()))
    for straight_only in (True, False):
        later = []
        for at_mm, direction in waiting:
            track = whole_line(rest, at_mm, direction)
            if track is None or not is_needle(scene, track):
                continue
            line = tip_found(rest, centred(rest, track), closed_end_mm)[0]
            if is_rim(line, lines) or not is_catheter(scene, line):
                continue
            if straight_only and bend_mm(line.points_mm) > most_mm:
                led = _led_straight(rest, line, closed_end_mm, most_mm)
                if led is None or bend_mm(led.points_mm) > most_mm or is_rim(led, lines):
                    later.append((at_mm, direction))
                    continue
                line = led
            lines.append(line)
            # What is found is wiped out: no other track can go over to it.
            rest = rest.without(line.points_mm)
        waiting = later
    return lines


def _led_straight(scene: Scene, line: Centreline, closed_end_mm: float, within_mm: float) -> Centreline | None:
    """Return a line led along the curve of most of it; None where there is none or it is not seen."""
    mended = straightened(line.points_mm, within_mm)
    if mended is None:
        return None
    way_mm, changed = mended
    led = tip_found(scene, centred(scene, way_mm), closed_end_mm)[0]
    new = cKDTree(way_mm[changed]).query(led.points_mm)[0] < 2.0 if changed.any() else np.zeros(0, dtype=np.bool_)
    if new.any() and (np.abs(led.contrast_hu[new]) > seen_hu(scene)).mean() < _SEEN_FRAC:
        return None
    return led if is_catheter(scene, led) else None


def _track_near(scene: Scene, click_mm: FloatArray) -> FloatArray | None:
    """Return the line that is clearest near a click, whatever its direction."""
    golden = np.pi * (3.0 - np.sqrt(5.0)) * np.arange(_DIRECTIONS)
    z = (np.arange(_DIRECTIONS) + 0.5) / _DIRECTIONS
    around = np.stack((np.cos(golden) * np.sqrt(1 - z**2), np.sin(golden) * np.sqrt(1 - z**2), z), axis=1)
    pieces = [(line_through(scene, click_mm, d), d) for d in around]
    seen = [(piece.score, k) for k, (piece, _) in enumerate(pieces) if piece is not None]
    if not seen:
        return None
    piece, direction = pieces[max(seen)[1]]
    assert piece is not None
    return whole_line(scene, piece.points_mm[len(piece.points_mm) // 2], direction)


def _alone(scene: Scene, track: FloatArray, tracks: Sequence[FloatArray]) -> Scene:
    """Return the scene without the other catheters that come near to one."""
    tree = cKDTree(track)
    for other in tracks:
        near = other[tree.query(other)[0] < _NEAR_MM]
        if other is not track and len(near):
            scene = scene.without(near, keep_mm=track)
    return scene


def _traced(scene: Scene, track: FloatArray, closed_end_mm: float) -> TracedCatheter:
    line, tip_sigma_mm = tip_found(scene, centred(scene, track), closed_end_mm)
    line = hub_cut(scene, line)
    depth = scene.depth_at(line.points_mm)
    inside = depth > 0
    seen = np.abs(line.contrast_hu[inside]) > seen_hu(scene)
    chosen = _thinned(line)
    return TracedCatheter(
        name="",
        points_mm=chosen.points_mm,
        sigma_mm=chosen.sigma_mm,
        tip_sigma_mm=tip_sigma_mm,
        contrast_hu=float(np.median(line.contrast_hu[inside])) if inside.any() else 0.0,
        confidence=float(seen.mean()) if inside.any() else 0.0,
        inside_mm=float(inside.sum()),
        is_metal=is_metal(scene, line.points_mm[inside]),
        leaves_scan=bool(depth[0] > 0),
    )


def _thinned(line: Centreline) -> Centreline:
    """Points 5 mm apart, tip and hub among them."""
    at = np.arange(len(line.points_mm) - 1, 0, -int(_POINTS_MM))[::-1]
    at = np.append(0, at[at > 1])
    return Centreline(points_mm=line.points_mm[at], sigma_mm=line.sigma_mm[at], contrast_hu=line.contrast_hu[at])
