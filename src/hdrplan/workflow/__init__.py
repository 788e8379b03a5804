"""The walks: each file takes a case through the rooms below it, from what is given to what a person asked for.

Start with :mod:`hdrplan.workflow.plan`: a case becomes a plan.
"""

from hdrplan.workflow.check import CheckRow, GridCheck, SecondCheck, Tolerances, between_centres, check_plan
from hdrplan.workflow.options import (
    PlanOptions,
    delivery_of,
    dose_grid,
    plan_memory_bytes,
    planned_dwells,
    planning_matrix,
)
from hdrplan.workflow.place import (
    BONE_MM,
    ORGAN_MM,
    PlaceOptions,
    PlaceResult,
    default_obstacles,
    is_bone,
    place_case,
)
from hdrplan.workflow.plan import PlanResult, plan_case, plan_result
from hdrplan.workflow.sampling_check import check_sampling
from hdrplan.workflow.score import (
    Conformity,
    GoalResult,
    Score,
    StructureScore,
    TargetScore,
    evaluate,
    isodose_error_cc,
)
from hdrplan.workflow.steps import Progress, StepProgress, Steps

__all__ = [
    "BONE_MM",
    "ORGAN_MM",
    "CheckRow",
    "Conformity",
    "GoalResult",
    "GridCheck",
    "PlaceOptions",
    "PlaceResult",
    "PlanOptions",
    "PlanResult",
    "Progress",
    "Score",
    "SecondCheck",
    "StepProgress",
    "Steps",
    "StructureScore",
    "TargetScore",
    "Tolerances",
    "between_centres",
    "check_plan",
    "check_sampling",
    "default_obstacles",
    "delivery_of",
    "dose_grid",
    "evaluate",
    "is_bone",
    "isodose_error_cc",
    "place_case",
    "plan_case",
    "plan_memory_bytes",
    "plan_result",
    "planned_dwells",
    "planning_matrix",
]
