"""What a new covariate would add to a fitted Cox model, without fitting it: efficient scores, row by row."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray
from hdrplan.outcomes.cox import CoxFit
from hdrplan.outcomes.followup import labels_and_codes
from hdrplan.outcomes.partial_likelihood import RiskSets

__all__ = ["efficient_scores", "log_rank_scores", "sum_by"]


def efficient_scores(fit: CoxFit, candidates: FloatArray) -> FloatArray:
    """Return each row's efficient score for each candidate covariate, given the fitted ones (n, k).

    The score of a candidate less its regression on the scores of the fitted covariates: its sum is the score statistic
    of adding the candidate, its spread over patients the variance of that statistic.

    Parameters
    ----------
    fit : CoxFit
        The null model; it may have no covariates.
    candidates : (n, k) array
        Candidate covariates, tested one at a time.

    References
    ----------
    D. R. Cox, D. V. Hinkley, Theoretical Statistics, Chapman and Hall 1974, 9.3.
    D. Y. Lin, L. J. Wei, J Am Stat Assoc 1989;84:1074-1078, DOI 10.1080/01621459.1989.10478874.
    """
    k = candidates.shape[1]
    centred = np.hstack((candidates - candidates.mean(axis=0), fit.covariates - fit.covariates.mean(axis=0)))
    nothing = np.zeros(centred.shape[1])
    scores = np.empty_like(centred)
    information = np.zeros((centred.shape[1] - k, centred.shape[1]))
    for layer in range(len(fit.strata_labels)):
        part = RiskSets.of(fit.rows, centred, fit.linear_predictor, np.flatnonzero(fit.strata == layer), fit.ties)
        scores[part.index] = part.score_residuals(nothing)
        r, s0, mean, _ = part.means(nothing)
        information += part.spread(r, s0, mean, np.ones(s0.size), slice(k, None))
    if centred.shape[1] == k:
        return scores
    slope = np.linalg.solve(information[:, k:], information[:, :k])
    result: FloatArray = scores[:, :k] - scores[:, k:] @ slope
    return result


def log_rank_scores(time: FloatArray, event: npt.NDArray[np.bool_]) -> FloatArray:
    """Return event minus Nelson-Aalen cumulative hazard of each row: the scores of the log-rank test.

    References
    ----------
    R. Peto, J. Peto, J R Stat Soc A 1972;135:185-207, DOI 10.2307/2344317.
    """
    times, index = np.unique(time, return_inverse=True)
    events = np.bincount(index, weights=event, minlength=times.size)
    at_risk = time.size - np.searchsorted(np.sort(time), times, side="left")
    result: FloatArray = event - np.cumsum(events / at_risk)[index]
    return result


def sum_by(cluster: npt.ArrayLike | None, values: FloatArray) -> FloatArray:
    """Return values (n, k) summed by cluster (n_clusters, k); as they are where no clusters are given."""
    if cluster is None:
        return values
    labels, owner = labels_and_codes(cluster, values.shape[0], "cluster")
    total = np.zeros((len(labels), values.shape[1]))
    np.add.at(total, owner, values)
    return total
