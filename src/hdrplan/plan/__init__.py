"""The task and its result: case, goals, plan. Knows no kernels, dose or files."""

from hdrplan.plan.anatomy import AnatomyName, Tissue, anatomy_of, is_lesion_name, nearest_known, organ_of
from hdrplan.plan.applicator import Applicator, measured_applicator
from hdrplan.plan.brachy import BrachyPlan, Channel, ReferencePoint, SourceOfPlan, as_plan, brachy_of_plan
from hdrplan.plan.case import Case, Organs
from hdrplan.plan.goals import AROUND, Goal, Goals, Metric, Prescription, isodose_frac, parse_goal, parse_metric
from hdrplan.plan.links import FileLink, doubts_of_links
from hdrplan.plan.plan import Plan
from hdrplan.plan.record import DeliveredChannel, TreatmentRecord
from hdrplan.plan.source_match import doubts_of_source, source_of_brachy

__all__ = [
    "AROUND",
    "AnatomyName",
    "Applicator",
    "BrachyPlan",
    "Case",
    "Channel",
    "DeliveredChannel",
    "FileLink",
    "Goal",
    "Goals",
    "Metric",
    "Organs",
    "Plan",
    "Prescription",
    "ReferencePoint",
    "SourceOfPlan",
    "Tissue",
    "TreatmentRecord",
    "anatomy_of",
    "as_plan",
    "brachy_of_plan",
    "doubts_of_links",
    "doubts_of_source",
    "is_lesion_name",
    "isodose_frac",
    "measured_applicator",
    "nearest_known",
    "organ_of",
    "parse_goal",
    "parse_metric",
    "source_of_brachy",
]
