"""What is to be done: the case, its goals, the plan. Knows no kernels, no dose, no files."""

from hdrplan.plan.brachy import BrachyPlan, Channel, ReferencePoint, SourceOfPlan, as_plan
from hdrplan.plan.case import Case
from hdrplan.plan.goals import Goal, Goals, Metric, Prescription, parse_goal, parse_metric
from hdrplan.plan.plan import Plan
from hdrplan.plan.source_match import source_of_brachy

__all__ = [
    "BrachyPlan",
    "Case",
    "Channel",
    "Goal",
    "Goals",
    "Metric",
    "Plan",
    "Prescription",
    "ReferencePoint",
    "SourceOfPlan",
    "as_plan",
    "parse_goal",
    "parse_metric",
    "source_of_brachy",
]
