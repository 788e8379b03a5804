"""A virtual patient as plain values; days count from the completion of the first treatment."""

from __future__ import annotations

from dataclasses import dataclass

from hdrplan.simulate.entities import Entity

__all__ = ["Course", "Person", "TreatedLesion", "TrueLesion", "shown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueLesion:
    """What the simulation knows of a treated lesion and a study does not.

    Parameters
    ----------
    lesion_id : str
    diameter_mm : float
    d100_gy : float
        Delivered.
    recurrence_day : float
        After the lesion's treatment, seen or not.
    """

    lesion_id: str
    diameter_mm: float
    d100_gy: float
    recurrence_day: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who the patient is.

    Parameters
    ----------
    patient_id : str
    entity : Entity
    age_years : float
    sex : {"M", "F"}
    frailty : float
        Factor of all hazards.
    treated : int
        Day (``toordinal``) on which the first treatment is complete.
    """

    patient_id: str
    entity: Entity
    age_years: float
    sex: str
    frailty: float
    treated: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatedLesion:
    """A lesion, the day of the scan that showed it first and the day of its treatment."""

    true: TrueLesion
    seen_day: int
    treated_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What has happened so far.

    Parameters
    ----------
    baseline_day : int
        Of the scan before treatment.
    death_day, loss_day : float
    lesions : tuple of TreatedLesion
    sessions : tuple of (day, lesion ids)
    latent : tuple of (day, name)
        Every event to come, seen or not: a lesion that recurs, "new_intrahepatic" or "new_extrahepatic".
    scan_days : tuple of int
        Scans attended.
    end_day : int
        Last day of follow-up.
    """

    baseline_day: int
    death_day: float
    loss_day: float
    lesions: tuple[TreatedLesion, ...]
    sessions: tuple[tuple[int, tuple[str, ...]], ...]
    latent: tuple[tuple[float, str], ...] = ()
    scan_days: tuple[int, ...] = ()
    end_day: int = 0


def shown(course: Course) -> list[tuple[int, str]]:
    """Return the scan day and the name of every event that a scan has shown, in order of time."""
    events = {
        (next(s for s in course.scan_days if s >= day), name)
        for day, name in course.latent
        if course.scan_days and course.scan_days[-1] >= day
    }
    return sorted(events)
