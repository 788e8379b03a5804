"""Each lesion's story in days from completion: sessions, clean scans, recurrence, other treatment, death."""

from __future__ import annotations

from dataclasses import dataclass

from hdrplan.cohort import Cohort, Derived, judged_scans

__all__ = ["Lane", "lanes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One lane of the swimmer plot; days count from the completion of the lesion's treatment.

    Parameters
    ----------
    tumour_type : str
    sessions, clean_scans : tuple of int
        Days of the sessions, and of the scans without recurrence.
    recurrence, death, other_treatment : int or None
        Day of the first recurrence, of a death before one, of another treatment of the lesion.
    end : int
        Last day shown.
    """

    tumour_type: str
    sessions: tuple[int, ...]
    clean_scans: tuple[int, ...]
    recurrence: int | None
    death: int | None
    other_treatment: int | None
    end: int


def lanes(cohort: Cohort, derived: Derived, *, maximum: int = 48) -> tuple[Lane, ...]:
    """Return lanes in order of follow-up.

    Parameters
    ----------
    cohort : Cohort
    derived : Derived
    maximum : int
        Of more lesions every k-th is shown, evenly over that order.

    Returns
    -------
    tuple of Lane
    """
    patients = {p.patient_id: p for p in cohort.patients}
    every = []
    for record in derived.lesions:
        patient = patients[record.patient_id]
        cycle = derived.cycles[record.patient_id][record.cycle - 1]
        origin = cycle.completion
        sessions = cycle.sessions_of(record.lesion_id)
        judged = judged_scans((patient.lesions[record.lesion_id],), (sessions[0].day,), origin, derived.rules)
        until = int(record.right_days) if record.status == 1 else record.days
        clean = tuple(j.scan.day - origin for j in judged if not j.grown and j.scan.day - origin <= until)
        stopped = record.days if " of target " in record.reason else None
        every.append(
            Lane(
                tumour_type=patient.tumour_type,
                sessions=tuple(s.day - origin for s in sessions),
                clean_scans=clean,
                recurrence=until if record.status == 1 else None,
                death=record.days if record.status == 2 else None,
                other_treatment=stopped,
                end=max(until, *clean, 0) if clean else until,
            )
        )
    every.sort(key=lambda lane: -lane.end)
    if len(every) <= maximum:
        return tuple(every)
    return tuple(every[round(i * (len(every) - 1) / (maximum - 1))] for i in range(maximum))
