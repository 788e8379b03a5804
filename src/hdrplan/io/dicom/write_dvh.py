"""An RT Dose with DVHs in it: a copy of a stored dose, as an object of its own, with the DVH module (PS3.3 C.8.8.4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy.typing as npt

from hdrplan import __version__
from hdrplan.errors import InputError
from hdrplan.io.dicom.objects import date_time, reference, save
from hdrplan.io.dicom.sop_classes import RT_DOSE, RT_STRUCTURE_SET
from hdrplan.io.dicom.tags import read_tags
from hdrplan.io.dicom.uids import new_uid
from hdrplan.io.dicom.write_dose import dvh_item

__all__ = ["write_dose_with_dvh"]


def write_dose_with_dvh(
    path: Path,
    dose: Path,
    structures_uid: str,
    curves: Sequence[tuple[int, npt.ArrayLike, npt.ArrayLike]],
    *,
    written: datetime,
) -> str:
    """Write a copy of an RT Dose with DVHs in place of its own; patient and study stay, the object's UID is new.

    Parameters
    ----------
    path : Path
    dose : Path
        The RT Dose.
    structures_uid : str
        SOP instance UID of the RT Structure Set.
    curves : sequence of (ROI number, dose_gy, volume_cc)
        Cumulative, dose rising from 0 (:func:`hdrplan.io.dicom.write_dose.dvh_item`).
    written : datetime

    Returns
    -------
    str
        SOP instance UID.

    Raises
    ------
    InputError
        No RT Dose, no curve.
    """
    tags = read_tags(dose)
    if tags.text("SOPClassUID") != RT_DOSE:
        raise InputError("DVHs can be written into an RT Dose only", got="another object", where=dose)
    if not curves:
        raise InputError("at least one structure must have a DVH that can be written", got="none", where=dose)
    data = tags.dataset
    uid = new_uid(tags.text("SOPInstanceUID", ""), structures_uid, "dvh", written.isoformat())
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = uid
    data.SeriesInstanceUID = new_uid(tags.text("SeriesInstanceUID", ""), "dvh")
    data.InstanceCreationDate, data.InstanceCreationTime = date_time(written)
    data.Manufacturer, data.ManufacturerModelName = "hdrplan", "hdrplan, research only"
    data.SoftwareVersions = __version__
    data.ReferencedStructureSetSequence = [reference(RT_STRUCTURE_SET, structures_uid)]
    data.DVHSequence = [dvh_item(*curve) for curve in curves]
    save(data, path)
    return uid
