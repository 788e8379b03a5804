"""The results of every test and every fitted model: statistic and p; hazard ratios with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from hdrplan.arrays import FloatArray

__all__ = ["Coefficients", "Test", "ratio_decimals"]


def ratio_decimals(*ratios: float, least: int = 3) -> int:
    """Return the decimals with which ratios close to 1 differ from it: per ng/ml of a marker, 1.00002 is no 1.000.

    Parameters
    ----------
    *ratios : float
        A ratio and its limits; those that are not finite count for nothing.
    least : int
        Decimals of ratios that are farther than 0.01 from 1.

    Returns
    -------
    int
        So many that the distance of the farthest one from 1 has three digits; at most 15.
    """
    far = max((abs(r - 1.0) for r in ratios if np.isfinite(r)), default=1.0)
    return least if far >= 0.01 or far == 0.0 else min(15, max(least, 2 - int(np.floor(np.log10(far)))))


@dataclass(frozen=True, slots=True)
class Test:
    """A test: its statistic (chi-square unless said otherwise), degrees of freedom and p."""

    __test__ = False  # pytest must not collect it

    statistic: float
    df: int
    p: float

    @classmethod
    def chi_square(cls, statistic: float, df: int) -> Test:
        """Return the test of a statistic that follows chi-square under the null hypothesis."""
        return cls(float(statistic), int(df), float(scipy.stats.chi2.sf(statistic, df)) if df else float("nan"))


class Coefficients:
    """Wald inference on the coefficients of a model with log hazard ratios ``coef`` and their ``covariance``."""

    __slots__ = ()

    names: tuple[str, ...]
    coef: FloatArray
    covariance: FloatArray

    @property
    def inference_covariance(self) -> FloatArray:
        """The covariance that intervals and p values use."""
        return self.covariance

    @property
    def se(self) -> FloatArray:
        """Standard errors from ``covariance``."""
        result: FloatArray = np.sqrt(np.diag(self.covariance))
        return result

    @property
    def hazard_ratio(self) -> FloatArray:
        """Hazard ratios per unit of each covariate."""
        with np.errstate(over="ignore"):
            result: FloatArray = np.exp(self.coef)
        return result

    @property
    def z(self) -> FloatArray:
        """Wald statistics."""
        with np.errstate(divide="ignore", invalid="ignore"):
            result: FloatArray = self.coef / np.sqrt(np.diag(self.inference_covariance))
        return result

    @property
    def p(self) -> FloatArray:
        """Two-sided Wald p values."""
        result: FloatArray = 2.0 * scipy.stats.norm.sf(np.abs(self.z))
        return result

    def interval(self, conf_level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Return the lower and upper limits of the hazard ratios."""
        half = scipy.stats.norm.ppf(0.5 + conf_level / 2.0) * np.sqrt(np.diag(self.inference_covariance))
        with np.errstate(over="ignore"):
            return np.exp(self.coef - half), np.exp(self.coef + half)

    def wald(self, names: tuple[str, ...] | None = None) -> Test:
        """Return the joint Wald test of some coefficients; of all if none is named."""
        index = [self.names.index(name) for name in (self.names if names is None else names)]
        beta, matrix = self.coef[index], self.inference_covariance[np.ix_(index, index)]
        return Test.chi_square(float(beta @ np.linalg.solve(matrix, beta)), len(index))
