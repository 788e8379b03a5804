"""The cohort's tables as data: what each column means, its unit, its limits. Templates, checks and docs come from here.

A table may come in its full form (``TABLES``) or in the compact one (``COMPACT``), table by table; where a compact form
exists, scans and the lesions of a session are implied.
"""

from __future__ import annotations

from hdrplan.cohort.schema import Column, Table

__all__ = ["COMPACT", "TABLES", "form_of"]


def _id(name: str, refers: str = "", meaning: str = "") -> Column:
    meaning = meaning or f"id of a row of {refers or 'this table'}"
    return Column(name=name, kind="id", meaning=meaning, required=True, refers=refers)


def _other_id(name: str, meaning: str, refers: str = "") -> Column:
    return Column(name=name, kind="id", meaning=meaning, refers=refers)


def _text(name: str, meaning: str, *, required: bool = False) -> Column:
    return Column(name=name, kind="text", meaning=meaning, required=required)


def _date(name: str, meaning: str, *, required: bool = True, or_else: str = "") -> Column:
    return Column(name=name, kind="date", meaning=meaning, required=required, or_else=or_else)


def _number(name: str, meaning: str, low: float, high: float, *, also: str = "") -> Column:
    return Column(name=name, kind="number", meaning=meaning, low=low, high=high, also=also)


def _flag(name: str, meaning: str) -> Column:
    return Column(name=name, kind="flag", meaning=meaning)


def _choice(name: str, meaning: str, choices: tuple[str, ...], *, required: bool = False, also: str = "") -> Column:
    return Column(name=name, kind="choice", meaning=meaning, required=required, choices=choices, also=also)


def _gy(name: str, meaning: str, high: float, *, required: bool = False) -> Column:
    return Column(name=name, kind="number", meaning=meaning + ", Gy", required=required, low=0.0, high=high)


def _pct(name: str, meaning: str) -> Column:
    return _number(name, meaning + ", percent (0 to 100)", 0.0, 100.0)


_LESION = _id("lesion_id", "lesions")
_PATIENT = _id("patient_id", "patients")
_SCAN_DATE = _date("scan_date", "day of the scan")
_DIAMETER = _number("longest_diameter_mm", "longest diameter; 0 is a complete response", 0.0, 300.0)
_NOT_EVALUABLE = _flag("not_evaluable", "1: cannot be measured on this scan; the diameter is empty")
_FINDING = _choice(
    "finding",
    "what the scan shows for the first time",
    ("new_intrahepatic", "new_extrahepatic"),
    required=True,
    also="kind",
)
_LOCATION = _text("location", "where, as free text")
_OTHER_KINDS = ("TACE", "SIRT", "ablation", "resection", "transplant", "systemic", "other")

_PATIENTS = Table(
    name="patients",
    meaning="one row per patient",
    key=("patient_id",),
    required=True,
    columns=(
        _id("patient_id", meaning="pseudonym, never a name or a hospital number"),
        _choice("tumour_type", "primary tumour", ("HCC", "CRLM", "other"), required=True),
        _choice("sex", "M or F", ("M", "F"), required=True),
        _number("age_years", "age at the first treatment; birth_year may be given instead", 0.0, 110.0),
        _number("birth_year", "year of birth, where age_years is empty", 1900.0, 2100.0),
        _date("last_contact_date", "last day known alive, or the day of death", or_else="death_date"),
        _date("death_date", "empty if alive", required=False),
        _choice("child_pugh", "Child-Pugh class", ("A", "B", "C")),
        _choice("bclc", "Barcelona stage", ("0", "A", "B", "C", "D")),
        _flag("cirrhosis", "1: cirrhosis"),
        _text("cirrhosis_cause", "HBV, HCV, ASH, NASH, ..."),
        _text("prior_liver_treatment", "none, resection, TACE, both, ... (of non-target lesions)"),
        _number("alt_u_per_l", "alanine aminotransferase", 0.0, 20000.0),
        _number("ast_u_per_l", "aspartate aminotransferase", 0.0, 20000.0),
        _number("ggt_u_per_l", "gamma-glutamyl transferase", 0.0, 20000.0),
        _number("bilirubin_mg_per_dl", "total bilirubin", 0.0, 60.0),
    ),
)

_SESSIONS = Table(
    name="sessions",
    meaning="one row per brachytherapy session",
    key=("session_id",),
    required=True,
    columns=(
        _id("session_id"),
        _PATIENT,
        _date("session_date", "day of irradiation"),
        _text("source_id", "Ir-192 source"),
        _number("air_kerma_u", "air-kerma strength, U", 0.0, 100000.0, also="air_kerma_U"),
    ),
)

_LESIONS = Table(
    name="lesions",
    meaning="one row per liver lesion",
    key=("lesion_id",),
    required=True,
    columns=(
        _id("lesion_id"),
        _PATIENT,
        _date("first_seen_date", "date of the first image that shows it; decides its treatment cycle"),
        _text("segment", "liver segment"),
        _flag("is_target", "1: meant to be treated"),
    ),
)

_SESSION_LESIONS = Table(
    name="session_lesions",
    meaning="one row per lesion treated in a session",
    key=("session_id", "lesion_id"),
    columns=(
        _id("session_id", "sessions"),
        _LESION,
        _gy("prescription_gy", "prescribed tumour-enclosing dose", 99.0),
        _other_id("plan_id", "plan of that session"),
        _text("dose_reduced_reason", "why the dose was lowered, if it was"),
    ),
)

_DOSE_METRICS = Table(
    name="dose_metrics",
    meaning="one row per lesion and plan, as `hdrplan metrics` and `hdrplan plan` write it; not to be typed by hand",
    key=("plan_id", "session_id", "lesion_id"),
    columns=(
        _other_id("plan_id", "plan; may be empty if the lesion has one plan"),
        _other_id("session_id", "session of the plan, if plan_id is not used", "sessions"),
        _LESION,
        _number("ctv_cm3", "volume of the CTV", 0.0, 4000.0),
        _gy("d100_gy", "minimum dose of the CTV", 100.0, required=True),
        _gy("d98_gy", "dose that 98 % of the CTV receives at least", 120.0),
        _gy("d95_gy", "dose that 95 % of the CTV receives at least", 150.0),
        _gy("d90_gy", "dose that 90 % of the CTV receives at least", 150.0),
        _gy("d50_gy", "dose that 50 % of the CTV receives at least", 500.0),
        _gy("d2_gy", "dose that 2 % of the CTV receives at least", 5000.0),
        _gy("d100_mm_gy", "minimum dose of the CTV to its medium, by Monte Carlo (D_m,m)", 100.0),
        _gy("d100_mm_error_gy", "standard error of d100_mm_gy", 10.0),
        _gy("d98_mm_gy", "D98 to the medium, by Monte Carlo", 120.0),
        _gy("d90_mm_gy", "D90 to the medium, by Monte Carlo", 150.0),
        _pct("v100_pct", "fraction of the CTV that receives at least the prescription"),
        _pct("v150_pct", "fraction of the CTV that receives at least 1.5 times the prescription"),
        _pct("v200_pct", "fraction of the CTV that receives at least twice the prescription"),
        _gy("prescription_gy", "prescribed tumour-enclosing dose", 99.0),
        _text("engine", "dose engine"),
        _number("grid_mm", "voxel size of the dose grid, mm", 0.0, 20.0),
        _number("slice_mm", "slice spacing of the planning CT, mm", 0.0, 20.0),
    ),
)

_OAR_METRICS = Table(
    name="oar_metrics",
    meaning="one row per organ at risk and plan",
    key=("plan_id", "organ"),
    columns=(
        _id("plan_id", meaning="plan"),
        _text("organ", "organ at risk", required=True),
        _gy("d1cc_gy", "dose that the hottest 1 cm3 receives at least", 1000.0),
        _gy("d0_1cc_gy", "dose that the hottest 0.1 cm3 receives at least", 5000.0),
        _pct("v5gy_pct", "fraction that receives at least 5 Gy"),
        _pct("v10gy_pct", "fraction that receives at least 10 Gy"),
    ),
)

_SCANS = Table(
    name="scans",
    meaning="one row per imaging date",
    key=("scan_id",),
    columns=(
        _id("scan_id"),
        _PATIENT,
        _SCAN_DATE,
        _choice("modality", "MRI or CT", ("MRI", "CT")),
        _flag("adequate", "0: cannot decide on progression; the scan is not counted"),
    ),
)

_MEASUREMENTS = Table(
    name="measurements",
    meaning="one row per lesion on a scan",
    key=("scan_id", "lesion_id"),
    columns=(_id("scan_id", "scans"), _LESION, _DIAMETER, _NOT_EVALUABLE),
)

_FINDINGS = Table(
    name="findings",
    meaning="one row per new finding on a scan",
    key=("scan_id", "finding"),
    columns=(_id("scan_id", "scans"), _FINDING, _LOCATION),
)

_OTHER_TREATMENTS = Table(
    name="other_treatments",
    meaning="one row per other tumour treatment",
    key=("patient_id", "date", "kind", "lesion_id"),
    columns=(
        _PATIENT,
        _date("date", "day of treatment"),
        _choice("kind", "kind of treatment", _OTHER_KINDS, required=True),
        _other_id("lesion_id", "target of it; empty: not directed to a target lesion", "lesions"),
    ),
)

_STUDY = Table(
    name="study",
    meaning="one row",
    key=(),
    columns=(
        _date("data_lock_date", "last day of the data", required=False),
        _text("rules", "rule set: recommended or paper"),
        _gy("prescription_gy", "prescription where no row gives one", 99.0),
    ),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        _PATIENTS, _SESSIONS, _LESIONS, _SESSION_LESIONS, _DOSE_METRICS, _OAR_METRICS, _SCANS, _MEASUREMENTS,
        _FINDINGS, _OTHER_TREATMENTS, _STUDY,
    )
}  # fmt: skip

COMPACT: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            name="sessions",
            meaning="one row per treated lesion, session_id repeats",
            key=("session_id", "lesion_id"),
            required=True,
            compact=True,
            columns=(*_SESSIONS.columns, _LESION, *_SESSION_LESIONS.columns[2:]),
        ),
        Table(
            name="measurements",
            meaning="one row per lesion and scan date; scans are implied",
            key=("patient_id", "scan_date", "lesion_id"),
            compact=True,
            columns=(_PATIENT, _SCAN_DATE, _LESION, _DIAMETER, _NOT_EVALUABLE),
        ),
        Table(
            name="findings",
            meaning="one row per new finding on a scan date",
            key=("patient_id", "scan_date", "finding"),
            compact=True,
            columns=(_PATIENT, _SCAN_DATE, _FINDING, _LOCATION),
        ),
    )
}


def form_of(name: str, columns: tuple[str, ...]) -> Table:
    """Return the form of a table, told by its columns: a compact session names a lesion, a compact scan no scan_id."""
    if name == "sessions" and "lesion_id" in columns:
        return COMPACT[name]
    if name in ("measurements", "findings") and "scan_id" not in columns and "scan_date" in columns:
        return COMPACT[name]
    return TABLES[name]
