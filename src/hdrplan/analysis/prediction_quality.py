"""How good predicted risks are: Brier score, AUC, calibration and net benefit, death competing, without optimism."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.analysis.benefit import cause_models
from hdrplan.analysis.effects import REFERENCE_GY, adjusters
from hdrplan.analysis.lesions import LesionTable
from hdrplan.arrays import FloatArray, IntArray, freeze
from hdrplan.errors import HdrPlanError
from hdrplan.outcomes import (
    CalibrationCurve,
    CompetingRisks,
    CoxFit,
    KnownStatus,
    aalen_johansen,
    auc_at,
    bootstrap_statistics,
    calibration_curve,
    competing_risks,
    integrated_brier,
    known_status,
    predicted_incidence,
    risk_groups,
)

__all__ = ["CalibrationGroup", "DecisionCurve", "PredictionQuality", "PredictionScore", "prediction_quality"]

# Shares of the horizon at which the Brier score is integrated, so many that the integral stays within 1e-3 of one over
# all times (4 err by 1e-3); and risks at which somebody might act.
_GRID = np.arange(1, 49) / 48
_THRESHOLDS = np.round(np.arange(0.05, 0.61, 0.05), 2)
_MODELS = ("incidence alone", "adjusters", "adjusters and D100")


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionScore:
    """Scores of one model on its own data, and corrected for optimism.

    Parameters
    ----------
    model : str
    brier, integrated_brier, auc : pair of float
        Apparent and corrected; corrected NaN without bootstrap samples.
    """

    model: str
    brier: tuple[float, float]
    integrated_brier: tuple[float, float]
    auc: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationGroup:
    """Lesions of similar predicted risk: what the model says and what was seen, death competing.

    Parameters
    ----------
    n : int
        Lesions.
    predicted : float
        Mean predicted risk.
    observed, lower, upper : float
        Aalen-Johansen incidence and its limits, errors by patient; limits NaN where none recurred.
    """

    n: int
    predicted: float
    observed: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class DecisionCurve:
    """Net benefit of acting on a predicted risk, per lesion.

    Parameters
    ----------
    thresholds : (m,) array
        Risk from which one would act.
    with_d100, without_d100 : (m,) arrays
        Corrected for optimism where there are bootstrap samples.
    everybody : (m,) array
        Of acting in all lesions.
    """

    thresholds: FloatArray
    with_d100: FloatArray
    without_d100: FloatArray
    everybody: FloatArray

    def __post_init__(self) -> None:
        for name in ("thresholds", "with_d100", "without_d100", "everybody"):
            freeze(self, name, (None,))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PredictionQuality:
    """Quality of the predicted risk of local recurrence.

    Parameters
    ----------
    horizon_months : float
        Time within which recurrences count.
    scores : tuple of PredictionScore
        Of no model, of the adjusters, and of the adjusters with D100.
    calibration : CalibrationCurve or None
        Of the model with D100 on its own data; None where too few lesions recurred, or did not, for a curve.
    groups : tuple of CalibrationGroup
        The same in quarters of predicted risk.
    slope_corrected : float
        Its calibration slope, corrected for optimism.
    decision : DecisionCurve
    n_bootstrap : int
        Samples of patients that gave an answer.
    silent : mapping of str to tuple of str
        Levels of which no lesion recurred, by column: their risk is that of Firth's penalised model, not 0.
    """

    horizon_months: float
    scores: tuple[PredictionScore, ...]
    calibration: CalibrationCurve | None
    groups: tuple[CalibrationGroup, ...]
    slope_corrected: float
    decision: DecisionCurve
    n_bootstrap: int
    silent: Mapping[str, tuple[str, ...]]


def prediction_quality(
    table: LesionTable, *, horizon_months: float, rng: np.random.Generator, n_bootstrap: int
) -> PredictionQuality:
    """Return how good the predicted risks of local recurrence are, corrected for optimism by a bootstrap of patients.

    Parameters
    ----------
    table : LesionTable
    horizon_months : float
        Time within which recurrences count.
    rng : numpy.random.Generator
        Source of randomness.
    n_bootstrap : int
        Samples of patients.

    Returns
    -------
    PredictionQuality

    Raises
    ------
    InputError, InfeasibleError
        A model that cannot be fitted, or nobody followed as long.

    References
    ----------
    F. E. Harrell, K. L. Lee, D. B. Mark, Stat Med 1996;15:361-387 (optimism).
    T. A. Gerds, M. W. Kattan, Medical Risk Prediction Models, Chapman and Hall 2021 (scores with competing risks).
    """
    # A baseline of its own would give a category without recurrence a risk of exactly 0, for ever.
    beside = {**adjusters(table), **table.silent_columns}
    others = np.column_stack(list(beside.values())) if beside else np.empty((table.n, 0))
    data = _Data(
        table=table,
        designs=(np.empty((table.n, 0)), others, np.column_stack((others, table.d100_gy - REFERENCE_GY))),
        strata=None if table.asked_strata is None else np.array(table.asked_strata),
        horizon_months=horizon_months,
    )
    everyone = np.arange(table.n)
    models = data.models(everyone)
    apparent = data.scores(models, everyone)
    with_d100 = data.risks(models[2], 2, everyone)[:, -1]
    status = known_status(data.outcomes(everyone), horizon_months)
    calibration = _curve(status, with_d100)

    def optimism(drawn: IntArray, _: IntArray) -> FloatArray:
        """Scores on the sample less those on all lesions, and the calibration slope on all lesions."""
        try:
            own = data.models(drawn)
            curve = _curve(status, data.risks(own[2], 2, everyone)[:, -1]) if calibration else None
            slope = curve.slope if curve else math.nan
            return np.append(data.scores(own, drawn) - data.scores(own, everyone), slope)
        except HdrPlanError:  # a sample that cannot be fitted, as one without any recurrence
            return np.full(apparent.size + 1, math.nan)

    mean, known = np.full(apparent.size + 1, math.nan), 0
    if n_bootstrap:
        samples = bootstrap_statistics(optimism, table.follow_up.owner, n_bootstrap, rng)
        whole = samples[np.isfinite(samples[:, :-1]).all(axis=1)]
        known, slopes = len(whole), whole[np.isfinite(whole[:, -1]), -1]
        if known:
            mean = np.append(whole[:, :-1].mean(axis=0), slopes.mean() if slopes.size else math.nan)
    corrected = apparent - mean[:-1]
    n_scores = 3 * len(_MODELS)
    net = (corrected if known else apparent)[n_scores:].reshape(2, -1)
    return PredictionQuality(
        horizon_months=horizon_months,
        scores=tuple(
            PredictionScore(
                model=name,
                brier=(float(apparent[3 * k]), float(corrected[3 * k])),
                integrated_brier=(float(apparent[3 * k + 1]), float(corrected[3 * k + 1])),
                auc=(float(apparent[3 * k + 2]), float(corrected[3 * k + 2])),
            )
            for k, name in enumerate(_MODELS)
        ),
        calibration=calibration,
        groups=_groups(data, with_d100),
        slope_corrected=float(mean[-1]),
        decision=DecisionCurve(
            thresholds=_THRESHOLDS,
            without_d100=net[0],
            with_d100=net[1],
            everybody=status.net_benefit(np.ones(table.n), _THRESHOLDS),
        ),
        n_bootstrap=known,
        silent=table.silent_levels,
    )


def _curve(status: KnownStatus, risk: FloatArray) -> CalibrationCurve | None:
    """Return the calibration curve; None where it has no finite estimate."""
    try:
        return calibration_curve(status, risk)
    except HdrPlanError:
        return None


def _groups(data: _Data, risk: FloatArray) -> tuple[CalibrationGroup, ...]:
    """Return predicted and observed risk in groups of predicted risk; not corrected for optimism."""
    groups, at = [], [data.horizon_months]
    for rows in risk_groups(risk):
        seen = aalen_johansen(data.outcomes(rows))
        k = seen.causes.index(1)
        lower, upper = (float(limit[0, k]) for limit in seen.interval_at(at))
        predicted, observed = float(risk[rows].mean()), float(seen.incidence_at(at)[0, k])
        groups.append(CalibrationGroup(n=rows.size, predicted=predicted, observed=observed, lower=lower, upper=upper))
    return tuple(groups)


_Models = tuple[tuple[CoxFit, CoxFit | None], ...]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Data:
    """The lesions, and the covariates of each model: none, the adjusters, the adjusters and D100."""

    table: LesionTable
    designs: tuple[FloatArray, ...]
    strata: npt.NDArray[np.str_] | None
    horizon_months: float

    @property
    def times(self) -> FloatArray:
        return self.horizon_months * _GRID

    def models(self, drawn: IntArray) -> _Models:
        """Fit every model to some lesions."""
        rows, dead = self.table.follow_up.chosen(drawn), (self.table.status[drawn] == 2).astype(np.float64)
        return tuple(
            cause_models(
                rows, dead, x[drawn], None if self.strata is None or k == 0 else self.strata[drawn], penalised=True
            )
            for k, x in enumerate(self.designs)
        )

    def outcomes(self, drawn: IntArray) -> CompetingRisks:
        """Return what happened first to some lesions."""
        t = self.table
        return competing_risks(
            t.follow_up.time[drawn], t.status[drawn], causes=(1, 2), cluster=t.follow_up.owner[drawn]
        )

    def risks(self, models: tuple[CoxFit, CoxFit | None], k: int, drawn: IntArray) -> FloatArray:
        """Return the risk of recurrence of some lesions by each time of the grid, by model k."""
        layer = None if self.strata is None or k == 0 else self.strata[drawn]
        return predicted_incidence(*models, self.designs[k][drawn], self.times, strata=layer)

    def scores(self, models: _Models, drawn: IntArray) -> FloatArray:
        """Return Brier score, integrated Brier score and AUC of each model, then net benefits of the last two."""
        outcomes, at = self.outcomes(drawn), self.horizon_months
        status = known_status(outcomes, at)
        numbers: list[float] = []
        for k, fits in enumerate(models):
            risk = self.risks(fits, k, drawn)
            auc = float(auc_at(outcomes, risk[:, -1], [at], of=1).auc[0])
            numbers += [status.brier(risk[:, -1]), integrated_brier(outcomes, risk, self.times), auc]
        net = [status.net_benefit(self.risks(models[k], k, drawn)[:, -1], _THRESHOLDS) for k in (1, 2)]
        return np.concatenate((numbers, *net))
