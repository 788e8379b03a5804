"""Sections between thick slices: shape-based interpolation that keeps the areas.

Each slice of the mask becomes a signed distance in its plane. Between two slices the distances are averaged, and the
section is the part above the level at which its area follows the slices' areas: these are known to a fraction of a
pixel and change smoothly (those of a sphere as a parabola), which is what fixes the shape between slices. Beyond the
last slice the areas are continued by a parabola: where it falls to zero within one slice, the shape ends there in a
rounded cap; otherwise it ends flat, half a slice beyond.

References
----------
Raya SP, Udupa JK, IEEE Trans Med Imaging 1990;9:32 (distance in the plane, averaged between slices).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.dose.blur import blurred_distance

__all__ = ["rim_pixels", "sections"]

# Nearer to the outline than this the blurred distance holds; farther away the one to the nearest pixel's edge.
_NEAR_PIXELS = 3.0
# Between slices the outline moves by at most this fraction of their distance to reach its area: an area that jumps, as
# where a new part begins, must not swell the rest.
_MAXIMUM_SHIFT = 0.3


def rim_pixels(spacing_mm: FloatArray) -> tuple[int, int]:
    """Empty rows and columns that a mask needs round it, so that no section grows out of the grid.

    Parameters
    ----------
    spacing_mm : (3,) array
        x, y and slice.
    """
    # Eight for the blur, which reaches 6.6 and mirrors what lies at the end of the grid.
    farthest = np.ceil(_MAXIMUM_SHIFT * spacing_mm[2] / spacing_mm[1::-1]).astype(int) + 2
    return max(8, int(farthest[0])), max(8, int(farthest[1]))


def sections(
    mask: BoolArray, spacing_mm: FloatArray, *, sections_per_slice: int, reach_mm: float
) -> npt.NDArray[np.float32]:
    """Signed distances in the plane at ``sections_per_slice`` sections a slice, positive inside.

    Parameters
    ----------
    mask : (n, ny, nx) bool array
        First and last slice empty, and :func:`rim_pixels` rows and columns on each side.
    spacing_mm : (3,) array
        x, y and slice.
    sections_per_slice : int
        The result has ``(n - 1) * sections_per_slice + 1`` sections; the first and last fall on slices.
    reach_mm : float
        Distances are cut off at plus and minus this value.
    """
    pixel_mm, slice_mm = spacing_mm[1::-1], float(spacing_mm[2])
    planes = [_plane_mm(layer, pixel_mm, reach_mm) if layer.any() else None for layer in mask]
    pixels = mask.sum(axis=(1, 2)).astype(np.float64)
    out = np.full(((len(mask) - 1) * sections_per_slice + 1, *mask.shape[1:]), -reach_mm, dtype=np.float32)
    for k in range(len(mask) - 1):
        below, above = planes[k], planes[k + 1]
        for j in range(sections_per_slice + 1):
            t = j / sections_per_slice
            layer = out[k * sections_per_slice + j]
            if below is not None and above is not None:
                layer[:] = _levelled((1 - t) * below + t * above, _area(pixels, k, t), _MAXIMUM_SHIFT * slice_mm)
            elif below is not None:
                np.maximum(layer, _capped(below, _cap(pixels, k, -1), t, slice_mm), out=layer)
            elif above is not None:
                np.maximum(layer, _capped(above, _cap(pixels, k + 1, 1), 1 - t, slice_mm), out=layer)
    return np.clip(out, -reach_mm, reach_mm)


class _Cap(NamedTuple):
    """Areas in pixels beyond the last slice, ``end + slope t + bend t^2``, until ``apex`` slices beyond it."""

    end: float
    slope: float
    bend: float
    apex: float


def _plane_mm(layer: BoolArray, pixel_mm: FloatArray, reach_mm: float) -> FloatArray:
    """Signed distance of one slice: from a blur near the outline, to the nearest pixel farther away."""
    half = float(pixel_mm.min()) / 2
    inner = distance_transform_edt(layer, sampling=pixel_mm) - half
    outer = half - distance_transform_edt(~layer, sampling=pixel_mm)
    distance = np.where(layer, inner, outer)
    blurred = blurred_distance(layer)
    near = np.abs(blurred) < _NEAR_PIXELS
    distance[near] = blurred[near] * math.sqrt(float(pixel_mm.prod()))
    return np.asarray(np.clip(distance, -reach_mm, reach_mm))


def _levelled(distance: FloatArray, pixels: float, maximum_mm: float = math.inf) -> FloatArray:
    """Shift distances, at most by ``maximum_mm``, so that ``pixels`` of them are positive."""
    # The n-th and (n+1)-th largest lie on both sides of the outline of n pixels.
    count = int(np.clip(round(pixels), 1, distance.size - 1))
    flat = distance.ravel()
    inside = np.partition(flat, flat.size - count)[-count]
    outside = flat[flat < inside].max(initial=-np.inf)
    level = inside if np.isinf(outside) else (inside + outside) / 2
    return np.asarray(distance - np.clip(level, -maximum_mm, maximum_mm))


def _area(pixels: FloatArray, k: int, t: float) -> float:
    """Area between slices k and k + 1: Catmull-Rom, exact for a parabola; neighbours that are empty are continued.

    A slice that is not empty has a neighbour on both sides, for the first and the last are empty.
    """
    here, there = pixels[k], pixels[k + 1]
    before = pixels[k - 1] if pixels[k - 1] > 0 else _continued(pixels, k, -1)
    after = pixels[k + 2] if pixels[k + 2] > 0 else _continued(pixels, k + 1, 1)
    bend = 2 * before - 5 * here + 4 * there - after + t * (3 * (here - there) + after - before)
    area = here + 0.5 * t * (there - before + t * bend)
    return float(np.clip(area, 0.5 * min(here, there), 1.5 * max(here, there)))


def _continued(pixels: FloatArray, end: int, step: int) -> float:
    """Area one slice beyond ``end``: by a parabola through the last three, by a line through two, or the same."""
    inner = pixels[end - step]
    if inner > 0 and pixels[end - 2 * step] > 0:
        return float(3 * pixels[end] - 3 * inner + pixels[end - 2 * step])
    return float(2 * pixels[end] - inner if inner > 0 else pixels[end])


def _cap(pixels: FloatArray, end: int, inward: int) -> _Cap:
    area, inner = float(pixels[end]), float(pixels[end + inward])
    if inner > 0 and pixels[end + 2 * inward] > 0:
        bend = (_continued(pixels, end, -inward) + inner) / 2 - area
        slope = area + bend - inner
        roots = np.roots([bend, slope, area]) if abs(bend) > 1e-9 * area else np.array([-area / (slope or -1e-9)])
        within = [root.real for root in roots if abs(root.imag) < 1e-9 and 0 < root.real < 1]
        if within:
            return _Cap(area, slope, bend, max(min(within), 0.05))
    return _Cap(area, 0.0, 0.0, 0.5)


def _capped(end_mm: FloatArray, cap: _Cap, t: float, slice_mm: float) -> FloatArray:
    """Section ``t`` slices beyond the last one: inside its outline, and not beyond the cap's apex."""
    reached = min(t, cap.apex)
    area = min(cap.end + cap.slope * reached + cap.bend * reached * reached, cap.end)
    return np.minimum(_levelled(end_mm, area), (cap.apex - t) * slice_mm)
