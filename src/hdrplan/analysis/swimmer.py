"""Each lesion's story in days from completion: sessions, clean scans, recurrence, other treatment, death."""

from __future__ import annotations

from dataclasses import dataclass

from hdrplan.cohort import Cohort, Derived, judged_scans

__all__ = ["Lane", "lanes"]


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane of the swimmer plot; days count from the completion of the lesion's treatment."""

    tumour_type: str
    sessions: tuple[int, ...]
    clean_scans: tuple[int, ...]
    recurrence: int | None
    death: int | None
    other_treatment: int | None
    end: int


def lanes(cohort: Cohort, derived: Derived, *, most: int = 48) -> tuple[Lane, ...]:
    """Return lanes in order of follow-up; of more than ``most`` lesions every k-th, evenly over that order."""
    patients = {p.patient_id: p for p in cohort.patients}
    found = []
    for record in derived.lesions:
        patient = patients[record.patient_id]
        cycle = derived.cycles[record.patient_id][record.cycle - 1]
        origin = cycle.completion
        sessions = cycle.sessions_of(record.lesion_id)
        judged = judged_scans((patient.lesions[record.lesion_id],), (sessions[0].day,), origin, derived.rules)
        until = int(record.right_days) if record.status == 1 else record.days
        clean = tuple(j.scan.day - origin for j in judged if not j.grown and j.scan.day - origin <= until)
        stopped = record.days if " of target " in record.reason else None
        found.append(
            Lane(
                patient.tumour_type,
                tuple(s.day - origin for s in sessions),
                clean,
                until if record.status == 1 else None,
                record.days if record.status == 2 else None,
                stopped,
                max(until, *clean, 0) if clean else until,
            )
        )
    found.sort(key=lambda lane: -lane.end)
    if len(found) <= most:
        return tuple(found)
    return tuple(found[round(i * (len(found) - 1) / (most - 1))] for i in range(most))
