"""Is the hazard ratio constant in time? The exact score test of proportional hazards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.outcomes.cox_model import CoxFit
from hdrplan.outcomes.followup import FollowUp
from hdrplan.outcomes.inference import Test
from hdrplan.outcomes.nonparametric import kaplan_meier

__all__ = ["ProportionalHazards", "zph"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProportionalHazards:
    """Tests that each coefficient, and all together, do not change with time.

    Parameters
    ----------
    names : tuple of str
        Covariates.
    tests : tuple of Test
        One for each covariate.
    overall : Test
        All covariates together.
    transform : str
        g(time) of the alternative.
    """

    names: tuple[str, ...]
    tests: tuple[Test, ...]
    overall: Test
    transform: str


def zph(fit: CoxFit, transform: Literal["km", "rank", "identity", "log"] = "km") -> ProportionalHazards:
    """Return the score test of proportional hazards of each covariate and of all.

    The model is extended by covariate x g(time) and its score is tested at the fitted coefficients: exact, unlike the
    older approximation with scaled Schoenfeld residuals and one average variance. Errors by cluster play no part, as in
    R's ``cox.zph``.

    Parameters
    ----------
    fit : CoxFit
        A fitted model.
    transform : {"km", "rank", "identity", "log"}
        g: one minus Kaplan-Meier, rank among all times, time, log time.

    Returns
    -------
    ProportionalHazards

    Raises
    ------
    InputError
        Events at fewer than two times, or log time of an event at 0.
    InfeasibleError
        Too few events for the covariates.

    References
    ----------
    P. M. Grambsch, T. M. Therneau, Biometrika 1994;81:515-526, DOI 10.1093/biomet/81.3.515.
    T. M. Therneau, survival 3.0, vignette "Proportional hazards tests" (score test).
    """
    k, rows = len(fit.names), fit.data.rows
    all_times = np.unique(rows.time[rows.event])
    if all_times.size < 2:
        raise InputError("a test of proportional hazards needs events at two or more times", got=all_times.size)
    g = _transformed(rows, transform, all_times)
    strata = fit.risk_sets()
    at = [np.searchsorted(all_times, stratum.event_times) for stratum in strata]
    weight = np.concatenate([g[i][stratum.death_time] for stratum, i in zip(strata, at, strict=True)])
    weight = weight - weight.mean()
    weights = np.split(weight, np.cumsum([stratum.deaths.size for stratum in strata])[:-1])
    score = np.zeros(2 * k)
    base, cross, square = np.zeros((k, k)), np.zeros((k, k)), np.zeros((k, k))
    for stratum, w in zip(strata, weights, strict=True):
        means = stratum.means(fit.coef)
        score[k:] += w @ stratum.score_terms(means)
        base += stratum.spread(means, np.ones(w.size))
        cross += stratum.spread(means, w)
        square += stratum.spread(means, w**2)
    information = np.block([[base, cross], [cross, square]])

    def _test(chosen: IntArray, df: int) -> Test:
        u = score[chosen]
        try:
            return Test.chi_square(float(u @ np.linalg.solve(information[np.ix_(chosen, chosen)], u)), df)
        except np.linalg.LinAlgError:
            raise InfeasibleError("the test of proportional hazards has too few events for its covariates") from None

    tests = tuple(_test(np.r_[0:k, k + j], 1) for j in range(k))
    return ProportionalHazards(names=fit.names, tests=tests, overall=_test(np.arange(2 * k), k), transform=transform)


def _transformed(rows: FollowUp, transform: str, times: FloatArray) -> FloatArray:
    if transform == "identity":
        return times
    if transform == "log":
        if times.min() <= 0:
            raise InputError("transform log needs event times above 0", got=float(times.min()))
        return np.log(times)
    if transform == "rank":
        every = np.sort(rows.time)  # events and censorings; ties share their average rank
        first, last = np.searchsorted(every, times, side="left"), np.searchsorted(every, times, side="right")
        result: FloatArray = (first + 1 + last) / 2.0
        return result
    if transform == "km":
        curve = kaplan_meier(rows.independent)
        before = np.concatenate(([1.0], curve.survival))[np.searchsorted(curve.time, times, side="left")]
        return 1.0 - before
    raise InputError("transform must be km, rank, identity or log", got=transform)
