"""Whose and which study the objects are that we write, and when: patient data pass only when asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hdrplan.io.dicom.ct import CTSeries
from hdrplan.io.dicom.uids import new_uid

__all__ = ["Identity", "identity_of_case", "identity_of_ct"]

NOBODY = "hdrplan^research"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What all objects of one set share.

    Parameters
    ----------
    patient_name, patient_id, birth_date, sex : str
        Of no patient unless asked for.
    study_uid, frame_uid : str
        Of the CT, where there is one.
    ct_series_uid : str
    ct_instance_uids : tuple of str
        One a slice; empty without a CT in DICOM.
    written : datetime
        Stamped on each object.
    """

    patient_name: str = NOBODY
    patient_id: str
    birth_date: str = ""
    sex: str = ""
    study_uid: str
    frame_uid: str
    ct_series_uid: str = ""
    ct_instance_uids: tuple[str, ...] = ()
    written: datetime


def identity_of_case(name: str, *, written: datetime) -> Identity:
    """Return an identity without a patient; every UID is made of the case's name."""
    return Identity(
        patient_id=name[:64], study_uid=new_uid(name, "study"), frame_uid=new_uid(name, "frame"), written=written
    )


def identity_of_ct(ct: CTSeries, *, name: str, identify: bool, written: datetime) -> Identity:
    """Return the identity that links to a CT.

    Parameters
    ----------
    ct : CTSeries
    name : str
        Of the case: stands for the patient's ID.
    identify : bool
        Patient data of the CT pass through instead.
    written : datetime
    """
    header = ct.header
    return Identity(
        patient_name=header.text("PatientName", "") if identify else NOBODY,
        patient_id=header.text("PatientID", "") if identify else name[:64],
        birth_date=header.text("PatientBirthDate", "") if identify else "",
        sex=header.text("PatientSex", "") if identify else "",
        study_uid=ct.study_uid or new_uid(name, "study"),
        frame_uid=ct.frame_uid,
        ct_series_uid=ct.series_uid,
        ct_instance_uids=ct.instance_uids,
        written=written,
    )
