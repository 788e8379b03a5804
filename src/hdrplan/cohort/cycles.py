"""Which sessions make one treatment, and which start a new cycle: the lesion's first-seen date decides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hdrplan.cohort.model import Lesion, Patient, Session
from hdrplan.cohort.progression import Judged, judged_scans
from hdrplan.cohort.rules import Rules

__all__ = ["Cycle", "Retreatment", "cycles_of"]


@dataclass(frozen=True, slots=True)
class Cycle:
    """One treatment: its sessions and the lesions they treated; its origin is the completion, the last session."""

    number: int
    sessions: tuple[Session, ...]

    @property
    def first_day(self) -> int:
        """Day of the first session."""
        return self.sessions[0].day

    @property
    def completion(self) -> int:
        """Day of the last session: day 0 of the cycle's endpoints."""
        return self.sessions[-1].day

    @property
    def lesion_ids(self) -> tuple[str, ...]:
        """Target lesions, in order of treatment."""
        return tuple(dict.fromkeys(x for s in self.sessions for x in s.lesion_ids))

    def sessions_of(self, lesion_id: str) -> tuple[Session, ...]:
        """Sessions that treated the lesion."""
        return tuple(s for s in self.sessions if lesion_id in s.lesion_ids)


@dataclass(frozen=True, slots=True)
class Retreatment:
    """A target lesion that brachytherapy treated again, beside its sequential treatment."""

    lesion_id: str
    day: int
    session_id: str


def cycles_of(patient: Patient, rules: Rules) -> tuple[tuple[Cycle, ...], tuple[Retreatment, ...]]:
    """Return the patient's treatment cycles and the retreatments of their targets.

    A session starts a new cycle if it lies ``cycle_min_days`` or more after the first session of the present one and
    treats a lesion first seen after that. Any other session belongs to the present cycle, except for lesions that it
    treats again late, after their recurrence was seen, or after scans that followed them up.
    """
    cycles: list[list[Session]] = []
    again: list[Retreatment] = []
    for session in patient.sessions:
        if not cycles or _starts_cycle(patient, cycles[-1][0].day, session, rules):
            again += _retreated(cycles, session, session.lesion_ids)
            cycles.append([session])
            continue
        late = [x for x in session.lesion_ids if _is_retreatment(patient, cycles, session, x, rules)]
        again += _retreated(cycles, session, late)
        kept = tuple(x for x in session.lesion_ids if x not in late)
        if kept or not session.lesion_ids:
            cycles[-1].append(Session(session.session_id, session.day, kept))
    return tuple(Cycle(i + 1, tuple(sessions)) for i, sessions in enumerate(cycles)), tuple(again)


def _starts_cycle(patient: Patient, first_day: int, session: Session, rules: Rules) -> bool:
    new = [x for x in session.lesion_ids if x in patient.lesions and patient.lesions[x].first_seen > first_day]
    return bool(new) and session.day - first_day >= rules.cycle_min_days


def _treated_before(sessions: Iterable[Session], lesion_id: str) -> list[Session]:
    return [s for s in sessions if lesion_id in s.lesion_ids]


def _retreated(cycles: list[list[Session]], session: Session, lesion_ids: Iterable[str]) -> list[Retreatment]:
    earlier = {x for sessions in cycles for s in sessions for x in s.lesion_ids}
    return [Retreatment(x, session.day, session.session_id) for x in lesion_ids if x in earlier]


def _is_retreatment(
    patient: Patient, cycles: list[list[Session]], session: Session, lesion_id: str, rules: Rules
) -> bool:
    if any(_treated_before(sessions, lesion_id) for sessions in cycles[:-1]):
        return True
    before = _treated_before(cycles[-1], lesion_id)
    if not before:
        return False
    if session.day - cycles[-1][0].day > rules.retreatment_after_days:
        return True
    if session.day - before[-1].day <= rules.gap_max_days or lesion_id not in patient.lesions:
        return False
    seen: tuple[Judged, ...] = judged_scans(
        (_cut(patient.lesions[lesion_id], session.day),), (before[0].day,), before[-1].day, rules
    )
    return len(seen) >= rules.retreatment_scans or any(j.grown for j in seen)


def _cut(lesion: Lesion, day: int) -> Lesion:
    return Lesion(lesion.lesion_id, lesion.first_seen, tuple(m for m in lesion.measurements if m.scan.day < day))
