"""The cohort: tables, their checks, and endpoints derived from scans. Knows no files."""

from typing import TYPE_CHECKING

from hdrplan.rooms import loaded_when_used

if TYPE_CHECKING:
    from hdrplan.cohort.cycles import Cycle, Retreatment, cycles_of
    from hdrplan.cohort.endpoints import derive
    from hdrplan.cohort.flow_chart import CycleRow, FlowStep, cycle_rows, flow
    from hdrplan.cohort.model import Cohort, Dose, Finding, Lesion, Measurement, Patient, Scan, Session, iso
    from hdrplan.cohort.problems import RULES, Problem, problem, raise_errors
    from hdrplan.cohort.progression import Judged, baseline_mm, judged_scans
    from hdrplan.cohort.records import Derived, Endpoint, Exclusion, LesionRecord
    from hdrplan.cohort.rows import RawTable
    from hdrplan.cohort.rules import RULE_SETS, Rules, rules_from
    from hdrplan.cohort.schema import Column, Table, data_dictionary, json_schema
    from hdrplan.cohort.tables import COMPACT, TABLES, form_of
    from hdrplan.cohort.validation import checked_cohort, validate

__all__ = [
    "COMPACT",
    "RULES",
    "RULE_SETS",
    "TABLES",
    "Cohort",
    "Column",
    "Cycle",
    "CycleRow",
    "Derived",
    "Dose",
    "Endpoint",
    "Exclusion",
    "Finding",
    "FlowStep",
    "Judged",
    "Lesion",
    "LesionRecord",
    "Measurement",
    "Patient",
    "Problem",
    "RawTable",
    "Retreatment",
    "Rules",
    "Scan",
    "Session",
    "Table",
    "baseline_mm",
    "checked_cohort",
    "cycle_rows",
    "cycles_of",
    "data_dictionary",
    "derive",
    "flow",
    "form_of",
    "iso",
    "json_schema",
    "judged_scans",
    "problem",
    "raise_errors",
    "rules_from",
    "validate",
]

__getattr__, __dir__ = loaded_when_used(__name__)
