"""What cannot be true of a patient's story: the order of dates, whose lesion it is, how often it is treated."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise

from hdrplan.cohort.cycles import Cycle, cycles_of
from hdrplan.cohort.model import Cohort, Patient, iso
from hdrplan.cohort.problems import Problem, problem
from hdrplan.cohort.progression import baseline_mm
from hdrplan.cohort.rows import Row, Tables
from hdrplan.cohort.rules import Rules

__all__ = ["id_problems", "order_problems", "story_problems"]


def id_problems(tables: Tables) -> Iterator[Problem]:
    """Yield rows whose lesion, scan and session belong to different patients; sessions on two days."""
    owner = {r.text("lesion_id"): r.text("patient_id") for r in tables["lesions"]}
    of_scan = {r.text("scan_id"): r.text("patient_id") for r in tables["scans"]}
    of_session = {r.text("session_id"): r.text("patient_id") for r in tables["sessions"]}
    for name in ("session_lesions", "measurements", "findings", "other_treatments"):
        for row in tables[name]:
            who = row.text("patient_id") or of_scan.get(row.text("scan_id")) or of_session.get(row.text("session_id"))
            lesion = row.text("lesion_id")
            if lesion in owner and who is not None and owner[lesion] not in (who, None):
                got = f"lesion {lesion} belongs to patient {owner[lesion]}, the row to {who}"
                yield problem(row.table, row.number, "other_patients_lesion", got)
    first_of: dict[str | None, Row] = {}
    for row in tables["session_lesions"] if "sessions" in tables.compact else ():
        session = row.text("session_id")
        first = first_of.setdefault(session, row)
        for column in ("patient_id", "session_date"):
            here, there = row.cells.get(column), first.cells.get(column)
            if None not in (here, there) and here != there:
                got = f"{session}: {column} {here} here, {there} in row {first.number}"
                yield problem("sessions", row.number, "session_twice", got)


def order_problems(tables: Tables) -> Iterator[Problem]:
    """Yield dates that contradict each other, and dates after the data lock."""
    for row in tables["patients"]:
        yield from _of_patient(row)
    for name, column, event in (
        ("sessions", "session_date", "treatment"),
        ("scans", "scan_date", "imaging"),
        ("other_treatments", "date", "treatment"),
    ):
        yield from _of_dates(tables, name, column, event)
    yield from _of_lesions(tables)
    yield from _of_findings(tables)


def _of_dates(tables: Tables, name: str, column: str, event: str) -> Iterator[Problem]:
    """Dates of one table after the data lock, the patient's death or last contact."""
    patients = {r.text("patient_id"): r for r in tables["patients"]}
    lock = tables["study"][0].day("data_lock_date") if tables["study"] else None
    for row in tables[name]:
        day, who = row.day(column), row.text("patient_id")
        if day is None:
            continue
        if lock and day > lock:
            yield problem(row.table, row.number, "after_data_lock", f"{column} {day}, lock {lock}")
        if who not in patients:
            continue
        death, contact = patients[who].day("death_date"), patients[who].day("last_contact_date")
        if death and day > death:
            yield problem(row.table, row.number, f"death_before_{event}", f"{column} {day}, death of {who} {death}")
        elif contact and day > contact:
            got = f"{column} {day}, last contact of {who} {contact}"
            yield problem(row.table, row.number, f"contact_before_{event}", got)


def _of_patient(row: Row) -> Iterator[Problem]:
    if row.value("age_years") is None and row.value("birth_year") is None:
        yield problem("patients", row.number, "no_age", f"patient {row.text('patient_id')} has neither")
    death, contact = row.day("death_date"), row.day("last_contact_date")
    if death and contact and contact > death:
        yield problem("patients", row.number, "contact_after_death", f"last contact {contact}, death {death}")


def _of_lesions(tables: Tables) -> Iterator[Problem]:
    seen = {r.text("lesion_id"): r.day("first_seen_date") for r in tables["lesions"]}
    treated_on = {r.text("session_id"): r.day("session_date") for r in tables["sessions"]}
    scanned_on = {r.text("scan_id"): r.day("scan_date") for r in tables["scans"]}
    for name, key, days, event in (
        ("session_lesions", "session_id", treated_on, "treated"),
        ("measurements", "scan_id", scanned_on, "measured"),
    ):
        for row in tables[name]:
            day, first = days.get(row.text(key)), seen.get(row.text("lesion_id"))
            if day and first and day < first:
                got = f"lesion {row.text('lesion_id')} {event} {day}, first seen {first}"
                yield problem(row.table, row.number, f"{event}_before_seen", got)
    for row in tables["measurements"]:
        if row.value("longest_diameter_mm") is None and not row.flag("not_evaluable"):
            got = f"lesion {row.text('lesion_id')}: no diameter and not_evaluable is not 1"
            yield problem(row.table, row.number, "missing_value", got)
    treated = {r.text("lesion_id") for r in tables["session_lesions"]}
    for row in tables["lesions"]:
        if row.flag("is_target") and row.text("lesion_id") not in treated:
            yield problem("lesions", row.number, "target_never_treated", f"lesion {row.text('lesion_id')}")


def _of_findings(tables: Tables) -> Iterator[Problem]:
    first: dict[str | None, dt.date] = {}
    for row in tables["sessions"]:
        if day := row.day("session_date"):
            who = row.text("patient_id")
            first[who] = min(first.get(who, day), day)
    scans = {r.text("scan_id"): r for r in tables["scans"]}
    for row in tables["findings"]:
        scan = scans.get(row.text("scan_id"))
        day = scan.day("scan_date") if scan else None
        if scan is None or day is None:
            continue
        who, got = scan.text("patient_id"), f"{row.text('finding')} on {day}"
        if who in first and day <= first[who]:
            words = f"{got}, first session of {who} on {first[who]}"
            yield problem(row.table, row.number, "event_before_treatment", words)
        if scan.flag("adequate") is False:
            yield problem(row.table, row.number, "inadequate_scan_with_finding", got)


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
    row_of = {r.text("patient_id") or "": r.number for r in tables["patients"]}
    session_row = {r.text("session_id") or "": r.number for r in tables["sessions"]}
    for patient in cohort.patients:
        who = row_of[patient.patient_id]
        if not patient.sessions:
            yield problem("patients", who, "patient_without_session", f"patient {patient.patient_id}")
            continue
        yield from _of_baseline(patient, who, rules)
        cycles, again = cycles_of(patient, rules)
        for r in again:
            got = f"lesion {r.lesion_id} again on {iso(r.day)}"
            yield problem("sessions", session_row[r.session_id], "retreated_target", got)
        for cycle in cycles:
            yield from _of_cycle(patient, cycle, session_row, rules)
        scan_days = {s.day for s in patient.scans}
        for x in patient.lesions.values():
            if x.first_seen > cycles[0].first_day and x.first_seen not in scan_days:
                yield problem("patients", who, "first_seen_without_scan", f"lesion {x.lesion_id}, {iso(x.first_seen)}")
        if max(patient.last_contact, patient.death or 0) <= cycles[0].completion:
            yield problem("patients", who, "zero_follow_up", f"patient {patient.patient_id}")
    yield from _of_transplants(tables)
    yield from _of_early_findings(cohort, rules, row_of)


def _of_cycle(patient: Patient, cycle: Cycle, session_row: Mapping[str, int], rules: Rules) -> Iterator[Problem]:
    """Gaps between sequential sessions, new lesions among their targets, too many sessions."""
    for a, b in pairwise(cycle.sessions):
        number, gap = session_row[b.session_id], b.day - a.day
        if not rules.gap_min_days <= gap <= rules.gap_max_days:
            got = f"{patient.patient_id}: {gap} days between {iso(a.day)} and {iso(b.day)}"
            yield problem("sessions", number, "sequential_gap", got)
        targets = [patient.lesions[x] for x in b.lesion_ids if x in patient.lesions]
        new = [x.lesion_id for x in targets if x.first_seen > cycle.first_day]
        if new:
            yield problem("sessions", number, "early_new_lesion", f"lesion {new[0]} on {iso(b.day)}")
    if len(cycle.sessions) > rules.max_sessions:
        got = f"{patient.patient_id}: {len(cycle.sessions)} sessions in cycle {cycle.number}"
        yield problem("sessions", session_row[cycle.sessions[-1].session_id], "too_many_sessions", got)


def _of_baseline(patient: Patient, row: int, rules: Rules) -> Iterator[Problem]:
    first = patient.sessions[0]
    if not any(first.day - rules.baseline_days <= s.day <= first.day for s in patient.scans):
        got = f"patient {patient.patient_id}: no scan from {rules.baseline_days} days before {iso(first.day)}"
        yield problem("patients", row, "no_baseline_scan", got)
    treated: dict[str, int] = {}
    for s in patient.sessions:
        for x in s.lesion_ids:
            treated.setdefault(x, s.day)
    for x, day in treated.items():
        if x in patient.lesions and baseline_mm(patient.lesions[x], day) is None:
            yield problem("patients", row, "no_baseline_measurement", f"lesion {x} before {iso(day)}")


def _of_transplants(tables: Tables) -> Iterator[Problem]:
    for row in tables["other_treatments"]:
        if row.text("kind") == "transplant" and row.text("lesion_id") is None:
            got = f"patient {row.text('patient_id')} on {row.day('date')}"
            yield problem(row.table, row.number, "transplant_without_lesion", got)


def _of_early_findings(cohort: Cohort, rules: Rules, row_of: Mapping[str, int]) -> Iterator[Problem]:
    counted: dict[str, list[str]] = defaultdict(list)
    for patient in cohort.patients:
        cycles, _ = cycles_of(patient, rules)
        for cycle in cycles:
            for f in patient.findings:
                if f.scan.adequate and cycle.first_day < f.scan.day <= cycle.completion:
                    counted[patient.patient_id].append(f"{f.kind} on {iso(f.scan.day)}")
    for who, events in counted.items():
        yield problem("patients", row_of[who], "progression_before_completion", f"patient {who}: {events[0]}")
