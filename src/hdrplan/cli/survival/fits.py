"""The Cox model that the options of ``hdrplan survival`` ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.arrays import FloatArray
    from hdrplan.cli.survival.columns import Columns
    from hdrplan.outcomes import CoxFit

__all__ = ["fitted_cox", "risk_score"]


def fitted_cox(columns: Columns, ties: str) -> CoxFit:
    """Return the Cox model that the options ask for."""
    from hdrplan.outcomes import cox

    rows, covariates = columns.follow_up(), columns.needed_covariates()
    return cox(rows, covariates, ties=ties, strata=columns.labels("strata"))  # type: ignore[arg-type]


def risk_score(columns: Columns, ties: str) -> FloatArray:
    """Return the column of the score, or the linear predictor of a Cox model."""
    if bool(columns.names.score) == bool(columns.names.covariates):
        raise InputError("say what is scored: either --score or --covariates")
    return columns.numbers("score") if columns.names.score else fitted_cox(columns, ties).linear_predictor
