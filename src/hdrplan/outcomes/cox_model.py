"""Cox's proportional hazards model: ties, strata, late entry, and errors that know which lesions share a patient."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, freeze
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.outcomes.columns import Covariates, Groups, covariate_matrix, grouped
from hdrplan.outcomes.followup import FollowUp
from hdrplan.outcomes.inference import Coefficients, Test
from hdrplan.outcomes.newton import newton
from hdrplan.outcomes.partial_likelihood import RiskSets, information_sum

__all__ = ["CoxData", "CoxFit", "cox"]

Ties = Literal["efron", "breslow"]


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
    ties : {"efron", "breslow"}
        Treatment of tied event times.
    """

    rows: FollowUp
    covariates: FloatArray
    offset: FloatArray
    strata: Groups
    ties: Ties

    def __post_init__(self) -> None:
        freeze(self, "covariates", (self.rows.n, None))
        freeze(self, "offset", (self.rows.n,))

    def risk_sets(self, x: FloatArray, offset: FloatArray | None = None) -> list[RiskSets]:
        """Return the risk sets of each stratum, with covariates ``x`` (n, k) and the offset of the data or another."""
        shift = self.offset if offset is None else offset
        codes = self.strata.codes
        return [
            RiskSets.of(self.rows, np.flatnonzero(codes == k), x, shift, self.ties) for k in range(len(self.strata))
        ]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CoxFit(Coefficients):
    """A fitted Cox model.

    Parameters
    ----------
    names : tuple of str
        Covariates.
    coef : (k,) array
        Log hazard ratios per unit of each covariate.
    covariance : (k, k) array
        Inverse of the observed information.
    robust_covariance : (k, k) array or None
        Sandwich by cluster, where the follow-up has clusters.
    loglik, loglik_null : float
        Log partial likelihood at the estimate and at zero.
    score : Test
        Score test of all coefficients (the log-rank test for one indicator without ties).
    data : CoxData
        What the model was fitted to.
    """

    names: tuple[str, ...]
    coef: FloatArray
    covariance: FloatArray
    robust_covariance: FloatArray | None
    loglik: float
    loglik_null: float
    score: Test
    data: CoxData

    def __post_init__(self) -> None:
        k = len(self.names)
        freeze(self, "coef", (k,))
        freeze(self, "covariance", (k, k))
        if self.robust_covariance is not None:
            freeze(self, "robust_covariance", (k, k))

    @property
    def n(self) -> int:
        """Rows."""
        return self.data.rows.n

    @property
    def n_events(self) -> int:
        """Events."""
        return self.data.rows.n_events

    @property
    def n_clusters(self) -> int | None:
        """Distinct clusters; None where rows are independent."""
        return None if self.data.rows.cluster is None else len(self.data.rows.cluster)

    @property
    def robust_se(self) -> FloatArray | None:
        """Standard errors by cluster, or None where no clusters were given; ``se`` is right for independent rows."""
        return None if self.robust_covariance is None else np.sqrt(np.diag(self.robust_covariance))

    @property
    def inference_covariance(self) -> FloatArray:
        """The covariance that intervals and p values use: by cluster where clusters were given."""
        return self.covariance if self.robust_covariance is None else self.robust_covariance

    @property
    def likelihood_ratio(self) -> Test:
        """Likelihood-ratio test of all coefficients; assumes independent rows."""
        return Test.chi_square(2.0 * (self.loglik - self.loglik_null), len(self.names))

    @property
    def linear_predictor(self) -> FloatArray:
        """Log relative hazard of each row, with its offset, not centred."""
        result: FloatArray = self.data.covariates @ self.coef + self.data.offset
        return result

    def risk_sets(self) -> list[RiskSets]:
        """Return the risk sets of each stratum in the order of its labels, with covariates less their means."""
        return self.data.risk_sets(self.data.covariates - self.data.covariates.mean(axis=0))

    def score_residuals(self) -> FloatArray:
        """Return each row's contribution to the score (n, k)."""
        result = np.empty((self.n, len(self.names)))
        for stratum in self.risk_sets():
            result[stratum.index] = stratum.score_residuals(self.coef)
        return result

    def dfbeta(self) -> FloatArray:
        """Return how much each row moves each coefficient (n, k)."""
        result: FloatArray = self.score_residuals() @ self.covariance
        return result

    def martingale_residuals(self) -> FloatArray:
        """Return events seen minus events expected of each row (n,)."""
        result = np.empty(self.n)
        for stratum in self.risk_sets():
            result[stratum.index] = stratum.martingale(self.coef)
        return result

    def cumulative_hazard(self, stratum: object = None) -> tuple[FloatArray, FloatArray]:
        """Return event times and the cumulative baseline hazard (all covariates and offset 0) of a stratum."""
        risk_sets = self.risk_sets()[self.data.strata.labels.index(stratum)]
        at_zero: FloatArray = risk_sets.baseline(self.coef) * np.exp(-self.data.covariates.mean(axis=0) @ self.coef)
        return risk_sets.event_times, at_zero

    def survival(self, covariates: npt.ArrayLike, times: npt.ArrayLike, stratum: object = None) -> FloatArray:
        """Return the predicted survival.

        Parameters
        ----------
        covariates : (n_rows, k) or (k,) array_like
            Covariates in the order of ``names``; the offset counts as 0.
        times : (n_times,) array_like
        stratum : object
            Label of the stratum; None for a model without strata.

        Returns
        -------
        (n_rows, n_times) array
        """
        x = np.atleast_2d(np.asarray(covariates, dtype=np.float64))
        event_times, hazard = self.cumulative_hazard(stratum)
        index = np.searchsorted(event_times, np.asarray(times, dtype=np.float64), side="right")
        step = np.concatenate(([0.0], hazard))[index]
        result: FloatArray = np.exp(-np.exp(x @ self.coef)[:, None] * step[None, :])
        return result


def cox(
    rows: FollowUp,
    covariates: Covariates,
    *,
    ties: Ties = "efron",
    strata: npt.ArrayLike | None = None,
    offset: npt.ArrayLike | None = None,
) -> CoxFit:
    """Fit Cox's proportional hazards model.

    Parameters
    ----------
    rows : FollowUp
        Follow-up. Where it has clusters, ``robust_covariance`` is the sandwich of Lin and Wei summed by cluster,
        correct with ties and with strata and independent of the order of rows.
    covariates : mapping of str to (n,) array_like, or (n, k) array_like
        Numbers; text through :func:`indicator_columns`.
    ties : {"efron", "breslow"}
        Efron is closer to the exact likelihood; Breslow is what SPSS does.
    strata : (n,) array_like, optional
        Each stratum has its own baseline hazard.
    offset : (n,) array_like, optional
        Known part of the log hazard.

    Returns
    -------
    CoxFit

    Raises
    ------
    InputError
        No events, a covariate that is constant or a combination of others, too few clusters.
    InfeasibleError
        The likelihood has no finite maximum (a covariate separates the events).

    References
    ----------
    D. R. Cox, J R Stat Soc B 1972;34:187-220, DOI 10.1111/j.2517-6161.1972.tb00899.x.
    B. Efron, J Am Stat Assoc 1977;72:557-565, DOI 10.1080/01621459.1977.10480613.
    D. Y. Lin, L. J. Wei, J Am Stat Assoc 1989;84:1074-1078, DOI 10.1080/01621459.1989.10478874.

    Examples
    --------
    >>> from hdrplan.outcomes import follow_up
    >>> fit = cox(follow_up([1, 3, 4, 6, 8, 9], [1, 1, 1, 0, 1, 1]), {"x": [1, 0, 1, 0, 0, 1]})
    >>> round(float(fit.coef[0]), 4)
    0.1008
    """
    names, x = covariate_matrix(covariates, rows.n)
    if ties not in ("efron", "breslow"):
        raise InputError("ties must be efron or breslow", got=ties)
    if not rows.event.any():
        raise InputError("a Cox model needs events", got="none")
    shift = np.zeros(rows.n) if offset is None else np.asarray(offset, dtype=np.float64)
    if shift.shape != (rows.n,):
        raise InputError("offset must have one value a row", got=f"shape {shift.shape} for {rows.n} rows")
    layers = grouped(strata, rows.n, "strata")
    data = CoxData(rows=rows, covariates=x, offset=shift, strata=layers, ties=ties)
    centre, scale = _standard(x, layers, names)
    standard = data.risk_sets((x - centre) / scale)
    best = newton(lambda coef: information_sum(standard, coef), len(names))
    if best.runaway is not None:
        raise InfeasibleError(
            f"the Cox model has no finite estimate for {names[best.runaway]}",
            got="a likelihood that rises without end: the covariate separates events from non-events",
            remedy="Merge categories or leave the covariate out.",
        )
    fit = CoxFit(
        names=names,
        coef=best.coef / scale,
        covariance=np.linalg.inv(best.information) / np.outer(scale, scale),
        robust_covariance=None,
        loglik=best.loglik,
        loglik_null=best.loglik_null,
        score=Test.chi_square(best.score, len(names)),
        data=data,
    )
    return fit if rows.cluster is None else _with_robust_errors(fit, rows.cluster)


def _with_robust_errors(fit: CoxFit, cluster: Groups) -> CoxFit:
    by_cluster = cluster.enough_for(len(fit.names)).sum(fit.dfbeta())
    return replace(fit, robust_covariance=by_cluster.T @ by_cluster)


def _standard(x: FloatArray, strata: Groups, names: tuple[str, ...]) -> tuple[FloatArray, FloatArray]:
    """Centre and scale of each covariate, after refusing what the partial likelihood cannot see."""
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
