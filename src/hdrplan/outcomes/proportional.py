"""Is the hazard ratio constant in time? The exact score test of proportional hazards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.outcomes.cox import CoxFit
from hdrplan.outcomes.inference import Test
from hdrplan.outcomes.nonparametric import kaplan_meier

__all__ = ["ProportionalHazards", "zph"]


@dataclass(frozen=True, slots=True)
class ProportionalHazards:
    """Tests that each coefficient, and all together, do not change with time."""

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

    References
    ----------
    P. M. Grambsch, T. M. Therneau, Biometrika 1994;81:515-526, DOI 10.1093/biomet/81.3.515.
    T. M. Therneau, survival 3.0, vignette "Proportional hazards tests" (score test).
    """
    k = len(fit.names)
    all_times = np.unique(fit.rows.time[fit.rows.event])
    if all_times.size < 2:
        raise InputError("a test of proportional hazards needs events at two or more times", got=all_times.size)
    g = _transformed(fit, transform, all_times)
    parts = fit.risk_sets()
    at = [np.searchsorted(all_times, part.event_times) for part in parts]
    weight = np.concatenate([g[i][part.death_time] for part, i in zip(parts, at, strict=True)])
    weight = weight - weight.mean()
    weights = np.split(weight, np.cumsum([part.deaths.size for part in parts])[:-1])
    score = np.zeros(2 * k)
    base, cross, square = np.zeros((k, k)), np.zeros((k, k)), np.zeros((k, k))
    for part, w in zip(parts, weights, strict=True):
        r, s0, mean, _ = part.means(fit.coef)
        score[k:] += w @ (part.x[part.deaths] - mean)
        base += part.spread(r, s0, mean, np.ones(w.size))
        cross += part.spread(r, s0, mean, w)
        square += part.spread(r, s0, mean, w**2)
    information = np.block([[base, cross], [cross, square]])

    def test(chosen: IntArray, df: int) -> Test:
        u = score[chosen]
        try:
            return Test.chi_square(float(u @ np.linalg.solve(information[np.ix_(chosen, chosen)], u)), df)
        except np.linalg.LinAlgError:
            raise InfeasibleError("the test of proportional hazards has too few events for its covariates") from None

    tests = tuple(test(np.r_[0:k, k + j], 1) for j in range(k))
    return ProportionalHazards(fit.names, tests, test(np.arange(2 * k), k), transform)


def _transformed(fit: CoxFit, transform: str, times: FloatArray) -> FloatArray:
    if transform == "identity":
        return times
    if transform == "log":
        if times.min() <= 0:
            raise InputError("transform log needs event times above 0", got=float(times.min()))
        return np.log(times)
    if transform == "rank":
        every = np.sort(fit.rows.time)  # events and censorings; ties share their average rank
        first, last = np.searchsorted(every, times, side="left"), np.searchsorted(every, times, side="right")
        result: FloatArray = (first + 1 + last) / 2.0
        return result
    if transform == "km":
        entry = fit.rows.entry if fit.rows.truncated else None
        curve = kaplan_meier(fit.rows.time, fit.rows.event, entry=entry)
        before = np.concatenate(([1.0], curve.survival))[np.searchsorted(curve.time, times, side="left")]
        return 1.0 - before
    raise InputError("transform must be km, rank, identity or log", got=transform)
