"""The task and its result: case, goals, plan. Knows no kernels, dose or files."""

from hdrplan.plan.brachy import BrachyPlan, Channel, ReferencePoint, SourceOfPlan, as_plan, brachy_of_plan
from hdrplan.plan.case import Case, Organs
from hdrplan.plan.goals import AROUND, Goal, Goals, Metric, Prescription, isodose_frac, parse_goal, parse_metric
from hdrplan.plan.plan import Plan
from hdrplan.plan.source_match import doubts_of_source, source_of_brachy

__all__ = [
    "AROUND",
    "BrachyPlan",
    "Case",
    "Channel",
    "Goal",
    "Goals",
    "Metric",
    "Organs",
    "Plan",
    "Prescription",
    "ReferencePoint",
    "SourceOfPlan",
    "as_plan",
    "brachy_of_plan",
    "doubts_of_source",
    "isodose_frac",
    "parse_goal",
    "parse_metric",
    "source_of_brachy",
]
