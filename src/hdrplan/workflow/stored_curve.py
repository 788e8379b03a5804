"""A DVH as a file has it: cumulative, in bins of its own, and the metrics that can be read from it."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.plan import Metric

__all__ = ["CurveInFile", "falling_frac", "value_in_curve"]


class CurveInFile(Protocol):
    """A cumulative DVH as an RT Dose has it (:class:`hdrplan.io.StoredDVH`)."""

    @property
    def roi_number(self) -> int:
        """Of its structure."""

    @property
    def dose_gy(self) -> FloatArray:
        """Lower edges of its bins, from 0."""

    @property
    def volume(self) -> FloatArray:
        """What receives at least these doses: cc, or a fraction where ``relative``."""

    @property
    def relative(self) -> bool:
        """Whether volumes are fractions."""


def falling_frac(stored: CurveInFile) -> FloatArray:
    """Return the fraction of the volume at each edge; a later bin with more than an earlier one would be read twice."""
    return np.asarray(np.minimum.accumulate(stored.volume) / stored.volume[0])


def value_in_curve(stored: CurveInFile, metric: Metric, volume_cc: float) -> tuple[float, float]:
    """Read a metric, linear between the edges of bins.

    Parameters
    ----------
    stored : CurveInFile
    metric : Metric
    volume_cc : float
        Of the structure.

    Returns
    -------
    value : float
        NaN where the curve has none.
    bin_gy : float
        Width of the bin that it was read in; 0 for a mean or a volume.
    """
    dose_gy, frac = stored.dose_gy, falling_frac(stored)
    if metric.kind == "dose_mean":
        return float(((frac[1:] + frac[:-1]) / 2 * np.diff(dose_gy)).sum()), 0.0
    if metric.kind == "volume_at_gy":
        return 100.0 * float(np.interp(metric.at, dose_gy, frac, right=0.0)), 0.0
    if metric.kind not in ("dose_at_frac", "dose_at_cc"):
        return math.nan, 0.0
    at = metric.at if metric.kind == "dose_at_frac" else metric.at / volume_cc
    if not 0 < at <= 1:
        return math.nan, 0.0
    # The largest dose that so much receives: from the far end, where the curve is level.
    row = len(frac) - 1 - int(np.argmax(frac[::-1] >= at * (1 - 1e-12)))
    if row == len(frac) - 1:
        return float(dose_gy[row]), float(dose_gy[row] - dose_gy[row - 1])
    bin_gy = float(dose_gy[row + 1] - dose_gy[row])
    if frac[row] == frac[row + 1]:
        return float(dose_gy[row]), bin_gy
    share = (frac[row] - at) / (frac[row] - frac[row + 1])
    return float(dose_gy[row] + share * bin_gy), bin_gy
