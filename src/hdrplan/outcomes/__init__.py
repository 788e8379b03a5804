"""Outcome analysis on arrays: survival, competing risks, dose response. Knows no plans and no files."""

from hdrplan.outcomes.competing import Incidence, aalen_johansen
from hdrplan.outcomes.cox import CoxFit, cox
from hdrplan.outcomes.cutoff import Cutoff, best_cutoff
from hdrplan.outcomes.design import RestrictedSpline, indicator_columns, restricted_spline
from hdrplan.outcomes.discrimination import Concordance, auc_at, concordance
from hdrplan.outcomes.followup import FollowUp, Landmark, follow_up, landmark
from hdrplan.outcomes.frailty import FrailtyFit, frailty
from hdrplan.outcomes.inference import Coefficients, Test
from hdrplan.outcomes.interval import IntervalFit, Turnbull, interval_regression, turnbull
from hdrplan.outcomes.multiplicity import MaxT, benjamini_hochberg, holm, max_t
from hdrplan.outcomes.nonparametric import (
    KaplanMeier,
    LogRank,
    Quantile,
    RestrictedMean,
    kaplan_meier,
    log_rank,
    restricted_mean,
    reverse_kaplan_meier,
)
from hdrplan.outcomes.proportional import ProportionalHazards, zph
from hdrplan.outcomes.resampling import bootstrap_rows, bootstrap_statistics, permuted_rows
from hdrplan.outcomes.subdistribution import FineGrayFit, GrayTest, fine_gray, gray_test
from hdrplan.outcomes.tcp import ControlBin, TcpFit, control_by_dose, fit_tcp, fit_tcp_intervals

__all__ = [
    "Coefficients",
    "Concordance",
    "ControlBin",
    "CoxFit",
    "Cutoff",
    "FineGrayFit",
    "FollowUp",
    "FrailtyFit",
    "GrayTest",
    "Incidence",
    "IntervalFit",
    "KaplanMeier",
    "Landmark",
    "LogRank",
    "MaxT",
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
    "concordance",
    "control_by_dose",
    "cox",
    "fine_gray",
    "fit_tcp",
    "fit_tcp_intervals",
    "follow_up",
    "frailty",
    "gray_test",
    "holm",
    "indicator_columns",
    "interval_regression",
    "kaplan_meier",
    "landmark",
    "log_rank",
    "max_t",
    "permuted_rows",
    "restricted_mean",
    "restricted_spline",
    "reverse_kaplan_meier",
    "turnbull",
    "zph",
]
