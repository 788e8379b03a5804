"""Second check, the dose grid: what a planning system states, against what its times give by TG-43."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.errors import InputError
from hdrplan.geometry import Volume
from hdrplan.metrics import Tolerances, gamma_index

__all__ = ["ON_CENTRE", "GridCheck", "StatedDose", "between_centres", "compared_grids"]

# Gamma is judged at every n-th voxel of larger grids: a tenth of a percent of the pass rate is told by this many.
MAX_GAMMA_VOXELS = 200_000
# Stored grids are read between their voxel centres; this part of a voxel is roundoff.
ON_CENTRE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class StatedDose:
    """A dose grid of a planning system.

    Parameters
    ----------
    volume : Volume
        Gy.
    full_scale_gy : float, optional
        Dose at which the grid tops out; voxels at it are left out of every comparison.
    """

    volume: Volume
    full_scale_gy: float | None = None

    def divided(self, fractions: int) -> StatedDose:
        """Return the dose of one of several equal fractions."""
        values = self.volume.values_zyx / np.float32(fractions)
        scale = None if self.full_scale_gy is None else self.full_scale_gy / fractions
        return StatedDose(Volume(self.volume.grid, values), scale)

    def threshold_gy(self, prescription_gy: float, threshold_frac: float) -> float:
        """Lowest dose judged: a part of the prescription, else of the dose that a thousandth of the grid exceeds."""
        normal_gy = prescription_gy
        if math.isnan(normal_gy) or normal_gy <= 0:
            normal_gy = float(np.quantile(self.volume.values_zyx, 0.999))
        return max(threshold_frac * normal_gy, 1e-6)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GridCheck:
    """Comparison of the dose grids.

    Parameters
    ----------
    recomputed : Volume
        On the TPS's grid, Gy.
    tps : Volume
    judged_zyx : bool array
        Voxels above the threshold, not at full scale.
    gamma_zyx : array
        NaN where not judged.
    median_frac, p95_frac : float
        Median of recomputed / TPS - 1, 95th percentile of the size of TPS / recomputed - 1.
    gamma_pass_frac : float
    left_out : int
        Voxels at the TPS's full scale.
    """

    recomputed: Volume
    tps: Volume
    judged_zyx: BoolArray
    gamma_zyx: npt.NDArray[np.float32]
    median_frac: float
    p95_frac: float
    gamma_pass_frac: float
    left_out: int


def compared_grids(recomputed: Volume, stated: StatedDose, threshold_gy: float, tolerances: Tolerances) -> GridCheck:
    """Compare two dose grids.

    Parameters
    ----------
    recomputed : Volume
        On the grid of the stated dose, Gy.
    stated : StatedDose
    threshold_gy : float
        Voxels below it are not judged.
    tolerances : Tolerances
        Criteria of gamma.

    Raises
    ------
    InputError
        No voxel above the threshold.
    """
    tps, ours_zyx = stated.volume, recomputed.values_zyx
    full = np.zeros(tps.grid.shape_zyx, dtype=np.bool_)
    if stated.full_scale_gy is not None:
        full = (tps.values_zyx >= 0.999 * stated.full_scale_gy) | (ours_zyx >= 0.999 * stated.full_scale_gy)
    judged = (ours_zyx >= threshold_gy) & ~full
    if not judged.any():
        raise InputError("no voxel of the dose grid lies above the threshold", got=f"{threshold_gy:.3g} Gy")
    reference = ours_zyx[judged].astype(np.float64)
    relative = tps.values_zyx[judged] / reference - 1.0
    voxels = np.argwhere(judged)
    thin = max(1, -(-len(voxels) // MAX_GAMMA_VOXELS))
    chosen = voxels[::thin]
    values = gamma_index(
        reference[::thin],
        chosen[:, ::-1],
        tps.values_zyx,
        tps.grid.spacing_mm,
        tolerances.gamma,
        normal_gy=threshold_gy / max(tolerances.threshold_frac, 1e-9),
    )
    gamma = np.full(tps.grid.shape_zyx, np.nan, dtype=np.float32)
    gamma[tuple(chosen.T)] = values
    return GridCheck(
        recomputed=recomputed,
        tps=tps,
        judged_zyx=judged,
        gamma_zyx=gamma,
        # Recomputed over the TPS's, as in the other rows; a TPS voxel of 0 Gy counts as far off.
        median_frac=float(np.median(reference / np.maximum(tps.values_zyx[judged], 1e-9)) - 1.0),
        p95_frac=float(np.quantile(np.abs(relative), 0.95)),
        gamma_pass_frac=float((values <= 1.0).mean()),
        left_out=int(full.sum()),
    )


def between_centres(dose: Volume, points_mm: FloatArray) -> FloatArray:
    """Doses at points between the voxel centres of a stored grid; NaN outside them, where nothing was written."""
    return dose.at(points_mm, rim_voxels=ON_CENTRE)
