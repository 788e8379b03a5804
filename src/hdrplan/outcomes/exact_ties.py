"""Exact treatment of ties: tied deaths are one draw of that many from all at risk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.errors import ResourceError
from hdrplan.outcomes.newton import Derivatives
from hdrplan.outcomes.partial_likelihood import RiskSets

__all__ = ["exact_derivatives"]

# Rows at risk times tied deaths, summed over event times: some 10 s a Newton step.
_MOST_STEPS = 5_000_000
# Sums of products of so many hazards are scaled down, before they overflow.
_LARGE = 1e150


def exact_derivatives(strata: Sequence[RiskSets], coef: FloatArray) -> Derivatives:
    """Return the log likelihood of exact ties, its gradient (k,) and the information (k, k).

    At each time with d deaths the likelihood is the product of their hazards over the sum of such products for all sets
    of d rows at risk. The sum is an elementary symmetric polynomial, which a recursion over the rows builds together
    with its derivatives: n d steps where there are n over d sets.

    Parameters
    ----------
    strata : sequence of RiskSets
    coef : (k,) array

    Raises
    ------
    ResourceError
        So many ties that Efron's method should be used.

    References
    ----------
    M. H. Gail, J. H. Lubin, L. V. Rubinstein, Biometrika 1981;68:703-707, DOI 10.1093/biomet/68.3.703.
    """
    steps = sum(float(((s.time.size - s.first) * np.bincount(s.death_time)).sum()) for s in strata if s.deaths.size)
    if steps > _MOST_STEPS:
        raise ResourceError(
            "exact ties need fewer rows or fewer tied deaths",
            got=f"{steps:.2g} steps for each of some ten evaluations",
            remedy='Use `ties="efron"`, which is close to the exact likelihood.',
        )
    loglik, gradient, information = 0.0, np.zeros(coef.size), np.zeros((coef.size, coef.size))
    for stratum in strata:
        hazard, shift = stratum.relative_hazard(coef)
        ends = np.append(stratum.starts[1:], stratum.deaths.size)
        for time, first, start, end in zip(stratum.event_times, stratum.first, stratum.starts, ends, strict=True):
            deaths = stratum.deaths[start:end]
            risk = first + np.flatnonzero(stratum.entry[first:] < time)
            log_sum, mean, square = _polynomial(hazard[risk], stratum.x[risk], deaths.size)
            eta = stratum.x[deaths] @ coef + stratum.offset[deaths]
            loglik += float(eta.sum()) - log_sum - deaths.size * shift
            gradient += stratum.x[deaths].sum(axis=0) - mean
            information += square - np.outer(mean, mean)
    return loglik, gradient, information


def _polynomial(hazard: FloatArray, x: FloatArray, d: int) -> tuple[float, FloatArray, FloatArray]:
    """Log of the sum over all sets of d rows of their product of hazards; mean and mean square of their sums of x."""
    k = x.shape[1]
    value, first, second = np.zeros(d + 1), np.zeros((d + 1, k)), np.zeros((d + 1, k, k))
    value[0], log_scale = 1.0, 0.0
    for r, row in zip(hazard, x, strict=True):
        cross = first[:-1, :, None] * row
        second[1:] += r * (second[:-1] + cross + cross.transpose(0, 2, 1) + value[:-1, None, None] * np.outer(row, row))
        first[1:] += r * (first[:-1] + value[:-1, None] * row)
        value[1:] += r * value[:-1]
        if value.max() > _LARGE:
            value, first, second = value / _LARGE, first / _LARGE, second / _LARGE
            log_scale += float(np.log(_LARGE))
    return float(np.log(value[d])) + log_scale, first[d] / value[d], second[d] / value[d]
