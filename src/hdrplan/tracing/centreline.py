"""From a rough track to the middle of the tube, with the uncertainty of each position."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solveh_banded

from hdrplan.arrays import FloatArray
from hdrplan.tracing.line_paths import across
from hdrplan.tracing.scene import Scene

__all__ = ["CLEAR_HU", "THICK_MM", "Centreline", "centred", "is_metal", "trimmed"]

# Cross-sections are sampled so far to the sides at such steps; inside the first radius lies the tube, a Gaussian of the
# second, blurred by voxels and filter.
_REACH_MM, _STEP_MM = 4.0, 0.5
_TUBE_MM, _BLURRED_TUBE_MM, _RING_MM = 2.0, 1.0, 3.0
# A wire stands out by more than this of any surroundings: there a ring's median is right, and others beside it, which
# a curve would take for surroundings, do not disturb it. Nor has a tube the shape of a Gaussian on slices so thick.
CLEAR_HU, THICK_MM = 300.0, 2.5
# What is darker than this share of the middle does not pull the centroid.
_FOOT = 0.25
_FULL_HU = 30.0
# Bends shorter than this are noise: a catheter of plastic, 2 mm thick, in tissue.
_BEND_MM = 40.0
_ROUNDS = 3
# Neighbouring cross-sections share samples, so that their errors go along: so many count as one.
_SHARED = 4.0
# Positions are no better than this share of the largest voxel edge, whatever their scatter says.
_FLOOR = 0.06
# HU of voxels in the middle, blurred by the scanner: barium in plastic stays below, a wire of 0.9 mm does not.
_METAL_HU = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Centreline:
    """The middle of a tube, from hub to tip, 1 mm between its points.

    Parameters
    ----------
    points_mm : (n, 3) array
    sigma_mm : (n,) array
        Standard uncertainty of each position, along each direction across the tube.
    contrast_hu : (n,) array
        Middle of the tube less its surroundings.
    """

    points_mm: FloatArray
    sigma_mm: FloatArray
    contrast_hu: FloatArray


def centred(scene: Scene, track_mm: FloatArray) -> Centreline:
    """Move a track to the middle of the tube.

    Parameters
    ----------
    scene : Scene
    track_mm : (m, 3) array
        To some 2 mm, hub first.
    """
    points = _each_mm(track_mm)
    weights = np.ones(len(points))
    points = _smoothed(points, weights)
    for _ in range(_ROUNDS):
        offsets, contrast = _offsets(scene, points)
        weights = np.clip(np.abs(contrast) / _FULL_HU, 0.02, 1.0)
        measured = points + offsets
        points = _smoothed(measured, weights)
    away = (measured - points) ** 2
    # Two directions across; what was fitted took a share of the scatter.
    near = np.exp(-0.5 * ((np.arange(len(points))[:, None] - np.arange(len(points))) / 10.0) ** 2) * weights
    scatter = np.sqrt((near @ away.sum(axis=1)) / near.sum(axis=1) / 2.0)
    sigma = scatter * np.sqrt(np.clip(_leverage(weights) * _SHARED, 0.0, 1.0) / weights)
    floor = _FLOOR * float(scene.grid.spacing_mm.max())
    return Centreline(points_mm=points, sigma_mm=np.hypot(sigma, floor), contrast_hu=_offsets(scene, points)[1])


def is_metal(scene: Scene, points_mm: FloatArray) -> bool:
    """Return whether the middle of a tube is brighter than plastic over half of its way."""
    return len(points_mm) > 0 and bool(np.median(scene.hu_at(points_mm)) > _METAL_HU)


def trimmed(line: Centreline, first: int, last: int) -> Centreline:
    """Points ``first`` to ``last`` of a centreline."""
    part = slice(first, last + 1)
    return Centreline(points_mm=line.points_mm[part], sigma_mm=line.sigma_mm[part], contrast_hu=line.contrast_hu[part])


def _each_mm(track_mm: FloatArray) -> FloatArray:
    length = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(track_mm, axis=0), axis=1))))
    at = np.linspace(0.0, length[-1], max(4, round(float(length[-1])) + 1))
    return np.stack([np.interp(at, length, track_mm[:, k]) for k in range(3)], axis=1)


def _smoothed(points_mm: FloatArray, weights: FloatArray) -> FloatArray:
    """Return points by Whittaker's smoother: least squares with a price on bends.

    References
    ----------
    Eilers PHC. A perfect smoother. Anal Chem 2003;75:3631-3636.
    """
    return np.asarray(solveh_banded(_normal_bands(weights), weights[:, None] * points_mm))


def _leverage(weights: FloatArray) -> FloatArray:
    """Return the diagonal of the smoother's hat matrix."""
    return np.asarray(np.diag(solveh_banded(_normal_bands(weights), np.diag(weights))))


def _normal_bands(weights: FloatArray) -> FloatArray:
    """Return the upper bands of the smoother's matrix: weights, and the price times squared second differences."""
    count = len(weights)
    bends = np.zeros((3, count))
    for first, row in enumerate((1.0, -2.0, 1.0)):
        for second, other in enumerate((1.0, -2.0, 1.0)):
            if second >= first:
                bends[2 - (second - first), second : count - 2 + second] += row * other
    bands = (_BEND_MM / (2.0 * np.pi)) ** 4 * bends
    bands[2] += weights
    return bands


def _sections(scene: Scene, points_mm: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """HU across a line (n, m) at the ``_PLACES``, smoothed along it, and the two directions (n, 3)."""
    along = np.gradient(points_mm, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    u, v = across(along)
    places = points_mm[:, None] + _PLACES[:, 0, None] * u[:, None] + _PLACES[:, 1, None] * v[:, None]
    values = sum(scene.smooth_at(places + s * along[:, None]) for s in (-1.2, 0.0, 1.2)) / 3.0
    return np.asarray(values), u, v


def _places() -> FloatArray:
    """Return places across a line, (m, 2) in mm."""
    steps = np.arange(-_REACH_MM, _REACH_MM + 0.1, _STEP_MM)
    a, b = (side.ravel() for side in np.meshgrid(steps, steps, indexing="ij"))
    within = np.hypot(a, b) <= _REACH_MM
    return np.stack((a[within], b[within]), axis=1)


def _surroundings(places: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return what takes values (m,) across a tube to a curve of the second degree, (6, m), and this to values, (m, 6).

    A blurred tube and surroundings that slope and bend are fitted. The median of a ring takes the edge of the lung,
    which is as dark as an empty lumen, for a part of the tube: middles went off by 2 mm.
    """
    a, b = places.T
    tube = np.exp(-(a**2 + b**2) / (2.0 * _BLURRED_TUBE_MM**2))
    ground = np.stack((np.ones_like(a), a, b, a * a, a * b, b * b), axis=1)
    return np.linalg.pinv(np.column_stack((tube, ground)))[1:], ground


_PLACES = _places()
_FIT, _GROUND = _surroundings(_PLACES)


def _offsets(scene: Scene, points_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
    """From points (n, 3) to the centroid of the tube around them, and the contrast (n,) there."""
    values, u, v = _sections(scene, points_mm)
    places, radius = _PLACES, np.hypot(_PLACES[:, 0], _PLACES[:, 1])
    ring = np.median(values[:, radius >= _RING_MM], axis=1, keepdims=True)
    above = values[:, radius <= 0.8].mean(axis=1, keepdims=True) - ring
    clear = (np.abs(above) > CLEAR_HU) | (scene.grid.spacing_mm.max() > THICK_MM)
    stands_out = values - np.where(clear, ring, values @ _FIT.T @ _GROUND.T)
    contrast = stands_out[:, radius <= 0.8].mean(axis=1)
    heights = stands_out * np.sign(contrast)[:, None]
    top = heights[:, radius <= 1.2].max(axis=1, keepdims=True)
    pull = np.clip(heights - _FOOT * top, 0.0, None) * (radius <= _TUBE_MM)
    total = np.maximum(pull.sum(axis=1, keepdims=True), 1e-9)
    shift = np.where(top > 0, (pull @ places) / total, 0.0)
    return shift[:, :1] * u + shift[:, 1:] * v, contrast
