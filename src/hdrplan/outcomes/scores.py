"""What a new covariate would add to a fitted Cox model, without fitting it: efficient scores, row by row."""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.outcomes.cox_model import CoxFit
from hdrplan.outcomes.followup import FollowUp

__all__ = ["efficient_scores", "log_rank_scores"]


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

    Returns
    -------
    (n, k) array

    References
    ----------
    D. R. Cox, D. V. Hinkley, Theoretical Statistics, Chapman and Hall 1974, 9.3.
    D. Y. Lin, L. J. Wei, J Am Stat Assoc 1989;84:1074-1078, DOI 10.1080/01621459.1989.10478874.
    """
    k = candidates.shape[1]
    fitted = fit.data.covariates
    centred = np.hstack((candidates - candidates.mean(axis=0), fitted - fitted.mean(axis=0)))
    nothing = np.zeros(centred.shape[1])
    scores = np.empty_like(centred)
    information = np.zeros((centred.shape[1] - k, centred.shape[1]))
    for stratum in fit.data.risk_sets(centred, fit.linear_predictor):
        scores[stratum.index] = stratum.weight[:, None] * stratum.score_residuals(nothing)
        means = stratum.means(nothing)
        information += stratum.spread(means, np.ones(means.total.size), slice(k, None))
    if centred.shape[1] == k:
        return scores
    slope = np.linalg.solve(information[:, k:], information[:, :k])
    result: FloatArray = scores[:, :k] - scores[:, k:] @ slope
    return result


def log_rank_scores(rows: FollowUp) -> FloatArray:
    """Return event minus Nelson-Aalen cumulative hazard of each row: the scores of the log-rank test.

    References
    ----------
    R. Peto, J. Peto, J R Stat Soc A 1972;135:185-207, DOI 10.2307/2344317.
    """
    times, index = np.unique(rows.time, return_inverse=True)
    events = np.bincount(index, weights=rows.event, minlength=times.size)
    at_risk = rows.n - np.searchsorted(np.sort(rows.time), times, side="left")
    result: FloatArray = rows.event - np.cumsum(events / at_risk)[index]
    return result
