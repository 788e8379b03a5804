"""A patient's story as plain values, days as whole numbers (``datetime.date.toordinal``); built from checked tables."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from hdrplan.cohort.cells import Row, Tables

__all__ = [
    "Cohort",
    "Dose",
    "Finding",
    "Lesion",
    "Measurement",
    "Patient",
    "Scan",
    "Session",
    "Treatment",
    "cohort_of",
    "full_tables",
    "iso",
]


@dataclass(frozen=True, slots=True)
class Scan:
    """An imaging date; in the compact form its id is the date."""

    scan_id: str
    day: int
    adequate: bool


@dataclass(frozen=True, slots=True)
class Measurement:
    """A lesion's longest diameter on a scan; None where it was not evaluable."""

    scan: Scan
    diameter_mm: float | None


@dataclass(frozen=True, slots=True)
class Finding:
    """A new intrahepatic or extrahepatic tumour on a scan."""

    scan: Scan
    kind: str


@dataclass(frozen=True, slots=True)
class Lesion:
    """A liver lesion and all its measurements, in order of time."""

    lesion_id: str
    first_seen: int
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True, slots=True)
class Session:
    """A brachytherapy session and the lesions it treated."""

    session_id: str
    day: int
    lesion_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Treatment:
    """Another tumour treatment; lesion_id None where it was not directed to a lesion of the table."""

    day: int
    kind: str
    lesion_id: str | None


@dataclass(frozen=True, slots=True)
class Patient:
    """One patient, everything in order of time."""

    patient_id: str
    tumour_type: str
    sex: str
    age_years: float
    last_contact: int
    death: int | None
    sessions: tuple[Session, ...]
    lesions: Mapping[str, Lesion]
    scans: tuple[Scan, ...]
    findings: tuple[Finding, ...]
    treatments: tuple[Treatment, ...]
    covariates: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dose:
    """Dose metrics of one lesion in one session (session_id None: all its sessions together)."""

    lesion_id: str
    session_id: str | None
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Cohort:
    """The whole cohort."""

    patients: tuple[Patient, ...]
    doses: tuple[Dose, ...]
    study: Mapping[str, object]


def iso(day: int) -> str:
    """ISO date of a day."""
    return dt.date.fromordinal(day).isoformat()


def full_tables(tables: Tables) -> Tables:
    """Return the tables in their full form: what a compact table implies is written out, rows keep their numbers."""
    full = Tables(dict(tables.rows), set(tables.compact), set(tables.given))
    if "sessions" in tables.compact:
        once: dict[str, Row] = {}
        for row in tables["sessions"]:
            once.setdefault(row["session_id"], row)
        full.rows["sessions"] = list(once.values())
        full.rows["session_lesions"] = list(tables["sessions"])
        full.given.add("session_lesions")
    scans = list(tables["scans"])
    by_date = {(r["patient_id"], r["scan_date"]): r["scan_id"] for r in reversed(scans)}
    for name in ("measurements", "findings"):
        if name not in tables.compact:
            continue
        rows = []
        for row in tables[name]:
            who, day = row["patient_id"], row["scan_date"]
            if who is not None and day is not None and (who, day) not in by_date:
                by_date[who, day] = f"{who}@{day}"
                cells = {"scan_id": by_date[who, day], "patient_id": who, "scan_date": day, "adequate": True}
                scans.append(Row(row.table, row.number, cells))
            rows.append(Row(row.table, row.number, {**row.cells, "scan_id": by_date.get((who, day))}))
        full.rows[name] = rows
    full.rows["scans"] = scans
    return full


def cohort_of(tables: Tables) -> Cohort:
    """Return the patients of tables in full form whose errors are all accepted or absent.

    Rows that lack what an accepted error took away (an id, a date) have no place in anybody's story; `validate` has
    named each one.
    """
    scans = {
        r["scan_id"]: (r["patient_id"], Scan(r["scan_id"], r["scan_date"].toordinal(), r["adequate"] is not False))
        for r in tables["scans"]
        if r["scan_id"] and r["scan_date"]
    }
    scans_of = _by_patient(scans.values())
    lesions_of = _by_patient(_lesions(tables, scans))
    sessions_of = _by_patient(_sessions(tables))
    findings_of = _by_patient(_findings(tables, scans))
    treatments_of = _by_patient(
        (r["patient_id"], Treatment(r["date"].toordinal(), r["kind"], r["lesion_id"]))
        for r in tables["other_treatments"]
        if r["date"]
    )
    patients = []
    for row in tables["patients"]:
        who = row["patient_id"]
        last = row["last_contact_date"] or row["death_date"]
        if last is None:
            continue
        sessions = sorted(sessions_of[who], key=lambda s: (s.day, s.session_id))
        patients.append(
            Patient(
                who,
                row["tumour_type"],
                row["sex"],
                _age_years(row, sessions),
                last.toordinal(),
                row["death_date"].toordinal() if row["death_date"] else None,
                tuple(sessions),
                {x.lesion_id: x for x in lesions_of[who]},
                tuple(sorted(scans_of[who], key=lambda s: s.day)),
                tuple(sorted(findings_of[who], key=lambda f: f.scan.day)),
                tuple(sorted(treatments_of[who], key=lambda t: t.day)),
                {k: v for k, v in row.cells.items() if k not in _OF_THE_MODEL},
            )
        )
    study = tables["study"][0].cells if tables["study"] else {}
    return Cohort(tuple(patients), _doses(tables), study)


_OF_THE_MODEL = ("patient_id", "tumour_type", "sex", "age_years", "birth_year", "last_contact_date", "death_date")
T = TypeVar("T")


def _by_patient(pairs: Iterable[tuple[str, T]]) -> defaultdict[str, list[T]]:
    found: defaultdict[str, list[T]] = defaultdict(list)
    for who, value in pairs:
        found[who].append(value)
    return found


def _lesions(tables: Tables, scans: Mapping[str, tuple[str, Scan]]) -> Iterator[tuple[str, Lesion]]:
    measured: dict[str, list[Measurement]] = defaultdict(list)
    for r in tables["measurements"]:
        if r["scan_id"] in scans:
            size = None if r["not_evaluable"] else r["longest_diameter_mm"]
            measured[r["lesion_id"]].append(Measurement(scans[r["scan_id"]][1], size))
    for r in tables["lesions"]:
        if r["first_seen_date"]:
            story = tuple(sorted(measured[r["lesion_id"]], key=lambda m: m.scan.day))
            yield r["patient_id"], Lesion(r["lesion_id"], r["first_seen_date"].toordinal(), story)


def _findings(tables: Tables, scans: Mapping[str, tuple[str, Scan]]) -> Iterator[tuple[str, Finding]]:
    for r in tables["findings"]:
        if r["scan_id"] in scans:
            who, scan = scans[r["scan_id"]]
            yield who, Finding(scan, r["finding"])


def _sessions(tables: Tables) -> Iterator[tuple[str, Session]]:
    treated: dict[str, list[str]] = defaultdict(list)
    for r in tables["session_lesions"]:
        treated[r["session_id"]].append(r["lesion_id"])
    for r in tables["sessions"]:
        if r["session_date"]:
            lesions = tuple(dict.fromkeys(x for x in treated[r["session_id"]] if x))
            yield r["patient_id"], Session(r["session_id"], r["session_date"].toordinal(), lesions)


def _age_years(row: Row, sessions: Sequence[Session]) -> float:
    """Age given, or from the year of birth at the first session."""
    if row["age_years"] is not None:
        return float(row["age_years"])
    if row["birth_year"] is None:
        return float("nan")
    if not sessions:
        return float("nan")
    first = sessions[0].day
    return float(dt.date.fromordinal(first).year - row["birth_year"])


def _doses(tables: Tables) -> tuple[Dose, ...]:
    session_of_plan = {
        (r["plan_id"], r["lesion_id"]): r["session_id"] for r in tables["session_lesions"] if r["plan_id"]
    }
    doses = []
    for r in tables["dose_metrics"]:
        session = r["session_id"] or session_of_plan.get((r["plan_id"], r["lesion_id"]))
        numbers = {k: float(v) for k, v in r.cells.items() if isinstance(v, float)}
        doses.append(Dose(r["lesion_id"], session, numbers))
    return tuple(doses)
