"""Log-rank tests of two or more groups, stratified and weighted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, freeze
from hdrplan.errors import InputError
from hdrplan.outcomes.followup import FollowUp, follow_up, labels_and_codes
from hdrplan.outcomes.inference import Test

__all__ = ["LogRank", "log_rank"]

Weights = Literal["logrank", "gehan", "tarone-ware", "fleming-harrington"]


@dataclass(frozen=True, slots=True, eq=False)
class LogRank:
    """A log-rank test: labels, rows, observed and expected events of each group, and the test.

    The test is NaN where the events carry no information on the groups (all at one time, in all rows).
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
    if not rows.event.any():
        raise InputError("a log-rank test needs events", got="none")
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
