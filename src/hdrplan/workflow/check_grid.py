"""Second check, the dose grid: what a planning system states, against what its times give by TG-43."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.errors import InputError
from hdrplan.geometry import Volume
from hdrplan.metrics import Tolerances, gamma_index
from hdrplan.workflow.check_stated import StatedDose

__all__ = ["GridCheck", "LevelCheck", "WorstVoxel", "compared_grids"]

# Gamma is judged at a sample of larger grids: a tenth of a percent of the pass rate is told by this many.
MAX_GAMMA_VOXELS = 200_000
# Isodoses between which the comparison is told apart, as parts of the prescription.
_LEVELS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelCheck:
    """Comparison of the voxels between two isodoses of the recomputed dose.

    Parameters
    ----------
    from_gy, to_gy : float
        0 and the threshold for voxels that only the TPS's dose puts above it; infinite above the highest isodose.
    voxels : int
        Judged in this range.
    median_frac : float
        Median of recomputed / TPS - 1.
    gamma_voxels : int
        Of these, the ones in the sample that gamma was computed at.
    gamma_pass_frac : float
        NaN without such voxels.
    """

    from_gy: float
    to_gy: float
    voxels: int
    median_frac: float
    gamma_voxels: int
    gamma_pass_frac: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WorstVoxel:
    """The judged voxel with the largest relative difference.

    Parameters
    ----------
    index_zyx : tuple of int
    position_mm : (3,) array
    tps_gy, recomputed_gy : float
    """

    index_zyx: tuple[int, int, int]
    position_mm: FloatArray
    tps_gy: float
    recomputed_gy: float

    @property
    def difference_frac(self) -> float:
        """Recomputed over TPS, minus 1; infinite where the TPS has no dose."""
        return self.recomputed_gy / self.tps_gy - 1.0 if self.tps_gy > 0 else math.inf


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GridCheck:
    """Comparison of the dose grids.

    Parameters
    ----------
    recomputed : Volume
        On the TPS's grid, Gy.
    tps : Volume
    threshold_gy : float
        Voxels below it are not judged.
    normal_gy : float
        What the threshold is a part of: the prescription, else a high dose of the grid.
    judged_zyx : bool array
        Voxels that either dose puts above the threshold, but not those of the next two.
    full_scale_zyx : bool array
        Voxels where both doses reach the TPS's full scale.
    unwritten_zyx : bool array
        Voxels beside a dwell in which the TPS wrote 0.
    gamma_zyx : array
        In the sample, and in the whole slices that are shown; NaN elsewhere.
    gamma_voxels : int
        Of the sample.
    gamma_pass_frac : float
        Of the sample.
    median_frac, p95_frac : float
        Median of recomputed / TPS - 1, and 95th percentile of its size.
    spread_frac : float
        Size of the difference from its median that 90 % of the voxels stay within.
    levels : tuple of LevelCheck
        By isodose, rising.
    worst : WorstVoxel
    hottest_z : int
        Slice with the highest judged dose.
    """

    recomputed: Volume
    tps: Volume
    threshold_gy: float
    normal_gy: float
    judged_zyx: BoolArray
    full_scale_zyx: BoolArray
    unwritten_zyx: BoolArray
    gamma_zyx: npt.NDArray[np.float32]
    gamma_voxels: int
    gamma_pass_frac: float
    median_frac: float
    p95_frac: float
    spread_frac: float
    levels: tuple[LevelCheck, ...]
    worst: WorstVoxel
    hottest_z: int

    @property
    def left_out(self) -> int:
        """Number of voxels at the TPS's full scale."""
        return int(self.full_scale_zyx.sum())


def compared_grids(
    recomputed: Volume, stated: StatedDose, normal_gy: float, tolerances: Tolerances, *, unwritten_zyx: BoolArray
) -> GridCheck:
    """Compare two dose grids.

    Parameters
    ----------
    recomputed : Volume
        On the grid of the stated dose, Gy, as :func:`as_written` returns it.
    stated : StatedDose
    normal_gy : float
        Voxels below ``tolerances.threshold_frac`` of it are not judged; isodoses are parts of it.
    tolerances : Tolerances
        Criteria of gamma.
    unwritten_zyx : bool array
        Voxels that are not judged: the planning system wrote no dose there.

    Raises
    ------
    InputError
        No voxel above the threshold.
    """
    tps, ours_zyx = stated.volume, recomputed.values_zyx
    threshold_gy = max(tolerances.threshold_frac * normal_gy, 1e-6)
    full = np.zeros(tps.grid.shape_zyx, dtype=np.bool_)
    if stated.full_scale_gy is not None:
        # Both: where only one dose is as high, they differ.
        full = (tps.values_zyx >= 0.999 * stated.full_scale_gy) & (ours_zyx >= 0.999 * stated.full_scale_gy)
    # Either dose: a region that only one of the two treats is the largest difference there is.
    judged = ((ours_zyx >= threshold_gy) | (tps.values_zyx >= threshold_gy)) & ~full & ~unwritten_zyx
    if not judged.any():
        raise InputError("no voxel of the dose grid lies above the threshold", got=f"{threshold_gy:.3g} Gy")
    voxels = np.argwhere(judged)
    ours_gy = ours_zyx[judged].astype(np.float64)
    tps_gy = tps.values_zyx[judged].astype(np.float64)
    # Recomputed over the TPS's, as in every row; a TPS voxel of 0 Gy counts as far off.
    relative = ours_gy / np.maximum(tps_gy, 1e-9) - 1.0
    k = int(np.abs(np.log1p(relative)).argmax())
    worst = WorstVoxel(
        index_zyx=(int(voxels[k, 0]), int(voxels[k, 1]), int(voxels[k, 2])),
        position_mm=tps.grid.world(voxels[k, ::-1]),
        tps_gy=float(tps_gy[k]),
        recomputed_gy=float(ours_gy[k]),
    )
    hottest_z = int(voxels[int(ours_gy.argmax()), 0])
    sample = _sample(len(voxels))
    shown = np.flatnonzero(np.isin(voxels[:, 0], (hottest_z, worst.index_zyx[0])))
    wanted = np.union1d(sample, shown)
    values = gamma_index(
        np.maximum(ours_gy[wanted], 1e-9),
        voxels[wanted][:, ::-1],
        tps.values_zyx,
        tps.grid.spacing_mm,
        tolerances.gamma,
        normal_gy=normal_gy,
    )
    gamma_zyx = np.full(tps.grid.shape_zyx, np.nan, dtype=np.float32)
    gamma_zyx[tuple(voxels[wanted].T)] = values
    in_sample = values[np.searchsorted(wanted, sample)]
    return GridCheck(
        recomputed=recomputed,
        tps=tps,
        threshold_gy=threshold_gy,
        normal_gy=normal_gy,
        judged_zyx=judged,
        full_scale_zyx=full,
        unwritten_zyx=unwritten_zyx,
        gamma_zyx=gamma_zyx,
        gamma_voxels=len(sample),
        gamma_pass_frac=float((in_sample <= 1.0).mean()),
        median_frac=float(np.median(relative)),
        p95_frac=float(np.quantile(np.abs(relative), 0.95)),
        spread_frac=float(np.quantile(np.abs((1.0 + relative) / (1.0 + np.median(relative)) - 1.0), 0.9)),
        levels=_levels(ours_gy, relative, (sample, in_sample), normal_gy, threshold_gy),
        worst=worst,
        hottest_z=hottest_z,
    )


def _sample(count: int) -> npt.NDArray[np.int64]:
    """Rows of the judged voxels at which gamma is judged: all, or drawn; every n-th would draw stripes."""
    if count <= MAX_GAMMA_VOXELS:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, MAX_GAMMA_VOXELS, replace=False))


def _levels(
    ours_gy: FloatArray,
    relative: FloatArray,
    sampled: tuple[npt.NDArray[np.int64], FloatArray],
    normal_gy: float,
    threshold_gy: float,
) -> tuple[LevelCheck, ...]:
    rows, gamma = sampled
    edges_gy = [0.0, threshold_gy, *(f * normal_gy for f in _LEVELS if f * normal_gy > threshold_gy), math.inf]
    levels = []
    for low, high in itertools.pairwise(edges_gy):
        inside = (ours_gy >= low) & (ours_gy < high)
        if not inside.any():
            continue
        judged = gamma[inside[rows]]
        levels.append(
            LevelCheck(
                from_gy=low,
                to_gy=high,
                voxels=int(inside.sum()),
                median_frac=float(np.median(relative[inside])),
                gamma_voxels=len(judged),
                gamma_pass_frac=float((judged <= 1.0).mean()) if len(judged) else math.nan,
            )
        )
    return tuple(levels)
