"""Catheters drawn into a CT, as a scanner would show them: for phantoms, and for tests of what finds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from hdrplan.arrays import FloatArray
from hdrplan.errors import InputError
from hdrplan.geometry.catheter import Catheter
from hdrplan.geometry.grid import Volume

__all__ = ["Tube", "outwards", "with_tubes"]

# Voxels are cut into pieces of at most this edge: a lumen of 1 mm has some ten across.
_PIECE_MM = 0.35
# Points along a catheter: between them it is straight to a thousandth of a mm at a radius of 30 mm.
_ALONG_MM = 0.5
# Standard deviation of a scanner's blur within a slice; 10 % of its modulation are left at 6 line pairs per cm.
_BLUR_MM = 0.45


@dataclass(frozen=True, slots=True, kw_only=True)
class Tube:
    """A tube with a closed end, and what is in it.

    Parameters
    ----------
    outer_mm, lumen_mm : float
        Diameters; 6F are 2.0 mm.
    wall_hu, lumen_hu : float
        Of the plastic, and of what fills it: -1000 air, 0 water, 3000 metal.
    closed_end_mm : float
        Plastic beyond the lumen.
    """

    outer_mm: float = 2.0
    lumen_mm: float = 1.5
    wall_hu: float = 300.0
    lumen_hu: float = -1000.0
    closed_end_mm: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.lumen_mm < self.outer_mm <= 10.0:
            raise InputError(
                "a tube has a lumen narrower than itself, and is up to 10 mm wide",
                got=f"lumen {self.lumen_mm:g} mm, tube {self.outer_mm:g} mm",
            )


def outwards(catheters: Sequence[Catheter], mm: float) -> tuple[Catheter, ...]:
    """Return catheters that begin so many mm farther out, straight on from their first two points.

    Parameters
    ----------
    catheters : sequence of Catheter
    mm : float
        0 to 500.

    Raises
    ------
    InputError
        Out of range.
    """
    if not 0.0 <= mm <= 500.0:
        raise InputError("catheters are continued by 0 to 500 mm", got=f"{mm:g}")
    longer = []
    for catheter in catheters:
        points = catheter.points_mm
        way = (points[0] - points[1]) / np.linalg.norm(points[0] - points[1])
        longer.append(Catheter(catheter.name, np.concatenate((points[:1] + mm * way, points[1:]))))
    return tuple(longer)


def with_tubes(ct: Volume, catheters: Sequence[Catheter], tube: Tube) -> Volume:
    """Draw tubes along catheters, with partial volumes and the blur of a scanner.

    Parameters
    ----------
    ct : Volume
        HU.
    catheters : sequence of Catheter
        Hub first; a tube ends at its last point. What lies outside the CT is left out.
    tube : Tube

    Returns
    -------
    Volume
        float32 HU on the grid of the CT.
    """
    hu = ct.values_zyx.astype(np.float32)
    change = np.zeros_like(hu)
    for catheter in catheters:
        voxels, wall, lumen = _shares(ct, catheter.points_mm, tube)
        at = tuple(voxels.T[::-1])
        now = hu[at] + change[at]
        change[at] += wall * (tube.wall_hu - now) + lumen * (tube.lumen_hu - now)
    sigma = np.array([0.0, _BLUR_MM, _BLUR_MM]) / ct.grid.spacing_mm[::-1]
    return Volume(ct.grid, hu + ndimage.gaussian_filter(change, sigma))


def _shares(ct: Volume, points_mm: FloatArray, tube: Tube) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Voxels (n, 3) by x, y, z index that a tube touches, and the shares of each in its wall and its lumen."""
    grid = ct.grid
    length = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(points_mm, axis=0), axis=1))))
    at = np.linspace(0.0, length[-1], max(2, int(length[-1] / _ALONG_MM) + 1))
    line = np.stack([np.interp(at, length, points_mm[:, k]) for k in range(3)], axis=1)
    tangent = np.gradient(line, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    reach = np.ceil(tube.outer_mm / 2.0 / grid.spacing_mm).astype(int) + 1
    around = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij"), axis=-1).reshape(-1, 3)
    centres = np.unique(np.rint(grid.index(line)).astype(int), axis=0)
    voxels = np.unique((centres[:, None] + around).reshape(-1, 3), axis=0)
    voxels = voxels[((voxels >= 0) & (voxels < grid.shape_zyx[::-1])).all(axis=1)]
    nearest = cKDTree(line).query(grid.world(voxels))[1]
    pieces = np.maximum(1, np.ceil(grid.spacing_mm / _PIECE_MM).astype(int))
    shifts = np.stack(np.meshgrid(*((np.arange(n) + 0.5) / n - 0.5 for n in pieces), indexing="ij"), axis=-1).reshape(
        -1, 3
    )
    wall, lumen = np.zeros(len(voxels)), np.zeros(len(voxels))
    for shift in shifts:
        away = grid.world(voxels + shift) - line[nearest]
        along = np.einsum("ij,ij->i", away, tangent[nearest])
        beside = np.sqrt(np.maximum((away**2).sum(axis=1) - along**2, 0.0))
        to_tip, from_hub = length[-1] - at[nearest] - along, at[nearest] + along
        within = (to_tip > 0) & (from_hub > 0)
        hollow = within & (beside < tube.lumen_mm / 2.0) & (to_tip > tube.closed_end_mm)
        lumen += hollow
        wall += within & (beside < tube.outer_mm / 2.0) & ~hollow
    return voxels, wall / len(shifts), lumen / len(shifts)
