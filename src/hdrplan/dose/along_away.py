"""A source's published along-away table, computed again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, freeze
from hdrplan.dose.rate import dose_rate
from hdrplan.errors import InputError
from hdrplan.geometry import Dwells
from hdrplan.sources import AlongAway, TG43Source

__all__ = ["AlongAwayCheck", "along_away_check"]


@dataclass(frozen=True, slots=True, eq=False)
class AlongAwayCheck:
    """Published against computed dose rates of one source.

    Parameters
    ----------
    published : AlongAway
    gy_per_s_per_u : (n_away, n_along) array
        Computed.
    valid : (n_away, n_along) bool array
        Printed cells, outside capsule and cable, within the range of g and F.
    """

    published: AlongAway
    gy_per_s_per_u: FloatArray
    valid: BoolArray

    def __post_init__(self) -> None:
        freeze(self, "gy_per_s_per_u", self.published.gy_per_s_per_u.shape)
        freeze(self, "valid", self.published.gy_per_s_per_u.shape, dtype=np.bool_)

    @property
    def deviation_frac(self) -> FloatArray:
        """Computed / published - 1; NaN where the cell is not valid."""
        return np.where(self.valid, self.gy_per_s_per_u / self.published.gy_per_s_per_u - 1.0, np.nan)

    @property
    def max_frac(self) -> float:
        """Largest deviation, without its sign."""
        return float(np.nanmax(np.abs(self.deviation_frac)))

    @property
    def mean_frac(self) -> float:
        """Mean of the deviations without their signs."""
        return float(np.nanmean(np.abs(self.deviation_frac)))

    @property
    def worst_mm(self) -> tuple[float, float]:
        """Along and away of the largest deviation."""
        away, along = np.unravel_index(np.nanargmax(np.abs(self.deviation_frac)), self.valid.shape)
        return float(self.published.along_mm[along]), float(self.published.away_mm[away])


def along_away_check(source: TG43Source) -> AlongAwayCheck:
    """Compute the published along-away table of a source with the dose engine.

    Cells inside capsule or cable are no dose in water and are left out; so are cells farther than g and F were
    published for, where the table would test a rule of extrapolation.

    Raises
    ------
    InputError
        The source has no along-away table, or none of its cells is valid.
    """
    table = source.along_away
    if table is None:
        raise InputError("an along-away table to verify against", got="none was published with it", where=source.name)
    away, along = (a.ravel() for a in np.meshgrid(table.away_mm, table.along_mm, indexing="ij"))
    points = np.column_stack([away, np.zeros_like(away), along])
    at_origin = Dwells(
        positions_mm=np.zeros((1, 3)),
        axes=np.array([[0.0, 0.0, 1.0]]),
        catheter=np.zeros(1, np.int64),
        offset_mm=np.zeros(1),
        catheter_names=("source",),
    )
    rate = dose_rate(at_origin, points, source, strength_u=1.0).gy_per_s[:, 0]
    capsule = source.capsule
    inside = (away < capsule.radius_mm) & (along >= capsule.cable_z_mm) & (along <= capsule.tip_z_mm)
    inside |= (away < capsule.cable_radius_mm) & (along < capsule.cable_z_mm)
    within = np.hypot(along, away) <= source.table_r_max_mm
    shape = table.gy_per_s_per_u.shape
    valid = np.isfinite(table.gy_per_s_per_u) & (~inside & within).reshape(shape)
    if not valid.any():
        raise InputError("an along-away table with cells in water", got="none", where=source.name)
    return AlongAwayCheck(table, rate.reshape(shape), valid)
