"""DICOM Segmentation (PS3.3 A.51): segments as masks, binary or fractional, or as the values of a label map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution, caution
from hdrplan.errors import FormatError
from hdrplan.geometry import Grid, Structure, cropped_structure
from hdrplan.io.dicom.pixels import stored_pixels
from hdrplan.io.dicom.sop_classes import LABEL_MAP, SEGMENTATION, other_class
from hdrplan.io.dicom.tags import Tags
from hdrplan.memory import require_memory

__all__ = ["Segmentation", "segmentation_of"]

MAX_FRAMES = 200_000
# Planes nearer to each other than this are one.
_SAME_PLANE_MM = 0.01
# A voxel belongs to a segment where at least this fraction of it does.
_HALF = 0.5
# What a frame of a label map belongs to: every segment whose number is among its pixels.
_ANY = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segmentation:
    """The segments of a file.

    Parameters
    ----------
    structures : tuple of Structure
        Role "other"; named by their labels, with the number where two share one.
    left_out : tuple of (str, str)
        Segments without a structure, and why.
    frame_uid : str
    warnings : tuple of Caution
    """

    structures: tuple[Structure, ...]
    left_out: tuple[tuple[str, str], ...]
    frame_uid: str
    warnings: tuple[Caution, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """Where one frame lies, and which segment it belongs to."""

    segment: int
    position_mm: FloatArray


def segmentation_of(tags: Tags) -> Segmentation:
    """Return a Segmentation of binary or fractional segments, or of a label map.

    Raises
    ------
    FormatError
        Another kind of file or segmentation, frames without place or segment, planes at irregular distances.
    """
    if tags.text("SOPClassUID") not in (SEGMENTATION, LABEL_MAP):
        raise other_class(tags, "Segmentation", SEGMENTATION)
    kinds = ("LABELMAP",) if tags.text("SOPClassUID") == LABEL_MAP else ("BINARY", "FRACTIONAL")
    kind = tags.text("SegmentationType", kinds[0]).upper()
    if kind not in kinds:
        raise tags.error("SegmentationType", " or ".join(kinds), kind)
    shared = tags.items("SharedFunctionalGroupsSequence")
    groups = tags.items("PerFrameFunctionalGroupsSequence")
    count, rows, columns = tags.whole("NumberOfFrames", 1), tags.whole("Rows"), tags.whole("Columns")
    if not 0 < count <= MAX_FRAMES or len(groups) != count:
        raise tags.error("NumberOfFrames", f"the number of per-frame groups ({len(groups)}), 1 to {MAX_FRAMES}", count)
    frames = [_frame(group, shared, kind) for group in groups]
    axes, spacing_mm = _plane(groups[0], shared)
    height = np.array([float(frame.position_mm @ axes[:, 2]) for frame in frames])
    plane, first, step_mm = _planes(tags, height, groups[0], shared)
    aside = np.array([frame.position_mm for frame in frames]) @ axes[:, :2]
    if float(np.ptp(aside, axis=0).max()) > 0.01 * float(spacing_mm.min()):
        raise tags.error("ImagePositionPatient", "in line along the normal of the planes", "frames that are shifted")
    grid = Grid(
        shape_zyx=(int(plane.max()) + 1, rows, columns),
        origin_mm=frames[first].position_mm,
        spacing_mm=np.array([spacing_mm[1], spacing_mm[0], step_mm]),
        direction=axes,
    )
    inside = _inside(tags, kind, (count, rows, columns))
    if kind == "LABELMAP":
        _check_values(tags, inside)
    warnings = (caution("segments-fractional", path="a DICOM segmentation"),) if kind == "FRACTIONAL" else ()
    structures, left_out = _structures(tags, frames, plane, inside, grid)
    return Segmentation(
        structures=tuple(structures),
        left_out=tuple(left_out),
        frame_uid=tags.text("FrameOfReferenceUID", ""),
        warnings=warnings,
    )


def _of(group: Tags, shared: list[Tags], sequence: str) -> Tags:
    """Return the item of a macro: the frame's own, or that of all frames."""
    for tags in (group, *shared):
        items = tags.items(sequence)
        if items:
            return items[0]
    raise group.error(sequence, "an item, of the frame or of all frames", "none")


def _frame(group: Tags, shared: list[Tags], kind: str) -> _Frame:
    segment = _ANY
    if kind != "LABELMAP":
        segment = _of(group, shared, "SegmentIdentificationSequence").whole("ReferencedSegmentNumber")
    return _Frame(segment, _of(group, shared, "PlanePositionSequence").numbers("ImagePositionPatient", 3))


def _plane(group: Tags, shared: list[Tags]) -> tuple[FloatArray, FloatArray]:
    """Axes (columns: along a row, down a column, normal) and pixel spacing."""
    turned = _of(group, shared, "PlaneOrientationSequence")
    six = turned.numbers("ImageOrientationPatient", 6)
    row, column = six[:3], six[3:]
    if np.abs(np.linalg.norm(six.reshape(2, 3), axis=1) - 1).max() > 1e-3 or abs(row @ column) > 1e-3:
        raise turned.error("ImageOrientationPatient", "two perpendicular unit vectors", six.round(4).tolist())
    measures = _of(group, shared, "PixelMeasuresSequence")
    spacing_mm = measures.numbers("PixelSpacing", 2)
    if not (spacing_mm > 0).all():
        raise measures.error("PixelSpacing", "positive (mm)", spacing_mm.tolist())
    return np.column_stack((row, column, np.cross(row, column))), spacing_mm


def _planes(
    tags: Tags, height_mm: FloatArray, group: Tags, shared: list[Tags]
) -> tuple[npt.NDArray[np.int64], int, float]:
    """Return the plane of each frame, a frame of the lowest plane, and the distance of planes."""
    first = int(height_mm.argmin())
    levels = np.sort(height_mm)
    gaps = np.diff(levels)
    gaps = gaps[gaps > _SAME_PLANE_MM]
    measures = _of(group, shared, "PixelMeasuresSequence")
    stated = measures.number("SpacingBetweenSlices", 0.0) or measures.number("SliceThickness", 0.0)
    if len(gaps):
        step_mm = float(gaps.min())
        steps = np.rint((levels[-1] - levels[0]) / step_mm)
        step_mm = float((levels[-1] - levels[0]) / steps)
        # Empty planes are left out: what is there may be every second plane of a coarse piece.
        if 0 < stated < step_mm and abs(step_mm / stated - round(step_mm / stated)) < 0.01:
            step_mm = stated
    else:
        step_mm = stated
    if not step_mm > 0:
        raise measures.error("SliceThickness", "positive where there is one plane (mm)", stated)
    place = (height_mm - height_mm[first]) / step_mm
    plane = np.rint(place).astype(np.int64)
    if np.abs(place - plane).max() > 0.05:
        raise tags.error(
            "PerFrameFunctionalGroupsSequence",
            "planes at regular distances",
            f"distances {np.unique(gaps.round(3)).tolist()[:6]} mm",
        )
    return plane, first, step_mm


def _inside(tags: Tags, kind: str, shape: tuple[int, int, int]) -> npt.NDArray[Any]:
    """Return which pixels lie in the segment of their frame; of a label map, the number of each pixel's segment."""
    require_memory(2.0 * float(np.prod([float(n) for n in shape])), "the segments", remedy="Take fewer of them.")
    if kind == "BINARY" and tags.whole("BitsAllocated") == 1:
        return _bits(tags, shape)
    stored: npt.NDArray[Any] = stored_pixels(tags, shape)
    if kind == "LABELMAP":
        return stored
    if kind == "BINARY":
        return np.asarray(stored != 0)
    return np.asarray(stored >= _HALF * tags.whole("MaximumFractionalValue"))


def _segments(tags: Tags) -> list[tuple[int, str]]:
    """Return number and label of the segments; the background of a label map is none."""
    background = tags.whole("PixelPaddingValue", 0) if tags.text("SOPClassUID") == LABEL_MAP else None
    listed = [(item.whole("SegmentNumber"), item.text("SegmentLabel", "")) for item in tags.items("SegmentSequence")]
    return [(number, label) for number, label in listed if number != background]


def _check_values(tags: Tags, stored: npt.NDArray[Any]) -> None:
    known = {number for number, _ in _segments(tags)} | {tags.whole("PixelPaddingValue", 0)}
    unknown = set(np.unique(stored).tolist()) - known
    if unknown:
        raise tags.error("SegmentSequence", "an item for every value of the pixels", f"none for {sorted(unknown)[:5]}")


def _bits(tags: Tags, shape: tuple[int, int, int]) -> npt.NDArray[np.bool_]:
    """One bit a pixel, the first in the lowest bit (PS3.5 8.1.1); frames follow each other without a gap."""
    raw = tags.dataset.get("PixelData")
    total = int(np.prod(shape))
    need = -(-total // 8)
    syntax = str(getattr(tags.dataset, "file_meta", {}).get("TransferSyntaxUID", ""))
    if syntax not in ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", ""):
        raise tags.error("TransferSyntaxUID", "uncompressed where a pixel is one bit", syntax)
    if not isinstance(raw, bytes) or len(raw) not in (need, need + need % 2):
        raise tags.error("PixelData", f"{need} bytes of single bits", len(raw) if isinstance(raw, bytes) else "none")
    bits = np.unpackbits(np.frombuffer(raw[:need], dtype=np.uint8), bitorder="little")
    return bits[:total].reshape(shape).astype(np.bool_)


def _structures(
    tags: Tags, frames: list[_Frame], plane: npt.NDArray[np.int64], inside: npt.NDArray[Any], grid: Grid
) -> tuple[list[Structure], list[tuple[str, str]]]:
    structures: list[Structure] = []
    left_out: list[tuple[str, str]] = []
    segments = _segments(tags)
    numbers = [number for number, _ in segments]
    if twice := sorted({number for number in numbers if numbers.count(number) > 1}):
        raise tags.error("SegmentSequence", "one item for each segment", f"two with the number {twice[0]}")
    labels = [label for _, label in segments]
    of_frame = np.array([frame.segment for frame in frames])
    unknown = set(of_frame.tolist()) - {_ANY, *(number for number, _ in segments)}
    if unknown:
        raise tags.error("SegmentSequence", "an item for every segment of a frame", f"none for {sorted(unknown)[:5]}")
    for number, label in segments:
        name = label if label and labels.count(label) == 1 else f"{label} #{number}".strip()
        own = np.flatnonzero((of_frame == number) | (of_frame == _ANY))
        mask = np.zeros(grid.shape_zyx, dtype=np.bool_)
        for k in own:
            mask[plane[k]] |= inside[k] if of_frame[k] != _ANY else inside[k] == number
        if not mask.any():
            left_out.append((name, "no voxel"))
            continue
        structures.append(cropped_structure(name, "other", grid, mask))
    if not segments:
        raise FormatError("a segmentation must have segments", got="none", where=tags.where)
    return structures, left_out
