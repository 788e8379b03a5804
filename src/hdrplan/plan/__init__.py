"""What is to be done: the case, its goals, the plan. Knows no kernels, no dose, no files."""

from hdrplan.plan.case import Case
from hdrplan.plan.goals import Goal, Goals, Metric, Prescription, parse_goal, parse_metric
from hdrplan.plan.plan import Plan

__all__ = ["Case", "Goal", "Goals", "Metric", "Plan", "Prescription", "parse_goal", "parse_metric"]
