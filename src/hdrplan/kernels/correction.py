"""Correction factors at points: scattered kerma between the cells of all batches at once, with the primary, over water.

A point asks every batch for the same eight cells: their place and weights are found once, and no array of one medium's
kerma in all cells and batches is made.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit, jit_inline

__all__ = ["FactorRows", "ScoredBatches", "correction_rows"]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]


class ScoredBatches(NamedTuple):
    """What was scored in the patient and in water without end; read-only."""

    patient: Singles  # (n_batches, nz, ny, nx, 4), of the base media, water first
    water: Singles  # the same cells
    weights: Floats  # (n_media, 4): kerma of a medium as a sum of those of the base media; row 0 is water


class FactorRows(NamedTuple):
    """Written."""

    medium: Floats  # (n,), for dose to the medium
    water: Floats  # (n,), for dose to water
    errors: Floats  # (n, 2), standard errors of both from the spread of batches (jackknife)
    others: Singles  # (2, n_batches, n), both with each batch left out; of no batches: not wanted


@jit_inline
def _corner(value: float, n: int) -> tuple[int, int, float]:
    """Return the cells before and behind a place along one axis, and how far it is between them."""
    within = min(max(value, 0.0), n - 1.0)
    low = min(int(within), max(n - 2, 0))
    return low, min(low + 1, n - 1), within - low


@jit
def correction_rows(
    first: int,
    last: int,
    index_xyz: Floats,
    primary: Floats,
    medium: npt.NDArray[np.int64],
    scored: ScoredBatches,
    out: FactorRows,
) -> None:
    """Factors at points ``first:last``.

    Parameters
    ----------
    first, last : int
    index_xyz : (n, 3) array
        Fractional indices of cells; beyond the outer centres kerma is that of the border.
    primary : (n, 3) array
        Primary kerma in the medium, in water there, and in water all over.
    medium : (n,) array
        Rows of ``scored.weights``.
    scored : ScoredBatches
    out : FactorRows

    References
    ----------
    Efron B, Stein C, Ann Statist 1981;9:586: error from values with a batch left out.
    """
    batches, nz, ny, nx, _ = scored.patient.shape
    within, there, all_over = np.empty(batches), np.empty(batches), np.empty(batches)
    for p in range(first, last):
        i0, i1, u = _corner(index_xyz[p, 0], nx)
        j0, j1, v = _corner(index_xyz[p, 1], ny)
        k0, k1, w = _corner(index_xyz[p, 2], nz)
        weights = scored.weights[medium[p]]
        sums = np.zeros(3)
        for b in range(batches):
            one, two, three, four, water = 0.0, 0.0, 0.0, 0.0, 0.0
            for k, wk in ((k0, 1.0 - w), (k1, w)):
                for j, wj in ((j0, (1.0 - v) * wk), (j1, v * wk)):
                    for i, part in ((i0, (1.0 - u) * wj), (i1, u * wj)):
                        one += part * scored.patient[b, k, j, i, 0]
                        two += part * scored.patient[b, k, j, i, 1]
                        three += part * scored.patient[b, k, j, i, 2]
                        four += part * scored.patient[b, k, j, i, 3]
                        water += part * scored.water[b, k, j, i, 0]
            own = weights[0] * one + weights[1] * two + weights[2] * three + weights[3] * four
            within[b] = primary[p, 0] + own
            there[b] = primary[p, 1] + scored.weights[0, 0] * one
            all_over[b] = primary[p, 2] + scored.weights[0, 0] * water
            sums[0] += within[b]
            sums[1] += there[b]
            sums[2] += all_over[b]
        out.medium[p] = sums[0] / sums[2]
        out.water[p] = sums[1] / sums[2]
        mean_medium, mean_water = 0.0, 0.0
        for b in range(batches):
            rest = 1.0 / (sums[2] - all_over[b])
            within[b] = (sums[0] - within[b]) * rest
            there[b] = (sums[1] - there[b]) * rest
            mean_medium += within[b] / batches
            mean_water += there[b] / batches
        of_medium, of_water = 0.0, 0.0
        for b in range(batches):
            of_medium += (within[b] - mean_medium) ** 2
            of_water += (there[b] - mean_water) ** 2
        out.errors[p, 0] = math.sqrt(of_medium * (batches - 1) / batches)
        out.errors[p, 1] = math.sqrt(of_water * (batches - 1) / batches)
        if out.others.shape[1] > 0:
            for b in range(batches):
                out.others[0, b, p] = within[b]
                out.others[1, b, p] = there[b]
