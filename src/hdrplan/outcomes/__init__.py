"""Outcome analysis on arrays: survival, competing risks, dose response. Knows no plans and no files.

Rows come as one checked value: :func:`follow_up` (time and event), :func:`competing_risks` (time and cause) or
:func:`intervals` (last clean scan, first scan with the event); each knows which rows share a patient.
"""

from typing import TYPE_CHECKING

from hdrplan.rooms import loaded_when_used

if TYPE_CHECKING:
    from hdrplan.outcomes.cause_specific import predicted_incidence
    from hdrplan.outcomes.columns import Groups
    from hdrplan.outcomes.competing import CompetingRisks, Incidence, aalen_johansen, competing_risks
    from hdrplan.outcomes.cox_data import CoxData
    from hdrplan.outcomes.cox_model import CoxFit, cox
    from hdrplan.outcomes.cutoff import Cutoff, CutoffP, CutoffScan, best_cutoff
    from hdrplan.outcomes.cutoff_data import CutoffProblem, cutoff_problem
    from hdrplan.outcomes.design import RestrictedSpline, indicator_columns, restricted_spline
    from hdrplan.outcomes.discrimination import Concordance, concordance
    from hdrplan.outcomes.firth import FirthFit, firth_cox, penalised_cox
    from hdrplan.outcomes.followup import FollowUp, Landmark, follow_up, landmark
    from hdrplan.outcomes.gray import GrayTest, gray_test
    from hdrplan.outcomes.inference import Coefficients, Test, ratio_decimals
    from hdrplan.outcomes.logrank import LogRank, log_rank
    from hdrplan.outcomes.mean_time import RestrictedMean, restricted_mean
    from hdrplan.outcomes.measurement_error import Calibrated, Corrected, calibrated, simex
    from hdrplan.outcomes.multiplicity import MaxT, benjamini_hochberg, holm, max_t
    from hdrplan.outcomes.nonparametric import KaplanMeier, Quantile, kaplan_meier, reverse_kaplan_meier
    from hdrplan.outcomes.npmle import Turnbull, turnbull
    from hdrplan.outcomes.observed_control import ControlBin, control_by_dose
    from hdrplan.outcomes.parametric import IntervalFit, LogTime, interval_regression
    from hdrplan.outcomes.predicted import PredictedSurvival, predicted_survival
    from hdrplan.outcomes.prediction_scores import (
        CalibrationCurve,
        KnownStatus,
        calibration_curve,
        integrated_brier,
        known_status,
        risk_groups,
    )
    from hdrplan.outcomes.proportional import ProportionalHazards, zph
    from hdrplan.outcomes.published import (
        PRINTED_COLUMNS,
        XU2021_DOI,
        Finding,
        Inconsistency,
        Printed,
        check_columns,
        check_component,
        check_counted_mean,
        check_counts,
        check_mean_sd,
        check_median,
        check_nested,
        check_percent,
        check_rates,
        check_ratio,
        check_row,
        check_share,
        check_subset,
        check_whole_mean,
        events_from_interval,
        hazard_ratio_findings,
        inconsistencies,
        p_from_interval,
        printed,
        smallest_sd,
        unchecked,
    )
    from hdrplan.outcomes.published_figure import Series
    from hdrplan.outcomes.published_series import Pool, TypeMean, pooled_series
    from hdrplan.outcomes.published_types import TypeTest, WithinSeries
    from hdrplan.outcomes.random_effects import MetaAnalysis, leave_one_out, meta_analysis
    from hdrplan.outcomes.resampling import bootstrap_rows, bootstrap_statistics, permuted_rows
    from hdrplan.outcomes.roc_area import RocArea, auc_at
    from hdrplan.outcomes.scan_intervals import Intervals, intervals
    from hdrplan.outcomes.scores import efficient_scores
    from hdrplan.outcomes.shared_frailty import FrailtyFit, frailty
    from hdrplan.outcomes.subdistribution import FineGrayFit, fine_gray
    from hdrplan.outcomes.tcp import DoseCurve, TcpFit
    from hdrplan.outcomes.tcp_horizon import fit_tcp
    from hdrplan.outcomes.tcp_intervals import fit_tcp_intervals
    from hdrplan.outcomes.unmeasured import e_value

__all__ = [
    "PRINTED_COLUMNS",
    "XU2021_DOI",
    "Calibrated",
    "CalibrationCurve",
    "Coefficients",
    "CompetingRisks",
    "Concordance",
    "ControlBin",
    "Corrected",
    "CoxData",
    "CoxFit",
    "Cutoff",
    "CutoffP",
    "CutoffProblem",
    "CutoffScan",
    "DoseCurve",
    "Finding",
    "FineGrayFit",
    "FirthFit",
    "FollowUp",
    "FrailtyFit",
    "GrayTest",
    "Groups",
    "Incidence",
    "Inconsistency",
    "IntervalFit",
    "Intervals",
    "KaplanMeier",
    "KnownStatus",
    "Landmark",
    "LogRank",
    "LogTime",
    "MaxT",
    "MetaAnalysis",
    "Pool",
    "PredictedSurvival",
    "Printed",
    "ProportionalHazards",
    "Quantile",
    "RestrictedMean",
    "RestrictedSpline",
    "RocArea",
    "Series",
    "TcpFit",
    "Test",
    "Turnbull",
    "TypeMean",
    "TypeTest",
    "WithinSeries",
    "aalen_johansen",
    "auc_at",
    "benjamini_hochberg",
    "best_cutoff",
    "bootstrap_rows",
    "bootstrap_statistics",
    "calibrated",
    "calibration_curve",
    "check_columns",
    "check_component",
    "check_counted_mean",
    "check_counts",
    "check_mean_sd",
    "check_median",
    "check_nested",
    "check_percent",
    "check_rates",
    "check_ratio",
    "check_row",
    "check_share",
    "check_subset",
    "check_whole_mean",
    "competing_risks",
    "concordance",
    "control_by_dose",
    "cox",
    "cutoff_problem",
    "e_value",
    "efficient_scores",
    "events_from_interval",
    "fine_gray",
    "firth_cox",
    "fit_tcp",
    "fit_tcp_intervals",
    "follow_up",
    "frailty",
    "gray_test",
    "hazard_ratio_findings",
    "holm",
    "inconsistencies",
    "indicator_columns",
    "integrated_brier",
    "interval_regression",
    "intervals",
    "kaplan_meier",
    "known_status",
    "landmark",
    "leave_one_out",
    "log_rank",
    "max_t",
    "meta_analysis",
    "p_from_interval",
    "penalised_cox",
    "permuted_rows",
    "pooled_series",
    "predicted_incidence",
    "predicted_survival",
    "printed",
    "ratio_decimals",
    "restricted_mean",
    "restricted_spline",
    "reverse_kaplan_meier",
    "risk_groups",
    "simex",
    "smallest_sd",
    "turnbull",
    "unchecked",
    "zph",
]

__getattr__, __dir__ = loaded_when_used(__name__)
