"""Grids of voxels in patient space: LPS, mm; voxel arrays are indexed (z, y, x)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray, freeze
from hdrplan.brief import brief_html, brief_repr
from hdrplan.errors import InputError
from hdrplan.kernels.trilinear import placed_value_rows, value_rows
from hdrplan.threads import over_rows

__all__ = ["Grid", "Volume"]


_NOT_TURNED = np.eye(3)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """A regular grid of voxel centres.

    Parameters
    ----------
    shape_zyx : tuple of int
        Number of voxels along the slice, row and column axis.
    origin_mm : (3,) array
        LPS position of the centre of voxel (0, 0, 0).
    spacing_mm : (3,) array
        Distance of neighbouring centres along the x, y and z index.
    direction : (3, 3) array
        Column ``k`` is the unit vector in LPS along which index ``k`` (x, y, z) grows; orthonormal.
        Left-handed frames are allowed.

    Raises
    ------
    InputError
        Spacing not positive, a direction that is not orthonormal, an empty shape.
    """

    shape_zyx: tuple[int, int, int]
    origin_mm: FloatArray
    spacing_mm: FloatArray
    direction: FloatArray = field(default_factory=lambda: np.eye(3))

    __repr__ = brief_repr

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape_zyx", tuple(int(n) for n in self.shape_zyx))
        freeze(self, "origin_mm", (3,))
        freeze(self, "spacing_mm", (3,))
        freeze(self, "direction", (3, 3))
        if len(self.shape_zyx) != 3 or min(self.shape_zyx) < 1:
            raise InputError("a grid needs three positive voxel counts (z, y, x)", got=self.shape_zyx)
        if (self.spacing_mm <= 0).any():
            raise InputError("voxel spacing must be positive (mm)", got=self.spacing_mm.tolist())
        # 1e-4: NIfTI quaternions in float32 and DICOM cosines with 6 decimals are this exact.
        if np.abs(self.direction.T @ self.direction - np.eye(3)).max() > 1e-4:
            raise InputError("direction cosines must be orthonormal", got=self.direction.round(4).tolist())

    @classmethod
    def around(cls, points_mm: npt.ArrayLike, *, spacing_mm: float, margin_mm: float) -> Grid:
        """Return a grid along the patient axes that reaches ``margin_mm`` beyond the points.

        Parameters
        ----------
        points_mm : (n, 3) array
        spacing_mm : float
            Edge of the voxels; 0.1 to 50.
        margin_mm : float
            0 to 500.

        Raises
        ------
        InputError
            A spacing or margin out of its range.
        """
        if not (0.1 <= spacing_mm <= 50.0 and 0.0 <= margin_mm <= 500.0):
            raise InputError(
                "`spacing_mm` must lie in 0.1 to 50 mm, `margin_mm` in 0 to 500 mm",
                got=f"{spacing_mm:g}, {margin_mm:g}",
            )
        points = np.asarray(points_mm, dtype=np.float64)
        low = points.min(axis=0) - margin_mm
        nx, ny, nz = (np.ceil((points.max(axis=0) + margin_mm - low) / spacing_mm).astype(int) + 1).tolist()
        return cls(shape_zyx=(nz, ny, nx), origin_mm=low, spacing_mm=np.full(3, spacing_mm))

    @property
    def voxel_cc(self) -> float:
        """Volume of one voxel."""
        return float(np.prod(self.spacing_mm)) / 1000.0

    @property
    def size(self) -> int:
        """Number of voxels."""
        return int(np.prod(self.shape_zyx))

    def world(self, index_xyz: npt.ArrayLike) -> FloatArray:
        """LPS positions in mm of (fractional) x, y, z indices, shape (..., 3)."""
        index = np.asarray(index_xyz, dtype=np.float64)
        return np.asarray(self.origin_mm + _turned(index * self.spacing_mm, self.direction.T))

    def index(self, points_mm: npt.ArrayLike) -> FloatArray:
        """Fractional x, y, z indices of LPS positions, shape (..., 3)."""
        points = np.asarray(points_mm, dtype=np.float64)
        return np.asarray(_turned(points - self.origin_mm, self.direction) / self.spacing_mm)

    def contains(self, points_mm: npt.ArrayLike, *, rim_voxels: float = 0.5) -> BoolArray:
        """Whether each point lies in the grid: half a voxel, or another rim, beyond the outer centres counts."""
        index = self.index(points_mm)
        last = np.asarray(self.shape_zyx[::-1], dtype=np.float64) - 1.0 + rim_voxels
        return np.asarray(((index >= -rim_voxels) & (index <= last)).all(axis=-1))

    def points_mm(self, z_from: int = 0, z_to: int | None = None) -> FloatArray:
        """Centres of the voxels of slices ``z_from`` to ``z_to`` (exclusive), (n, 3), x fastest."""
        nz, ny, nx = self.shape_zyx
        z, y, x = np.meshgrid(
            np.arange(z_from, nz if z_to is None else z_to), np.arange(ny), np.arange(nx), indexing="ij"
        )
        return self.world(np.stack((x, y, z), axis=-1).reshape(-1, 3))

    def box(self, low_xyz: npt.ArrayLike, shape_zyx: tuple[int, int, int]) -> Grid:
        """Return the sub-grid that starts at voxel ``low_xyz``."""
        return Grid(
            shape_zyx=shape_zyx, origin_mm=self.world(low_xyz), spacing_mm=self.spacing_mm, direction=self.direction
        )

    def cut_to(self, points_mm: npt.ArrayLike, margin_mm: float) -> Grid:
        """Return the sub-grid that holds the points and a margin round them, as far as the grid goes."""
        index = self.index(points_mm)
        reach = margin_mm / self.spacing_mm
        last = np.array(self.shape_zyx[::-1]) - 1
        low = np.clip(np.floor(index.min(axis=0) - reach), 0, last).astype(int)
        high = np.clip(np.ceil(index.max(axis=0) + reach), 0, last).astype(int)
        nx, ny, nz = (int(n) for n in high - low + 1)
        return self.box(low, (nz, ny, nx))

    def same_as(self, other: Grid) -> bool:
        """Whether both grids have the same voxels, to a thousandth of a voxel."""
        return self.shape_zyx == other.shape_zyx and bool(
            np.abs(
                self.index(other.world(np.array([[0, 0, 0], np.subtract(self.shape_zyx[::-1], 1)])))
                - np.array([[0, 0, 0], np.subtract(self.shape_zyx[::-1], 1)])
            ).max()
            < 1e-3
            and np.abs(self.direction - other.direction).max() < 1e-4
        )


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Values on a grid: CT in HU, dose in Gy.

    Parameters
    ----------
    grid : Grid
    values_zyx : (nz, ny, nx) array
        Kept in the type given (int16 for CT, float32 for dose).
    """

    grid: Grid
    values_zyx: npt.NDArray[Any]

    __repr__ = brief_repr
    _repr_html_ = brief_html

    def __post_init__(self) -> None:
        freeze(self, "values_zyx", (None, None, None), dtype=None)
        if self.values_zyx.shape != self.grid.shape_zyx:
            raise InputError(f"values must have the grid's shape {self.grid.shape_zyx}", got=self.values_zyx.shape)

    def at(self, points_mm: npt.ArrayLike, *, rim_voxels: float = 0.5) -> FloatArray:
        """Values at points, trilinear between the voxel centres; beyond the outer ones, those of the border.

        Parameters
        ----------
        points_mm : (..., 3) array
        rim_voxels : float
            How far beyond the outer centres there are values (:meth:`Grid.contains`).

        Returns
        -------
        (...) array
            NaN farther outside.
        """
        points = np.asarray(points_mm, dtype=np.float64)
        out = self.at_index(self.grid.index(points).reshape(-1, 3))
        out[~self.grid.contains(points, rim_voxels=rim_voxels).ravel()] = np.nan
        return out.reshape(points.shape[:-1])

    def at_index(self, index_xyz: FloatArray) -> FloatArray:
        """Values at fractional indices, (n, 3), trilinear; beyond the outer voxel centres those of the border."""
        index = np.ascontiguousarray(index_xyz)
        out = np.empty(len(index))
        over_rows(lambda first, last: value_rows(first, last, self.values_zyx, index, out), len(index))
        return out

    def at_placed(self, points: FloatArray, to_lps: FloatArray, *, rim_voxels: float = 0.5) -> FloatArray:
        """Values at points that are given in a frame of their own, as :meth:`at`.

        Parameters
        ----------
        points : (n, 3) array
        to_lps : (3, 4) array
            LPS in mm = ``to_lps[:, :3] @ point + to_lps[:, 3]``.
        rim_voxels : float
            How far beyond the outer centres there are values.

        Returns
        -------
        (n,) array
            NaN farther outside.
        """
        grid = self.grid
        to_index = grid.direction.T @ to_lps / grid.spacing_mm[:, None]
        to_index[:, 3] -= grid.direction.T @ grid.origin_mm / grid.spacing_mm
        out = np.empty(len(points))
        over_rows(
            lambda first, last: placed_value_rows(first, last, self.values_zyx, points, to_index, rim_voxels, out),
            len(points),
        )
        return out


def _turned(vectors: FloatArray, axes: FloatArray) -> FloatArray:
    """Product of vectors and axes; axes along those of the patient, as most are, change nothing and cost nothing."""
    return vectors if (axes == _NOT_TURNED).all() else np.asarray(vectors @ axes)
