"""Effects of a covariate that was recorded with an error of known size: regression calibration and SIMEX.

An error in a covariate makes its effect look weaker than it is. Both corrections need the size of the error from
elsewhere; the data of the outcome cannot tell it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from hdrplan.arrays import FloatArray, freeze
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.outcomes.columns import finite_column

__all__ = ["Calibrated", "Corrected", "calibrated", "simex"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Calibrated:
    """A covariate with its error taken out on average: the expected true value of each row.

    Parameters
    ----------
    values : (n,) array
        Expected true value, given what was recorded and the other covariates.
    reliability : float
        Share of the variance of the recorded values, other covariates equal, that is not error.
    n_residual : int
        Rows less parameters of the other covariates.
    """

    values: FloatArray
    reliability: float
    n_residual: int

    def __post_init__(self) -> None:
        freeze(self, "values", (None,))

    def corrected(self, coef: float, variance: float) -> Corrected:
        """Return a coefficient of ``values``, the variance of its model widened by that of the reliability."""
        own = 2.0 * (1.0 - self.reliability) ** 2 / self.n_residual / self.reliability**2
        return Corrected(coef=coef, se=float(np.sqrt(variance + coef**2 * own)))


@dataclass(frozen=True, slots=True)
class Corrected:
    """A coefficient that was corrected for measurement error, and its standard error."""

    coef: float
    se: float

    def interval(self, conf_level: float = 0.95) -> tuple[float, float]:
        """Return the limits of the coefficient."""
        half = float(scipy.stats.norm.ppf(0.5 + conf_level / 2.0)) * self.se
        return self.coef - half, self.coef + half

    @property
    def p(self) -> float:
        """Two-sided Wald p value."""
        return float(2.0 * scipy.stats.norm.sf(abs(self.coef) / self.se))


def calibrated(recorded: npt.ArrayLike, error_sd: npt.ArrayLike, beside: npt.ArrayLike) -> Calibrated:
    """Return the expected true value of a covariate that was recorded with an independent error of known spread.

    Parameters
    ----------
    recorded : (n,) array_like
        True value plus error.
    error_sd : float or (n,) array_like
        Standard deviation of the error, alike or of each row.
    beside : (n, k) array_like
        The other covariates of the model, free of error; k may be 0.

    Returns
    -------
    Calibrated

    Raises
    ------
    InputError
        Errors that are negative or not numbers.
    InfeasibleError
        The error would explain all the variance that was recorded.

    References
    ----------
    R. L. Prentice, Biometrika 1982;69:331-342, DOI 10.1093/biomet/69.2.331.
    B. Rosner, D. Spiegelman, W. C. Willett, Am J Epidemiol 1990;132:734-745, DOI 10.1093/oxfordjournals.aje.a115715.
    """
    w = np.asarray(recorded, dtype=np.float64)
    sd = _error_column(error_sd, w.size)
    x = np.column_stack((np.ones(w.size), np.asarray(beside, dtype=np.float64).reshape(w.size, -1)))
    fitted = x @ np.linalg.lstsq(x, w, rcond=None)[0]
    n_residual = w.size - int(np.linalg.matrix_rank(x))
    spread = float(((w - fitted) ** 2).sum()) / max(n_residual, 1)
    true = spread - float((sd**2).mean())
    if not true > 0:
        raise InfeasibleError(
            "the recorded values must vary more than their error",
            got=f"a variance of {spread:.3g}, other covariates equal, and an error of {float((sd**2).mean()):.3g}",
            remedy="Give a smaller error, or fewer covariates.",
        )
    share = true / (true + sd**2)
    return Calibrated(values=fitted + share * (w - fitted), reliability=true / spread, n_residual=n_residual)


def simex(
    fit: Callable[[FloatArray], tuple[float, float]],
    recorded: npt.ArrayLike,
    error_sd: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    n_draws: int = 50,
) -> Corrected:
    """Return a coefficient corrected by simulation and extrapolation (SIMEX).

    Error is added until its variance is doubled and tripled; the coefficient follows a + b / (c + added share), which
    is exact in linear models, and is extrapolated to no error at all. Where the simulated coefficients do not bend that
    way, a parabola takes its place.

    Parameters
    ----------
    fit : callable
        Takes the covariate (n,), returns its coefficient and the variance of the coefficient.
    recorded : (n,) array_like
        True value plus error.
    error_sd : float or (n,) array_like
        Standard deviation of the error.
    rng : numpy.random.Generator
        Source of randomness.
    n_draws : int
        Simulated errors, in pairs of opposite sign: what is odd in them cancels; in Cox's model as many independent
        ones spread several times as much. Each serves both shares.

    Returns
    -------
    Corrected

    Raises
    ------
    InputError
        Errors that are negative or not numbers.

    References
    ----------
    J. R. Cook, L. A. Stefanski, J Am Stat Assoc 1994;89:1314-1328, DOI 10.1080/01621459.1994.10476871.
    L. A. Stefanski, J. R. Cook, J Am Stat Assoc 1995;90:1247-1256, DOI 10.1080/01621459.1995.10476629 (variance).
    """
    w = np.asarray(recorded, dtype=np.float64)
    sd = _error_column(error_sd, w.size)
    start = fit(w)
    draws = []
    for _ in range(max((n_draws + 1) // 2, 1)):
        error = sd * rng.normal(size=w.size)
        draws += [[fit(w + sign * np.sqrt(share) * error) for share in (1.0, 2.0)] for sign in (1.0, -1.0)]
    drawn = np.array(draws)
    coef = np.array([start[0], *drawn[:, :, 0].mean(axis=0)])
    value, _ = _extrapolated(coef)
    if abs(start[0]) > np.sqrt(start[1]):
        # The correction multiplies the coefficient, and its error alike.
        return Corrected(coef=value, se=float(np.sqrt(start[1]) * abs(value / start[0])))
    # A coefficient near 0 tells no factor: the variance of the model less what the simulated errors add, extrapolated
    # as the coefficient is. The simulation itself makes it uncertain, and on average too large.
    variance = np.array([start[1], *(drawn[:, :, 1].mean(axis=0) - drawn[:, :, 0].var(axis=0, ddof=1))])
    return Corrected(coef=value, se=float(np.sqrt(max(_extrapolated(variance)[0], start[1]))))


def _extrapolated(at: FloatArray) -> tuple[float, bool]:
    """Value at a share of -1 from those at 0, 1 and 2, and whether it follows a + b / (c + share)."""
    first, second = at[0] - at[1], at[1] - at[2]
    ratio = first / second if second else np.inf
    if np.isfinite(ratio) and ratio > 1.0 and (c := 2.0 / (ratio - 1.0)) > 1.0:
        b = first * c * (c + 1.0)
        return float(at[0] - b / c + b / (c - 1.0)), True
    return float(3.0 * at[0] - 3.0 * at[1] + at[2]), False


def _error_column(error_sd: npt.ArrayLike, n: int) -> FloatArray:
    value = np.asarray(error_sd, dtype=np.float64)
    sd = finite_column(np.full(n, float(value)) if value.ndim == 0 else value, n, "the standard deviation of the error")
    if (sd < 0).any() or not sd.any():
        raise InputError(
            "the standard deviation of an error must not be negative, nor 0 in every row", got=float(sd.min())
        )
    return sd
