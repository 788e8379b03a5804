"""Mean time free of the event up to a horizon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from hdrplan.errors import InputError
from hdrplan.outcomes.followup import FollowUp
from hdrplan.outcomes.nonparametric import time_counts

__all__ = ["RestrictedMean", "restricted_mean"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictedMean:
    """Mean event-free time up to a horizon (the area below the survival curve), or a difference of two.

    Parameters
    ----------
    tau : float
        Horizon.
    mean, std_err, lower, upper : float
        Estimate, its standard error and its limits.
    conf_level : float
        Coverage of the interval.
    """

    tau: float
    mean: float
    std_err: float
    lower: float
    upper: float
    conf_level: float

    def minus(self, other: RestrictedMean) -> RestrictedMean:
        """Return the difference from an independent group, with its error and interval."""
        return _restricted_mean(
            self.tau, self.mean - other.mean, np.hypot(self.std_err, other.std_err), self.conf_level
        )

    @property
    def p(self) -> float:
        """Two-sided p that a difference is zero."""
        return float(2.0 * scipy.stats.norm.sf(abs(self.mean) / self.std_err)) if self.std_err > 0 else float("nan")


def _restricted_mean(tau: float, mean: float, std_err: float, conf_level: float) -> RestrictedMean:
    half = float(scipy.stats.norm.ppf(0.5 + conf_level / 2.0)) * std_err
    return RestrictedMean(
        tau=float(tau),
        mean=float(mean),
        std_err=float(std_err),
        lower=mean - half,
        upper=mean + half,
        conf_level=conf_level,
    )


def restricted_mean(rows: FollowUp, tau: float, *, conf_level: float = 0.95) -> RestrictedMean:
    """Return the restricted mean survival time up to ``tau``.

    Parameters
    ----------
    rows : FollowUp
        Taken as independent.
    tau : float
        Horizon, the same for every group that is compared.
    conf_level : float
        Coverage of the (plain) interval.

    Returns
    -------
    RestrictedMean

    Raises
    ------
    InputError
        ``tau`` not positive, or beyond the last time while the curve has not reached 0: nothing is known there.

    References
    ----------
    P. Royston, M. K. B. Parmar, BMC Med Res Methodol 2013;13:152, DOI 10.1186/1471-2288-13-152.
    """
    times, at_risk, events, _ = time_counts(rows)
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
