"""Whether a CT can be one: its values, its slices, and where bone lies in it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.cautions import Caution, caution
from hdrplan.errors import InputError
from hdrplan.geometry import Volume

__all__ = ["AIR_HU", "TRUNK_WIDTH_MM", "Skin", "coarse_ct", "doubts_of_ct", "joined_to_sides"]

# Voxels that are looked at along each axis: slices are judged on all of them, tissue on a raster.
_RASTER = 64
# HU: below lies air, lung or gas; above, cortical bone. Contrast medium rarely reaches it.
AIR_HU, BONE_HU = -300.0, 250.0
# A trunk seen in its whole width, so that spine and ribs are where the centre of bone says.
TRUNK_WIDTH_MM = 250.0
_BEHIND_MM = 15.0
# As long as the smallest lesions (register, "voxels-large").
_LARGE_MM = 8.0
# Outside the scanner's circle stands a mark, -1024 and below.
_PADDING_HU = -1023.0
# Scanners are calibrated to air at -1000 HU; four public CTs have their median within 37 HU of it.
_AIR_OFF_HU = 75.0
# A CT with noise has more values than this; on two public CTs the most frequent one above air has 0.7 % of the voxels.
_NOISY_VALUES, _FILLED_FRAC = 100, 0.1
# Soft tissue, 1024 HU too high.
_WATER_STORED = (800.0, 1400.0)
# No scanner writes beyond; 12 bits of stored numbers, unsigned wrapped ones.
_LARGEST_HU = 32_000.0


def doubts_of_ct(ct: Volume, *, where: object = None) -> list[Caution]:
    """Say what is odd about the values of a CT.

    Parameters
    ----------
    ct : Volume
        HU.
    where : object
        What messages name.

    Raises
    ------
    InputError
        Stored numbers without their rescale, or another image altogether.
    """
    coarse, _ = coarse_ct(ct.values_zyx)
    return [
        *_values(coarse, where),
        *_air(coarse),
        *_filled(coarse),
        *_slices(ct),
        *_equal_slices(ct),
        *_front_and_back(coarse, ct),
        *_large_voxels(ct),
    ]


def coarse_ct(values_zyx: FloatArray) -> tuple[FloatArray, list[int]]:
    """Return about 64 values along each axis, and the steps (z, y, x) between them."""
    steps = [max(1, n // _RASTER) for n in values_zyx.shape]
    return np.asarray(values_zyx[:: steps[0], :: steps[1], :: steps[2]]), steps


def _values(coarse: FloatArray, where: object) -> list[Caution]:
    low, high = float(coarse.min()), float(coarse.max())
    if low == high:
        return []
    # A fifth of the way down from the largest: metal and calcium do not decide.
    top = float(np.percentile(coarse, 99.0))
    if (low >= 0 and top > 600.0) or high > _LARGEST_HU:
        raise InputError(
            "a CT is in HU, air near -1000 and water 0",
            got=f"values from {low:g} to {high:g}",
            where=where,
            remedy="Are these stored numbers without their rescale intercept, an MR image or a dose?",
        )
    if high - low <= 2.0:
        return [caution("ct-values-unusual", low=low, high=high, what="normalised?")]
    # Noise takes air stored at 0 below it.
    shifted = float(((coarse > _WATER_STORED[0]) & (coarse < _WATER_STORED[1])).mean())
    if shifted > 0.2 and float((coarse < AIR_HU).mean()) < 0.01:
        return [caution("ct-values-unusual", low=low, high=high, what="1024 too high, the rescale intercept left out?")]
    if low >= 0 and high <= 255:
        return [caution("ct-values-unusual", low=low, high=high, what="grey values of a picture, or a label map?")]
    return []


def _air(coarse: FloatArray) -> list[Caution]:
    """Say where the air around the patient is not near -1000 HU: values that were scaled or shifted."""
    around = coarse[joined_to_sides(coarse < AIR_HU)]
    around = _without_padding(around)
    if len(around) < 0.05 * coarse.size or abs(float(np.median(around)) + 1000.0) <= _AIR_OFF_HU:
        return []
    low, high = float(coarse.min()), float(coarse.max())
    what = f"air around the patient at {np.median(around):.0f} HU: shifted or scaled?"
    return [caution("ct-values-unusual", low=low, high=high, what=what)]


def _without_padding(around: FloatArray) -> FloatArray:
    """Return the values of air: padding is one value far below it; noise down there is air that was scaled."""
    below = around[around < _PADDING_HU]
    counts = np.unique(below, return_counts=True)[1]
    is_air = len(below) > 0.5 * len(around) and len(counts) >= _NOISY_VALUES and counts.max() < 0.5 * len(below)
    return around if is_air else around[around >= _PADDING_HU]


def _filled(coarse: FloatArray) -> list[Caution]:
    """Say where one value that is not air fills much of a noisy CT: cut to a window, or blanked around the body."""
    values, counts = np.unique(coarse, return_counts=True)
    if len(values) < _NOISY_VALUES:
        return []
    most = int(counts.argmax())
    value, share = float(values[most]), float(counts[most]) / coarse.size
    if share < _FILLED_FRAC or value < AIR_HU:
        return []
    what = f"{share:.0%} of the voxels are {value:g}: cut to a window, or blanked around the patient?"
    return [caution("ct-values-unusual", low=float(values[0]), high=float(values[-1]), what=what)]


def _slices(ct: Volume) -> list[Caution]:
    """Say which slices were scaled otherwise: their mean jumps while their neighbours agree."""
    ny, nx = ct.grid.shape_zyx[1:]
    rows = ct.values_zyx[:, :: max(1, ny // _RASTER), :: max(1, nx // _RASTER)]
    mean = rows.mean(axis=(1, 2), dtype=np.float64)
    if len(mean) < 3:
        return []
    beside = (mean[:-2] + mean[2:]) / 2
    jump = mean[1:-1] - beside
    odd = np.flatnonzero((np.abs(jump) > 150.0) & (np.abs(mean[:-2] - mean[2:]) < 0.3 * np.abs(jump)))
    # The slices beside a jump jump back by half.
    odd = odd[[np.abs(jump[k]) >= np.abs(jump[max(0, k - 1) : k + 2]).max() for k in odd]] if len(odd) else odd
    return [caution("ct-slice-jumps", index=int(k) + 1, hu=float(jump[k])) for k in odd[:5]]


def _equal_slices(ct: Volume) -> list[Caution]:
    """Say which slices repeat the one before them, where most do not."""
    ny, nx = ct.grid.shape_zyx[1:]
    rows = ct.values_zyx[:, :: max(1, ny // _RASTER), :: max(1, nx // _RASTER)]
    alike = np.asarray((rows[1:] == rows[:-1]).all(axis=(1, 2)))
    differ = np.flatnonzero(~alike)
    if not len(differ) or len(differ) < len(alike) / 2:
        return []
    repeated = np.flatnonzero(alike[: differ[-1]])
    repeated = repeated[repeated > differ[0]]
    return [caution("ct-slices-equal", count=len(repeated), index=int(repeated[0]) + 2)] if len(repeated) else []


def _front_and_back(coarse: FloatArray, ct: Volume) -> list[Caution]:
    spacing = ct.grid.spacing_mm * [max(1, n // _RASTER) for n in ct.grid.shape_zyx[::-1]]
    body = coarse > AIR_HU
    bone = coarse > BONE_HU
    if bone.sum() < 0.005 * body.sum() or not body.any():
        return []
    at = np.argwhere(bone)[:, ::-1].mean(axis=0) - np.argwhere(body)[:, ::-1].mean(axis=0)
    off_mm = ct.grid.direction @ (at * spacing)
    box_mm = [body.any(axis=axes).sum() * s for axes, s in zip(((0, 1), (0, 2), (1, 2)), spacing, strict=True)]
    left_mm, behind_mm = float(off_mm[0]), float(off_mm[1])
    wide_mm, deep_mm = (float(v) for v in (np.abs(ct.grid.direction) @ box_mm)[:2])
    is_turned = deep_mm > wide_mm and abs(left_mm) > max(_BEHIND_MM, abs(behind_mm))
    if is_turned and deep_mm >= TRUNK_WIDTH_MM:
        side = "left" if left_mm > 0 else "right"
        return [caution("ct-turned", mm=abs(left_mm), side=side, wide_mm=wide_mm, deep_mm=deep_mm)]
    if box_mm[0] < TRUNK_WIDTH_MM or behind_mm > -_BEHIND_MM:
        return []
    return [caution("ct-flipped", mm=-behind_mm)]


def _large_voxels(ct: Volume) -> list[Caution]:
    """Say along which axis voxels are as long as the smallest lesions."""
    axis = int(np.argmax(ct.grid.spacing_mm))
    mm = float(ct.grid.spacing_mm[axis])
    return [caution("voxels-large", mm=mm, axis="xyz"[axis])] if mm >= _LARGE_MM else []


class Skin:
    """The air around the patient: what is joined to the sides of the CT, so that lungs and gas are none of it.

    Parameters
    ----------
    ct : Volume
    """

    __slots__ = ("_depth_mm", "_grid", "_step", "exists")

    def __init__(self, ct: Volume) -> None:
        step = np.array([max(1, round(5.0 / s)) for s in ct.grid.spacing_mm])
        air = ct.values_zyx[:: step[2], :: step[1], :: step[0]] < AIR_HU
        outside = joined_to_sides(air)
        self.exists = bool(outside.any()) and not bool(outside.all())
        self._grid, self._step = ct.grid, step
        spacing = (ct.grid.spacing_mm * step)[::-1]
        self._depth_mm = np.zeros((1, 1, 1))
        if self.exists:
            self._depth_mm = ndimage.distance_transform_edt(~outside, sampling=spacing)

    def depth_mm(self, points_mm: FloatArray) -> FloatArray:
        """Distance of points from the air outside, to 5 mm; 0 in it and beyond the CT."""
        index = np.rint(self._grid.index(points_mm) / self._step).astype(np.int64)[:, ::-1]
        held = ((index >= 0) & (index < self._depth_mm.shape)).all(axis=1)
        z, y, x = (index * held[:, None]).T
        return np.asarray(np.where(held, self._depth_mm[z, y, x], 0.0))


def joined_to_sides(air: BoolArray) -> BoolArray:
    """Return the air that is joined to the front, back, left or right of the images."""
    labels, _ = ndimage.label(air)
    faces = (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1])
    sides = np.unique(np.concatenate([face.ravel() for face in faces]))
    return np.isin(labels, sides[sides > 0])
