"""What is derived from a cohort: endpoints, lesions with their interval to recurrence, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hdrplan.cohort.cycles import Cycle, Retreatment
from hdrplan.cohort.rules import Rules

__all__ = ["Derived", "Endpoint", "Exclusion", "LesionRecord"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One row of endpoints.csv.

    Parameters
    ----------
    unit : {"patient", "cycle", "lesion"}
    id : str
        Patient or lesion.
    cycle : int
        Number of the treatment cycle.
    endpoint : str
        Its name.
    days : int
        From the completion of the treatment.
    event : int
        0 censored, 1 event, 2 death competing (lesions only).
    reason, scan_date : str
        What decided it, and the date of the scan that did; empty where no scan did.
    """

    unit: str
    id: str
    cycle: int
    endpoint: str
    days: int
    event: int
    reason: str
    scan_date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionRecord:
    """Local recurrence of one treated lesion.

    Parameters
    ----------
    lesion_id, patient_id : str
    cycle : int
        Number of the treatment cycle.
    left_days, right_days : float
        Last scan without, first scan with recurrence; right is infinite where there was none.
    status : int
        0 no recurrence seen, 1 recurrence, 2 death before one.
    days : int
        Time for right-censored methods: the bad scan, the death, or the last clean scan.
    reason, scan_date : str
        What decided it, and the date of the scan that did.
    """

    lesion_id: str
    patient_id: str
    cycle: int
    left_days: int
    right_days: float
    status: int
    days: int
    reason: str
    scan_date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """What was left out.

    Parameters
    ----------
    unit : {"patient", "cycle", "lesion"}
    id : str
        Patient or lesion.
    cycle : int or None
    endpoints : str
        Of which endpoints, separated by blanks.
    reason : str
    """

    unit: str
    id: str
    cycle: int | None
    endpoints: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """Everything that follows from a cohort and its rules.

    Parameters
    ----------
    rules : Rules
    cycles, retreatments : mapping of patient_id to tuple
        Treatment cycles, and targets treated again.
    endpoints : tuple of Endpoint
    lesions : tuple of LesionRecord
    exclusions : tuple of Exclusion
    analysed : frozenset of str
        Patients.
    """

    rules: Rules
    cycles: Mapping[str, tuple[Cycle, ...]]
    retreatments: Mapping[str, tuple[Retreatment, ...]]
    endpoints: tuple[Endpoint, ...]
    lesions: tuple[LesionRecord, ...]
    exclusions: tuple[Exclusion, ...]
    analysed: frozenset[str]
