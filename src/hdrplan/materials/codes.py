"""Voxel codes: medium and density of a voxel in 32 bits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.errors import InputError
from hdrplan.materials.photons import PhotonData

__all__ = ["DENSITY_UNIT_G_PER_CC", "voxel_codes"]

# 24 bits reach 33 g/cm3; one unit is 0.17 % of the density of air.
DENSITY_UNIT_G_PER_CC = 2e-6


def voxel_codes(
    medium_zyx: npt.NDArray[np.integer], density_g_per_cc_zyx: npt.NDArray[np.floating], photons: PhotonData
) -> npt.NDArray[np.uint32]:
    """Return the codes of voxels: number of the medium in the upper 8 bits, density in the lower 24.

    Parameters
    ----------
    medium_zyx : (nz, ny, nx) array
        Numbers of media (:meth:`PhotonData.number`).
    density_g_per_cc_zyx : (nz, ny, nx) array
        0 is vacuum.
    photons : PhotonData

    Returns
    -------
    (nz, ny, nx) uint32 array

    Raises
    ------
    InputError
        A medium that is not there, a density below 0 or above 33 g/cm3, unequal shapes.
    """
    medium, density = np.asarray(medium_zyx), np.asarray(density_g_per_cc_zyx)
    if medium.shape != density.shape:
        raise InputError("media and densities must have one shape", got=f"{medium.shape} and {density.shape}")
    if medium.size and not 0 <= medium.min() <= medium.max() < len(photons.names):
        raise InputError(
            f"numbers of media must lie in 0 to {len(photons.names) - 1}", got=f"{medium.min()} to {medium.max()}"
        )
    units = np.rint(density / DENSITY_UNIT_G_PER_CC)
    if not (np.isfinite(units).all() and (units >= 0).all() and (units < 1 << 24).all()):
        raise InputError("densities must lie in 0 to 33 g/cm3", got=f"{density.min():g} to {density.max():g}")
    return np.asarray(medium.astype(np.uint32) << np.uint32(24) | units.astype(np.uint32))
