"""What became of one patient after one treatment cycle: progressions, treatments, death, and which came first."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from hdrplan.cohort.cycles import Cycle, Retreatment
from hdrplan.cohort.early import Source, early_growth, early_progressions, elsewhere_words, grown_elsewhere
from hdrplan.cohort.model import Patient, Scan, iso
from hdrplan.cohort.progression import Judged, judged_scans
from hdrplan.cohort.records import Endpoint, Exclusion, LesionRecord
from hdrplan.cohort.rules import Rules

__all__ = ["Course"]


@dataclass(frozen=True, slots=True)
class _Event:
    """Something that happened on a day, in words; scan None where no scan decided it, source of a progression."""

    day: int
    reason: str
    scan: Scan | None = None
    source: Source | None = None


class Course:
    """One patient's course from the completion of one cycle.

    Parameters
    ----------
    patient : Patient
    cycle : Cycle
    again : iterable of Retreatment
        Targets that were treated again.
    rules : Rules
    """

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
        series = list(self.judged.items())
        if self.rules.unit == "sum" and len(self.targets) > 1:
            series = [(self.targets[0], self._judged(tuple(self.targets)))]
        bad = [(x, next((j for j in judged if j.grown), None)) for x, judged in series]
        return _first(_Event(j.scan.day, f"local recurrence: {j.reason}", j.scan, (j.scan, x)) for x, j in bad if j)

    def _finding(self, kind: str, words: str) -> _Event | None:
        return _first(
            _Event(f.scan.day, f"{words} (scan {f.scan.scan_id})", f.scan, f)
            for f in self.patient.findings
            if f.kind == kind and f.scan.adequate and f.scan.day > self.origin
        )

    def _distant(self) -> _Event | None:
        """Return the first new intrahepatic tumour: a finding, or a lesion outside the cycle by its first-seen date."""
        seen = [
            _Event(
                x.first_seen, f"new intrahepatic lesion {x.lesion_id} first seen {iso(x.first_seen)}", scan, x.lesion_id
            )
            for x in self.patient.lesions.values()
            if x.lesion_id not in self.cycle.lesion_ids and x.first_seen > self.origin
            for scan in [next((s for s in self.scans if s.day == x.first_seen), None)]
        ]
        return _first([self._finding("new_intrahepatic", "new intrahepatic lesion"), *seen])

    def _elsewhere(self) -> _Event | None:
        """Return the first growth of a lesion that was known at completion and is no target of this treatment."""
        grown = grown_elsewhere(self.patient, self.cycle, self.origin, self.rules)
        return _first(_Event(j.scan.day, elsewhere_words(j), j.scan, (j.scan, x)) for x, j in grown)

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

    def treated_between(self, lesion_id: str, first: int, last: int) -> bool:
        """Whether something treated a lesion, or may have, from one day to another.

        Parameters
        ----------
        lesion_id : str
        first, last : int
            Days; both count.
        """
        days = [t.day for t in self.patient.treatments if t.lesion_id in (lesion_id, None)]
        days += [r.day for r in self.retreated if r.lesion_id == lesion_id]
        return any(first <= day <= last for day in days)

    def _end(self) -> _Event:
        """End of event-free follow-up for progression."""
        last = self.scans[-1] if self.scans else None
        if self.rules.censor_date == "last_contact":
            return _Event(self.patient.last_contact, "no event at last contact", last)
        if last is None:
            return _Event(self.origin, "no adequate scan after treatment")
        return _Event(last.day, f"no event at last adequate scan {last.scan_id}", last)

    def exclusions(self) -> list[Exclusion]:
        """Return what the cycle, and each of its lesions, is left out of as it progressed before its completion."""
        if self.rules.progression_before_completion == "ignore":
            return []
        who, number = self.patient.patient_id, self.cycle.number
        early = early_progressions(self.patient, self.cycle, self.rules)
        parts = {"local" if e.kind == "local" else "distant" for e in early if e.kind != "elsewhere"}
        names = [*(("PFS",) if number == 1 else ()), "TTP"]
        words = " ".join(
            name + suffix
            for name in names
            for suffix in ("", "_local", "_distant")
            if not suffix or suffix.removeprefix("_") in parts
        )
        rows = [Exclusion(unit="cycle", id=who, cycle=number, endpoints=words, reason=e.reason) for e in early[:1]]
        for x in self.targets:
            if grown := early_growth(self.patient, self.cycle, (x,), self.rules):
                row = Exclusion(unit="lesion", id=x, cycle=number, endpoints="local_recurrence", reason=grown.reason)
                rows.append(row)
        return rows

    def visit_gaps(self) -> list[tuple[str, int, Source]]:
        """Return progressions first seen long after the last scan: reason, days since that scan, what shows it.

        Without a scan since the treatment, its completion takes the place of the scan.
        """
        outside = self._finding("new_extrahepatic", "extrahepatic progression")
        events = [self._local(), self._distant(), self._elsewhere(), outside]
        late = [(e, self._before_gap(e)) for e in events if e]
        return [(e.reason, e.day - before, e.source) for e, before in late if before is not None and e.source]

    def _before_gap(self, event: _Event) -> int | None:
        """Day of the last adequate scan before an event, if more than ``visit_gap_days`` lie between them."""
        before = max((s.day for s in self.scans if s.day < event.day), default=self.origin)
        return before if event.day - before > self.rules.visit_gap_days else None

    def endpoints(self) -> list[Endpoint]:
        """Return OS and PFS (first cycle), TTP (every cycle)."""
        local, distant = self._local(), self._distant()
        outside, other = self._finding("new_extrahepatic", "extrahepatic progression"), self._elsewhere()
        rows: list[Endpoint] = []
        if self.cycle.number == 1:
            death = _Event(self.patient.death, "death") if self.patient.death is not None else None
            late_death = death if self.rules.death_in_local_distant == "event" else None
            end = death or _Event(self.patient.last_contact, "alive at last contact")
            rows = [
                self._row("patient", "OS", end, int(death is not None)),
                self._endpoint("patient", "PFS", [local, distant, other, outside, death], []),
                self._endpoint("patient", "PFS_local", [local, late_death], [distant, other, outside]),
                self._endpoint("patient", "PFS_distant", [distant, late_death], [local, other, outside]),
            ]
        rows += [
            self._endpoint("cycle", "TTP", [local, distant, other, outside], []),
            self._endpoint("cycle", "TTP_local", [local], [distant, other, outside]),
            self._endpoint("cycle", "TTP_distant", [distant], [local, other, outside]),
        ]
        left_out = {name for x in self.exclusions() for name in x.endpoints.split()}
        return [row for row in rows if row.endpoint not in left_out]

    def _endpoint(self, unit: str, name: str, events: list[_Event | None], rivals: list[_Event | None]) -> Endpoint:
        """One endpoint: the first of its events, unless follow-up stopped before.

        Another kind of progression, a rival, ends follow-up where the rules say so.
        """
        stops = [self._target_treatment(self.targets)]
        if self.rules.after_first_progression == "stop" and (rival := _first(rivals)):
            stops.append(_Event(rival.day, f"follow-up ended by {rival.reason}", rival.scan))
        event, stop = _first(events), _first(stops)
        if event and (stop is None or event.day <= stop.day):
            if self.rules.visit_gap == "censor" and (before := self._before_gap(event)) is not None:
                return self._row(unit, name, self._at_gap(event, before), 0)
            return self._row(unit, name, event, 1)
        return self._row(unit, name, stop or self._end(), 0)

    def _at_gap(self, event: _Event, before: int) -> _Event:
        """End of follow-up at the last scan before an event that came after a gap."""
        scan = next((s for s in self.scans if s.day == before), None)
        gap = event.day - before
        return _Event(before, f"follow-up ended before {gap} days without a scan, then {event.reason}", scan)

    def _row(self, unit: str, name: str, cause: _Event, event: int) -> Endpoint:
        return Endpoint(
            unit=unit,
            id=self.patient.patient_id,
            cycle=self.cycle.number,
            endpoint=name,
            days=cause.day - self.origin,
            event=event,
            reason=cause.reason,
            scan_date=iso(cause.scan.day) if cause.scan else "",
        )

    def lesion_record(self, lesion_id: str) -> LesionRecord:
        """Return the interval of a lesion's local recurrence."""
        judged = self.judged[lesion_id]
        stop = self._target_treatment((lesion_id,))
        first_bad = next((j for j in judged if j.grown), None)
        if self.rules.visit_gap == "censor" and first_bad:
            event = _Event(first_bad.scan.day, f"local recurrence: {first_bad.reason}", first_bad.scan)
            if (before := self._before_gap(event)) is not None and (stop is None or event.day <= stop.day):
                stop = self._at_gap(event, before)
        limit = stop.day if stop else math.inf
        bad = next((j for j in judged if j.grown and j.scan.day <= limit), None)
        until = bad.scan.day if bad else limit
        clean = [j for j in judged if not j.grown and j.scan.day <= until and (bad is None or j.scan.day < until)]
        last = clean[-1] if clean else None
        days, status, reason = self._outcome(bad, last, stop)
        decisive = bad or last
        return LesionRecord(
            lesion_id=lesion_id,
            patient_id=self.patient.patient_id,
            cycle=self.cycle.number,
            left_days=last.scan.day - self.origin if last else 0,
            right_days=days if bad else math.inf,
            status=status,
            days=days,
            reason=reason,
            scan_date=iso(decisive.scan.day) if decisive else "",
        )

    def _outcome(self, bad: Judged | None, last: Judged | None, stop: _Event | None) -> tuple[int, int, str]:
        """Days, status and reason of a lesion with its first bad scan, last clean scan, and what stopped follow-up."""
        death = self.patient.death
        if bad:
            return bad.scan.day - self.origin, 1, f"local recurrence: {bad.reason}"
        if stop and (death is None or stop.day <= death):
            return stop.day - self.origin, 0, stop.reason
        if death is not None:
            return death - self.origin, 2, "death without recurrence"
        if self.rules.censor_date == "last_contact":
            return self.patient.last_contact - self.origin, 0, "no recurrence at last contact"
        if last is None:
            return 0, 0, "no scan after treatment"
        return last.scan.day - self.origin, 0, f"no recurrence on last scan: {last.reason}"


def _first(events: Iterable[_Event | None]) -> _Event | None:
    """Earliest event; of several on one day the first named."""
    return min((e for e in events if e is not None), key=lambda e: e.day, default=None)
