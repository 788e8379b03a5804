"""The heterogeneity correction factor: dose in the patient's media over dose in water, with its standard error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, freeze
from hdrplan.brief import brief_repr
from hdrplan.errors import InputError
from hdrplan.geometry import Grid, Volume
from hdrplan.materials import MediaMap
from hdrplan.transport.kerma import Kerma
from hdrplan.transport.primary import Primary

__all__ = ["RIM_VOXELS", "Correction", "MeanCorrection", "correction_at", "jackknife_error", "mean_correction"]

# Scatter beyond the outer centres of the scored grid is that of its border: a structure's smoothed shape may reach
# half a voxel of the CT beyond the CT.
RIM_VOXELS = 1.0
# Points at a time: each of them has a number for every batch, and a liver has hundreds of thousands.
_BLOCK = 10_000

Singles = npt.NDArray[np.float32]
MeanCorrection = Callable[[FloatArray, Primary, str | None], FloatArray]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Correction:
    """HCF = (primary + scatter) in the patient over (primary + scatter) in water without end, at points.

    The dose of TG-43 times the HCF is that in the patient: near the source TG-43 stays, for the HCF is smooth there.

    Parameters
    ----------
    medium : (n,) array
        For D_m,m: dose to the medium at the point, photons transported in media.
    water : (n,) array
        For D_w,m: dose to water there, photons transported in media.
    medium_replicates, water_replicates : (n_batches, n) float32 array
        The same with each batch of histories left out.
    """

    medium: FloatArray
    water: FloatArray
    medium_replicates: Singles
    water_replicates: Singles

    __repr__ = brief_repr

    def __post_init__(self) -> None:
        n = len(self.medium)
        freeze(self, "medium", (n,))
        freeze(self, "water", (n,))
        freeze(self, "medium_replicates", (None, n), dtype=np.float32)
        freeze(self, "water_replicates", (None, n), dtype=np.float32)

    @property
    def medium_error(self) -> FloatArray:
        """Standard error of ``medium``, (n,)."""
        return jackknife_error(self.medium_replicates)

    @property
    def water_error(self) -> FloatArray:
        """Standard error of ``water``, (n,)."""
        return jackknife_error(self.water_replicates)


def jackknife_error(replicates: npt.ArrayLike) -> FloatArray:
    """Return the standard error of a figure from its values with each batch left out, along the first axis.

    References
    ----------
    Efron B, Stein C, Ann Statist 1981;9:586.
    """
    values = np.asarray(replicates, dtype=np.float64)
    n = len(values)
    return np.asarray(np.sqrt((n - 1) / n * ((values - values.mean(axis=0)) ** 2).sum(axis=0)))


def correction_at(
    points_mm: FloatArray, media_map: MediaMap, primary: Primary, patient: Kerma, water: Kerma
) -> Correction:
    """Return the HCF at points.

    Parameters
    ----------
    points_mm : (n, 3) array
        Within the scored grid of both runs.
    media_map : MediaMap
    primary : Primary
        At these points.
    patient, water : Kerma
        Scatter in the patient's media, and in water without end with the same seed: their noise is nearly the same and
        leaves the ratio.

    Raises
    ------
    InputError
        Points outside the scored grid, runs of different histories.
    """
    if patient.histories != water.histories or len(patient.sums) != len(water.sums):
        raise InputError("patient and water need equally many histories", got=f"{patient.histories}, {water.histories}")
    points = np.asarray(points_mm, dtype=np.float64)
    if not patient.grid.contains(points, rim_voxels=RIM_VOXELS).all():
        raise InputError("every point must lie within the scored grid", got="points outside it")
    at, n = media_map.medium_at(points), len(points)
    names = {int(number): media_map.names[number] for number in np.unique(at[at >= 0])}
    base = water.batches_gy("water")
    scattered = {name: patient.batches_gy(name) for name in {"water", *names.values()}}
    medium, there = np.empty(n), np.empty(n)
    others = np.empty((2, len(base), n), dtype=np.float32)
    for first in range(0, n, _BLOCK):
        rows = slice(first, min(first + _BLOCK, n))
        places = points[rows]
        of_water = primary.all_water_gy[rows] + _at(water.grid, base, places)
        in_water = _at(patient.grid, scattered["water"], places)
        within = primary.medium_gy[rows] + in_water
        for number, name in names.items():
            held = np.flatnonzero(at[rows] == number)
            if name != "water" and len(held):
                kerma = _at(patient.grid, scattered[name], places[held])
                within[:, held] = primary.medium_gy[rows][held] + kerma
        to_water = primary.water_gy[rows] + in_water
        medium[rows] = within.mean(axis=0) / of_water.mean(axis=0)
        there[rows] = to_water.mean(axis=0) / of_water.mean(axis=0)
        others[0, :, rows] = _others(within) / _others(of_water)
        others[1, :, rows] = _others(to_water) / _others(of_water)
    return Correction(medium=medium, water=there, medium_replicates=others[0], water_replicates=others[1])


def _at(grid: Grid, batches: Singles, points: FloatArray) -> FloatArray:
    """Kerma of scattered photons at points, batch by batch, (n_batches, n): straight between the centres of cells."""
    return np.stack([Volume(grid, batch).at(points, rim_voxels=RIM_VOXELS) for batch in batches])


def _others(batches: FloatArray) -> FloatArray:
    """Return the means of all batches but one."""
    n = len(batches)
    return np.asarray((batches.sum(axis=0) - batches) / (n - 1))


def mean_correction(media_map: MediaMap, patient: Kerma, water: Kerma) -> MeanCorrection:
    """Return a function of points (n, 3) and their primary kerma: the HCF for D_m,m without its error, for large grids.

    Its last argument is a medium that absorbs at all points; None stands for that of the map at each.

    Parameters
    ----------
    media_map : MediaMap
    patient, water : Kerma
        As in :func:`correction_at`.
    """
    base = Volume(water.grid, water.mean_gy("water"))
    names = [media_map.names[number] for number in np.unique(media_map.medium_zyx)]
    means = {name: Volume(patient.grid, patient.mean_gy(name)) for name in {"water", *names}}

    def factor(points_mm: FloatArray, primary: Primary, medium: str | None) -> FloatArray:
        at = media_map.medium_at(points_mm)
        if medium is not None:
            at[:] = media_map.names.index(medium)
        scattered = means["water"].at(points_mm, rim_voxels=RIM_VOXELS)
        for name in names:
            rows = at == media_map.names.index(name)
            scattered[rows] = means[name].at(points_mm[rows], rim_voxels=RIM_VOXELS)
        return np.asarray(
            (primary.medium_gy + scattered) / (primary.all_water_gy + base.at(points_mm, rim_voxels=RIM_VOXELS))
        )

    return factor
