"""Statistics of a cohort: descriptive tables as in the paper, dose against local recurrence. Knows no files."""

from typing import TYPE_CHECKING

from hdrplan.rooms import loaded_when_used

if TYPE_CHECKING:
    from hdrplan.analysis.accumulate import (
        accumulated_eqd2_gy,
        d100_bounds,
        dose_in_session,
        lower_bounds,
        single_session_gy,
    )
    from hdrplan.analysis.adjustment import DEFAULT_ADJUSTERS, Adjuster, Term, adjusters_from
    from hdrplan.analysis.analysed import LesionRow, adjuster_columns, lesion_rows, safe_name
    from hdrplan.analysis.answer import clinical_answer
    from hdrplan.analysis.answer_rows import answer_table
    from hdrplan.analysis.benefit import Benefit
    from hdrplan.analysis.choice_of_dose import DoseChoice, DoseModel, dose_choice, has_doses_in_media, with_d100_of
    from hdrplan.analysis.correlation import (
        Control,
        Correlation,
        Cuts,
        DoseModels,
        DoseResponse,
        MetricTest,
        Settings,
        Threshold,
    )
    from hdrplan.analysis.descriptives import describe
    from hdrplan.analysis.dose_recurrence import correlate
    from hdrplan.analysis.dose_shape import DoseContrast, Interaction, SplineCurve
    from hdrplan.analysis.effects import Effect, adjusted_without_clusters, adjusted_words, adjuster_terms
    from hdrplan.analysis.groups import TUMOUR_TYPES
    from hdrplan.analysis.lesions import METRICS, LesionTable, lesion_table
    from hdrplan.analysis.medians import endpoint_curves, endpoint_tests
    from hdrplan.analysis.numbers import Estimate, estimates
    from hdrplan.analysis.paper_models import PaperRule, paper_rule
    from hdrplan.analysis.prediction import Discrimination, Performance
    from hdrplan.analysis.prediction_quality import CalibrationGroup, DecisionCurve, PredictionQuality, PredictionScore
    from hdrplan.analysis.report_tables import correlation_tables
    from hdrplan.analysis.response import responses
    from hdrplan.analysis.robustness import Unmeasured
    from hdrplan.analysis.sentences import plain_words
    from hdrplan.analysis.swimmer import Lane, lanes
    from hdrplan.analysis.text_table import TextTable, estimate_text, p_text, ratio_text

__all__ = [
    "DEFAULT_ADJUSTERS",
    "METRICS",
    "TUMOUR_TYPES",
    "Adjuster",
    "Benefit",
    "CalibrationGroup",
    "Control",
    "Correlation",
    "Cuts",
    "DecisionCurve",
    "Discrimination",
    "DoseChoice",
    "DoseContrast",
    "DoseModel",
    "DoseModels",
    "DoseResponse",
    "Effect",
    "Estimate",
    "Interaction",
    "Lane",
    "LesionRow",
    "LesionTable",
    "MetricTest",
    "PaperRule",
    "Performance",
    "PredictionQuality",
    "PredictionScore",
    "Settings",
    "SplineCurve",
    "Term",
    "TextTable",
    "Threshold",
    "Unmeasured",
    "accumulated_eqd2_gy",
    "adjusted_without_clusters",
    "adjusted_words",
    "adjuster_columns",
    "adjuster_terms",
    "adjusters_from",
    "answer_table",
    "clinical_answer",
    "correlate",
    "correlation_tables",
    "d100_bounds",
    "describe",
    "dose_choice",
    "dose_in_session",
    "endpoint_curves",
    "endpoint_tests",
    "estimate_text",
    "estimates",
    "has_doses_in_media",
    "lanes",
    "lesion_rows",
    "lesion_table",
    "lower_bounds",
    "p_text",
    "paper_rule",
    "plain_words",
    "ratio_text",
    "responses",
    "safe_name",
    "single_session_gy",
    "with_d100_of",
]

__getattr__, __dir__ = loaded_when_used(__name__)
