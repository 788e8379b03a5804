"""Slices of one CT series: all alike, at regular distances, upright; then stacked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.cautions import Caution, caution
from hdrplan.errors import FormatError
from hdrplan.geometry import Grid
from hdrplan.io.dicom.pixels import stored_pixels
from hdrplan.io.dicom.plane import ImagePlane, plane_of
from hdrplan.io.dicom.sop_classes import ENHANCED_CT
from hdrplan.io.dicom.tags import Tags, read_tags

__all__ = ["Slice", "Stack", "read_slices", "stack_of"]

MAX_MATRIX = 8192
# Positions are written with up to 16 characters; scanners round them to some micrometres.
POSITION_MM = 0.05


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Slice:
    """One slice.

    Parameters
    ----------
    tags : Tags
    plane : ImagePlane
    rows_columns : tuple of int
    """

    tags: Tags
    plane: ImagePlane
    rows_columns: tuple[int, int]

    def hu(self) -> npt.NDArray[np.float32]:
        """Return the pixels in HU, (rows, columns)."""
        slope, intercept = self.tags.number("RescaleSlope", 1.0), self.tags.number("RescaleIntercept", 0.0)
        stored = stored_pixels(self.tags, (1, *self.rows_columns))[0]
        hu: npt.NDArray[np.float32] = (stored * slope + intercept).astype(np.float32)
        return hu


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Stack:
    """Slices in their order, with their places on a regular grid.

    Parameters
    ----------
    slices : tuple of Slice
    index : (n,) int array
        Place of each slice; some may be missing between them.
    step_mm : float
        From one place to the next.
    """

    slices: tuple[Slice, ...]
    index: IntArray
    step_mm: float

    @property
    def count(self) -> int:
        """Number of places."""
        return int(self.index[-1]) + 1

    def grid(self) -> Grid:
        """Return the voxels of all places."""
        first = self.slices[0]
        shape_zyx = (self.count, *first.rows_columns)
        return first.plane.grid(shape_zyx, first_mm=first.plane.position_mm, step_mm=self.step_mm)

    def hu(self) -> npt.NDArray[Any]:
        """Return the HU of all places, int16 where the numbers allow it; missing slices are interpolated."""
        rows, columns = self.slices[0].rows_columns
        hu = np.empty((self.count, rows, columns), dtype=np.float32)
        for k, image in zip(self.index, self.slices, strict=True):
            hu[int(k)] = image.hu()
        for low, high in pairwise(self.index):
            for k in range(int(low) + 1, int(high)):
                fraction = (k - low) / (high - low)
                hu[k] = np.rint((1 - fraction) * hu[int(low)] + fraction * hu[int(high)])
        if np.abs(hu).max() < 32767 and (hu == np.rint(hu)).all():
            return hu.astype(np.int16)
        return hu

    def uids(self) -> tuple[str, ...]:
        """Return the SOP instance UID of each place; empty text where a slice is missing."""
        uids = [""] * self.count
        for k, image in zip(self.index, self.slices, strict=True):
            uids[int(k)] = image.tags.text("SOPInstanceUID", "")
        return tuple(uids)


def read_slices(paths: Sequence[Path], *, pixels: bool = True) -> list[Slice]:
    """Read the slices of one series, in the order of the paths.

    Raises
    ------
    FormatError
        A multi-frame CT; slices of different size, spacing, orientation or frame; tags missing or impossible.
    """
    slices = [_slice(path, pixels=pixels) for path in paths]
    for other in slices[1:]:
        _refuse_other(slices[0], other)
    return slices


def stack_of(slices: Sequence[Slice], warnings: list[Caution], *, pixels: bool) -> Stack:
    """Sort slices along their normal and find their places on a regular grid.

    Parameters
    ----------
    slices : sequence of Slice
        From :func:`read_slices`.
    warnings : list of Caution
        Missing and doubled slices are reported here.
    pixels : bool
        Slices at one position are compared by their pixels; without them the last one counts.

    Raises
    ------
    FormatError
        Gantry tilt; distances that fit no regular grid; different slices at one position.
    """
    normal = slices[0].plane.normal
    if pixels:
        ordered = _without_duplicates(sorted(slices, key=lambda s: _along_mm(s, normal)), normal, warnings)
    else:
        places = {round(_along_mm(s, normal) / POSITION_MM): s for s in slices}
        ordered = [places[key] for key in sorted(places)]
    step_mm, index = _regular(np.array([_along_mm(s, normal) for s in ordered]), ordered, warnings)
    _refuse_tilt(ordered, normal)
    return Stack(slices=tuple(ordered), index=index, step_mm=step_mm)


def _along_mm(image: Slice, normal: FloatArray) -> float:
    return float(image.plane.position_mm @ normal)


def _slice(path: Path, *, pixels: bool) -> Slice:
    tags = read_tags(path, pixels=pixels)
    if tags.text("SOPClassUID") == ENHANCED_CT:
        raise FormatError(
            "expected a CT of single slices",
            got="an enhanced multi-frame CT",
            where=path,
            remedy="Convert it to classic CT slices.",
        )
    rows, columns = tags.whole("Rows"), tags.whole("Columns")
    if not (0 < rows <= MAX_MATRIX and 0 < columns <= MAX_MATRIX):
        raise tags.error("Rows", f"1 to {MAX_MATRIX}, and Columns too", (rows, columns))
    return Slice(tags=tags, plane=plane_of(tags), rows_columns=(rows, columns))


def _refuse_other(first: Slice, other: Slice) -> None:
    """Refuse a slice that does not belong to the series."""
    pairs = {
        "Rows": (np.array(first.rows_columns), np.array(other.rows_columns)),
        "PixelSpacing": (first.plane.spacing_mm, other.plane.spacing_mm),
        "ImageOrientationPatient": (first.plane.orientation, other.plane.orientation),
    }
    for keyword, (expected, value) in pairs.items():
        if np.abs(expected - value).max() > 1e-4:
            raise other.tags.error(keyword, f"the same in all slices, {expected.tolist()}", value.tolist())
    if first.tags.text("FrameOfReferenceUID", "") != other.tags.text("FrameOfReferenceUID", ""):
        raise other.tags.error("FrameOfReferenceUID", "the same in all slices", "another frame of reference")


def _without_duplicates(slices: list[Slice], normal: FloatArray, warnings: list[Caution]) -> list[Slice]:
    kept = slices[:1]
    for image in slices[1:]:
        if abs(float((image.plane.position_mm - kept[-1].plane.position_mm) @ normal)) > POSITION_MM:
            kept.append(image)
        elif np.array_equal(image.hu(), kept[-1].hu()):
            warnings.append(caution("ct-slice-twice", at_mm=_along_mm(image, normal)))
        else:
            raise image.tags.error(
                "ImagePositionPatient", "different in all slices", "two different slices at one position"
            )
    return kept


def _regular(along_mm: FloatArray, slices: list[Slice], warnings: list[Caution]) -> tuple[float, IntArray]:
    """Slice distance and the index of each slice on the regular grid."""
    if len(along_mm) == 1:
        tags = slices[0].tags
        thickness_mm = tags.number("SpacingBetweenSlices", tags.number("SliceThickness"))
        if not thickness_mm > 0:
            raise tags.error("SliceThickness", "positive (mm)", thickness_mm)
        warnings.append(caution("ct-one-slice"))
        return thickness_mm, np.zeros(1, dtype=np.int64)
    step_mm = float(np.diff(along_mm).min())
    index = np.rint((along_mm - along_mm[0]) / step_mm).astype(np.int64)
    # The mean over the whole stack, for each single distance is rounded.
    step_mm = float((along_mm[-1] - along_mm[0]) / index[-1])
    worst = int(np.abs(along_mm - along_mm[0] - index * step_mm).argmax())
    if abs(along_mm[worst] - along_mm[0] - index[worst] * step_mm) > max(POSITION_MM, 0.02 * step_mm):
        counts = Counter(np.diff(along_mm).round(2).tolist()).most_common(4)
        raise slices[worst].tags.error(
            "ImagePositionPatient",
            "at regular distances",
            "distances " + ", ".join(f"{d:g} mm ({n} times)" for d, n in counts),
            "Resample the CT to regular slices.",
        )
    missing = int(index[-1]) + 1 - len(index)
    if missing:
        gaps = np.flatnonzero(np.diff(index) > 1)
        places = ", ".join(f"{along_mm[g]:.1f} to {along_mm[g + 1]:.1f} mm" for g in gaps[:5])
        warnings.append(caution("ct-slices-missing", count=missing, gaps=places))
        if missing > len(index):
            raise slices[0].tags.error(
                "ImagePositionPatient", "mostly complete", f"{missing} of {index[-1] + 1} missing"
            )
    return step_mm, index


def _refuse_tilt(slices: list[Slice], normal: FloatArray) -> None:
    start_mm = slices[0].plane.position_mm
    for image in slices:
        offset_mm = image.plane.position_mm - start_mm
        sideways_mm = np.linalg.norm(offset_mm - (offset_mm @ normal) * normal)
        if sideways_mm > 0.5:
            raise image.tags.error(
                "ImagePositionPatient",
                "stacked along the slice normal",
                f"{sideways_mm:.1f} mm sideways (gantry tilt)",
                "Resample the CT to straight slices.",
            )
