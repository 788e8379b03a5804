"""A correction factor written directly from its definition, batch by batch and cell by cell."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def between_cells(values_zyx: Floats, index_xyz: Floats) -> float:
    """Return the trilinear value: every cell weighs as much as its hat function is high there."""
    place = np.clip(index_xyz, 0.0, np.array(values_zyx.shape[::-1]) - 1.0)
    hats = [
        np.maximum(0.0, 1.0 - np.abs(np.arange(n) - at)) for n, at in zip(values_zyx.shape[::-1], place, strict=True)
    ]
    return float(np.einsum("kji,i,j,k->", values_zyx, *hats))


def factors(
    patient: Floats, water: Floats, weights: Floats, medium: int, primary: Floats, index_xyz: Floats
) -> tuple[float, float, Floats]:
    """Return the factors for dose to the medium and to water, and both with each batch left out, (2, n_batches)."""
    doses = []
    for inside, outside in zip(patient, water, strict=True):
        to_medium = primary[0] + between_cells(inside @ weights[medium], index_xyz)
        to_water = primary[1] + between_cells(inside @ weights[0], index_xyz)
        doses.append([to_medium, to_water, primary[2] + between_cells(outside @ weights[0], index_xyz)])
    table = np.array(doses)
    mean = table.mean(axis=0)
    without = [np.delete(table, b, axis=0).mean(axis=0) for b in range(len(table))]
    return (
        mean[0] / mean[2],
        mean[1] / mean[2],
        np.array([[m[0] / m[2] for m in without], [m[1] / m[2] for m in without]]),
    )
