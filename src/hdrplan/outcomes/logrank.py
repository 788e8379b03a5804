"""Log-rank tests of two or more groups, stratified and weighted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, IntArray, freeze
from hdrplan.errors import InputError
from hdrplan.outcomes.columns import grouped
from hdrplan.outcomes.followup import FollowUp
from hdrplan.outcomes.inference import Test

__all__ = ["LogRank", "log_rank"]

Weights = Literal["logrank", "gehan", "tarone-ware", "fleming-harrington"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LogRank:
    """A log-rank test of k groups.

    Parameters
    ----------
    groups : tuple
        Labels.
    n, observed, expected : (k,) arrays
        Rows, and (weighted) events seen and expected, of each group.
    variance : (k, k) array
        Covariance of observed less expected.
    test : Test
        NaN where the events carry no information on the groups (all at one time, in all rows).
    """

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


@dataclass(frozen=True, slots=True)
class _Weight:
    """Weight of an event time with ``at_risk`` rows and the pooled survival just before it."""

    kind: str
    rho: float
    gamma: float

    def weights(self, at_risk: FloatArray, survival: FloatArray) -> FloatArray:
        """Return the weights; InputError for an unknown kind."""
        if self.kind == "logrank":
            return np.ones(at_risk.size)
        if self.kind == "gehan":
            return at_risk
        if self.kind == "tarone-ware":
            return np.sqrt(at_risk)
        if self.kind == "fleming-harrington":
            result: FloatArray = survival**self.rho * (1.0 - survival) ** self.gamma
            return result
        raise InputError("weights must be logrank, gehan, tarone-ware or fleming-harrington", got=self.kind)


def log_rank(
    rows: FollowUp,
    group: npt.ArrayLike,
    *,
    strata: npt.ArrayLike | None = None,
    weights: Weights = "logrank",
    rho: float = 0.0,
    gamma: float = 0.0,
) -> LogRank:
    """Return the (weighted, stratified) log-rank test of two or more groups.

    Parameters
    ----------
    rows : FollowUp
        Taken as independent.
    group : (n,) array_like
        Group of each row, at least two.
    strata : (n,) array_like, optional
        Groups are compared within strata; observed, expected and variance are summed over them.
    weights : {"logrank", "gehan", "tarone-ware", "fleming-harrington"}
        Weight of each event time: 1, number at risk, its root, or S(t-)^rho (1 - S(t-))^gamma (``rho`` 1 is the
        Peto-Peto test of R's ``survdiff(rho=1)``).
    rho, gamma : float
        Exponents for ``fleming-harrington``.

    Returns
    -------
    LogRank

    Raises
    ------
    InputError
        Fewer than two groups, or no events.

    References
    ----------
    D. P. Harrington, T. R. Fleming, Biometrika 1982;69:553-566, DOI 10.1093/biomet/69.3.553.
    """
    groups = grouped(group, rows.n, "group")
    k = len(groups)
    if k < 2:
        raise InputError("a log-rank test compares two or more groups", got=f"only {groups.labels[0]!r}")
    if not rows.event.any():
        raise InputError("a log-rank test needs events", got="none")
    layers = grouped(strata, rows.n, "strata")
    observed, expected, variance = np.zeros(k), np.zeros(k), np.zeros((k, k))
    for layer in range(len(layers)):
        inside = layers.codes == layer
        o, e, v = _observed_expected(rows.chosen(inside), groups.codes[inside], k, _Weight(weights, rho, gamma))
        observed, expected, variance = observed + o, expected + e, variance + v
    seen = expected > 0
    difference = (observed - expected)[seen][1:]
    matrix = variance[np.ix_(seen, seen)][1:, 1:]
    if difference.size == 0 or not np.trace(matrix) > 0:
        test = Test(float("nan"), max(int(seen.sum()) - 1, 0), float("nan"))
    else:
        test = Test.chi_square(float(difference @ np.linalg.solve(matrix, difference)), difference.size)
    n = np.bincount(groups.codes, minlength=k).astype(np.float64)
    return LogRank(groups=groups.labels, n=n, observed=observed, expected=expected, variance=variance, test=test)


def _observed_expected(
    rows: FollowUp, codes: IntArray, k: int, weight: _Weight
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weighted observed and expected events by group and their hypergeometric covariance in one stratum."""
    times = np.unique(rows.time[rows.event])
    at_risk = np.empty((times.size, k))
    events = np.empty((times.size, k))
    for g in range(k):
        own = codes == g
        t = np.sort(rows.time[own])
        at_risk[:, g] = t.size - np.searchsorted(t, times, side="left")
        if rows.truncated:
            start = np.sort(rows.entry[own])
            at_risk[:, g] -= t.size - np.searchsorted(start, times, side="left")
        died = np.sort(rows.time[own & rows.event])
        events[:, g] = np.searchsorted(died, times, side="right") - np.searchsorted(died, times, side="left")
    y, d = at_risk.sum(axis=1), events.sum(axis=1)
    before = np.concatenate(([1.0], np.cumprod(1.0 - d / y)[:-1])) if times.size else np.empty(0)
    w = weight.weights(y, before)
    share = at_risk / y[:, None]
    spread = w**2 * d * (y - d) / np.maximum(y - 1.0, 1.0)  # one row at risk: y - d is 0, so is the term
    variance = np.diag(spread @ share) - (share * spread[:, None]).T @ share
    return w @ events, (w * d) @ share, variance
