"""Values of a volume on a plane of patient space, for figures: the page's ``assets/volume.js`` in numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.geometry import Volume

__all__ = ["VIEWS", "View", "plane_values"]


@dataclass(frozen=True, slots=True)
class View:
    """How a plane is shown.

    Parameters
    ----------
    across, down, normal : int
        LPS axes (0 x, 1 y, 2 z). ``across`` grows to the right in every view: radiological convention.
    upward : bool
        Whether the axis ``down`` grows upward on paper (z does).
    edges : str
        Letters of the left, right, upper and lower edge.
    """

    across: int
    down: int
    normal: int
    upward: bool
    edges: str


VIEWS: dict[str, View] = {
    "axial": View(0, 1, 2, False, "RLAP"),
    "coronal": View(0, 2, 1, True, "RLSI"),
    "sagittal": View(1, 2, 0, True, "APSI"),
}


def plane_values(volume: Volume, view: View, at_mm: float, across_mm: FloatArray, down_mm: FloatArray) -> FloatArray:
    """Linearly interpolated values, (n_down, n_across); NaN more than half a voxel outside the grid."""
    points = np.empty((len(down_mm), len(across_mm), 3))
    points[..., view.across] = across_mm[None, :]
    points[..., view.down] = down_mm[:, None]
    points[..., view.normal] = at_mm
    return volume.at(points)
