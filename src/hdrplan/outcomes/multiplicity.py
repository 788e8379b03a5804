"""Many metrics, one question: p values corrected for the number of tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from hdrplan.arrays import FloatArray, freeze
from hdrplan.errors import InputError
from hdrplan.outcomes.columns import covariate_matrix
from hdrplan.outcomes.cox_model import CoxFit
from hdrplan.outcomes.resampling import flipped_maxima
from hdrplan.outcomes.scores import efficient_scores

__all__ = ["MaxT", "benjamini_hochberg", "holm", "max_t"]


def _p_values(p: npt.ArrayLike) -> FloatArray:
    values = np.asarray(p, dtype=np.float64)
    if values.ndim != 1 or not ((values >= 0) & (values <= 1)).all():
        raise InputError("p values must lie between 0 and 1", got=values.tolist())
    return values


def holm(p: npt.ArrayLike) -> FloatArray:
    """Return Holm's adjusted p values: the chance of any false finding stays below the level.

    References
    ----------
    S. Holm, Scand J Stat 1979;6:65-70.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    values = _p_values(p)
    order = np.argsort(values)
    raised = np.maximum.accumulate(values[order] * np.arange(values.size, 0, -1))
    result = np.empty_like(values)
    result[order] = np.minimum(raised, 1.0)
    return result


def benjamini_hochberg(p: npt.ArrayLike) -> FloatArray:
    """Return Benjamini and Hochberg's adjusted p values: the expected share of false findings stays below the level.

    References
    ----------
    Y. Benjamini, Y. Hochberg, J R Stat Soc B 1995;57:289-300, DOI 10.1111/j.2517-6161.1995.tb02031.x.
    """
    values = _p_values(p)
    order = np.argsort(values)[::-1]
    lowered = np.minimum.accumulate(values[order] * values.size / np.arange(values.size, 0, -1))
    result = np.empty_like(values)
    result[order] = np.minimum(lowered, 1.0)
    return result


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MaxT:
    """Score tests of several metrics, each added alone to the same model, judged together.

    Parameters
    ----------
    names : tuple of str
        Metrics.
    z : (k,) array
        Standardised scores, errors by patient; negative: a higher value goes with fewer events.
    p : (k,) array
        Unadjusted p.
    p_adjusted : (k,) array
        p adjusted by the distribution of the largest statistic, which knows how alike the metrics are.
    n_resamples : int
        Resamples.
    """

    names: tuple[str, ...]
    z: FloatArray
    p: FloatArray
    p_adjusted: FloatArray
    n_resamples: int

    def __post_init__(self) -> None:
        for name in ("z", "p", "p_adjusted"):
            freeze(self, name, (len(self.names),))


def max_t(
    null: CoxFit, metrics: Mapping[str, npt.ArrayLike], *, rng: np.random.Generator, n_resamples: int = 4999
) -> MaxT:
    """Return score tests of near-collinear metrics with p values adjusted together.

    Holm and Bonferroni treat D100, D98 and D95 as three questions; they are nearly one. The largest of their
    statistics, resampled by flipping the signs of whole patients' scores, is the fair yardstick.

    Parameters
    ----------
    null : CoxFit
        Model of the adjusting covariates (it may have none); scores are summed by the clusters of its follow-up.
    metrics : mapping of str to (n,) array_like
        Metrics, each tested alone beside the adjusting covariates.
    rng : numpy.random.Generator
        Source of randomness.
    n_resamples : int
        Resamples.

    Returns
    -------
    MaxT

    Raises
    ------
    InputError
        No metric, one that is the same in all rows, is missing or is no number.

    References
    ----------
    P. H. Westfall, S. S. Young, Resampling-Based Multiple Testing, Wiley 1993, 2.5 (single-step maxT).
    """
    names, x = covariate_matrix(metrics, null.n)
    if not names or not (np.ptp(x, axis=0) > 0).all():
        raise InputError("metrics must differ between rows", got=", ".join(names) or "no metric")
    contributions = null.data.rows.by_cluster(efficient_scores(null, x / x.std(axis=0)))
    z = contributions.sum(axis=0) / np.sqrt((contributions**2).sum(axis=0))
    maxima = flipped_maxima(contributions, n_resamples, rng)
    above = (maxima[:, None] >= np.abs(z) * (1.0 - 1e-12)).sum(axis=0)
    return MaxT(
        names=names,
        z=z,
        p=2.0 * scipy.stats.norm.sf(np.abs(z)),
        p_adjusted=(1.0 + above) / (n_resamples + 1.0),
        n_resamples=n_resamples,
    )
