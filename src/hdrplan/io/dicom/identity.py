"""What every DICOM object we write has in common: identity, UIDs of our own, numbers of at most 16 characters."""

from __future__ import annotations

import hashlib
import math
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from hdrplan import __version__
from hdrplan.errors import InputError
from hdrplan.io.dicom.tags import Tags

__all__ = ["Identity", "ds", "identity_of_case", "identity_of_ct", "new_object", "new_uid", "save", "short_text"]

EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
# A name space of our own, so that UIDs made of equal words by other programs differ.
_SPACE = uuid.UUID("5f1f2c1e-9c5f-5d0e-8a53-6f64686470ff")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who and which study: patient data of the file, empty unless asked for, and the UIDs that link objects.

    Parameters
    ----------
    patient_name, patient_id, birth_date, sex : str
    study_uid, frame_uid : str
        Of the CT, where there is one.
    ct_series_uid : str
    ct_instance_uids : tuple of str
        One a slice; empty without a CT in DICOM.
    """

    patient_name: str
    patient_id: str
    birth_date: str
    sex: str
    study_uid: str
    frame_uid: str
    ct_series_uid: str = ""
    ct_instance_uids: tuple[str, ...] = ()


def new_uid(*words: object) -> str:
    """Return a UID made of words: the same words, the same UID (2.25 and a UUID, PS3.5 B.2)."""
    digest = hashlib.sha256("\0".join(map(str, words)).encode()).hexdigest()
    return f"2.25.{uuid.uuid5(_SPACE, digest).int}"


def identity_of_case(name: str) -> Identity:
    """Return an identity without a patient; every UID is made of the case's name."""
    return Identity("hdrplan^research", name[:64], "", "", new_uid(name, "study"), new_uid(name, "frame"))


def identity_of_ct(
    header: Tags, frame_uid: str, series_uid: str, instance_uids: tuple[str, ...], *, name: str, identify: bool
) -> Identity:
    """Return the identity that links to a CT; patient data pass through only with ``identify``."""
    study_uid = header.text("StudyInstanceUID", "") or new_uid(name, "study")
    if not identify:
        return Identity("hdrplan^research", name[:64], "", "", study_uid, frame_uid, series_uid, instance_uids)
    return Identity(
        header.text("PatientName", ""),
        header.text("PatientID", ""),
        header.text("PatientBirthDate", ""),
        header.text("PatientSex", ""),
        study_uid,
        frame_uid,
        series_uid,
        instance_uids,
    )


def ds(values: float | Iterable[float]) -> Any:
    """Return one number or several as decimal strings of at most 16 characters."""
    from pydicom.valuerep import format_number_as_ds

    def one(value: float) -> str:
        if not math.isfinite(value):
            raise InputError("numbers in DICOM must be finite", got=value)
        # -0 would read as another value than 0 in some viewers' comparisons.
        return str(format_number_as_ds(float(value) + 0.0))

    if isinstance(values, int | float):
        return one(float(values))
    return [one(float(value)) for value in values]


def short_text(text: str, length: int) -> str:
    """Text without control characters and backslashes, at most so long."""
    return "".join(c for c in text if c.isprintable() and c != "\\")[:length].strip()


def new_object(sop_class: str, modality: str, who: Identity, *, uid: str, series: str, now: datetime) -> Any:
    """Return a data set with the patient, study, series, equipment and SOP common modules filled in."""
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
    data.InstanceCreationDate, data.InstanceCreationTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    data.StudyDate = data.StudyTime = data.AccessionNumber = ""
    data.Modality = modality
    data.Manufacturer = "hdrplan"
    data.ManufacturerModelName = "hdrplan, research only"
    data.SoftwareVersions = __version__
    data.DeviceSerialNumber = "0"
    data.ReferringPhysicianName = data.OperatorsName = ""
    data.PatientName, data.PatientID = who.patient_name, who.patient_id
    data.PatientBirthDate, data.PatientSex = who.birth_date, who.sex
    data.StudyInstanceUID, data.SeriesInstanceUID = who.study_uid, new_uid(who.study_uid, series)
    data.StudyID = ""
    data.SeriesNumber = None
    data.FrameOfReferenceUID, data.PositionReferenceIndicator = who.frame_uid, ""
    return data


def reference(sop_class: str, uid: str) -> Any:
    """Return a sequence item that points at one object."""
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, uid
    return item


def save(data: Any, path: Path) -> None:
    """Write a data set as a DICOM file."""
    data.save_as(str(path), enforce_file_format=True)
