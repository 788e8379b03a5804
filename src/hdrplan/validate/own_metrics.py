"""Dose-volume metrics as a student writes them: sort the points by dose, add up their volumes.

Shares nothing with :mod:`hdrplan.metrics`. Values come under the keys of ``metrics.json``.
"""

from __future__ import annotations

import math

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.plan import Metric

__all__ = ["dose_at_cc", "metric_of", "metrics_of"]

_PERCENTS = (99, 98, 95, 90, 50, 2)


def dose_at_cc(dose_gy: FloatArray, volume_cc: FloatArray, wanted_cc: float) -> float:
    """Return the dose of the last point needed, hottest first, until their volumes make the volume wanted.

    Parameters
    ----------
    dose_gy, volume_cc : (n,) array
    wanted_cc : float

    Returns
    -------
    float
        NaN where all points have less.
    """
    if wanted_cc > volume_cc.sum() * (1 + 1e-9):
        return math.nan
    order = np.argsort(dose_gy)[::-1]
    enough = np.flatnonzero(np.cumsum(volume_cc[order]) >= wanted_cc - 1e-9 * volume_cc.sum())
    return float(dose_gy[order[enough[0]]])


def volume_cc_at(dose_gy: FloatArray, volume_cc: FloatArray, level_gy: float) -> float:
    """Return the volume of the points that reach a dose.

    Parameters
    ----------
    dose_gy, volume_cc : (n,) array
    level_gy : float
    """
    return float(volume_cc[dose_gy >= level_gy].sum())


def metrics_of(dose_gy: FloatArray, volume_cc: FloatArray, prescription_gy: float | None) -> dict[str, float]:
    """Return what ``metrics.json`` says of one structure, from the doses of its sample points.

    Parameters
    ----------
    dose_gy, volume_cc : (n,) array
        Points on the surface have no volume.
    prescription_gy : float or None
        None for an organ.

    Returns
    -------
    dict
        Key of ``metrics.json`` -> value; D100 is not among them, where it is proven it is not that of points.
    """
    total_cc = float(volume_cc.sum())
    values = {
        "volume_cc": total_cc,
        "min_gy": float(dose_gy.min()),
        "max_gy": float(dose_gy.max()),
        "mean_gy": float((dose_gy * volume_cc).sum() / total_cc),
        "d0_1cc_gy": dose_at_cc(dose_gy, volume_cc, 0.1),
        "d1cc_gy": dose_at_cc(dose_gy, volume_cc, 1.0),
        "d2cc_gy": dose_at_cc(dose_gy, volume_cc, 2.0),
        "v5gy_cc": volume_cc_at(dose_gy, volume_cc, 5.0),
        "v10gy_cc": volume_cc_at(dose_gy, volume_cc, 10.0),
    }
    values |= {f"v{gy}gy_pct": 100.0 * values[f"v{gy}gy_cc"] / total_cc for gy in (5, 10)}
    if prescription_gy is not None:
        values |= {
            f"d{percent}_gy": dose_at_cc(dose_gy, volume_cc, percent / 100.0 * total_cc) for percent in _PERCENTS
        }
        for percent in (100, 150, 200):
            reached_cc = volume_cc_at(dose_gy, volume_cc, percent / 100.0 * prescription_gy)
            values[f"v{percent}_pct"] = 100.0 * reached_cc / total_cc
    return values


def metric_of(metric: Metric, dose_gy: FloatArray, volume_cc: FloatArray, prescription_gy: float | None) -> float:
    """Return the value of a goal's metric, in the metric's unit.

    Parameters
    ----------
    metric : Metric
        Of one structure: not the total time, not a conformity index.
    dose_gy, volume_cc : (n,) array
    prescription_gy : float or None
        Of the structure, for volumes at percent of it.
    """
    total_cc = float(volume_cc.sum())
    if metric.kind == "dose_mean":
        return float((dose_gy * volume_cc).sum() / total_cc)
    if metric.kind == "dose_max":
        return float(dose_gy.max())
    if metric.kind == "dose_min" or (metric.kind == "dose_at_frac" and metric.at == 1.0):
        return float(dose_gy.min())
    if metric.kind in ("dose_at_cc", "dose_at_frac"):
        unit_cc = total_cc if metric.kind == "dose_at_frac" else 1.0
        return dose_at_cc(dose_gy, volume_cc, metric.at * unit_cc)
    level_gy = metric.at * (prescription_gy or math.nan) if metric.kind == "volume_at_frac" else metric.at
    reached_cc = volume_cc_at(dose_gy, volume_cc, level_gy)
    return reached_cc if metric.unit == "cc" else reached_cc / total_cc
