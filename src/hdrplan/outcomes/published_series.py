"""Local control in published series, pooled: by horizon, by tumour type, against dose; and what they cannot say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.errors import InputError
from hdrplan.outcomes.published_figure import Series
from hdrplan.outcomes.published_types import TypeTest, WithinSeries, type_test, unknown_of_types, within_series
from hdrplan.outcomes.random_effects import MetaAnalysis, leave_one_out, meta_analysis

__all__ = ["Pool", "TypeMean", "pooled_series"]

# Series below which a mean, and above it a slope, has no worth: two free variances and a line through the points.
_FEWEST = 3
_FEWEST_SLOPE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeMean:
    """Control of the series of one tumour type: of their own where there is one, else of a random-effects mean."""

    tumour_type: str
    n: int
    control: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Pool:
    """Series of one horizon, pooled.

    Parameters
    ----------
    horizon : str
    series : tuple of Series
        Those pooled.
    control, lower, upper : (k,) arrays
        Of each series, with Wald limits on the logit scale.
    mean : MetaAnalysis or None
        Of the logits of control; None where fewer than three series are pooled.
    pooled : tuple of float or None
        Control of the mean series, its limits, and the limits of a new series.
    without : tuple of tuple of float
        Mean and limits without each series.
    types : tuple of TypeMean
        By tumour type, with the variance between series of the whole pool.
    type_test : TypeTest or None
        None where no type has two series, or none is left to compare with it.
    within : tuple of WithinSeries
    slope : MetaAnalysis or None
        Of the logits against dose; None where fewer than four series print a dose.
    unknown : tuple of str
        What these series cannot say.
    """

    horizon: str
    series: tuple[Series, ...]
    control: FloatArray
    lower: FloatArray
    upper: FloatArray
    mean: MetaAnalysis | None
    pooled: tuple[float, ...] | None
    without: tuple[tuple[float, ...], ...]
    types: tuple[TypeMean, ...]
    type_test: TypeTest | None
    within: tuple[WithinSeries, ...]
    slope: MetaAnalysis | None
    unknown: tuple[str, ...]


def pooled_series(series: Sequence[Series], conf_level: float = 0.95) -> list[Pool]:
    """Return the pools of all horizons, largest first.

    Control is pooled on the logit scale with the binomial variance of its lesions; half an event is added where none or
    all recurred.

    Parameters
    ----------
    series : sequence of Series
    conf_level : float

    Raises
    ------
    InputError
        Nothing that can be pooled, more recurrences than lesions.
    """
    pools = []
    for horizon in dict.fromkeys(s.horizon for s in series):
        chosen = tuple(s for s in series if s.horizon == horizon and not s.left_out)
        if chosen:
            within = within_series(chosen, [s for s in series if s.horizon == horizon])
            pools.append(_pool(horizon, chosen, within, conf_level))
    if not pools:
        raise InputError("series need lesions and recurrences", got="none that can be pooled")
    return sorted(pools, key=lambda pool: -len(pool.series))


def _pool(horizon: str, series: tuple[Series, ...], within: tuple[WithinSeries, ...], conf_level: float) -> Pool:
    y, v = _logits(series)
    half = _quantile(conf_level) * np.sqrt(v)
    mean = meta_analysis(y, v) if len(series) >= _FEWEST else None
    fits = leave_one_out(y, v) if len(series) > _FEWEST else []
    dosed = [k for k, s in enumerate(series) if s.dose_gy is not None]
    doses = np.array([series[k].dose_gy for k in dosed], dtype=np.float64)
    slope = None
    if len(dosed) >= _FEWEST_SLOPE and np.ptp(doses) > 0:
        slope = meta_analysis(y[dosed], v[dosed], {"dose_gy": doses})
    of_type = type_test(series, y, v)
    return Pool(
        horizon=horizon,
        series=series,
        control=_chance(y),
        lower=_chance(y - half),
        upper=_chance(y + half),
        mean=mean,
        pooled=None if mean is None else tuple(float(_chance(value)) for value in mean.predicted((), conf_level)),
        without=tuple(tuple(float(_chance(value)) for value in fit.predicted((), conf_level)[:3]) for fit in fits),
        types=_by_type(series, y, v, 0.0 if mean is None else mean.tau2, conf_level),
        type_test=of_type,
        within=within,
        slope=slope,
        unknown=(*_unknown(series, mean, len(dosed), slope), *unknown_of_types(series, of_type, within)),
    )


def _logits(series: Sequence[Series]) -> tuple[FloatArray, FloatArray]:
    lesions = np.array([s.lesions for s in series], dtype=np.float64)
    events = np.array([s.events for s in series], dtype=np.float64)
    if (events < 0).any() or (events > lesions).any():
        k = int(np.argmax((events < 0) | (events > lesions)))
        raise InputError("recurrences must be 0 to the number of lesions", got=events[k], where=series[k].name)
    whole = (events == 0) | (events == lesions)
    events, lesions = events + 0.5 * whole, lesions + whole
    return np.log((lesions - events) / events), 1.0 / events + 1.0 / (lesions - events)


def _by_type(
    series: Sequence[Series], y: FloatArray, v: FloatArray, tau2: float, conf_level: float
) -> tuple[TypeMean, ...]:
    """Means by type, hierarchical: all types share the variance between series."""
    z, means = _quantile(conf_level), []
    for kind in dict.fromkeys(s.tumour_type for s in series):
        own = np.array([s.tumour_type == kind for s in series])
        weight = 1.0 / (v[own] + tau2)
        mean, half = float(weight @ y[own] / weight.sum()), z / float(np.sqrt(weight.sum()))
        low, high = float(_chance(mean - half)), float(_chance(mean + half))
        means.append(TypeMean(tumour_type=kind, n=int(own.sum()), control=float(_chance(mean)), lower=low, upper=high))
    return tuple(means)


def _unknown(series: Sequence[Series], mean: MetaAnalysis | None, dosed: int, slope: MetaAnalysis | None) -> list[str]:
    said = []
    if mean is None:
        said.append(f"no mean: {len(series)} series, fewer than {_FEWEST}")
    if slope is None:
        said.append(
            f"no slope against dose: {dosed} of {len(series)} series print one dose, fewer than {_FEWEST_SLOPE}"
        )
    if any(s.horizon == "whole follow-up" for s in series):
        said.append("recurrences over the whole follow-up grow with its length, which differs between the series")
    else:
        said.append("lesions at risk at the horizon are not printed: all lesions are counted, intervals are too narrow")
    return said


def _quantile(conf_level: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf(0.5 + conf_level / 2.0))


def _chance(logit: float | FloatArray) -> FloatArray:
    result: FloatArray = np.asarray(1.0 / (1.0 + np.exp(-np.asarray(logit, dtype=np.float64))))
    return result
