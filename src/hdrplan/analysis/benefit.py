"""What more dose would mean for patients: recurrences within a time, were every lesion given another D100."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.analysis.effects import REFERENCE_GY, adjusters
from hdrplan.analysis.lesions import LesionTable
from hdrplan.arrays import FloatArray, IntArray, freeze
from hdrplan.errors import HdrPlanError, InfeasibleError, InputError
from hdrplan.outcomes import (
    CoxFit,
    FollowUp,
    RestrictedSpline,
    bootstrap_statistics,
    cox,
    follow_up,
    penalised_cox,
    predicted_incidence,
    restricted_spline,
)

__all__ = ["Benefit", "cause_models", "dose_benefit"]

# Lesions over which risks are averaged; a random choice of this size errs by less than 0.5 %.
_MAX_AVERAGED = 2000
_N_DOSES = 13


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Benefit:
    """Predicted recurrences within a time, death competing, averaged over the lesions of the cohort.

    Parameters
    ----------
    added_gy : float
        Dose that is added to the D100 of every lesion.
    horizon_months : float
    now, then : float
        Risk with the D100 that was given, and with more.
    difference, ratio : triple of float
        Fewer recurrences a lesion (now - then) and then / now, with 95 % limits; NaN limits without bootstrap samples.
    d100_gy, risk, lower, upper : (m,) arrays
        Risk if every lesion had this D100, with pointwise 95 % limits, from the 5th to the 95th percentile of D100.
    curved : bool
        Whether D100 entered as a spline, because a straight line was rejected.
    n_bootstrap : int
        Samples of patients that gave an answer.
    """

    added_gy: float
    horizon_months: float
    now: float
    then: float
    difference: tuple[float, float, float]
    ratio: tuple[float, float, float]
    d100_gy: FloatArray
    risk: FloatArray
    lower: FloatArray
    upper: FloatArray
    curved: bool
    n_bootstrap: int

    def __post_init__(self) -> None:
        for name in ("d100_gy", "risk", "lower", "upper"):
            freeze(self, name, (None,), finite=False)


def cause_models(
    rows: FollowUp,
    dead: FloatArray,
    covariates: FloatArray,
    strata: npt.NDArray[np.str_] | None,
    *,
    penalised: bool = False,
) -> tuple[CoxFit, CoxFit | None]:
    """Return the Cox models of recurrence and of death before it, lesions taken as independent.

    Death has the covariates of recurrence; where its model has no finite estimate, it is alike for all lesions.

    Parameters
    ----------
    rows : FollowUp
        To recurrence.
    dead : (n,) array
        1 where death came first.
    covariates : (n, k) array
    strata : (n,) array or None
    penalised : bool
        Whether recurrence has Firth's estimate where Cox's own is not finite, as in a sample in which nobody of a
        category recurs.

    Returns
    -------
    CoxFit
        Of recurrence.
    CoxFit or None
        Of death; None where nobody died first.
    """
    try:
        recurrence = cox(rows.independent, covariates, strata=strata)
    except InfeasibleError:
        if not penalised:
            raise
        recurrence = penalised_cox(rows, covariates, strata=strata)
    if not dead.any():
        return recurrence, None
    deaths = follow_up(rows.time, dead)
    try:
        return recurrence, cox(deaths, covariates, strata=strata)
    except HdrPlanError:
        return recurrence, cox(deaths, np.empty((rows.n, 0)))


def dose_benefit(
    table: LesionTable,
    *,
    horizon_months: float,
    curved: bool,
    rng: np.random.Generator,
    n_bootstrap: int,
    added_gy: float = 2.0,
) -> Benefit:
    """Return the predicted recurrences with the D100 that was given, and with more.

    Each lesion's risk is predicted from Cox models of recurrence and of death, with its D100 changed and all else
    equal, and averaged (standardisation). That answers what a change of dose would do only if the adjusters hold every
    reason for a lesion's dose that also matters for its recurrence.

    Parameters
    ----------
    table : LesionTable
    horizon_months : float
        Time within which recurrences count.
    curved : bool
        Whether D100 enters as a restricted cubic spline instead of a straight line.
    rng : numpy.random.Generator
        Source of randomness.
    n_bootstrap : int
        Samples of patients behind the intervals.
    added_gy : float
        Dose that is added.

    Returns
    -------
    Benefit

    Raises
    ------
    InputError, InfeasibleError
        The models cannot be fitted.

    References
    ----------
    M. A. Hernan, J. M. Robins, Causal Inference: What If, Chapman and Hall 2020, chapter 13 (standardisation).
    """
    if not table.known_until(horizon_months):
        raise InputError(
            f"a risk within {horizon_months:g} months needs lesions that are followed as long",
            got=f"{table.follow_up.time.max():.1f} months at most",
            remedy="Ask for an earlier time.",
        )
    lowest, highest = np.quantile(table.d100_gy, (0.05, 0.95))
    if highest - lowest < added_gy:
        raise InputError(
            f"what {added_gy:g} Gy more would do needs doses that differ by as much",
            got=f"{lowest:.1f} to {highest:.1f} Gy in nine lesions of ten",
        )
    beside = adjusters(table)
    spline = restricted_spline(table.d100_gy) if curved else None
    grid = _between(table.d100_gy, 0.05, 0.95, _N_DOSES)
    strata = None if table.strata is None else np.array(table.strata)
    others = np.column_stack(list(beside.values())) if beside else np.empty((table.n, 0))
    dead = (table.status == 2).astype(np.float64)

    def risks(drawn: IntArray, *, sample: bool = False) -> FloatArray:
        """Mean risk now, with more dose, and at each dose of the grid."""
        layer = None if strata is None else strata[drawn]
        rows, gy, x = table.follow_up.chosen(drawn), table.d100_gy[drawn], others[drawn]
        design = np.column_stack((_dose(gy, spline), x))
        recurrence, death = cause_models(rows, dead[drawn], design, layer, penalised=sample)
        every = max(1, drawn.size // _MAX_AVERAGED)

        def mean(dose: FloatArray) -> float:
            values = np.column_stack((_dose(dose, spline), x))[::every]
            own = None if layer is None else layer[::every]
            return float(predicted_incidence(recurrence, death, values, [horizon_months], strata=own).mean())

        return np.array([mean(gy), mean(gy + added_gy), *(mean(np.full(gy.size, at)) for at in grid)])

    def attempt(drawn: IntArray, _: IntArray) -> FloatArray:
        try:
            return risks(drawn, sample=True)
        except HdrPlanError:  # a sample that cannot be fitted, as one without any recurrence
            return np.full(grid.size + 2, np.nan)

    middle = risks(np.arange(table.n))
    samples = bootstrap_statistics(attempt, table.follow_up.owner, n_bootstrap, rng) if n_bootstrap else np.empty(0)
    samples = (
        samples[np.isfinite(samples).all(axis=1) & (samples[:, 0] > 0)] if n_bootstrap else np.empty((0, grid.size + 2))
    )
    limits = (
        np.quantile(samples, (0.025, 0.975), axis=0) if len(samples) > 19 else np.full((2, grid.size + 2), math.nan)
    )
    now, then = float(middle[0]), float(middle[1])
    if not now > 0:
        raise InputError(
            f"a risk within {horizon_months:g} months needs a recurrence by then",
            got="none",
            remedy="Ask for a later time.",
        )
    return Benefit(
        added_gy=added_gy,
        horizon_months=horizon_months,
        now=now,
        then=then,
        difference=_triple(now - then, samples[:, 0] - samples[:, 1]),
        ratio=_triple(then / now, samples[:, 1] / samples[:, 0]),
        d100_gy=grid,
        risk=middle[2:],
        lower=limits[0, 2:],
        upper=limits[1, 2:],
        curved=curved,
        n_bootstrap=len(samples),
    )


def _dose(gy: FloatArray, spline: RestrictedSpline | None) -> FloatArray:
    return (gy - REFERENCE_GY)[:, None] if spline is None else spline.basis(gy)


def _triple(value: float, samples: FloatArray) -> tuple[float, float, float]:
    if samples.size < 20:
        return value, math.nan, math.nan
    low, high = np.quantile(samples, (0.025, 0.975))
    return value, float(low), float(high)


def _between(values: FloatArray, low: float, high: float, n: int) -> FloatArray:
    first, last = np.quantile(values, (low, high))
    return np.linspace(float(first), float(last), n)
