"""Figures of one structure by three doses: TG-43, D_m,m and D_w,m, with the error of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.dose import SamplePoints
from hdrplan.metrics import DVH, dvh, organ_metrics, target_metrics
from hdrplan.transport import Correction, jackknife_error

__all__ = ["ModelFigure", "ModelStructure", "structure_figures"]

# Key of the metrics -> name and unit.
_TARGET = {
    "d100_gy": ("D100", "Gy"), "d98_gy": ("D98", "Gy"), "d90_gy": ("D90", "Gy"), "d50_gy": ("D50", "Gy"),
    "v100_frac": ("V100", ""), "mean_gy": ("mean", "Gy"),
}  # fmt: skip
_ORGAN = {
    "d0_1cc_gy": ("D0.1cc", "Gy"),
    "d1cc_gy": ("D1cc", "Gy"),
    "d2cc_gy": ("D2cc", "Gy"),
    "mean_gy": ("mean", "Gy"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFigure:
    """One metric by three doses; errors are standard errors (k = 1) of the Monte Carlo.

    Parameters
    ----------
    name, unit : str
        A unit of "" is a fraction of 0 to 1.
    tg43 : float
        D_w,w: TG-43, water everywhere.
    medium, medium_error : float
        D_m,m.
    water, water_error : float
        D_w,m.
    """

    name: str
    unit: str
    tg43: float
    medium: float
    medium_error: float
    water: float
    water_error: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelStructure:
    """One structure's figures and curves.

    Parameters
    ----------
    name, role : str
    volume_cc : float
    figures : tuple of ModelFigure
    uncertainty_frac : float
        Relative standard error of D_m,m at its points that count, root mean square; NaN where none counts.
    mean_factor : float
        D_m,m over TG-43, mean over its volume.
    tg43_curve, medium_curve : DVH
    medium_low_curve, medium_high_curve : DVH
        Of doses two standard errors lower and higher at every point at once: the band holds more than 95 %.
    """

    name: str
    role: str
    volume_cc: float
    figures: tuple[ModelFigure, ...]
    uncertainty_frac: float
    mean_factor: float
    tg43_curve: DVH
    medium_curve: DVH
    medium_low_curve: DVH
    medium_high_curve: DVH


def structure_figures(
    points: SamplePoints,
    name: str,
    tg43_gy: FloatArray,
    factor: Correction,
    prescription_gy: float | None,
    *,
    counted_gy: float,
) -> ModelStructure:
    """Return the figures of one structure.

    Parameters
    ----------
    points : SamplePoints
    name : str
    tg43_gy : (n,) array
        At the structure's points.
    factor : Correction
        At the same points.
    prescription_gy : float or None
        Of a CTV.
    counted_gy : float
        Points with less do not count for the uncertainty.
    """
    volume_cc = points.volume_cc[points.rows(name)]
    role = points.roles[points.names.index(name)]
    keys = _ORGAN if prescription_gy is None else _TARGET

    def metrics(dose_gy: FloatArray) -> FloatArray:
        curve = dvh(dose_gy, volume_cc)
        table = organ_metrics(curve) if prescription_gy is None else target_metrics(curve, prescription_gy)
        return np.array([table[key] for key in keys])

    values = [metrics(tg43_gy), metrics(tg43_gy * factor.medium), metrics(tg43_gy * factor.water)]
    errors = [
        jackknife_error([metrics(tg43_gy * one) for one in replicates])
        for replicates in (factor.medium_replicates, factor.water_replicates)
    ]
    sigma = factor.medium_error
    counted = tg43_gy >= counted_gy
    relative = sigma[counted] / factor.medium[counted]
    within = volume_cc > 0.0
    return ModelStructure(
        name=name,
        role=role,
        volume_cc=float(volume_cc.sum()),
        figures=tuple(
            ModelFigure(
                name=label,
                unit=unit,
                tg43=float(values[0][k]),
                medium=float(values[1][k]),
                medium_error=float(errors[0][k]),
                water=float(values[2][k]),
                water_error=float(errors[1][k]),
            )
            for k, (label, unit) in enumerate(keys.values())
            if not np.isnan(values[0][k])
        ),
        uncertainty_frac=float(np.sqrt(np.mean(relative**2))) if counted.any() else float("nan"),
        mean_factor=float(np.average(factor.medium[within], weights=volume_cc[within])),
        tg43_curve=dvh(tg43_gy, volume_cc),
        medium_curve=dvh(tg43_gy * factor.medium, volume_cc),
        medium_low_curve=dvh(tg43_gy * np.maximum(factor.medium - 2.0 * sigma, 0.0), volume_cc),
        medium_high_curve=dvh(tg43_gy * (factor.medium + 2.0 * sigma), volume_cc),
    )
