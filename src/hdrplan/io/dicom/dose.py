"""RT Dose: a dose grid in Gy, and the DVHs that came with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.geometry import Grid, Volume
from hdrplan.io.dicom.pixels import stored_pixels
from hdrplan.io.dicom.tags import Tags, read_tags

__all__ = ["DoseGrid", "StoredDVH", "read_dose_grid"]

RT_DOSE = "1.2.840.10008.5.1.4.1.1.481.2"
MAX_FRAMES = 4096
_GY = {"GY": 1.0, "CGY": 0.01}
# Fewer voxels may share the largest value by symmetry.
PLATEAU_VOXELS = 9


@dataclass(frozen=True, slots=True, eq=False)
class StoredDVH:
    """A cumulative DVH as stored: volume (cc, or fraction where ``relative``) that receives at least ``dose_gy``."""

    roi_number: int
    dose_gy: FloatArray
    volume: FloatArray
    relative: bool


@dataclass(frozen=True, slots=True, eq=False)
class DoseGrid:
    """A dose grid and what it refers to.

    Parameters
    ----------
    volume : Volume
        Gy, float32.
    scaling_gy : float
        Gy per stored unit: half of it is the quantisation error.
    summation : str
        "PLAN", "FRACTION", "BRACHY", ...
    full_scale_gy : float or None
        Where the dose tops out: the largest value, shared by a plateau of voxels or equal to the largest number the
        pixels can hold. Voxels at it are not doses.
    plan_uid, structures_uid, frame_uid, uid : str
    dvhs : tuple of StoredDVH
    warnings : tuple of str
    """

    volume: Volume
    scaling_gy: float
    summation: str
    full_scale_gy: float | None
    plan_uid: str
    structures_uid: str
    frame_uid: str
    uid: str
    dvhs: tuple[StoredDVH, ...] = ()
    warnings: tuple[str, ...] = ()


def read_dose_grid(path: Path) -> DoseGrid:
    """Read an RT Dose.

    Raises
    ------
    FormatError
        Another kind of file, relative units, frames at irregular distances, tags missing or impossible.
    """
    tags = read_tags(path)
    if tags.text("SOPClassUID") != RT_DOSE:
        raise tags.error("SOPClassUID", f"RT Dose ({RT_DOSE})", tags.text("SOPClassUID"))
    units = tags.text("DoseUnits", "GY").upper()
    if units not in _GY:
        raise tags.error("DoseUnits", "GY", repr(units), "Export the dose in Gy, not relative.")
    scaling = tags.number("DoseGridScaling") * _GY[units]
    if not scaling > 0:
        raise tags.error("DoseGridScaling", "positive", scaling)
    warnings: list[str] = []
    frames = tags.whole("NumberOfFrames", 1)
    rows, columns = tags.whole("Rows"), tags.whole("Columns")
    if not (0 < frames <= MAX_FRAMES and 0 < rows <= 8192 and 0 < columns <= 8192):
        raise tags.error("NumberOfFrames", f"1 to {MAX_FRAMES}, rows and columns at most 8192", (frames, rows, columns))
    stored = stored_pixels(tags, (frames, rows, columns))
    grid, order = _grid(tags, (frames, rows, columns), warnings)
    stored = stored[order]
    values = (stored * scaling).astype(np.float32)
    if float(stored.min()) < 0:
        warnings.append(f"{int((stored < 0).sum())} voxels have a negative dose")
    top = int(stored.max())
    bits = tags.whole("BitsStored", tags.whole("BitsAllocated"))
    largest = 2 ** (bits - (1 if tags.whole("PixelRepresentation", 0) else 0)) - 1
    at_top = int((stored == top).sum())
    clipped = top > 0 and (at_top >= PLATEAU_VOXELS or (top == largest and at_top > 1))
    if clipped:
        warnings.append(f"the dose tops out at {top * scaling:.4g} Gy in {at_top} voxels: they hold no dose")
    plans = tags.items("ReferencedRTPlanSequence")
    structures = tags.items("ReferencedStructureSetSequence")
    return DoseGrid(
        Volume(grid, values),
        scaling,
        tags.text("DoseSummationType", ""),
        top * scaling if clipped else None,
        plans[0].text("ReferencedSOPInstanceUID", "") if plans else "",
        structures[0].text("ReferencedSOPInstanceUID", "") if structures else "",
        tags.text("FrameOfReferenceUID", ""),
        tags.text("SOPInstanceUID", ""),
        _dvhs(tags, warnings),
        tuple(warnings),
    )


def _grid(tags: Tags, shape: tuple[int, int, int], warnings: list[str]) -> tuple[Grid, slice]:
    """Grid of the frames in rising order along its third axis, and the slice that puts them so."""
    spacing = tags.numbers("PixelSpacing", 2)
    orientation = tags.numbers("ImageOrientationPatient", 6)
    position = tags.numbers("ImagePositionPatient", 3)
    row, column = orientation[:3], orientation[3:]
    if np.abs(np.linalg.norm(orientation.reshape(2, 3), axis=1) - 1).max() > 1e-3 or abs(row @ column) > 1e-3:
        raise tags.error("ImageOrientationPatient", "two perpendicular unit vectors", orientation.round(4).tolist())
    if not (spacing > 0).all():
        raise tags.error("PixelSpacing", "positive (mm)", spacing.tolist())
    normal = np.cross(row, column)
    offsets = tags.numbers("GridFrameOffsetVector", shape[0]) if shape[0] > 1 else np.zeros(1)
    if shape[0] == 1:
        step = tags.number("SliceThickness", float(spacing[0]))
        warnings.append(f"one frame only; taken as {step:g} mm thick")
        offsets = np.zeros(1)
    elif abs(offsets[0]) > 1e-6:
        # Second way of PS3.3 C.8.8.3.2: patient z coordinates of the frames, transverse planes only.
        if abs(offsets[0] - position[2]) > 0.01 or abs(abs(float(normal[2])) - 1) > 1e-4:
            raise tags.error(
                "GridFrameOffsetVector", f"0 or {position[2]:g} (ImagePositionPatient z) first", offsets[0]
            )
        offsets = (offsets - offsets[0]) * np.sign(normal[2])
    steps = np.diff(offsets)
    if len(steps):
        step = float(steps.mean())
        if step == 0 or np.abs(steps - step).max() > 0.01 * abs(step) + 0.005:
            raise tags.error(
                "GridFrameOffsetVector",
                "at regular distances",
                f"distances {np.unique(steps.round(3)).tolist()[:6]} mm",
            )
    order = slice(None)
    if step < 0:
        order = slice(None, None, -1)
        position = position + normal * offsets[-1]
    grid = Grid(
        shape_zyx=shape,
        origin_mm=position,
        spacing_mm=np.array([spacing[1], spacing[0], abs(step)]),
        direction=np.column_stack((row, column, normal)),
    )
    return grid, order


def _dvhs(tags: Tags, warnings: list[str]) -> tuple[StoredDVH, ...]:
    dvhs = []
    for item in tags.items("DVHSequence"):
        rois = item.items("DVHReferencedROISequence")
        if not rois or not item.has("DVHData"):
            continue
        number = rois[0].whole("ReferencedROINumber", -1)
        kind, units = item.text("DVHType", "").upper(), item.text("DoseUnits", "GY").upper()
        if kind != "CUMULATIVE" or units not in _GY:
            warnings.append(f"DVH of ROI {number} is {kind} in {units}: not read")
            continue
        # Bin widths and the cumulative volume at the lower edge of each bin (PS3.3 C.8.8.4).
        pairs = item.numbers("DVHData", multiple_of=2).reshape(-1, 2)
        scale = item.number("DVHDoseScaling", 1.0) * _GY[units]
        edges = np.concatenate(([0.0], np.cumsum(pairs[:-1, 0]))) * scale
        percent = item.text("DVHVolumeUnits", "CM3").upper() == "PERCENT"
        dvhs.append(StoredDVH(number, edges, pairs[:, 1] / (100.0 if percent else 1.0), percent))
    return tuple(dvhs)
