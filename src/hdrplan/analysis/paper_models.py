"""The paper's way of building a model: Breslow ties, univariate p < 0.1 into the multivariate model, no clusters.

Kept because its readers expect it. Selection by p makes the final p values too small and its choice moves from sample
to sample; the bootstrap frequencies beside it show how far.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hdrplan.analysis.effects import Effect, effects
from hdrplan.arrays import FloatArray, IntArray
from hdrplan.errors import HdrPlanError
from hdrplan.outcomes import FollowUp, bootstrap_statistics, cox, firth_cox

__all__ = ["PaperRule", "paper_rule"]

ENTER_P = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperRule:
    """Univariate and multivariate hazard ratios, and how often the bootstrap selects each covariate.

    Parameters
    ----------
    univariate, multivariate : tuple of Effect
        ``multivariate`` is empty where fewer than two covariates have p < 0.1, as in the paper's PFS_distant.
    penalised : tuple of Effect
        Firth's estimate of each covariate that has no finite ratio alone; the joint models leave it out.
    refused : str
        Why the multivariate model has no estimate; empty where it has one.
    selected : mapping of covariate to float
        Share of bootstrap samples with p < 0.1.
    n_bootstrap : int
        Samples of patients.
    """

    univariate: tuple[Effect, ...]
    multivariate: tuple[Effect, ...]
    penalised: tuple[Effect, ...]
    refused: str
    selected: Mapping[str, float]
    n_bootstrap: int


def paper_rule(
    rows: FollowUp, covariates: Mapping[str, FloatArray], *, rng: np.random.Generator, n_bootstrap: int = 200
) -> PaperRule:
    """Return the paper's univariate and multivariate models.

    Parameters
    ----------
    rows : FollowUp
        The bootstrap draws its clusters, the models of the paper ignore them.
    covariates : mapping of str to (n,) array
        Candidates; constant ones are left out.
    rng : numpy.random.Generator
        Source of randomness.
    n_bootstrap : int
        Samples for the selection frequencies.

    Returns
    -------
    PaperRule

    Raises
    ------
    InputError
        No events.
    """
    units = rows.independent
    names = [k for k, v in covariates.items() if np.ptp(v) > 0]

    def univariate(drawn: IntArray) -> list[Effect | None]:
        sample = units.chosen(drawn)
        fitted: list[Effect | None] = []
        for name in names:
            try:
                fit = cox(sample, {name: covariates[name][drawn]}, ties="breslow")
                fitted.append(effects("univariate, Breslow", fit, units)[0])
            except HdrPlanError:
                fitted.append(None)
        return fitted

    alone = dict(zip(names, univariate(np.arange(rows.n)), strict=True))
    single = [e for e in alone.values() if e is not None]
    penalised = [
        effects("univariate, Firth", firth_cox(units, {name: covariates[name]}, ties="breslow"), units)[0]
        for name in names
        if alone[name] is None
    ]
    entering = [e.term for e in single if e.p < ENTER_P]
    multiple, refused = _together(units, {k: covariates[k] for k in entering})

    def chosen(drawn: IntArray, _: object) -> FloatArray:
        return np.array([float(e is not None and e.p < ENTER_P) for e in univariate(drawn)])

    share = bootstrap_statistics(chosen, rows.owner, n_bootstrap, rng).mean(axis=0) if n_bootstrap else []
    return PaperRule(
        univariate=tuple(single),
        multivariate=multiple,
        penalised=tuple(penalised),
        refused=refused,
        selected=dict(zip(names, map(float, share), strict=bool(n_bootstrap))),
        n_bootstrap=n_bootstrap,
    )


def _together(units: FollowUp, covariates: Mapping[str, FloatArray]) -> tuple[tuple[Effect, ...], str]:
    """Multivariate model of two covariates or more, and why it has no estimate."""
    if len(covariates) < 2:
        return (), ""
    try:
        return effects("multivariate, Breslow", cox(units, covariates, ties="breslow"), units), ""
    except HdrPlanError as error:
        return (), str(error)
