"""The cohort's tables as data: what each column means, its unit, its limits. Templates, checks and docs come from here.

Dates are ISO (YYYY-MM-DD), diameters mm, doses Gy, volumes percent or cm3. A table may come in its full form or in the
compact one (``COMPACT``), table by table; where a compact form exists, scans and the lesions of a session are implied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["COMPACT", "TABLES", "Column", "Table", "data_dictionary", "form_of", "json_schema"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Parameters
    ----------
    name : str
        With its unit, if it has one.
    kind : {"id", "text", "date", "number", "flag", "choice"}
        A flag is 0 or 1.
    meaning : str
        One line for the data dictionary.
    required : bool
        The column must be there and no cell may be empty.
    low, high : float or None
        Outside these a number is an error.
    choices : tuple of str
        Closed vocabulary.
    refers : str
        Table that must hold this id.
    also : str
        Another spelling of the name that is read too.
    or_else : str
        A required cell may be empty where this column is filled.
    """

    name: str
    kind: str
    meaning: str
    required: bool = False
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    refers: str = ""
    also: str = ""
    or_else: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its columns, and the columns that name a row."""

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    required: bool = False

    def column(self, name: str) -> Column | None:
        """Column of that name or other spelling."""
        return next((c for c in self.columns if name in (c.name, c.also)), None)


def _id(name: str, refers: str = "", required: bool = True, meaning: str = "") -> Column:
    return Column(name, "id", meaning or f"names one row of {refers or 'this table'}", required, refers=refers)


def _gy(name: str, meaning: str, high: float, required: bool = False) -> Column:
    return Column(name, "number", meaning + ", Gy", required, 0.0, high)


def _pct(name: str, meaning: str) -> Column:
    return Column(name, "number", meaning + ", percent (0 to 100)", low=0.0, high=100.0)


_LESION = _id("lesion_id", "lesions")
_PATIENT = _id("patient_id", "patients")
_SCAN_DATE = Column("scan_date", "date", "day of the scan", True)
_DIAMETER = Column("longest_diameter_mm", "number", "longest diameter; 0 is a complete response", low=0.0, high=300.0)
_NOT_EVALUABLE = Column("not_evaluable", "flag", "1: seen on no reliable slice, the diameter is empty")
_FINDING = Column(
    "finding",
    "choice",
    "what the scan shows for the first time",
    True,
    choices=("new_intrahepatic", "new_extrahepatic"),
    also="kind",
)
_LOCATION = Column("location", "text", "where, in words")
_KINDS = ("TACE", "SIRT", "ablation", "resection", "transplant", "systemic", "other")

_DOSES = (
    _gy("d100_gy", "minimum dose of the CTV", 100.0, required=True),
    _gy("d98_gy", "dose to at least 98 % of the CTV", 120.0),
    _gy("d95_gy", "dose to at least 95 % of the CTV", 150.0),
    _gy("d90_gy", "dose to at least 90 % of the CTV", 150.0),
    _gy("d50_gy", "dose to at least 50 % of the CTV", 500.0),
    _gy("d2_gy", "dose to at least 2 % of the CTV", 5000.0),
    _pct("v100_pct", "part of the CTV that receives the prescription"),
    _pct("v150_pct", "part of the CTV that receives 1.5 times the prescription"),
    _pct("v200_pct", "part of the CTV that receives twice the prescription"),
)

TABLES: dict[str, Table] = {
    t.name: t
    for t in (
        Table(
            "patients",
            "one row a patient",
            ("patient_id",),
            (
                _id("patient_id", meaning="pseudonym, never a name or a hospital number"),
                Column("tumour_type", "choice", "primary tumour", True, choices=("HCC", "CRLM", "other")),
                Column("sex", "choice", "M or F", True, choices=("M", "F")),
                Column("age_years", "number", "age at the first treatment; or give birth_year", low=0.0, high=110.0),
                Column("birth_year", "number", "year of birth, where age_years is empty", low=1900.0, high=2100.0),
                Column(
                    "last_contact_date", "date", "last day known alive, or the day of death", True, or_else="death_date"
                ),
                Column("death_date", "date", "empty if alive"),
                Column("child_pugh", "choice", "Child-Pugh class", choices=("A", "B", "C")),
                Column("bclc", "choice", "Barcelona stage", choices=("0", "A", "B", "C", "D")),
                Column("cirrhosis", "flag", "1: cirrhosis"),
                Column("cirrhosis_cause", "text", "HBV, HCV, ASH, NASH, ..."),
                Column("prior_liver_treatment", "text", "none, resection, TACE, both, ... (of non-target lesions)"),
                Column("alt_u_per_l", "number", "alanine aminotransferase", low=0.0, high=20000.0),
                Column("ast_u_per_l", "number", "aspartate aminotransferase", low=0.0, high=20000.0),
                Column("ggt_u_per_l", "number", "gamma-glutamyl transferase", low=0.0, high=20000.0),
                Column("bilirubin_mg_per_dl", "number", "total bilirubin", low=0.0, high=60.0),
            ),
            required=True,
        ),
        Table(
            "sessions",
            "one row a brachytherapy session",
            ("session_id",),
            (
                _id("session_id"),
                _PATIENT,
                Column("session_date", "date", "day of irradiation", True),
                Column("source_id", "text", "Ir-192 source"),
                Column("air_kerma_u", "number", "air-kerma strength, U", low=0.0, high=100000.0, also="air_kerma_U"),
            ),
            required=True,
        ),
        Table(
            "lesions",
            "one row a liver lesion",
            ("lesion_id",),
            (
                _id("lesion_id"),
                _PATIENT,
                Column("first_seen_date", "date", "first image that shows it; decides its treatment cycle", True),
                Column("segment", "text", "liver segment"),
                Column("is_target", "flag", "1: meant to be treated"),
            ),
            required=True,
        ),
        Table(
            "session_lesions",
            "one row a lesion treated in a session",
            ("session_id", "lesion_id"),
            (
                _id("session_id", "sessions"),
                _LESION,
                _gy("prescription_gy", "prescribed tumour-enclosing dose", 99.0),
                Column("plan_id", "id", "plan of that session"),
                Column("dose_reduced_reason", "text", "why the dose was lowered, if it was"),
            ),
        ),
        Table(
            "dose_metrics",
            "one row a lesion and plan, as `hdrplan metrics` and `hdrplan plan` write it; never typed in",
            ("plan_id", "session_id", "lesion_id"),
            (
                Column("plan_id", "id", "plan; empty where a lesion has one"),
                Column("session_id", "id", "session of the plan, where plan_id is not used", refers="sessions"),
                _LESION,
                Column("ctv_cm3", "number", "volume of the CTV", low=0.0, high=4000.0),
                *_DOSES,
                _gy("prescription_gy", "prescribed tumour-enclosing dose", 99.0),
                Column("engine", "text", "dose engine"),
                Column("grid_mm", "number", "dose grid", low=0.0, high=20.0),
                Column("slice_mm", "number", "slice distance of the planning CT", low=0.0, high=20.0),
            ),
        ),
        Table(
            "oar_metrics",
            "one row an organ at risk and plan",
            ("plan_id", "organ"),
            (
                _id("plan_id", meaning="plan"),
                Column("organ", "text", "organ at risk", True),
                _gy("d1cc_gy", "dose to the hottest 1 cm3", 1000.0),
                _gy("d0_1cc_gy", "dose to the hottest 0.1 cm3", 5000.0),
                _pct("v5gy_pct", "part that receives 5 Gy"),
                _pct("v10gy_pct", "part that receives 10 Gy"),
            ),
        ),
        Table(
            "scans",
            "one row an imaging date",
            ("scan_id",),
            (
                _id("scan_id"),
                _PATIENT,
                _SCAN_DATE,
                Column("modality", "choice", "MRI or CT", choices=("MRI", "CT")),
                Column("adequate", "flag", "0: cannot decide on progression; counts as no scan"),
            ),
        ),
        Table(
            "measurements",
            "one row a lesion on a scan",
            ("scan_id", "lesion_id"),
            (_id("scan_id", "scans"), _LESION, _DIAMETER, _NOT_EVALUABLE),
        ),
        Table(
            "findings",
            "one row a new finding on a scan",
            ("scan_id", "finding"),
            (_id("scan_id", "scans"), _FINDING, _LOCATION),
        ),
        Table(
            "other_treatments",
            "one row another tumour treatment",
            ("patient_id", "date", "kind", "lesion_id"),
            (
                _PATIENT,
                Column("date", "date", "day of treatment", True),
                Column("kind", "choice", "kind of treatment", True, choices=_KINDS),
                Column("lesion_id", "id", "target of it; empty: not directed to a target lesion", refers="lesions"),
            ),
        ),
        Table(
            "study",
            "one row",
            (),
            (
                Column("data_lock_date", "date", "last day of the data"),
                Column("rules", "text", "rule set: recommended or paper"),
                _gy("prescription_gy", "prescription where no row gives one", 99.0),
            ),
        ),
    )
}

COMPACT: dict[str, Table] = {
    t.name: t
    for t in (
        Table(
            "sessions",
            "compact: one row a treated lesion, session_id repeats",
            ("session_id", "lesion_id"),
            (*TABLES["sessions"].columns, _LESION, *TABLES["session_lesions"].columns[2:]),
            required=True,
        ),
        Table(
            "measurements",
            "compact: one row a lesion and scan date; scans are implied",
            ("patient_id", "scan_date", "lesion_id"),
            (_PATIENT, _SCAN_DATE, _LESION, _DIAMETER, _NOT_EVALUABLE),
        ),
        Table(
            "findings",
            "compact: one row a new finding on a scan date",
            ("patient_id", "scan_date", "finding"),
            (_PATIENT, _SCAN_DATE, _FINDING, _LOCATION),
        ),
    )
}


def form_of(name: str, columns: tuple[str, ...]) -> Table:
    """Return the form of a table that its columns speak: a session row with a lesion, a scan without scan_id."""
    if name == "sessions" and "lesion_id" in columns:
        return COMPACT[name]
    if name in ("measurements", "findings") and "scan_id" not in columns and "scan_date" in columns:
        return COMPACT[name]
    return TABLES[name]


_JSON_TYPES: dict[str, dict[str, Any]] = {
    "id": {"type": "string"},
    "text": {"type": "string"},
    "date": {"type": "string", "format": "date"},
    "number": {"type": "number"},
    "flag": {"type": "integer", "enum": [0, 1]},
    "choice": {"type": "string"},
}


def json_schema(table: Table) -> dict[str, Any]:
    """JSON Schema (2020-12) of one row of a table."""
    properties = {}
    for c in table.columns:
        about = {**_JSON_TYPES[c.kind], "description": c.meaning}
        if c.choices:
            about["enum"] = list(c.choices)
        if c.kind == "number":
            about |= {k: v for k, v in (("minimum", c.low), ("maximum", c.high)) if v is not None}
        if c.refers:
            about["description"] += f"; must stand in {c.refers}"
        properties[c.name] = about
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": table.name,
        "description": table.meaning,
        "type": "object",
        "properties": properties,
        "required": [c.name for c in table.columns if c.required],
        "x-key": list(table.key),
    }


def data_dictionary() -> str:
    """Markdown of all tables and columns."""
    lines: list[str] = []
    for table in (*TABLES.values(), *COMPACT.values()):
        form = " (compact form)" if table.meaning.startswith("compact") else ""
        lines += [
            f"### {table.name}{form}",
            "",
            f"{table.meaning.removeprefix('compact: ')}; key: {' + '.join(table.key) or 'none'}",
            "",
            "| column | kind | needed | meaning |",
            "|---|---|---|---|",
        ]
        for c in table.columns:
            limits = f", {c.low:g} to {c.high:g}" if c.low is not None and c.high is not None else ""
            words = f" ({', '.join(c.choices)})" if c.choices else ""
            refers = f"; in {c.refers}" if c.refers else ""
            lines.append(
                f"| `{c.name}` | {c.kind}{limits} | {'yes' if c.required else ''} | {c.meaning}{words}{refers} |"
            )
        lines.append("")
    return "\n".join(lines)
