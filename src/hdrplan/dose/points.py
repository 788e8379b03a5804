"""Sample points of structures, for dosimetry and not for display."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray, freeze
from hdrplan.errors import InputError

__all__ = ["SamplePoints"]


@dataclass(frozen=True, slots=True, eq=False)
class SamplePoints:
    """Points of all structures, structure by structure.

    Parameters
    ----------
    names : tuple of str
    roles : tuple of str
    start : (n_structures + 1,) int array
        Rows ``start[k]:start[k + 1]`` belong to structure k.
    points_mm : (n, 3) array
    volume_cc : (n,) array
        Volume that each point stands for; 0 on the surface. Sums to the structure's volume.
    on_surface : (n,) bool array
        Points on the structure's surface: they count for D100, minimum and maximum, not for volumes.
    spacing_mm : (n_structures,) array
        Edge of the sub-voxels of each structure (the coarsest axis).
    mask_cc : (n_structures,) array
        Volume of the mask, for comparison.
    method : str
        One sentence for the report.
    """

    names: tuple[str, ...]
    roles: tuple[str, ...]
    start: IntArray
    points_mm: FloatArray
    volume_cc: FloatArray
    on_surface: BoolArray
    spacing_mm: FloatArray
    mask_cc: FloatArray
    method: str = ""

    def __post_init__(self) -> None:
        freeze(self, "start", (None,), dtype=np.int64)
        freeze(self, "points_mm", (None, 3))
        freeze(self, "volume_cc", (None,))
        freeze(self, "on_surface", (None,), dtype=np.bool_)
        freeze(self, "spacing_mm", (None,))
        freeze(self, "mask_cc", (None,))

    def rows(self, name: str) -> slice:
        """Return the rows of one structure."""
        if name not in self.names:
            raise InputError(f"no structure is named {name!r}", remedy=f"There are: {', '.join(self.names)}.")
        k = self.names.index(name)
        return slice(int(self.start[k]), int(self.start[k + 1]))

    def __len__(self) -> int:
        return len(self.points_mm)
