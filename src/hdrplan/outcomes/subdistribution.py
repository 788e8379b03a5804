"""The Fine-Gray model: covariates against the incidence of one cause while others compete."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray, freeze
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.outcomes.columns import Covariates, covariate_matrix
from hdrplan.outcomes.competing import CompetingRisks
from hdrplan.outcomes.followup import FollowUp, refuse_late_entry
from hdrplan.outcomes.inference import Coefficients
from hdrplan.outcomes.newton import Derivatives, newton

__all__ = ["FineGrayFit", "fine_gray"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FineGrayFit(Coefficients):
    """A proportional subdistribution-hazards model of one cause.

    Parameters
    ----------
    names : tuple of str
        Covariates.
    cause : object
        Cause of interest.
    coef : (k,) array
        Log subdistribution hazard ratios.
    covariance : (k, k) array
        Sandwich that includes the estimated censoring distribution, summed by cluster where given.
    loglik, loglik_null : float
        Log pseudo-likelihood at the estimate and at zero.
    n, n_events, n_clusters : int
        Rows, events of the cause, clusters (rows if not given).
    """

    names: tuple[str, ...]
    cause: object
    coef: FloatArray
    covariance: FloatArray
    loglik: float
    loglik_null: float
    n: int
    n_events: int
    n_clusters: int

    def __post_init__(self) -> None:
        freeze(self, "coef", (len(self.names),))
        freeze(self, "covariance", (len(self.names), len(self.names)))


def fine_gray(risks: CompetingRisks, covariates: Covariates, *, of: object = 1) -> FineGrayFit:
    """Fit the Fine-Gray model: covariates against the incidence of one cause while others compete.

    Ties are treated as Breslow does, as in R's ``cmprsk::crr``. Rows with a competing event stay in the risk set with
    the weight G(t-) / G(T-), G the Kaplan-Meier curve of the censoring.

    Parameters
    ----------
    risks : CompetingRisks
        Without late entry. Where it has clusters, the influence of rows, including what they contribute to G, is summed
        by cluster.
    covariates : mapping of str to (n,) array_like, or (n, k) array_like
        Numbers.
    of : object
        The cause of interest.

    Returns
    -------
    FineGrayFit

    Raises
    ------
    InputError
        The cause never happens, covariates that cannot be fitted.
    InfeasibleError
        The likelihood has no finite maximum.

    References
    ----------
    J. P. Fine, R. J. Gray, J Am Stat Assoc 1999;94:496-509, DOI 10.1080/01621459.1999.10474144, section 3 and 5.
    B. Zhou, J. Fine, A. Latouche, M. Labopin, Biostatistics 2012;13:371-383, DOI 10.1093/biostatistics/kxr032.
    """
    rows, wanted = risks.rows, risks.had(of)
    refuse_late_entry(rows, "the Fine-Gray model")
    names, x = covariate_matrix(covariates, rows.n)
    scale = x.std(axis=0)
    if (scale <= 1e-12 * np.maximum(np.abs(x).max(axis=0, initial=0.0), 1e-300)).any():
        raise InputError(f"covariate {names[int(scale.argmin())]} must vary", got="one value", remedy="Leave it out.")
    sets = _WeightedRiskSets.of(rows, wanted, (x - x.mean(axis=0)) / scale)
    best = newton(sets.derivatives, len(names))
    if best.runaway is not None:
        raise InfeasibleError(
            f"the Fine-Gray model has no finite estimate for {names[best.runaway]}",
            got="a covariate that separates events, or a combination of others",
            remedy="Leave the covariate out.",
        )
    influence = sets.influence(best.coef)
    if rows.cluster is not None:
        influence = rows.cluster.enough_for(len(names)).sum(influence)
    inverse = np.linalg.inv(best.information)
    return FineGrayFit(
        names=names,
        cause=of,
        coef=best.coef / scale,
        covariance=inverse @ (influence.T @ influence) @ inverse / np.outer(scale, scale),
        loglik=best.loglik,
        loglik_null=best.loglik_null,
        n=rows.n,
        n_events=int(wanted.sum()),
        n_clusters=rows.n if rows.cluster is None else len(rows.cluster),
    )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _WeightedRiskSets:
    """Risk sets of all rows at the times of the cause of interest, those with a competing event kept by weight.

    Parameters
    ----------
    time : (n,) array
    wanted, other, lost : (n,) arrays of bool
        Event of interest, competing event, censored.
    x : (n, k) array
        Standardised covariates.
    times, deaths : (m,) arrays
        Distinct times of the cause of interest, and its events at each.
    at : array of int
        Index into ``times`` of each row with the event of interest.
    weight, carried : (n, m) arrays
        Weight of each row in each risk set; what of it is carried beyond a competing event.
    """

    time: FloatArray
    wanted: BoolArray
    other: BoolArray
    lost: BoolArray
    x: FloatArray
    times: FloatArray
    deaths: FloatArray
    at: IntArray
    weight: FloatArray
    carried: FloatArray

    @classmethod
    def of(cls, rows: FollowUp, wanted: BoolArray, x: FloatArray) -> _WeightedRiskSets:
        """Return the risk sets.

        Parameters
        ----------
        rows : FollowUp
            Events are those of any cause.
        wanted : (n,) array of bool
            Rows that had the event of interest.
        x : (n, k) array
            Standardised covariates.

        Returns
        -------
        _WeightedRiskSets
        """
        time, other, lost = rows.time, rows.event & ~wanted, ~rows.event
        times, at = np.unique(time[wanted], return_inverse=True)
        g_here, g_own = _uncensored(time, lost, times), _uncensored(time, lost, time)
        gone = time[:, None] < times[None, :]
        carried = other[:, None] & gone
        weight = np.where(gone, 0.0, 1.0)
        weight[carried] = (g_here[None, :] / np.where(g_own > 0, g_own, 1.0)[:, None])[carried]
        return cls(
            time=time,
            wanted=wanted,
            other=other,
            lost=lost,
            x=x,
            times=times,
            deaths=np.bincount(at).astype(np.float64),
            at=at,
            weight=weight,
            carried=np.where(carried, weight, 0.0),
        )

    def sums(self, coef: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return relative hazards (n,), S0 (m,) and mean covariates (m, k)."""
        r = np.exp(self.x @ coef)
        s0 = r @ self.weight
        return r, s0, (self.weight.T @ (r[:, None] * self.x)) / s0[:, None]

    def derivatives(self, coef: FloatArray) -> Derivatives:
        """Return the log pseudo-likelihood, its gradient (k,) and the information (k, k)."""
        r, s0, mean = self.sums(coef)
        eta = self.x @ coef
        loglik = float(eta[self.wanted].sum() - self.deaths @ np.log(s0))
        through = r * (self.weight @ (self.deaths / s0))
        information = (self.x * through[:, None]).T @ self.x - (mean * self.deaths[:, None]).T @ mean
        return loglik, self.x[self.wanted].sum(axis=0) - self.deaths @ mean, information

    def influence(self, coef: FloatArray) -> FloatArray:
        """Return each row's eta + psi of Fine and Gray (n, k): its score, and its share in estimating G."""
        r, s0, mean = self.sums(coef)
        hazard = self.deaths / s0
        through = r * (self.weight @ hazard)
        eta = -(self.x * through[:, None] - r[:, None] * (self.weight @ (hazard[:, None] * mean)))
        eta[self.wanted] += self.x[self.wanted] - mean[self.at]
        # q(u): what the rows kept by weight before u owe to censoring at u, over the event times from u on.
        censor_times, lost_at = np.unique(self.time[self.lost], return_counts=True)
        if censor_times.size == 0:
            return eta
        at_risk = self.time.size - np.searchsorted(np.sort(self.time), censor_times, side="left")
        later = (self.times[None, :] >= censor_times[:, None]).astype(np.float64)
        owed = np.zeros((censor_times.size, self.x.shape[1]))
        for row in np.flatnonzero(self.other):  # one row at a time keeps memory at (n, m)
            share = r[row] * (self.carried[row] * hazard)[:, None] * (self.x[row] - mean)
            after = self.time[row] < censor_times
            owed[after] += later[after] @ share
        rate = owed / at_risk[:, None]
        psi = np.zeros_like(eta)
        psi[self.lost] = rate[np.searchsorted(censor_times, self.time[self.lost])]
        compensator = np.vstack((np.zeros(self.x.shape[1]), np.cumsum(rate * (lost_at / at_risk)[:, None], axis=0)))
        psi -= compensator[np.searchsorted(censor_times, self.time, side="right")]
        return eta + psi


def _uncensored(time: FloatArray, lost: BoolArray, at: FloatArray) -> FloatArray:
    """Kaplan-Meier curve of the censoring just before each time; rows with events at a time are at risk then."""
    times, index = np.unique(time, return_inverse=True)
    count = np.bincount(index, weights=lost, minlength=times.size)
    at_risk = time.size - np.searchsorted(np.sort(time), times, side="left")
    curve = np.concatenate(([1.0], np.cumprod(1.0 - count / at_risk)))
    result: FloatArray = curve[np.searchsorted(times, at, side="left")]
    return result
