"""The dose-rate matrix: what one second at each dwell gives each point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, adopt, freeze

__all__ = ["DoseRate"]


@dataclass(frozen=True, slots=True, eq=False)
class DoseRate:
    """Dose rates of all dwells at all points.

    Parameters
    ----------
    gy_per_s : (n_points, n_dwells) array
    extrapolated : (n_points,) bool array
        Points that lie outside the source's tabulated range for at least one dwell.
    """

    gy_per_s: FloatArray
    extrapolated: BoolArray

    def __post_init__(self) -> None:
        adopt(self.gy_per_s)
        freeze(self, "extrapolated", (None,), dtype=np.bool_)
