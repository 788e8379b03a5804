"""Cox's proportional hazards model: ties, strata, late entry, and errors that know which lesions share a patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, IntArray, freeze
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.outcomes.followup import FollowUp, clusters, covariate_matrix, follow_up, labels_and_codes
from hdrplan.outcomes.inference import Coefficients, Test
from hdrplan.outcomes.partial_likelihood import RiskSets, information_sum

__all__ = ["CoxFit", "cox"]

Ties = Literal["efron", "breslow"]

_MAX_ITERATIONS = 60
# The log likelihood is settled when a step changes it by less than this share of itself.
_SETTLED = 1e-13
# A settled likelihood with a Newton step still this long (in standard deviations) has its maximum at infinity.
_RUNAWAY = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
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
        Sandwich by cluster, where clusters were given.
    loglik, loglik_null : float
        Log partial likelihood at the estimate and at zero.
    score : Test
        Score test of all coefficients (the log-rank test for one indicator without ties).
    n, n_events : int
        Rows and events.
    n_clusters : int or None
        Distinct clusters.
    ties : {"efron", "breslow"}
        Treatment of tied event times.
    rows, covariates, offset, strata, strata_labels
        The data of the fit, for residuals, predictions and the proportional-hazards test.
    """

    names: tuple[str, ...]
    coef: FloatArray
    covariance: FloatArray
    robust_covariance: FloatArray | None
    loglik: float
    loglik_null: float
    score: Test
    n: int
    n_events: int
    n_clusters: int | None
    ties: str
    rows: FollowUp
    covariates: FloatArray
    offset: FloatArray
    strata: IntArray
    strata_labels: tuple[object, ...]

    def __post_init__(self) -> None:
        k = len(self.names)
        freeze(self, "coef", (k,))
        freeze(self, "covariance", (k, k))
        if self.robust_covariance is not None:
            freeze(self, "robust_covariance", (k, k))
        freeze(self, "covariates", (self.n, k))
        freeze(self, "offset", (self.n,))
        freeze(self, "strata", (self.n,), dtype=np.int64)

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
        result: FloatArray = self.covariates @ self.coef + self.offset
        return result

    def risk_sets(self) -> list[RiskSets]:
        """Return the risk sets of each stratum in the order of ``strata_labels``, with covariates less their means."""
        centred = self.covariates - self.covariates.mean(axis=0)
        return _risk_sets(self.rows, centred, self.offset, self.strata, self.ties)

    def score_residuals(self) -> FloatArray:
        """Return each row's contribution to the score (n, k)."""
        result = np.empty((self.n, len(self.names)))
        for part in self.risk_sets():
            result[part.index] = part.score_residuals(self.coef)
        return result

    def dfbeta(self) -> FloatArray:
        """Return how much each row moves each coefficient (n, k)."""
        result: FloatArray = self.score_residuals() @ self.covariance
        return result

    def martingale_residuals(self) -> FloatArray:
        """Return events seen minus events expected of each row (n,)."""
        result = np.empty(self.n)
        for part in self.risk_sets():
            result[part.index] = part.martingale(self.coef)
        return result

    def cumulative_hazard(self, stratum: object = None) -> tuple[FloatArray, FloatArray]:
        """Return event times and the cumulative baseline hazard (all covariates and offset 0) of a stratum."""
        where = self.strata_labels.index(stratum)
        part = self.risk_sets()[where]
        at_zero: FloatArray = part.baseline(self.coef) * np.exp(-self.covariates.mean(axis=0) @ self.coef)
        return part.event_times, at_zero

    def survival(self, covariates: npt.ArrayLike, times: npt.ArrayLike, stratum: object = None) -> FloatArray:
        """Return the predicted survival (n_rows, n_times) for rows of covariates, without offset."""
        x = np.atleast_2d(np.asarray(covariates, dtype=np.float64))
        event_times, hazard = self.cumulative_hazard(stratum)
        index = np.searchsorted(event_times, np.asarray(times, dtype=np.float64), side="right")
        step = np.concatenate(([0.0], hazard))[index]
        result: FloatArray = np.exp(-np.exp(x @ self.coef)[:, None] * step[None, :])
        return result


def cox(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    covariates: Mapping[str, npt.ArrayLike] | npt.ArrayLike,
    *,
    names: tuple[str, ...] | None = None,
    ties: Ties = "efron",
    strata: npt.ArrayLike | None = None,
    cluster: npt.ArrayLike | None = None,
    entry: npt.ArrayLike | None = None,
    offset: npt.ArrayLike | None = None,
) -> CoxFit:
    """Fit Cox's proportional hazards model.

    Parameters
    ----------
    time, event : (n,) array_like
        Follow-up. For a cause-specific hazard, other causes count as censored.
    covariates : mapping of str to (n,) array_like, or (n, k) array_like
        Numbers; text through :func:`indicator_columns`.
    names : tuple of str, optional
        Names of the columns of a matrix.
    ties : {"efron", "breslow"}
        Efron is closer to the exact likelihood; Breslow is what SPSS does.
    strata : (n,) array_like, optional
        Each stratum has its own baseline hazard.
    cluster : (n,) array_like, optional
        Patient of each row: standard errors by the sandwich of Lin and Wei summed by patient, correct with ties and
        with strata and independent of the order of rows.
    entry : (n,) array_like, optional
        Delayed entry; with several rows a unit it carries time-dependent covariates.
    offset : (n,) array_like, optional
        Known part of the log hazard.

    Raises
    ------
    InputError
        No events, a covariate that is constant or a combination of others, follow-up that cannot be right.
    InfeasibleError
        The likelihood has no finite maximum (a covariate separates the events).

    References
    ----------
    D. R. Cox, J R Stat Soc B 1972;34:187-220, DOI 10.1111/j.2517-6161.1972.tb00899.x.
    B. Efron, J Am Stat Assoc 1977;72:557-565, DOI 10.1080/01621459.1977.10480613.
    D. Y. Lin, L. J. Wei, J Am Stat Assoc 1989;84:1074-1078, DOI 10.1080/01621459.1989.10478874.

    Examples
    --------
    >>> fit = cox([1, 3, 4, 6, 8, 9], [1, 1, 1, 0, 1, 1], {"x": [1, 0, 1, 0, 0, 1]})
    >>> round(float(fit.coef[0]), 4)
    0.1008
    """
    rows = follow_up(time, event, entry)
    n = rows.time.size
    names, x = covariate_matrix(covariates, n, names)
    if ties not in ("efron", "breslow"):
        raise InputError("ties must be efron or breslow", got=ties)
    if not rows.event.any():
        raise InputError("a Cox model needs events", got="none")
    shift = np.zeros(n) if offset is None else np.asarray(offset, dtype=np.float64)
    if shift.shape != (n,):
        raise InputError("offset must have one value a row", got=f"shape {shift.shape} for {n} rows")
    labels, layer = labels_and_codes(strata, n, "strata")
    centre, scale = _standard(x, layer, names)
    parts = _risk_sets(rows, (x - centre) / scale, shift, layer, ties)
    beta, loglik, loglik_null, score, information = _maximum(parts, names)
    covariance = np.linalg.inv(information) / np.outer(scale, scale)
    score_test = Test.chi_square(score, len(names))
    fit = CoxFit(
        names, beta / scale, covariance, None, loglik, loglik_null, score_test, n, int(rows.event.sum()), None, ties,
        rows, x, shift, layer, labels,
    )  # fmt: skip
    if cluster is None:
        return fit
    owners, owner = clusters(cluster, n, len(names))
    by_cluster = np.zeros((len(owners), len(names)))
    np.add.at(by_cluster, owner, fit.dfbeta())
    return CoxFit(
        names, fit.coef, covariance, by_cluster.T @ by_cluster, loglik, loglik_null, score_test, n, fit.n_events,
        len(owners), ties, rows, x, shift, layer, labels,
    )  # fmt: skip


def _standard(x: FloatArray, layer: IntArray, names: tuple[str, ...]) -> tuple[FloatArray, FloatArray]:
    """Centre and scale of each covariate, after refusing what the partial likelihood cannot see."""
    within = x - x.mean(axis=0)
    if layer.max() > 0:  # a covariate that is constant in each stratum cancels
        count = np.bincount(layer)
        for k in range(x.shape[1]):
            within[:, k] -= (np.bincount(layer, weights=within[:, k]) / count)[layer]
    scale = within.std(axis=0)
    flat = scale <= 1e-12 * np.maximum(np.abs(x).max(axis=0, initial=0.0), 1e-300)
    if flat.any():
        raise InputError(
            f"covariate {names[int(np.argmax(flat))]} must vary",
            got="one value in every row" if layer.max() == 0 else "one value within each stratum",
            remedy="Leave it out.",
        )
    if x.shape[1] and np.linalg.matrix_rank(within / scale, tol=1e-9 * np.sqrt(x.shape[0])) < x.shape[1]:
        raise InputError(
            "covariates must not be combinations of each other",
            got=", ".join(names),
            remedy="Leave one out (of k indicator columns, the reference).",
        )
    return x.mean(axis=0), scale


def _risk_sets(rows: FollowUp, x: FloatArray, offset: FloatArray, layer: IntArray, ties: str) -> list[RiskSets]:
    return [RiskSets.of(rows, x, offset, np.flatnonzero(layer == k), ties) for k in range(int(layer.max()) + 1)]


def _maximum(parts: list[RiskSets], names: tuple[str, ...]) -> tuple[FloatArray, float, float, float, FloatArray]:
    """Newton's method with halving: coefficients, log likelihood there and at 0, score statistic, information."""
    beta = np.zeros(len(names))
    loglik, gradient, information = information_sum(parts, beta)
    loglik_null = loglik
    if not names:
        return beta, loglik, loglik_null, 0.0, information
    score = float(gradient @ np.linalg.lstsq(information, gradient, rcond=None)[0])
    for _ in range(_MAX_ITERATIONS):
        step = np.linalg.lstsq(information, gradient, rcond=None)[0]
        trial = information_sum(parts, beta + step)
        while not trial[0] >= loglik - _SETTLED * abs(loglik):
            step = step / 2.0
            trial = information_sum(parts, beta + step)
        settled = abs(trial[0] - loglik) <= _SETTLED * (1.0 + abs(loglik))
        beta, (loglik, gradient, information) = beta + step, trial
        if settled:
            break
    remaining = np.abs(np.linalg.lstsq(information, gradient, rcond=None)[0])
    if remaining.max() > _RUNAWAY or np.linalg.cond(information) > 1e14:
        raise InfeasibleError(
            f"the Cox model has no finite estimate for {names[int(remaining.argmax())]}",
            got="a likelihood that rises without end: the covariate separates events from non-events",
            remedy="Merge categories or leave the covariate out.",
        )
    return beta, loglik, loglik_null, score, information
