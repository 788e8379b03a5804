"""What one should know of a patient's story: baselines, gaps, treatments that blur an endpoint, treated again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from hdrplan.cohort.course import Course
from hdrplan.cohort.cycles import Cycle, Retreatment, cycles_of
from hdrplan.cohort.early import Source, early_progressions
from hdrplan.cohort.model import Cohort, Finding, Patient, Treatment, iso
from hdrplan.cohort.problems import Problem, problem
from hdrplan.cohort.progression import baseline_of, judged_scans
from hdrplan.cohort.rows import Row, Tables
from hdrplan.cohort.rules import Rules

__all__ = ["story_problems"]

_Place = tuple[str, int | None]
# They treat a lobe or the whole liver, and so perhaps a target that nobody named.
_OF_MANY_LESIONS = ("TACE", "SIRT")


@dataclass(frozen=True, slots=True)
class _Places:
    """Table and row of what the story tells, by its ids."""

    patients: dict[str, _Place]
    sessions: dict[str, _Place]
    lesions: dict[str, _Place]
    measurements: dict[tuple[str, str], _Place]
    findings: dict[tuple[str, str], _Place]
    treatments: dict[tuple[str, int, str, str | None], _Place]

    @classmethod
    def of(cls, tables: Tables) -> _Places:
        def at(row: Row) -> _Place:
            return row.table, row.number

        return cls(
            {r.text("patient_id") or "": at(r) for r in tables["patients"]},
            {r.text("session_id") or "": at(r) for r in tables["sessions"]},
            {r.text("lesion_id") or "": at(r) for r in tables["lesions"]},
            {(r.text("scan_id") or "", r.text("lesion_id") or ""): at(r) for r in tables["measurements"]},
            {(r.text("scan_id") or "", r.text("finding") or ""): at(r) for r in tables["findings"]},
            {
                (r.text("patient_id") or "", day.toordinal(), r.text("kind") or "", r.text("lesion_id")): at(r)
                for r in tables["other_treatments"]
                if (day := r.day("date"))
            },
        )

    def treatment(self, patient: Patient, t: Treatment) -> _Place:
        return self.treatments[patient.patient_id, t.day, t.kind, t.lesion_id]

    def progression(self, source: Source) -> _Place:
        if isinstance(source, Finding):
            return self.findings[source.scan.scan_id, source.kind]
        if isinstance(source, str):
            return self.lesions[source]
        scan, lesion_id = source
        return self.measurements[scan.scan_id, lesion_id]


def story_problems(tables: Tables, cohort: Cohort, rules: Rules) -> Iterator[Problem]:
    """Yield what one should know about how sessions, scans and lesions fit together.

    Parameters
    ----------
    tables : Tables
        In full form.
    cohort : Cohort
        The patients that they make.
    rules : Rules
        Windows and gaps.
    """
    places = _Places.of(tables)
    for patient in cohort.patients:
        here = places.patients[patient.patient_id]
        if not patient.sessions:
            yield problem(*here, "patient_without_session", f"patient {patient.patient_id}")
            continue
        yield from _of_baseline(patient, places, rules)
        cycles, again = cycles_of(patient, rules)
        for r in again:
            got = f"lesion {r.lesion_id} again on {iso(r.day)}"
            yield problem(*places.sessions[r.session_id], "retreated_target", got)
        for cycle in cycles:
            yield from _of_cycle(patient, cycle, places, rules)
            yield from _of_course(patient, cycle, again, places, rules)
        scan_days = {s.day for s in patient.scans}
        for x in patient.lesions.values():
            if x.first_seen > cycles[0].first_day and x.first_seen not in scan_days:
                got = f"lesion {x.lesion_id}, {iso(x.first_seen)}"
                yield problem(*places.lesions[x.lesion_id], "first_seen_without_scan", got)
        if max(patient.last_contact, patient.death or 0) <= cycles[0].completion:
            yield problem(*here, "zero_follow_up", f"patient {patient.patient_id}")
        yield from _of_treatments(patient, cycles[0], places, rules)


def _of_baseline(patient: Patient, places: _Places, rules: Rules) -> Iterator[Problem]:
    first = patient.sessions[0]
    if not any(first.day - rules.baseline_days <= s.day <= first.day for s in patient.scans):
        got = f"patient {patient.patient_id}: no scan from {rules.baseline_days} days before {iso(first.day)}"
        yield problem(*places.patients[patient.patient_id], "no_baseline_scan", got)
    treated: dict[str, int] = {}
    for s in patient.sessions:
        for x in s.lesion_ids:
            treated.setdefault(x, s.day)
    for x, day in treated.items():
        if x not in patient.lesions:
            continue
        baseline = baseline_of(patient.lesions[x], day)
        if baseline is None:
            yield problem(*places.lesions[x], "no_baseline_measurement", f"lesion {x} before {iso(day)}")
            continue
        here = places.measurements[baseline.scan.scan_id, x]
        if baseline.scan.day == day:
            yield problem(*here, "baseline_on_treatment_day", f"lesion {x} on {iso(day)}")
        if baseline.diameter_mm == 0.0:
            yield problem(*here, "zero_baseline", f"lesion {x} on {iso(baseline.scan.day)}, before its treatment")


def _of_cycle(patient: Patient, cycle: Cycle, places: _Places, rules: Rules) -> Iterator[Problem]:
    """Gaps between sequential sessions, new lesions among their targets, too many sessions, treated twice."""
    for a, b in pairwise(cycle.sessions):
        here, gap = places.sessions[b.session_id], b.day - a.day
        one_sitting = gap == 0 and not set(a.lesion_ids) & set(b.lesion_ids)  # a row for each lesion of a day
        if not one_sitting and not rules.gap_min_days <= gap <= rules.gap_max_days:
            got = f"{patient.patient_id}: {gap} days between {iso(a.day)} and {iso(b.day)}"
            yield problem(*here, "sequential_gap", got)
        targets = [patient.lesions[x] for x in b.lesion_ids if x in patient.lesions]
        new = [x.lesion_id for x in targets if x.first_seen > cycle.first_day]
        if new:
            yield problem(*here, "early_new_lesion", f"lesion {new[0]} on {iso(b.day)}")
    for x in cycle.lesion_ids:
        own = cycle.sessions_of(x)[0].day
        waiting = (
            judged_scans([patient.lesions[x]], [cycle.first_day], cycle.first_day, rules)
            if x in patient.lesions
            else ()
        )
        if grown := next((j for j in waiting if j.grown and j.scan.day <= own), None):
            got = f"before its session on {iso(own)}, {grown.reason}"
            yield problem(*places.measurements[grown.scan.scan_id, x], "grown_before_its_session", got)
        for a, b in pairwise(cycle.sessions_of(x)):
            if (gap := b.day - a.day) > rules.gap_max_days:
                got = f"lesion {x} again after {gap} days, {iso(b.day)}"
                yield problem(*places.sessions[b.session_id], "sequential_or_retreated", got)
    if len(cycle.sessions) > rules.max_sessions:
        got = f"{patient.patient_id}: {len(cycle.sessions)} sessions in cycle {cycle.number}"
        yield problem(*places.sessions[cycle.sessions[-1].session_id], "too_many_sessions", got)


def _of_course(
    patient: Patient, cycle: Cycle, again: tuple[Retreatment, ...], places: _Places, rules: Rules
) -> Iterator[Problem]:
    """Progression before completion or after a long gap; treatments of an unnamed lesion before a growth."""
    for e in early_progressions(patient, cycle, rules):
        yield problem(
            *places.progression(e.source), "progression_before_completion", f"patient {patient.patient_id}: {e.reason}"
        )
    course = Course(patient, cycle, again, rules)
    for reason, gap, source in course.visit_gaps():
        got = f"{patient.patient_id} cycle {cycle.number}: {gap} days without a scan, then {reason}"
        yield problem(*places.progression(source), "visit_gap", got)
    yield from _of_local_follow_up(course, places, rules)
    for x, judged in course.judged.items():
        grown = next((j for j in judged if j.grown), None)
        for t in patient.treatments:
            if grown and t.lesion_id is None and t.kind != "transplant" and cycle.first_day < t.day <= grown.scan.day:
                got = f"{t.kind} on {iso(t.day)}, lesion {x} grown on {iso(grown.scan.day)}"
                yield problem(*places.treatment(patient, t), "treatment_before_growth", got)


def _of_local_follow_up(course: Course, places: _Places, rules: Rules) -> Iterator[Problem]:
    """Growth before the first visit, targets that were never measured again, treatments of no named lesion."""
    patient = course.patient
    grown = {x: next((j for j in judged if j.grown), None) for x, judged in course.judged.items()}
    for x, first in grown.items():
        if first:
            here, after = places.measurements[first.scan.scan_id, x], first.scan.day - course.origin
            if after < rules.week8_from_days:
                got = f"{after} days after treatment, {first.reason}"
                yield problem(*here, "growth_before_first_visit", got)
            back = next((j for j in course.judged[x] if j.scan.day > first.scan.day and not j.grown), None)
            if back and not course.treated_between(x, first.scan.day, back.scan.day):
                got = f"{first.reason}; {back.size_mm:g} mm on {iso(back.scan.day)}"
                yield problem(*here, "growth_went_back", got)
        if course.scans and not course.judged[x]:
            got = f"lesion {x} of cycle {course.cycle.number}, {len(course.scans)} scans after it"
            yield problem(*places.lesions[x], "never_measured_again", got)
    last = course.scans[-1].day if course.scans else course.origin
    for t in patient.treatments:
        blurred = t.kind in _OF_MANY_LESIONS and t.lesion_id is None and course.origin < t.day < last
        if blurred and not any(j and t.day <= j.scan.day for j in grown.values()):
            got = f"patient {patient.patient_id}, {t.kind} on {iso(t.day)}, last scan on {iso(last)}"
            yield problem(*places.treatment(patient, t), "treatment_without_lesion", got)


def _of_treatments(patient: Patient, first: Cycle, places: _Places, rules: Rules) -> Iterator[Problem]:
    """Transplants without lesion; other local treatments near brachytherapy that these rules keep."""
    for t in patient.treatments:
        here, got = places.treatment(patient, t), f"patient {patient.patient_id}, {t.kind} on {iso(t.day)}"
        if t.kind == "transplant" and t.lesion_id is None:
            yield problem(*here, "transplant_without_lesion", got)
        near = first.first_day - rules.combined_days <= t.day <= first.completion + rules.combined_days
        if not near or t.kind == "systemic":
            continue
        if t.lesion_id in first.lesion_ids and "combined_treatment" not in rules.exclude:
            yield problem(*here, "combined_treatment_kept", f"{got} of target {t.lesion_id}")
        elif t.lesion_id is None and t.kind != "transplant" and t.day <= first.first_day:
            yield problem(*here, "combined_without_lesion", got)
