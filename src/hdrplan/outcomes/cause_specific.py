"""Risk of an event while others compete, predicted from a Cox model of each cause."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray
from hdrplan.errors import InputError
from hdrplan.outcomes.cox_model import CoxFit

__all__ = ["predicted_incidence"]

# Rows computed at once: a block times all event times stays below some 30 MB.
_BLOCK = 4096
# Log hazard ratios stop here; exp(709) is the largest number.
_LARGEST = 700.0


def predicted_incidence(
    event: CoxFit,
    other: CoxFit | None,
    covariates: npt.ArrayLike,
    at: npt.ArrayLike,
    *,
    strata: npt.ArrayLike | None = None,
) -> FloatArray:
    """Return the predicted probability of the event by some times, the other causes competing.

    The sum over event times of S(t-) (1 - exp(-J)) times the share of the event in J, the jump of all hazards summed up
    at t, with S(t-) the exponential of minus all of them before t: between 0 and 1, and 1 - exp(-H) where nothing else
    can happen.

    Parameters
    ----------
    event : CoxFit
        Cause-specific model of the event.
    other : CoxFit or None
        Cause-specific model of all other causes, with the same covariates and strata or with no covariate; None where
        nothing competes.
    covariates : (n, k) array_like
        In the order of ``event.names``.
    at : (m,) array_like
        Times.
    strata : (n,) array_like, optional
        Stratum of each row, where the models have strata.

    Returns
    -------
    (n, m) array

    Raises
    ------
    InputError
        Another number of covariates, or a stratum that the models do not know.

    References
    ----------
    J. Benichou, M. H. Gail, Biometrics 1990;46:813-826, DOI 10.2307/2532098.
    """
    x = np.atleast_2d(np.asarray(covariates, dtype=np.float64))
    times = np.atleast_1d(np.asarray(at, dtype=np.float64))
    if x.shape[1] != len(event.names):
        raise InputError("covariates must be those of the model", got=f"{x.shape[1]} for {len(event.names)}")
    layers = np.full(len(x), None) if strata is None else np.asarray(strata, dtype=object)
    known = event.data.strata.labels
    unknown = [label for label in dict.fromkeys(layers.tolist()) if label not in known]
    if unknown:
        raise InputError("every stratum must be one of the model", got=unknown[:3])
    result = np.empty((len(x), times.size))
    for label in known:
        own = np.flatnonzero(np.array([layer == label for layer in layers]))
        for start in range(0, own.size, _BLOCK):
            rows = own[start : start + _BLOCK]
            result[rows] = _incidence(event, other, x[rows], times, label)
    return result


def _incidence(event: CoxFit, other: CoxFit | None, x: FloatArray, times: FloatArray, stratum: object) -> FloatArray:
    # From the mean on: far from all rows, as 0 is for an age or its spline, a hazard overflows.
    mean = event.data.covariates.mean(axis=0)
    moments, hazard = event.cumulative_hazard(stratum, mean)
    keep = moments <= times.max(initial=0.0)
    moments, hazard = moments[keep], hazard[keep]
    jumps = np.diff(hazard, prepend=0.0)
    ratio = _ratio(event, x - mean)
    before_all, own_jump = ratio * (hazard - jumps), ratio * jumps
    jump = own_jump
    if other is not None:
        own = stratum if stratum in other.data.strata.labels else other.data.strata.labels[0]
        mean = other.data.covariates.mean(axis=0)
        at, deaths = other.cumulative_hazard(own, mean)
        steps = np.concatenate(([0.0], deaths))
        before, after = (steps[np.searchsorted(at, moments, side=side)] for side in ("left", "right"))
        ratio_other = _ratio(other, x - mean) if len(other.names) else np.ones_like(ratio)
        before_all = before_all + ratio_other * before
        jump = own_jump + ratio_other * (after - before)
    summed = np.cumsum(np.exp(-before_all) * -np.expm1(-jump) * own_jump / jump, axis=1)
    index = np.searchsorted(moments, times, side="right")
    result: FloatArray = np.hstack((np.zeros((len(x), 1)), summed))[:, index]
    return result


def _ratio(fit: CoxFit, away: FloatArray) -> FloatArray:
    """Return hazard ratios (n, 1); of a fit that separates its events in a resample, large but no infinity."""
    return np.asarray(np.exp(np.clip(away @ fit.coef, -_LARGEST, _LARGEST))[:, None])
