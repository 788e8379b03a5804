"""Places near the skin where a thin line crosses it: there every catheter comes in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.tracing.scene import Scene

__all__ = ["seeds"]

# Looked at, in mm below the skin.
_FROM_MM, _TO_MM = -30.0, 14.0
# The mask of the body is coarse: its rim, 4 mm, counts as tissue, where a line may be darker than what is around it.
_RIM_MM = -4.0
_VOXEL_MM, _AROUND_MM = 1.0, 3.0
# HU above or below the mean of the surroundings, or so many times the noise.
_STANDS_OUT_HU, _NOISES = 15.0, 3.0
# Second differences are taken over this distance, or over a voxel.
_APART_MM = 1.5
# A line bends strongly across and not along: the least second difference of the two across in HU, its share of the
# larger one, and the sine of the angle at which it meets the skin (a needle does not go along it; folds and straps do).
_BEND_HU, _ROUND, _SINE = 13.0, 0.35, 0.3


def seeds(scene: Scene) -> tuple[FloatArray, FloatArray]:
    """Points (n, 3) of thin lines that cross the skin, the clearest first, and their directions (n, 3) inwards."""
    points = _peaks(scene)
    curvature, axes = _curvature(scene, points)
    direction = axes[:, :, 0]
    inwards = _slope(scene, points)
    rise = np.einsum("ij,ij->i", direction, inwards)
    weaker, stronger = np.abs(curvature[:, 1]), np.abs(curvature[:, 2])
    lines = (
        (np.sign(curvature[:, 1]) == np.sign(curvature[:, 2]))
        & (weaker - np.abs(curvature[:, 0]) > _ROUND * stronger)
        & (weaker > _BEND_HU)
        & (np.abs(rise) > _SINE)
    )
    order = np.flatnonzero(lines)[np.argsort(-weaker[lines], kind="stable")]
    return points[order], (direction * np.sign(rise)[:, None])[order]


def _peaks(scene: Scene) -> FloatArray:
    """Voxels near the skin that stand out of their surroundings more than all neighbours do."""
    spacing = scene.grid.spacing_mm[::-1]
    stride = np.maximum(1, np.rint(_VOXEL_MM / spacing)).astype(int)
    thin = scene.smooth_zyx[:: stride[0], :: stride[1], :: stride[2]]
    size = 2 * np.rint(_AROUND_MM / (spacing * stride)).astype(int) + 1
    stands_out = thin - ndimage.uniform_filter(thin, size)
    depth = scene.depth_zyx[np.ix_(*(_coarse(n, a, b, m) for n, a, b, m in _axes(scene, thin.shape, stride)))]
    strength = np.where(depth < _RIM_MM, stands_out, np.abs(stands_out))
    strength[(depth < _FROM_MM) | (depth > _TO_MM) | (strength < max(_STANDS_OUT_HU, _NOISES * scene.noise_hu))] = 0.0
    peaks: BoolArray = (strength == ndimage.maximum_filter(strength, size=5)) & (strength > 0)
    return scene.grid.world((np.argwhere(peaks) * stride)[:, ::-1])


def _axes(scene: Scene, shape: tuple[int, ...], stride: npt.NDArray[np.int64]) -> list[tuple[int, int, int, int]]:
    return list(zip(shape, stride.tolist(), scene.stride.tolist(), scene.depth_zyx.shape, strict=True))


def _coarse(count: int, fine: int, coarse: int, most: int) -> npt.NDArray[np.int64]:
    """Which coarse voxel each fine one lies in, along one axis."""
    return np.minimum((np.arange(count) * fine + coarse // 2) // coarse, most - 1)


def _curvature(scene: Scene, points_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Principal second differences (n, 3) in HU, the weakest first, and their unit axes (n, 3, 3) as columns."""
    apart_mm = np.maximum(_APART_MM, np.abs(scene.grid.direction) @ scene.grid.spacing_mm)
    steps = np.diag(apart_mm)
    middle = scene.smooth_at(points_mm)
    second = np.empty((len(points_mm), 3, 3))
    for i in range(3):
        second[:, i, i] = scene.smooth_at(points_mm + steps[i]) + scene.smooth_at(points_mm - steps[i]) - 2.0 * middle
        for j in range(i):
            same = sum(scene.smooth_at(points_mm + s * (steps[i] + steps[j])) for s in (1, -1))
            other = sum(scene.smooth_at(points_mm + s * (steps[i] - steps[j])) for s in (1, -1))
            second[:, i, j] = second[:, j, i] = (same - other) / 4.0
    values, axes = np.linalg.eigh(second)
    order = np.argsort(np.abs(values), axis=1)
    axes = np.take_along_axis(axes, order[:, None, :], axis=2) * apart_mm[:, None]
    return np.take_along_axis(values, order, axis=1), axes / np.linalg.norm(axes, axis=1, keepdims=True)


def _slope(scene: Scene, points_mm: FloatArray) -> FloatArray:
    """Return unit vectors into the body (n, 3): where the depth grows."""
    wide = np.eye(3) * 6.0
    slope = np.stack([scene.depth_at(points_mm + s) - scene.depth_at(points_mm - s) for s in wide], axis=-1)
    return np.asarray(slope / np.maximum(np.linalg.norm(slope, axis=-1, keepdims=True), 1e-9))
