"""Whether a stored dose can be one of brachytherapy in gray."""

from __future__ import annotations

import numpy as np

from hdrplan.cautions import Caution, caution
from hdrplan.geometry import Volume

__all__ = ["doubts_of_dose"]

# Prescriptions are from 1 to 100 Gy; around a lesion of 250 cc and 20 Gy 100 Gy fill 30 cc.
_HIGH_GY, _HIGH_CC = 100.0, 100.0
# Around a lesion of 1 cc and 20 Gy 1 Gy fills 80 cc.
_LOW_GY, _LOW_CC = 1.0, 5.0
# Of a grid that is cut to the target.
_PART_FRAC = 0.5


def doubts_of_dose(dose: Volume) -> list[Caution]:
    """Say where a dose is a hundred times too large or too small.

    Parameters
    ----------
    dose : Volume
        Gy.
    """
    voxel_cc = float(np.prod(dose.grid.spacing_mm)) / 1000.0
    part_cc = _PART_FRAC * dose.values_zyx.size * voxel_cc
    high_cc = float(np.count_nonzero(dose.values_zyx > _HIGH_GY)) * voxel_cc
    if high_cc > min(_HIGH_CC, part_cc):
        return [caution("dose-unusual", cc=high_cc, gy=_HIGH_GY, most_gy=float(dose.values_zyx.max()))]
    low_cc = float(np.count_nonzero(dose.values_zyx > _LOW_GY)) * voxel_cc
    if low_cc < min(_LOW_CC, part_cc):
        return [caution("dose-unusual", cc=low_cc, gy=_LOW_GY, most_gy=float(dose.values_zyx.max()))]
    return []
