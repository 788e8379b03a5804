"""What a study sees of a virtual patient: scans, diameters, findings, last contact."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hdrplan.cohort import Finding, Lesion, Measurement, Patient, Scan, Session
from hdrplan.simulate.course import LOCK_DAY
from hdrplan.simulate.entities import MAX_SHRINKAGE_FRAC, SHRINKAGE_DAYS
from hdrplan.simulate.patients import Course, Person, TreatedLesion, shown

__all__ = ["observed_patient"]


def observed_patient(person: Person, course: Course, rng: np.random.Generator) -> Patient:
    """Return a patient with dates, diameters and findings: events as far as scans have shown them.

    Parameters
    ----------
    person : Person
    course : Course
    rng : numpy Generator
        Draws how each lesion shrinks.
    """
    detected = shown(course)
    first_shown = {name: day for day, name in reversed(detected)}
    scans = {
        day: Scan(f"{person.patient_id}-S{k + 1}", person.treated + day, True)
        for k, day in enumerate((course.baseline_day, *course.scan_days))
    }
    lesions = {
        lesion.true.lesion_id: Lesion(
            lesion.true.lesion_id,
            person.treated + lesion.seen_day,
            _measured(lesion, scans, first_shown.get(lesion.true.lesion_id), rng),
        )
        for lesion in course.lesions
    }
    lock = LOCK_DAY - person.treated
    dead = course.death_day <= min(lock, course.end_day + 1)
    last = max(int(min(lock, course.death_day)) if dead else course.end_day, *scans)
    return Patient(
        patient_id=person.patient_id,
        tumour_type=person.entity.tumour_type,
        sex=person.sex,
        age_years=round(person.age_years, 1),
        last_contact=person.treated + last,
        death=person.treated + last if dead else None,
        sessions=tuple(
            Session(f"{person.patient_id}-T{k + 1}", person.treated + day, lesion_ids)
            for k, (day, lesion_ids) in enumerate(course.sessions)
        ),
        lesions=lesions,
        scans=tuple(scans.values()),
        findings=tuple(Finding(scans[day], name) for day, name in detected if name.startswith("new_")),
        treatments=(),
    )


def _measured(
    lesion: TreatedLesion, scans: Mapping[int, Scan], recurred: int | None, rng: np.random.Generator
) -> tuple[Measurement, ...]:
    """Shrinks after treatment; grows past 1.3 times the nadir and 6 mm on the scan that detects recurrence."""
    start, shrinkage = lesion.true.diameter_mm, float(rng.uniform(0.0, MAX_SHRINKAGE_FRAC))
    size = nadir = start
    measurements = []
    for day, scan in scans.items():
        if day < lesion.seen_day:
            continue
        if recurred is not None and day >= recurred:
            size = max(1.3 * nadir, nadir + 6.0) if day == recurred else size * 1.02
        elif day > lesion.treated_day:
            size = start * (1.0 - shrinkage * (1.0 - np.exp((lesion.treated_day - day) / SHRINKAGE_DAYS)))
        nadir = min(nadir, size)
        measurements.append(Measurement(scan, round(float(size), 1)))
    return tuple(measurements)
