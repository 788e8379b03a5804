"""Checks whether a case and a plan are plausible. Each is quick, and warns or refuses. Knows no files."""

from hdrplan.plausibility.case import doubts_of_anatomy_and_catheters
from hdrplan.plausibility.catheters import doubts_of_punctures, may_be_punctured
from hdrplan.plausibility.doses import doubts_of_dose, doubts_of_sessions
from hdrplan.plausibility.goals import doubts_of_dwell_places, doubts_of_goals
from hdrplan.plausibility.plans import doubts_of_dwells, doubts_of_plan, is_off_catheters
from hdrplan.plausibility.protection import doubts_of_organs_without_role, doubts_of_protection
from hdrplan.plausibility.sample import sampled_mm
from hdrplan.plausibility.strength import doubts_of_clinical_strength, doubts_of_source_for_pulses, doubts_of_strength
from hdrplan.plausibility.tables import doubts_of_groups, doubts_of_rows, doubts_of_times
from hdrplan.plausibility.targets import doubts_of_names

__all__ = [
    "doubts_of_anatomy_and_catheters",
    "doubts_of_clinical_strength",
    "doubts_of_dose",
    "doubts_of_dwell_places",
    "doubts_of_dwells",
    "doubts_of_goals",
    "doubts_of_groups",
    "doubts_of_names",
    "doubts_of_organs_without_role",
    "doubts_of_plan",
    "doubts_of_protection",
    "doubts_of_punctures",
    "doubts_of_rows",
    "doubts_of_sessions",
    "doubts_of_source_for_pulses",
    "doubts_of_strength",
    "doubts_of_times",
    "is_off_catheters",
    "may_be_punctured",
    "sampled_mm",
]
