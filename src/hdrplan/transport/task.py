"""What is simulated: voxels, dwells, emission, the grid that is scored on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, freeze, frozen
from hdrplan.brief import brief_repr
from hdrplan.edition import edition
from hdrplan.errors import InputError
from hdrplan.geometry import Grid
from hdrplan.materials import PhotonData, medium, voxel_codes
from hdrplan.transport.emission import Emission

__all__ = ["ScatterTask", "Voxels", "in_water"]

Codes = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Voxels:
    """Media and densities.

    Parameters
    ----------
    grid : Grid
    codes_zyx : (nz, ny, nx) uint32 array
        Medium and density of each voxel (:func:`~hdrplan.materials.voxel_codes`).
    photons : PhotonData
    outside : int
        Code of all beyond the grid; 0 is vacuum, from which no photon returns.

    Raises
    ------
    InputError
        Codes whose shape is not the grid's, a medium that is not there.
    """

    grid: Grid
    codes_zyx: Codes
    photons: PhotonData
    outside: int = 0

    __repr__ = brief_repr

    def __post_init__(self) -> None:
        freeze(self, "codes_zyx", (None, None, None), dtype=np.uint32)
        if self.codes_zyx.shape != self.grid.shape_zyx:
            raise InputError(f"voxel codes must have the grid's shape {self.grid.shape_zyx}", got=self.codes_zyx.shape)
        highest = int(max(self.codes_zyx.max(), self.outside) >> 24)
        if highest >= len(self.photons.names):
            raise InputError("voxel codes hold a medium that is not there", got=highest)

    def highest_units(self) -> npt.NDArray[np.int64]:
        """Return the highest density of each medium in units of the codes, 0 where there is none."""
        highest = np.zeros(len(self.photons.names), dtype=np.int64)
        codes = np.append(self.codes_zyx.ravel(), np.uint32(self.outside))
        np.maximum.at(highest, (codes >> 24).astype(np.int64), (codes & 0xFFFFFF).astype(np.int64))
        return highest


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScatterTask:
    """What is simulated.

    Parameters
    ----------
    voxels : Voxels
    emission : Emission
    positions_mm : (n, 3) array
        Of dwells.
    axes : (n, 3) array
        Unit vectors toward the source's tip.
    times_s : (n,) array
        Their shares, not all 0.
    scored : Grid
        Grid that is scored on, with the axes of the voxels.
    seed : int
    batches : int
        10 to 1000. Errors come from their spread; each holds a copy of the scored grid.
    flights_of : Voxels or None
        Voxels whose largest cross sections set the length of flights; None: those of the task. Two tasks with the
        same seed and flights follow the same photons until a medium makes a difference.

    Raises
    ------
    InputError
        Shapes that do not fit, axes of the grids that differ, a dwell outside, no time at all.
    """

    voxels: Voxels
    emission: Emission
    positions_mm: FloatArray
    axes: FloatArray
    times_s: FloatArray
    scored: Grid
    seed: int = 1
    batches: int = 20
    flights_of: Voxels | None = None

    __repr__ = brief_repr

    def __post_init__(self) -> None:
        freeze(self, "positions_mm", (None, 3))
        freeze(self, "axes", (len(self.positions_mm), 3))
        freeze(self, "times_s", (len(self.positions_mm),))
        if np.abs(self.voxels.grid.direction - self.scored.direction).max() > 1e-4:
            raise InputError("the scored grid must have the axes of the voxels", got=self.scored.direction.tolist())
        if len(self.times_s) == 0 or (self.times_s < 0.0).any() or self.times_s.sum() <= 0.0:
            raise InputError("dwell times must not be negative, nor all 0", got=self.times_s[:5].tolist())
        out = ~self.voxels.grid.contains(self.positions_mm)
        if out.any() and not self.voxels.outside:
            place = self.positions_mm[out][0].round(1).tolist()
            raise InputError(
                "every dwell must lie inside the voxels", got=f"{int(out.sum())} outside, first {place} mm"
            )
        if not 10 <= self.batches <= 1000:
            raise InputError("the number of batches must lie in 10 to 1000", got=self.batches)

    def digest(self) -> str:
        """Return what tells this task and the program that follows it from others, 16 hexadecimal digits."""
        flights = self.flights_of or self.voxels
        facts = (edition(), self.seed, self.batches, self.voxels.outside, self.emission.name)
        made = hashlib.sha256(" ".join(map(str, facts)).encode())
        for array in (
            *(self.voxels.codes_zyx, flights.highest_units(), self.positions_mm, self.axes, self.times_s),
            *(self.emission.energy_kev, self.emission.cosine, self.emission.share, self.voxels.photons.absorption),
            *(part for grid in (self.voxels.grid, self.scored) for part in (grid.origin_mm, grid.spacing_mm)),
            *(np.array(self.scored.shape_zyx), self.scored.direction),
        ):
            made.update(np.ascontiguousarray(array).tobytes())
        return made.hexdigest()[:16]


def in_water(task: ScatterTask) -> ScatterTask:
    """Return the same task in water without end, with the flights of the patient.

    Parameters
    ----------
    task : ScatterTask
    """
    photons, grid = task.voxels.photons, task.voxels.grid
    water = medium("water")
    code = voxel_codes(np.array([[[photons.number("water")]]]), np.array([[[water.density_g_per_cc]]]), photons)
    size = grid.spacing_mm * np.array(grid.shape_zyx[::-1])
    whole = Grid(
        shape_zyx=(1, 1, 1),
        origin_mm=grid.world(0.5 * (np.array(grid.shape_zyx[::-1]) - 1.0)),
        spacing_mm=size,
        direction=grid.direction,
    )
    voxels = Voxels(grid=whole, codes_zyx=frozen(code, np.uint32), photons=photons, outside=int(code[0, 0, 0]))
    return replace(task, voxels=voxels, flights_of=task.flights_of or task.voxels)
