"""Rows of tables that compare a value with a reference, and what several benchmarks of model-based dose share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.geometry import Dwells, Grid
from hdrplan.transport import ScatterTask, Voxels, isotropic_ir192

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One comparison; error is a standard error in percent, 0 where there is no noise."""

    name: str
    reference: str
    value: str
    off_pct: float
    error_pct: float
    tolerance_pct: float

    def text(self) -> str:
        """Return the row as a line of a table."""
        met = "met" if abs(self.off_pct) <= self.tolerance_pct else "not met"
        error = f" +- {self.error_pct:.2f}" if self.error_pct else ""
        off = f"{self.off_pct:+.2f}{error} %"
        return f"| {self.name} | {self.reference} | {self.value} | {off} | {self.tolerance_pct:g} % | {met} |"


def row_of(name: str, wanted: float, batches: Array, tolerance_pct: float) -> Row:
    mean, error = float(batches.mean()), float(batches.std(ddof=1) / np.sqrt(len(batches)))
    return Row(
        name=name,
        reference=f"{wanted:.5g}",
        value=f"{mean:.5g}",
        off_pct=100.0 * (mean / wanted - 1.0),
        error_pct=100.0 * error / wanted,
        tolerance_pct=tolerance_pct,
    )


def middle() -> Dwells:
    """Return one dwell at the origin, its axis along z."""
    return Dwells(
        positions_mm=np.zeros((1, 3)),
        axes=np.array([[0.0, 0.0, 1.0]]),
        catheter=np.zeros(1, dtype=np.int64),
        offset_mm=np.zeros(1),
        catheter_names=("middle",),
    )


def point_task(voxels: Voxels, scored: Grid, *, seed: int) -> ScatterTask:
    """Return one second of an isotropic point of Ir-192 in the middle."""
    return ScatterTask(
        voxels=voxels,
        emission=isotropic_ir192(voxels.photons),
        positions_mm=np.zeros((1, 3)),
        axes=np.array([[0.0, 0.0, 1.0]]),
        times_s=np.ones(1),
        scored=scored,
        seed=seed,
    )
