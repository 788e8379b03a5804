"""Observed control of lesions by dose: what a fitted dose response is held against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.outcomes.followup import FollowUp
from hdrplan.outcomes.nonparametric import kaplan_meier
from hdrplan.outcomes.tcp import dose_rows

__all__ = ["ControlBin", "control_by_dose"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlBin:
    """Observed control of the lesions in one range of dose.

    Parameters
    ----------
    dose_gy, low_gy, high_gy : float
        Median, lowest and highest dose.
    control, lower, upper : float
        Kaplan-Meier control at the horizon and its limits.
    n, n_events : int
        Lesions, and recurrences in all of follow-up.
    """

    dose_gy: float
    low_gy: float
    high_gy: float
    control: float
    lower: float
    upper: float
    n: int
    n_events: int


def control_by_dose(
    rows: FollowUp, dose_gy: npt.ArrayLike, *, horizon: float, n_bins: int = 5
) -> tuple[ControlBin, ...]:
    """Return Kaplan-Meier control at a horizon, with log-log limits, in equal groups of lesions ordered by dose.

    Parameters
    ----------
    rows : FollowUp
        Where it has clusters, limits come from errors by cluster.
    dose_gy : (n,) array_like
        Dose of each lesion.
    horizon : float
        Time of interest.
    n_bins : int
        Groups; tied doses stay together, so there may be fewer.

    Returns
    -------
    tuple of ControlBin

    Raises
    ------
    InputError
        Doses that cannot be right, or one dose for all.
    """
    dose, _ = dose_rows("logistic", dose_gy, None, rows.n)
    edges = np.unique(np.quantile(dose, np.linspace(0.0, 1.0, n_bins + 1), method="inverted_cdf"))
    place = np.clip(np.searchsorted(edges[1:-1], dose, side="left"), 0, edges.size - 2)
    bins = []
    for k in np.unique(place):
        here = place == k
        curve = kaplan_meier(rows.chosen(here))
        lower, upper = curve.interval_at([horizon])
        bins.append(
            ControlBin(
                dose_gy=float(np.median(dose[here])),
                low_gy=float(dose[here].min()),
                high_gy=float(dose[here].max()),
                control=float(curve.survival_at([horizon])[0]),
                lower=float(lower[0]),
                upper=float(upper[0]),
                n=curve.n,
                n_events=curve.n_events,
            )
        )
    return tuple(bins)
