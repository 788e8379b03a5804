"""Cox's proportional hazards model: ties, strata, late entry, and errors that know which lesions share a patient."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, freeze
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.outcomes.columns import Covariates
from hdrplan.outcomes.cox_data import CoxCoefficients, CoxData, Ties, cox_data, standard_scale
from hdrplan.outcomes.exact_ties import exact_derivatives
from hdrplan.outcomes.followup import FollowUp
from hdrplan.outcomes.inference import Test
from hdrplan.outcomes.newton import newton
from hdrplan.outcomes.partial_likelihood import RiskSets, information_sum
from hdrplan.threads import single_blas_thread_from

__all__ = ["CoxFit", "cox"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CoxFit(CoxCoefficients):
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
        Sandwich by cluster, where the follow-up has clusters; by row where weights are no whole numbers.
    loglik, loglik_null : float
        Log partial likelihood at the estimate and at zero.
    score : Test
        Score test of all coefficients (the log-rank test for one indicator, without ties or with exact ones).
    robust_score : Test or None
        Score test with the spread of the scores by cluster, where there is a sandwich.
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
    robust_score: Test | None
    data: CoxData

    def __post_init__(self) -> None:
        k = len(self.names)
        freeze(self, "coef", (k,))
        freeze(self, "covariance", (k, k))
        if self.robust_covariance is not None:
            freeze(self, "robust_covariance", (k, k))

    @property
    def n_clusters(self) -> int | None:
        """Distinct clusters; None where there are none."""
        return None if self.data.rows.cluster is None else len(self.data.rows.cluster)

    @property
    def robust_se(self) -> FloatArray | None:
        """Standard errors of the sandwich, or None where there is none; ``se`` is right for independent rows."""
        return None if self.robust_covariance is None else np.sqrt(np.diag(self.robust_covariance))

    @property
    def inference_covariance(self) -> FloatArray:
        """The covariance that intervals and p values use: by cluster where clusters were given."""
        return self.covariance if self.robust_covariance is None else self.robust_covariance

    @property
    def likelihood_ratio(self) -> Test:
        """Likelihood-ratio test of all coefficients; assumes independent rows."""
        return Test.chi_square(2.0 * (self.loglik - self.loglik_null), len(self.names))

    def risk_sets(self) -> list[RiskSets]:
        """Return the risk sets of each stratum in the order of its labels, with covariates less their means."""
        self.data.refuse_exact("what is computed death by death")
        return self.data.risk_sets(self.data.covariates - self.data.covariates.mean(axis=0))

    def score_residuals(self) -> FloatArray:
        """Return each row's contribution to the score at the estimate (n, k), with its weight."""
        return self._scores(self.coef)

    def _scores(self, coef: FloatArray) -> FloatArray:
        result = np.empty((self.n, len(self.names)))
        for stratum in self.risk_sets():
            result[stratum.index] = stratum.weight[:, None] * stratum.score_residuals(coef)
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

    def cumulative_hazard(
        self, stratum: object = None, at: npt.ArrayLike | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Return event times and the cumulative hazard of a stratum.

        Parameters
        ----------
        stratum : object
            Label of the stratum; None for a model without strata.
        at : (k,) array_like, optional
            Covariates that it is the hazard of; all 0 without. Far from all rows, as 0 is for an age, it may overflow.
        """
        risk_sets = self.risk_sets()[self.data.strata.labels.index(stratum)]
        mean = self.data.covariates.mean(axis=0)
        away = (np.zeros_like(mean) if at is None else np.asarray(at, dtype=np.float64)) - mean
        hazard: FloatArray = risk_sets.baseline(self.coef) * np.exp(away @ self.coef)
        return risk_sets.event_times, hazard

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
        mean = self.data.covariates.mean(axis=0)
        event_times, hazard = self.cumulative_hazard(stratum, mean)
        index = np.searchsorted(event_times, np.asarray(times, dtype=np.float64), side="right")
        step = np.concatenate(([0.0], hazard))[index]
        result: FloatArray = np.exp(-np.exp((x - mean) @ self.coef)[:, None] * step[None, :])
        return result


def cox(
    rows: FollowUp,
    covariates: Covariates,
    *,
    ties: Ties = "efron",
    strata: npt.ArrayLike | None = None,
    offset: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
) -> CoxFit:
    """Fit Cox's proportional hazards model.

    Parameters
    ----------
    rows : FollowUp
        Follow-up. Where it has clusters, ``robust_covariance`` is the sandwich of Lin and Wei summed by cluster,
        correct with ties and with strata and independent of the order of rows.
    covariates : mapping of str to (n,) array_like, or (n, k) array_like
        Numbers; text through :func:`indicator_columns`.
    ties : {"efron", "breslow", "exact"}
        Efron is close to the exact likelihood; Breslow is what SPSS does. Exact is the discrete likelihood, the chance
        that of all sets of so many rows at risk these had the event; it takes no clusters and no weights.
    strata : (n,) array_like, optional
        Each stratum has its own baseline hazard.
    offset : (n,) array_like, optional
        Known part of the log hazard.
    weights : (n,) array_like, optional
        How many rows each row stands for. Weights that are no whole numbers (of sampling) get the sandwich by row.

    Returns
    -------
    CoxFit

    Raises
    ------
    InputError
        No events, a covariate that is constant or a combination of others, too few clusters, negative weights,
        clusters with exact ties.
    InfeasibleError
        The likelihood has no finite maximum (a covariate separates the events).

    References
    ----------
    D. R. Cox, J R Stat Soc B 1972;34:187-220, DOI 10.1111/j.2517-6161.1972.tb00899.x.
    B. Efron, J Am Stat Assoc 1977;72:557-565, DOI 10.1080/01621459.1977.10480613.
    D. Y. Lin, L. J. Wei, J Am Stat Assoc 1989;84:1074-1078, DOI 10.1080/01621459.1989.10478874.
    M. H. Gail, J. H. Lubin, L. V. Rubinstein, Biometrika 1981;68:703-707, DOI 10.1093/biomet/68.3.703 (exact).

    Examples
    --------
    >>> from hdrplan.outcomes import follow_up
    >>> fit = cox(follow_up([1, 3, 4, 6, 8, 9], [1, 1, 1, 0, 1, 1]), {"x": [1, 0, 1, 0, 0, 1]})
    >>> round(float(fit.coef[0]), 4)
    0.1008
    """
    names, data = cox_data(rows, covariates, ties=ties, strata=strata, offset=offset, weights=weights)
    if ties == "exact" and rows.cluster is not None:
        raise InputError("exact ties have no errors by cluster", remedy='Use `ties="efron"`.')
    centre, scale = standard_scale(data.covariates, data.strata, names)
    standard = data.risk_sets((data.covariates - centre) / scale)
    derivatives = exact_derivatives if ties == "exact" else information_sum
    with single_blas_thread_from(rows.n):
        best = newton(lambda coef: derivatives(standard, coef), len(names))
    if best.runaway:
        raise InfeasibleError(
            f"the Cox model has no finite estimate for {' and '.join(names[k] for k in best.runaway)}",
            got="no event that tells anything of it: it does not vary among the rows at risk at an event"
            if best.blind
            else "a likelihood that rises without end: the covariate separates events from non-events",
            remedy="Merge categories, leave the covariate out, or use Firth's penalised likelihood (firth_cox; "
            "`hdrplan survival cox`).",
        )
    fit = CoxFit(
        names=names,
        coef=best.coef / scale,
        covariance=np.linalg.inv(best.information) / np.outer(scale, scale),
        robust_covariance=None,
        loglik=best.loglik,
        loglik_null=best.loglik_null,
        score=Test.chi_square(best.score, len(names)),
        robust_score=None,
        data=data,
    )
    by_row = rows.cluster is None and not data.weights_are_counts
    return _with_robust_errors(fit) if rows.cluster is not None or by_row else fit


def _with_robust_errors(fit: CoxFit) -> CoxFit:
    rows, k = fit.data.rows, len(fit.names)
    if rows.cluster is not None:
        rows.cluster.enough_for(k)
    moved = rows.by_cluster(fit.dfbeta())
    scores = rows.by_cluster(fit._scores(np.zeros(k)))
    total = scores.sum(axis=0)
    robust = Test.chi_square(float(total @ np.linalg.lstsq(scores.T @ scores, total, rcond=None)[0]), k)
    return replace(fit, robust_covariance=moved.T @ moved, robust_score=robust)
