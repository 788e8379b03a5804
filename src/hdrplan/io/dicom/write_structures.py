"""RT Structure Set: structures as closed contours, catheters as open curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hdrplan.arrays import FloatArray
from hdrplan.geometry import Catheter, Grid, Structure, contours_of_structure
from hdrplan.io.dicom.identity import Identity
from hdrplan.io.dicom.objects import date_time, ds, new_object, reference, save, short_text
from hdrplan.io.dicom.sop_classes import CT_IMAGE, RT_STRUCTURE_SET
from hdrplan.io.dicom.uids import new_uid

__all__ = ["write_structure_set"]

_DETACHED_STUDY = "1.2.840.10008.3.1.2.3.1"
_KIND = {"CTV": "CTV", "OAR": "ORGAN", "other": "ORGAN"}
_COLOUR = {"CTV": [220, 40, 40], "OAR": [40, 120, 220], "other": [120, 120, 120], "channel": [230, 180, 30]}


def write_structure_set(
    path: Path,
    structures: Sequence[Structure],
    catheters: Sequence[Catheter],
    identity: Identity,
    *,
    ct: Grid | None = None,
    label: str = "hdrplan",
) -> str:
    """Write a structure set.

    Parameters
    ----------
    path : Path
    structures : sequence of Structure
        ROI numbers count from 1: structures first, then catheters.
    catheters : sequence of Catheter
        Their curves run from the tip, as Varian's do.
    identity : Identity
    ct : Grid, optional
        The CT whose slices ``identity`` names; contours on them refer to them.
    label : str

    Returns
    -------
    str
        SOP instance UID.
    """
    uid = new_uid(identity.study_uid, identity.frame_uid, "structures", label, *(s.name for s in structures))
    data = new_object(RT_STRUCTURE_SET, "RTSTRUCT", identity, uid=uid, series="structures")
    data.StructureSetLabel = short_text(label, 16) or "hdrplan"
    data.StructureSetDate, data.StructureSetTime = date_time(identity.written)
    data.ReferencedFrameOfReferenceSequence = [_frame(identity)]
    names = [s.name for s in structures] + [c.name for c in catheters]
    kinds = [_KIND[s.role] for s in structures] + ["BRACHY_CHANNEL"] * len(catheters)
    colours = [_COLOUR[s.role] for s in structures] + [_COLOUR["channel"]] * len(catheters)
    drawn = [
        [_contour(points_mm, "CLOSED_PLANAR", identity, ct) for _, points_mm in contours_of_structure(structure)]
        for structure in structures
    ]
    drawn += [[_contour(c.points_mm[::-1], "OPEN_NONPLANAR", identity, None)] for c in catheters]
    data.StructureSetROISequence = [_roi(k + 1, name, identity) for k, name in enumerate(names)]
    data.ROIContourSequence = [
        _roi_contour(k + 1, colour, contours) for k, (colour, contours) in enumerate(zip(colours, drawn, strict=True))
    ]
    data.RTROIObservationsSequence = [_observation(k + 1, kind) for k, kind in enumerate(kinds)]
    data.ApprovalStatus = "UNAPPROVED"
    save(data, path)
    return uid


def _roi(number: int, name: str, identity: Identity) -> Any:
    from pydicom.dataset import Dataset

    roi = Dataset()
    roi.ROINumber, roi.ReferencedFrameOfReferenceUID = number, identity.frame_uid
    roi.ROIName, roi.ROIGenerationAlgorithm = short_text(name, 64), ""
    return roi


def _roi_contour(number: int, colour: list[int], contours: list[Any]) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ROIDisplayColor = colour
    item.ReferencedROINumber = number
    item.ContourSequence = contours
    return item


def _observation(number: int, kind: str) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ObservationNumber = item.ReferencedROINumber = number
    item.RTROIInterpretedType, item.ROIInterpreter = kind, ""
    return item


def _frame(identity: Identity) -> Any:
    from pydicom.dataset import Dataset

    frame = Dataset()
    frame.FrameOfReferenceUID = identity.frame_uid
    if identity.ct_instance_uids:
        series = Dataset()
        series.SeriesInstanceUID = identity.ct_series_uid
        series.ContourImageSequence = [reference(CT_IMAGE, uid) for uid in identity.ct_instance_uids if uid]
        study = reference(_DETACHED_STUDY, identity.study_uid)
        study.RTReferencedSeriesSequence = [series]
        frame.RTReferencedStudySequence = [study]
    return frame


def _contour(points_mm: FloatArray, form: str, identity: Identity, ct: Grid | None) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    if ct is not None and len(identity.ct_instance_uids) == ct.shape_zyx[0]:
        z = float(ct.index(points_mm[0])[2])
        if abs(z - round(z)) < 0.02 and 0 <= round(z) < ct.shape_zyx[0] and identity.ct_instance_uids[round(z)]:
            item.ContourImageSequence = [reference(CT_IMAGE, identity.ct_instance_uids[round(z)])]
    item.ContourGeometricType = form
    item.NumberOfContourPoints = len(points_mm)
    # 0.1 um is far below any device; more digits only make the file longer.
    item.ContourData = ds(points_mm.round(4).ravel())
    return item
