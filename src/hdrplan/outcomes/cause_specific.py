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

    The product-limit estimate for these covariates: the sum over event times of S(t-) times the jump of the event's
    hazard, where S falls by the factor 1 - J at each jump J of all hazards. Without covariates it is the Aalen-Johansen
    estimate. A lesion whose J exceeds 1 has no S left; the causes share what was there.

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
    own = _jumps(event, x, stratum, times)
    moments, jump, all_jumps = own[0], own[1], own[1]
    if other is not None:
        label = stratum if stratum in other.data.strata.labels else other.data.strata.labels[0]
        at, deaths = _jumps(other, x if len(other.names) else x[:, :0], label, times)
        moments = np.union1d(own[0], at)
        all_jumps = np.zeros((len(x), moments.size))
        all_jumps[:, np.searchsorted(moments, own[0])] = own[1]
        jump = all_jumps.copy()
        all_jumps[:, np.searchsorted(moments, at)] += deaths
    left = np.cumprod(1.0 - np.minimum(all_jumps, 1.0), axis=1)
    before = np.hstack((np.ones((len(x), 1)), left[:, :-1])) if moments.size else left
    summed = np.cumsum(before * jump / np.maximum(all_jumps, 1.0), axis=1)
    index = np.searchsorted(moments, times, side="right")
    # A sum of many parts of 1 may come to more than 1 in the last place.
    result: FloatArray = np.minimum(np.hstack((np.zeros((len(x), 1)), summed)), 1.0)[:, index]
    return result


def _jumps(fit: CoxFit, x: FloatArray, stratum: object, times: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the event times up to the last of some times, and the jump of each row's hazard at them."""
    # From the mean on: far from all rows, as 0 is for an age or its spline, a hazard overflows.
    mean = fit.data.covariates.mean(axis=0)
    moments, hazard = fit.cumulative_hazard(stratum, mean)
    keep = moments <= times.max(initial=0.0)
    return moments[keep], _ratio(fit, x - mean) * np.diff(hazard[keep], prepend=0.0)


def _ratio(fit: CoxFit, away: FloatArray) -> FloatArray:
    """Return hazard ratios (n, 1); of a fit that separates its events in a resample, large but no infinity."""
    return np.asarray(np.exp(np.clip(away @ fit.coef, -_LARGEST, _LARGEST))[:, None])
