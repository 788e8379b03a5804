"""A patient's story as plain values, days as whole numbers (``datetime.date.toordinal``)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Cohort", "Dose", "Finding", "Lesion", "Measurement", "Patient", "Scan", "Session", "Treatment", "iso"]


@dataclass(frozen=True, slots=True)
class Scan:
    """An imaging date; in the compact form its id is the date."""

    scan_id: str
    day: int
    adequate: bool


@dataclass(frozen=True, slots=True)
class Measurement:
    """A lesion's longest diameter on a scan; None where it was not evaluable."""

    scan: Scan
    diameter_mm: float | None


@dataclass(frozen=True, slots=True)
class Finding:
    """A new intrahepatic or extrahepatic tumour on a scan."""

    scan: Scan
    kind: str


@dataclass(frozen=True, slots=True)
class Lesion:
    """A liver lesion and all its measurements, in order of time; covariates are the other cells of its row."""

    lesion_id: str
    first_seen: int
    measurements: tuple[Measurement, ...]
    covariates: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Session:
    """A brachytherapy session and the lesions it treated; covariates are the other cells of its row."""

    session_id: str
    day: int
    lesion_ids: tuple[str, ...]
    covariates: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Treatment:
    """Another tumour treatment; lesion_id None where it was not directed to a lesion of the table."""

    day: int
    kind: str
    lesion_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """One patient, everything in order of time.

    Parameters
    ----------
    patient_id, tumour_type, sex : str
    age_years : float
        At the first treatment; NaN if unknown.
    last_contact : int
        Day.
    death : int or None
        Day.
    sessions : tuple of Session
    lesions : mapping of lesion_id to Lesion
    scans : tuple of Scan
    findings : tuple of Finding
    treatments : tuple of Treatment
        Other tumour treatments.
    covariates : mapping of column to cell
        What else the table of patients holds.
    """

    patient_id: str
    tumour_type: str
    sex: str
    age_years: float
    last_contact: int
    death: int | None
    sessions: tuple[Session, ...]
    lesions: Mapping[str, Lesion]
    scans: tuple[Scan, ...]
    findings: tuple[Finding, ...]
    treatments: tuple[Treatment, ...]
    covariates: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dose:
    """Dose metrics of one lesion in one session (session_id None: all its sessions together)."""

    lesion_id: str
    session_id: str | None
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Cohort:
    """The whole cohort."""

    patients: tuple[Patient, ...]
    doses: tuple[Dose, ...]
    study: Mapping[str, object]


def iso(day: int) -> str:
    """Return the ISO date of a day."""
    return dt.date.fromordinal(day).isoformat()
