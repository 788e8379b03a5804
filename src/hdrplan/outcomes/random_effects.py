"""Random-effects meta-analysis and meta-regression by restricted maximum likelihood, as R's metafor computes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from hdrplan.arrays import FloatArray, freeze
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.outcomes.columns import Covariates, covariate_matrix, finite_column
from hdrplan.outcomes.inference import Test

__all__ = ["MetaAnalysis", "leave_one_out", "meta_analysis"]

_MAX_ITERATIONS = 1000
_SETTLED = 1e-13


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MetaAnalysis:
    """A fitted random-effects model of k series.

    Parameters
    ----------
    names : tuple of str
        Intercept and moderators.
    coef : (p,) array
    covariance : (p, p) array
    tau2, tau2_se : float
        Variance between series, and its standard error.
    i2_percent, h2 : float
        Fraction of the total variance that lies between series, and its ratio to the sampling variance.
    heterogeneity : Test
        Cochran's Q, of what the moderators leave.
    moderators : Test
        Wald test of all moderators; without degrees of freedom where there are none.
    n : int
        Series.
    """

    names: tuple[str, ...]
    coef: FloatArray
    covariance: FloatArray
    tau2: float
    tau2_se: float
    i2_percent: float
    h2: float
    heterogeneity: Test
    moderators: Test
    n: int

    def __post_init__(self) -> None:
        freeze(self, "coef", (len(self.names),))
        freeze(self, "covariance", (len(self.names), len(self.names)))

    @property
    def se(self) -> FloatArray:
        """Standard errors of the coefficients."""
        result: FloatArray = np.sqrt(np.diag(self.covariance))
        return result

    @property
    def p(self) -> FloatArray:
        """Two-sided Wald p values."""
        result: FloatArray = 2.0 * scipy.stats.norm.sf(np.abs(self.coef / self.se))
        return result

    def predicted(self, moderators: npt.ArrayLike = (), conf_level: float = 0.95) -> tuple[float, ...]:
        """Return the mean at given moderators, its limits, and the limits of a new series there.

        Parameters
        ----------
        moderators : (p - 1,) array_like
        conf_level : float

        Returns
        -------
        mean, lower, upper, new_lower, new_upper : float

        References
        ----------
        J. P. T. Higgins, S. G. Thompson, D. J. Spiegelhalter, J R Stat Soc A 2009;172:137-159,
        DOI 10.1111/j.1467-985X.2008.00552.x; normal quantiles, as metafor takes them by default.
        """
        at = np.concatenate(([1.0], np.asarray(moderators, dtype=np.float64)))
        if at.size != self.coef.size:
            raise InputError("a value is needed for each moderator", got=at.size - 1, where=self.names[1:])
        mean, variance = float(at @ self.coef), float(at @ self.covariance @ at)
        z = scipy.stats.norm.ppf(0.5 + conf_level / 2.0)
        half, wide = z * np.sqrt(variance), z * np.sqrt(variance + self.tau2)
        return mean, mean - half, mean + half, mean - wide, mean + wide


def meta_analysis(
    estimates: npt.ArrayLike, variances: npt.ArrayLike, moderators: Covariates | None = None
) -> MetaAnalysis:
    """Fit a random-effects model by restricted maximum likelihood.

    Parameters
    ----------
    estimates, variances : (k,) array_like
        Of each series; sampling variances are taken as known.
    moderators : mapping of str to (k,) array_like, optional
        Such as dose, or indicator columns of tumour type.

    Returns
    -------
    MetaAnalysis

    Raises
    ------
    InputError
        Too few series for the moderators, variances that are not positive, moderators that are combinations.
    InfeasibleError
        No convergence.

    References
    ----------
    W. Viechtbauer, J Stat Softw 2010;36(3), DOI 10.18637/jss.v036.i03; J Educ Behav Stat 2005;30:261-293,
    DOI 10.3102/10769986030003261 (REML).

    Examples
    --------
    >>> fit = meta_analysis([0.1, 0.3, 0.8, 0.4], [0.02, 0.03, 0.05, 0.01])
    >>> round(fit.tau2, 6), round(float(fit.coef[0]), 6)
    (0.037101, 0.366961)
    """
    n = int(np.asarray(estimates).size)
    y, v = finite_column(estimates, n, "estimates"), finite_column(variances, n, "variances")
    names, columns = covariate_matrix({} if moderators is None else moderators, n)
    x = np.column_stack((np.ones(n), columns))
    if (v <= 0).any():
        raise InputError("sampling variances must be positive", got=float(v.min()))
    if n <= x.shape[1]:
        raise InputError(f"a model of {x.shape[1]} coefficients needs more series", got=n)
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise InputError("moderators must vary and must not be combinations of each other", got=", ".join(names))
    tau2 = _reml(y, v, x)
    weight = 1.0 / (v + tau2)
    covariance = np.linalg.inv((x.T * weight) @ x).astype(np.float64)
    coef = covariance @ (x.T @ (weight * y))
    p_matrix = _residual_maker(weight, x)
    fixed = _residual_maker(1.0 / v, x)
    df = n - x.shape[1]
    typical = df / float(np.trace(fixed))
    slopes = coef[1:]
    wald = float(slopes @ np.linalg.solve(covariance[1:, 1:], slopes)) if slopes.size else 0.0
    return MetaAnalysis(
        names=("intercept", *names),
        coef=coef,
        covariance=covariance,
        tau2=tau2,
        tau2_se=float(np.sqrt(2.0 / np.einsum("ij,ji->", p_matrix, p_matrix))),
        i2_percent=100.0 * tau2 / (tau2 + typical),
        h2=tau2 / typical + 1.0,
        heterogeneity=Test.chi_square(float(y @ fixed @ y), df),
        moderators=Test.chi_square(wald, slopes.size),
        n=n,
    )


def leave_one_out(estimates: npt.ArrayLike, variances: npt.ArrayLike) -> list[MetaAnalysis]:
    """Return the model without moderators fitted to all series but one, for each in turn.

    Parameters
    ----------
    estimates, variances : (k,) array_like
    """
    y, v = np.asarray(estimates, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    return [meta_analysis(np.delete(y, k), np.delete(v, k)) for k in range(y.size)]


def _residual_maker(weight: FloatArray, x: FloatArray) -> FloatArray:
    """W - W X (X' W X)^-1 X' W."""
    weighted = weight[:, None] * x
    result: FloatArray = np.diag(weight) - weighted @ np.linalg.solve(x.T @ weighted, weighted.T)
    return result


def _reml(y: FloatArray, v: FloatArray, x: FloatArray) -> float:
    """Variance between series, by Fisher scoring; 0 where the likelihood falls from there."""
    tau2 = max(float(np.var(y) - v.mean()), 0.0)
    for _ in range(_MAX_ITERATIONS):
        p = _residual_maker(1.0 / (v + tau2), x)
        square = float(np.einsum("ij,ji->", p, p))
        step = float(y @ p @ p @ y - np.trace(p)) / square
        while tau2 + step < 0 and tau2 > 1e-12 and step < -1e-15:
            step /= 2.0
        new = max(tau2 + step, 0.0)
        if abs(new - tau2) <= _SETTLED * (1.0 + tau2):
            return 0.0 if new < 1e-11 else new
        tau2 = new
    raise InfeasibleError("the variance between series has no estimate", got=f"no convergence near {tau2:g}")
