"""All DVH metrics side by side: each alone beside the adjusters, with p values that know of the others."""

from __future__ import annotations

import numpy as np
import scipy

from hdrplan.analysis.correlation import MetricTest, Settings
from hdrplan.analysis.effects import adjusters, effects
from hdrplan.analysis.lesions import METRICS, LesionTable
from hdrplan.metrics import eqd2_gy
from hdrplan.outcomes import benjamini_hochberg, cox, holm, max_t

__all__ = ["metric_tests"]


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
    rows, beside = table.follow_up, adjusters(table)
    single = {k: effects(k, cox(rows, {k: v / v.std(), **beside}), rows, (k,))[0] for k, v in candidates.items()}
    p = np.array([e.p for e in single.values()])
    joint = max_t(cox(rows, beside), candidates, rng=rng, n_resamples=settings.n_resamples)
    corrected = zip(holm(p), benjamini_hochberg(p), joint.p_adjusted, strict=True)
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
            correlation_with_d100=float(scipy.stats.spearmanr(candidates[name], table.d100_gy).statistic),
        )
        for (name, effect), (by_holm, by_bh, by_max_t) in zip(single.items(), corrected, strict=True)
    )
