"""The map of media: medium and density of every voxel of a grid, as a value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, freeze
from hdrplan.brief import brief_repr
from hdrplan.cautions import Caution
from hdrplan.errors import InputError
from hdrplan.geometry import Grid

__all__ = ["MediaMap", "MediumShare", "uniform_map"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MediumShare:
    """How much of a map one medium takes.

    Parameters
    ----------
    name : str
    volume_cc : float
    mean_density_g_per_cc, min_density_g_per_cc, max_density_g_per_cc : float
    """

    name: str
    volume_cc: float
    mean_density_g_per_cc: float
    min_density_g_per_cc: float
    max_density_g_per_cc: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MediaMap:
    """Medium and density of every voxel.

    Parameters
    ----------
    grid : Grid
    medium_zyx : (nz, ny, nx) uint8 array
        Numbers into ``names``.
    density_g_per_cc_zyx : (nz, ny, nx) float32 array
    names : tuple of str
        Names of media.
    rules : str
        Name of the rules that made it.
    structures : tuple of (str, str)
        Name of a structure and what it became, such as "liver, 1.06 g/cm3"; in order of priority.
    cautions : tuple of Caution
    outside : str
        Medium outside the body.
    """

    grid: Grid
    medium_zyx: npt.NDArray[np.uint8]
    density_g_per_cc_zyx: npt.NDArray[np.float32]
    names: tuple[str, ...]
    rules: str
    structures: tuple[tuple[str, str], ...] = ()
    cautions: tuple[Caution, ...] = ()
    outside: str = ""

    __repr__ = brief_repr

    def __post_init__(self) -> None:
        freeze(self, "medium_zyx", (None, None, None), dtype=np.uint8)
        freeze(self, "density_g_per_cc_zyx", (None, None, None), dtype=np.float32)
        for values in (self.medium_zyx, self.density_g_per_cc_zyx):
            if values.shape != self.grid.shape_zyx:
                raise InputError(f"a map must have its grid's shape {self.grid.shape_zyx}", got=values.shape)
        if self.medium_zyx.max() >= len(self.names):
            raise InputError(f"numbers of media go to {len(self.names) - 1}", got=int(self.medium_zyx.max()))

    def medium_at(self, points_mm: FloatArray) -> npt.NDArray[np.int64]:
        """Return the numbers of the media at points, (n,); -1 outside the grid."""
        index = np.rint(self.grid.index(points_mm)).astype(np.int64)
        held = np.asarray(((index >= 0) & (index < self.grid.shape_zyx[::-1])).all(axis=-1))
        x, y, z = (index * held[:, None]).T
        return np.where(held, self.medium_zyx[z, y, x].astype(np.int64), -1)

    def shares(self) -> tuple[MediumShare, ...]:
        """Return the media of the map, those of largest volume first; what lies outside the body comes last."""
        numbers, density = self.medium_zyx.ravel(), self.density_g_per_cc_zyx.ravel()
        shares = []
        for number in np.unique(numbers):
            held = density[numbers == number]
            shares.append(
                MediumShare(
                    name=self.names[number],
                    volume_cc=len(held) * self.grid.voxel_cc,
                    mean_density_g_per_cc=float(held.mean(dtype=np.float64)),
                    min_density_g_per_cc=float(held.min()),
                    max_density_g_per_cc=float(held.max()),
                )
            )
        return tuple(sorted(shares, key=lambda share: (share.name == self.outside, -share.volume_cc)))


def uniform_map(grid: Grid, name: str, density_g_per_cc: float, names: tuple[str, ...]) -> MediaMap:
    """Return a map of one medium.

    Parameters
    ----------
    grid : Grid
    name : str
    density_g_per_cc : float
    names : tuple of str
        All media that numbers stand for.
    """
    return MediaMap(
        grid=grid,
        medium_zyx=np.full(grid.shape_zyx, names.index(name), dtype=np.uint8),
        density_g_per_cc_zyx=np.full(grid.shape_zyx, density_g_per_cc, dtype=np.float32),
        names=names,
        rules=f"{name} everywhere",
    )
