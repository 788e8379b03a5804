"""Figures, tables and pages for people. Only this room uses matplotlib. Knows results, not how they were computed."""

from typing import TYPE_CHECKING

from hdrplan.rooms import loaded_when_used

if TYPE_CHECKING:
    from hdrplan.report.archive_optimum_page import archive_optimum_html
    from hdrplan.report.benchmark import bench_figure, bench_page
    from hdrplan.report.check_facts import CheckedFiles, decay_cautions
    from hdrplan.report.check_media import media_check_lines, media_check_table
    from hdrplan.report.check_page import check_html
    from hdrplan.report.check_text import check_lines, check_table, verdict_text
    from hdrplan.report.cohort_curves import survival_figure
    from hdrplan.report.cohort_figures import correlation_figures, endpoint_figures, print_files
    from hdrplan.report.cohort_html import correlation_html
    from hdrplan.report.cohort_paper import paper_figures, paper_html
    from hdrplan.report.compare import ComparedPlan, comparison_html
    from hdrplan.report.correlation_json import correlation_table
    from hdrplan.report.cost_table import cost_lines, cost_rows
    from hdrplan.report.data import Curve, GoalRow, ReportData
    from hdrplan.report.dose_choice import DOSE_IN_MEDIA, dose_choice_lines, dose_choice_table
    from hdrplan.report.dvh_drawing import dvh_figure
    from hdrplan.report.dvh_page import dvh_html
    from hdrplan.report.dvh_text import dvh_json, dvh_lines
    from hdrplan.report.figures import FIGURES, figure_bytes
    from hdrplan.report.folder_page import FOLDER_COLUMNS, folder_cells, folder_html, folder_lines
    from hdrplan.report.html import report_html
    from hdrplan.report.literature import series_figure
    from hdrplan.report.live import live_dvh, live_page
    from hdrplan.report.model_page import model_html
    from hdrplan.report.model_plan import model_plan_lines, model_plan_table
    from hdrplan.report.model_text import model_lines, model_table
    from hdrplan.report.notebook import plot, to_frame
    from hdrplan.report.page import on_paper
    from hdrplan.report.paper_check import paper_check_page
    from hdrplan.report.pareto import pareto_figure, pareto_lines, pareto_rows
    from hdrplan.report.pareto_page import pareto_html
    from hdrplan.report.placement import placement_html
    from hdrplan.report.placement_drawing import placement_figure
    from hdrplan.report.placement_text import placement_lines, placement_table
    from hdrplan.report.plan import plan_report, plan_scenery, report_data
    from hdrplan.report.plan_text import (
        brief_lines,
        case_lines,
        dwell_lines,
        plan_lines,
        score_lines,
        size_lines,
        source_use_lines,
    )
    from hdrplan.report.power_drawing import power_figure
    from hdrplan.report.prepared import prepared_figure, prepared_lines, prepared_table
    from hdrplan.report.procedure_page import procedure_html
    from hdrplan.report.procedure_text import procedure_lines, procedure_table
    from hdrplan.report.quality_page import quality_html
    from hdrplan.report.quality_text import optimum_sentences, quality_lines, quality_sentences, quality_table
    from hdrplan.report.recomputing import r_script, spss_syntax
    from hdrplan.report.robust_drawing import organs_to_draw, robust_figure
    from hdrplan.report.robust_page import robust_html
    from hdrplan.report.robust_text import robust_lines, robust_table
    from hdrplan.report.scene import Scenery
    from hdrplan.report.session_text import session_lines, session_table
    from hdrplan.report.solid import solid_html
    from hdrplan.report.source_drawing import source_figure
    from hdrplan.report.source_table import (
        along_away_lines,
        along_away_summary,
        along_away_summary_lines,
        along_away_table,
        source_facts,
        source_lines,
        source_list_lines,
        source_tables,
    )
    from hdrplan.report.step_table import step_columns, step_lines, step_rows
    from hdrplan.report.tables import dvh_table, metrics_table
    from hdrplan.report.text_tables import html_table, latex_table, markdown_table
    from hdrplan.report.traced import traced_figure, traced_lines, traced_table
    from hdrplan.report.validation import validation_html

__all__ = [
    "DOSE_IN_MEDIA",
    "FIGURES",
    "FOLDER_COLUMNS",
    "CheckedFiles",
    "ComparedPlan",
    "Curve",
    "GoalRow",
    "ReportData",
    "Scenery",
    "along_away_lines",
    "along_away_summary",
    "along_away_summary_lines",
    "along_away_table",
    "archive_optimum_html",
    "bench_figure",
    "bench_page",
    "brief_lines",
    "case_lines",
    "check_html",
    "check_lines",
    "check_table",
    "comparison_html",
    "correlation_figures",
    "correlation_html",
    "correlation_table",
    "cost_lines",
    "cost_rows",
    "decay_cautions",
    "dose_choice_lines",
    "dose_choice_table",
    "dvh_figure",
    "dvh_html",
    "dvh_json",
    "dvh_lines",
    "dvh_table",
    "dwell_lines",
    "endpoint_figures",
    "figure_bytes",
    "folder_cells",
    "folder_html",
    "folder_lines",
    "html_table",
    "latex_table",
    "live_dvh",
    "live_page",
    "markdown_table",
    "media_check_lines",
    "media_check_table",
    "metrics_table",
    "model_html",
    "model_lines",
    "model_plan_lines",
    "model_plan_table",
    "model_table",
    "on_paper",
    "optimum_sentences",
    "organs_to_draw",
    "paper_check_page",
    "paper_figures",
    "paper_html",
    "pareto_figure",
    "pareto_html",
    "pareto_lines",
    "pareto_rows",
    "placement_figure",
    "placement_html",
    "placement_lines",
    "placement_table",
    "plan_lines",
    "plan_report",
    "plan_scenery",
    "plot",
    "power_figure",
    "prepared_figure",
    "prepared_lines",
    "prepared_table",
    "print_files",
    "procedure_html",
    "procedure_lines",
    "procedure_table",
    "quality_html",
    "quality_lines",
    "quality_sentences",
    "quality_table",
    "r_script",
    "report_data",
    "report_html",
    "robust_figure",
    "robust_html",
    "robust_lines",
    "robust_table",
    "score_lines",
    "series_figure",
    "session_lines",
    "session_table",
    "size_lines",
    "solid_html",
    "source_facts",
    "source_figure",
    "source_lines",
    "source_list_lines",
    "source_tables",
    "source_use_lines",
    "spss_syntax",
    "step_columns",
    "step_lines",
    "step_rows",
    "survival_figure",
    "to_frame",
    "traced_figure",
    "traced_lines",
    "traced_table",
    "validation_html",
    "verdict_text",
]

__getattr__, __dir__ = loaded_when_used(__name__)
