"""Survival without a model: Kaplan-Meier, log-rank tests, restricted mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

from hdrplan.arrays import FloatArray, freeze
from hdrplan.errors import InputError
from hdrplan.outcomes.competing import product_limit_influence
from hdrplan.outcomes.followup import FollowUp, follow_up, labels_and_codes
from hdrplan.outcomes.inference import Test

__all__ = [
    "KaplanMeier",
    "LogRank",
    "Quantile",
    "RestrictedMean",
    "kaplan_meier",
    "log_rank",
    "restricted_mean",
    "reverse_kaplan_meier",
]

ConfType = Literal["plain", "log", "log-log"]
Weights = Literal["logrank", "gehan", "tarone-ware", "fleming-harrington"]

# A survival estimate this close to 1/2 is 1/2 (products of fractions carry rounding); the same as R's quantile.survfit.
_SAME_SURVIVAL = 1.5e-8


@dataclass(frozen=True, slots=True)
class Quantile:
    """A quantile of a survival curve with its confidence limits; NaN where the curve does not get there.

    ``at_risk`` is the number under observation just before ``estimate``: a median resting on a handful is no finding.
    """

    estimate: float
    lower: float
    upper: float
    at_risk: int
    conf_level: float


@dataclass(frozen=True, slots=True, eq=False)
class KaplanMeier:
    """A product-limit curve: one entry for each distinct time of the data, right-continuous, 1 before the first.

    Parameters
    ----------
    time, at_risk, events, censored : (k,) arrays
        Distinct times; numbers under observation just before, with event and censored at each.
    survival, std_err, lower, upper : (k,) arrays
        Estimate, its standard error (of the survival itself) and pointwise confidence limits; the limits are NaN
        where the survival is 0.
    n, n_events : int
        Rows and events.
    conf_type : {"plain", "log", "log-log"}
        Scale on which the interval is symmetric.
    conf_level : float
        Coverage of the interval.
    """

    time: FloatArray
    at_risk: FloatArray
    events: FloatArray
    censored: FloatArray
    survival: FloatArray
    std_err: FloatArray
    lower: FloatArray
    upper: FloatArray
    n: int
    n_events: int
    conf_type: str
    conf_level: float

    def __post_init__(self) -> None:
        for name in ("time", "at_risk", "events", "censored", "survival", "std_err", "lower", "upper"):
            freeze(self, name, (None,), finite=False)

    def survival_at(self, times: npt.ArrayLike) -> FloatArray:
        """Return the survival at any times; 1 before the first time, held at its last value after the last."""
        return _step(self.time, self.survival, times, before=1.0)

    def interval_at(self, times: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return lower and upper confidence limits at any times."""
        return _step(self.time, self.lower, times, before=1.0), _step(self.time, self.upper, times, before=1.0)

    def at_risk_at(self, times: npt.ArrayLike) -> FloatArray:
        """Return the number under observation just before any times (the numbers below a plot)."""
        index = np.searchsorted(self.time, np.asarray(times, dtype=np.float64), side="left")
        return np.append(self.at_risk, 0.0)[index]

    def quantile(self, probability: float = 0.5) -> Quantile:
        """Return the time by which a fraction of units had the event, with the limits of Brookmeyer and Crowley.

        Where the curve is flat at the sought height, the middle of the flat stretch is returned, as R does.

        References
        ----------
        R. Brookmeyer, J. Crowley, Biometrics 1982;38:29-41, DOI 10.2307/2530286.
        """
        height = 1.0 - probability
        estimate = _crossing(self.time, self.survival, height)
        at_risk = 0 if np.isnan(estimate) else int(self.at_risk_at([estimate])[0])
        return Quantile(
            estimate,
            _crossing(self.time, self.lower, height),
            _crossing(self.time, self.upper, height),
            at_risk,
            self.conf_level,
        )

    @property
    def median(self) -> Quantile:
        """The median with its confidence limits."""
        return self.quantile(0.5)


def _step(time: FloatArray, value: FloatArray, at: npt.ArrayLike, before: float) -> FloatArray:
    index = np.searchsorted(time, np.asarray(at, dtype=np.float64), side="right")
    result: FloatArray = np.concatenate(([before], value))[index]
    return result


def _crossing(time: FloatArray, curve: FloatArray, height: float) -> float:
    """First time at which a falling curve is at or below a height; the middle of a stretch exactly at it."""
    reached = np.flatnonzero(curve <= height + _SAME_SURVIVAL)  # NaN compares false
    if reached.size == 0:
        return float("nan")
    first = reached[0]
    if abs(curve[first] - height) > _SAME_SURVIVAL:
        return float(time[first])
    below = np.flatnonzero(curve < height - _SAME_SURVIVAL)
    return float((time[first] + time[below[0] if below.size else -1]) / 2.0)


def _counts(rows: FollowUp) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Distinct times, and at each: rows at risk, events, censored."""
    time, index = np.unique(rows.time, return_inverse=True)
    events = np.bincount(index, weights=rows.event, minlength=time.size).astype(np.float64)
    leaving = np.bincount(index, minlength=time.size).astype(np.float64)
    at_risk = np.cumsum(leaving[::-1])[::-1]
    if rows.truncated:  # not yet under observation: entered at this time or later
        at_risk = at_risk - (rows.time.size - np.searchsorted(np.sort(rows.entry), time, side="left"))
    return time, at_risk, events, leaving - events


def kaplan_meier(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    *,
    entry: npt.ArrayLike | None = None,
    cluster: npt.ArrayLike | None = None,
    conf_type: ConfType = "log-log",
    conf_level: float = 0.95,
) -> KaplanMeier:
    """Return the Kaplan-Meier estimate of survival.

    Parameters
    ----------
    time, event : (n,) array_like
        Follow-up; event 0 or 1. Events come before censorings at the same time.
    entry : (n,) array_like, optional
        Delayed entry.
    cluster : (n,) array_like, optional
        Patient of each row, where rows of one patient are not independent (lesions): the standard error is then the
        infinitesimal jackknife summed by patient instead of Greenwood's.
    conf_type : {"log-log", "log", "plain"}
        Scale of the interval; log-log stays inside 0 and 1 and keeps its coverage in small groups.
    conf_level : float
        Coverage of the interval.

    Raises
    ------
    InputError
        Follow-up that cannot be right (see :func:`follow_up`).

    References
    ----------
    E. L. Kaplan, P. Meier, J Am Stat Assoc 1958;53:457-481, DOI 10.1080/01621459.1958.10501452.
    M. Greenwood, Reports on Public Health and Medical Subjects 33, HMSO 1926.

    Examples
    --------
    >>> curve = kaplan_meier([6, 6, 6, 7, 10, 13], [1, 1, 0, 1, 0, 1])
    >>> curve.survival.round(4).tolist()
    [0.6667, 0.4444, 0.4444, 0.0]
    >>> curve.median.estimate
    7.0
    """
    rows = follow_up(time, event, entry)
    times, at_risk, events, censored = _counts(rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = np.where(events > 0, events / at_risk, 0.0)
        survival: FloatArray = np.cumprod(1.0 - hazard, dtype=np.float64)
        if cluster is None:
            greenwood = np.where(events > 0, events / (at_risk * (at_risk - events)), 0.0)
            std_err = survival * np.sqrt(np.cumsum(greenwood))
        else:
            _, codes = labels_and_codes(cluster, rows.time.size, "cluster")
            influence, _ = product_limit_influence(rows, rows.event[:, None], times, codes)
            std_err = np.sqrt((influence**2).sum(axis=0))
            std_err[survival == 0] = np.nan
    lower, upper = survival_interval(survival, std_err, conf_type, conf_level)
    return KaplanMeier(
        times, at_risk, events, censored, survival, std_err, lower, upper,
        rows.time.size, int(events.sum()), conf_type, conf_level,
    )  # fmt: skip


def reverse_kaplan_meier(
    time: npt.ArrayLike, event: npt.ArrayLike, *, conf_type: ConfType = "log-log", conf_level: float = 0.95
) -> KaplanMeier:
    """Return the curve of potential follow-up: events censor it, the end of observation is its event.

    Its median is the follow-up time to report; the median of observed times is shortened by every event.

    Parameters
    ----------
    time, event : (n,) array_like
        Follow-up.
    conf_type, conf_level
        As for :func:`kaplan_meier`.

    References
    ----------
    M. Schemper, T. L. Smith, Control Clin Trials 1996;17:343-346, DOI 10.1016/0197-2456(96)00075-X.
    """
    rows = follow_up(time, event)
    return kaplan_meier(rows.time, ~rows.event, conf_type=conf_type, conf_level=conf_level)


def survival_interval(
    survival: FloatArray, std_err: FloatArray, conf_type: str, conf_level: float
) -> tuple[FloatArray, FloatArray]:
    """Return pointwise limits of a survival curve, symmetric on the plain, log or log(-log) scale.

    Parameters
    ----------
    survival, std_err : (k,) arrays
        Curve and standard error of the survival.
    conf_type : {"plain", "log", "log-log"}
        Scale.
    conf_level : float
        Coverage.

    References
    ----------
    J. D. Kalbfleisch, R. L. Prentice, The Statistical Analysis of Failure Time Data, 2nd ed., Wiley 2002, 1.4.
    """
    if not 0.0 < conf_level < 1.0:
        raise InputError("conf_level must lie between 0 and 1", got=conf_level, remedy="Use 0.95 for 95 %.")
    z = stats.norm.ppf(0.5 + conf_level / 2.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        if conf_type == "plain":
            lower, upper = survival - z * std_err, survival + z * std_err
        elif conf_type == "log":
            half = z * std_err / survival
            lower, upper = survival * np.exp(-half), survival * np.exp(half)
        elif conf_type == "log-log":
            half = z * std_err / (survival * np.log(survival))  # negative, since log(survival) is
            lower, upper = survival ** np.exp(-half), survival ** np.exp(half)
        else:
            raise InputError("conf_type must be plain, log or log-log", got=conf_type)
    whole = survival == 1.0
    lower, upper = np.where(whole, 1.0, np.maximum(lower, 0.0)), np.where(whole, 1.0, np.minimum(upper, 1.0))
    unknown = ~np.isfinite(std_err) | (survival <= 0.0)
    return np.where(unknown, np.nan, lower), np.where(unknown, np.nan, upper)


@dataclass(frozen=True, slots=True)
class RestrictedMean:
    """Mean event-free time up to ``tau``: the area below the survival curve, with its standard error."""

    tau: float
    mean: float
    std_err: float
    lower: float
    upper: float
    conf_level: float

    def less(self, other: RestrictedMean) -> RestrictedMean:
        """Return the difference of two independent groups, with its error and interval."""
        return _restricted_mean(
            self.tau, self.mean - other.mean, np.hypot(self.std_err, other.std_err), self.conf_level
        )

    @property
    def p(self) -> float:
        """Two-sided p that a difference is zero."""
        return float(2.0 * stats.norm.sf(abs(self.mean) / self.std_err)) if self.std_err > 0 else float("nan")


def _restricted_mean(tau: float, mean: float, std_err: float, conf_level: float) -> RestrictedMean:
    half = float(stats.norm.ppf(0.5 + conf_level / 2.0)) * std_err
    return RestrictedMean(float(tau), float(mean), float(std_err), mean - half, mean + half, conf_level)


def restricted_mean(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    tau: float,
    *,
    entry: npt.ArrayLike | None = None,
    conf_level: float = 0.95,
) -> RestrictedMean:
    """Return the restricted mean survival time up to ``tau``.

    Parameters
    ----------
    time, event, entry : (n,) array_like
        Follow-up.
    tau : float
        Horizon, the same for every group that is compared.
    conf_level : float
        Coverage of the (plain) interval.

    Raises
    ------
    InputError
        ``tau`` not positive, or beyond the last time while the curve has not reached 0: nothing is known there.

    References
    ----------
    P. Royston, M. K. B. Parmar, BMC Med Res Methodol 2013;13:152, DOI 10.1186/1471-2288-13-152.
    """
    rows = follow_up(time, event, entry)
    times, at_risk, events, _ = _counts(rows)
    if tau <= 0:
        raise InputError("tau must be positive", got=tau)
    survival = np.cumprod(1.0 - events / np.where(at_risk > 0, at_risk, 1.0))
    if tau > times[-1] and survival[-1] > 0:
        raise InputError(
            "tau must not lie beyond the last observation",
            got=f"tau {tau:g}, last observation {times[-1]:g}",
            remedy="Choose a horizon that every group reaches.",
        )
    inside = times < tau
    edges = np.concatenate(([0.0], times[inside], [tau]))
    areas = np.diff(edges) * np.concatenate(([1.0], survival[inside]))
    rest = np.cumsum(areas[::-1])[::-1][1:]  # area right of each time up to tau
    d, y = events[inside], at_risk[inside]
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where((d > 0) & (y > d), rest**2 * d / (y * (y - d)), 0.0)
    return _restricted_mean(tau, float(areas.sum()), float(np.sqrt(terms.sum())), conf_level)


@dataclass(frozen=True, slots=True, eq=False)
class LogRank:
    """A log-rank test: labels, rows, observed and expected events of each group, and the test."""

    groups: tuple[object, ...]
    n: FloatArray
    observed: FloatArray
    expected: FloatArray
    variance: FloatArray
    test: Test

    def __post_init__(self) -> None:
        k = len(self.groups)
        for name in ("n", "observed", "expected"):
            freeze(self, name, (k,))
        freeze(self, "variance", (k, k))

    @property
    def p(self) -> float:
        """The p value."""
        return self.test.p


def log_rank(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    group: npt.ArrayLike,
    *,
    strata: npt.ArrayLike | None = None,
    entry: npt.ArrayLike | None = None,
    weights: Weights = "logrank",
    rho: float = 0.0,
    gamma: float = 0.0,
) -> LogRank:
    """Return the (weighted, stratified) log-rank test of two or more groups.

    Parameters
    ----------
    time, event : (n,) array_like
        Follow-up.
    group : (n,) array_like
        Group of each row, at least two.
    strata : (n,) array_like, optional
        Groups are compared within strata; observed, expected and variance are summed over them.
    entry : (n,) array_like, optional
        Delayed entry.
    weights : {"logrank", "gehan", "tarone-ware", "fleming-harrington"}
        Weight of each event time: 1, number at risk, its root, or S(t-)^rho (1 - S(t-))^gamma (``rho`` 1 is the
        Peto-Peto test of R's ``survdiff(rho=1)``).
    rho, gamma : float
        Exponents for ``fleming-harrington``.

    Raises
    ------
    InputError
        Fewer than two groups, or follow-up that cannot be right.

    References
    ----------
    D. P. Harrington, T. R. Fleming, Biometrika 1982;69:553-566, DOI 10.1093/biomet/69.3.553.
    """
    rows = follow_up(time, event, entry)
    groups, codes = labels_and_codes(group, rows.time.size, "group")
    if len(groups) < 2:
        raise InputError("a log-rank test compares two or more groups", got=f"only {groups[0]!r}")
    layers, layer_of = labels_and_codes(strata, rows.time.size, "strata")
    observed, expected = np.zeros(len(groups)), np.zeros(len(groups))
    variance = np.zeros((len(groups), len(groups)))
    for layer in range(len(layers)):
        inside = layer_of == layer
        part = FollowUp(rows.time[inside], rows.event[inside], rows.entry[inside])
        o, e, v = _observed_expected(part, codes[inside], len(groups), weights, rho, gamma)
        observed, expected, variance = observed + o, expected + e, variance + v
    seen = expected > 0
    difference = (observed - expected)[seen][1:]
    matrix = variance[np.ix_(seen, seen)][1:, 1:]
    if difference.size == 0 or not np.trace(matrix) > 0:
        test = Test(float("nan"), max(int(seen.sum()) - 1, 0), float("nan"))
    else:
        test = Test.chi_square(float(difference @ np.linalg.solve(matrix, difference)), difference.size)
    n = np.bincount(codes, minlength=len(groups)).astype(np.float64)
    return LogRank(groups, n, observed, expected, variance, test)


def _observed_expected(
    rows: FollowUp, codes: npt.NDArray[np.int64], k: int, weights: str, rho: float, gamma: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weighted observed and expected events by group and their hypergeometric covariance in one stratum."""
    times = np.unique(rows.time[rows.event])
    at_risk = np.empty((times.size, k))
    events = np.empty((times.size, k))
    for g in range(k):
        mine = codes == g
        t = np.sort(rows.time[mine])
        at_risk[:, g] = t.size - np.searchsorted(t, times, side="left")
        if rows.truncated:
            start = np.sort(rows.entry[mine])
            at_risk[:, g] -= t.size - np.searchsorted(start, times, side="left")
        died = np.sort(rows.time[mine & rows.event])
        events[:, g] = np.searchsorted(died, times, side="right") - np.searchsorted(died, times, side="left")
    y, d = at_risk.sum(axis=1), events.sum(axis=1)
    before = np.concatenate(([1.0], np.cumprod(1.0 - d / y)[:-1])) if times.size else np.empty(0)
    if weights == "logrank":
        w = np.ones(times.size)
    elif weights == "gehan":
        w = y
    elif weights == "tarone-ware":
        w = np.sqrt(y)
    elif weights == "fleming-harrington":
        w = before**rho * (1.0 - before) ** gamma
    else:
        raise InputError("weights must be logrank, gehan, tarone-ware or fleming-harrington", got=weights)
    share = at_risk / y[:, None]
    spread = w**2 * d * (y - d) / np.maximum(y - 1.0, 1.0)  # one row at risk: y - d is 0, so is the term
    variance = np.diag(spread @ share) - (share * spread[:, None]).T @ share
    return w @ events, (w * d) @ share, variance
