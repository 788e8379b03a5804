"""Dose response of control for good, the whole time course in the likelihood, recurrence known between scans only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.outcomes.scan_intervals import Intervals
from hdrplan.outcomes.tcp import PARAMETERS, DoseCurve, Model, TcpFit, dose_rows

__all__ = ["fit_tcp_intervals"]


def fit_tcp_intervals(
    rows: Intervals,
    dose_gy: npt.ArrayLike,
    *,
    model: Model = "logistic",
    volume_cc: npt.ArrayLike | None = None,
    alpha_beta_gy: float = 10.0,
) -> TcpFit:
    """Fit a dose response of control for good, with the time to recurrence Weibull and known between scans only.

    Logistic: survival TCP + (1 - TCP) (1 - F(t)), a mixture of cured and not cured. Poisson: TCP^F(t), each surviving
    clonogen growing to recurrence in its own time. Needs follow-up beyond the last recurrences to tell late from never.

    Parameters
    ----------
    rows : Intervals
        Last clean scan and first scan with recurrence. Where they have clusters, errors are summed by cluster.
    dose_gy : (n,) array_like, or (n, bins) for poisson-dvh
        Dose that stands for each lesion (D100), or the doses of its DVH bins.
    model : {"logistic", "poisson", "poisson-dvh"}
        Form of the curve.
    volume_cc : (n, bins) array_like, optional
        Volume of each DVH bin; pad with 0.
    alpha_beta_gy : float
        alpha/beta for the BED of the Poisson models; the usual 10 Gy for tumours is an assumption, print it.

    Returns
    -------
    TcpFit

    Raises
    ------
    InputError
        Intervals without length, doses that cannot be right, no failures or no controls.
    InfeasibleError
        No finite estimate: follow-up may be too short to tell late from never.

    References
    ----------
    V. T. Farewell, Biometrics 1982;38:1041-1046, DOI 10.2307/2529885 (mixture).
    A. D. Tsodikov, J. G. Ibrahim, A. Y. Yakovlev, J Am Stat Assoc 2003;98:1063-1078, DOI 10.1198/01622145030000001007.
    """
    exact = rows.left == rows.right
    if exact.any():
        raise InputError(
            "intervals must have a length",
            got=f"{int(exact.sum())} rows with left = right",
            remedy="Recurrence is found by scans: give the last clean scan as left.",
        )
    dose, volume = dose_rows(model, dose_gy, volume_cc, rows.n)
    failed = rows.seen
    if not failed.any() or failed.all():
        raise InputError("a dose response needs failures and controls", got=f"{int(failed.sum())} of {rows.n} failed")
    likelihood = _Likelihood(
        rows=rows, failed=failed, curve=DoseCurve(model, alpha_beta_gy), dose_gy=dose, volume_cc=volume
    )
    theta = likelihood.maximum()
    hessian = likelihood.information(theta)
    size = np.sqrt(np.maximum(np.diag(hessian), 1e-300))
    if np.linalg.eigvalsh(hessian / np.outer(size, size)).min() < 1e-8 or np.abs(theta).max() > 1e4:
        raise InfeasibleError(
            f"the {model} dose response with its time course has no finite estimate",
            got=f"{int(failed.sum())} recurrences",
            remedy="Follow-up may be too short to tell late from never: use fit_tcp at a horizon.",
        )
    covariance: FloatArray = np.linalg.inv(hessian).astype(np.float64)
    loglik, score = likelihood.pieces(theta)
    if rows.cluster is not None:
        total = rows.cluster.enough_for(score.shape[1]).sum(score)
        covariance = covariance @ (total.T @ total) @ covariance
    return TcpFit(
        curve=likelihood.curve,
        method="likelihood",
        horizon=None,
        parameters=(*PARAMETERS[model], "log scale of time", "log shape of time"),
        theta=theta,
        covariance=covariance,
        loglik=float(loglik.sum()),
        n=rows.n,
        n_events=int(failed.sum()),
        n_clusters=rows.n if rows.cluster is None else len(rows.cluster),
    )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Likelihood:
    """Likelihood of intervals by the two parameters of the curve, log scale and log shape of the Weibull time."""

    rows: Intervals
    failed: BoolArray
    curve: DoseCurve
    dose_gy: FloatArray
    volume_cc: FloatArray | None

    def pieces(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Per row: log likelihood and score (n, 4)."""
        model, failed = self.curve.model, self.failed
        eta, jacobian = self.curve.eta(theta[:2], self.dose_gy, self.volume_cc)
        control, slope = self.curve.tcp(eta)
        control = np.clip(control, 1e-12, 1.0 - 1e-12)
        s_low, d_low = _time_course(model, control, self.rows.left, theta[2:])
        s_high, d_high = _time_course(model, control, self.rows.right, theta[2:])
        s_high, d_high = np.where(failed, s_high, 0.0), np.where(failed[:, None], d_high, 0.0)
        p = np.maximum(s_low - s_high, 1e-150)
        d = (d_low - d_high) / p[:, None]
        return np.log(p), np.hstack(((d[:, 0] * slope)[:, None] * jacobian, d[:, 1:]))

    def maximum(self) -> FloatArray:
        """Parameters of the highest likelihood, from every start."""
        level = float(np.clip(1.0 - self.failed.mean() * 1.2, 0.05, 0.95))
        middle = float(np.log(np.median(self.rows.right[self.failed])))
        scale = np.array([1.0, 0.1 if self.curve.model != "poisson-dvh" else 1.0, 1.0, 1.0])

        def objective(scaled: FloatArray) -> tuple[float, FloatArray]:
            loglik, score = self.pieces(scaled * scale)
            return -float(loglik.sum()), -score.sum(axis=0) * scale

        fits = [
            scipy.optimize.minimize(
                objective,
                np.concatenate((guess, [middle, 0.0])) / scale,
                jac=True,
                method="BFGS",
                options={"gtol": 1e-7, "maxiter": 500},
            )
            for guess in self.curve.start(level, self.dose_gy, self.volume_cc)
        ]
        best = min(fits, key=lambda fit: float(fit.fun))
        theta: FloatArray = np.asarray(best.x) * scale
        return theta

    def information(self, theta: FloatArray) -> FloatArray:
        """Observed information (4, 4), by central differences of the score."""
        hessian = np.empty((4, 4))
        for k in range(4):
            h = np.zeros(4)
            h[k] = 1e-5 * max(abs(theta[k]), 1e-2)
            hessian[k] = (self.pieces(theta - h)[1] - self.pieces(theta + h)[1]).sum(axis=0) / (2.0 * h[k])
        return (hessian + hessian.T) / 2.0


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
