"""Photon data of the packaged media: cross sections, scattering functions, form factors, K lines."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, freeze
from hdrplan.brief import brief_repr
from hdrplan.errors import InputError

__all__ = ["PhotonData", "photon_data"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhotonData:
    """What photons do in each medium; rows are media, numbered as in :func:`media` and in voxel codes.

    Parameters
    ----------
    names : tuple of str
    energy_kev : (n,) array
        Photon energies, evenly spaced in the logarithm.
    photoelectric, incoherent, coherent : (n_media, n) array
        Mass cross sections in cm2/g.
    kerma, absorption : (n_media, n) array
        Mass energy-transfer and energy-absorption coefficients in cm2/g.
    transfer : (n_x,) array
        t = x / (1 + x) of the momentum transfers x in 1/Angstrom, evenly spaced from 0.
    scattering_function : (n_media, n_x) array
        S(x) of an electron, 0 to 1.
    form_factor : (n_media, n_x) array
        Integral of F^2 over x^2 from 0, as a fraction of the whole.
    fluorescence : (n_media, n) array
        K photons emitted per photoelectric event; 0 where all K lines are softer than 15 keV.
    line_kev, line_cumulative : (n_media, n_lines) array
        Energies of K lines and their cumulative shares.

    Raises
    ------
    InputError
        Arrays whose shapes do not fit together.
    """

    names: tuple[str, ...]
    energy_kev: FloatArray
    photoelectric: FloatArray
    incoherent: FloatArray
    coherent: FloatArray
    kerma: FloatArray
    absorption: FloatArray
    transfer: FloatArray
    scattering_function: FloatArray
    form_factor: FloatArray
    fluorescence: FloatArray
    line_kev: FloatArray
    line_cumulative: FloatArray

    __repr__ = brief_repr

    def __post_init__(self) -> None:
        media, energies, transfers = len(self.names), len(self.energy_kev), len(self.transfer)
        freeze(self, "energy_kev", (energies,))
        freeze(self, "transfer", (transfers,))
        for name in ("photoelectric", "incoherent", "coherent", "kerma", "absorption", "fluorescence"):
            freeze(self, name, (media, energies))
        for name in ("scattering_function", "form_factor"):
            freeze(self, name, (media, transfers))
        for name in ("line_kev", "line_cumulative"):
            freeze(self, name, (media, None))

    def number(self, name: str) -> int:
        """Return the number of a medium in voxel codes.

        Raises
        ------
        InputError
            No medium has that name.
        """
        if name not in self.names:
            raise InputError("unknown medium", got=repr(name[:60]), remedy=f"Known media: {', '.join(self.names)}.")
        return self.names.index(name)

    def attenuation(self, name: str, energy_kev: npt.ArrayLike) -> FloatArray:
        """Return the total mass attenuation coefficient of a medium, cm2/g, coherent scattering included."""
        row = self.number(name)
        return self._at(self.photoelectric[row] + self.incoherent[row] + self.coherent[row], energy_kev)

    def energy_absorption(self, name: str, energy_kev: npt.ArrayLike) -> FloatArray:
        """Return the mass energy-absorption coefficient of a medium, cm2/g."""
        return self._at(self.absorption[self.number(name)], energy_kev)

    def _at(self, row: FloatArray, energy_kev: npt.ArrayLike) -> FloatArray:
        return np.asarray(np.exp(np.interp(np.log(energy_kev), np.log(self.energy_kev), np.log(row))))


@cache
def photon_data() -> PhotonData:
    """Return the photon data of the packaged media (``tools/make_media.py``)."""
    with (
        resources.as_file(resources.files(__package__) / "photons.npz") as path,
        np.load(path, allow_pickle=False) as held,
    ):
        arrays = {field.name: held[field.name] for field in fields(PhotonData) if field.name != "names"}
        return PhotonData(names=tuple(str(name) for name in held["names"]), **arrays)
