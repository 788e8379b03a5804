"""Scored kerma with its batches: means, standard errors, any medium."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, adopt
from hdrplan.brief import brief_repr
from hdrplan.errors import InputError
from hdrplan.geometry import Grid
from hdrplan.materials import PhotonData
from hdrplan.transport.tables import BASES, GY_PER_KEV_PER_MM2_G, kerma_weights

__all__ = ["Kerma"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kerma:
    """Collision kerma of scattered photons on a grid, in batches of equally many histories.

    Parameters
    ----------
    grid : Grid
    sums : (n_batches, nz, ny, nx, 4) float32 array
        Track length times energy times absorption coefficient of the base media, keV cm2/g mm.
    histories : int
        Of each batch.
    photons : PhotonData
    task : str
        Digest of what was simulated: only the same task can be continued.
    """

    grid: Grid
    sums: npt.NDArray[np.float32]
    histories: int
    photons: PhotonData
    task: str

    __repr__ = brief_repr

    def __post_init__(self) -> None:
        adopt(self.sums)
        if self.sums.ndim != 5 or self.sums.shape[1:] != (*self.grid.shape_zyx, len(BASES)):
            raise InputError(f"sums must have the grid's shape {self.grid.shape_zyx}", got=self.sums.shape)
        if self.histories < 1:
            raise InputError("a batch needs one history", got=self.histories)

    def batches_gy(self, medium: str) -> npt.NDArray[np.float32]:
        """Return the kerma in a medium per photon that leaves the source, batch by batch, (n_batches, nz, ny, nx).

        Parameters
        ----------
        medium : str
            A medium of the packaged table; the kerma that a speck of it would receive there.

        Raises
        ------
        InputError
            A metal, or no such medium.
        """
        return np.asarray(self.sums @ self.weights_gy(medium).astype(np.float32), dtype=np.float32)

    def weights_gy(self, medium: str) -> FloatArray:
        """Return what the four sums are multiplied by and added up to the kerma in a medium per photon, (4,).

        Parameters
        ----------
        medium : str
            As in :meth:`batches_gy`.
        """
        per_cell = GY_PER_KEV_PER_MM2_G / (self.grid.voxel_cc * 1000.0 * self.histories)
        return np.asarray(kerma_weights(self.photons, medium) * per_cell)

    def mean_gy(self, medium: str) -> FloatArray:
        """Return the kerma in a medium per photon, (nz, ny, nx)."""
        return self.means_gy([medium])[medium]

    def means_gy(self, media: Iterable[str]) -> dict[str, FloatArray]:
        """Return :meth:`mean_gy` of several media, by name: batches are added up once.

        Parameters
        ----------
        media : iterable of str
        """
        mean = self.sums.mean(axis=0, dtype=np.float64)
        return {name: np.asarray(mean @ self.weights_gy(name)) for name in media}

    def standard_error_gy(self, medium: str) -> FloatArray:
        """Return the standard error of :meth:`mean_gy`, (nz, ny, nx), from the spread of batches."""
        batches = self.batches_gy(medium)
        return np.asarray(batches.std(axis=0, ddof=1, dtype=np.float64) / np.sqrt(len(batches)))
