"""Dose response of control at a horizon, lesions weighted by the inverse of their chance of being observed that far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.outcomes.discrimination import censoring_survival
from hdrplan.outcomes.followup import FollowUp, refuse_late_entry
from hdrplan.outcomes.tcp import PARAMETERS, DoseCurve, Model, TcpFit, dose_rows

__all__ = ["fit_tcp"]

# Log likelihood of each row, its score (n, 2), and the expected information (2, 2).
_Pieces = tuple[FloatArray, FloatArray, FloatArray]

# A step this short, in standard deviations, ends the search.
_SETTLED = 1e-9


def fit_tcp(
    rows: FollowUp,
    dose_gy: npt.ArrayLike,
    *,
    horizon: float,
    model: Model = "logistic",
    volume_cc: npt.ArrayLike | None = None,
    alpha_beta_gy: float = 10.0,
) -> TcpFit:
    """Fit a dose response of control at a horizon, weighting for censoring before it.

    Lesions that recurred by the horizon failed; those followed beyond it without recurrence succeeded; each counts
    1 / G, the inverse of its probability of being observed that far.

    Parameters
    ----------
    rows : FollowUp
        Follow-up to local recurrence, other ends (death, loss) censored; without late entry. Where it has clusters,
        errors are summed by cluster.
    dose_gy : (n,) array_like, or (n, bins) for poisson-dvh
        Dose that stands for each lesion (D100), or the doses of its DVH bins.
    horizon : float
        Time of interest, in the unit of the times.
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
        Doses that cannot be right; no failures or no successes by the horizon.
    InfeasibleError
        No finite estimate: dose separates failures from successes.

    References
    ----------
    S. Webb, A. E. Nahum, Phys Med Biol 1993;38:653-666, DOI 10.1088/0031-9155/38/6/001 (Poisson, whole DVH).
    S. M. Bentzen, S. L. Tucker, Int J Radiat Biol 1997;71:531-542, DOI 10.1080/095530097143860 (D50, gamma50).
    J. M. Robins, A. Rotnitzky, in AIDS Epidemiology, Birkhauser 1992, 297-331 (censoring weights).
    """
    refuse_late_entry(rows, "a dose response")
    dose, volume = dose_rows(model, dose_gy, volume_cc, rows.n)
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
    likelihood = _Likelihood(
        curve=DoseCurve(model, alpha_beta_gy),
        dose_gy=dose,
        volume_cc=volume,
        controlled=controlled.astype(np.float64),
        weight=np.where(used, 1.0 / np.where(g > 0, g, 1.0), 0.0),
    )
    theta = likelihood.maximum()
    if theta is None:
        raise InfeasibleError(
            f"the {model} dose response has no finite estimate",
            got="dose separates failures from controls, carries no information"
            + (", or only the coldest part of the volume does" if model == "poisson-dvh" else ""),
            remedy="Report the observed control by dose instead.",
        )
    loglik, score, information = likelihood.pieces(theta)
    bread = np.linalg.inv(information)
    n_clusters, meat = _meat(rows, score, used)
    return TcpFit(
        curve=likelihood.curve,
        method="ipcw",
        horizon=float(horizon),
        parameters=PARAMETERS[model],
        theta=theta,
        covariance=bread @ meat @ bread,
        loglik=float(loglik.sum()),
        n=int(used.sum()),
        n_events=int(failed.sum()),
        n_clusters=n_clusters,
    )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Likelihood:
    """Weighted binomial likelihood of control at the horizon, on a dose-response curve."""

    curve: DoseCurve
    dose_gy: FloatArray
    volume_cc: FloatArray | None
    controlled: FloatArray
    weight: FloatArray

    def pieces(self, theta: FloatArray) -> _Pieces:
        """Per row: log likelihood and score (n, 2); and the expected information."""
        y, weight = self.controlled, self.weight
        eta, jacobian = self.curve.eta(theta, self.dose_gy, self.volume_cc)
        p, slope = self.curve.tcp(eta)
        p = np.clip(p, 1e-12, 1.0 - 1e-12)
        loglik = weight * (y * np.log(p) + (1.0 - y) * np.log1p(-p))
        score = (weight * (y - p) / (p * (1.0 - p)) * slope)[:, None] * jacobian
        information = (jacobian * (weight * slope**2 / (p * (1.0 - p)))[:, None]).T @ jacobian
        return loglik, score, information

    def maximum(self) -> FloatArray | None:
        """Parameters of the highest likelihood; None where there is no finite maximum."""
        control = float(np.clip((self.weight * self.controlled).sum() / self.weight.sum(), 0.01, 0.99))
        fits = [_scoring(self.pieces, guess) for guess in self.curve.start(control, self.dose_gy, self.volume_cc)]
        finite = [theta for theta in fits if theta is not None]
        return max(finite, key=lambda theta: float(self.pieces(theta)[0].sum()), default=None)


def _meat(rows: FollowUp, score: FloatArray, used: BoolArray) -> tuple[int, FloatArray]:
    """Clusters that carry information, and the sum of squares of their scores."""
    if rows.cluster is None:
        return int(used.sum()), score.T @ score
    total = rows.cluster.enough_for(score.shape[1]).sum(score)
    return int(np.unique(rows.cluster.codes[used]).size), total.T @ total


def _scoring(pieces: Callable[[FloatArray], _Pieces], start: FloatArray) -> FloatArray | None:
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
        # However short, the step does not climb: alpha is held at its bound, where the likelihood is flat and the score
        # is not. Going on would never leave (two starts of five on most cohorts, 4/5 of the time of `correlate`).
        if halvings and change >= _SETTLED and not trial[0].sum() > loglik.sum():
            return None
        theta, (loglik, score, information) = theta + step, trial
        if change < _SETTLED:
            scale = np.sqrt(np.maximum(np.diag(information), 1e-300))
            sound = np.linalg.cond(information / np.outer(scale, scale)) < 1e10 and np.abs(theta).max() < 1e4
            return theta if sound else None
    return None
