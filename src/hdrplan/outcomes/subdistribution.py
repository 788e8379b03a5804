"""Groups and covariates under competing risks: Gray's test and the Fine-Gray model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray, IntArray, freeze
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.outcomes.competing import cause_indicators
from hdrplan.outcomes.followup import clusters, covariate_matrix, labels_and_codes
from hdrplan.outcomes.inference import Coefficients, Test

__all__ = ["FineGrayFit", "GrayTest", "fine_gray", "gray_test"]


@dataclass(frozen=True, slots=True, eq=False)
class GrayTest:
    """Gray's test that groups have equal incidence of one cause; NaN where the events carry no information on it."""

    groups: tuple[object, ...]
    cause: object
    test: Test

    @property
    def p(self) -> float:
        """The p value."""
        return self.test.p


def gray_test(
    time: npt.ArrayLike,
    cause: npt.ArrayLike,
    group: npt.ArrayLike,
    *,
    of: object = 1,
    censored: object = 0,
    strata: npt.ArrayLike | None = None,
    rho: float = 0.0,
) -> GrayTest:
    """Return Gray's test of the cumulative incidence of one cause between groups.

    Parameters
    ----------
    time : (n,) array_like
        Time of the first event of any cause, or of the last observation.
    cause : (n,) array_like
        Label of what happened first.
    group : (n,) array_like
        Groups, two or more.
    of : object
        The cause of interest.
    censored : object
        The label that means censored.
    strata : (n,) array_like, optional
        Groups are compared within strata.
    rho : float
        Weight (1 - incidence before)^rho.

    Raises
    ------
    InputError
        One group only, or the cause of interest never happens.

    References
    ----------
    R. J. Gray, Ann Stat 1988;16:1141-1154, DOI 10.1214/aos/1176350951, equations 2.3, 2.5 and section 2.
    """
    causes, of_cause, rows = cause_indicators(time, cause, censored)
    mine = _column(causes, of_cause, of)
    groups, codes = labels_and_codes(group, rows.time.size, "group")
    if len(groups) < 2:
        raise InputError("Gray's test compares two or more groups", got=f"only {groups[0]!r}")
    layers, layer = labels_and_codes(strata, rows.time.size, "strata")
    score, variance = np.zeros(len(groups)), np.zeros((len(groups), len(groups)))
    for k in range(len(layers)):
        inside = layer == k
        s, v = _gray_score(
            rows.time[inside], mine[inside], (rows.event & ~mine)[inside], codes[inside], len(groups), rho
        )
        score, variance = score + s, variance + v
    u, v = score[:-1], variance[:-1, :-1]  # the scores add up to zero
    if not np.linalg.eigvalsh(v).min() > 1e-12 * np.abs(v).max():
        return GrayTest(groups, of, Test(float("nan"), u.size, float("nan")))
    return GrayTest(groups, of, Test.chi_square(float(u @ np.linalg.solve(v, u)), u.size))


def _column(causes: tuple[object, ...], of_cause: BoolArray, of: object) -> BoolArray:
    if of not in causes:
        raise InputError("the cause of interest must happen at least once", got=f"{of!r} among {list(causes)}")
    return of_cause[:, causes.index(of)]


def _gray_score(
    time: FloatArray, mine: BoolArray, other: BoolArray, codes: IntArray, k: int, rho: float
) -> tuple[FloatArray, FloatArray]:
    """Score of each group and its covariance in one stratum; columns are groups, rows distinct event times."""
    times = np.unique(time[mine | other])
    at_risk, d1, d2 = (np.empty((times.size, k)) for _ in range(3))
    for g in range(k):
        t = time[codes == g]
        at_risk[:, g] = t.size - np.searchsorted(np.sort(t), times, side="left")
        d1[:, g] = _count(time[mine & (codes == g)], times)
        d2[:, g] = _count(time[other & (codes == g)], times)
    present = at_risk > 0
    y = np.where(present, at_risk, 1.0)
    after = np.cumprod(np.where(present, 1.0 - (d1 + d2) / y, 1.0), axis=0)
    before = np.vstack((np.ones(k), after[:-1]))  # event-free in each group just before
    incidence_before = np.vstack((np.zeros(k), np.cumsum(before * d1 / y, axis=0)[:-1]))
    # h estimates how many of each group would be under observation had there been no event: h (1 - F) is Gray's R.
    h = np.where(present, at_risk / np.where(before > 0, before, 1.0), 0.0)
    total = h.sum(axis=1)
    r = h * (1.0 - incidence_before)
    n1 = d1.sum(axis=1)
    pooled = np.cumsum(n1 / total)
    pooled_before = np.concatenate(([0.0], pooled[:-1]))
    weight = (1.0 - pooled_before) ** rho
    score = (weight[:, None] * (d1 - n1[:, None] * r / r.sum(axis=1, keepdims=True))).sum(axis=0)

    # a[t, i, g]: how an event in group g moves the score of group i; c: its integral over the pooled hazard.
    a = weight[:, None, None] * h[:, :, None] * (np.eye(k) - (h / total[:, None])[:, None, :])
    c = np.cumsum(a * (n1 / (total * (1.0 - pooled_before)))[:, None, None], axis=0)
    to_come = c[-1] - c
    with np.errstate(divide="ignore", invalid="ignore"):
        alive = (1.0 - pooled)[:, None] / after
        # Tied events are drawn without replacement, as in the hypergeometric variance of the log-rank test.
        tie1 = np.where(n1[:, None] > 1, 1.0 - (n1[:, None] - 1) / (total[:, None] * before - 1), 1.0)
        tie2 = np.where(d2 > 1, 1.0 - (d2 - 1) / (at_risk - 1), 1.0)
        spread1 = np.where(present, tie1 * before * n1[:, None] / (total[:, None] * y), 0.0)
        spread2 = np.where(present & (d2 > 0) & (after > 0), tie2 * before**2 * d2 / y**2, 0.0)
    own = np.where(after > 0, 1.0 - alive, 1.0)
    alive = np.where(after > 0, alive, 0.0)
    b1 = a + own[:, None, :] * to_come
    b2 = alive[:, None, :] * to_come
    variance = np.einsum("tig,tjg,tg->ij", b1, b1, spread1) + np.einsum("tig,tjg,tg->ij", b2, b2, spread2)
    return score, variance


def _count(values: FloatArray, times: FloatArray) -> IntArray:
    ordered = np.sort(values)
    return np.searchsorted(ordered, times, side="right") - np.searchsorted(ordered, times, side="left")


@dataclass(frozen=True, slots=True, eq=False)
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


def fine_gray(
    time: npt.ArrayLike,
    cause: npt.ArrayLike,
    covariates: Mapping[str, npt.ArrayLike] | npt.ArrayLike,
    *,
    names: tuple[str, ...] | None = None,
    of: object = 1,
    censored: object = 0,
    cluster: npt.ArrayLike | None = None,
) -> FineGrayFit:
    """Fit the Fine-Gray model: covariates against the incidence of one cause while others compete.

    Ties are treated as Breslow does, as in R's ``cmprsk::crr``. Rows with a competing event stay in the risk set with
    the weight G(t-) / G(T-), G the Kaplan-Meier curve of the censoring.

    Parameters
    ----------
    time, cause : (n,) array_like
        First event of any cause.
    covariates : mapping of str to (n,) array_like, or (n, k) array_like
        Numbers.
    names : tuple of str, optional
        Names of the columns of a matrix.
    of, censored : object
        The cause of interest; the label that means censored.
    cluster : (n,) array_like, optional
        Patient of each row: the influence of rows, including what they contribute to G, is summed by patient.

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
    causes, of_cause, rows = cause_indicators(time, cause, censored)
    mine = _column(causes, of_cause, of)
    names, x = covariate_matrix(covariates, rows.time.size, names)
    scale = x.std(axis=0)
    if (scale <= 1e-12 * np.maximum(np.abs(x).max(axis=0, initial=0.0), 1e-300)).any():
        raise InputError(f"covariate {names[int(scale.argmin())]} must vary", got="one value", remedy="Leave it out.")
    model = _Subdistribution(rows.time, mine, rows.event & ~mine, ~rows.event, (x - x.mean(axis=0)) / scale)
    beta, loglik, loglik_null, information = model.maximum(names)
    influence = model.influence(beta)
    owners = rows.time.size
    if cluster is not None:
        labels, owner = clusters(cluster, rows.time.size, len(names))
        owners = len(labels)
        influence = np.column_stack([np.bincount(owner, weights=column) for column in influence.T])
    inverse = np.linalg.inv(information)
    covariance = inverse @ (influence.T @ influence) @ inverse / np.outer(scale, scale)
    return FineGrayFit(
        names, of, beta / scale, covariance, loglik, loglik_null, rows.time.size, int(mine.sum()), owners
    )


class _Subdistribution:
    """Weighted risk sets at the times of the cause of interest; arrays are (n rows, m event times)."""

    def __init__(self, time: FloatArray, mine: BoolArray, other: BoolArray, lost: BoolArray, x: FloatArray) -> None:
        self.time, self.mine, self.other, self.lost, self.x = time, mine, other, lost, x
        self.times, self.at = np.unique(time[mine], return_inverse=True)
        self.deaths = np.bincount(self.at).astype(np.float64)
        g_here, g_own = _uncensored(time, lost, self.times), _uncensored(time, lost, time)
        gone = time[:, None] < self.times[None, :]
        carried = other[:, None] & gone
        self.weight = np.where(gone, 0.0, 1.0)
        self.weight[carried] = (g_here[None, :] / np.where(g_own > 0, g_own, 1.0)[:, None])[carried]
        self.carried = np.where(carried, self.weight, 0.0)

    def sums(self, beta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Relative hazards (n,), S0 (m,) and mean covariates (m, k)."""
        r = np.exp(self.x @ beta)
        s0 = r @ self.weight
        return r, s0, (self.weight.T @ (r[:, None] * self.x)) / s0[:, None]

    def derivatives(self, beta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        r, s0, mean = self.sums(beta)
        eta = self.x @ beta
        loglik = float(eta[self.mine].sum() - self.deaths @ np.log(s0))
        through = r * (self.weight @ (self.deaths / s0))
        information = (self.x * through[:, None]).T @ self.x - (mean * self.deaths[:, None]).T @ mean
        return loglik, self.x[self.mine].sum(axis=0) - self.deaths @ mean, information

    def maximum(self, names: tuple[str, ...]) -> tuple[FloatArray, float, float, FloatArray]:
        beta = np.zeros(len(names))
        loglik, gradient, information = self.derivatives(beta)
        loglik_null = loglik
        for _ in range(60):
            step = np.linalg.lstsq(information, gradient, rcond=None)[0]
            trial = self.derivatives(beta + step)
            while not trial[0] >= loglik - 1e-13 * abs(loglik):
                step = step / 2.0
                trial = self.derivatives(beta + step)
            settled = abs(trial[0] - loglik) <= 1e-13 * (1.0 + abs(loglik))
            beta, (loglik, gradient, information) = beta + step, trial
            if settled:
                break
        left = np.abs(np.linalg.lstsq(information, gradient, rcond=None)[0])
        if left.max(initial=0.0) > 1e-3 or np.linalg.cond(information) > 1e14:
            raise InfeasibleError(
                f"the Fine-Gray model has no finite estimate for {names[int(left.argmax())]}",
                got="a covariate that separates events, or a combination of others",
                remedy="Leave the covariate out.",
            )
        return beta, loglik, loglik_null, information

    def influence(self, beta: FloatArray) -> FloatArray:
        """Return each row's eta + psi of Fine and Gray (n, k): its score, and its share in estimating G."""
        r, s0, mean = self.sums(beta)
        hazard = self.deaths / s0
        through = r * (self.weight @ hazard)
        eta = -(self.x * through[:, None] - r[:, None] * (self.weight @ (hazard[:, None] * mean)))
        eta[self.mine] += self.x[self.mine] - mean[self.at]
        # q(u): what the rows kept by weight before u owe to censoring at u, over the event times from u on.
        censor_times, lost_at = np.unique(self.time[self.lost], return_counts=True)
        if censor_times.size == 0:
            return eta
        at_risk = self.time.size - np.searchsorted(np.sort(self.time), censor_times, side="left")
        later = (self.times[None, :] >= censor_times[:, None]).astype(np.float64)
        owed = np.zeros((censor_times.size, self.x.shape[1]))
        for row in np.flatnonzero(self.other):  # one row at a time keeps memory at (n, m)
            part = r[row] * (self.carried[row] * hazard)[:, None] * (self.x[row] - mean)
            after = self.time[row] < censor_times
            owed[after] += later[after] @ part
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
