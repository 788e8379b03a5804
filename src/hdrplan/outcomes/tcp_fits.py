"""Fits of dose-response curves to censored follow-up, and observed control by dose to hold them against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize

from hdrplan.arrays import FloatArray
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.outcomes.discrimination import censoring_survival
from hdrplan.outcomes.followup import clusters, follow_up
from hdrplan.outcomes.nonparametric import kaplan_meier
from hdrplan.outcomes.tcp import PARAMETERS, DoseCurve, Model, TcpFit, dose_rows
from hdrplan.outcomes.turnbull import checked_intervals

__all__ = ["ControlBin", "control_by_dose", "fit_tcp", "fit_tcp_intervals"]


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
    dose, volume = dose_rows(model, dose_gy, volume_cc, n)
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
    curve = DoseCurve(model, alpha_beta_gy)

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
    n_clusters, meat = _meat(score, cluster, used)
    return TcpFit(
        model, "ipcw", float(horizon), PARAMETERS[model], theta, bread @ meat @ bread, alpha_beta_gy,
        float(loglik.sum()), int(used.sum()), int(failed.sum()), n_clusters,
    )  # fmt: skip


def _meat(score: FloatArray, cluster: npt.ArrayLike | None, used: npt.NDArray[np.bool_]) -> tuple[int, FloatArray]:
    if cluster is None:
        return int(used.sum()), score.T @ score
    labels, owner = clusters(cluster, score.shape[0], score.shape[1])
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
    dose, volume = dose_rows(model, dose_gy, volume_cc, low.size)
    failed = np.isfinite(high)
    if not failed.any() or failed.all():
        raise InputError("a dose response needs failures and controls", got=f"{int(failed.sum())} of {low.size} failed")
    curve = DoseCurve(model, alpha_beta_gy)

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
    n_clusters = low.size
    if cluster is not None:
        n_clusters, meat = _meat(score, cluster, np.ones(low.size, dtype=np.bool_))
        covariance = bread @ meat @ bread
    names = (*PARAMETERS[model], "log scale of time", "log shape of time")
    return TcpFit(
        model, "likelihood", None, names, theta, covariance, alpha_beta_gy,
        float(loglik.sum()), low.size, int(failed.sum()), n_clusters,
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
    dose, _ = dose_rows("logistic", dose_gy, None, rows.time.size)
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
