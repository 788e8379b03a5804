"""Survival without a model: the Kaplan-Meier curve, its median and its limits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import scipy

from hdrplan.arrays import FloatArray, freeze
from hdrplan.errors import InputError
from hdrplan.outcomes.followup import FollowUp
from hdrplan.outcomes.product_limit import product_limit_errors

__all__ = ["KaplanMeier", "Quantile", "kaplan_meier", "reverse_kaplan_meier", "survival_interval", "time_counts"]

ConfType = Literal["plain", "log", "log-log"]

# A survival estimate this close to 1/2 is 1/2 (products of fractions carry rounding); the same as R's quantile.survfit.
_SAME_SURVIVAL = 1.5e-8


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantile:
    """A quantile of a survival curve with its confidence limits; NaN where the curve does not reach it.

    Parameters
    ----------
    estimate, lower, upper : float
        Time and its limits.
    at_risk : int
        Rows under observation just before ``estimate``: a median that rests on a handful is no finding.
    conf_level : float
        Coverage of the interval.
    """

    estimate: float
    lower: float
    upper: float
    at_risk: int
    conf_level: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class KaplanMeier:
    """A product-limit curve: one entry for each distinct time of the data, right-continuous, 1 before the first.

    Parameters
    ----------
    time, at_risk, events, censored : (k,) arrays
        Distinct times; numbers under observation just before, with event and censored at each.
    survival, std_err, lower, upper : (k,) arrays
        Estimate, its standard error (of the survival itself) and pointwise confidence limits; the limits are NaN
        where the survival is 0.
    n : int
        Rows.
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
    conf_type: str
    conf_level: float

    def __post_init__(self) -> None:
        for name in ("time", "at_risk", "events", "censored", "survival", "std_err", "lower", "upper"):
            freeze(self, name, (None,), finite=False)

    @property
    def n_events(self) -> int:
        """Events."""
        return int(self.events.sum())

    @property
    def early_fall(self) -> int | None:
        """Place of the time at which the curve falls to 0 with rows still to come, as late entry allows; or None."""
        fallen = np.flatnonzero((self.survival <= 0.0) & (self.events > 0))
        if fallen.size == 0:
            return None
        return int(fallen[0]) if fallen[0] + 1 < self.time.size else None

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
            estimate=estimate,
            lower=_crossing(self.time, self.lower, height),
            upper=_crossing(self.time, self.upper, height),
            at_risk=at_risk,
            conf_level=self.conf_level,
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


def time_counts(rows: FollowUp) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return the distinct times, and at each: rows at risk, events, censored."""
    time, index = np.unique(rows.time, return_inverse=True)
    events = np.bincount(index, weights=rows.event, minlength=time.size).astype(np.float64)
    leaving = np.bincount(index, minlength=time.size).astype(np.float64)
    at_risk = np.cumsum(leaving[::-1])[::-1]
    if rows.truncated:  # not yet under observation: entered at this time or later
        at_risk = at_risk - (rows.time.size - np.searchsorted(np.sort(rows.entry), time, side="left"))
    return time, at_risk, events, leaving - events


def kaplan_meier(rows: FollowUp, *, conf_type: ConfType = "log-log", conf_level: float = 0.95) -> KaplanMeier:
    """Return the Kaplan-Meier estimate of survival.

    Parameters
    ----------
    rows : FollowUp
        Events come before censorings at the same time. Where it has clusters, the standard error is the infinitesimal
        jackknife summed by cluster instead of Greenwood's.
    conf_type : {"log-log", "log", "plain"}
        Scale of the interval; log-log stays inside 0 and 1 and keeps its coverage in small groups.
    conf_level : float
        Coverage of the interval.

    Returns
    -------
    KaplanMeier

    Raises
    ------
    InputError
        Unknown scale, or a coverage that is not between 0 and 1.

    References
    ----------
    E. L. Kaplan, P. Meier, J Am Stat Assoc 1958;53:457-481, DOI 10.1080/01621459.1958.10501452.
    M. Greenwood, Reports on Public Health and Medical Subjects 33, HMSO 1926.

    Examples
    --------
    >>> from hdrplan.outcomes import follow_up
    >>> curve = kaplan_meier(follow_up([6, 6, 6, 7, 10, 13], [1, 1, 0, 1, 0, 1]))
    >>> curve.survival.round(4).tolist()
    [0.6667, 0.4444, 0.4444, 0.0]
    >>> curve.median.estimate
    7.0
    """
    times, at_risk, events, censored = time_counts(rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = np.where(events > 0, events / at_risk, 0.0)
        survival: FloatArray = np.cumprod(1.0 - hazard, dtype=np.float64)
        if rows.cluster is None:
            greenwood = np.where(events > 0, events / (at_risk * (at_risk - events)), 0.0)
            std_err = survival * np.sqrt(np.cumsum(greenwood))
        else:
            std_err, _ = product_limit_errors(rows, rows.event[:, None], times)
            std_err[survival == 0] = np.nan
    lower, upper = survival_interval(survival, std_err, conf_type, conf_level)
    return KaplanMeier(
        time=times,
        at_risk=at_risk,
        events=events,
        censored=censored,
        survival=survival,
        std_err=std_err,
        lower=lower,
        upper=upper,
        n=rows.n,
        conf_type=conf_type,
        conf_level=conf_level,
    )


def reverse_kaplan_meier(rows: FollowUp, *, conf_type: ConfType = "log-log", conf_level: float = 0.95) -> KaplanMeier:
    """Return the curve of potential follow-up: events censor it, the end of observation is its event.

    Its median is the follow-up time to report; the median of observed times is shortened by every event.

    Parameters
    ----------
    rows : FollowUp
    conf_type, conf_level
        As for :func:`kaplan_meier`.

    Returns
    -------
    KaplanMeier

    Raises
    ------
    InputError
        As for :func:`kaplan_meier`.

    References
    ----------
    M. Schemper, T. L. Smith, Control Clin Trials 1996;17:343-346, DOI 10.1016/0197-2456(96)00075-X.
    """
    return kaplan_meier(replace(rows, event=~rows.event), conf_type=conf_type, conf_level=conf_level)


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

    Returns
    -------
    lower, upper : (k,) arrays
        NaN where the survival is 0 or has no error.

    Raises
    ------
    InputError
        Unknown scale, or a coverage that is not between 0 and 1.

    References
    ----------
    J. D. Kalbfleisch, R. L. Prentice, The Statistical Analysis of Failure Time Data, 2nd ed., Wiley 2002, 1.4.
    """
    if not 0.0 < conf_level < 1.0:
        raise InputError("conf_level must lie between 0 and 1", got=conf_level, remedy="Use 0.95 for 95 %.")
    z = scipy.stats.norm.ppf(0.5 + conf_level / 2.0)
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
