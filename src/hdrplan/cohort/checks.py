"""What cannot be true of a patient's story: the order of dates, whose lesion it is, how often it is treated."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator

from hdrplan.cohort.cells import Row, Tables
from hdrplan.cohort.cycles import cycles_of
from hdrplan.cohort.model import Cohort, Patient, iso
from hdrplan.cohort.problems import Problem, problem
from hdrplan.cohort.progression import baseline_mm
from hdrplan.cohort.rules import Rules

__all__ = ["id_problems", "order_problems", "story_problems"]


def id_problems(tables: Tables) -> Iterator[Problem]:
    """Rows whose lesion, scan and session belong to different patients; sessions on two days."""
    owner = {r["lesion_id"]: r["patient_id"] for r in tables["lesions"]}
    of_scan = {r["scan_id"]: r["patient_id"] for r in tables["scans"]}
    of_session = {r["session_id"]: r["patient_id"] for r in tables["sessions"]}
    for name in ("session_lesions", "measurements", "findings", "other_treatments"):
        for row in tables[name]:
            who = row["patient_id"] or of_scan.get(row["scan_id"]) or of_session.get(row["session_id"])
            lesion = row["lesion_id"]
            if lesion in owner and who is not None and owner[lesion] not in (who, None):
                found = f"lesion {lesion} belongs to patient {owner[lesion]}, the row to {who}"
                yield problem(row.table, row.number, "other_patients_lesion", found)
    days: dict[str, Row] = {}
    for row in tables["session_lesions"] if "sessions" in tables.compact else ():
        first = days.setdefault(row["session_id"], row)
        for column in ("patient_id", "session_date"):
            if None not in (row[column], first[column]) and row[column] != first[column]:
                found = f"{row['session_id']}: {column} {row[column]} here, {first[column]} in row {first.number}"
                yield problem("sessions", row.number, "session_twice", found)


def order_problems(tables: Tables) -> Iterator[Problem]:
    """Dates that contradict each other, and dates after the data lock."""
    patients = {r["patient_id"]: r for r in tables["patients"]}
    lock = tables["study"][0]["data_lock_date"] if tables["study"] else None
    for row in tables["patients"]:
        yield from _of_patient(row)
    dated = [("sessions", "session_date", "treatment"), ("scans", "scan_date", "imaging")]
    for name, column, what in [*dated, ("other_treatments", "date", "treatment")]:
        for row in tables[name]:
            day, patient = row[column], patients.get(row["patient_id"])
            if day is None:
                continue
            if lock and day > lock:
                yield problem(row.table, row.number, "after_data_lock", f"{column} {day}, lock {lock}")
            if patient and patient["death_date"] and day > patient["death_date"]:
                found = f"{column} {day}, death of {row['patient_id']} {patient['death_date']}"
                yield problem(row.table, row.number, f"death_before_{what}", found)
            elif patient and patient["last_contact_date"] and day > patient["last_contact_date"]:
                found = f"{column} {day}, last contact of {row['patient_id']} {patient['last_contact_date']}"
                yield problem(row.table, row.number, f"contact_before_{what}", found)
    yield from _of_lesions(tables)
    yield from _of_findings(tables)


def _of_patient(row: Row) -> Iterator[Problem]:
    if row["age_years"] is None and row["birth_year"] is None:
        yield problem("patients", row.number, "no_age", f"patient {row['patient_id']} has neither")
    death, contact = row["death_date"], row["last_contact_date"]
    if death and contact and contact > death:
        yield problem("patients", row.number, "contact_after_death", f"last contact {contact}, death {death}")


def _of_lesions(tables: Tables) -> Iterator[Problem]:
    seen = {r["lesion_id"]: r["first_seen_date"] for r in tables["lesions"]}
    treated_on = {r["session_id"]: r["session_date"] for r in tables["sessions"]}
    scanned_on = {r["scan_id"]: r["scan_date"] for r in tables["scans"]}
    dated = (
        ("session_lesions", "session_id", treated_on, "treated"),
        ("measurements", "scan_id", scanned_on, "measured"),
    )
    for name, key, days, what in dated:
        for row in tables[name]:
            day, first = days.get(row[key]), seen.get(row["lesion_id"])
            if day and first and day < first:
                found = f"lesion {row['lesion_id']} {what} {day}, first seen {first}"
                yield problem(row.table, row.number, f"{what}_before_seen", found)
    for row in tables["measurements"]:
        if row["longest_diameter_mm"] is None and not row["not_evaluable"]:
            found = f"lesion {row['lesion_id']}: no diameter and not_evaluable is not 1"
            yield problem(row.table, row.number, "missing_value", found)
    treated = {r["lesion_id"] for r in tables["session_lesions"]}
    for row in tables["lesions"]:
        if row["is_target"] and row["lesion_id"] not in treated:
            yield problem("lesions", row.number, "target_never_treated", f"lesion {row['lesion_id']}")


def _of_findings(tables: Tables) -> Iterator[Problem]:
    first: dict[str, dt.date] = {}
    for row in tables["sessions"]:
        if row["session_date"]:
            who = row["patient_id"]
            first[who] = min(first.get(who, row["session_date"]), row["session_date"])
    scans = {r["scan_id"]: r for r in tables["scans"]}
    for row in tables["findings"]:
        scan = scans.get(row["scan_id"])
        if scan is None or scan["scan_date"] is None:
            continue
        who, day = scan["patient_id"], scan["scan_date"]
        if who in first and day <= first[who]:
            found = f"{row['finding']} on {day}, first session of {who} on {first[who]}"
            yield problem(row.table, row.number, "event_before_treatment", found)
        if scan["adequate"] is False:
            found = f"{row['finding']} on {day}"
            yield problem(row.table, row.number, "inadequate_scan_with_finding", found)


def story_problems(tables: Tables, cohort: Cohort, rules: Rules) -> Iterator[Problem]:
    """Things to know about how sessions, scans and lesions fit together."""
    row_of = {r["patient_id"]: r.number for r in tables["patients"]}
    sessions = {r["session_id"]: r for r in tables["sessions"]}
    for patient in cohort.patients:
        who = row_of[patient.patient_id]
        if not patient.sessions:
            yield problem("patients", who, "patient_without_session", f"patient {patient.patient_id}")
            continue
        yield from _of_baseline(patient, who, rules)
        cycles, again = cycles_of(patient, rules)
        for r in again:
            found = f"lesion {r.lesion_id} again on {iso(r.day)}"
            yield problem("sessions", sessions[r.session_id].number, "retreated_target", found)
        for cycle in cycles:
            for a, b in zip(cycle.sessions, cycle.sessions[1:], strict=False):
                number, gap = sessions[b.session_id].number, b.day - a.day
                if not rules.gap_min_days <= gap <= rules.gap_max_days:
                    found = f"{patient.patient_id}: {gap} days between {iso(a.day)} and {iso(b.day)}"
                    yield problem("sessions", number, "sequential_gap", found)
                new = [x for x in b.lesion_ids if x in patient.lesions and _seen(patient, x) > cycle.first_day]
                if new:
                    yield problem("sessions", number, "early_new_lesion", f"lesion {new[0]} on {iso(b.day)}")
            if len(cycle.sessions) > rules.max_sessions:
                number = sessions[cycle.sessions[-1].session_id].number
                found = f"{patient.patient_id}: {len(cycle.sessions)} sessions in cycle {cycle.number}"
                yield problem("sessions", number, "too_many_sessions", found)
        scan_days = {s.day for s in patient.scans}
        late = [x for x in patient.lesions.values() if x.first_seen > cycles[0].first_day]
        for x in late:
            if x.first_seen not in scan_days:
                yield problem("patients", who, "first_seen_without_scan", f"lesion {x.lesion_id}, {iso(x.first_seen)}")
        if max(patient.last_contact, patient.death or 0) <= cycles[0].completion:
            yield problem("patients", who, "zero_follow_up", f"patient {patient.patient_id}")
    yield from _of_transplants(tables)
    yield from _of_early_findings(cohort, rules, row_of)


def _seen(patient: Patient, lesion_id: str) -> int:
    return patient.lesions[lesion_id].first_seen


def _of_baseline(patient: Patient, row: int, rules: Rules) -> Iterator[Problem]:
    first = patient.sessions[0]
    if not any(first.day - rules.baseline_days <= s.day <= first.day for s in patient.scans):
        found = f"patient {patient.patient_id}: no scan from {rules.baseline_days} days before {iso(first.day)}"
        yield problem("patients", row, "no_baseline_scan", found)
    treated: dict[str, int] = {}
    for s in patient.sessions:
        for x in s.lesion_ids:
            treated.setdefault(x, s.day)
    for x, day in treated.items():
        if x in patient.lesions and baseline_mm(patient.lesions[x], day) is None:
            yield problem("patients", row, "no_baseline_measurement", f"lesion {x} before {iso(day)}")


def _of_transplants(tables: Tables) -> Iterator[Problem]:
    for row in tables["other_treatments"]:
        if row["kind"] == "transplant" and row["lesion_id"] is None:
            found = f"patient {row['patient_id']} on {row['date']}"
            yield problem(row.table, row.number, "transplant_without_lesion", found)


def _of_early_findings(cohort: Cohort, rules: Rules, row_of: dict[str, int]) -> Iterator[Problem]:
    counted: dict[str, list[str]] = defaultdict(list)
    for patient in cohort.patients:
        cycles, _ = cycles_of(patient, rules)
        for cycle in cycles:
            for f in patient.findings:
                if f.scan.adequate and cycle.first_day < f.scan.day <= cycle.completion:
                    counted[patient.patient_id].append(f"{f.kind} on {iso(f.scan.day)}")
    for who, found in counted.items():
        yield problem("patients", row_of[who], "progression_before_completion", f"patient {who}: {found[0]}")
