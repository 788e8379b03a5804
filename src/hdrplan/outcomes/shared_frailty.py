"""Cox's model with a gamma frailty: lesions of one patient share an unseen multiplier of their hazard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy
from scipy import special
from scipy.sparse.linalg import LinearOperator, cg

from hdrplan.arrays import FloatArray, IntArray, freeze
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.outcomes.columns import Covariates, Groups
from hdrplan.outcomes.cox_data import Ties
from hdrplan.outcomes.cox_model import CoxFit, cox
from hdrplan.outcomes.followup import FollowUp
from hdrplan.outcomes.inference import Coefficients, Test
from hdrplan.outcomes.partial_likelihood import RiskSets
from hdrplan.threads import single_blas_thread_from

__all__ = ["FrailtyFit", "frailty"]

# Variances of the frailty between which the likelihood is searched; below the first, frailty is none.
_THETA_RANGE = (1e-4, 50.0)
# Conjugate-gradient steps for one solution; a dozen or two are used.
_MAXIMUM_STEPS = 5000


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
    rows: FollowUp,
    covariates: Covariates,
    *,
    ties: Ties = "efron",
    strata: npt.ArrayLike | None = None,
    theta: float | None = None,
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
    theta : float, optional
        Variance of the frailty where it is known; by default it is estimated.

    Returns
    -------
    FrailtyFit

    Raises
    ------
    InputError
        No clusters, a variance outside its range, and as for :func:`cox`.
    InfeasibleError
        The likelihood has no finite maximum.

    References
    ----------
    D. G. Clayton, Biometrika 1978;65:141-151, DOI 10.1093/biomet/65.1.141.
    T. M. Therneau, P. M. Grambsch, V. S. Pankratz, J Comput Graph Stat 2003;12:156-175, DOI 10.1198/1061860031365.
    """
    cluster = rows.cluster
    if cluster is None:
        raise InputError("a frailty model needs clusters", remedy="Give the follow-up the patient of each row.")
    if ties == "exact":
        raise InputError("a frailty model has no exact ties", remedy='Use `ties="efron"`.')
    if theta is not None and theta != 0 and not _THETA_RANGE[0] <= theta <= _THETA_RANGE[1]:
        raise InputError(
            f"the variance of a frailty must be 0 or lie between {_THETA_RANGE[0]:g} and {_THETA_RANGE[1]:g}",
            got=f"{theta:g}",
        )
    start = cox(rows.independent, covariates, ties=ties, strata=strata)
    model = _Penalised(start, cluster)
    with single_blas_thread_from(rows.n):
        chosen = model.best_theta() if theta is None else theta
        loglik = model.integrated(chosen) if chosen else start.loglik
        covariance = model.covariance(chosen) if chosen else start.covariance
    none = theta is None and (loglik <= start.loglik + 1e-7 or chosen < 2 * _THETA_RANGE[0])
    if none or not chosen:
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
        theta=chosen,
        loglik=loglik,
        loglik_cox=start.loglik,
        clusters=cluster.labels,
        frailty=np.exp(model.log_frailty),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Stratum:
    """One stratum at some coefficients: risk sets, cluster of each row, hazards and what they add up to."""

    sets: RiskSets
    codes: IntArray
    hazard: FloatArray
    total: FloatArray
    through: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    """Penalised log likelihood and gradient at coefficients and log frailties, and the strata there."""

    where: FloatArray
    value: float
    gradient: FloatArray
    strata: tuple[_Stratum, ...]


class _Penalised:
    """Penalised partial likelihood over coefficients and log frailties; keeps its last maximum as the next start.

    The full information matrix of hundreds of clusters is dense. It is never made: its product with a vector takes as
    long as the likelihood itself, and a dozen conjugate-gradient steps solve with it (2,000 rows in 1,000 clusters:
    0.16 CPU s against 14 with the matrix).
    """

    def __init__(self, start: CoxFit, cluster: Groups) -> None:
        self.k = len(start.names)
        centre, self.scale = start.data.covariates.mean(axis=0), start.data.covariates.std(axis=0)
        self.sets = start.data.risk_sets((start.data.covariates - centre) / self.scale)
        self.codes = [cluster.codes[s.index] for s in self.sets]
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

    def _linear(self, sets: RiskSets, codes: IntArray, where: FloatArray) -> FloatArray:
        """Linear predictor of the sorted rows, without their offset."""
        result: FloatArray = sets.x @ where[: self.k] + where[self.k :][codes]
        return result

    def _gathered(self, sets: RiskSets, codes: IntArray, per_row: FloatArray) -> FloatArray:
        """Return the sums of a quantity of sorted rows, weighted by each covariate and by cluster."""
        by_cluster = np.bincount(codes, weights=per_row, minlength=self.events.size)
        return np.concatenate((sets.x.T @ per_row, by_cluster))

    def _at(self, where: FloatArray, nu: float) -> _Point:
        omega = where[self.k :]
        value = nu * float((omega - np.exp(omega) + 1.0).sum())
        gradient = np.concatenate((np.zeros(self.k), nu * (1.0 - np.exp(omega))))
        strata = []
        for sets, codes in zip(self.sets, self.codes, strict=True):
            eta = self._linear(sets, codes, where) + sets.offset
            shift = float(eta.max(initial=0.0))
            hazard = np.exp(eta - shift)
            total = sets.seen_by_death(hazard)
            through = hazard * sets.passed_through(1.0 / total)
            value += float((eta[sets.deaths] - np.log(total) - shift).sum())
            residual = -through
            residual[sets.deaths] += 1.0
            gradient += self._gathered(sets, codes, residual)
            strata.append(_Stratum(sets, codes, hazard, total, through))
        return _Point(where, value, gradient, tuple(strata))

    def _solved(self, at: _Point, nu: float, right: FloatArray) -> FloatArray:
        """Solve the penalised information matrix at a point for a right-hand side."""
        penalty = np.concatenate((np.zeros(self.k), nu * np.exp(at.where[self.k :])))

        def times(v: FloatArray) -> FloatArray:
            result = penalty * v
            for s in at.strata:
                linear = self._linear(s.sets, s.codes, v)
                mean = s.sets.seen_by_death(s.hazard * linear) / s.total
                per_row = s.through * linear - s.hazard * s.sets.passed_through(mean / s.total)
                result = result + self._gathered(s.sets, s.codes, per_row)
            return result

        diagonal = penalty.copy()
        for s in at.strata:
            by_cluster = np.bincount(s.codes, weights=s.through, minlength=self.events.size)
            diagonal += np.concatenate(((s.sets.x**2).T @ s.through, by_cluster))
        shape = (right.size, right.size)
        operator, nearby = (
            LinearOperator(shape, times, dtype=np.float64),
            LinearOperator(shape, lambda v: v / diagonal, dtype=np.float64),
        )
        solution, failed = cg(operator, right, rtol=1e-11, maxiter=_MAXIMUM_STEPS, M=nearby)
        if failed:
            raise InfeasibleError("the frailty model has no finite estimate", got=f"variance {1.0 / nu:g}")
        return np.asarray(solution, dtype=np.float64)

    def best_theta(self) -> float:
        """Return the variance of the frailty that maximises the integrated likelihood."""
        low, high = np.log(_THETA_RANGE)
        best = scipy.optimize.minimize_scalar(
            lambda log_theta: -self.integrated(float(np.exp(log_theta))),
            bounds=(low, high),
            method="bounded",
            options={"xatol": 1e-7},
        )
        return float(np.exp(best.x))

    def integrated(self, theta: float) -> float:
        """Return the integrated log likelihood at a variance of the frailty, comparable with the Cox log likelihood.

        Raises
        ------
        InfeasibleError
            No finite maximum over coefficients and frailties.
        """
        nu = 1.0 / theta
        at = self._at(self.where, nu)
        for _ in range(100):
            step = self._solved(at, nu, at.gradient)
            trial = self._at(at.where + step, nu)
            while not trial.value >= at.value - 1e-12 * abs(at.value):
                step = step / 2.0
                trial = self._at(at.where + step, nu)
            settled = abs(trial.value - at.value) <= 1e-12 * (1.0 + abs(at.value)) and np.abs(step).max() < 1e-6
            at = trial
            if settled:
                break
        else:
            raise InfeasibleError("the frailty model has no finite estimate", got=f"variance {theta:g}")
        self.where = at.where
        d = self.events
        gamma = special.gammaln(nu + d) - special.gammaln(nu)
        return at.value + float((nu * np.log(nu) - (nu + d) * np.log(nu + d) + d + gamma).sum())

    def covariance(self, theta: float) -> FloatArray:
        """Return the covariance of the coefficients: their block of the inverse penalised information."""
        at = self._at(self.where, 1.0 / theta)
        columns = [self._solved(at, 1.0 / theta, unit)[: self.k] for unit in np.eye(self.k, self.where.size)]
        block = np.array(columns).reshape(self.k, self.k)
        result: FloatArray = (block + block.T) / 2.0 / np.outer(self.scale, self.scale)
        return result
