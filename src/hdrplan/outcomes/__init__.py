"""Outcome analysis on arrays: survival, competing risks, dose response. Knows no plans and no files."""

from hdrplan.outcomes.competing import Incidence, aalen_johansen
from hdrplan.outcomes.cox import CoxFit, cox
from hdrplan.outcomes.design import RestrictedSpline, indicator_columns, restricted_spline
from hdrplan.outcomes.discrimination import Concordance, concordance
from hdrplan.outcomes.followup import FollowUp, Landmark, Test, follow_up, landmark
from hdrplan.outcomes.nonparametric import (
    KaplanMeier,
    LogRank,
    Quantile,
    RestrictedMean,
    kaplan_meier,
    log_rank,
    restricted_mean,
)
from hdrplan.outcomes.proportional import ProportionalHazards, zph

__all__ = [
    "Concordance",
    "CoxFit",
    "FollowUp",
    "Incidence",
    "KaplanMeier",
    "Landmark",
    "LogRank",
    "ProportionalHazards",
    "Quantile",
    "RestrictedMean",
    "RestrictedSpline",
    "Test",
    "aalen_johansen",
    "concordance",
    "cox",
    "follow_up",
    "indicator_columns",
    "kaplan_meier",
    "landmark",
    "log_rank",
    "restricted_mean",
    "restricted_spline",
    "zph",
]
