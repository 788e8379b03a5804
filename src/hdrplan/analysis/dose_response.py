"""Dose-response curves of the lesions, from D100 and from the whole DVH."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hdrplan.analysis.correlation import Settings
from hdrplan.analysis.lesions import LesionTable
from hdrplan.arrays import FloatArray
from hdrplan.outcomes import TcpFit, fit_tcp, fit_tcp_intervals

__all__ = ["dose_response_fits", "dvh_bins"]

# Fractions of the volume between neighbouring points of the DVH, and the metrics at their ends.
_BINS = (
    (0.02, "d100_gy", "d98_gy"),
    (0.03, "d98_gy", "d95_gy"),
    (0.05, "d95_gy", "d90_gy"),
    (0.40, "d90_gy", "d50_gy"),
    (0.48, "d50_gy", "d2_gy"),
)
_STEPS = 8


def dose_response_fits(table: LesionTable, settings: Settings) -> dict[str, Callable[[], TcpFit]]:
    """Return the fit of each dose-response curve by its name, to be tried one by one."""
    horizon, ratio, rows = settings.horizon_months, settings.alpha_beta_gy, table.follow_up
    dose, volume = dvh_bins(table)
    whole = np.flatnonzero(np.isfinite(dose).all(axis=1))
    return {
        "logistic": lambda: fit_tcp(rows, table.d100_gy, horizon=horizon, alpha_beta_gy=ratio),
        "poisson": lambda: fit_tcp(rows, table.d100_gy, horizon=horizon, model="poisson", alpha_beta_gy=ratio),
        "poisson, whole DVH": lambda: fit_tcp(
            rows.chosen(whole),
            dose[whole],
            horizon=horizon,
            model="poisson-dvh",
            volume_cc=volume[whole],
            alpha_beta_gy=ratio,
        ),
        "logistic, intervals": lambda: fit_tcp_intervals(table.intervals, table.d100_gy, alpha_beta_gy=ratio),
    }


def dvh_bins(table: LesionTable) -> tuple[FloatArray, FloatArray]:
    """Return doses and volumes (n, bins) of each lesion's DVH, straight lines through its points; NaN where unknown.

    The hottest 2 % above D2 count at D2: their cells do not survive either way. Volume in cm3 where given, else 1.
    """
    volume = np.where(np.isfinite(table.metrics["ctv_cm3"]), table.metrics["ctv_cm3"], np.nan)
    middle = (np.arange(_STEPS) + 0.5) / _STEPS
    doses, shares = [], []
    for share, low, high in _BINS:
        a, b = table.metrics[low][:, None], table.metrics[high][:, None]
        doses.append(a + (b - a) * middle)
        shares += [share / _STEPS] * _STEPS
    doses.append(table.metrics["d2_gy"][:, None])
    shares.append(0.02)
    dose = np.hstack(doses)
    dose[~np.isfinite(volume)] = np.nan
    return dose, np.where(np.isfinite(volume), volume, 1.0)[:, None] * np.array(shares)
