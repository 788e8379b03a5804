"""Survival predicted by a Cox model for given covariates, with limits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, freeze
from hdrplan.errors import InputError
from hdrplan.outcomes.cox_model import CoxFit
from hdrplan.outcomes.nonparametric import ConfType, survival_interval
from hdrplan.outcomes.partial_likelihood import RiskSets

__all__ = ["PredictedSurvival", "predicted_survival"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PredictedSurvival:
    """Predicted survival of some profiles of covariates at some times.

    Parameters
    ----------
    times : (m,) array
    survival, std_err, lower, upper : (r, m) arrays
        Of each profile at each time; limits are NaN where the survival is 0.
    conf_type, conf_level
        Scale and coverage of the limits.
    """

    times: FloatArray
    survival: FloatArray
    std_err: FloatArray
    lower: FloatArray
    upper: FloatArray
    conf_type: ConfType
    conf_level: float

    def __post_init__(self) -> None:
        freeze(self, "times", (None,))
        for name in ("survival", "std_err", "lower", "upper"):
            freeze(self, name, (None, self.times.size), finite=False)


def predicted_survival(
    fit: CoxFit,
    covariates: npt.ArrayLike,
    times: npt.ArrayLike,
    *,
    stratum: object = None,
    conf_type: ConfType = "log-log",
    conf_level: float = 0.95,
) -> PredictedSurvival:
    """Return the survival that a Cox model predicts, with its error: of the baseline and of the coefficients.

    Parameters
    ----------
    fit : CoxFit
    covariates : (r, k) array_like
        Profiles, in the order of ``fit.names``; the offset counts as 0.
    times : (m,) array_like
    stratum : object
        Label of the stratum; None for a model without strata.
    conf_type : {"log-log", "log", "plain"}
    conf_level : float

    Returns
    -------
    PredictedSurvival
        Errors by cluster, and of weights that are no counts, are the infinitesimal jackknife; others are R's of
        ``survfit(coxph)``.

    Raises
    ------
    InputError
        A stratum that the model does not have, profiles of another length, exact ties.

    References
    ----------
    A. A. Tsiatis, Ann Stat 1981;9:93-108, DOI 10.1214/aos/1176345335.
    T. M. Therneau, P. M. Grambsch, Modeling Survival Data, Springer 2000, chapter 10.
    """
    x = np.atleast_2d(np.asarray(covariates, dtype=np.float64))
    if x.shape[1] != len(fit.names) or not np.isfinite(x).all():
        raise InputError(f"a profile must have finite values of {', '.join(fit.names)}", got=f"shape {x.shape}")
    if stratum not in fit.data.strata.labels:
        raise InputError("the stratum must be one of the model", got=stratum, where=list(fit.data.strata.labels))
    at = np.atleast_1d(np.asarray(times, dtype=np.float64))
    centred = x - fit.data.covariates.mean(axis=0)
    sets = fit.risk_sets()[fit.data.strata.labels.index(stratum)]
    relative = np.exp(centred @ fit.coef)
    hazard, error = np.empty((x.shape[0], at.size)), np.empty((x.shape[0], at.size))
    baseline = _Baseline(sets, fit.coef)
    dfbeta = None if fit.robust_covariance is None else fit.dfbeta()
    for j, t in enumerate(at):
        total, mean = baseline.until(t)
        slope = centred * total - mean
        hazard[:, j] = relative * total
        if dfbeta is None:
            variance = baseline.variance(t) + np.einsum("ij,jk,ik->i", slope, fit.covariance, slope)
        else:
            own = np.zeros((fit.n, 1))
            own[sets.index, 0] = baseline.influence(t)
            moved = fit.data.rows.by_cluster(own + dfbeta @ slope.T)
            variance = (moved**2).sum(axis=0)
        error[:, j] = relative * np.sqrt(variance)
    survival = np.exp(-hazard)
    std_err = survival * error
    limits = [survival_interval(s, e, conf_type, conf_level) for s, e in zip(survival, std_err, strict=True)]
    return PredictedSurvival(
        times=at,
        survival=survival,
        std_err=std_err,
        lower=np.array([low for low, _ in limits]),
        upper=np.array([high for _, high in limits]),
        conf_type=conf_type,
        conf_level=conf_level,
    )


class _Baseline:
    """Cumulative baseline hazard at the mean covariates, and what its error is made of."""

    def __init__(self, sets: RiskSets, coef: FloatArray) -> None:
        at = sets.means(coef)
        scale = np.exp(-at.shift)
        self._sets = sets
        self._relative = at.hazard / np.where(sets.weight > 0, sets.weight, 1.0) / scale
        self._total = at.total / scale
        self._jump = sets.death_weight / self._total
        self._mean = at.mean
        self._time = sets.event_times[sets.death_time]

    def until(self, t: float) -> tuple[float, FloatArray]:
        """Return the hazard until ``t``, and its sum of mean covariates (k,)."""
        jump = self._jump * (self._time <= t)
        return float(jump.sum()), jump @ self._mean

    def variance(self, t: float) -> float:
        """Return the variance at known coefficients."""
        return float((self._jump / self._total * (self._time <= t)).sum())

    def influence(self, t: float) -> FloatArray:
        """Return how each sorted row moves it (n,), with its weight."""
        sets, done = self._sets, self._time <= t
        result = -self._relative * sets.passed_through(self._jump / self._total * done)
        inverse = np.add.reduceat(done / self._total, sets.starts)[sets.death_time]
        result[sets.deaths] += inverse / np.bincount(sets.death_time)[sets.death_time]
        weighted: FloatArray = sets.weight * result
        return weighted
