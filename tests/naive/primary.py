"""Primary kerma written directly from the formula: every plane that a line crosses, every photon line by itself."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def path_by_medium(
    low_mm: Floats, spacing_mm: Floats, medium_xyz: npt.NDArray[np.int64], density_xyz: Floats, a: Floats, b: Floats
) -> Floats:
    """Return g/cm2 of each medium on the line from a to b; crossings are sorted, each stretch asks for its voxel."""
    crossings = [0.0, 1.0]
    for axis in range(3):
        planes = low_mm[axis] + spacing_mm[axis] * np.arange(medium_xyz.shape[axis] + 1)
        if a[axis] != b[axis]:
            crossings += ((planes - a[axis]) / (b[axis] - a[axis])).tolist()
    cuts = sorted(t for t in set(crossings) if 0.0 <= t <= 1.0)
    masses = np.zeros(int(medium_xyz.max()) + 1)
    length_cm = np.linalg.norm(b - a) / 10.0
    for one, two in pairwise(cuts):
        place = np.floor((a + 0.5 * (one + two) * (b - a) - low_mm) / spacing_mm).astype(int)
        if (place >= 0).all() and (place < medium_xyz.shape).all():
            masses[medium_xyz[tuple(place)]] += (two - one) * length_cm * density_xyz[tuple(place)]
    return masses


def kerma(
    energy_kev: Floats, share: Floats, attenuation: Floats, absorption: Floats, masses: Floats, geometry_per_mm2: float
) -> float:
    """Return kerma per photon in Gy: ``attenuation`` is (n_media, n_lines), ``absorption`` of the medium at the end."""
    left = np.exp(-masses @ attenuation)
    gy_per_kev_mm2_g = 1.602176634e-16 * 1e3 * 1e2
    return float((share * energy_kev * absorption * left).sum() * gy_per_kev_mm2_g * geometry_per_mm2 / (4.0 * np.pi))
