"""CT series in DICOM: a folder of slices becomes one volume in HU."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray
from hdrplan.errors import FormatError, InputError
from hdrplan.geometry import Grid, Volume
from hdrplan.io.dicom.pixels import stored_pixels
from hdrplan.io.dicom.tags import Tags, read_tags

__all__ = ["CTSeries", "read_ct_grid", "read_ct_series", "read_ct_slices"]

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
MAX_MATRIX = 8192
# Positions are written with up to 16 characters; scanners round them to some micrometres.
POSITION_MM = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class CTSeries:
    """A CT with the identity that other DICOM objects refer to.

    Parameters
    ----------
    volume : Volume
        HU; int16 where the numbers allow it.
    series_uid, study_uid, frame_uid : str
    instance_uids : tuple of str
        One a slice of the volume; empty text where a missing slice was filled.
    header : Tags
        First slice, without pixels: patient and study tags.
    warnings : tuple of str
    """

    volume: Volume
    series_uid: str
    study_uid: str
    frame_uid: str
    instance_uids: tuple[str, ...]
    header: Tags
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Slice:
    tags: Tags
    uid: str
    position_mm: FloatArray
    rows_columns: tuple[int, int]
    orientation: FloatArray
    spacing_mm: FloatArray


def read_ct_series(folder: Path) -> CTSeries:
    """Read the one CT series of a folder; DICOM files that cannot be read are reported in its warnings.

    Raises
    ------
    InputError
        No CT, or several series (listed).
    FormatError
        As :func:`read_ct_slices`.
    """
    series: dict[str, list[Path]] = {}
    broken: list[str] = []
    for path in sorted(p for p in Path(folder).iterdir() if p.is_file()):
        try:
            tags = read_tags(path, pixels=False)
        except (FormatError, InputError):
            # Other files may lie beside a series; a broken slice at its end would leave no gap to be seen.
            if path.suffix.lower() == ".dcm":
                broken.append(path.name)
            continue
        if tags.text("SOPClassUID", "") in (CT_IMAGE, ENHANCED_CT):
            series.setdefault(tags.text("SeriesInstanceUID", ""), []).append(path)
    if len(series) != 1:
        raise InputError(
            "expected one CT series",
            got=", ".join(f"{len(v)} slices of series ...{k[-8:]}" for k, v in series.items()) or "no CT slice",
            where=folder,
            remedy="Put each series into a folder of its own." if series else "",
        )
    found = read_ct_slices(next(iter(series.values())))
    if not broken:
        return found
    said = f"{len(broken)} .dcm files of the folder cannot be read and are left out, the first is {broken[0]}"
    return replace(found, warnings=(*found.warnings, said))


def read_ct_slices(paths: list[Path]) -> CTSeries:
    """Read the slices of one series, sort them along the slice normal, and stack them.

    Slices that are missing at regular distances are filled by linear interpolation and reported; identical duplicates
    are dropped and reported.

    Raises
    ------
    FormatError
        Slices of different size, spacing, orientation or frame; gantry tilt; distances that fit no regular grid;
        different slices at one position; pixel data that cannot be decoded.
    """
    slices = [_slice(path) for path in paths]
    first = slices[0]
    for other in slices[1:]:
        _same(first, other)
    row, column = first.orientation[:3], first.orientation[3:]
    normal = np.cross(row, column)
    slices.sort(key=lambda s: float(s.position_mm @ normal))
    warnings: list[str] = []
    slices = _without_duplicates(slices, normal, warnings)
    at = np.array([s.position_mm @ normal for s in slices])
    spacing_mm, index = _regular(at, slices, warnings)
    _no_tilt(slices, normal)
    uids = [""] * (int(index[-1]) + 1)
    for k, s in zip(index, slices, strict=True):
        uids[int(k)] = s.uid
    tags = first.tags
    return CTSeries(
        Volume(_grid(slices, spacing_mm, int(index[-1]) + 1), _stack(slices, index)),
        tags.text("SeriesInstanceUID", ""),
        tags.text("StudyInstanceUID", ""),
        tags.text("FrameOfReferenceUID", ""),
        tuple(uids),
        Tags(tags.dataset, tags.where),
        tuple(warnings),
    )


def read_ct_grid(paths: Sequence[Path]) -> Grid:
    """Return the voxels of one series from its headers alone: a tenth of the time.

    Raises
    ------
    FormatError
        As :func:`read_ct_slices`, apart from the pixels.
    """
    slices = [_slice(path, pixels=False) for path in paths]
    for other in slices[1:]:
        _same(slices[0], other)
    normal = np.cross(slices[0].orientation[:3], slices[0].orientation[3:])
    places = {round(float(s.position_mm @ normal) / POSITION_MM): s for s in slices}
    slices = [places[key] for key in sorted(places)]
    spacing_mm, index = _regular(np.array([s.position_mm @ normal for s in slices]), slices, [])
    _no_tilt(slices, normal)
    return _grid(slices, spacing_mm, int(index[-1]) + 1)


def _grid(slices: list[_Slice], spacing_mm: float, count: int) -> Grid:
    first = slices[0]
    row, column = first.orientation[:3], first.orientation[3:]
    return Grid(
        shape_zyx=(count, *first.rows_columns),
        origin_mm=first.position_mm,
        spacing_mm=np.array([first.spacing_mm[1], first.spacing_mm[0], spacing_mm]),
        direction=np.column_stack((row, column, np.cross(row, column))),
    )


def _slice(path: Path, *, pixels: bool = True) -> _Slice:
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
    spacing = tags.numbers("PixelSpacing", 2)
    if not (spacing > 0).all():
        raise tags.error("PixelSpacing", "positive (mm)", spacing.tolist())
    orientation = tags.numbers("ImageOrientationPatient", 6)
    lengths = np.linalg.norm(orientation.reshape(2, 3), axis=1)
    if np.abs(lengths - 1).max() > 1e-3 or abs(orientation[:3] @ orientation[3:]) > 1e-3:
        raise tags.error("ImageOrientationPatient", "two perpendicular unit vectors", orientation.round(4).tolist())
    return _Slice(
        tags,
        tags.text("SOPInstanceUID", ""),
        tags.numbers("ImagePositionPatient", 3),
        (rows, columns),
        orientation,
        spacing,
    )


def _same(first: _Slice, other: _Slice) -> None:
    """Refuse a slice that does not belong to the series."""
    for what, a, b in (
        ("Rows", np.array(first.rows_columns), np.array(other.rows_columns)),
        ("PixelSpacing", first.spacing_mm, other.spacing_mm),
        ("ImageOrientationPatient", first.orientation, other.orientation),
    ):
        if np.abs(a - b).max() > 1e-4:
            raise other.tags.error(what, f"the same in all slices, {a.tolist()}", b.tolist())
    frame, mine = (s.tags.text("FrameOfReferenceUID", "") for s in (first, other))
    if frame != mine:
        raise other.tags.error("FrameOfReferenceUID", "the same in all slices", "another frame of reference")


def _without_duplicates(slices: list[_Slice], normal: FloatArray, warnings: list[str]) -> list[_Slice]:
    kept = slices[:1]
    for s in slices[1:]:
        if abs(float((s.position_mm - kept[-1].position_mm) @ normal)) > POSITION_MM:
            kept.append(s)
        elif np.array_equal(_hu(s), _hu(kept[-1])):
            warnings.append(f"a slice at {s.position_mm @ normal:.2f} mm came twice; one was dropped")
        else:
            raise s.tags.error(
                "ImagePositionPatient", "different in all slices", "two different slices at one position"
            )
    return kept


def _regular(at: FloatArray, slices: list[_Slice], warnings: list[str]) -> tuple[float, npt.NDArray[np.int64]]:
    """Slice distance and the index of each slice on the regular grid."""
    if len(at) == 1:
        tags = slices[0].tags
        thickness = tags.number("SpacingBetweenSlices", tags.number("SliceThickness"))
        if not thickness > 0:
            raise tags.error("SliceThickness", "positive (mm)", thickness)
        warnings.append("one slice only; its thickness is taken as the slice distance")
        return thickness, np.zeros(1, dtype=np.int64)
    step = float(np.diff(at).min())
    index = np.rint((at - at[0]) / step).astype(np.int64)
    # The mean over the whole stack, for each single distance is rounded.
    step = float((at[-1] - at[0]) / index[-1])
    worst = int(np.abs(at - at[0] - index * step).argmax())
    if abs(at[worst] - at[0] - index[worst] * step) > max(POSITION_MM, 0.02 * step):
        counts = Counter(np.diff(at).round(2).tolist()).most_common(4)
        raise slices[worst].tags.error(
            "ImagePositionPatient",
            "at regular distances",
            "distances " + ", ".join(f"{d:g} mm ({n} times)" for d, n in counts),
            "Resample the CT to regular slices.",
        )
    missing = int(index[-1]) + 1 - len(index)
    if missing:
        gaps = np.flatnonzero(np.diff(index) > 1)
        warnings.append(
            f"{missing} slices missing, at "
            + ", ".join(f"{at[g]:.1f} to {at[g + 1]:.1f} mm" for g in gaps[:5])
            + "; filled by linear interpolation"
        )
        if missing > len(index):
            raise slices[0].tags.error(
                "ImagePositionPatient", "mostly complete", f"{missing} of {index[-1] + 1} missing"
            )
    return step, index


def _no_tilt(slices: list[_Slice], normal: FloatArray) -> None:
    start = slices[0].position_mm
    for s in slices:
        sideways = (s.position_mm - start) - ((s.position_mm - start) @ normal) * normal
        if np.linalg.norm(sideways) > 0.5:
            raise s.tags.error(
                "ImagePositionPatient",
                "stacked along the slice normal",
                f"{np.linalg.norm(sideways):.1f} mm sideways (gantry tilt)",
                "Resample the CT to straight slices.",
            )


def _stack(slices: list[_Slice], index: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    rows, columns = slices[0].rows_columns
    hu = np.empty((int(index[-1]) + 1, rows, columns), dtype=np.float32)
    for k, s in zip(index, slices, strict=True):
        hu[int(k)] = _hu(s)
    for low, high in pairwise(index):
        for k in range(int(low) + 1, int(high)):
            part = (k - low) / (high - low)
            hu[k] = np.rint((1 - part) * hu[int(low)] + part * hu[int(high)])
    if np.abs(hu).max() < 32767 and (hu == np.rint(hu)).all():
        return hu.astype(np.int16)
    return hu


def _hu(s: _Slice) -> npt.NDArray[np.float32]:
    """Pixels of one slice in HU."""
    slope, intercept = s.tags.number("RescaleSlope", 1.0), s.tags.number("RescaleIntercept", 0.0)
    hu: npt.NDArray[np.float32] = (stored_pixels(s.tags, (1, *s.rows_columns))[0] * slope + intercept).astype(
        np.float32
    )
    return hu
