"""What every DICOM object we write has in common: its modules, numbers of at most 16 characters, dates, references."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from hdrplan import __version__
from hdrplan.errors import InputError
from hdrplan.io.dicom.identity import Identity
from hdrplan.io.dicom.uids import new_uid

__all__ = ["date_time", "ds", "new_object", "reference", "save", "short_text"]

EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"


def ds(values: float | Iterable[float]) -> Any:
    """Return one number or several as decimal strings of at most 16 characters."""
    from pydicom.valuerep import format_number_as_ds

    def text(value: float) -> str:
        if not math.isfinite(value):
            raise InputError("numbers in DICOM must be finite", got=value)
        # -0 would read as another value than 0 in some viewers' comparisons.
        return str(format_number_as_ds(float(value) + 0.0))

    if isinstance(values, int | float):
        return text(float(values))
    return [text(float(value)) for value in values]


def date_time(moment: datetime) -> tuple[str, str]:
    """Return a date and a time as DICOM writes them."""
    return moment.strftime("%Y%m%d"), moment.strftime("%H%M%S")


def short_text(text: str, length: int) -> str:
    """Text without control characters and backslashes, at most so long."""
    return "".join(c for c in text if c.isprintable() and c != "\\")[:length].strip()


def new_object(sop_class: str, modality: str, identity: Identity, *, uid: str, series: str) -> Any:
    """Return a data set with the patient, study, series, equipment and SOP common modules filled in.

    Parameters
    ----------
    sop_class : str
        Of :mod:`hdrplan.io.dicom.sop_classes`.
    modality : str
        "CT", "RTSTRUCT", "RTPLAN", "RTDOSE".
    identity : Identity
    uid : str
        SOP instance UID.
    series : str
        Objects of one word share a series.
    """
    from pydicom.dataset import FileDataset, FileMetaDataset

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = uid
    meta.TransferSyntaxUID = EXPLICIT_LITTLE_ENDIAN
    meta.ImplementationClassUID = new_uid("hdrplan")
    meta.ImplementationVersionName = f"HDRPLAN_{__version__}"[:16]
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SOPClassUID, data.SOPInstanceUID = sop_class, uid
    data.InstanceCreationDate, data.InstanceCreationTime = date_time(identity.written)
    data.StudyDate = data.StudyTime = data.AccessionNumber = ""
    data.Modality = modality
    data.Manufacturer = "hdrplan"
    data.ManufacturerModelName = "hdrplan, research only"
    data.SoftwareVersions = __version__
    data.DeviceSerialNumber = "0"
    data.ReferringPhysicianName = data.OperatorsName = ""
    data.PatientName, data.PatientID = identity.patient_name, identity.patient_id
    data.PatientBirthDate, data.PatientSex = identity.birth_date, identity.sex
    data.StudyInstanceUID, data.SeriesInstanceUID = identity.study_uid, new_uid(identity.study_uid, series)
    data.StudyID = ""
    data.SeriesNumber = None
    data.FrameOfReferenceUID, data.PositionReferenceIndicator = identity.frame_uid, ""
    return data


def reference(sop_class: str, uid: str) -> Any:
    """Return a sequence item that points at one object."""
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, uid
    return item


def save(data: Any, path: Path) -> None:
    """Write a data set as a DICOM file."""
    # In memory first: of a full disk pydicom's writer makes an error without a number, with a traceback in its text.
    buffer = BytesIO()
    data.save_as(buffer, enforce_file_format=True)
    path.write_bytes(buffer.getvalue())
