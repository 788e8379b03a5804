"""What cannot be true of a patient's rows: the order of dates, and whose lesion it is."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator

from hdrplan.cohort.problems import Problem, problem
from hdrplan.cohort.rows import Row, Tables

__all__ = ["id_problems", "order_problems"]

# Hepatocellular carcinoma and metastases of the colon are treated in adults.
_ADULT_YEARS = 18.0
# Diameters and sessions of two patients that are equal by chance are fewer.
_FEWEST_EQUAL = 3


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
    lock = tables["study"][0].day("data_lock_date") if tables["study"] else None
    for row in tables["patients"]:
        yield from _of_patient(row)
        for column in ("death_date", "last_contact_date"):
            if lock and (day := row.day(column)) and day > lock:
                yield problem("patients", row.number, "known_after_data_lock", f"{column} {day}, lock {lock}")
                break
    yield from _of_twins(tables)
    for name, column, event in (
        ("sessions", "session_date", "treatment"),
        ("scans", "scan_date", "imaging"),
        ("other_treatments", "date", "treatment"),
    ):
        yield from _of_dates(tables, name, column, event)
    yield from _of_lesions(tables)
    yield from _of_findings(tables)


def _of_twins(tables: Tables) -> Iterator[Problem]:
    """Patients of one age and sex with the same sessions, scans and diameters, at least three of them."""
    scans = {r.text("scan_id"): (r.text("patient_id"), r.day("scan_date")) for r in tables["scans"]}
    course: dict[str | None, list[str]] = defaultdict(list)
    for row in tables["measurements"]:
        who, day = scans.get(row.text("scan_id"), (None, None))
        if day is not None and (size := row.value("longest_diameter_mm")):
            course[who].append(f"{day} {size:g}")
    for row in tables["sessions"]:
        course[row.text("patient_id")].append(f"treated {row.day('session_date')}")
    seen: dict[object, str | None] = {}
    for row in tables["patients"]:
        who = row.text("patient_id")
        if len(course[who]) <= _FEWEST_EQUAL:
            continue
        facts = (row.text("sex"), row.value("age_years"), row.value("birth_year"), tuple(sorted(course[who])))
        other = seen.setdefault(facts, who)
        if other != who:
            got = f"{who} and {other} have the same age, sex, sessions and diameters"
            yield problem("patients", row.number, "patients_alike", got)


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
    age = row.value("age_years")
    if isinstance(age, float | int) and age < _ADULT_YEARS:
        yield problem("patients", row.number, "age_of_a_child", f"patient {row.text('patient_id')}: {age:g} years")
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
