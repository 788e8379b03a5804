"""What leaves a source: kinds of photons by energy and angle with its axis."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, freeze
from hdrplan.brief import brief_repr
from hdrplan.errors import InputError
from hdrplan.materials import PhotonData
from hdrplan.transport.sources import iridium_lines
from hdrplan.transport.tables import GY_PER_KEV_PER_MM2_G

__all__ = ["Emission", "air_kerma_gy_cm2", "emission_names", "isotropic_ir192", "load_emission"]


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
    per_start : float
        Photons that leave per photon that starts in the core.

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
    per_start: float = 1.0

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
    energy, intensity = iridium_lines(hard=True).T
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


@cache
def _held() -> dict[str, FloatArray]:
    """Return what ``tools/make_emission.py`` has made."""
    with (
        resources.as_file(resources.files(__package__) / "emission.npz") as path,
        np.load(path, allow_pickle=False) as held,
    ):
        return {key: held[key] for key in held.files}


def emission_names() -> tuple[str, ...]:
    """Return the names of sources whose capsule is known, and with it what leaves them."""
    return tuple(key.removesuffix(" share") for key in _held() if key.endswith(" share"))


def load_emission(name: str, photons: PhotonData) -> Emission:
    """Return what leaves a source; the isotropic lines of Ir-192 where its capsule is not known, as ``name`` then says.

    Parameters
    ----------
    name : str
        Of a packaged source.
    photons : PhotonData
    """
    if name not in emission_names():
        return isotropic_ir192(photons)
    share, kev, kerma, per_start = (_held()[f"{name} {part}"] for part in ("share", "kev", "air_kerma", "per_start"))
    edges = np.linspace(-1.0, 1.0, share.shape[1] + 1)
    i, j = np.nonzero(share > 0.0)
    kinds = share[i, j].astype(np.float64)
    return Emission(
        name=name,
        energy_kev=kev[i],
        cosine=np.stack((edges[j], edges[j + 1]), axis=1),
        share=kinds / kinds.sum(),
        length_mm=3.5,
        air_kerma_gy_cm2=float(kerma),
        per_start=float(per_start),
    )
