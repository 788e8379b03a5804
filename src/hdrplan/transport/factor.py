"""The heterogeneity correction factor: dose in the patient's media over dose in water, with its standard error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, adopt, freeze, frozen
from hdrplan.brief import brief_repr
from hdrplan.errors import InputError
from hdrplan.geometry import Volume
from hdrplan.kernels.correction import FactorRows, ScoredBatches, correction_rows
from hdrplan.materials import MediaMap
from hdrplan.threads import over_rows
from hdrplan.transport.kerma import Kerma
from hdrplan.transport.primary import Primary

__all__ = ["RIM_VOXELS", "Correction", "MeanCorrection", "correction_at", "jackknife_error", "mean_correction"]

# Scatter beyond the outer centres of the scored grid is that of its border: a structure's smoothed shape may reach
# half a voxel of the CT beyond the CT.
RIM_VOXELS = 1.0

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
    medium_error, water_error : (n,) array
        Their standard errors.
    medium_replicates, water_replicates : (n_batches, n) float32 array
        The same with each batch of histories left out; no rows where they were not asked for.
    """

    medium: FloatArray
    water: FloatArray
    medium_error: FloatArray
    water_error: FloatArray
    medium_replicates: Singles
    water_replicates: Singles

    __repr__ = brief_repr

    def __post_init__(self) -> None:
        n = len(self.medium)
        for name in ("medium", "water", "medium_error", "water_error"):
            freeze(self, name, (n,))
        # Of a liver these are tens of megabytes: made for this value, they are not copied.
        for replicates in (self.medium_replicates, self.water_replicates):
            adopt(replicates)
            if replicates.shape[1:] != (n,):
                raise InputError(f"replicates must have {n} columns", got=replicates.shape)


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
    points_mm: FloatArray,
    media_map: MediaMap,
    primary: Primary,
    patient: Kerma,
    water: Kerma,
    *,
    replicates: bool = True,
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
    replicates : bool
        Whether the factors with each batch left out are wanted, from which errors of other figures come.

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
    if not patient.grid.same_as(water.grid):
        raise InputError("patient and water must be scored on the same grid", got=f"{patient.grid}, {water.grid}")
    at, n = media_map.medium_at(points), len(points)
    names, row = ["water"], np.zeros(len(media_map.names), dtype=np.int64)
    for number in np.unique(at[at >= 0]).tolist():
        if media_map.names[number] != "water":
            row[number] = len(names)
            names.append(media_map.names[number])
    scored = ScoredBatches(patient.sums, water.sums, frozen([patient.weights_gy(name) for name in names]))
    others = np.empty((2, len(patient.sums) if replicates else 0, n), dtype=np.float32)
    out = FactorRows(np.empty(n), np.empty(n), np.empty((n, 2)), others)
    index = np.ascontiguousarray(patient.grid.index(points))
    primaries = np.stack((primary.medium_gy, primary.water_gy, primary.all_water_gy), axis=1)
    medium = np.where(at >= 0, row[at], 0)
    over_rows(lambda first, last: correction_rows(first, last, index, primaries, medium, scored, out), n)
    return Correction(
        medium=out.medium,
        water=out.water,
        medium_error=out.errors[:, 0],
        water_error=out.errors[:, 1],
        medium_replicates=others[0],
        water_replicates=others[1],
    )


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
    means = {name: Volume(patient.grid, kerma) for name, kerma in patient.means_gy({"water", *names}).items()}

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
