"""What leaves a source: kinds of photons by energy and angle with its axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, IntArray, adopt, freeze
from hdrplan.brief import brief_repr
from hdrplan.errors import InputError
from hdrplan.materials import PhotonData
from hdrplan.transport.tables import GY_PER_KEV_PER_MM2_G

__all__ = ["Emission", "alias_table", "isotropic_ir192"]

# Lines of Ir-192 with its daughters, keV and photons per decay, from 60 keV on: softer ones do not leave a capsule.
# Baglin CM, Nuclear Data Sheets 2012;113:1871 (NuDat 2.6).
_LINES = (
    *((61.486, 0.0119), (63.0, 0.0202), (65.122, 0.0262), (66.831, 0.0444), (71.079, 0.00238), (71.414, 0.0046)),
    *((73.363, 0.00161), (75.368, 0.00531), (75.749, 0.01021), (77.831, 0.00364), (110.33, 0.000127)),
    *((136.39, 0.00199), (176.98, 0.000043), (201.3112, 0.00471), (205.7943, 0.0331), (280.27, 0.00008)),
    *((283.2668, 0.00266), (295.9565, 0.2871), (308.45507, 0.297), (316.50618, 0.8286), (329.09, 0.000173)),
    *((374.4852, 0.00727), (416.4688, 0.0067), (420.51, 0.00069), (468.06885, 0.4784), (484.5751, 0.0319)),
    *((485.45, 0.000047), (489.06, 0.00438), (588.581, 0.04522), (593.63, 0.00042), (599.41, 0.000039)),
    *((604.41105, 0.08216), (612.46215, 0.0534), (703.78, 0.000053), (765.8, 0.000013), (884.5365, 0.00292)),
    *((1061.49, 0.000531), (1089.96, 0.0000116), (1378.5, 0.000014)),
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Emission:
    """Photons that leave a source, in kinds: an energy and a range of the cosine with the source's axis.

    Parameters
    ----------
    name : str
        Of the source, or ``"isotropic Ir-192"``.
    energy_kev : (n,) array
    cosine : (n, 2) array
        Ranges of the cosine; 1 is toward the tip. Within a range all cosines are equally likely.
    share : (n,) array
        Of all photons; they add up to 1.
    length_mm : float
        Photons leave from a line of this length, evenly.
    air_kerma_gy_cm2 : float
        Air-kerma strength per photon that leaves, without attenuation by air.

    Raises
    ------
    InputError
        Shares that do not add up to 1, cosines outside -1 to 1.
    """

    name: str
    energy_kev: FloatArray
    cosine: FloatArray
    share: FloatArray
    length_mm: float
    air_kerma_gy_cm2: float

    __repr__ = brief_repr

    def __post_init__(self) -> None:
        n = len(self.energy_kev)
        freeze(self, "energy_kev", (n,))
        freeze(self, "cosine", (n, 2))
        freeze(self, "share", (n,))
        if abs(self.share.sum() - 1.0) > 1e-9 or (self.share < 0.0).any():
            raise InputError("shares of photons must add up to 1", got=self.share.sum(), where=self.name)
        if (np.abs(self.cosine) > 1.0).any() or (self.cosine[:, 0] >= self.cosine[:, 1]).any():
            raise InputError("ranges of cosines must lie in -1 to 1", got=self.cosine.tolist()[:2], where=self.name)

    @property
    def mean_kev(self) -> float:
        """Mean energy of the photons."""
        return float(self.share @ self.energy_kev)


def isotropic_ir192(photons: PhotonData, *, length_mm: float = 3.5) -> Emission:
    """Return the lines of Ir-192 above 60 keV, alike in all directions: for sources whose capsule is not known.

    Parameters
    ----------
    photons : PhotonData
    length_mm : float
        Length of the active core.
    """
    energy, intensity = np.array(_LINES).T
    share = intensity / intensity.sum()
    return Emission(
        name="isotropic Ir-192",
        energy_kev=energy,
        cosine=np.tile([-1.0, 1.0], (len(energy), 1)),
        share=share,
        length_mm=length_mm,
        air_kerma_gy_cm2=air_kerma_gy_cm2(energy, share, photons),
    )


def air_kerma_gy_cm2(energy_kev: npt.ArrayLike, share: npt.ArrayLike, photons: PhotonData) -> float:
    """Return the air kerma times distance squared of one photon that leaves in all directions alike.

    Parameters
    ----------
    energy_kev : (n,) array
    share : (n,) array
    photons : PhotonData
    """
    energies = np.asarray(energy_kev, dtype=np.float64)
    kev_cm2_per_g = np.asarray(share) @ (energies * photons.energy_absorption("air", energies))
    # GY_PER_KEV_PER_MM2_G counts keV cm2/g on one mm2.
    return float(kev_cm2_per_g * GY_PER_KEV_PER_MM2_G / (4.0 * np.pi) / 100.0)


def alias_table(share: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return limits and aliases of shares: one random number draws a kind, however many there are.

    References
    ----------
    Walker AJ, ACM Trans Math Softw 1977;3:253.
    """
    n = len(share)
    limit, alias = share * n / share.sum(), np.arange(n)
    small, large = [i for i in range(n) if limit[i] < 1.0], [i for i in range(n) if limit[i] >= 1.0]
    while small and large:
        low, high = small.pop(), large.pop()
        alias[low] = high
        limit[high] -= 1.0 - limit[low]
        (small if limit[high] < 1.0 else large).append(high)
    limit[small + large] = 1.0
    return adopt(limit), adopt(alias)
