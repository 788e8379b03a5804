"""Discrimination and calibration of the adjusted model, corrected for optimism."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hdrplan.analysis.effects import REFERENCE_GY, adjusters
from hdrplan.analysis.lesions import LesionTable
from hdrplan.arrays import FloatArray, IntArray
from hdrplan.errors import HdrPlanError
from hdrplan.outcomes import bootstrap_statistics, concordance, cox

__all__ = ["Discrimination", "Performance", "performance"]


@dataclass(frozen=True, slots=True)
class Discrimination:
    """Harrell's C of a model on its own data, and corrected for optimism."""

    apparent: float
    corrected: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """Discrimination and calibration of the adjusted model.

    Parameters
    ----------
    with_d100, without_d100 : Discrimination
        Of the model, and of its adjusters alone.
    slope_corrected : float
        Calibration slope; 1 before correction by construction.
    n_bootstrap : int
        Bootstrap samples of patients that gave an answer.
    """

    with_d100: Discrimination
    without_d100: Discrimination
    slope_corrected: float
    n_bootstrap: int


def performance(table: LesionTable, rng: np.random.Generator, n_bootstrap: int = 200) -> Performance:
    """Return discrimination and calibration, corrected for optimism by a bootstrap of patients.

    Parameters
    ----------
    table : LesionTable
    rng : numpy.random.Generator
        Source of randomness.
    n_bootstrap : int
        Samples of patients.

    Returns
    -------
    Performance

    References
    ----------
    Harrell FE, Lee KL, Mark DB, Multivariable prognostic models, Stat Med 1996;15:361-387.
    """
    with_dose = np.column_stack([table.d100_gy - REFERENCE_GY, *adjusters(table).values()])
    without = np.ascontiguousarray(with_dose[:, 1:])
    lesions = table.follow_up.independent
    strata = None if table.strata is None else np.array(table.strata)

    def c_of(x: FloatArray, drawn: IntArray) -> tuple[float, float, float]:
        """C on the drawn rows and on all, and the calibration slope on all, of a model fitted to the drawn."""
        if not x.shape[1]:
            return 0.5, 0.5, math.nan
        rows = lesions.chosen(drawn)
        coef = cox(rows, x[drawn], strata=None if strata is None else strata[drawn]).coef
        # Strata have baselines of their own, so that a score tells nothing between two of them.
        layer = None if strata is None else strata[drawn]
        own, every = concordance(rows, x[drawn] @ coef, strata=layer).c, concordance(lesions, x @ coef, strata=strata).c
        return own, every, float(cox(lesions, (x @ coef)[:, None], strata=strata).coef[0])

    everyone = np.arange(table.n)
    apparent, bare = c_of(with_dose, everyone)[0], c_of(without, everyone)[0]

    def optimism(drawn: IntArray, owner: IntArray) -> FloatArray:
        try:
            a, b = c_of(with_dose, drawn), c_of(without, drawn)
        except HdrPlanError:  # a sample whose model has no finite estimate
            return np.full(3, np.nan)
        return np.array([a[0] - a[1], b[0] - b[1], a[2]])

    samples = bootstrap_statistics(optimism, table.follow_up.owner, n_bootstrap, rng)
    whole = samples[np.isfinite(samples[:, :2]).all(axis=1)] if n_bootstrap else np.empty((0, 3))
    # Without samples nothing is known of the optimism: the corrected numbers are NaN, not the apparent ones.
    optimism_c, optimism_bare, slope = whole.mean(axis=0).tolist() if len(whole) else [math.nan] * 3
    return Performance(
        with_d100=Discrimination(apparent, apparent - optimism_c),
        without_d100=Discrimination(bare, bare - optimism_bare),
        slope_corrected=slope,
        n_bootstrap=len(whole),
    )
