"""All DVH metrics side by side: each alone beside the adjusters, with p values that know of the others."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import scipy

from hdrplan.analysis.correlation import MetricTest, Settings
from hdrplan.analysis.effects import adjusted_cox, effects
from hdrplan.analysis.lesions import METRICS, LesionTable
from hdrplan.arrays import FloatArray
from hdrplan.errors import InputError
from hdrplan.metrics import eqd2_gy
from hdrplan.outcomes import benjamini_hochberg, holm, max_t

__all__ = ["metric_tests", "rank_correlation"]


def metric_tests(table: LesionTable, settings: Settings, rng: np.random.Generator) -> tuple[MetricTest, ...]:
    """Return the test of every metric that is known of all lesions.

    Parameters
    ----------
    table : LesionTable
    settings : Settings
        alpha/beta of EQD2, and the resamples behind max-T.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    tuple of MetricTest
    """
    candidates = {k: table.metrics[k] for k in METRICS if np.isfinite(table.metrics[k]).all()}
    candidates[f"eqd2_d100_gy (alpha/beta {settings.alpha_beta_gy:g})"] = eqd2_gy(table.d100_gy, settings.alpha_beta_gy)
    candidates = {k: v for k, v in candidates.items() if np.ptp(v) > 0}
    if not candidates:
        raise InputError("a test of metrics needs one that differs between lesions", got="the same doses in all")
    rows = table.follow_up
    single = {k: effects(k, adjusted_cox(table, {k: v / v.std()}), rows, (k,))[0] for k, v in candidates.items()}
    same_as = _transforms(candidates)
    counted = {k: v for k, v in candidates.items() if k not in same_as}
    p = np.array([single[k].p for k in counted])
    joint = max_t(adjusted_cox(table, {}), counted, rng=rng, n_resamples=settings.n_resamples)
    corrected = dict(zip(counted, zip(holm(p), benjamini_hochberg(p), joint.p_adjusted, strict=True), strict=True))
    uncounted = (math.nan, math.nan, math.nan)
    return tuple(
        MetricTest(
            name=name,
            sd=float(candidates[name].std()),
            hazard_ratio=effect.hazard_ratio,
            lower=effect.lower,
            upper=effect.upper,
            p=effect.p,
            p_holm=float(by_holm),
            p_bh=float(by_bh),
            p_max_t=float(by_max_t),
            same_as=same_as.get(name, ""),
            correlation_with_d100=rank_correlation(candidates[name], table.d100_gy),
        )
        for name, effect in single.items()
        for by_holm, by_bh, by_max_t in (corrected.get(name, uncounted),)
    )


def rank_correlation(a: FloatArray, b: FloatArray) -> float:
    """Return Spearman's correlation; 0 where one of the two does not vary."""
    return float(scipy.stats.spearmanr(a, b).statistic) if np.ptp(a) > 0 and np.ptp(b) > 0 else 0.0


def _transforms(metrics: Mapping[str, FloatArray]) -> dict[str, str]:
    """Return each metric that has the ranks of an earlier one, upwards or downwards, and that metric: one question."""
    ranks: dict[str, FloatArray] = {}
    same_as = {}
    for name, values in metrics.items():
        own = scipy.stats.rankdata(values)
        first = next((k for k, r in ranks.items() if np.array_equal(own, r) or np.array_equal(own, r.size + 1 - r)), "")
        if first:
            same_as[name] = first
        else:
            ranks[name] = own
    return same_as
