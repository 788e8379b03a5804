"""Parametric regression on events known only to lie between two scans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from hdrplan.arrays import FloatArray, freeze
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.outcomes.columns import Covariates, covariate_matrix
from hdrplan.outcomes.inference import Coefficients
from hdrplan.outcomes.newton import Derivatives
from hdrplan.outcomes.scan_intervals import Intervals

__all__ = ["IntervalFit", "LogTime", "interval_regression"]

Family = Literal["weibull", "exponential", "loglogistic", "lognormal"]

# Far from the maximum a probability may underflow; its square must still be a number.
_MINIMUM_PROBABILITY = 1e-150


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LogTime:
    """Log time as a location, linear in the covariates, plus a scale times a standard error term.

    Parameters
    ----------
    family : {"weibull", "exponential", "loglogistic", "lognormal"}
        Distribution of the time.
    intercept, coef : float, (k,) array
        Location: intercept and change per unit of each covariate (positive: later events).
    scale : float
        The Weibull shape is its inverse.
    covariance : (k + 2, k + 2) array
        Covariance of (intercept, coefficients, log scale), by cluster where given; its last row and column are 0 for
        the exponential, whose scale is 1.
    """

    family: str
    intercept: float
    coef: FloatArray
    scale: float
    covariance: FloatArray

    def __post_init__(self) -> None:
        freeze(self, "coef", (None,))
        freeze(self, "covariance", (self.coef.size + 2, self.coef.size + 2))

    @property
    def se(self) -> FloatArray:
        """Standard errors of intercept, coefficients and log scale."""
        result: FloatArray = np.sqrt(np.diag(self.covariance))
        return result


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class IntervalFit(Coefficients):
    """A parametric regression on intervals (accelerated failure time).

    Parameters
    ----------
    names : tuple of str
        Covariates.
    log_time : LogTime
        The model as it was fitted, on the scale of log time.
    coef, covariance : (k,), (k, k) arrays
        Log hazard ratios (Weibull and exponential) or log odds ratios of the event (loglogistic),
        - log_time.coef / scale, with their covariance by the delta method; for the lognormal probit coefficients.
    loglik : float
        Log likelihood.
    n, n_clusters : int
        Rows and clusters.
    """

    names: tuple[str, ...]
    log_time: LogTime
    coef: FloatArray
    covariance: FloatArray
    loglik: float
    n: int
    n_clusters: int

    def __post_init__(self) -> None:
        k = len(self.names)
        freeze(self, "coef", (k,))
        freeze(self, "covariance", (k, k))

    def survival(self, covariates: npt.ArrayLike, times: npt.ArrayLike) -> FloatArray:
        """Return the predicted survival (n_rows, n_times)."""
        x = np.atleast_2d(np.asarray(covariates, dtype=np.float64))
        location = self.log_time.intercept + x @ self.log_time.coef
        with np.errstate(divide="ignore"):
            z = (np.log(np.asarray(times, dtype=np.float64))[None, :] - location[:, None]) / self.log_time.scale
        return _distribution(self.log_time.family, z)[0]


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
    rows: Intervals, covariates: Covariates | None = None, *, family: Family = "weibull"
) -> IntervalFit:
    """Fit a parametric regression to events known to lie in (left, right].

    Parameters
    ----------
    rows : Intervals
        Where they have clusters, errors are the sandwich summed by cluster.
    covariates : mapping of str to (n,) array_like, or (n, k) array_like, optional
        Numbers; none for the distribution alone.
    family : {"weibull", "exponential", "loglogistic", "lognormal"}
        Distribution of the time. Weibull and exponential have proportional hazards.

    Returns
    -------
    IntervalFit

    Raises
    ------
    InputError
        Covariates that cannot be right, no events, too few clusters.
    InfeasibleError
        The likelihood has no finite maximum.

    References
    ----------
    J. D. Kalbfleisch, R. L. Prentice, The Statistical Analysis of Failure Time Data, 2nd ed., Wiley 2002, chapter 3.
    """
    names, x = covariate_matrix({} if covariates is None else covariates, rows.n)
    centre, spread = x.mean(axis=0), x.std(axis=0)
    if x.shape[1] and (spread <= 1e-12 * np.maximum(np.abs(x).max(axis=0), 1e-300)).any():
        raise InputError(f"covariate {names[int(spread.argmin())]} must vary", got="one value", remedy="Leave it out.")
    if x.shape[1] and np.linalg.matrix_rank((x - centre) / spread, tol=1e-9 * np.sqrt(rows.n)) < x.shape[1]:
        raise InputError(
            "covariates must not be combinations of each other", got=", ".join(names), remedy="Leave one out."
        )
    if not rows.seen.any():
        raise InputError("interval regression needs events", got="every row right-censored")
    model = _Parametric(rows, np.column_stack((np.ones(rows.n), (x - centre) / spread)), family)
    where, loglik, information = model.maximum()
    bread = np.linalg.inv(information)
    n_clusters = rows.n
    if rows.cluster is not None:
        n_clusters = len(rows.cluster)
        meat = rows.cluster.enough_for(where.size).sum(model.scores(where))
        bread = bread @ (meat.T @ meat) @ bread
    back = _from_standardised(centre, spread, where.size)
    location, covariance = back @ where, back @ bread @ back.T
    k = x.shape[1]
    scale = float(np.exp(location[k + 1]))
    coef = -location[1 : k + 1] / scale
    delta = np.hstack((np.zeros((k, 1)), -np.eye(k) / scale, -coef[:, None]))
    return IntervalFit(
        names=names,
        log_time=LogTime(
            family=family, intercept=float(location[0]), coef=location[1 : k + 1], scale=scale, covariance=covariance
        ),
        coef=coef,
        covariance=delta @ covariance @ delta.T,
        loglik=loglik,
        n=rows.n,
        n_clusters=n_clusters,
    )


def _from_standardised(centre: FloatArray, spread: FloatArray, n_fitted: int) -> FloatArray:
    """Matrix that takes fitted parameters to (intercept, coefficients, log scale) of covariates as they are.

    beta = b / spread, intercept = b0 - centre . beta; the exponential has no log scale.
    """
    k = centre.size
    back = np.zeros((k + 2, n_fitted))
    back[0, 0] = 1.0
    back[0, 1 : k + 1] = -centre / spread
    back[np.arange(1, k + 1), np.arange(1, k + 1)] = 1.0 / spread
    if n_fitted == k + 2:
        back[k + 1, k + 1] = 1.0
    return back


class _Parametric:
    """Log likelihood of intervals with its exact first and second derivatives by (coefficients, log scale)."""

    def __init__(self, rows: Intervals, x: FloatArray, family: str) -> None:
        self.x, self.family, self.exact = x, family, rows.left == rows.right
        with np.errstate(divide="ignore"):
            self.log_low, self.log_high = np.log(rows.left), np.log(rows.right)
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
            p = np.where(e, 1.0, np.maximum(sa - sb, _MINIMUM_PROBABILITY))
            # By z at either end (a: left, b: right); exact rows use the density at b.
            ga, gb = -fa / p, fb / p
            haa, hbb, hab = -da / p - ga**2, db / p - gb**2, -ga * gb
            value = np.where(e, np.log(np.maximum(fb, _MINIMUM_PROBABILITY)) - np.log(scale) - self.log_high, np.log(p))
            ratio = db / np.maximum(fb, _MINIMUM_PROBABILITY)
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

    def value(self, where: FloatArray) -> Derivatives:
        """Return the log likelihood, its gradient and the information."""
        value, u, s, uu, us, ss = self._pieces(where)
        gradient = np.concatenate((u @ self.x, [s.sum()]))
        cross = us @ self.x
        hessian = np.block([[(self.x * uu[:, None]).T @ self.x, cross[:, None]], [cross[None, :], ss.sum()]])
        m = where.size
        return float(value.sum()), gradient[:m], -hessian[:m, :m]

    def scores(self, where: FloatArray) -> FloatArray:
        """Return each row's contribution to the gradient."""
        _, u, s, *_ = self._pieces(where)
        return np.column_stack((u[:, None] * self.x, s))[:, : where.size]

    def maximum(self) -> tuple[FloatArray, float, FloatArray]:
        """Return where the log likelihood is highest, its value and the information there.

        Raises
        ------
        InfeasibleError
            A likelihood that rises without end.
        """
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
