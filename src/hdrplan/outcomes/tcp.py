"""Tumour control probability: how the chance of local control rises with dose, from censored follow-up.

Two links carry every model here, with eta the predictor of a lesion:

- logistic: TCP = 1 / (1 + exp(-eta)), eta = 4 gamma50 (D / D50 - 1);
- poisson: TCP = exp(-exp(eta)), exp(eta) the expected number of surviving clonogens: N0 exp(-alpha BED) from one dose,
  or density x sum over the DVH of volume x exp(-alpha BED).

A lesion censored before the horizon is neither a success nor a failure. Leaving it out biases the curve; so it is
represented by others (inverse probability of censoring), or the whole time course enters the likelihood.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import scipy
from scipy import special

from hdrplan.arrays import FloatArray, freeze
from hdrplan.errors import InputError

__all__ = ["PARAMETERS", "DoseCurve", "Model", "TcpFit", "dose_rows"]

Model = Literal["logistic", "poisson", "poisson-dvh"]

PARAMETERS = {
    "logistic": ("intercept", "slope per Gy"),
    "poisson": ("log clonogens", "slope per Gy BED"),
    "poisson-dvh": ("log clonogens per cc", "log alpha"),
}


def _bed(dose_gy: npt.ArrayLike, alpha_beta_gy: float) -> FloatArray:
    """Return the biologically effective dose (Gy) of one short fraction, D (1 + D / (alpha/beta)).

    References
    ----------
    J. F. Fowler, Br J Radiol 1989;62:679-694, DOI 10.1259/0007-1285-62-740-679.
    """
    if not alpha_beta_gy > 0:
        raise InputError("alpha/beta must be positive (Gy)", got=alpha_beta_gy)
    dose = np.asarray(dose_gy, dtype=np.float64)
    return dose * (1.0 + dose / alpha_beta_gy)


@dataclass(frozen=True, slots=True)
class DoseCurve:
    """A model of eta with parameters theta, its gradient, and its link.

    Parameters
    ----------
    model : {"logistic", "poisson", "poisson-dvh"}
        Form of the curve.
    alpha_beta_gy : float
        alpha/beta behind the BED of the Poisson models.
    """

    model: str
    alpha_beta_gy: float

    def eta(
        self, theta: FloatArray, dose_gy: FloatArray, volume_cc: FloatArray | None
    ) -> tuple[FloatArray, FloatArray]:
        """Return the predictor and its gradient.

        Parameters
        ----------
        theta : (2,) array
            Parameters, as in ``PARAMETERS``.
        dose_gy : (n,) array, or (n, bins) for poisson-dvh
        volume_cc : (n, bins) array or None
            Volume of each bin, for poisson-dvh.

        Returns
        -------
        eta : (n,) array
        gradient : (n, 2) array
        """
        if self.model == "poisson-dvh":
            assert volume_cc is not None
            alpha = np.exp(np.clip(theta[1], -20.0, 5.0))  # a wild step is halved, it must not overflow
            effect = _bed(dose_gy, self.alpha_beta_gy)
            with np.errstate(divide="ignore"):
                logs = np.log(volume_cc) - alpha * effect
            total = special.logsumexp(logs, axis=1)
            share = np.exp(logs - total[:, None])
            return theta[0] + total, np.column_stack((np.ones(total.size), -alpha * (share * effect).sum(axis=1)))
        x = dose_gy if self.model == "logistic" else _bed(dose_gy, self.alpha_beta_gy)
        return theta[0] + theta[1] * x, np.column_stack((np.ones(x.size), x))

    def tcp(self, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return TCP and its derivative by eta."""
        if self.model == "logistic":
            p = special.expit(eta)
            return p, p * (1.0 - p)
        survivors = np.exp(np.minimum(eta, 700.0))
        p = np.exp(-survivors)
        return p, -np.where(p > 0, survivors * p, 0.0)

    def start(self, control: float, dose_gy: FloatArray, volume_cc: FloatArray | None) -> list[FloatArray]:
        """Return parameters to begin from.

        Parameters
        ----------
        control : float
            Observed mean control, between 0 and 1.
        dose_gy, volume_cc
            As for :meth:`eta`.

        Returns
        -------
        list of (2,) array
        """
        level = special.logit(control) if self.model == "logistic" else np.log(-np.log(control))
        if self.model != "poisson-dvh":
            return [np.array([level, 0.0])]
        guesses = []
        for alpha in (0.003, 0.01, 0.03, 0.1, 0.3):
            eta, _ = self.eta(np.array([0.0, np.log(alpha)]), dose_gy, volume_cc)
            guesses.append(np.array([level - np.median(eta), np.log(alpha)]))
        return guesses


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TcpFit:
    """A fitted dose-response curve.

    Parameters
    ----------
    curve : DoseCurve
        Form of the curve.
    method : {"ipcw", "likelihood"}
        How censoring was handled.
    horizon : float or None
        Time at which control is meant; None: control for good (likelihood).
    parameters : tuple of str
        Names of ``theta``: (intercept, slope) of eta; for poisson-dvh (log clonogens per cc, log alpha); the likelihood
        adds (log scale, log shape) of the time to recurrence.
    theta : (k,) array
        Estimates.
    covariance : (k, k) array
        Sandwich by patient where clusters were given. With ipcw the weights count as known: a little too wide.
    loglik : float
        (Weighted) log likelihood.
    n, n_events, n_clusters : int
        Lesions that carry information, recurrences among them, clusters.
    """

    curve: DoseCurve
    method: str
    horizon: float | None
    parameters: tuple[str, ...]
    theta: FloatArray
    covariance: FloatArray
    loglik: float
    n: int
    n_events: int
    n_clusters: int

    def __post_init__(self) -> None:
        k = len(self.parameters)
        freeze(self, "theta", (k,))
        freeze(self, "covariance", (k, k))

    @property
    def rising(self) -> bool:
        """Whether control rises with dose; if not, D50, gamma50 and alpha have no meaning."""
        slope = self.theta[1] if self.curve.model == "logistic" else -self.theta[1]
        return self.curve.model == "poisson-dvh" or bool(slope > 0)

    @property
    def slope_p(self) -> float:
        """Two-sided p that control does not depend on dose (logistic and poisson on one dose)."""
        if self.curve.model == "poisson-dvh":
            return float("nan")
        return float(2.0 * scipy.stats.norm.sf(abs(self.theta[1]) / np.sqrt(self.covariance[1, 1])))

    def _derived(self, theta: FloatArray) -> FloatArray:
        """Logarithms of (D50, gamma50), for a logistic curve or a Poisson curve from one dose."""
        if self.curve.model == "logistic":
            return np.array([np.log(-theta[0] / theta[1]), np.log(-theta[0] / 4.0)])
        r = self.curve.alpha_beta_gy
        bed50 = (np.log(np.log(2.0)) - theta[0]) / theta[1]
        d50 = r / 2.0 * (np.sqrt(1.0 + 4.0 * bed50 / r) - 1.0)
        gamma = -np.log(2.0) / 2.0 * theta[1] * d50 * (1.0 + 2.0 * d50 / r)
        return np.array([np.log(d50), np.log(gamma)])

    def d50_gamma50(self, conf_level: float = 0.95) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """Return (estimate, lower, upper) of D50 (Gy) and of gamma50 (percent control per percent dose).

        Intervals by the delta method on the log scale. NaN where control does not rise with dose, where the curve does
        not reach one half at a positive dose, and for the whole-DVH model, which has no one dose.
        """
        nan3 = (float("nan"),) * 3
        if self.curve.model == "poisson-dvh" or not self.rising:
            return nan3, nan3
        with np.errstate(invalid="ignore", divide="ignore"):
            value = self._derived(self.theta[:2])
        if not np.isfinite(value).all():
            return nan3, nan3
        step = 1e-6 * np.maximum(np.abs(self.theta[:2]), 1e-3)
        moved = [
            (self._derived(self.theta[:2] + h) - self._derived(self.theta[:2] - h)) / (2.0 * h.sum())
            for h in np.diag(step)
        ]
        jacobian = np.column_stack(moved)
        half = scipy.stats.norm.ppf(0.5 + conf_level / 2.0) * np.sqrt(
            np.diag(jacobian @ self.covariance[:2, :2] @ jacobian.T)
        )
        rows = [
            (float(np.exp(v)), float(np.exp(v - h)), float(np.exp(v + h))) for v, h in zip(value, half, strict=True)
        ]
        return rows[0], rows[1]

    def tcp(
        self, dose_gy: npt.ArrayLike, volume_cc: npt.ArrayLike | None = None, *, conf_level: float = 0.95
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return TCP with its pointwise limits.

        Parameters
        ----------
        dose_gy : (n,) array_like, or (n, bins) for poisson-dvh
        volume_cc : (n, bins) array_like, optional
            Volume of each bin, for poisson-dvh.
        conf_level : float
            Coverage.

        Returns
        -------
        value, lower, upper : (n,) arrays
        """
        dose = np.asarray(dose_gy, dtype=np.float64)
        volume = None if volume_cc is None else np.asarray(volume_cc, dtype=np.float64)
        eta, jacobian = self.curve.eta(self.theta[:2], dose, volume)
        error = np.sqrt(np.einsum("ni,ij,nj->n", jacobian, self.covariance[:2, :2], jacobian))
        half = scipy.stats.norm.ppf(0.5 + conf_level / 2.0) * error
        ends = self.curve.tcp(eta - half)[0], self.curve.tcp(eta + half)[0]
        return self.curve.tcp(eta)[0], np.minimum(*ends), np.maximum(*ends)


def dose_rows(
    model: str, dose_gy: npt.ArrayLike, volume_cc: npt.ArrayLike | None, n: int
) -> tuple[FloatArray, FloatArray | None]:
    """Return doses, or DVHs with volumes, checked.

    Parameters
    ----------
    model : {"logistic", "poisson", "poisson-dvh"}
    dose_gy : (n,) array_like, or (n, bins) for poisson-dvh
    volume_cc : (n, bins) array_like or None
        Volume of each bin, for poisson-dvh.
    n : int
        Lesions expected.

    Returns
    -------
    dose_gy : (n,) or (n, bins) array
    volume_cc : (n, bins) array or None

    Raises
    ------
    InputError
        Unknown model, another shape, doses or volumes that cannot be right, one dose for all.
    """
    if model not in PARAMETERS:
        raise InputError("model must be logistic, poisson or poisson-dvh", got=model)
    dose = np.asarray(dose_gy, dtype=np.float64)
    whole = model == "poisson-dvh"
    if dose.shape[:1] != (n,) or dose.ndim != 1 + whole or not (np.isfinite(dose) & (dose >= 0)).all():
        want = "one row of bins a lesion" if whole else "one number a lesion"
        raise InputError(f"dose_gy must be finite, not negative, {want}", got=f"shape {dose.shape} for {n} lesions")
    if not whole:
        if not np.ptp(dose) > 0:
            raise InputError("a dose response needs different doses", got=f"{dose[0]:g} Gy for every lesion")
        return dose, None
    volume = np.asarray(volume_cc, dtype=np.float64)
    if volume.shape != dose.shape or not (volume >= 0).all() or not (volume.sum(axis=1) > 0).all():
        raise InputError(
            "volume_cc must have the shape of dose_gy and be positive in total",
            got=f"shape {volume.shape}",
            remedy="Pad short histograms with volume 0.",
        )
    return dose, volume
