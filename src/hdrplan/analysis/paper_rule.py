"""The paper's way of building a model: Breslow ties, univariate p < 0.1 into the multivariate model, no clusters.

Kept because its readers expect it. Selection by p makes the final p values too small and its choice moves from sample
to sample; the bootstrap frequencies beside it show how far.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.analysis.dose_models import Effect, effects
from hdrplan.arrays import FloatArray
from hdrplan.errors import HdrPlanError
from hdrplan.outcomes import bootstrap_statistics, cox

__all__ = ["PaperRule", "paper_rule"]

ENTER_P = 0.1


@dataclass(frozen=True, slots=True)
class PaperRule:
    """Univariate and multivariate hazard ratios, and how often the bootstrap selects each covariate.

    ``multivariate`` is empty where fewer than two covariates have p < 0.1, as in the paper's PFS_distant.
    """

    univariate: tuple[Effect, ...]
    multivariate: tuple[Effect, ...]
    selected: Mapping[str, float]
    n_bootstrap: int


def paper_rule(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    covariates: Mapping[str, FloatArray],
    owner: npt.ArrayLike,
    rng: np.random.Generator,
    n_bootstrap: int = 200,
) -> PaperRule:
    """Return the paper's univariate and multivariate models.

    Parameters
    ----------
    time, event : (n,) array_like
        Follow-up.
    covariates : mapping of str to (n,) array
        Candidates; constant ones are left out.
    owner : (n,) array_like
        Patient of each row: the bootstrap draws patients, the models of the paper ignore them.
    rng : numpy.random.Generator
        Source of randomness.
    n_bootstrap : int
        Samples for the selection frequencies.
    """
    months, failed = np.asarray(time, dtype=np.float64), np.asarray(event, dtype=np.float64)
    names = [k for k, v in covariates.items() if np.ptp(v) > 0]
    n, d = months.size, int(failed.sum())

    def univariate(rows: npt.NDArray[np.int64]) -> list[Effect | None]:
        found: list[Effect | None] = []
        for name in names:
            try:
                fit = cox(months[rows], failed[rows], {name: covariates[name][rows]}, ties="breslow")
                found.append(effects("univariate, Breslow", fit, n, d)[0])
            except HdrPlanError:
                found.append(None)
        return found

    single = [e for e in univariate(np.arange(n)) if e is not None]
    entering = [e.term for e in single if e.p < ENTER_P]
    multiple: tuple[Effect, ...] = ()
    if len(entering) > 1:
        fit = cox(months, failed, {k: covariates[k] for k in entering}, ties="breslow")
        multiple = effects("multivariate, Breslow", fit, n, d)

    def chosen(rows: npt.NDArray[np.int64], _: object) -> FloatArray:
        return np.array([float(e is not None and e.p < ENTER_P) for e in univariate(rows)])

    _, codes = np.unique(np.asarray(owner), return_inverse=True)
    share = bootstrap_statistics(chosen, codes.astype(np.int64), n_bootstrap, rng).mean(axis=0) if n_bootstrap else []
    return PaperRule(
        tuple(single), multiple, dict(zip(names, map(float, share), strict=bool(n_bootstrap))), n_bootstrap
    )
