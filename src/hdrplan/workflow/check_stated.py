"""Second check, the dose that a planning system wrote: where it tops out, where it has none, how it is read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.spatial import cKDTree

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.geometry import Volume
from hdrplan.workflow.stored_curve import CurveInFile

__all__ = ["BESIDE_DWELL_MM", "ON_CENTRE", "StatedDose", "as_written", "between_centres"]

# Stored grids are read between their voxel centres; this part of a voxel is roundoff.
ON_CENTRE = 1e-6
# No dose is 0 Gy beside a source: voxels with 0 this near to a dwell, as wide as needles are, were not written.
BESIDE_DWELL_MM = 5.0
# A prescription at 4 mm from needles with dwells every 1 mm encloses this much for each dwell. Nearer none is made.
_REACHED_CC = 0.05
# A grid that is cut to its prescription isodose is a box round it: a ball fills half of its box, a cube all of it.
_EVERYWHERE_FRAC = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class StatedDose:
    """A dose grid of a planning system.

    Parameters
    ----------
    volume : Volume
        Gy.
    full_scale_gy : float, optional
        Dose at which the grid tops out; voxels at it are left out of every comparison.
    dvhs : mapping of str to CurveInFile
        DVHs that came with it, by the name of the structure.
    factor : float
        What the volume was multiplied by after reading; the DVHs are as read.
    """

    volume: Volume
    full_scale_gy: float | None = None
    dvhs: Mapping[str, CurveInFile] = field(default_factory=dict)
    factor: float = 1.0

    def scaled(self, factor: float) -> StatedDose:
        """Return the dose times a factor: one of several equal fractions, or all pulses of one."""
        values = self.volume.values_zyx * np.float32(factor)
        scale = None if self.full_scale_gy is None else self.full_scale_gy * factor
        return StatedDose(Volume(self.volume.grid, values), scale, self.dvhs, self.factor * factor)

    def reached_everywhere(self, gy: float) -> bool:
        """Whether nearly all voxels that hold a dose have at least this one."""
        held = self.volume.values_zyx > 0
        return float((self.volume.values_zyx >= gy).sum()) > _EVERYWHERE_FRAC * float(held.sum())

    def normal_gy(self, prescription_gy: float, dwells: int) -> float:
        """Return what thresholds and isodoses are parts of: the prescription, else the hottest thousandth's dose.

        A prescription that next to no voxel reaches (a factor in it is wrong, say) would put the threshold above the
        doses that are to be judged; one that nearly all reach would make a global criterion of gamma next to nothing.

        Parameters
        ----------
        prescription_gy : float
        dwells : int
            How many have a time.
        """
        if prescription_gy > 0 and not self.reached_everywhere(prescription_gy):
            reached_cc = float((self.volume.values_zyx >= prescription_gy).sum()) * self.volume.grid.voxel_cc
            if reached_cc >= _REACHED_CC * max(1, dwells):
                return prescription_gy
        return float(np.quantile(self.volume.values_zyx, 0.999))


def as_written(recomputed: Volume, stated: StatedDose, dwells_mm: FloatArray) -> tuple[Volume, BoolArray]:
    """Return the recomputed dose as the planning system would have written it, and where that wrote no dose.

    No higher than the full scale of its grid, and 0 in voxels beside a dwell in which it wrote 0: so that both doses
    are read alike between voxels too.

    Parameters
    ----------
    recomputed : Volume
        On the grid of the stated dose, Gy.
    stated : StatedDose
    dwells_mm : (n, 3) array
        Dwells with a time.
    """
    tps = stated.volume
    unwritten = np.zeros(tps.grid.shape_zyx, dtype=np.bool_)
    empty = np.argwhere((tps.values_zyx == 0) & (recomputed.values_zyx > 0))
    if len(empty) and len(dwells_mm):
        near_mm = cKDTree(dwells_mm).query(tps.grid.world(empty[:, ::-1]), distance_upper_bound=BESIDE_DWELL_MM)[0]
        unwritten[tuple(empty[np.isfinite(near_mm)].T)] = True
    top_gy = math.inf if stated.full_scale_gy is None else stated.full_scale_gy
    values = np.where(unwritten, np.float32(0.0), np.minimum(recomputed.values_zyx, np.float32(top_gy)))
    return Volume(recomputed.grid, values), unwritten


def between_centres(dose: Volume, points_mm: FloatArray) -> FloatArray:
    """Doses at points between the voxel centres of a stored grid; NaN outside them, where nothing was written."""
    return dose.at(points_mm, rim_voxels=ON_CENTRE)
