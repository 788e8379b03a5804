"""Outcome analysis on arrays: survival, competing risks, dose response. Knows no plans and no files."""

from hdrplan.outcomes.competing import Incidence, aalen_johansen
from hdrplan.outcomes.cox import CoxFit, cox
from hdrplan.outcomes.cutoff import Cutoff, best_cutoff
from hdrplan.outcomes.design import RestrictedSpline, indicator_columns, restricted_spline
from hdrplan.outcomes.discrimination import Concordance, auc_at, concordance
from hdrplan.outcomes.followup import FollowUp, Landmark, follow_up, landmark
from hdrplan.outcomes.frailty import FrailtyFit, frailty
from hdrplan.outcomes.inference import Coefficients, Test
from hdrplan.outcomes.interval import IntervalFit, interval_regression
from hdrplan.outcomes.logrank import LogRank, log_rank
from hdrplan.outcomes.multiplicity import MaxT, benjamini_hochberg, holm, max_t
from hdrplan.outcomes.nonparametric import KaplanMeier, Quantile, kaplan_meier, reverse_kaplan_meier
from hdrplan.outcomes.proportional import ProportionalHazards, zph
from hdrplan.outcomes.published import (
    PRINTED_COLUMNS,
    Finding,
    Printed,
    check_counts,
    check_mean_sd,
    check_median,
    check_percent,
    check_rates,
    check_ratio,
    check_row,
    p_from_interval,
    printed,
    smallest_sd,
)
from hdrplan.outcomes.resampling import bootstrap_rows, bootstrap_statistics, permuted_rows
from hdrplan.outcomes.restricted_mean import RestrictedMean, restricted_mean
from hdrplan.outcomes.scores import efficient_scores, sum_by
from hdrplan.outcomes.subdistribution import FineGrayFit, GrayTest, fine_gray, gray_test
from hdrplan.outcomes.tcp import TcpFit
from hdrplan.outcomes.tcp_fits import ControlBin, control_by_dose, fit_tcp, fit_tcp_intervals
from hdrplan.outcomes.turnbull import Turnbull, turnbull
from hdrplan.outcomes.xu2021 import XU2021_DOI, Inconsistency, hazard_ratio_findings, inconsistencies

__all__ = [
    "PRINTED_COLUMNS",
    "XU2021_DOI",
    "Coefficients",
    "Concordance",
    "ControlBin",
    "CoxFit",
    "Cutoff",
    "Finding",
    "FineGrayFit",
    "FollowUp",
    "FrailtyFit",
    "GrayTest",
    "Incidence",
    "Inconsistency",
    "IntervalFit",
    "KaplanMeier",
    "Landmark",
    "LogRank",
    "MaxT",
    "Printed",
    "ProportionalHazards",
    "Quantile",
    "RestrictedMean",
    "RestrictedSpline",
    "TcpFit",
    "Test",
    "Turnbull",
    "aalen_johansen",
    "auc_at",
    "benjamini_hochberg",
    "best_cutoff",
    "bootstrap_rows",
    "bootstrap_statistics",
    "check_counts",
    "check_mean_sd",
    "check_median",
    "check_percent",
    "check_rates",
    "check_ratio",
    "check_row",
    "concordance",
    "control_by_dose",
    "cox",
    "efficient_scores",
    "fine_gray",
    "fit_tcp",
    "fit_tcp_intervals",
    "follow_up",
    "frailty",
    "gray_test",
    "hazard_ratio_findings",
    "holm",
    "inconsistencies",
    "indicator_columns",
    "interval_regression",
    "kaplan_meier",
    "landmark",
    "log_rank",
    "max_t",
    "p_from_interval",
    "permuted_rows",
    "printed",
    "restricted_mean",
    "restricted_spline",
    "reverse_kaplan_meier",
    "smallest_sd",
    "sum_by",
    "turnbull",
    "zph",
]
