"""Workflows (walks): each file takes a case through the lower rooms to one result, such as a plan.

Start with :mod:`hdrplan.workflow.plan`: a case becomes a plan.
"""

from typing import TYPE_CHECKING

from hdrplan.rooms import loaded_when_used

if TYPE_CHECKING:
    from hdrplan.workflow.archive import (
        ARCHIVE_COLUMNS,
        Archive,
        ArchiveTables,
        FinishedPlan,
        archive_tables,
        indexed_archive,
    )
    from hdrplan.workflow.archive_mask import alone_in_text, mask_of, masked
    from hdrplan.workflow.archive_model import MODEL_COLUMNS
    from hdrplan.workflow.archive_optimum import OPTIMUM_COLUMNS
    from hdrplan.workflow.archive_rows import ArchiveOptions, Engine
    from hdrplan.workflow.check import SecondCheck, check_plan
    from hdrplan.workflow.check_delivery import DeliveryCheck, delivery_check
    from hdrplan.workflow.check_dwells import DwellTimes, GroupTime
    from hdrplan.workflow.check_grid import GridCheck, LevelCheck
    from hdrplan.workflow.check_hints import GridShift
    from hdrplan.workflow.check_media import MediaCheck, MediaCheckRow, check_in_media, judged_by_shape
    from hdrplan.workflow.check_rows import CheckRow
    from hdrplan.workflow.check_stated import StatedDose, between_centres
    from hdrplan.workflow.check_tip import TipChoice
    from hdrplan.workflow.conformity_index import Conformity, conformity, isodose_error_cc
    from hdrplan.workflow.curves import curves_of
    from hdrplan.workflow.dvh_beside import BesideDVH, BesideMetric
    from hdrplan.workflow.dvh_folder import DoseIndex, FinishedDose, FolderTables, folder_dvhs, indexed_doses
    from hdrplan.workflow.dvh_rows import CURVE_COLUMNS, DVHRow, dvh_curve_rows, dvh_row
    from hdrplan.workflow.dvh_structure import structure_dvh
    from hdrplan.workflow.dvh_values import DVHOptions, MetricValue, StructureDVH
    from hdrplan.workflow.folder_plans import FolderOptions, cases_in, plan_folder
    from hdrplan.workflow.foresight import foreseen_next
    from hdrplan.workflow.foresight_values import EveryPath, Foreseen, ForeseenNext, Foresight
    from hdrplan.workflow.insertion import InsertionSetting, insertion_setting
    from hdrplan.workflow.labour import Labour
    from hdrplan.workflow.lesion_tasks import TaskResult, run_tasks, shard
    from hdrplan.workflow.model_based import ModelDose, PlanFactor, factor_of_plan, model_dose
    from hdrplan.workflow.model_factor import dose_factor
    from hdrplan.workflow.model_figures import ModelFigure, ModelStructure
    from hdrplan.workflow.model_plan import FactorChange, ModelPlan, plan_in_media
    from hdrplan.workflow.model_run import KeptRuns, ModelOptions, ScatterRun, Setting
    from hdrplan.workflow.next_catheter import NextCatheter, next_catheters
    from hdrplan.workflow.obstacles import GROUPS, default_obstacles, is_bone
    from hdrplan.workflow.pareto import ParetoResult, plan_pareto, usual_axes
    from hdrplan.workflow.place import PlaceResult, place_case
    from hdrplan.workflow.place_options import PlaceOptions
    from hdrplan.workflow.places_by_rule import PLACE_RULES, LesionPlace, filled_organ, lesion_places
    from hdrplan.workflow.plan import PlanResult, Watch, plan_case, plan_result, plan_task, task_result
    from hdrplan.workflow.planned_cases import CaseOutcome, PlannedCase, doubts_of_cases, summary_of
    from hdrplan.workflow.prepare import PreparedCase, PreparedRow, PreparedUse, PrepareOptions, prepare_case
    from hdrplan.workflow.problem import (
        PlanSize,
        PlanTask,
        candidate_dwells,
        delivery_rules,
        dose_grid,
        plan_memory_bytes,
        plan_size,
        planning_problem,
        points_asked_for,
        require_plan_memory,
        require_points_memory,
        structures_asked_for,
    )
    from hdrplan.workflow.procedure import ARMS, Course, Nominal, course, nominal_plan
    from hdrplan.workflow.procedure_runs import (
        ArmSummary,
        PairedArms,
        ProcedureDesign,
        ProcedureStudy,
        simulate_procedures,
    )
    from hdrplan.workflow.quality import CoverageGain, PlanQuality, QualityOptions, SparingGain
    from hdrplan.workflow.quality_limits import limits_of_clinic
    from hdrplan.workflow.quality_study import plan_quality
    from hdrplan.workflow.reevaluate import evaluate_plan, proven_minimum
    from hdrplan.workflow.robust import (
        CoverageStudy,
        Replanning,
        RobustPlan,
        plan_robustly,
        robust_points,
        study_coverage,
    )
    from hdrplan.workflow.sampling_check import check_sampling
    from hdrplan.workflow.score import GoalResult, Score, StructureScore, TargetScore, evaluate, with_proven_d100
    from hdrplan.workflow.sessions import SessionPlan, SessionsResult, plan_sessions
    from hdrplan.workflow.step_study import StepStudy, study_steps
    from hdrplan.workflow.steps import Progress, StepProgress, Steps
    from hdrplan.workflow.stored_dvh import DosePair, DVHResult, dvh, dvh_of_pair, read_pair
    from hdrplan.workflow.study import PlannedCohort, StudyDesign, planned_cohort
    from hdrplan.workflow.times import best_times
    from hdrplan.workflow.virtual_lesion import LesionTask, PlannedLesion, host_organ, plan_lesion

__all__ = [
    "ARCHIVE_COLUMNS",
    "ARMS",
    "CURVE_COLUMNS",
    "GROUPS",
    "MODEL_COLUMNS",
    "OPTIMUM_COLUMNS",
    "PLACE_RULES",
    "Archive",
    "ArchiveOptions",
    "ArchiveTables",
    "ArmSummary",
    "BesideDVH",
    "BesideMetric",
    "CaseOutcome",
    "CheckRow",
    "Conformity",
    "Course",
    "CoverageGain",
    "CoverageStudy",
    "DVHOptions",
    "DVHResult",
    "DVHRow",
    "DeliveryCheck",
    "DoseIndex",
    "DosePair",
    "DwellTimes",
    "Engine",
    "EveryPath",
    "FactorChange",
    "FinishedDose",
    "FinishedPlan",
    "FolderOptions",
    "FolderTables",
    "Foreseen",
    "ForeseenNext",
    "Foresight",
    "GoalResult",
    "GridCheck",
    "GridShift",
    "GroupTime",
    "InsertionSetting",
    "KeptRuns",
    "Labour",
    "LesionPlace",
    "LesionTask",
    "LevelCheck",
    "MediaCheck",
    "MediaCheckRow",
    "MetricValue",
    "ModelDose",
    "ModelFigure",
    "ModelOptions",
    "ModelPlan",
    "ModelStructure",
    "NextCatheter",
    "Nominal",
    "PairedArms",
    "ParetoResult",
    "PlaceOptions",
    "PlaceResult",
    "PlanFactor",
    "PlanQuality",
    "PlanResult",
    "PlanSize",
    "PlanTask",
    "PlannedCase",
    "PlannedCohort",
    "PlannedLesion",
    "PrepareOptions",
    "PreparedCase",
    "PreparedRow",
    "PreparedUse",
    "ProcedureDesign",
    "ProcedureStudy",
    "Progress",
    "QualityOptions",
    "Replanning",
    "RobustPlan",
    "ScatterRun",
    "Score",
    "SecondCheck",
    "SessionPlan",
    "SessionsResult",
    "Setting",
    "SparingGain",
    "StatedDose",
    "StepProgress",
    "StepStudy",
    "Steps",
    "StructureDVH",
    "StructureScore",
    "StudyDesign",
    "TargetScore",
    "TaskResult",
    "TipChoice",
    "Watch",
    "alone_in_text",
    "archive_tables",
    "best_times",
    "between_centres",
    "candidate_dwells",
    "cases_in",
    "check_in_media",
    "check_plan",
    "check_sampling",
    "conformity",
    "course",
    "curves_of",
    "default_obstacles",
    "delivery_check",
    "delivery_rules",
    "dose_factor",
    "dose_grid",
    "doubts_of_cases",
    "dvh",
    "dvh_curve_rows",
    "dvh_of_pair",
    "dvh_row",
    "evaluate",
    "evaluate_plan",
    "factor_of_plan",
    "filled_organ",
    "folder_dvhs",
    "foreseen_next",
    "host_organ",
    "indexed_archive",
    "indexed_doses",
    "insertion_setting",
    "is_bone",
    "isodose_error_cc",
    "judged_by_shape",
    "lesion_places",
    "limits_of_clinic",
    "mask_of",
    "masked",
    "model_dose",
    "next_catheters",
    "nominal_plan",
    "place_case",
    "plan_case",
    "plan_folder",
    "plan_in_media",
    "plan_lesion",
    "plan_memory_bytes",
    "plan_pareto",
    "plan_quality",
    "plan_result",
    "plan_robustly",
    "plan_sessions",
    "plan_size",
    "plan_task",
    "planned_cohort",
    "planning_problem",
    "points_asked_for",
    "prepare_case",
    "proven_minimum",
    "read_pair",
    "require_plan_memory",
    "require_points_memory",
    "robust_points",
    "run_tasks",
    "shard",
    "simulate_procedures",
    "structure_dvh",
    "structures_asked_for",
    "study_coverage",
    "study_steps",
    "summary_of",
    "task_result",
    "usual_axes",
    "with_proven_d100",
]

__getattr__, __dir__ = loaded_when_used(__name__)
