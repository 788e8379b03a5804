"""Volumes and masks packed for the browser: cropped, whole numbers, predicted, deflated, base64.

The page undoes each step with what every browser has (DecompressionStream) in ``assets/volume.js``. Precision is
stated in the report: CT in steps of ``step`` HU, dose in steps of 0.01 Gy up to 655.35 Gy.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, adopt
from hdrplan.deflating import zlib_stream
from hdrplan.dose import Shape
from hdrplan.geometry import Grid, Structure, Volume, box_of

__all__ = ["DOSE_STEP_GY", "LEVEL_STEP_MM", "corners_mm", "ct_pack", "dose_pack", "mask_pack", "shape_pack"]

# Half a step (0.005 Gy) is a hundredth of the dose change over 0.1 mm at the edge of a 20 Gy isodose.
DOSE_STEP_GY = 0.01
# Half a step moves an outline by 2.5 micrometres.
LEVEL_STEP_MM = 0.005
# CT takes most of a report's 8 MB; beyond this share it is cropped and coarsened, and the report says so.
CT_BUDGET_BYTES = 6_000_000
DOSE_POINTS = 6_000_000
_CT_MARGIN_MM = 25.0
# Neighbours along each axis: all but the last, and all but the first.
_PAIRS = tuple(
    ((*(slice(None),) * axis, slice(None, -1)), (*(slice(None),) * axis, slice(1, None))) for axis in range(3)
)


def _frame(grid: Grid) -> dict[str, Any]:
    return {
        "shape": list(grid.shape_zyx),
        "origin": [round(float(v), 6) for v in grid.origin_mm],
        "spacing": [round(float(v), 9) for v in grid.spacing_mm],
        "direction": [round(float(v), 9) for v in grid.direction.ravel()],
    }


def _packed(values: npt.NDArray[Any]) -> str:
    """Predict, fold the sign, split high and low bytes, deflate.

    Each value is predicted by its left, upper and upper-left neighbour (Lorenzo's predictor in the slice plane);
    what is left is small and compresses to about half. Slice by slice: a CT of 100 million voxels took 1 GB at once.
    """
    n, (_, rows, columns) = values.size, values.shape
    planes, done = np.empty((2, n), dtype=np.uint8), 0
    across, rest = np.empty((rows, columns), dtype=np.int16), np.empty((rows, columns), dtype=np.int16)
    for layer in values:
        whole = layer.astype(np.int16, copy=False)
        across[:, :1] = whole[:, :1]
        np.subtract(whole[:, 1:], whole[:, :-1], out=across[:, 1:])
        rest[:1] = across[:1]
        np.subtract(across[1:], across[:-1], out=rest[1:])
        folded = ((rest << 1) ^ (rest >> 15)).astype("<i2").view(np.uint8).ravel()
        until = done + layer.size
        planes[0, done:until], planes[1, done:until] = folded[::2], folded[1::2]
        done = until
    # What is left repeats in runs only: this strategy is four times as fast on CT as the default, and no larger.
    stream = zlib_stream(planes.data.cast("B"), level=6, strategy=zlib.Z_RLE)
    return base64.b64encode(b"".join(stream)).decode("ascii")


def _cropped(volume: Volume, points_mm: FloatArray, margin_mm: float) -> Volume:
    """Return the part of a volume that holds the points and a margin round them."""
    index = volume.grid.index(points_mm)
    pad = np.ceil(margin_mm / volume.grid.spacing_mm)
    last = np.subtract(volume.grid.shape_zyx[::-1], 1)
    low = np.clip(np.floor(index.min(axis=0) - pad), 0, last).astype(int)
    high = np.clip(np.ceil(index.max(axis=0) + pad), low, last).astype(int)
    box = tuple(slice(int(a), int(b) + 1) for a, b in zip(low[::-1], high[::-1], strict=True))
    values = volume.values_zyx[box]
    return Volume(volume.grid.box(low, (values.shape[0], values.shape[1], values.shape[2])), values)


def corners_mm(grid: Grid) -> FloatArray:
    """Centres of the eight corner voxels, (8, 3)."""
    last = np.subtract(grid.shape_zyx[::-1], 1)
    return grid.world(np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) * last)


def ct_pack(
    ct: Volume, must_see_mm: FloatArray, may_see_mm: FloatArray, budget_bytes: int = CT_BUDGET_BYTES
) -> dict[str, Any]:
    """CT for the viewer.

    Parameters
    ----------
    ct : Volume
        HU.
    must_see_mm, may_see_mm : (n, 3) arrays
        Points that the picture must hold (dose grid, CTV, catheters), and those it should (all structures).
    budget_bytes : int
        Size of the packed text to stay below. Tried in turn: the whole CT, the part round all structures, the part
        round what must be seen; of that, steps of 2, 4 and 8 HU, then every second and third voxel.

    Returns
    -------
    dict
        Frame, ``offset`` and ``step`` (value = offset + step * stored), ``data`` and a ``note`` on crop and precision.
    """
    whole = _whole_hu(ct)
    cuts: dict[str, Callable[[], Volume]] = {
        "the whole CT": lambda: whole,
        "the CT round the structures": lambda: _cropped(whole, np.vstack((must_see_mm, may_see_mm)), _CT_MARGIN_MM),
        "the CT round the dose grid": lambda: _cropped(whole, must_see_mm, _CT_MARGIN_MM),
    }
    close = "the CT round the dose grid"
    attempts = (
        [(name, 1, 1) for name in cuts] + [(close, step, 1) for step in (2, 4, 8)] + [(close, 4, 2), (close, 8, 3)]
    )
    volume, note = whole, "the whole CT"
    for name, step, stride in attempts:
        if name != note:
            volume, note = cuts[name](), name
        # 16 bits deflate to no less than a tenth: do not try what cannot fit.
        if volume.grid.size * 2 / 10 > budget_bytes and (name, step, stride) != attempts[-1]:
            continue
        stored = volume.values_zyx[::stride, ::stride, ::stride]
        grid = Grid(
            shape_zyx=(stored.shape[0], stored.shape[1], stored.shape[2]),
            origin_mm=volume.grid.origin_mm,
            spacing_mm=volume.grid.spacing_mm * stride,
            direction=volume.grid.direction,
        )
        from_zero = stored + np.int16(1024 + step // 2)
        if step > 1:
            from_zero //= np.int16(step)
        data = _packed(from_zero)
        if len(data) <= budget_bytes:
            break
    note += f", in steps of {step} HU from -1024 to 3071 HU" + (f", every {stride}. voxel" if stride > 1 else "")
    return _frame(grid) | {"offset": -1024, "step": step, "data": data, "note": note}


def _whole_hu(ct: Volume) -> Volume:
    """CT as whole numbers from -1024 to 3071; the CT itself where it is one."""
    values = ct.values_zyx if ct.values_zyx.dtype.kind in "iu" else np.rint(ct.values_zyx.astype(np.float32))
    if values.dtype == np.int16 and values.min() >= -1024 and values.max() <= 3071:
        return ct
    return Volume(ct.grid, adopt(np.clip(values, -1024, 3071).astype(np.int16, copy=False)))


def dose_pack(dose: Volume) -> dict[str, Any]:
    """Dose for the viewer, in whole steps of 0.01 Gy; what lies above 655.35 Gy is shown as that.

    Beyond six million points, every second or third point along the finest axes is kept, and the note says so.
    """
    stride = np.ones(3, dtype=int)
    while np.prod(-(-np.array(dose.grid.shape_zyx[::-1]) // stride)) > DOSE_POINTS:
        stride[np.argmin(dose.grid.spacing_mm * stride)] += 1
    values = dose.values_zyx[:: stride[2], :: stride[1], :: stride[0]]
    shape = (values.shape[0], values.shape[1], values.shape[2])
    grid = Grid(
        shape_zyx=shape,
        origin_mm=dose.grid.origin_mm,
        spacing_mm=dose.grid.spacing_mm * stride,
        direction=dose.grid.direction,
    )
    steps = np.clip(np.rint(values / np.float64(DOSE_STEP_GY)), 0, 65535).astype(np.uint16)
    points = " x ".join(str(n) for n in shape[::-1])
    spacing = " x ".join(f"{s:g}" for s in grid.spacing_mm)
    note = (
        f"dose on {points} points, {spacing} mm apart, in steps of {DOSE_STEP_GY:g} Gy up to 655.35 Gy, linear between"
    )
    if stride.max() > 1:
        note += f" (every {' x '.join(str(n) for n in stride)}. point of the dose grid)"
    return _frame(grid) | {"offset": 0, "step": DOSE_STEP_GY, "data": _packed(steps.view(np.int16)), "note": note}


def mask_pack(structure: Structure) -> dict[str, Any]:
    """Mask of one structure, cropped to itself, one bit a voxel."""
    box = box_of(structure.mask_zyx)
    mask = structure.mask_zyx[box]
    grid = structure.grid.box([side.start for side in box[::-1]], mask.shape)
    bits = np.packbits(mask.ravel(), bitorder="little").tobytes()
    return _frame(grid) | {"bits": base64.b64encode(zlib.compress(bits, 6)).decode("ascii")}


def shape_pack(shape: Shape) -> dict[str, Any]:
    """Level of a shape in steps of 0.005 mm where its surface passes, and its side of the surface elsewhere.

    Inside is what is not negative; rounding never moves a point of the grid to the other side.
    """
    inside = shape.level_zyx >= 0
    near = _beside_surface(inside)
    level = shape.level_zyx[near]
    steps = np.rint(level / LEVEL_STEP_MM)
    steps = np.where(level < 0, np.minimum(steps, -1), steps)
    farthest = int(min(32000.0, float(np.abs(steps).max(initial=1.0))))
    # Nothing is drawn beyond the last corner beside the surface; a shape's grid reaches some voxels farther.
    box = box_of(near | ~near.any())
    values = np.where(inside, np.int16(farthest), np.int16(-farthest))
    values[near] = np.clip(steps, -32000, 32000)
    values = values[box]
    shape_zyx = (values.shape[0], values.shape[1], values.shape[2])
    grid = shape.grid.box([side.start for side in box[::-1]], shape_zyx)
    return _frame(grid) | {"offset": 0, "step": LEVEL_STEP_MM, "data": _packed(values)}


def _beside_surface(inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Corners of the cells that have corners on both sides."""
    some, every = inside, inside
    for low, high in _PAIRS:
        some, every = some[low] | some[high], every[low] & every[high]
    mixed = some & ~every
    for axis, (low, high) in enumerate(_PAIRS):
        shape = list(mixed.shape)
        shape[axis] += 1
        near = np.zeros(shape, dtype=np.bool_)
        near[low] |= mixed
        near[high] |= mixed
        mixed = near
    return mixed
