"""How well the prescription isodose fits the CTVs, and how sure its volume on a grid is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hdrplan.geometry import Volume
from hdrplan.metrics import DVH, conformal_index, healthy_tissue_conformity_index, pitv

__all__ = ["Conformity", "conformity", "isodose_error_cc"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conformity:
    """How well the prescription isodose fits all CTVs together; see :mod:`hdrplan.metrics.indices`.

    One CTV alone would be charged with the isodoses of the others.

    Parameters
    ----------
    coin, ci, htci, pitv : float
    isodose_cc : float
        Volume of tissue of any kind that receives the prescription, from the dose grid.
    isodose_error_cc : float
        Of :func:`isodose_error_cc`.
    """

    coin: float
    ci: float
    htci: float
    pitv: float
    isodose_cc: float
    isodose_error_cc: float

    def index(self, name: str) -> float:
        """Return COIN, CN (its other name), HTCI or PITV."""
        return {"COIN": self.coin, "CN": self.coin, "HTCI": self.htci, "PITV": self.pitv}[name]


def conformity(ctvs: Sequence[DVH], prescribed_gy: float, dose: Volume) -> Conformity:
    """Return the indices of all CTVs together at one prescription.

    Parameters
    ----------
    ctvs : sequence of DVH
    prescribed_gy : float
    dose : Volume
        Gy on a grid, from which the isodose's volume comes.

    Returns
    -------
    Conformity
    """
    isodose_cc = float((dose.values_zyx >= prescribed_gy).sum()) * dose.grid.voxel_cc
    covered_cc = sum(float(curve.volume_at_gy(prescribed_gy)) for curve in ctvs)
    target_cc = sum(curve.volume_cc for curve in ctvs)
    # The grid and the points round the isodose differently; the part of the target inside it is inside it.
    isodose_cc = max(isodose_cc, covered_cc)
    return Conformity(
        coin=conformal_index(covered_cc, target_cc, isodose_cc),
        ci=covered_cc / target_cc,
        htci=healthy_tissue_conformity_index(covered_cc, isodose_cc),
        pitv=pitv(isodose_cc, target_cc),
        isodose_cc=isodose_cc,
        isodose_error_cc=isodose_error_cc(dose, prescribed_gy),
    )


def isodose_error_cc(dose: Volume, prescribed_gy: float) -> float:
    """Uncertainty of an isodose's volume on the grid: each voxel at its surface is in or out by chance.

    A voxel cut at a place that is even over its edge errs by its volume / sqrt(12). The grid's own doses, within 0.1 %,
    add the volume between 0.999 and 1.001 of the prescription.
    """
    inside = dose.values_zyx >= prescribed_gy
    surface = sum(
        int(np.count_nonzero(inside.take(range(1, n), axis) != inside.take(range(n - 1), axis)))
        for axis, n in enumerate(inside.shape)
        if n > 1
    )
    low, high = (int((dose.values_zyx >= fraction * prescribed_gy).sum()) for fraction in (1.001, 0.999))
    return dose.grid.voxel_cc * (float(np.sqrt(surface / 12.0)) + (high - low) / 2.0)
