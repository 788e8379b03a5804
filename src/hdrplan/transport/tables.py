"""Photon data as kernels take them."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

from hdrplan.arrays import FloatArray, adopt, frozen
from hdrplan.errors import InputError
from hdrplan.kernels.photons import PhotonTables
from hdrplan.materials import PhotonData

__all__ = ["BASES", "GY_PER_KEV_PER_MM2_G", "kerma_weights", "photon_tables", "responses"]

# Any tissue's coefficient is a sum of theirs within 0.01 % from 20 to 700 keV: electrons per gram, hydrogen, and the
# photoelectric effect of light, heavier and iodine atoms. A sum of water and bone alone is 5 % off in fat.
BASES = ("water", "adipose", "cortical_bone", "liver_with_iodine")
# keV cm2/g per mm2 in Gy.
GY_PER_KEV_PER_MM2_G = 1.602176634e-16 * 1000.0 * 100.0
_CUTOFF_KEV = 5.0
# Within which the kerma of a medium is fitted.
_FITTED_KEV = (20.0, 1000.0)
# Farther off, no such medium's kerma is said; nor is it where it would be a difference of large numbers, each with its
# noise: sizes of the weights add up to at most 1.3 for tissues and plastics, to 40 and more for metals.
_FARTHEST, _LARGEST = 0.01, 3.0


@cache
def photon_tables(photons: PhotonData) -> PhotonTables:
    """Return the tables of all media for kernels."""
    logs = np.log(photons.energy_kev)
    steps = [0.1 * photons.incoherent, 0.1 * photons.coherent, 0.1 * photons.photoelectric]
    sums = [adopt(np.ascontiguousarray(rows.T.astype(np.float32))) for rows in np.cumsum(steps, axis=0)]
    x = photons.transfer / (1.0 - photons.transfer)
    return PhotonTables(
        log_first=float(logs[0]),
        per_log=float((len(logs) - 1) / (logs[-1] - logs[0])),
        cutoff_kev=_CUTOFF_KEV,
        incoherent=sums[0],
        scattered=sums[1],
        total=sums[2],
        electrons=frozen(photons.scattering_function, np.float32),
        form=frozen(photons.form_factor, np.float32),
        x2=frozen(x**2),
        fluorescence=frozen(photons.fluorescence.T, np.float32),
        line_kev=photons.line_kev,
        line_cumulative=photons.line_cumulative,
    )


def responses(photons: PhotonData) -> npt.NDArray[np.float32]:
    """Return photon energy times mass energy-absorption coefficient of each base medium, keV cm2/g, (n_energies, 4)."""
    rows = [photons.energy_kev * photons.absorption[photons.number(name)] for name in BASES]
    return frozen(np.stack(rows, axis=1), np.float32)


@cache
def kerma_weights(photons: PhotonData, name: str) -> FloatArray:
    """Return how the kerma of a medium is summed from those of the base media.

    Parameters
    ----------
    photons : PhotonData
    name : str
        Name of the medium.

    Returns
    -------
    (4,) array
        The sum that is off least, relative, anywhere from 20 to 1000 keV.

    Raises
    ------
    InputError
        No sum serves: a metal.
    """
    if name in BASES:
        return frozen(np.array([float(name == base) for base in BASES]))
    used = (photons.energy_kev >= _FITTED_KEV[0]) & (photons.energy_kev <= _FITTED_KEV[1])
    wanted = photons.absorption[photons.number(name)][used]
    rows = np.stack([photons.absorption[photons.number(base)][used] / wanted for base in BASES], axis=1)
    ones = np.ones((len(rows), 1))
    # Minimise t with |rows w - 1| <= t.
    best = linprog(
        [0.0] * len(BASES) + [1.0],
        A_ub=np.block([[rows, -ones], [-rows, -ones]]),
        b_ub=np.concatenate((ones[:, 0], -ones[:, 0])),
        bounds=[(None, None)] * len(BASES) + [(0.0, None)],
        method="highs",
    )
    if best.fun > _FARTHEST or np.abs(best.x[:-1]).sum() > _LARGEST:
        raise InputError(
            "dose in this medium is not scored",
            got=repr(name),
            remedy="Media whose dose can be told are tissues, plastics, water and air.",
        )
    return frozen(best.x[:-1])
