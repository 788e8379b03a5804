"""Statistics of a cohort: descriptives in the paper's form, and dose against local recurrence. Knows no files."""

from hdrplan.analysis.accumulate import (
    accumulated_eqd2_gy,
    d100_bounds,
    dose_in_session,
    lower_bounds,
    single_session_gy,
)
from hdrplan.analysis.correlate import Correlation, MetricTest, Settings, Threshold, correlate
from hdrplan.analysis.correlation_tables import correlation_tables
from hdrplan.analysis.describe import describe, endpoint_curves
from hdrplan.analysis.dose_models import Effect, Interaction, Performance, SplineCurve
from hdrplan.analysis.lesions import METRICS, LesionTable, lesion_table
from hdrplan.analysis.paper_rule import PaperRule, paper_rule
from hdrplan.analysis.plain_words import plain_words
from hdrplan.analysis.response import responses
from hdrplan.analysis.swimmer import Lane, lanes
from hdrplan.analysis.text_table import TextTable

__all__ = [
    "METRICS",
    "Correlation",
    "Effect",
    "Interaction",
    "Lane",
    "LesionTable",
    "MetricTest",
    "PaperRule",
    "Performance",
    "Settings",
    "SplineCurve",
    "TextTable",
    "Threshold",
    "accumulated_eqd2_gy",
    "correlate",
    "correlation_tables",
    "d100_bounds",
    "describe",
    "dose_in_session",
    "endpoint_curves",
    "lanes",
    "lesion_table",
    "lower_bounds",
    "paper_rule",
    "plain_words",
    "responses",
    "single_session_gy",
]
