"""Endpoints derived, never typed in: every time carries its reason and the scan that decided it.

Day 0 is the completion of a treatment. Patients: OS, PFS, PFS_local, PFS_distant after their first treatment. Cycles:
TTP, TTP_local, TTP_distant. Lesions: local recurrence in (last clean scan, first bad scan], death competing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hdrplan.cohort.cycles import Cycle, Retreatment, cycles_of
from hdrplan.cohort.model import Cohort, Patient, Scan, iso
from hdrplan.cohort.progression import Judged, judged_scans
from hdrplan.cohort.rules import Rules
from hdrplan.errors import InputError

__all__ = ["Derived", "Endpoint", "Exclusion", "LesionRecord", "derive"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row of endpoints.csv. ``event`` is 0 censored, 1 event, and 2 for death competing (lesions only)."""

    unit: str
    id: str
    cycle: int
    endpoint: str
    days: int
    event: int
    reason: str
    scan_date: str


@dataclass(frozen=True, slots=True)
class LesionRecord:
    """Local recurrence of one treated lesion.

    Parameters
    ----------
    left_days, right_days : float
        Last scan without, first scan with recurrence; right is infinite where there was none.
    status : int
        0 no recurrence seen, 1 recurrence, 2 death before one.
    days : int
        Time for right-censored methods: the bad scan, the death, or the last clean scan.
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


@dataclass(frozen=True, slots=True)
class Exclusion:
    """What was left out, of which endpoints, and why."""

    unit: str
    id: str
    cycle: int | None
    endpoints: str
    reason: str


@dataclass(frozen=True, slots=True)
class Derived:
    """Everything that follows from a cohort and its rules."""

    rules: Rules
    cycles: dict[str, tuple[Cycle, ...]]
    retreatments: dict[str, tuple[Retreatment, ...]]
    endpoints: tuple[Endpoint, ...]
    lesions: tuple[LesionRecord, ...]
    exclusions: tuple[Exclusion, ...]
    analysed: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Event:
    """Something that happened on a day, in words; scan None where no scan decided it."""

    day: int
    reason: str
    scan: Scan | None = None


def derive(cohort: Cohort, rules: Rules, *, on_progress: Callable[[int, int], None] | None = None) -> Derived:
    """Return cycles, endpoints, lesion records and exclusions of a validated cohort."""
    cycles: dict[str, tuple[Cycle, ...]] = {}
    again: dict[str, tuple[Retreatment, ...]] = {}
    endpoints: list[Endpoint] = []
    lesions: list[LesionRecord] = []
    out: list[Exclusion] = []
    analysed = set()
    for i, patient in enumerate(cohort.patients):
        if on_progress:
            on_progress(i, len(cohort.patients))
        who = patient.patient_id
        cycles[who], again[who] = cycles_of(patient, rules)
        if reason := exclusion_reason(patient, cycles[who], rules):
            out.append(Exclusion("patient", who, None, "all", reason))
            continue
        analysed.add(who)
        for cycle in cycles[who]:
            view = _View(patient, cycle, again[who], rules)
            endpoints += view.endpoints()
            out += view.exclusions()
            lesions += [view.lesion_record(x) for x in cycle.lesion_ids if x in patient.lesions]
    endpoints += [_as_endpoint(x) for x in lesions]
    _check_against_survival(endpoints, cycles)
    return Derived(rules, cycles, again, tuple(endpoints), tuple(lesions), tuple(out), frozenset(analysed))


def exclusion_reason(patient: Patient, cycles: tuple[Cycle, ...], rules: Rules) -> str:
    """Why a patient is not analysed; empty if analysed."""
    if not cycles:
        return "no brachytherapy session"
    end = cycles[0].completion
    early = [s for s in patient.scans if rules.week8_from_days <= s.day - end <= rules.week8_to_days and s.adequate]
    if "no_8_week_scan" in rules.exclude and not early:
        return "no cross-sectional imaging at 8 weeks"
    near = [
        t
        for t in patient.treatments
        if t.kind != "systemic"
        and t.lesion_id in cycles[0].lesion_ids
        and cycles[0].first_day - rules.combined_days <= t.day <= end + rules.combined_days
    ]
    if "combined_treatment" in rules.exclude and near:
        return "combined loco-regional treatment of target"
    return ""


class _View:
    """One patient seen from the completion of one cycle."""

    def __init__(self, patient: Patient, cycle: Cycle, again: Iterable[Retreatment], rules: Rules) -> None:
        self.patient, self.cycle, self.rules, self.origin = patient, cycle, rules, cycle.completion
        self.targets = [x for x in cycle.lesion_ids if x in patient.lesions]
        self.retreated = tuple(r for r in again if r.day > self.origin)
        self.scans = [s for s in patient.scans if s.adequate and s.day > self.origin]
        self.judged = {x: self._judged((x,)) for x in self.targets}

    def _judged(self, ids: tuple[str, ...]) -> tuple[Judged, ...]:
        treated = [self.cycle.sessions_of(x)[0].day for x in ids]
        return judged_scans([self.patient.lesions[x] for x in ids], treated, self.origin, self.rules)

    def _local(self) -> _Event | None:
        series = list(self.judged.values())
        if self.rules.unit == "sum" and len(self.targets) > 1:
            series = [self._judged(tuple(self.targets))]
        bad = [next((j for j in judged if j.grown), None) for judged in series]
        return _first(_Event(j.scan.day, f"local recurrence: {j.reason}", j.scan) for j in bad if j)

    def _finding(self, kind: str, words: str) -> _Event | None:
        return _first(
            _Event(f.scan.day, f"{words} (scan {f.scan.scan_id})", f.scan)
            for f in self.patient.findings
            if f.kind == kind and f.scan.adequate and f.scan.day > self.origin
        )

    def _distant(self) -> _Event | None:
        """Return the first new intrahepatic tumour: a finding, or a lesion outside the cycle by its first-seen date."""
        seen = [
            _Event(x.first_seen, f"new intrahepatic lesion {x.lesion_id} first seen {iso(x.first_seen)}", scan)
            for x in self.patient.lesions.values()
            if x.lesion_id not in self.cycle.lesion_ids and x.first_seen > self.origin
            for scan in [next((s for s in self.scans if s.day == x.first_seen), None)]
        ]
        return _first([self._finding("new_intrahepatic", "new intrahepatic lesion"), *seen])

    def _target_treatment(self, ids: Iterable[str]) -> _Event | None:
        """First other loco-regional treatment, or retreatment, of one of the lesions after completion."""
        if self.rules.target_treatment == "ignore":
            return None
        wanted = set(ids)
        others = [
            _Event(t.day, f"{t.kind} of target {t.lesion_id}")
            for t in self.patient.treatments
            if t.lesion_id in wanted and t.kind != "systemic" and t.day > self.origin
        ]
        again = [
            _Event(r.day, f"brachytherapy again of target {r.lesion_id}")
            for r in self.retreated
            if r.lesion_id in wanted
        ]
        return _first([*others, *again])

    def _end(self) -> _Event:
        """End of event-free follow-up for progression."""
        last = self.scans[-1] if self.scans else None
        if self.rules.censor_date == "last_contact":
            return _Event(self.patient.last_contact, "no event at last contact", last)
        if last is None:
            return _Event(self.origin, "no adequate scan after treatment")
        return _Event(last.day, f"no event at last adequate scan {last.scan_id}", last)

    def _early(self) -> list[str]:
        """Return findings between first and last session of the cycle, in words."""
        return [
            f"{f.kind} on {iso(f.scan.day)}, before completion on {iso(self.origin)}"
            for f in self.patient.findings
            if f.scan.adequate and self.cycle.first_day < f.scan.day <= self.origin
        ]

    def exclusions(self) -> list[Exclusion]:
        if self.rules.progression_before_completion == "ignore" or not (early := self._early()):
            return []
        words = "PFS PFS_distant TTP TTP_distant" if self.cycle.number == 1 else "TTP TTP_distant"
        return [Exclusion("cycle", self.patient.patient_id, self.cycle.number, words, e) for e in early[:1]]

    def endpoints(self) -> list[Endpoint]:
        """OS and PFS (first cycle), TTP (every cycle)."""
        rules, patient = self.rules, self.patient
        death = _Event(patient.death, "death") if patient.death is not None else None
        local, distant = self._local(), self._distant()
        outside = self._finding("new_extrahepatic", "extrahepatic progression")
        late_death = death if rules.death_in_local_distant == "event" else None
        skip = {e for x in self.exclusions() for e in x.endpoints.split()}
        rows: list[Endpoint] = []

        def add(unit: str, name: str, events: list[_Event | None], rivals: list[_Event | None]) -> None:
            if name in skip:
                return
            stop = [self._target_treatment(self.targets)]
            if rules.after_first_progression == "stop" and (rival := _first(rivals)):
                stop.append(_Event(rival.day, f"follow-up ended by {rival.reason}", rival.scan))
            rows.append(self._endpoint(unit, name, _first(events), _first(stop)))

        if self.cycle.number == 1:
            end = death or _Event(patient.last_contact, "alive at last contact")
            rows.append(self._row("patient", "OS", end, int(death is not None)))
            add("patient", "PFS", [local, distant, outside, death], [])
            add("patient", "PFS_local", [local, late_death], [distant, outside])
            add("patient", "PFS_distant", [distant, late_death], [local, outside])
        add("cycle", "TTP", [local, distant, outside], [])
        add("cycle", "TTP_local", [local], [distant, outside])
        add("cycle", "TTP_distant", [distant], [local, outside])
        return rows

    def _endpoint(self, unit: str, name: str, event: _Event | None, stop: _Event | None) -> Endpoint:
        if event and (stop is None or event.day <= stop.day):
            return self._row(unit, name, event, 1)
        return self._row(unit, name, stop or self._end(), 0)

    def _row(self, unit: str, name: str, what: _Event, event: int) -> Endpoint:
        date = iso(what.scan.day) if what.scan else ""
        number, days = self.cycle.number, what.day - self.origin
        return Endpoint(unit, self.patient.patient_id, number, name, days, event, what.reason, date)

    def lesion_record(self, lesion_id: str) -> LesionRecord:
        """Interval of the lesion's local recurrence."""
        who, number, judged = self.patient.patient_id, self.cycle.number, self.judged[lesion_id]
        stop = self._target_treatment((lesion_id,))
        limit = stop.day if stop else math.inf
        bad = next((j for j in judged if j.grown and j.scan.day <= limit), None)
        until = bad.scan.day if bad else limit
        clean = [j for j in judged if not j.grown and j.scan.day <= until and (bad is None or j.scan.day < until)]
        left = clean[-1].scan.day - self.origin if clean else 0
        date = iso(clean[-1].scan.day) if clean else ""
        death = self.patient.death
        if bad:
            day = bad.scan.day - self.origin
            return LesionRecord(
                lesion_id, who, number, left, day, 1, day, f"local recurrence: {bad.reason}", iso(bad.scan.day)
            )
        if stop and (death is None or stop.day <= death):
            days, status, reason = stop.day - self.origin, 0, stop.reason
        elif death is not None:
            days, status, reason = death - self.origin, 2, "death without recurrence"
        elif self.rules.censor_date == "last_contact":
            days, status, reason = self.patient.last_contact - self.origin, 0, "no recurrence at last contact"
        else:
            days, status = left, 0
            reason = f"no recurrence on last scan: {clean[-1].reason}" if clean else "no scan after treatment"
        return LesionRecord(lesion_id, who, number, left, math.inf, status, days, reason, date)


def _first(events: Iterable[_Event | None]) -> _Event | None:
    """Earliest event; of several on one day the first named."""
    return min((e for e in events if e is not None), key=lambda e: e.day, default=None)


def _as_endpoint(x: LesionRecord) -> Endpoint:
    return Endpoint("lesion", x.lesion_id, x.cycle, "local_recurrence", x.days, x.status, x.reason, x.scan_date)


def _check_against_survival(endpoints: Iterable[Endpoint], cycles: dict[str, tuple[Cycle, ...]]) -> None:
    """No progression follow-up may outlast survival follow-up (it does in the paper's TTP_local: 50.13 > 48.30)."""
    rows = [e for e in endpoints if e.unit in ("patient", "cycle")]
    end = {e.id: cycles[e.id][0].completion + e.days for e in rows if e.endpoint == "OS"}
    for e in rows:
        if cycles[e.id][e.cycle - 1].completion + e.days > end[e.id]:
            raise InputError(
                f"{e.endpoint} cannot end after survival follow-up",
                got=f"{e.reason}, day {e.days}",
                where=f"patient {e.id} cycle {e.cycle}",
                remedy="Correct last_contact_date or death_date.",
            )
