"""RT Structure Set: regions of interest as contours, channels as open curves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution, caution
from hdrplan.errors import HdrPlanError, InputError
from hdrplan.geometry import Grid, Role, Structure, structure_of_contours
from hdrplan.io.dicom.contour_items import Contour, plain_contours
from hdrplan.io.dicom.sop_classes import RT_STRUCTURE_SET, other_class
from hdrplan.io.dicom.tags import Tags, read_tags

__all__ = ["ROI", "StructureSet", "checked_structure_set", "read_structure_set", "structure_set_of"]

_LISTED = 6
CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR", "CLOSED_PLANAR_XOR")
_FORMS = (*CLOSED, "POINT", "OPEN_PLANAR", "OPEN_NONPLANAR")
_CONTOUR_SEQUENCE = 0x30060040


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ROI:
    """One region of interest.

    Parameters
    ----------
    number : int
    name : str
        Free text of the file: hostile until escaped. Several ROIs may share a name.
    kind : str
        RTROIInterpretedType, such as "CTV", "ORGAN", "BRACHY_CHANNEL"; may be empty.
    closed_mm : tuple of (n, 3) arrays
        Closed planar contours, LPS.
    open_mm : tuple of (n, 3) arrays
        Open curves.
    points_mm : tuple of (1, 3) arrays
    """

    number: int
    name: str
    kind: str
    closed_mm: tuple[FloatArray, ...]
    open_mm: tuple[FloatArray, ...]
    points_mm: tuple[FloatArray, ...]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class StructureSet:
    """A structure set and what it refers to.

    Parameters
    ----------
    label : str
    rois : tuple of ROI
    uid, frame_uid, series_uid, study_uid : str
        Its own, and the frame, CT series and study that it was drawn in; empty where absent.
    warnings : tuple of Caution
    """

    label: str
    rois: tuple[ROI, ...]
    uid: str
    frame_uid: str
    series_uid: str
    study_uid: str
    warnings: tuple[Caution, ...] = ()

    def channel_path_mm(self, roi_number: int) -> FloatArray:
        """Return the open curve of an ROI, in the file's order; no rows where there is none."""
        for roi in self.rois:
            if roi.number == roi_number and roi.open_mm:
                longest = max(roi.open_mm, key=len)
                apart = np.append(True, np.linalg.norm(np.diff(longest, axis=0), axis=1) > 1e-6)
                return np.asarray(longest[apart])
        return np.empty((0, 3))

    def solid(self) -> tuple[ROI, ...]:
        """Return the ROIs that have closed contours."""
        return tuple(roi for roi in self.rois if roi.closed_mm)

    def named_solid(self) -> dict[str, ROI]:
        """Return the ROIs that have closed contours by name; those that share one are told apart by their numbers."""
        names = [roi.name for roi in self.solid()]
        return {roi.name if names.count(roi.name) == 1 else f"{roi.name} #{roi.number}": roi for roi in self.solid()}

    def structure(self, name: str, role: Role, grid: Grid | None) -> tuple[Structure, tuple[Caution, ...]]:
        """Return an ROI as a mask.

        Parameters
        ----------
        name : str
        role : {"CTV", "OAR", "other"}
        grid : Grid or None
            The CT's; the mask lies on it where the contours lie on its slices.

        Returns
        -------
        structure : Structure
        warnings : tuple of Caution
            About how the contours became a mask.

        Raises
        ------
        InputError
            No ROI of that name with closed contours, or several.
        """
        named = [roi for roi in self.solid() if roi.name == name]
        if len(named) != 1:
            names = ", ".join(repr(roi.name) for roi in self.solid())
            raise InputError(
                f"expected one structure {name!r} with closed contours",
                got=len(named),
                where=self.label or "structure set",
                remedy=f"There are: {names or 'none'}.",
            )
        return structure_of_contours(name, role, named[0].closed_mm, grid)

    def structures_that_read(self, ct: Grid | None = None) -> tuple[list[Structure], list[Caution]]:
        """Return every solid ROI that makes a structure (role "OAR"), and why others do not, with other warnings.

        On the CT's voxels where it is given and the contours lie on its slices, as for planning. ROIs that share a
        name are told apart by their numbers.
        """
        structures: list[Structure] = []
        notes: list[Caution] = []
        for name, roi in self.named_solid().items():
            try:
                structure, warnings = structure_of_contours(name, "OAR", roi.closed_mm, ct)
            except HdrPlanError as error:
                notes.append(caution("structure-left-out", reason=str(error)))
                continue
            structures.append(structure)
            notes += warnings
        return structures, notes


def read_structure_set(path: Path) -> StructureSet:
    """Read an RT Structure Set.

    Raises
    ------
    FormatError
        Another kind of file, contours that are no triplets of finite numbers, with the tag's place.
    """
    return checked_structure_set(read_tags(path, pixels=False))


def checked_structure_set(tags: Tags) -> StructureSet:
    """Return the structure set of a file.

    Raises
    ------
    FormatError
        As :func:`read_structure_set`.
    """
    if tags.text("SOPClassUID") != RT_STRUCTURE_SET:
        raise other_class(tags, "RT Structure Set", RT_STRUCTURE_SET)
    return structure_set_of(tags)


def structure_set_of(tags: Tags) -> StructureSet:
    """Return the structure set of a data set (also of one embedded in a plan)."""
    warnings: list[Caution] = []
    kinds = {
        item.whole("ReferencedROINumber"): item.text("RTROIInterpretedType", "")
        for item in tags.items("RTROIObservationsSequence")
        if item.has("ReferencedROINumber")
    }
    contours = {
        item.whole("ReferencedROINumber"): item
        for item in tags.items("ROIContourSequence")
        if item.has("ReferencedROINumber")
    }
    rois, seen = [], set[int]()
    for item in tags.items("StructureSetROISequence"):
        number = item.whole("ROINumber")
        if number in seen:
            raise item.error("ROINumber", "another for each structure", f"{number} once more")
        seen.add(number)
        drawn = _contours(contours[number], warnings) if number in contours else []
        rois.append(_roi(number, item.text("ROIName", ""), kinds.get(number, ""), drawn, warnings))
    rois, notes = _with_names(rois)
    warnings += notes
    frames = [item.text("FrameOfReferenceUID", "") for item in tags.items("ReferencedFrameOfReferenceSequence")]
    frames += [item.text("ReferencedFrameOfReferenceUID", "") for item in tags.items("StructureSetROISequence")]
    series = [
        item.text("SeriesInstanceUID", "")
        for frame in tags.items("ReferencedFrameOfReferenceSequence")
        for study in frame.items("RTReferencedStudySequence")
        for item in study.items("RTReferencedSeriesSequence")
    ]
    return StructureSet(
        label=tags.text("StructureSetLabel", ""),
        rois=tuple(rois),
        uid=tags.text("SOPInstanceUID", ""),
        frame_uid=next((f for f in frames if f), tags.text("FrameOfReferenceUID", "")),
        series_uid=next((s for s in series if s), ""),
        study_uid=tags.text("StudyInstanceUID", ""),
        warnings=tuple(warnings),
    )


def _with_names(rois: list[ROI]) -> tuple[list[ROI], list[Caution]]:
    """Return the ROIs, nameless solid ones called by their numbers, and what would vanish without a word."""
    notes = []
    nameless = [roi for roi in rois if not roi.name and roi.closed_mm]
    if nameless:
        notes.append(caution("roi-without-name", numbers=", ".join(str(roi.number) for roi in nameless)))
    names = [roi.name for roi in rois if roi.name and roi.closed_mm]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        notes.append(caution("roi-name-twice", names=", ".join(map(repr, twice[:_LISTED]))))
    empty = [roi for roi in rois if not (roi.closed_mm or roi.open_mm or roi.points_mm)]
    if empty:
        listed = ", ".join(repr(roi.name or f"#{roi.number}") for roi in empty[:_LISTED])
        more = f" and {len(empty) - _LISTED} more" if len(empty) > _LISTED else ""
        notes.append(caution("roi-without-contours", count=len(empty), names=listed + more))
    named = [replace(roi, name=f"ROI {roi.number}") if not roi.name and roi.closed_mm else roi for roi in rois]
    return named, notes


def _contours(item: Tags, warnings: list[Caution]) -> list[Contour]:
    """Return the contours of an ROI, each of a known form; what they lack is added to the warnings."""
    sequence = item.dataset.get_item(_CONTOUR_SEQUENCE) if _CONTOUR_SEQUENCE in item.dataset else None
    plain = plain_contours(sequence)
    if plain is not None and all(form.upper() in _FORMS for form, _ in plain):
        return [(form.upper(), points) for form, points in plain]
    found, short = [], 0
    for contour in item.items("ContourSequence"):
        form = contour.text("ContourGeometricType", "CLOSED_PLANAR").upper()
        decimals = contour.decimals("ContourData", multiple_of=3)
        if len(decimals) and form not in _FORMS:
            raise contour.error("ContourGeometricType", "a known form", repr(form)[:40])
        found.append((form, decimals.reshape(-1, 3)))
        said = contour.whole("NumberOfContourPoints", len(decimals) // 3)
        short += said != len(decimals) // 3
    if short:
        warnings.append(caution("contour-points-not-as-stated", roi=item.whole("ReferencedROINumber"), count=short))
    return found


def _roi(number: int, name: str, kind: str, contours: list[Contour], warnings: list[Caution]) -> ROI:
    closed: list[FloatArray] = []
    opened: list[FloatArray] = []
    points: list[FloatArray] = []
    for form, data in contours:
        if not len(data):
            warnings.append(caution("contour-without-points", roi=number))
            continue
        if form in CLOSED:
            if len(data) < 3:
                warnings.append(caution("contour-too-short", roi=number, points=len(data)))
                continue
            closed.append(data)
        else:
            (points if form == "POINT" else opened).append(data)
    # Copies of closed ones are left out where they become a shape, wherever they begin.
    once_open, once_points = _each_once(opened), _each_once(points)
    twice = len(opened) + len(points) - len(once_open) - len(once_points)
    if twice:
        warnings.append(caution("contours-twice", name=name or f"ROI {number}", count=twice))
    return ROI(number=number, name=name, kind=kind, closed_mm=tuple(closed), open_mm=once_open, points_mm=once_points)


def _each_once(curves: list[FloatArray]) -> tuple[FloatArray, ...]:
    return tuple({curve.tobytes(): curve for curve in curves}.values())
