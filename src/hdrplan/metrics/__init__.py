"""Dose-volume metrics from ``dose_gy`` and ``volume_cc`` arrays. Knows no plan, no geometry, no files."""

from hdrplan.metrics.dvh import DVH, dvh
from hdrplan.metrics.eqd2 import bed_gy, eqd2_gy, protraction_factor
from hdrplan.metrics.gamma import GammaCriteria, gamma_index
from hdrplan.metrics.geud import geud_gy
from hdrplan.metrics.indices import (
    conformal_index,
    coverage_index,
    dose_homogeneity_index,
    dose_nonuniformity_ratio,
    external_volume_index,
    healthy_tissue_conformity_index,
    overdose_index,
    pitv,
)
from hdrplan.metrics.tolerances import LIMITS, Limit, Tolerances
from hdrplan.metrics.values import D100Sampling, d100_sampling, metric_value, organ_metrics, target_metrics

__all__ = [
    "DVH",
    "LIMITS",
    "D100Sampling",
    "GammaCriteria",
    "Limit",
    "Tolerances",
    "bed_gy",
    "conformal_index",
    "coverage_index",
    "d100_sampling",
    "dose_homogeneity_index",
    "dose_nonuniformity_ratio",
    "dvh",
    "eqd2_gy",
    "external_volume_index",
    "gamma_index",
    "geud_gy",
    "healthy_tissue_conformity_index",
    "metric_value",
    "organ_metrics",
    "overdose_index",
    "pitv",
    "protraction_factor",
    "target_metrics",
]
