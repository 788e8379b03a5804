"""The Cox model that the options of ``hdrplan survival`` ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.arrays import FloatArray
    from hdrplan.cli.survival.columns import Columns
    from hdrplan.outcomes import CoxFit, FirthFit

__all__ = ["Ties", "firth_fit", "fitted_cox", "risk_score"]

Ties = Literal["efron", "breslow", "exact"]


def fitted_cox(columns: Columns, ties: Ties) -> CoxFit:
    """Return the Cox model that the options ask for."""
    from hdrplan.outcomes import cox

    rows, covariates = columns.follow_up(), columns.needed_covariates()
    return cox(rows, covariates, ties=ties, strata=columns.labels("strata"), weights=columns.case_weights())


def firth_fit(columns: Columns, ties: Ties) -> FirthFit:
    """Return Firth's penalised model that the options ask for; its rows are taken as independent."""
    from hdrplan.outcomes import firth_cox

    rows, covariates = columns.follow_up(), columns.needed_covariates()
    return firth_cox(rows, covariates, ties=ties, strata=columns.labels("strata"), weights=columns.case_weights())


def risk_score(columns: Columns, ties: Ties) -> FloatArray:
    """Return the column of the score, or the linear predictor of a Cox model."""
    if bool(columns.names.score) == bool(columns.names.covariates):
        raise InputError("say what is scored: either --score or --covariates")
    return columns.numbers("score") if columns.names.score else fitted_cox(columns, ties).linear_predictor
