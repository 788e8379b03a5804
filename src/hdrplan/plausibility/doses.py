"""Whether a stored dose can be one of brachytherapy in gray."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution, caution
from hdrplan.geometry import Volume

__all__ = ["doubts_of_dose", "doubts_of_sessions"]

# Prescriptions are from 1 to 100 Gy; around a lesion of 250 cc and 20 Gy 100 Gy fill 30 cc.
_HIGH_GY, _HIGH_CC = 100.0, 100.0
# Around a lesion of 1 cc and 20 Gy 1 Gy fills 80 cc.
_LOW_GY, _LOW_CC = 1.0, 5.0
# Of a grid that is cut to the target.
_PART_FRAC = 0.5
# Doses of one plan that two programs wrote differ by rounding.
_ALIKE_FRAC = 1e-4
_SCALES = (0.8, 1.25)


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


def doubts_of_sessions(doses_gy: Sequence[FloatArray], transforms: Sequence[FloatArray | None]) -> list[Caution]:
    """Say where the doses of a lesion's sessions cannot all be what they are given as.

    Parameters
    ----------
    doses_gy : sequence of (n,) arrays
        Of each session, at the same points of the lesion.
    transforms : sequence of (4, 4) arrays or None
        From the lesion's frame to each session's.
    """
    doubts = []
    for k, transform in enumerate(transforms, start=1):
        factor = 1.0 if transform is None else float(np.linalg.det(transform[:3, :3]))
        if not _SCALES[0] <= factor <= _SCALES[1]:
            doubts.append(caution("transform-scales", number=k, factor=factor))
    for k, gy in enumerate(doses_gy, start=1):
        if gy.max() < _LOW_GY:
            doubts.append(caution("session-without-dose", number=k, most_gy=float(gy.max())))
    for (j, one), (k, other) in combinations(enumerate(doses_gy, start=1), 2):
        if np.allclose(one, other, rtol=_ALIKE_FRAC, atol=0.0):
            doubts.append(caution("sessions-alike", one=j, other=k))
    return doubts
