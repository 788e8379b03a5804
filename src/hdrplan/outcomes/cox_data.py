"""The data of a Cox model: rows, covariates, strata and weights, checked once for every way to fit it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, freeze
from hdrplan.errors import InputError
from hdrplan.outcomes.columns import Covariates, Groups, covariate_matrix, finite_column, grouped
from hdrplan.outcomes.followup import FollowUp
from hdrplan.outcomes.inference import Coefficients
from hdrplan.outcomes.partial_likelihood import RiskSets

__all__ = ["CoxCoefficients", "CoxData", "Ties", "cox_data", "standard_scale"]

Ties = Literal["efron", "breslow", "exact"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CoxData:
    """The data of a Cox model, kept for its residuals, predictions and further tests.

    Parameters
    ----------
    rows : FollowUp
        Follow-up (n rows).
    covariates : (n, k) array
        Covariates, not centred.
    offset : (n,) array
        Known part of the log hazard.
    strata : Groups
        Stratum of each row.
    weight : (n,) array
        How many rows each row stands for.
    ties : {"efron", "breslow", "exact"}
        Treatment of tied event times.
    """

    rows: FollowUp
    covariates: FloatArray
    offset: FloatArray
    strata: Groups
    weight: FloatArray
    ties: Ties

    def __post_init__(self) -> None:
        freeze(self, "covariates", (self.rows.n, None))
        freeze(self, "offset", (self.rows.n,))
        freeze(self, "weight", (self.rows.n,))
        self._check_weight()

    def _check_weight(self) -> None:
        if self.weight.min(initial=0.0) < 0 or not self.weight[self.rows.event].any():
            raise InputError("weights must not be negative, and some event must count", got=float(self.weight.min()))
        if self.ties == "exact" and (self.weight != 1.0).any():
            raise InputError("exact ties take no weights", remedy='Use `ties="efron"`.')

    @property
    def weights_are_counts(self) -> bool:
        """Whether each row stands for a whole number of equal rows; other weights need robust errors."""
        return bool((self.weight == np.round(self.weight)).all())

    def risk_sets(self, x: FloatArray, offset: FloatArray | None = None) -> list[RiskSets]:
        """Return the risk sets of each stratum, with covariates ``x`` (n, k) and the offset of the data or another.

        With exact ties only the rows at risk and the deaths have a meaning, not the sums over deaths.
        """
        shift = self.offset if offset is None else offset
        codes = self.strata.codes
        return [
            RiskSets.of(self.rows, np.flatnonzero(codes == k), x, shift, self.weight, self.ties)
            for k in range(len(self.strata))
        ]

    def refuse_exact(self, wanted: str) -> None:
        """Refuse what follows from sums over single deaths, which exact ties do not have.

        Raises
        ------
        InputError
        """
        if self.ties == "exact":
            raise InputError(f"{wanted} with exact ties is not defined", remedy='Use `ties="efron"`.')


class CoxCoefficients(Coefficients):
    """What every Cox model says of its rows, with or without a penalty."""

    __slots__ = ()

    data: CoxData

    @property
    def n(self) -> int:
        """Rows."""
        return self.data.rows.n

    @property
    def n_events(self) -> int:
        """Events."""
        return self.data.rows.n_events

    @property
    def linear_predictor(self) -> FloatArray:
        """Log relative hazard of each row, with its offset, not centred."""
        result: FloatArray = self.data.covariates @ self.coef + self.data.offset
        return result


def cox_data(
    rows: FollowUp,
    covariates: Covariates,
    *,
    ties: Ties,
    strata: npt.ArrayLike | None,
    offset: npt.ArrayLike | None,
    weights: npt.ArrayLike | None,
) -> tuple[tuple[str, ...], CoxData]:
    """Return the names of the covariates and the checked data of a Cox model.

    Parameters
    ----------
    rows, covariates, ties, strata, offset, weights
        As for :func:`hdrplan.outcomes.cox`.

    Returns
    -------
    names : tuple of str
    data : CoxData

    Raises
    ------
    InputError
        No events, unknown ties, columns of another length, negative weights.
    """
    names, x = covariate_matrix(covariates, rows.n)
    if ties not in ("efron", "breslow", "exact"):
        raise InputError("ties must be efron, breslow or exact", got=ties)
    if not rows.event.any():
        raise InputError("a Cox model needs events", got="none")
    shift = np.zeros(rows.n) if offset is None else np.asarray(offset, dtype=np.float64)
    if shift.shape != (rows.n,):
        raise InputError("offset must have one value a row", got=f"shape {shift.shape} for {rows.n} rows")
    weight = np.ones(rows.n) if weights is None else finite_column(weights, rows.n, "weights")
    layers = grouped(strata, rows.n, "strata")
    return names, CoxData(rows=rows, covariates=x, offset=shift, strata=layers, weight=weight, ties=ties)


def standard_scale(x: FloatArray, strata: Groups, names: tuple[str, ...]) -> tuple[FloatArray, FloatArray]:
    """Return centre and scale of each covariate, after refusing what the partial likelihood cannot see.

    Parameters
    ----------
    x : (n, k) array
    strata : Groups
    names : tuple of str
        Of the covariates, for messages.

    Returns
    -------
    centre, scale : (k,) arrays

    Raises
    ------
    InputError
        A covariate that is constant or a combination of others.
    """
    within = x - x.mean(axis=0)
    if len(strata) > 1:  # a covariate that is constant in each stratum cancels
        count = np.bincount(strata.codes)
        for k in range(x.shape[1]):
            within[:, k] -= (np.bincount(strata.codes, weights=within[:, k]) / count)[strata.codes]
    scale = within.std(axis=0)
    flat = scale <= 1e-12 * np.maximum(np.abs(x).max(axis=0, initial=0.0), 1e-300)
    if flat.any():
        raise InputError(
            f"covariate {names[int(np.argmax(flat))]} must vary",
            got="one value in every row" if len(strata) == 1 else "one value within each stratum",
            remedy="Leave it out.",
        )
    if x.shape[1] and np.linalg.matrix_rank(within / scale, tol=1e-9 * np.sqrt(x.shape[0])) < x.shape[1]:
        raise InputError(
            "covariates must not be combinations of each other",
            got=", ".join(names),
            remedy="Leave one out (of k indicator columns, the reference).",
        )
    return x.mean(axis=0), scale
