"""Tumour control probability: how the chance of local control rises with dose, from censored follow-up.

Two links carry every model here, with eta the predictor of a lesion:

- logistic: TCP = 1 / (1 + exp(-eta)), eta = 4 gamma50 (D / D50 - 1);
- poisson: TCP = exp(-exp(eta)), exp(eta) the expected number of surviving clonogens: N0 exp(-alpha BED) from one dose,
  or density x sum over the DVH of volume x exp(-alpha BED).

A lesion censored before the horizon is neither a success nor a failure. Leaving it out biases the curve; so it is
represented by others (inverse probability of censoring), or the whole time course enters the likelihood.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats

from hdrplan.arrays import FloatArray, freeze
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.outcomes.discrimination import censoring_survival
from hdrplan.outcomes.followup import follow_up, labels_and_codes
from hdrplan.outcomes.interval import checked_intervals
from hdrplan.outcomes.nonparametric import kaplan_meier

__all__ = ["ControlBin", "TcpFit", "control_by_dose", "fit_tcp", "fit_tcp_intervals"]

Model = Literal["logistic", "poisson", "poisson-dvh"]

_PARAMETERS = {
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
class _Curve:
    """A model of eta with parameters theta, its gradient, and its link."""

    model: str
    alpha_beta_gy: float

    def eta(
        self, theta: FloatArray, dose_gy: FloatArray, volume_cc: FloatArray | None
    ) -> tuple[FloatArray, FloatArray]:
        """Predictor (n,) and its gradient by the two parameters (n, 2)."""
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
        """TCP and its derivative by eta."""
        if self.model == "logistic":
            p = special.expit(eta)
            return p, p * (1.0 - p)
        survivors = np.exp(np.minimum(eta, 700.0))
        p = np.exp(-survivors)
        return p, -np.where(p > 0, survivors * p, 0.0)

    def start(self, control: float, dose_gy: FloatArray, volume_cc: FloatArray | None) -> list[FloatArray]:
        """Parameters to begin from, with the observed mean control."""
        level = special.logit(control) if self.model == "logistic" else np.log(-np.log(control))
        if self.model != "poisson-dvh":
            return [np.array([level, 0.0])]
        guesses = []
        for alpha in (0.003, 0.01, 0.03, 0.1, 0.3):
            eta, _ = self.eta(np.array([0.0, np.log(alpha)]), dose_gy, volume_cc)
            guesses.append(np.array([level - np.median(eta), np.log(alpha)]))
        return guesses


@dataclass(frozen=True, slots=True, eq=False)
class TcpFit:
    """A fitted dose-response curve.

    Parameters
    ----------
    model : {"logistic", "poisson", "poisson-dvh"}
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
    alpha_beta_gy : float
        alpha/beta behind the BED of the Poisson models.
    loglik : float
        (Weighted) log likelihood.
    n, n_events, n_clusters : int
        Lesions that carry information, recurrences among them, clusters.
    """

    model: str
    method: str
    horizon: float | None
    parameters: tuple[str, ...]
    theta: FloatArray
    covariance: FloatArray
    alpha_beta_gy: float
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
        return self.model == "poisson-dvh" or (self.theta[1] > 0) == (self.model == "logistic")

    @property
    def slope_p(self) -> float:
        """Two-sided p that control does not depend on dose (logistic and poisson on one dose)."""
        if self.model == "poisson-dvh":
            return float("nan")
        return float(2.0 * stats.norm.sf(abs(self.theta[1]) / np.sqrt(self.covariance[1, 1])))

    def _derived(self, theta: FloatArray) -> FloatArray:
        """Logarithms of (D50, gamma50), for a logistic curve or a Poisson curve from one dose."""
        if self.model == "logistic":
            return np.array([np.log(-theta[0] / theta[1]), np.log(-theta[0] / 4.0)])
        r = self.alpha_beta_gy
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
        if self.model == "poisson-dvh" or not self.rising:
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
        half = stats.norm.ppf(0.5 + conf_level / 2.0) * np.sqrt(
            np.diag(jacobian @ self.covariance[:2, :2] @ jacobian.T)
        )
        rows = [
            (float(np.exp(v)), float(np.exp(v - h)), float(np.exp(v + h))) for v, h in zip(value, half, strict=True)
        ]
        return rows[0], rows[1]

    def tcp(
        self, dose_gy: npt.ArrayLike, volume_cc: npt.ArrayLike | None = None, *, conf_level: float = 0.95
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return TCP and its pointwise limits for doses (n,), or for DVHs (n, bins) with volumes (n, bins)."""
        dose = np.asarray(dose_gy, dtype=np.float64)
        volume = None if volume_cc is None else np.asarray(volume_cc, dtype=np.float64)
        curve = _Curve(self.model, self.alpha_beta_gy)
        eta, jacobian = curve.eta(self.theta[:2], dose, volume)
        error = np.sqrt(np.einsum("ni,ij,nj->n", jacobian, self.covariance[:2, :2], jacobian))
        half = stats.norm.ppf(0.5 + conf_level / 2.0) * error
        ends = curve.tcp(eta - half)[0], curve.tcp(eta + half)[0]
        return curve.tcp(eta)[0], np.minimum(*ends), np.maximum(*ends)


def _dose_rows(
    model: str, dose_gy: npt.ArrayLike, volume_cc: npt.ArrayLike | None, n: int
) -> tuple[FloatArray, FloatArray | None]:
    """Check and return doses (n,), or DVHs (n, bins) with volumes."""
    if model not in _PARAMETERS:
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


def fit_tcp(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    dose_gy: npt.ArrayLike,
    *,
    horizon: float,
    model: Model = "logistic",
    volume_cc: npt.ArrayLike | None = None,
    alpha_beta_gy: float = 10.0,
    cluster: npt.ArrayLike | None = None,
) -> TcpFit:
    """Fit a dose response of control at a horizon, weighting for censoring before it.

    Lesions that recurred by the horizon failed; those followed beyond it without recurrence succeeded; each counts
    1 / G, the inverse of its probability of being observed that far.

    Parameters
    ----------
    time, event : (n,) array_like
        Follow-up to local recurrence; other ends (death, loss) censored.
    dose_gy : (n,) array_like, or (n, bins) for poisson-dvh
        Dose that stands for each lesion (D100), or the doses of its DVH bins.
    horizon : float
        Time of interest, in the unit of ``time``.
    model : {"logistic", "poisson", "poisson-dvh"}
        Form of the curve.
    volume_cc : (n, bins) array_like, optional
        Volume of each DVH bin; pad with 0.
    alpha_beta_gy : float
        alpha/beta for the BED of the Poisson models; the usual 10 Gy for tumours is an assumption, print it.
    cluster : (n,) array_like, optional
        Patient of each lesion.

    Raises
    ------
    InputError
        Doses that cannot be right; no failures or no successes by the horizon.
    InfeasibleError
        No finite estimate: dose separates failures from successes.

    References
    ----------
    S. Webb, A. E. Nahum, Phys Med Biol 1993;38:653-666, DOI 10.1088/0031-9155/38/6/001 (Poisson, whole DVH).
    S. M. Bentzen, S. L. Tucker, Int J Radiat Biol 1997;71:531-542, DOI 10.1080/095530097143860 (D50, gamma50).
    J. M. Robins, A. Rotnitzky, in AIDS Epidemiology, Birkhauser 1992, 297-331 (censoring weights).
    """
    rows = follow_up(time, event)
    n = rows.time.size
    dose, volume = _dose_rows(model, dose_gy, volume_cc, n)
    failed = rows.event & (rows.time <= horizon)
    controlled = rows.time > horizon
    used = failed | controlled
    if not failed.any() or not controlled.any():
        raise InputError(
            "a dose response needs failures and controls at the horizon",
            got=f"{int(failed.sum())} failures, {int(controlled.sum())} followed beyond {horizon:g}",
            remedy="Choose another horizon.",
        )
    g = np.where(failed, censoring_survival(rows, rows.time, before=True), censoring_survival(rows, [horizon])[0])
    weight = np.where(used, 1.0 / np.where(g > 0, g, 1.0), 0.0)
    y = controlled.astype(np.float64)
    curve = _Curve(model, alpha_beta_gy)

    def pieces(theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Per row: log likelihood, score (n, 2), and the weight of its expected information."""
        eta, jacobian = curve.eta(theta, dose, volume)
        p, slope = curve.tcp(eta)
        p = np.clip(p, 1e-12, 1.0 - 1e-12)
        loglik = weight * (y * np.log(p) + (1.0 - y) * np.log1p(-p))
        score = (weight * (y - p) / (p * (1.0 - p)) * slope)[:, None] * jacobian
        information = (jacobian * (weight * slope**2 / (p * (1.0 - p)))[:, None]).T @ jacobian
        return loglik, score, information

    control = float(np.clip((weight * y).sum() / weight.sum(), 0.01, 0.99))
    found = [_scoring(pieces, guess) for guess in curve.start(control, dose, volume)]
    theta = max((f for f in found if f is not None), key=lambda f: float(pieces(f)[0].sum()), default=None)
    if theta is None:
        raise InfeasibleError(
            f"the {model} dose response has no finite estimate",
            got="dose separates failures from controls, or carries no information",
            remedy="Report the observed control by dose instead.",
        )
    loglik, score, information = pieces(theta)
    bread = np.linalg.inv(information)
    clusters, meat = _meat(score, cluster, used)
    return TcpFit(
        model, "ipcw", float(horizon), _PARAMETERS[model], theta, bread @ meat @ bread, alpha_beta_gy,
        float(loglik.sum()), int(used.sum()), int(failed.sum()), clusters,
    )  # fmt: skip


def _meat(score: FloatArray, cluster: npt.ArrayLike | None, used: npt.NDArray[np.bool_]) -> tuple[int, FloatArray]:
    if cluster is None:
        return int(used.sum()), score.T @ score
    labels, owner = labels_and_codes(cluster, score.shape[0], "cluster")
    total = np.zeros((len(labels), score.shape[1]))
    np.add.at(total, owner, score)
    return int(np.unique(owner[used]).size), total.T @ total


def _scoring(
    pieces: Callable[[FloatArray], tuple[FloatArray, FloatArray, FloatArray]], start: FloatArray
) -> FloatArray | None:
    """Fisher scoring with halving; None where it does not settle at a maximum."""
    theta = start
    loglik, score, information = pieces(theta)
    for _ in range(200):
        scale = np.sqrt(np.maximum(np.diag(information), 1e-300))
        step = np.linalg.lstsq(information / np.outer(scale, scale), score.sum(axis=0) / scale, rcond=None)[0] / scale
        trial, halvings = pieces(theta + step), 0
        while not trial[0].sum() >= loglik.sum() - 1e-12 * abs(loglik.sum()) and halvings < 40:
            step, halvings = step / 2.0, halvings + 1
            trial = pieces(theta + step)
        change = np.abs(step * scale).max()
        theta, (loglik, score, information) = theta + step, trial
        if change < 1e-9:
            scale = np.sqrt(np.maximum(np.diag(information), 1e-300))
            sound = np.linalg.cond(information / np.outer(scale, scale)) < 1e10 and np.abs(theta).max() < 1e4
            return theta if sound else None
    return None


def fit_tcp_intervals(
    left: npt.ArrayLike,
    right: npt.ArrayLike,
    dose_gy: npt.ArrayLike,
    *,
    model: Model = "logistic",
    volume_cc: npt.ArrayLike | None = None,
    alpha_beta_gy: float = 10.0,
    cluster: npt.ArrayLike | None = None,
) -> TcpFit:
    """Fit a dose response of control for good, with the time to recurrence Weibull and known between scans only.

    Logistic: survival TCP + (1 - TCP) (1 - F(t)), a mixture of cured and not cured. Poisson: TCP^F(t), each surviving
    clonogen growing to recurrence in its own time. Needs follow-up beyond the last recurrences to tell late from never.

    Parameters
    ----------
    left, right : (n,) array_like
        Last clean scan and first scan with recurrence; right infinite or missing where none was seen.
    dose_gy, model, volume_cc, alpha_beta_gy, cluster
        As for :func:`fit_tcp`.

    Raises
    ------
    InputError, InfeasibleError
        As for :func:`fit_tcp`.

    References
    ----------
    V. T. Farewell, Biometrics 1982;38:1041-1046, DOI 10.2307/2529885 (mixture).
    A. D. Tsodikov, J. G. Ibrahim, A. Y. Yakovlev, J Am Stat Assoc 2003;98:1063-1078, DOI 10.1198/01622145030000001007.
    """
    low, high = checked_intervals(left, right)
    exact = low == high
    if exact.any():
        raise InputError(
            "intervals must have a length", got=f"{int(exact.sum())} rows with left = right",
            remedy="Recurrence is found by scans: give the last clean scan as left.",
        )  # fmt: skip
    dose, volume = _dose_rows(model, dose_gy, volume_cc, low.size)
    failed = np.isfinite(high)
    if not failed.any() or failed.all():
        raise InputError("a dose response needs failures and controls", got=f"{int(failed.sum())} of {low.size} failed")
    curve = _Curve(model, alpha_beta_gy)

    def pieces(theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Per row: log likelihood and score (n, 4)."""
        eta, jacobian = curve.eta(theta[:2], dose, volume)
        control, slope = curve.tcp(eta)
        control = np.clip(control, 1e-12, 1.0 - 1e-12)
        s_low, d_low = _time_course(model, control, low, theta[2:])
        s_high, d_high = _time_course(model, control, high, theta[2:])
        s_high, d_high = np.where(failed, s_high, 0.0), np.where(failed[:, None], d_high, 0.0)
        p = np.maximum(s_low - s_high, 1e-150)
        d = (d_low - d_high) / p[:, None]
        return np.log(p), np.hstack(((d[:, 0] * slope)[:, None] * jacobian, d[:, 1:]))

    level = float(np.clip(1.0 - failed.mean() * 1.2, 0.05, 0.95))
    middle = float(np.log(np.median(high[failed])))
    scale = np.array([1.0, 0.1 if model != "poisson-dvh" else 1.0, 1.0, 1.0])

    def objective(scaled: FloatArray) -> tuple[float, FloatArray]:
        loglik, score = pieces(scaled * scale)
        return -float(loglik.sum()), -score.sum(axis=0) * scale

    fits = [
        optimize.minimize(
            objective,
            np.concatenate((guess, [middle, 0.0])) / scale,
            jac=True,
            method="BFGS",
            options={"gtol": 1e-7, "maxiter": 500},
        )
        for guess in curve.start(level, dose, volume)
    ]
    best = min(fits, key=lambda f: float(f.fun))
    theta = np.asarray(best.x) * scale
    hessian = np.empty((4, 4))
    for k in range(4):
        h = np.zeros(4)
        h[k] = 1e-5 * max(abs(theta[k]), 1e-2)
        hessian[k] = (pieces(theta - h)[1] - pieces(theta + h)[1]).sum(axis=0) / (2.0 * h[k])
    hessian = (hessian + hessian.T) / 2.0
    size = np.sqrt(np.maximum(np.diag(hessian), 1e-300))
    if np.linalg.eigvalsh(hessian / np.outer(size, size)).min() < 1e-8 or np.abs(theta).max() > 1e4:
        raise InfeasibleError(
            f"the {model} dose response with its time course has no finite estimate",
            got=f"{int(failed.sum())} recurrences",
            remedy="Follow-up may be too short to tell late from never: use fit_tcp at a horizon.",
        )
    bread = np.linalg.inv(hessian)
    loglik, score = pieces(theta)
    covariance: FloatArray = bread.astype(np.float64)
    clusters = low.size
    if cluster is not None:
        clusters, meat = _meat(score, cluster, np.ones(low.size, dtype=np.bool_))
        covariance = bread @ meat @ bread
    names = (*_PARAMETERS[model], "log scale of time", "log shape of time")
    return TcpFit(
        model, "likelihood", None, names, theta, covariance, alpha_beta_gy,
        float(loglik.sum()), low.size, int(failed.sum()), clusters,
    )  # fmt: skip


def _time_course(model: str, control: FloatArray, time: FloatArray, shape: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Survival at a time, and its derivatives by control probability, log scale and log shape of the Weibull time."""
    k = np.exp(np.clip(shape[1], -5.0, 5.0))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        z = k * (np.log(time) - shape[0])
        hazard = np.exp(np.clip(z, -700.0, 700.0))
        f = -np.expm1(-np.minimum(hazard, 700.0))
        df = np.where((time > 0) & (hazard < 700.0), hazard * np.exp(-np.minimum(hazard, 700.0)), 0.0)
        f = np.where(time > 0, f, 0.0)
        by_shape = np.where(df > 0, df * np.where(np.isfinite(z), z, 0.0), 0.0)
    by_scale = -k * df
    if model == "logistic":
        survival, by_control, by_f = 1.0 - (1.0 - control) * f, f, -(1.0 - control)
    else:
        survival = control**f
        by_control, by_f = f * survival / control, np.log(control) * survival
    return survival, np.column_stack((by_control, by_f * by_scale, by_f * by_shape))


@dataclass(frozen=True, slots=True)
class ControlBin:
    """Observed control of the lesions in one range of dose: what a fitted curve is held against."""

    dose_gy: float
    low_gy: float
    high_gy: float
    control: float
    lower: float
    upper: float
    n: int
    n_events: int


def control_by_dose(
    time: npt.ArrayLike, event: npt.ArrayLike, dose_gy: npt.ArrayLike, *, horizon: float, n_bins: int = 5
) -> tuple[ControlBin, ...]:
    """Return Kaplan-Meier control at the horizon, with log-log limits, in equal groups of lesions ordered by dose.

    Parameters
    ----------
    time, event, dose_gy : (n,) array_like
        Follow-up and dose of each lesion.
    horizon : float
        Time of interest.
    n_bins : int
        Groups; tied doses stay together, so there may be fewer.
    """
    rows = follow_up(time, event)
    dose, _ = _dose_rows("logistic", dose_gy, None, rows.time.size)
    edges = np.unique(np.quantile(dose, np.linspace(0.0, 1.0, n_bins + 1), method="inverted_cdf"))
    place = np.clip(np.searchsorted(edges[1:-1], dose, side="left"), 0, edges.size - 2)
    bins = []
    for k in np.unique(place):
        here = place == k
        curve = kaplan_meier(rows.time[here], rows.event[here])
        low, high = curve.interval_at([horizon])
        bins.append(
            ControlBin(
                float(np.median(dose[here])),
                float(dose[here].min()),
                float(dose[here].max()),
                float(curve.survival_at([horizon])[0]),
                float(low[0]),
                float(high[0]),
                curve.n,
                curve.n_events,
            )
        )
    return tuple(bins)
