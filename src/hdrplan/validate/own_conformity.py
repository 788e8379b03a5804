"""The prescription isodose of a user's plan, and the conformity indices that come of it, computed again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.validate.own_metrics import volume_cc_at
from hdrplan.validate.own_plan import OwnPlan, PlannedCase

__all__ = ["OwnConformity", "own_conformity"]

# What the dose grid may err by: voxels between these fractions of a prescription may lie on either side of it.
_GRID_FRAC = 1e-3
# Voxels of the grid farther than this from a prescription are on the side that the grid says: it is checked to 0.1 %.
_NEAR_FRAC = 1e-2


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnConformity:
    """Indices of all CTVs together at one prescription, by their definitions (Baltas 1998, Lomax 2003, Shaw 1993).

    Parameters
    ----------
    lowest_cc, highest_cc : float
        Isodose in all tissue, from the voxels that reach 1.001 and 0.999 of the prescription.
    covered_cc, target_cc : float
        Of all CTVs: inside the isodose, and in all.
    dhi : float
        Of the CTV itself (Wu 1988).
    """

    lowest_cc: float
    highest_cc: float
    covered_cc: float
    target_cc: float
    dhi: float

    def indices(self, isodose_cc: float) -> dict[str, float]:
        """Return the indices by their keys in ``metrics.json``, for an isodose of this volume."""
        inside = self.covered_cc / isodose_cc if isodose_cc > 0 else 0.0
        whole = self.covered_cc / self.target_cc
        return {
            "ci": whole,
            "htci": inside,
            "coin": whole * inside,
            "pitv": isodose_cc / self.target_cc,
            "dhi": self.dhi,
        }

    def off_cc(self, isodose_cc: float) -> float:
        """By how much an isodose's volume lies outside what the grid may err by."""
        return max(self.lowest_cc - isodose_cc, isodose_cc - self.highest_cc, 0.0)


def own_conformity(own: OwnPlan, planned: PlannedCase, name: str) -> OwnConformity:
    """Return the isodose at a CTV's prescription, and what of the CTVs lies inside it.

    Parameters
    ----------
    own : OwnPlan
    planned : PlannedCase
    name : str
        A CTV with a prescription.
    """
    prescribed_gy = planned.prescription_gy(name)
    assert prescribed_gy is not None
    ctvs = [planned.of_structure(prescription.structure) for prescription in planned.goals.doses]
    dose_gy, volume_cc = planned.of_structure(name)
    covered_cc = sum(volume_cc_at(*ctv, prescribed_gy) for ctv in ctvs)
    v100_cc, v150_cc = (volume_cc_at(dose_gy, volume_cc, part * prescribed_gy) for part in (1.0, 1.5))
    lowest_cc, highest_cc = (max(cc, covered_cc) for cc in _isodose_cc(own, prescribed_gy))
    return OwnConformity(
        lowest_cc=lowest_cc,
        highest_cc=highest_cc,
        covered_cc=covered_cc,
        target_cc=sum(float(volume.sum()) for _, volume in ctvs),
        dhi=1.0 - v150_cc / v100_cc if v100_cc > 0 else 0.0,
    )


def _isodose_cc(own: OwnPlan, prescribed_gy: float) -> tuple[float, float]:
    """Volumes of the voxels that reach a little more, and a little less, than a prescription."""
    field = own.results.dose
    ratio = field.values_zyx / prescribed_gy
    above = np.count_nonzero(ratio > 1.0 + _NEAR_FRAC)
    index_zyx = np.argwhere(np.abs(ratio - 1.0) <= _NEAR_FRAC)
    dose_gy: FloatArray = own.dose_gy(field.grid.world(index_zyx[:, ::-1].astype(np.float64)))
    counts = [np.count_nonzero(dose_gy >= prescribed_gy * (1.0 + side * _GRID_FRAC)) for side in (1, -1)]
    return (above + counts[0]) * field.grid.voxel_cc, (above + counts[1]) * field.grid.voxel_cc
