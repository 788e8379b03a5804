"""Newton's method on a concave log likelihood, with halved steps: the maximum of Cox's and of the Fine-Gray model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray

__all__ = ["Derivatives", "Maximum", "newton"]

# Log likelihood, its gradient (k,) and the information (k, k) at some coefficients.
Derivatives = tuple[float, FloatArray, FloatArray]

_MAX_ITERATIONS = 60
# The log likelihood is settled when a step changes it by less than this share of itself.
_SETTLED = 1e-13
# A settled likelihood with a Newton step still this long (in standard deviations) has its maximum at infinity.
_RUNAWAY = 1e-3
_SINGULAR = 1e14
_SHORTEST = 1e-12
# Share of the largest component from which a covariate belongs to a direction.
_PART = 0.5


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Maximum:
    """Where a log likelihood is highest.

    Parameters
    ----------
    coef : (k,) array
        Coefficients of standardised covariates.
    loglik, loglik_null : float
        Log likelihood there and at zero.
    score : float
        Score statistic of all coefficients at zero.
    information : (k, k) array
        Observed information at the maximum.
    runaway : tuple of int
        Coefficients that have no finite estimate; empty where there is a maximum.
    blind : bool
        Whether no event tells anything of them, instead of all events pulling them one way.
    """

    coef: FloatArray
    loglik: float
    loglik_null: float
    score: float
    information: FloatArray
    runaway: tuple[int, ...] = ()
    blind: bool = False


def _is_finite(at: Derivatives) -> bool:
    return bool(np.isfinite(at[0]) and np.isfinite(at[1]).all() and np.isfinite(at[2]).all())


def newton(derivatives: Callable[[FloatArray], Derivatives], k: int) -> Maximum:
    """Return the maximum of a log likelihood of ``k`` standardised coefficients, sought from zero."""
    # Far out a hazard under- or overflows; what is not finite is no step, and at the end no estimate.
    with np.errstate(all="ignore"):
        return _newton(derivatives, k)


def _newton(derivatives: Callable[[FloatArray], Derivatives], k: int) -> Maximum:
    coef = np.zeros(k)
    loglik, gradient, information = derivatives(coef)
    loglik_null = loglik
    if not k:
        return Maximum(coef=coef, loglik=loglik, loglik_null=loglik, score=0.0, information=information)
    at_null = information
    score = float(gradient @ np.linalg.lstsq(information, gradient, rcond=None)[0])
    for _ in range(_MAX_ITERATIONS):
        step = np.linalg.lstsq(information, gradient, rcond=None)[0]
        trial = derivatives(coef + step)
        while not (_is_finite(trial) and trial[0] >= loglik - _SETTLED * abs(loglik)):
            if np.abs(step).max() < _SHORTEST:
                step, trial = np.zeros(k), (loglik, gradient, information)
                break
            step = step / 2.0
            trial = derivatives(coef + step)
        settled = abs(trial[0] - loglik) <= _SETTLED * (1.0 + abs(loglik))
        coef, (loglik, gradient, information) = coef + step, trial
        if settled:
            break
    remaining = np.abs(np.linalg.lstsq(information, gradient, rcond=None)[0])
    runaway: tuple[int, ...] = ()
    blind = False
    if remaining.max() > _RUNAWAY or np.linalg.cond(information) > _SINGULAR:
        runaway, blind = _lost(information, at_null)
    return Maximum(
        coef=coef,
        loglik=loglik,
        loglik_null=loglik_null,
        score=score,
        information=information,
        runaway=runaway,
        blind=blind,
    )


def _lost(information: FloatArray, at_null: FloatArray) -> tuple[tuple[int, ...], bool]:
    """Return the coefficients of the direction that is told least of, and whether nothing was told of it at zero.

    The direction in which a likelihood rises without end is that in which it is flat far out. The coefficient that
    still moves most need not belong to it: where one is not told of at all, the others still settle.
    """
    if not np.isfinite(information).all():
        information = at_null
    flat = np.linalg.eigh(information)[1][:, 0]
    size = np.abs(flat)
    told, most = float(flat @ at_null @ flat), float(np.abs(np.linalg.eigvalsh(at_null)).max())
    return tuple(np.flatnonzero(size > _PART * size.max()).tolist()), told <= most / _SINGULAR
