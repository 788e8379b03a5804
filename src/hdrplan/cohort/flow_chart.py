"""From identified to analysed: the flow chart with its counts, and the treatment cycles."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hdrplan.cohort.model import Cohort, iso
from hdrplan.cohort.records import Derived

__all__ = ["CycleRow", "FlowStep", "cycle_rows", "flow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStep:
    """One box of the flow chart.

    Parameters
    ----------
    step : str
        "identified", "excluded: REASON" or "analysed".
    group : str
        Tumour type, or "all" for their sum.
    patients, lesions, cycles : int
        Patients, treated lesions and treatment cycles.
    """

    step: str
    group: str
    patients: int
    lesions: int
    cycles: int


def flow(cohort: Cohort, derived: Derived) -> tuple[FlowStep, ...]:
    """Return identified, excluded by reason, and analysed; treated lesions and cycles are counted."""
    reason = {x.id: x.reason for x in derived.exclusions if x.unit == "patient"}
    counts: dict[tuple[str, str], Counter[str]] = {}
    steps = ["identified", *(f"excluded: {r}" for r in dict.fromkeys(reason.values())), "analysed"]
    groups = [*dict.fromkeys(sorted(p.tumour_type for p in cohort.patients)), "all"]
    for patient in cohort.patients:
        who = patient.patient_id
        cycles = derived.cycles[who]
        n = {"patients": 1, "cycles": len(cycles), "lesions": len({x for c in cycles for x in c.lesion_ids})}
        last = f"excluded: {reason[who]}" if who in reason else "analysed"
        for step in ("identified", last):
            for group in (patient.tumour_type, "all"):
                counts.setdefault((step, group), Counter()).update(n)
    return tuple(
        FlowStep(step=step, group=group, patients=c["patients"], lesions=c["lesions"], cycles=c["cycles"])
        for step in steps
        for group in groups
        for c in [counts.get((step, group), Counter())]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleRow:
    """One treatment cycle.

    Parameters
    ----------
    patient_id : str
    cycle : int
        Its number.
    first_session_date, completion_date : str
        First and last session.
    n_sessions : int
    lesion_ids : str
        Targets, separated by blanks.
    reached_dose : bool or None
        Whether every target had the paper's D100; None where a dose is missing.
    """

    patient_id: str
    cycle: int
    first_session_date: str
    completion_date: str
    n_sessions: int
    lesion_ids: str
    reached_dose: bool | None


def cycle_rows(cohort: Cohort, derived: Derived) -> tuple[CycleRow, ...]:
    """Return all cycles; D100 of a lesion is the sum of its sessions' D100, a lower bound of the true one."""
    d100: dict[str, float] = {}
    for dose in cohort.doses:
        d100[dose.lesion_id] = d100.get(dose.lesion_id, 0.0) + dose.metrics.get("d100_gy", float("nan"))
    rows = []
    for who, cycles in derived.cycles.items():
        for c in cycles:
            known = all(x in d100 for x in c.lesion_ids)
            reached = all(d100[x] >= derived.rules.completion_d100_gy for x in c.lesion_ids) if known else None
            rows.append(
                CycleRow(
                    patient_id=who,
                    cycle=c.number,
                    first_session_date=iso(c.first_day),
                    completion_date=iso(c.completion),
                    n_sessions=len(c.sessions),
                    lesion_ids=" ".join(c.lesion_ids),
                    reached_dose=reached,
                )
            )
    return tuple(rows)
