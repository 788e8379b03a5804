"""From checked tables to the patients' stories: compact tables written out, then everything in order of time."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from hdrplan.cohort.model import Cohort, Dose, Finding, Lesion, Measurement, Patient, Scan, Session, Treatment
from hdrplan.cohort.rows import Cell, Row, Tables

__all__ = ["cohort_of", "full_tables"]

T = TypeVar("T")
# Cells that the model holds by name; all others are covariates.
_OF_THE_MODEL = (
    "patient_id", "tumour_type", "sex", "age_years", "birth_year", "last_contact_date", "death_date", "lesion_id",
    "first_seen_date", "session_id", "session_date",
)  # fmt: skip


def full_tables(tables: Tables) -> Tables:
    """Return the tables in their full form: what a compact table implies is written out, rows keep their numbers."""
    rows, present = dict(tables.rows), tables.present
    if "sessions" in tables.compact:
        once: dict[str | None, Row] = {}
        for row in tables["sessions"]:
            once.setdefault(row.text("session_id"), row)
        rows |= {"sessions": tuple(once.values()), "session_lesions": tables["sessions"]}
        present |= {"session_lesions"}
    scans = list(tables["scans"])
    by_date = {(r.text("patient_id"), r.day("scan_date")): r.text("scan_id") for r in reversed(scans)}
    for name in ("measurements", "findings"):
        if name in tables.compact:
            rows[name] = tuple(_with_scan(row, scans, by_date) for row in tables[name])
    rows["scans"] = tuple(scans)
    return Tables(rows=rows, compact=tables.compact, present=present)


def _with_scan(row: Row, scans: list[Row], by_date: dict[tuple[str | None, dt.date | None], str | None]) -> Row:
    """Return a compact row with the id of its scan; a scan that is not there yet is added to the scans."""
    who, day = row.text("patient_id"), row.day("scan_date")
    if who is not None and day is not None and (who, day) not in by_date:
        scan_id = by_date[who, day] = f"{who}@{day}"
        cells: dict[str, Cell] = {"scan_id": scan_id, "patient_id": who, "scan_date": day, "adequate": True}
        scans.append(Row(row.table, row.number, cells))
    return Row(row.table, row.number, {**row.cells, "scan_id": by_date.get((who, day))})


def cohort_of(tables: Tables) -> Cohort:
    """Return the patients of tables in full form whose errors are all accepted or absent.

    Rows that lack what an accepted error took away (an id, a date) have no place in anybody's story; `validate` has
    named each one.
    """
    scans = dict(_scans(tables))
    sessions_of = _by_patient(_sessions(tables))
    scans_of = _by_patient(scans.values())
    lesions_of = _by_patient(_lesions(tables, scans))
    findings_of = _by_patient(_findings(tables, scans))
    treatments_of = _by_patient(_treatments(tables))
    patients = []
    for row in tables["patients"]:
        death = row.day("death_date")
        last = row.day("last_contact_date") or death
        if last is None:
            continue
        who = _text(row, "patient_id")
        sessions = sorted(sessions_of[who], key=lambda s: (s.day, s.session_id))
        patients.append(
            Patient(
                patient_id=who,
                tumour_type=_text(row, "tumour_type"),
                sex=_text(row, "sex"),
                age_years=_age_years(row, sessions),
                last_contact=last.toordinal(),
                death=death.toordinal() if death else None,
                sessions=tuple(sessions),
                lesions={x.lesion_id: x for x in lesions_of[who]},
                scans=tuple(sorted(scans_of[who], key=lambda s: s.day)),
                findings=tuple(sorted(findings_of[who], key=lambda f: f.scan.day)),
                treatments=tuple(sorted(treatments_of[who], key=lambda t: t.day)),
                covariates=_covariates(row),
            )
        )
    study = tables["study"][0].cells if tables["study"] else {}
    return Cohort(tuple(patients), tuple(_doses(tables)), study)


def _covariates(row: Row) -> dict[str, object]:
    return {name: cell for name, cell in row.cells.items() if name not in _OF_THE_MODEL}


def _text(row: Row, column: str) -> str:
    """Text of a cell; empty where an accepted error left none."""
    return row.text(column) or ""


def _by_patient(pairs: Iterable[tuple[str, T]]) -> defaultdict[str, list[T]]:
    of_patient: defaultdict[str, list[T]] = defaultdict(list)
    for who, value in pairs:
        of_patient[who].append(value)
    return of_patient


def _scans(tables: Tables) -> Iterator[tuple[str, tuple[str, Scan]]]:
    for row in tables["scans"]:
        scan_id, day = row.text("scan_id"), row.day("scan_date")
        if scan_id and day:
            adequate = row.flag("adequate") is not False
            yield scan_id, (_text(row, "patient_id"), Scan(scan_id, day.toordinal(), adequate))


def _lesions(tables: Tables, scans: Mapping[str, tuple[str, Scan]]) -> Iterator[tuple[str, Lesion]]:
    measured: dict[str, list[Measurement]] = defaultdict(list)
    for row in tables["measurements"]:
        scan_id = _text(row, "scan_id")
        if scan_id in scans:
            size = None if row.flag("not_evaluable") else row.value("longest_diameter_mm")
            measured[_text(row, "lesion_id")].append(Measurement(scans[scan_id][1], size))
    for row in tables["lesions"]:
        if first_seen := row.day("first_seen_date"):
            lesion_id = _text(row, "lesion_id")
            story = tuple(sorted(measured[lesion_id], key=lambda m: m.scan.day))
            yield _text(row, "patient_id"), Lesion(lesion_id, first_seen.toordinal(), story, _covariates(row))


def _findings(tables: Tables, scans: Mapping[str, tuple[str, Scan]]) -> Iterator[tuple[str, Finding]]:
    for row in tables["findings"]:
        scan_id = _text(row, "scan_id")
        if scan_id in scans:
            who, scan = scans[scan_id]
            yield who, Finding(scan, _text(row, "finding"))


def _sessions(tables: Tables) -> Iterator[tuple[str, Session]]:
    treated: dict[str, list[str]] = defaultdict(list)
    for row in tables["session_lesions"]:
        treated[_text(row, "session_id")].append(_text(row, "lesion_id"))
    for row in tables["sessions"]:
        if day := row.day("session_date"):
            session_id = _text(row, "session_id")
            lesions = tuple(dict.fromkeys(x for x in treated[session_id] if x))
            yield _text(row, "patient_id"), Session(session_id, day.toordinal(), lesions, _covariates(row))


def _treatments(tables: Tables) -> Iterator[tuple[str, Treatment]]:
    for row in tables["other_treatments"]:
        if day := row.day("date"):
            yield _text(row, "patient_id"), Treatment(day.toordinal(), _text(row, "kind"), row.text("lesion_id"))


def _age_years(row: Row, sessions: Sequence[Session]) -> float:
    """Age given, or from the year of birth at the first session."""
    age, born = row.value("age_years"), row.value("birth_year")
    if age is not None:
        return age
    if born is None or not sessions:
        return float("nan")
    return float(dt.date.fromordinal(sessions[0].day).year - born)


def _doses(tables: Tables) -> Iterator[Dose]:
    session_of_plan = {
        (plan, row.text("lesion_id")): row.text("session_id")
        for row in tables["session_lesions"]
        if (plan := row.text("plan_id"))
    }
    for row in tables["dose_metrics"]:
        lesion, plan = row.text("lesion_id"), row.text("plan_id")
        session = row.text("session_id") or (session_of_plan.get((plan, lesion)) if plan else None)
        yield Dose(lesion or "", session, {k: v for k, v in row.cells.items() if isinstance(v, float)})
