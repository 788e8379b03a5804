"""The smooth shape behind a mask: a signed distance that can be asked anywhere.

A mask is a staircase; the organ is not. The mask is blurred with a Gaussian of about one voxel along each axis and
the normal quantile of the result is taken: across a flat face that is exactly linear, with the face at 0 (the blurred
edge is the normal distribution function). Voxel centres keep the side the mask gives them, so that thin parts stay.
Divided by its gradient, the quantile is the signed distance in mm. Between slices it interpolates the shape and not
the grey value (shape-based interpolation).

References
----------
Raya SP, Udupa JK, Shape-based interpolation of multidimensional objects, IEEE Trans Med Imaging 1990;9:32.
Whitaker RT, Reducing aliasing artifacts in iso-surfaces of binary volumes, IEEE Symp Volume Visualization 2000;23.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.special import ndtri

from hdrplan.arrays import FloatArray
from hdrplan.geometry import Grid, Structure

__all__ = ["Shape", "shape_of"]

# Blur in voxels: below 0.7 the stairs of a slanted face remain, above 1 voxel edges are rounded off.
_BLUR_VOXELS = 0.8
# The blur reaches this many standard deviations; beyond, only the sign of the distance is known.
_REACH = 3.0
# The least quantile that a voxel centre keeps on its own side of the surface.
_OWN_SIDE = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """Smoothed shape of one structure.

    Parameters
    ----------
    grid : Grid
        The structure's bounding box with a rim.
    quantile_zyx : (nz, ny, nx) float32 array
        Normal quantile of the blurred mask: positive inside, in standard deviations of the blur.
    """

    grid: Grid
    quantile_zyx: npt.NDArray[np.float32]

    @property
    def band_mm(self) -> float:
        """Distance from the surface, along the finest axis, up to which distances are known."""
        return _REACH * _BLUR_VOXELS * float(self.grid.spacing_mm.min()) * 0.9

    def distance_mm(self, points_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Signed distance (positive inside), and unit vectors that point inward.

        Beyond the band around the surface the distance is +-1000 mm and the vector is 0.
        """
        index = self.grid.index(points_mm)
        value = self._at(index)
        slope = np.empty_like(points_mm)
        for axis in range(3):
            step = np.zeros(3)
            step[axis] = 0.5
            slope[:, axis] = self._at(index + step) - self._at(index - step)
        slope = (slope / self.grid.spacing_mm) @ self.grid.direction.T
        norm = np.linalg.norm(slope, axis=1)
        known = (np.abs(value) < _REACH - 1e-3) & (norm > 1e-6)
        safe = np.where(known, norm, 1.0)
        return (
            np.where(known, value / safe, np.where(value > 0, 1000.0, -1000.0)),
            np.where(known[:, None], slope / safe[:, None], 0.0),
        )

    def _at(self, index_xyz: FloatArray) -> FloatArray:
        return np.asarray(
            map_coordinates(self.quantile_zyx, index_xyz.T[::-1], order=1, mode="nearest", output=np.float64)
        )


def shape_of(structure: Structure) -> Shape:
    """Smooth the mask of a structure; see the module's text."""
    where = np.nonzero(structure.mask_zyx)
    rim = 4
    low = np.array([w.min() for w in where])
    high = np.array([w.max() for w in where]) + 1
    mask = np.pad(structure.mask_zyx[tuple(slice(a, b) for a, b in zip(low, high, strict=True))], rim)
    grid = structure.grid.box((low - rim)[::-1], mask.shape)
    blurred = gaussian_filter(mask.astype(np.float32), _BLUR_VOXELS, truncate=_REACH + 0.5, mode="constant")
    quantile = np.where(mask, np.float32(_REACH), np.float32(-_REACH))
    edge = (blurred > 1e-6) & (blurred < 1 - 1e-6)
    quantile[edge] = np.clip(ndtri(blurred[edge]), -_REACH, _REACH)
    quantile[mask] = np.maximum(quantile[mask], _OWN_SIDE)
    quantile[~mask] = np.minimum(quantile[~mask], -_OWN_SIDE)
    return Shape(grid, quantile)
