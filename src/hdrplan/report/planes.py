"""Values of a volume on a plane of patient space, for figures: the page's ``assets/volume.js`` in numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates

from hdrplan.arrays import FloatArray
from hdrplan.geometry import Structure, Volume

__all__ = ["VIEWS", "View", "plane_values", "structure_box_mm"]


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
    index = volume.grid.index(points.reshape(-1, 3))
    values = map_coordinates(volume.values_zyx.astype(np.float32), index.T[::-1], order=1, mode="nearest")
    values = np.where(volume.grid.contains(points.reshape(-1, 3)), values, np.nan)
    return np.asarray(values.reshape(len(down_mm), len(across_mm)), dtype=np.float64)


def structure_box_mm(structure: Structure) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest LPS coordinates of a structure's voxel centres."""
    filled = np.argwhere(structure.mask_zyx)[:, ::-1]
    low, high = filled.min(axis=0), filled.max(axis=0)
    ends = np.array([low, high])
    corners = structure.grid.world(
        [[ends[i, 0], ends[j, 1], ends[k, 2]] for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    )
    return corners.min(axis=0), corners.max(axis=0)
