"""Whether a thin line is a catheter: it comes through the skin, goes deep, is seen, and is no rim of another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from hdrplan.arrays import FloatArray
from hdrplan.tracing.centreline import Centreline
from hdrplan.tracing.line_paths import across
from hdrplan.tracing.scene import Scene

__all__ = ["is_catheter", "is_needle", "is_rim", "is_wide", "seen_hu"]

# What is found must go so far into the body, and so deep for each mm of its way: needles do, folds of skin do not.
_INSIDE_MM, _DEEP_MM, _STEEP = 25.0, 15.0, 0.1
# Share of the way inside that must show contrast, of so many HU or so many times the noise.
_SEEN, _SEEN_HU, _SEEN_NOISE = 0.7, 15.0, 3.0
_STRAIGHT = 0.9
# A catheter goes on outside the skin, where so many HU stand out of the air for so long. One that does not was cut at
# the skin or where the scan ends, to so many mm; it must be longer inside, and its tenth percentile of contrast this
# share of the median. Ribs are as long and as even, and begin deeper.
_IN_AIR_HU, _IN_AIR_MM, _CUT_MM, _EVEN, _LONG_MM = 60.0, 8, 6.0, 0.6, 50
# What is that like the middle at this distance to both sides is no tube of 2 mm, blurred; its surroundings are farther
# off. Ribs have 0.5 there, catheters of the test set up to 0.1 in the median. Thicker slices blur a tube as far.
_WIDE_MM, _AROUND_MM, _WIDE, _THICK_MM, _FEWEST, _SKIN_MM = 3.0, 4.5, 0.3, 2.0, 10, 2.0
# What lies so near to others over more than this share of its way is on their tubes; farther off, what has less than
# half of their contrast is the skirt of a wire.
_SAME_MM, _SHARED, _SKIRT_MM, _FAINT = 2.0, 0.5, 3.5, 0.5


def is_needle(scene: Scene, track: FloatArray) -> bool:
    """Whether a track comes from the skin and goes into the body, rather straight."""
    depth = scene.depth_at(track)
    steps = np.linalg.norm(np.diff(track, axis=0), axis=1)
    inside_mm = float(steps[depth[1:] > 0].sum())
    chord = float(np.linalg.norm(track[-1] - track[0]))
    return (
        inside_mm >= _INSIDE_MM
        and float(depth.max()) >= max(_DEEP_MM, _STEEP * inside_mm)
        and chord >= _STRAIGHT * float(steps.sum())
    )


def is_catheter(scene: Scene, line: Centreline) -> bool:
    """Whether a centreline is seen along its way in the body, and comes from the air, or from where it was cut."""
    if not is_needle(scene, line.points_mm):
        return False
    depth = scene.depth_at(line.points_mm)
    contrast = line.contrast_hu[depth > 0]
    median = float(np.median(contrast))
    if is_wide(scene, line.points_mm[depth > _SKIN_MM]):
        return False
    if (contrast * np.sign(median) > seen_hu(scene)).mean() < _SEEN:
        return False
    in_air = int((np.abs(line.contrast_hu[depth < -2.0]) > _IN_AIR_HU).sum())
    if in_air >= _IN_AIR_MM:
        return True
    evenness = float(np.percentile(contrast * np.sign(median), 10)) / abs(median)
    cut = depth[0] < _CUT_MM or scene.to_border_mm(line.points_mm[0]) < _CUT_MM
    return bool(cut) and evenness > _EVEN and len(contrast) >= _LONG_MM


def is_wide(scene: Scene, points_mm: FloatArray) -> bool:
    """Whether what a line runs in is wider than a catheter: a rib, a vessel.

    Of 16 directions across the line the one counts in which both sides are most like the middle. Over most of its way a
    tube of 2 mm has nothing at 3 mm to both sides, not even beside another.
    """
    if len(points_mm) < _FEWEST or scene.grid.spacing_mm.max() > _THICK_MM:
        return False
    along = np.gradient(points_mm, axis=0)
    u, v = across(along / np.linalg.norm(along, axis=1, keepdims=True))
    turns = np.arange(32) * np.pi / 16.0
    sides = np.cos(turns)[:, None, None] * u + np.sin(turns)[:, None, None] * v
    beside, around = scene.smooth_at(points_mm + _WIDE_MM * sides), scene.smooth_at(points_mm + _AROUND_MM * sides)
    ground = np.median(around, axis=0)
    contrast = scene.smooth_at(points_mm) - ground
    like = (beside - ground) / np.where(np.abs(contrast) > 1.0, contrast, 1.0)
    both = np.minimum(like[:16], like[16:]).max(axis=0)
    return float(np.median(both)) > _WIDE


def is_rim(line: Centreline, others: Sequence[Centreline]) -> bool:
    """Whether a centreline lies on the tubes of others that are known, or on what is left of a wire beside its core."""
    if not others:
        return False
    known = cKDTree(np.concatenate([other.points_mm for other in others]))
    away, nearest = known.query(line.points_mm)
    theirs = np.abs(np.concatenate([other.contrast_hu for other in others]))[nearest]
    near = away < _SKIRT_MM
    faint = near.mean() > _SHARED and np.median(np.abs(line.contrast_hu[near]) / np.maximum(theirs[near], 1.0)) < _FAINT
    return bool((away < _SAME_MM).mean() > _SHARED or faint)


def seen_hu(scene: Scene) -> float:
    """Contrast from which on a tube is seen."""
    return max(_SEEN_HU, _SEEN_NOISE * scene.noise_hu)
