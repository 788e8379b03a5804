"""Who the virtual patients are: tumour types with their hazards, doses and their effect, and what is assumed.

Fitted values reproduce the printed results of Xu et al., Ther Adv Med Oncol 2021;13, doi 10.1177/17588359211042304
(docs/measurements/calibration.md). That paper holds no doses: the distribution of D100 and its effect are assumptions,
named so in :data:`ASSUMPTIONS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

__all__ = ["ASSUMPTIONS", "CRLM", "HCC", "DoseModel", "Entity"]

ASSUMPTIONS = (
    "D100 is normal around 20 Gy, lower for large lesions, SD 3 Gy, between 6 and 32 Gy: the paper has no doses.",
    "The hazard of local recurrence falls by 10 % per Gy of D100, alike for all tumour types, unless given otherwise.",
    "One gamma frailty of variance 0.8 is shared by all processes of a patient.",
    "Scans after the first are missed in fractions fitted to the paper's scans per patient, most after progression.",
    "Loss to follow-up changes after the first detected progression.",
    "A treated lesion shrinks by a fraction uniform between 0 and 53 %, with a time constant of 55 days.",
)

FRAILTY_VARIANCE = 0.8
MEAN_AGE_YEARS, MEAN_DIAMETER_MM = 69.0, 38.0
# Hazard ratios of the paper's Table 4 (univariate): age 1.026 (local) and 1.028 (distant) a year, diameter 1.013 a mm.
LOG_HR_AGE_LOCAL, LOG_HR_AGE_DISTANT, LOG_HR_DIAMETER = np.log(1.026), np.log(1.028), np.log(1.013)
# Fraction by which a treated lesion shrinks in the end (uniform up to this) and its time constant: fitted to the
# partial responses of the paper's Table 2 at 8 weeks and 3 months.
MAX_SHRINKAGE_FRAC, SHRINKAGE_DAYS = 0.53, 55.0
SECOND_CYCLE_FRAC = 0.28


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseModel:
    """D100 of planned lesions and what it does.

    Parameters
    ----------
    mean_gy, sd_gy : float
        At a diameter of 38 mm.
    slope_gy_per_mm : float
        Larger lesions get less.
    hazard_ratio_per_gy : float
        Of local recurrence; 1 is the null hypothesis.
    threshold_gy : float or None
        With a threshold the hazard is ``threshold_ratio`` above it and 1 below, and the slope above is not used.
    threshold_ratio : float
    """

    mean_gy: float = 20.0
    sd_gy: float = 3.0
    slope_gy_per_mm: float = -0.05
    hazard_ratio_per_gy: float = 0.90
    threshold_gy: float | None = None
    threshold_ratio: float = 0.5

    def ratio(self, d100_gy: float) -> float:
        """Factor of the hazard of local recurrence, 1 at 20 Gy (or below the threshold)."""
        if self.threshold_gy is not None:
            return self.threshold_ratio if d100_gy >= self.threshold_gy else 1.0
        return float(self.hazard_ratio_per_gy ** (d100_gy - 20.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """One tumour type: who the patients are, and their hazards.

    Hazards are per month at 12 months; a Weibull hazard is ``scale (t / 12)^(shape - 1)``. Ages, diameters and lesion
    numbers are the paper's Table 1; hazards are fitted to its results (docs/measurements/calibration.md).

    Parameters
    ----------
    tumour_type : {"HCC", "CRLM"}
    age_years, diameter_mm : pair of float
        Mean and standard deviation.
    male_frac : float
    lesions_frac : tuple of float
        Part of the patients with one, two, ... lesions.
    local, distant : pair of float
        Scale and shape of the Weibull hazards of local recurrence and of new intrahepatic tumours.
    extrahepatic, death : float
        Constant hazards.
    loss : pair of float
        Hazard of being lost before and after the first detected progression.
    missed_frac : triple of float
        Fraction of scans missed: at 3 months, and later before and after the first detected progression.
    """

    tumour_type: Literal["HCC", "CRLM"]
    age_years: tuple[float, float]
    male_frac: float
    diameter_mm: tuple[float, float]
    lesions_frac: tuple[float, ...]
    local: tuple[float, float]
    distant: tuple[float, float]
    extrahepatic: float
    death: float
    loss: tuple[float, float]
    missed_frac: tuple[float, float, float]


HCC = Entity(
    tumour_type="HCC",
    age_years=(69.97, 10.75),
    male_frac=90 / 114,
    diameter_mm=(36.78, 23.00),
    lesions_frac=(0.79, 0.18, 0.03),
    local=(0.0195, 0.92),
    distant=(0.1, 1.18),
    extrahepatic=0.0055,
    death=0.0095,
    loss=(0.014, 0.013),
    missed_frac=(0.12, 0.65, 0.95),
)
CRLM = Entity(
    tumour_type="CRLM",
    age_years=(66.30, 12.63),
    male_frac=36 / 50,
    diameter_mm=(40.00, 24.07),
    lesions_frac=(0.64, 0.20, 0.08, 0.06, 0.02),
    local=(0.066, 0.72),
    distant=(0.08, 1.12),
    extrahepatic=0.019,
    death=0.0165,
    loss=(0.0071, 0.155),
    missed_frac=(0.36, 0.685, 0.95),
)
