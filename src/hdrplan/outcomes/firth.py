"""Firth's penalised Cox model: finite estimates where a covariate separates the events, and less bias with few."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from hdrplan.arrays import FloatArray, IntArray, freeze
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.outcomes.columns import Covariates
from hdrplan.outcomes.cox_data import CoxCoefficients, CoxData, Ties, cox_data, standard_scale
from hdrplan.outcomes.cox_model import CoxFit
from hdrplan.outcomes.followup import FollowUp
from hdrplan.outcomes.inference import Test
from hdrplan.outcomes.newton import Derivatives
from hdrplan.outcomes.partial_likelihood import RiskSets
from hdrplan.threads import single_blas_thread_from

__all__ = ["FirthFit", "firth_cox", "penalised_cox"]

_MAX_ITERATIONS = 100
# Difference by which the curvature of the penalised likelihood is taken from its gradient.
_DIFFERENCE = 1e-5
# Standard deviations of a covariate: steps are settled below the first, and never longer than the second.
_SETTLED = 1e-10
_LONGEST = 2.0
# A limit is sought so many doublings of the standard error away.
_DOUBLINGS = 40


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FirthFit(CoxCoefficients):
    """A Cox model fitted with Firth's penalty; intervals and p values are of the penalised likelihood ratio.

    Parameters
    ----------
    names : tuple of str
        Covariates.
    coef : (k,) array
        Log hazard ratios per unit of each covariate.
    covariance : (k, k) array
        Inverse of the information at the estimate.
    loglik, loglik_null : float
        Penalised log likelihood at the estimate and at zero.
    loglik_without : (k,) array
        Its maximum with one coefficient held at zero.
    data : CoxData
        What the model was fitted to; its clusters are not used.
    """

    names: tuple[str, ...]
    coef: FloatArray
    covariance: FloatArray
    loglik: float
    loglik_null: float
    loglik_without: FloatArray
    data: CoxData

    def __post_init__(self) -> None:
        k = len(self.names)
        freeze(self, "coef", (k,))
        freeze(self, "covariance", (k, k))
        freeze(self, "loglik_without", (k,))

    @property
    def z(self) -> FloatArray:
        """Signed roots of the penalised likelihood-ratio statistics."""
        result: FloatArray = np.sign(self.coef) * np.sqrt(np.maximum(2.0 * (self.loglik - self.loglik_without), 0.0))
        return result

    @property
    def likelihood_ratio(self) -> Test:
        """Penalised likelihood-ratio test of all coefficients."""
        return Test.chi_square(2.0 * (self.loglik - self.loglik_null), len(self.names))

    def interval(self, conf_level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Return the lower and upper limits of the hazard ratios, of the profile of the penalised likelihood."""
        sets, scale = _standard_sets(self.data, self.names)
        level = self.loglik - np.log(scale).sum() - scipy.stats.chi2.ppf(conf_level, 1) / 2.0
        se, best = self.se * scale, self.coef * scale
        limits = np.empty((2, best.size))
        for k in range(best.size):
            for side, sign in enumerate((-1.0, 1.0)):
                limits[side, k] = _limit(sets, best, k, sign * se[k], float(level))
        return np.exp(limits[0] / scale), np.exp(limits[1] / scale)


def firth_cox(
    rows: FollowUp,
    covariates: Covariates,
    *,
    ties: Ties = "efron",
    strata: npt.ArrayLike | None = None,
    offset: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
) -> FirthFit:
    """Fit Cox's model with Firth's penalty: half the log determinant of the information is added to the likelihood.

    Parameters
    ----------
    rows : FollowUp
        Follow-up. Rows are taken as independent: the penalised likelihood has no sandwich.
    covariates : mapping of str to (n,) array_like, or (n, k) array_like
    ties : {"efron", "breslow"}
    strata : (n,) array_like, optional
    offset : (n,) array_like, optional
    weights : (n,) array_like, optional
        Whole numbers: how many rows each row stands for.

    Returns
    -------
    FirthFit

    Raises
    ------
    InputError
        As :func:`hdrplan.outcomes.cox`; exact ties, weights that are no whole numbers.
    InfeasibleError
        No convergence.

    References
    ----------
    D. Firth, Biometrika 1993;80:27-38, DOI 10.1093/biomet/80.1.27.
    G. Heinze, M. Schemper, Biometrics 2001;57:114-119, DOI 10.1111/j.0006-341X.2001.00114.x.

    Examples
    --------
    >>> from hdrplan.outcomes import follow_up
    >>> fit = firth_cox(follow_up([1, 2, 3, 4], [1, 0, 0, 0]), {"x": [1, 1, 0, 0]})
    >>> round(float(fit.hazard_ratio[0]), 6)
    3.0
    """
    names, data = cox_data(rows, covariates, ties=ties, strata=strata, offset=offset, weights=weights)
    data.refuse_exact("Firth's penalty")
    if not data.weights_are_counts:
        raise InputError(
            "Firth's penalty needs weights that are whole numbers", remedy="Other weights need a sandwich."
        )
    sets, scale = _standard_sets(data, names)
    k = len(names)
    of_scale = float(np.log(scale).sum())  # the penalty is that of covariates in their own units
    with single_blas_thread_from(data.rows.n):
        best, at = _maximum(sets, np.zeros(k), np.arange(k))
        without = [_maximum(sets, _replaced(best, j, 0.0), np.delete(np.arange(k), j))[1][0] for j in range(k)]
    return FirthFit(
        names=names,
        coef=best / scale,
        covariance=np.linalg.inv(at[2]) / np.outer(scale, scale),
        loglik=at[0] + of_scale,
        loglik_null=_penalised(sets, np.zeros(k))[0] + of_scale,
        loglik_without=np.array(without) + of_scale,
        data=data,
    )


def penalised_cox(rows: FollowUp, covariates: Covariates, *, strata: npt.ArrayLike | None = None) -> CoxFit:
    """Return Cox's model at Firth's estimate, for predictions where Cox's own has no finite estimate.

    Parameters
    ----------
    rows : FollowUp
        Taken as independent.
    covariates : mapping of str to (n,) array_like, or (n, k) array_like
        Efron ties.
    strata : (n,) array_like, optional

    Returns
    -------
    CoxFit
        With the coefficients of :func:`firth_cox`; its errors are of the information there, and it has no score test.

    Raises
    ------
    InputError, InfeasibleError
        As :func:`firth_cox`.
    """
    names, data = cox_data(rows.independent, covariates, ties="efron", strata=strata, offset=None, weights=None)
    sets, scale = _standard_sets(data, names)
    with single_blas_thread_from(rows.n):
        best, at = _maximum(sets, np.zeros(len(names)), np.arange(len(names)))
    return CoxFit(
        names=names,
        coef=best / scale,
        covariance=np.linalg.inv(at[2]) / np.outer(scale, scale),
        robust_covariance=None,
        loglik=at[0],
        loglik_null=_penalised(sets, np.zeros(len(names)))[0],
        score=Test(math.nan, len(names), math.nan),
        robust_score=None,
        data=data,
    )


def _standard_sets(data: CoxData, names: tuple[str, ...]) -> tuple[list[RiskSets], FloatArray]:
    centre, scale = standard_scale(data.covariates, data.strata, names)
    return data.risk_sets((data.covariates - centre) / scale), scale


def _replaced(values: FloatArray, place: int, value: float) -> FloatArray:
    result = values.copy()
    result[place] = value
    return result


def _penalised(sets: Sequence[RiskSets], coef: FloatArray) -> Derivatives:
    """Penalised log likelihood, its gradient, and the information of the likelihood without the penalty."""
    means = [s.means(coef) for s in sets]
    each = [s.derivatives(coef) for s in sets]
    information = np.sum([e[2] for e in each], axis=0)
    sign, log_det = np.linalg.slogdet(information)
    if not (sign > 0 and np.isfinite(log_det)):
        return -np.inf, np.zeros(coef.size), information
    inverse = np.linalg.inv(information)
    gradient = np.sum([e[1] for e in each], axis=0)
    for s, at in zip(sets, means, strict=True):
        # Half the trace of inverse times the third central moments, E[(x - m)' A (x - m) (x - m)], over all deaths.
        square = np.einsum("ij,jk,ik->i", s.x, inverse, s.x)
        mean_square = s.seen_by_death(at.hazard * square) / at.total
        product = s.seen_by_death((at.hazard * square)[:, None] * s.x) / at.total[:, None]
        of_mean = at.mean @ inverse
        twice = s.passed_through((s.death_weight / at.total)[:, None] * of_mean)
        moved = (at.hazard * np.einsum("ij,ij->i", s.x, twice)) @ s.x
        constant = np.einsum("ij,ij->i", of_mean, at.mean)
        terms = product - mean_square[:, None] * at.mean + 2.0 * constant[:, None] * at.mean
        gradient = gradient + (s.death_weight @ terms) / 2.0 - moved
    return sum(e[0] for e in each) + log_det / 2.0, gradient, information


def _maximum(sets: Sequence[RiskSets], start: FloatArray, free: IntArray) -> tuple[FloatArray, Derivatives]:
    """Maximum over some coefficients, the others held where they start."""
    coef, at = start, _penalised(sets, start)
    for _ in range(_MAX_ITERATIONS):
        if free.size == 0:
            return coef, at
        step = np.zeros(coef.size)
        step[free] = np.linalg.lstsq(_curvature(sets, coef, free, at[2]), at[1][free], rcond=None)[0]
        step *= min(1.0, _LONGEST / max(float(np.abs(step).max()), 1e-300))
        trial = _penalised(sets, coef + step)
        while not trial[0] >= at[0] - 1e-12 * (1.0 + abs(at[0])) and np.abs(step).max() > _SETTLED:
            step /= 2.0
            trial = _penalised(sets, coef + step)
        coef, at = coef + step, trial
        if np.abs(step).max() <= _SETTLED:
            return coef, at
    raise InfeasibleError("Firth's penalised likelihood did not converge", remedy="Leave out a covariate.")


def _curvature(sets: Sequence[RiskSets], coef: FloatArray, free: IntArray, information: FloatArray) -> FloatArray:
    """Minus the second derivatives by the free coefficients; the information where they do not curve down.

    The information leaves out the curvature of the penalty: with few events steps of twice the right length would
    swing for ever.
    """
    steps = np.eye(coef.size)[free] * _DIFFERENCE
    ends = [(_penalised(sets, coef + s)[1] - _penalised(sets, coef - s)[1]) / (2 * _DIFFERENCE) for s in steps]
    curvature = -np.array(ends)[:, free]
    curvature = (curvature + curvature.T) / 2.0
    if np.isfinite(curvature).all() and np.linalg.eigvalsh(curvature).min() > 0:
        return curvature
    result: FloatArray = information[np.ix_(free, free)]
    return result


def _limit(sets: Sequence[RiskSets], best: FloatArray, k: int, step: float, level: float) -> float:
    """Value of coefficient ``k`` on the side of ``step`` at which the profile falls to a level."""
    others = np.delete(np.arange(best.size), k)
    last = [best]

    def above(value: float) -> float:
        coef, at = _maximum(sets, _replaced(last[0], k, value), others)
        last[0] = coef
        return at[0] - level

    far = step
    for _ in range(_DOUBLINGS):
        if above(float(best[k] + far)) < 0:
            return _root(above, float(best[k]), float(best[k] + far))
        far *= 2.0
    return float(np.copysign(np.inf, step))


def _root(function: Callable[[float], float], a: float, b: float) -> float:
    return float(scipy.optimize.brentq(function, a, b, xtol=1e-10, rtol=1e-12))
