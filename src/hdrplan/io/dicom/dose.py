"""RT Dose: a dose grid in Gy, and the DVHs that came with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.cautions import Caution, caution
from hdrplan.geometry import Grid, Volume
from hdrplan.io.dicom.pixels import stored_pixels
from hdrplan.io.dicom.plane import ImagePlane, plane_of
from hdrplan.io.dicom.sop_classes import RT_DOSE, other_class
from hdrplan.io.dicom.tags import Tags, read_tags
from hdrplan.plausibility import doubts_of_dose

__all__ = ["DoseGrid", "StoredDVH", "dose_grid_of", "read_dose_grid"]

MAX_FRAMES = 4096
MAX_MATRIX = 8192
_GY = {"GY": 1.0, "CGY": 0.01}
# Fewer voxels may share the largest value by symmetry.
PLATEAU_VOXELS = 9


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class StoredDVH:
    """A DVH as stored, cumulative.

    Parameters
    ----------
    roi_number : int
    dose_gy : (n,) array
    volume : (n,) array
        That receives at least the dose: cc, or a fraction where ``relative``.
    relative : bool
    """

    roi_number: int
    dose_gy: FloatArray
    volume: FloatArray
    relative: bool


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
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
    warnings : tuple of Caution
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
    warnings: tuple[Caution, ...] = ()


def read_dose_grid(path: Path) -> DoseGrid:
    """Read an RT Dose.

    Raises
    ------
    FormatError
        Another kind of file, relative units, frames at irregular distances, tags missing or impossible.
    """
    return dose_grid_of(read_tags(path))


def dose_grid_of(tags: Tags) -> DoseGrid:
    """Return the dose grid of a file.

    Raises
    ------
    FormatError
        As :func:`read_dose_grid`.
    """
    if tags.text("SOPClassUID") != RT_DOSE:
        raise other_class(tags, "RT Dose", RT_DOSE)
    units = tags.text("DoseUnits", "GY").upper()
    if units not in _GY:
        raise tags.error("DoseUnits", "GY", repr(units), "Export the dose in Gy, not relative.")
    scaling_gy = tags.number("DoseGridScaling") * _GY[units]
    if not scaling_gy > 0:
        raise tags.error("DoseGridScaling", "positive", scaling_gy)
    kind = tags.text("DoseType", "PHYSICAL").upper()
    if kind != "PHYSICAL":
        raise tags.error(
            "DoseType", "PHYSICAL", kind, "A biologically effective dose, or a difference, is no dose in Gy."
        )
    taken = {"DoseUnits": "Gy", "DoseType": "a physical dose"}
    unsaid = {keyword: what for keyword, what in taken.items() if not tags.has(keyword)}
    warnings: list[Caution] = []
    if unsaid:
        missing, assumed = " nor ".join(unsaid), " and ".join(unsaid.values())
        warnings.append(caution("dose-meaning-not-stated", missing=missing, assumed=assumed))
    frames = tags.whole("NumberOfFrames", 1)
    rows, columns = tags.whole("Rows"), tags.whole("Columns")
    if not (0 < frames <= MAX_FRAMES and 0 < rows <= MAX_MATRIX and 0 < columns <= MAX_MATRIX):
        raise tags.error(
            "NumberOfFrames", f"1 to {MAX_FRAMES}, rows and columns at most {MAX_MATRIX}", (frames, rows, columns)
        )
    stored = stored_pixels(tags, (frames, rows, columns))
    grid, order = _grid(tags, (frames, rows, columns), warnings)
    if not np.array_equal(order, np.arange(frames)):
        stored = stored[order]
    if float(stored.min()) < 0:
        warnings.append(caution("dose-negative", count=int((stored < 0).sum())))
    media = tags.text("TissueHeterogeneityCorrection", "").upper()
    if "IMAGE" in media or "ROI_OVERRIDE" in media:
        how = " and ".join(word for word in ("IMAGE", "ROI_OVERRIDE") if word in media)
        warnings.append(caution("dose-of-media", how=how))
    moved = tags.text("SpatialTransformOfDose", "NONE").upper()
    if moved not in ("", "NONE"):
        warnings.append(caution("dose-transformed", how=moved))
    volume = Volume(grid, (stored * scaling_gy).astype(np.float32))
    warnings += doubts_of_dose(volume)
    return DoseGrid(
        volume=volume,
        scaling_gy=scaling_gy,
        summation=tags.text("DoseSummationType", ""),
        full_scale_gy=_full_scale_gy(tags, stored, scaling_gy, warnings),
        plan_uid=_referred_uid(tags, "ReferencedRTPlanSequence"),
        structures_uid=_referred_uid(tags, "ReferencedStructureSetSequence"),
        frame_uid=tags.text("FrameOfReferenceUID", ""),
        uid=tags.text("SOPInstanceUID", ""),
        dvhs=_dvhs(tags, warnings),
        warnings=tuple(warnings),
    )


def _referred_uid(tags: Tags, sequence: str) -> str:
    items = tags.items(sequence)
    return items[0].text("ReferencedSOPInstanceUID", "") if items else ""


def _full_scale_gy(tags: Tags, stored: npt.NDArray[Any], scaling_gy: float, warnings: list[Caution]) -> float | None:
    """Where the dose tops out; None where its largest value is a dose like any other."""
    top = int(stored.max())
    bits = tags.whole("BitsStored", tags.whole("BitsAllocated"))
    largest = 2 ** (bits - (1 if tags.whole("PixelRepresentation", 0) else 0)) - 1
    at_top = int((stored == top).sum())
    if top <= 0 or not (at_top >= PLATEAU_VOXELS or (top == largest and at_top > 1)):
        return None
    warnings.append(caution("dose-full-scale", top_gy=top * scaling_gy, count=at_top))
    return top * scaling_gy


def _grid(tags: Tags, shape_zyx: tuple[int, int, int], warnings: list[Caution]) -> tuple[Grid, IntArray]:
    """Grid of the frames in rising order along its third axis, and the order that puts them so."""
    plane = plane_of(tags)
    if shape_zyx[0] == 1:
        step_mm = tags.number("SliceThickness", float(plane.spacing_mm[0]))
        warnings.append(caution("dose-one-frame", step_mm=step_mm))
        return plane.grid(shape_zyx, first_mm=plane.position_mm, step_mm=abs(step_mm)), np.arange(1)
    offsets_mm = _offsets_mm(tags, shape_zyx[0], plane)
    order = np.argsort(offsets_mm, kind="stable")
    steps_mm = np.diff(offsets_mm[order])
    step_mm = float(steps_mm.mean())
    if step_mm == 0 or np.abs(steps_mm - step_mm).max() > 0.01 * abs(step_mm) + 0.005:
        raise tags.error(
            "GridFrameOffsetVector", "at regular distances", f"distances {np.unique(steps_mm.round(3)).tolist()[:6]} mm"
        )
    first_mm = plane.position_mm + plane.normal * offsets_mm[order[0]]
    return plane.grid(shape_zyx, first_mm=first_mm, step_mm=step_mm), order


def _offsets_mm(tags: Tags, frames: int, plane: ImagePlane) -> FloatArray:
    """Distances of the frames from the first, along the normal."""
    offsets_mm = tags.numbers("GridFrameOffsetVector", frames)
    if abs(offsets_mm[0]) <= 1e-6:
        return offsets_mm
    # Second way of PS3.3 C.8.8.3.2: patient z coordinates of the frames, transverse planes only.
    z_mm, upright = plane.position_mm[2], float(plane.normal[2])
    if abs(offsets_mm[0] - z_mm) > 0.01 or abs(abs(upright) - 1) > 1e-4:
        raise tags.error("GridFrameOffsetVector", f"0 or {z_mm:g} (ImagePositionPatient z) first", offsets_mm[0])
    return np.asarray((offsets_mm - offsets_mm[0]) * np.sign(upright))


def _dvhs(tags: Tags, warnings: list[Caution]) -> tuple[StoredDVH, ...]:
    dvhs = []
    for item in tags.items("DVHSequence"):
        rois = item.items("DVHReferencedROISequence")
        pairs = item.decimals("DVHData", multiple_of=2).reshape(-1, 2)
        if not rois or not len(pairs):
            continue
        number = rois[0].whole("ReferencedROINumber", -1)
        kind, units = item.text("DVHType", "").upper(), item.text("DoseUnits", "GY").upper()
        volumes = item.text("DVHVolumeUnits", "CM3").upper()
        unread = [kind] if kind not in ("CUMULATIVE", "DIFFERENTIAL") or units not in _GY else []
        if item.text("DoseType", "PHYSICAL").upper() != "PHYSICAL":
            unread.append(f"{item.text('DoseType').upper()} dose")
        if volumes not in ("CM3", "PERCENT"):
            unread.append(f"volumes {volumes}")
        if [roi.text("DVHROIContributionType", "INCLUDED").upper() for roi in rois] != ["INCLUDED"]:
            unread.append("several ROIs together")
        if unread:
            warnings.append(caution("dvh-not-read", roi=number, kind=", ".join(unread), units=units))
            continue
        # Bin widths, and what lies above the lower edge of each bin or in it (PS3.3 C.8.8.4).
        scale = item.number("DVHDoseScaling", 1.0) * _GY[units]
        edges_gy = np.concatenate(([0.0], np.cumsum(pairs[:-1, 0]))) * scale
        volume = pairs[:, 1] if kind == "CUMULATIVE" else np.cumsum(pairs[::-1, 1])[::-1]
        percent = volumes == "PERCENT"
        volume = volume / (100.0 if percent else 1.0)
        dvhs.append(StoredDVH(roi_number=number, dose_gy=edges_gy, volume=volume, relative=percent))
    return tuple(dvhs)
