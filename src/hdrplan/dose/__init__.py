"""Dose by TG-43U1: sample points, the rate matrix, doses at points and on grids. Knows no plans, goals or files."""

from hdrplan.dose.along_away import AlongAwayCheck, along_away_check
from hdrplan.dose.change import dose_change
from hdrplan.dose.field import dose_field
from hdrplan.dose.hottest import HotDoses, hot_doses
from hdrplan.dose.minimum import MinimumDose, MinimumDoseSearch, minimum_dose
from hdrplan.dose.points import MAX_POINTS, SPACING_MM, SamplePoints, sample_points
from hdrplan.dose.rate import DoseRate, PointDose, dose_at_points, dose_rate
from hdrplan.dose.shape import Shape, shape_of

__all__ = [
    "MAX_POINTS",
    "SPACING_MM",
    "AlongAwayCheck",
    "DoseRate",
    "HotDoses",
    "MinimumDose",
    "MinimumDoseSearch",
    "PointDose",
    "SamplePoints",
    "Shape",
    "along_away_check",
    "dose_at_points",
    "dose_change",
    "dose_field",
    "dose_rate",
    "hot_doses",
    "minimum_dose",
    "sample_points",
    "shape_of",
]
