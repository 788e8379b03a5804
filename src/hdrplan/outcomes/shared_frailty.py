"""Cox's model with a gamma frailty: lesions of one patient share an unseen multiplier of their hazard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy
from scipy import special

from hdrplan.arrays import FloatArray, freeze
from hdrplan.errors import InfeasibleError, InputError, ResourceError
from hdrplan.outcomes.columns import Covariates, Groups
from hdrplan.outcomes.cox_model import CoxFit, Ties, cox
from hdrplan.outcomes.followup import FollowUp
from hdrplan.outcomes.inference import Coefficients, Test
from hdrplan.outcomes.newton import Derivatives
from hdrplan.outcomes.partial_likelihood import information_sum
from hdrplan.threads import single_blas_thread

__all__ = ["FrailtyFit", "frailty"]

# Variances of the frailty between which the likelihood is searched; below the first, frailty is none.
_THETA_RANGE = (1e-4, 50.0)
# The full information matrix needs a few tables of rows x clusters; this many cells are 400 MB each.
_MAXIMUM_CELLS = 5e7


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FrailtyFit(Coefficients):
    """A Cox model with gamma frailty of mean 1 and variance ``theta``.

    Parameters
    ----------
    names : tuple of str
        Covariates.
    coef, covariance : (k,), (k, k) arrays
        Log hazard ratios within a cluster, and their covariance at the estimated variance of the frailty.
    theta : float
        Variance of the frailty; 0 where the likelihood is highest without.
    loglik, loglik_cox : float
        Integrated log likelihood, and that of the Cox model without frailty.
    clusters : tuple
        Labels of the clusters.
    frailty : (n_clusters,) array
        Expected frailty of each cluster given the data.
    """

    names: tuple[str, ...]
    coef: FloatArray
    covariance: FloatArray
    theta: float
    loglik: float
    loglik_cox: float
    clusters: tuple[object, ...]
    frailty: FloatArray

    def __post_init__(self) -> None:
        freeze(self, "coef", (len(self.names),))
        freeze(self, "covariance", (len(self.names), len(self.names)))
        freeze(self, "frailty", (len(self.clusters),))

    @property
    def heterogeneity(self) -> Test:
        """Likelihood-ratio test of theta = 0; half the chi-square p, for theta cannot be negative."""
        statistic = max(2.0 * (self.loglik - self.loglik_cox), 0.0)
        return Test(statistic, 1, float(scipy.stats.chi2.sf(statistic, 1)) / 2.0 if statistic > 0 else 1.0)


def frailty(
    rows: FollowUp, covariates: Covariates, *, ties: Ties = "efron", strata: npt.ArrayLike | None = None
) -> FrailtyFit:
    """Fit a Cox model with gamma frailty by cluster.

    For each variance the penalised partial likelihood is maximised over coefficients and log frailties by Newton's
    method; the variance maximises the integrated likelihood that follows. Unlike R's default, the full information
    matrix is used, as R does with ``sparse=FALSE``.

    Parameters
    ----------
    rows : FollowUp
        With clusters: their rows share a frailty.
    covariates, ties, strata
        As for :func:`cox`.

    Returns
    -------
    FrailtyFit

    Raises
    ------
    InputError
        No clusters, and as for :func:`cox`.
    InfeasibleError
        The likelihood has no finite maximum.
    ResourceError
        More rows x clusters than the full information matrix can hold.

    References
    ----------
    D. G. Clayton, Biometrika 1978;65:141-151, DOI 10.1093/biomet/65.1.141.
    T. M. Therneau, P. M. Grambsch, V. S. Pankratz, J Comput Graph Stat 2003;12:156-175, DOI 10.1198/1061860031365.
    """
    cluster = rows.cluster
    if cluster is None:
        raise InputError("a frailty model needs clusters", remedy="Give the follow-up the patient of each row.")
    start = cox(rows.independent, covariates, ties=ties, strata=strata)
    if start.n * len(cluster) > _MAXIMUM_CELLS:
        raise ResourceError(
            f"a frailty model of at most {_MAXIMUM_CELLS:.0e} rows x clusters",
            got=f"{start.n} x {len(cluster)}",
            remedy="Use the Cox model with errors by cluster.",
        )
    model = _Penalised(start, cluster)
    low, high = np.log(_THETA_RANGE)
    with single_blas_thread():
        best = scipy.optimize.minimize_scalar(
            lambda log_theta: -model.integrated(float(np.exp(log_theta))),
            bounds=(low, high),
            method="bounded",
            options={"xatol": 1e-7},
        )
        theta, loglik = float(np.exp(best.x)), -float(best.fun)
        model.integrated(theta)
        covariance = model.covariance(theta)
    if loglik <= start.loglik + 1e-7 or theta < 2 * _THETA_RANGE[0]:
        return FrailtyFit(
            names=start.names,
            coef=start.coef,
            covariance=start.covariance,
            theta=0.0,
            loglik=start.loglik,
            loglik_cox=start.loglik,
            clusters=cluster.labels,
            frailty=np.ones(len(cluster)),
        )
    return FrailtyFit(
        names=start.names,
        coef=model.coef,
        covariance=covariance,
        theta=theta,
        loglik=loglik,
        loglik_cox=start.loglik,
        clusters=cluster.labels,
        frailty=np.exp(model.log_frailty),
    )


class _Penalised:
    """Penalised partial likelihood over coefficients and log frailties; keeps its last maximum as the next start."""

    def __init__(self, start: CoxFit, cluster: Groups) -> None:
        self.k = len(start.names)
        centre, self.scale = start.data.covariates.mean(axis=0), start.data.covariates.std(axis=0)
        member = np.zeros((start.n, len(cluster)))
        member[np.arange(start.n), cluster.codes] = 1.0
        self.strata = start.data.risk_sets(np.hstack(((start.data.covariates - centre) / self.scale, member)))
        self.events = np.bincount(cluster.codes, weights=start.data.rows.event, minlength=len(cluster))
        self.where = np.concatenate((start.coef * self.scale, np.zeros(len(cluster))))

    @property
    def coef(self) -> FloatArray:
        """Log hazard ratios per unit of each covariate."""
        result: FloatArray = self.where[: self.k] / self.scale
        return result

    @property
    def log_frailty(self) -> FloatArray:
        """Logarithm of each cluster's frailty."""
        return self.where[self.k :]

    def _value(self, where: FloatArray, nu: float) -> Derivatives:
        loglik, gradient, information = information_sum(self.strata, where)
        omega = where[self.k :]
        grown = np.exp(omega)
        gradient[self.k :] += nu * (1.0 - grown)
        information[np.arange(self.k, where.size), np.arange(self.k, where.size)] += nu * grown
        return loglik + nu * float((omega - grown + 1.0).sum()), gradient, information

    def integrated(self, theta: float) -> float:
        """Return the integrated log likelihood at a variance of the frailty, comparable with the Cox log likelihood.

        Raises
        ------
        InfeasibleError
            No finite maximum over coefficients and frailties.
        """
        nu = 1.0 / theta
        value, gradient, information = self._value(self.where, nu)
        for _ in range(100):
            step = np.linalg.solve(information, gradient)
            trial = self._value(self.where + step, nu)
            while not trial[0] >= value - 1e-12 * abs(value):
                step = step / 2.0
                trial = self._value(self.where + step, nu)
            settled = abs(trial[0] - value) <= 1e-12 * (1.0 + abs(value)) and np.abs(step).max() < 1e-6
            self.where = self.where + step
            value, gradient, information = trial
            if settled:
                break
        else:
            raise InfeasibleError("the frailty model has no finite estimate", got=f"variance {theta:g}")
        d = self.events
        gamma = special.gammaln(nu + d) - special.gammaln(nu)
        return value + float((nu * np.log(nu) - (nu + d) * np.log(nu + d) + d + gamma).sum())

    def covariance(self, theta: float) -> FloatArray:
        """Return the covariance of the coefficients: their block of the inverse penalised information."""
        information = self._value(self.where, 1.0 / theta)[2]
        result: FloatArray = np.linalg.inv(information)[: self.k, : self.k] / np.outer(self.scale, self.scale)
        return result
