"""From identified to analysed: the flow chart with its counts, and the treatments that were found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hdrplan.cohort.endpoints import Derived
from hdrplan.cohort.model import Cohort, iso

__all__ = ["CycleRow", "FlowStep", "cycle_rows", "flow"]


@dataclass(frozen=True, slots=True)
class FlowStep:
    """One box of the flow chart: counts of patients, lesions and cycles by tumour type; group 'all' is their sum."""

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
        FlowStep(step, group, c["patients"], c["lesions"], c["cycles"])
        for step in steps
        for group in groups
        for c in [counts.get((step, group), Counter())]
    )


@dataclass(frozen=True, slots=True)
class CycleRow:
    """One treatment cycle; reached_dose says whether every target had the paper's D100 (empty: a dose is missing)."""

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
            dates = iso(c.first_day), iso(c.completion)
            rows.append(CycleRow(who, c.number, *dates, len(c.sessions), " ".join(c.lesion_ids), reached))
    return tuple(rows)
