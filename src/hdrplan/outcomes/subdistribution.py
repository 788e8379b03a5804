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
from hdrplan.threads import single_blas_thread_from

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
    with single_blas_thread_from(rows.n):
        best = newton(sets.derivatives, len(names))
    if best.runaway:
        raise InfeasibleError(
            f"the Fine-Gray model has no finite estimate for {' and '.join(names[k] for k in best.runaway)}",
            got="no event that tells anything of it, or a combination of others"
            if best.blind
            else "a covariate that separates events, or a combination of others",
            remedy="Leave the covariate out.",
        )
    with single_blas_thread_from(rows.n):
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

    The weight of a row with a competing event is G(t-) / G(T-), a product of a time's and a row's number: so every sum
    over a risk set is a cumulated sum over rows in order of time, and no (rows, times) table is made.

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
    order : (n,) array of int
        Rows in order of time.
    first : (m,) array of int
        First place in that order at or after each of the times.
    until : (n,) array of int
        How many of the times each row was at risk.
    g : (m,) array
        G(t-) at the times.
    kept : (n,) array
        1 / G(T-) of rows with a competing event, 0 of the others.
    """

    time: FloatArray
    wanted: BoolArray
    other: BoolArray
    lost: BoolArray
    x: FloatArray
    times: FloatArray
    deaths: FloatArray
    at: IntArray
    order: IntArray
    first: IntArray
    until: IntArray
    g: FloatArray
    kept: FloatArray

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
        g_own = _uncensored(time, lost, time)
        order = np.argsort(time, kind="stable")
        return cls(
            time=time,
            wanted=wanted,
            other=other,
            lost=lost,
            x=x,
            times=times,
            deaths=np.bincount(at).astype(np.float64),
            at=at,
            order=order,
            first=np.searchsorted(time[order], times, side="left"),
            until=np.searchsorted(times, time, side="right"),
            g=_uncensored(time, lost, times),
            kept=np.where(other, 1.0 / np.where(g_own > 0, g_own, 1.0), 0.0),
        )

    def over_rows(self, values: FloatArray) -> FloatArray:
        """Return the weighted sum of ``values`` (n, k) over each risk set (m, k)."""
        here = _cumulated(values[self.order])
        gone = _cumulated((self.kept[:, None] * values)[self.order])
        result: FloatArray = here[-1] - here[self.first] + self.g[:, None] * gone[self.first]
        return result

    def over_times(self, values: FloatArray) -> FloatArray:
        """Return the weighted sum of ``values`` (m, k) over the risk sets of each row (n, k)."""
        here, gone = _cumulated(values), _cumulated(self.g[:, None] * values)
        result: FloatArray = here[self.until] + self.kept[:, None] * (gone[-1] - gone[self.until])
        return result

    def sums(self, coef: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return relative hazards (n,), S0 (m,) and mean covariates (m, k)."""
        r = np.exp(self.x @ coef)
        s0 = self.over_rows(r[:, None])
        return r, s0[:, 0], self.over_rows(r[:, None] * self.x) / s0

    def derivatives(self, coef: FloatArray) -> Derivatives:
        """Return the log pseudo-likelihood, its gradient (k,) and the information (k, k)."""
        r, s0, mean = self.sums(coef)
        eta = self.x @ coef
        loglik = float(eta[self.wanted].sum() - self.deaths @ np.log(s0))
        through = r * self.over_times((self.deaths / s0)[:, None])[:, 0]
        information = (self.x * through[:, None]).T @ self.x - (mean * self.deaths[:, None]).T @ mean
        return loglik, self.x[self.wanted].sum(axis=0) - self.deaths @ mean, information

    def influence(self, coef: FloatArray) -> FloatArray:
        """Return each row's eta + psi of Fine and Gray (n, k): its score, and its share in estimating G."""
        r, s0, mean = self.sums(coef)
        hazard = (self.deaths / s0)[:, None]
        eta = -r[:, None] * (self.x * self.over_times(hazard) - self.over_times(hazard * mean))
        eta[self.wanted] += self.x[self.wanted] - mean[self.at]
        censor_times, lost_at = np.unique(self.time[self.lost], return_counts=True)
        if censor_times.size == 0:
            return eta
        in_order = self.time[self.order]
        at_risk = self.time.size - np.searchsorted(in_order, censor_times, side="left")
        # q(u): what the rows kept by weight before u owe to censoring at u, over the event times from u on.
        before = np.searchsorted(in_order, censor_times, side="left")
        since = np.searchsorted(self.times, censor_times, side="left")
        weight = (r * self.kept)[:, None]
        rows, x_rows = (_cumulated(v[self.order])[before] for v in (weight, weight * self.x))
        later, mean_later = (
            c[-1] - c[since] for v in (hazard, hazard * mean) for c in [_cumulated(self.g[:, None] * v)]
        )
        rate = (x_rows * later - rows * mean_later) / at_risk[:, None]
        psi = np.zeros_like(eta)
        psi[self.lost] = rate[np.searchsorted(censor_times, self.time[self.lost])]
        compensator = _cumulated(rate * (lost_at / at_risk)[:, None])
        psi -= compensator[np.searchsorted(censor_times, self.time, side="right")]
        return eta + psi


def _cumulated(values: FloatArray) -> FloatArray:
    """Return the sums of the rows before each one, and of all (n + 1, k)."""
    return np.vstack((np.zeros(values.shape[1]), np.cumsum(values, axis=0)))


def _uncensored(time: FloatArray, lost: BoolArray, at: FloatArray) -> FloatArray:
    """Kaplan-Meier curve of the censoring just before each time; rows with events at a time are at risk then."""
    times, index = np.unique(time, return_inverse=True)
    count = np.bincount(index, weights=lost, minlength=times.size)
    at_risk = time.size - np.searchsorted(np.sort(time), times, side="left")
    curve = np.concatenate(([1.0], np.cumprod(1.0 - count / at_risk)))
    result: FloatArray = curve[np.searchsorted(times, at, side="left")]
    return result
