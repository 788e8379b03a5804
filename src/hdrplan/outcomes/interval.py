"""Events known only to lie between two scans: Turnbull's curve and parametric regression on intervals.

An interval is (left, right]: clean at ``left``, found at ``right``. Right-censored rows have ``right`` infinite,
exact times have ``left`` equal to ``right``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from hdrplan.arrays import FloatArray, freeze
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.outcomes.followup import covariate_matrix, labels_and_codes
from hdrplan.outcomes.inference import Coefficients

__all__ = ["IntervalFit", "Turnbull", "checked_intervals", "interval_regression", "turnbull"]

Family = Literal["weibull", "exponential", "loglogistic", "lognormal"]

# Mass below this is none; the maximum satisfies its optimality conditions to this share of the number of rows.
_NO_MASS = 1e-12
_OPTIMAL = 1e-10
# Far from the maximum a probability may underflow; its square must still be a number.
_LEAST_PROBABILITY = 1e-150


def checked_intervals(left: npt.ArrayLike, right: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return the ends of intervals, checked; a missing right end means right-censored."""
    try:
        low, high = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("left and right must be numbers", got=str(error)) from None
    if low.ndim != 1 or low.shape != high.shape or low.size == 0:
        raise InputError("left and right must be columns of equal length", got=f"shapes {low.shape} and {high.shape}")
    high = np.where(np.isnan(high), np.inf, high)
    for bad, words in (
        (np.isnan(low) | (low < 0), "left must be a time of 0 or more"),
        (high < low, "right must not come before left"),
        ((high == 0) | np.isinf(low), "an event needs a positive finite time"),
    ):
        if bad.any():
            row = int(np.argmax(bad))
            raise InputError(words, got=f"({low[row]:g}, {high[row]:g}]", where=f"row {row + 1}")
    return low, high


@dataclass(frozen=True, slots=True, eq=False)
class Turnbull:
    """The non-parametric maximum-likelihood estimate of the event-time distribution from intervals.

    Parameters
    ----------
    left, right : (k,) arrays
        Innermost intervals (left, right] that carry mass; where the mass lies inside one is not determined.
    mass : (k,) array
        Probability of each.
    loglik : float
        Log likelihood.
    gap : float
        Largest violation of the optimality conditions per row: the certificate of the maximum.
    n : int
        Rows.
    """

    left: FloatArray
    right: FloatArray
    mass: FloatArray
    loglik: float
    gap: float
    n: int

    def __post_init__(self) -> None:
        freeze(self, "left", (None,))
        freeze(self, "right", (self.left.size,), finite=False)
        freeze(self, "mass", (self.left.size,))

    def survival_bounds(self, times: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return the lowest and highest survival at any times that the estimate allows; equal outside the intervals."""
        at = np.asarray(times, dtype=np.float64)[..., None]
        begun = (self.left < at) | (self.right <= at)  # an exact time has begun when it comes
        lower = 1.0 - (self.mass * begun).sum(axis=-1)
        upper = 1.0 - (self.mass * (self.right <= at)).sum(axis=-1)
        return np.clip(lower, 0.0, 1.0), np.clip(upper, 0.0, 1.0)

    @property
    def median(self) -> tuple[float, float]:
        """Interval in which survival falls through one half; infinite right end where it is not reached."""
        place = int(np.searchsorted(np.cumsum(self.mass), 0.5 - 1e-12))
        place = min(place, self.mass.size - 1)
        return float(self.left[place]), float(self.right[place])


def turnbull(left: npt.ArrayLike, right: npt.ArrayLike) -> Turnbull:
    """Return Turnbull's estimate for events known to lie in (left, right].

    Parameters
    ----------
    left : (n,) array_like
        Last time known to be free of the event (0 where never examined before).
    right : (n,) array_like
        First time known to have the event; infinite or missing where none was seen.

    Raises
    ------
    InputError
        Intervals that cannot be right.

    References
    ----------
    B. W. Turnbull, J R Stat Soc B 1976;38:290-295, DOI 10.1111/j.2517-6161.1976.tb01597.x.
    Y. Wang, J R Stat Soc B 2007;69:185-198, DOI 10.1111/j.1467-9868.2007.00583.x (the algorithm: Newton steps that
    are non-negative least squares).

    Examples
    --------
    >>> fit = turnbull([0, 2, 2, 4], [2, 4, float("inf"), float("inf")])
    >>> fit.mass.round(4).tolist()
    [0.25, 0.375, 0.375]
    """
    low, high = checked_intervals(left, right)
    start, stop = _innermost(low, high)
    (low_, high_), count = np.unique(np.vstack((low, high)), axis=1, return_counts=True)
    exact = (low_ == high_)[:, None]
    covers = np.where(exact, (start == low_[:, None]) & (stop == high_[:, None]), False)
    covers |= ~exact & (low_[:, None] <= start) & (stop <= high_[:, None])
    # An exact time inside an interval: its (x, x] lies in (l, r] only if l < x.
    covers &= exact | (start < stop) | (low_[:, None] < start)
    mass, gap = _mixture(covers.astype(np.float64), count.astype(np.float64))
    keep = mass > _NO_MASS
    loglik = float(count @ np.log(covers[:, keep] @ mass[keep]))
    return Turnbull(start[keep], stop[keep], mass[keep], loglik, gap, low.size)


def _innermost(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Intervals that begin with a left end and finish with the next right end, with nothing between.

    At one time the ends stand in the order: left of an exact time (closed), right ends (closed), left ends (open).
    """
    exact = low == high
    ends = np.concatenate((low, high))
    kind = np.concatenate((np.where(exact, 0, 2), np.full(high.size, 1)))
    order = np.lexsort((kind, ends))
    ends, kind = ends[order], kind[order]
    here = np.flatnonzero((kind[:-1] != 1) & (kind[1:] == 1))
    pairs = np.unique(np.column_stack((ends[here], ends[here + 1])), axis=0)
    return pairs[:, 0], pairs[:, 1]


def _mixture(covers: FloatArray, count: FloatArray) -> tuple[FloatArray, float]:
    """Weights of a finite mixture that maximise sum count log(covers p), and the certificate."""
    n, k = float(count.sum()), covers.shape[1]
    p = np.full(k, 1.0 / k)
    root = np.sqrt(count)

    def loglik(q: FloatArray) -> float:
        return float(count @ np.log(np.maximum(covers @ q, 1e-300)))

    value = loglik(p)
    for _ in range(500):
        density = covers @ p
        gradient = covers.T @ (count / density)
        if gradient.max() <= n * (1.0 + _OPTIMAL) and np.all(np.abs(gradient - n)[p > _NO_MASS] <= n * 1e-8):
            break
        # Newton step on the simplex: || S p - 2 || with the constraint sum p = 1 as one heavy extra row.
        s = covers / density[:, None] * root[:, None]
        heavy = 1e3 * np.sqrt(n)
        q, _ = optimize.nnls(np.vstack((s, np.full(k, heavy))), np.concatenate((2.0 * root, [heavy])))
        q = q / q.sum()
        step = q - p
        for halving in range(40):
            trial = p + step * 0.5**halving
            if loglik(trial) >= value + 1e-4 * 0.5**halving * float(gradient @ step):
                break
        else:
            trial = p * gradient / n  # one step of the EM algorithm always rises
        p = np.maximum(trial, 0.0)
        p = p / p.sum()
        # A few EM steps settle the digits that the line search cannot see.
        for _ in range(3):
            p = p * (covers.T @ (count / (covers @ p))) / n
        value = loglik(p)
    gradient = covers.T @ (count / (covers @ p))
    return p, float(max(gradient.max() / n - 1.0, 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class IntervalFit(Coefficients):
    """A parametric regression on intervals, on the scale of log time (accelerated failure time).

    Parameters
    ----------
    family : {"weibull", "exponential", "loglogistic", "lognormal"}
        Distribution of the time.
    names : tuple of str
        Covariates.
    time_intercept, time_coef : float, (k,) array
        Location of log time: intercept and change per unit of each covariate (positive: later events).
    scale : float
        Scale of log time; the Weibull shape is its inverse.
    time_covariance : (k + 2, k + 2) array
        Covariance of (intercept, coefficients, log scale), by cluster where given; its last row and column are 0 for
        the exponential, whose scale is 1.
    coef, covariance : (k,), (k, k) arrays
        Log hazard ratios (Weibull and exponential) or log odds ratios of the event (loglogistic), - time_coef / scale,
        with their covariance by the delta method; for the lognormal probit coefficients.
    loglik : float
        Log likelihood.
    n, n_clusters : int
        Rows and clusters.
    """

    family: str
    names: tuple[str, ...]
    time_intercept: float
    time_coef: FloatArray
    scale: float
    time_covariance: FloatArray
    coef: FloatArray
    covariance: FloatArray
    loglik: float
    n: int
    n_clusters: int

    def __post_init__(self) -> None:
        k = len(self.names)
        freeze(self, "time_coef", (k,))
        freeze(self, "time_covariance", (k + 2, k + 2))
        freeze(self, "coef", (k,))
        freeze(self, "covariance", (k, k))

    @property
    def time_se(self) -> FloatArray:
        """Standard errors of intercept, coefficients and log scale on the scale of log time."""
        result: FloatArray = np.sqrt(np.diag(self.time_covariance))
        return result

    def survival(self, covariates: npt.ArrayLike, times: npt.ArrayLike) -> FloatArray:
        """Return the predicted survival (n_rows, n_times)."""
        x = np.atleast_2d(np.asarray(covariates, dtype=np.float64))
        location = self.time_intercept + x @ self.time_coef
        with np.errstate(divide="ignore"):
            z = (np.log(np.asarray(times, dtype=np.float64))[None, :] - location[:, None]) / self.scale
        return _distribution(self.family, z)[0]


def _distribution(family: str, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Survival, density and its derivative of the standardised log time; 0 and 1 at infinite z."""
    with np.errstate(over="ignore", invalid="ignore"):
        if family in ("weibull", "exponential"):
            e = np.exp(np.minimum(z, 700.0))
            s = np.exp(-e)
            f = np.where(s > 0, e * s, 0.0)
            df = np.where(s > 0, f * (1.0 - e), 0.0)
        elif family == "loglogistic":
            s = special.expit(-z)
            f = s * special.expit(z)
            df = f * (2.0 * s - 1.0)
        elif family == "lognormal":
            s = special.ndtr(-z)
            f = np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
            df = np.where(f > 0, -z * f, 0.0)
        else:
            raise InputError("family must be weibull, exponential, loglogistic or lognormal", got=family)
    return s, f, df


def interval_regression(
    left: npt.ArrayLike,
    right: npt.ArrayLike,
    covariates: Mapping[str, npt.ArrayLike] | npt.ArrayLike | None = None,
    *,
    names: tuple[str, ...] | None = None,
    family: Family = "weibull",
    cluster: npt.ArrayLike | None = None,
) -> IntervalFit:
    """Fit a parametric regression to events known to lie in (left, right].

    Parameters
    ----------
    left, right : (n,) array_like
        Interval of each row; right infinite or missing where no event was seen; equal for an exact time.
    covariates : mapping of str to (n,) array_like, or (n, k) array_like, optional
        Numbers; none for the distribution alone.
    names : tuple of str, optional
        Names of the columns of a matrix.
    family : {"weibull", "exponential", "loglogistic", "lognormal"}
        Distribution of the time. Weibull and exponential have proportional hazards.
    cluster : (n,) array_like, optional
        Patient of each row: sandwich errors summed by patient.

    Raises
    ------
    InputError
        Intervals or covariates that cannot be right.
    InfeasibleError
        The likelihood has no finite maximum.

    References
    ----------
    J. D. Kalbfleisch, R. L. Prentice, The Statistical Analysis of Failure Time Data, 2nd ed., Wiley 2002, chapter 3.
    """
    low, high = checked_intervals(left, right)
    names, x = covariate_matrix({} if covariates is None else covariates, low.size, names)
    if x.shape[0] != low.size:
        x = np.empty((low.size, 0))
    centre, spread = x.mean(axis=0), x.std(axis=0)
    if x.shape[1] and (spread <= 1e-12 * np.maximum(np.abs(x).max(axis=0), 1e-300)).any():
        raise InputError(f"covariate {names[int(spread.argmin())]} must vary", got="one value", remedy="Leave it out.")
    if not np.isfinite(high).any():
        raise InputError("interval regression needs events", got="every row right-censored")
    model = _Parametric(low, high, np.column_stack((np.ones(low.size), (x - centre) / spread)), family)
    where, loglik, information = model.maximum()
    bread = np.linalg.inv(information)
    n_clusters = low.size
    if cluster is not None:
        labels, owner = labels_and_codes(cluster, low.size, "cluster")
        n_clusters = len(labels)
        meat = np.column_stack([np.bincount(owner, weights=s) for s in model.scores(where).T])
        bread = bread @ (meat.T @ meat) @ bread
    # Back from standardised covariates: beta = b / spread, intercept = b0 - centre . beta.
    k = x.shape[1]
    back = np.zeros((k + 2, where.size))
    back[0, 0] = 1.0
    back[0, 1 : k + 1] = -centre / spread
    back[np.arange(1, k + 1), np.arange(1, k + 1)] = 1.0 / spread
    if family != "exponential":
        back[k + 1, k + 1] = 1.0
    location, covariance = back @ where, back @ bread @ back.T
    scale = float(np.exp(location[k + 1]))
    coef = -location[1 : k + 1] / scale
    delta = np.hstack((np.zeros((k, 1)), -np.eye(k) / scale, -coef[:, None]))
    return IntervalFit(
        family, names, float(location[0]), location[1 : k + 1], scale, covariance, coef,
        delta @ covariance @ delta.T, loglik, low.size, n_clusters,
    )  # fmt: skip


class _Parametric:
    """Log likelihood of intervals with its exact first and second derivatives by (coefficients, log scale)."""

    def __init__(self, low: FloatArray, high: FloatArray, x: FloatArray, family: str) -> None:
        self.x, self.family, self.exact = x, family, low == high
        with np.errstate(divide="ignore"):
            self.log_low, self.log_high = np.log(low), np.log(high)
        self.free_scale = family != "exponential"

    def _pieces(self, where: FloatArray) -> tuple[FloatArray, ...]:
        """Per row: log likelihood, derivatives by location u and log scale s: l, lu, ls, luu, lus, lss."""
        k = self.x.shape[1]
        scale = np.exp(where[k]) if self.free_scale else 1.0
        location = self.x @ where[:k]
        za, zb = (self.log_low - location) / scale, (self.log_high - location) / scale
        with np.errstate(divide="ignore", invalid="ignore"):
            sa, fa, da = _distribution(self.family, za)
            sb, fb, db = _distribution(self.family, zb)
            za, zb = np.where(np.isfinite(za), za, 0.0), np.where(np.isfinite(zb), zb, 0.0)
            e = self.exact
            p = np.where(e, 1.0, np.maximum(sa - sb, _LEAST_PROBABILITY))
            # By z at either end (a: left, b: right); exact rows use the density at b.
            ga, gb = -fa / p, fb / p
            haa, hbb, hab = -da / p - ga**2, db / p - gb**2, -ga * gb
            value = np.where(e, np.log(np.maximum(fb, _LEAST_PROBABILITY)) - np.log(scale) - self.log_high, np.log(p))
            ratio = db / np.maximum(fb, _LEAST_PROBABILITY)
            second = self._curvature(zb)
            ga, haa, hab = (np.where(e, 0.0, v) for v in (ga, haa, hab))
            gb, hbb = np.where(e, ratio, gb), np.where(e, second, hbb)
        slope_u, slope_s = -(ga + gb) / scale, -(ga * za + gb * zb) - e
        uu = (haa + 2 * hab + hbb) / scale**2
        us = (haa * za + hab * (za + zb) + hbb * zb + ga + gb) / scale
        ss = haa * za**2 + 2 * hab * za * zb + hbb * zb**2 + ga * za + gb * zb
        return value, slope_u, slope_s, uu, us, ss

    def _curvature(self, z: FloatArray) -> FloatArray:
        """Second derivative of the log density."""
        if self.family == "loglogistic":
            s = special.expit(-z)
            bend: FloatArray = -2.0 * s * (1.0 - s)
            return bend
        return -np.exp(np.minimum(z, 700.0)) if self.family != "lognormal" else np.full(z.shape, -1.0)

    def value(self, where: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        value, u, s, uu, us, ss = self._pieces(where)
        gradient = np.concatenate((u @ self.x, [s.sum()]))
        cross = us @ self.x
        hessian = np.block([[(self.x * uu[:, None]).T @ self.x, cross[:, None]], [cross[None, :], ss.sum()]])
        m = where.size
        return float(value.sum()), gradient[:m], -hessian[:m, :m]

    def scores(self, where: FloatArray) -> FloatArray:
        _, u, s, *_ = self._pieces(where)
        return np.column_stack((u[:, None] * self.x, s))[:, : where.size]

    def maximum(self) -> tuple[FloatArray, float, FloatArray]:
        where = np.zeros(self.x.shape[1] + self.free_scale)
        middle = np.where(np.isfinite(self.log_high), self.log_high, self.log_low)
        where[0] = float(np.median(middle[np.isfinite(middle)]))
        value, gradient, information = self.value(where)
        for _ in range(200):
            # Far from the maximum the information may be indefinite: lift its eigenvalues.
            size, axes = np.linalg.eigh(information)
            step = axes @ ((axes.T @ gradient) / np.maximum(np.abs(size), 1e-8 * np.abs(size).max() + 1e-12))
            step *= min(1.0, 3.0 / np.abs(step).max(initial=1e-300))
            trial = self.value(where + step)
            halvings = 0
            while not trial[0] >= value - 1e-13 * abs(value) and halvings < 60:
                step, halvings = step / 2.0, halvings + 1
                trial = self.value(where + step)
            settled = abs(trial[0] - value) <= 1e-13 * (1.0 + abs(value)) and np.abs(step).max() < 1e-6
            where, (value, gradient, information) = where + step, trial
            if settled:
                break
        else:
            raise InfeasibleError(
                "the interval regression has no finite estimate",
                got="a likelihood that rises without end",
                remedy="Leave out the covariate that separates events, or use fewer covariates.",
            )
        return where, value, information
