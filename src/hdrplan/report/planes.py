"""Values of a volume on a plane of patient space, for figures: the page's ``assets/volume.js`` in numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.dose import Shape
from hdrplan.geometry import Structure, Volume

__all__ = ["VIEWS", "View", "outline_field", "plane_values"]


@dataclass(frozen=True, slots=True, kw_only=True)
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
    "axial": View(across=0, down=1, normal=2, upward=False, edges="RLAP"),
    "coronal": View(across=0, down=2, normal=1, upward=True, edges="RLSI"),
    "sagittal": View(across=1, down=2, normal=0, upward=True, edges="APSI"),
}


def plane_values(volume: Volume, view: View, at_mm: float, across_mm: FloatArray, down_mm: FloatArray) -> FloatArray:
    """Return the values of a volume on a plane, linearly interpolated.

    Parameters
    ----------
    volume : Volume
    view : View
    at_mm : float
        Position of the plane along the view's normal.
    across_mm : (n_across,) array
    down_mm : (n_down,) array

    Returns
    -------
    (n_down, n_across) array
        NaN more than half a voxel outside the grid.
    """
    points = np.empty((len(down_mm), len(across_mm), 3))
    points[..., view.across] = across_mm[None, :]
    points[..., view.down] = down_mm[:, None]
    points[..., view.normal] = at_mm
    return volume.at(points)


def outline_field(structure: Structure, shapes: Mapping[str, Shape]) -> tuple[Volume, float]:
    """Return the field whose level line is a structure's outline, and that level.

    Parameters
    ----------
    structure : Structure
    shapes : mapping
        Name -> shape that doses are judged on. A structure without one is outlined along its mask.

    Returns
    -------
    field : Volume
    level : float
        Inside, the field is above it.
    """
    shape = shapes.get(structure.name)
    if shape is None:
        return Volume(structure.grid, structure.mask_zyx.astype(np.float32)), 0.5
    return Volume(shape.grid, shape.level_zyx), 0.0
