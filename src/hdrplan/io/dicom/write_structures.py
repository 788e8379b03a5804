"""RT Structure Set: structures as closed contours, catheters as open curves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from hdrplan.arrays import FloatArray
from hdrplan.geometry import Catheter, Grid, Structure, contours_of_structure
from hdrplan.io.dicom.identity import Identity, ds, new_object, new_uid, reference, save, short_text
from hdrplan.io.dicom.sop_classes import CT_IMAGE, RT_STRUCTURE_SET

__all__ = ["write_structure_set"]

_DETACHED_STUDY = "1.2.840.10008.3.1.2.3.1"
_KIND = {"CTV": "CTV", "OAR": "ORGAN", "other": "ORGAN"}
_COLOUR = {"CTV": [220, 40, 40], "OAR": [40, 120, 220], "other": [120, 120, 120], "channel": [230, 180, 30]}


def write_structure_set(
    path: Path,
    structures: Sequence[Structure],
    catheters: Sequence[Catheter],
    who: Identity,
    *,
    ct: Grid | None = None,
    label: str = "hdrplan",
    now: datetime,
) -> str:
    """Write a structure set; returns its SOP instance UID.

    ROI numbers count from 1: structures first, then catheters (their curves run from the tip, as Varian's do).

    Parameters
    ----------
    ct : Grid, optional
        The CT whose slices ``who`` names; contours on them refer to them.
    """
    from pydicom.dataset import Dataset

    uid = new_uid(who.study_uid, who.frame_uid, "structures", label, *(s.name for s in structures))
    data = new_object(RT_STRUCTURE_SET, "RTSTRUCT", who, uid=uid, series="structures", now=now)
    data.StructureSetLabel = short_text(label, 16) or "hdrplan"
    data.StructureSetDate, data.StructureSetTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    data.ReferencedFrameOfReferenceSequence = [_frame(who)]
    rois, contours, observations = [], [], []
    kinds: list[tuple[str, str, str]] = [(s.name, _KIND[s.role], s.role) for s in structures]
    kinds += [(c.name, "BRACHY_CHANNEL", "channel") for c in catheters]
    for k, (name, kind, colour) in enumerate(kinds):
        number = k + 1
        roi = Dataset()
        roi.ROINumber, roi.ReferencedFrameOfReferenceUID = number, who.frame_uid
        roi.ROIName, roi.ROIGenerationAlgorithm = short_text(name, 64), ""
        rois.append(roi)
        contour = Dataset()
        contour.ROIDisplayColor = _COLOUR[colour]
        contour.ReferencedROINumber = number
        if k < len(structures):
            contour.ContourSequence = [
                _contour(points, "CLOSED_PLANAR", who, ct) for _, points in contours_of_structure(structures[k])
            ]
        else:
            path_mm = catheters[k - len(structures)].points_mm[::-1]
            contour.ContourSequence = [_contour(path_mm, "OPEN_NONPLANAR", who, None)]
        contours.append(contour)
        seen = Dataset()
        seen.ObservationNumber = seen.ReferencedROINumber = number
        seen.RTROIInterpretedType, seen.ROIInterpreter = kind, ""
        observations.append(seen)
    data.StructureSetROISequence, data.ROIContourSequence = rois, contours
    data.RTROIObservationsSequence = observations
    data.ApprovalStatus = "UNAPPROVED"
    save(data, path)
    return uid


def _frame(who: Identity) -> Any:
    from pydicom.dataset import Dataset

    frame = Dataset()
    frame.FrameOfReferenceUID = who.frame_uid
    if who.ct_instance_uids:
        series = Dataset()
        series.SeriesInstanceUID = who.ct_series_uid
        series.ContourImageSequence = [reference(CT_IMAGE, uid) for uid in who.ct_instance_uids if uid]
        study = reference(_DETACHED_STUDY, who.study_uid)
        study.RTReferencedSeriesSequence = [series]
        frame.RTReferencedStudySequence = [study]
    return frame


def _contour(points_mm: FloatArray, form: str, who: Identity, ct: Grid | None) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    if ct is not None and len(who.ct_instance_uids) == ct.shape_zyx[0]:
        z = float(ct.index(points_mm[0])[2])
        if abs(z - round(z)) < 0.02 and 0 <= round(z) < ct.shape_zyx[0] and who.ct_instance_uids[round(z)]:
            item.ContourImageSequence = [reference(CT_IMAGE, who.ct_instance_uids[round(z)])]
    item.ContourGeometricType = form
    item.NumberOfContourPoints = len(points_mm)
    # 0.1 um is far below any device; more digits only make the file longer.
    item.ContourData = ds(points_mm.round(4).ravel())
    return item
