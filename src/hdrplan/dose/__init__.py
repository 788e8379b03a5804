"""Dose by TG-43U1: sample points, the rate matrix, doses at points and on grids. Knows no plans, goals or files."""

from typing import TYPE_CHECKING

from hdrplan.rooms import loaded_when_used

if TYPE_CHECKING:
    from hdrplan.dose.along_away import AlongAwayCheck, along_away_check
    from hdrplan.dose.change import dose_change
    from hdrplan.dose.dense_points import DensePoints, split
    from hdrplan.dose.factor import DoseFactor, FactorBound, nodes_of
    from hdrplan.dose.field import dose_field
    from hdrplan.dose.first_plan import LATE_KERNELS, compile_late, late_work
    from hdrplan.dose.growing import GrowingRows
    from hdrplan.dose.hottest import HotDoses, hot_doses
    from hdrplan.dose.minimum import MinimumDose, MinimumDoseSearch, minimum_dose
    from hdrplan.dose.outline_layers import Between, Ends
    from hdrplan.dose.points import MAX_POINTS, SPACING_MM, SamplePoints, sample_points
    from hdrplan.dose.products import doses_of, weighted_rates
    from hdrplan.dose.rate import DoseRate, PointDose, dose_at_points, dose_by_tables, dose_rate
    from hdrplan.dose.rate_blocks import DoseRateBlocks, dose_rate_blocks
    from hdrplan.dose.rate_room import RateRoom
    from hdrplan.dose.regions import DENSE_POINTS, Region, RegionPoints, region_points
    from hdrplan.dose.shape import Shape, shape_of

__all__ = [
    "DENSE_POINTS",
    "LATE_KERNELS",
    "MAX_POINTS",
    "SPACING_MM",
    "AlongAwayCheck",
    "Between",
    "DensePoints",
    "DoseFactor",
    "DoseRate",
    "DoseRateBlocks",
    "Ends",
    "FactorBound",
    "GrowingRows",
    "HotDoses",
    "MinimumDose",
    "MinimumDoseSearch",
    "PointDose",
    "RateRoom",
    "Region",
    "RegionPoints",
    "SamplePoints",
    "Shape",
    "along_away_check",
    "compile_late",
    "dose_at_points",
    "dose_by_tables",
    "dose_change",
    "dose_field",
    "dose_rate",
    "dose_rate_blocks",
    "doses_of",
    "hot_doses",
    "late_work",
    "minimum_dose",
    "nodes_of",
    "region_points",
    "sample_points",
    "shape_of",
    "split",
    "weighted_rates",
]

__getattr__, __dir__ = loaded_when_used(__name__)
