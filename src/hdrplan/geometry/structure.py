"""Segmented structures: a name, a role and a mask on a grid of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from hdrplan.arrays import BoolArray, FloatArray, freeze
from hdrplan.brief import brief_html, brief_repr
from hdrplan.errors import InputError
from hdrplan.geometry.grid import Grid

__all__ = [
    "ROLES",
    "Role",
    "Structure",
    "around",
    "box_of",
    "cropped_structure",
    "distance_mm",
    "inside",
    "on_grid",
    "rim_mm",
    "thick_part",
    "without",
]

# Points whose nearest boxes are looked at together: some 30 MB.
_DISTANCE_BLOCK = 2048

Role = Literal["CTV", "OAR", "other"]
ROLES: tuple[str, ...] = get_args(Role)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Structure:
    """One segmented structure.

    Parameters
    ----------
    name : str
    role : {"CTV", "OAR", "other"}
        Clinical target volume, organ at risk, or neither (drawn, never planned on).
    grid : Grid
        May be a cropped part of the CT's grid, or another grid altogether.
    mask_zyx : (nz, ny, nx) bool array

    Raises
    ------
    InputError
        Unknown role, empty mask, mask and grid of different shape.
    """

    name: str
    role: Role
    grid: Grid
    mask_zyx: BoolArray

    __repr__ = brief_repr
    _repr_html_ = brief_html

    def __post_init__(self) -> None:
        freeze(self, "mask_zyx", (None, None, None), dtype=np.bool_)
        if self.role not in ROLES:
            raise InputError(f"role must be one of {', '.join(ROLES)}", got=repr(self.role), where=self.name)
        if self.mask_zyx.shape != self.grid.shape_zyx:
            raise InputError(
                f"mask must have the grid's shape {self.grid.shape_zyx}", got=self.mask_zyx.shape, where=self.name
            )
        if not self.mask_zyx.any():
            raise InputError("a structure needs at least one voxel", got="an empty mask", where=self.name)

    @property
    def volume_cc(self) -> float:
        """Volume of the mask: voxels times voxel volume."""
        return np.count_nonzero(self.mask_zyx) * self.grid.voxel_cc

    @property
    def voxels_xyz(self) -> npt.NDArray[np.intp]:
        """Indices x, y, z of the voxels, (n, 3); x runs fastest."""
        return np.argwhere(self.mask_zyx)[:, ::-1]

    @property
    def voxels_mm(self) -> FloatArray:
        """LPS positions of the voxels' centres, (n, 3), in the order of ``voxels_xyz``."""
        return self.grid.world(self.voxels_xyz)

    @property
    def centre_mm(self) -> FloatArray:
        """LPS position of the centre of mass, (3,)."""
        sums = []
        for axis in (2, 1, 0):
            filled = self.mask_zyx.sum(axis=tuple({0, 1, 2} - {axis}))
            sums.append(int((filled * np.arange(len(filled))).sum()) / int(filled.sum()))
        return self.grid.world(sums)

    @property
    def box_mm(self) -> FloatArray:
        """Lowest and highest x, y and z of the voxels' centres in LPS, (2, 3)."""
        if np.isin(np.abs(self.grid.direction), (0.0, 1.0)).all():
            ends_zyx = [(side.start, side.stop - 1) for side in box_of(self.mask_zyx)]
            ends_mm = self.grid.world(np.array(ends_zyx[::-1]).T)
        else:  # on axes that are oblique a corner of the box of indices need not be a voxel
            ends_mm = rim_mm(self)
        return np.stack((ends_mm.min(axis=0), ends_mm.max(axis=0)))


def box_of(mask_zyx: BoolArray) -> tuple[slice, slice, slice]:
    """Return the smallest box that holds all voxels of a mask that is not empty."""
    # Each axis on what the axes before it left: of a small structure in a large image one pass remains.
    ends = []
    for axis in range(3):
        filled = np.flatnonzero(mask_zyx.any(axis=tuple({0, 1, 2} - {axis})))
        ends.append(slice(int(filled[0]), int(filled[-1]) + 1))
        mask_zyx = mask_zyx[(slice(None),) * axis + (ends[-1],)]
    return ends[0], ends[1], ends[2]


def cropped_structure(name: str, role: Role, grid: Grid, mask_zyx: BoolArray) -> Structure:
    """Return voxels of a grid as a structure on the smallest box that holds them.

    Parameters
    ----------
    name : str
    role : {"CTV", "OAR", "other"}
    grid : Grid
    mask_zyx : (nz, ny, nx) bool array
        Not empty.
    """
    box = box_of(mask_zyx)
    crop = mask_zyx[box]
    low = [side.start for side in box]
    shape = (crop.shape[0], crop.shape[1], crop.shape[2])
    return Structure(name=name, role=role, grid=grid.box(low[::-1], shape), mask_zyx=crop)


def distance_mm(structure: Structure, points_mm: npt.ArrayLike) -> FloatArray:
    """Distance of points to a structure, exact for its voxels taken as boxes; 0 inside.

    Parameters
    ----------
    structure : Structure
    points_mm : (n, 3) array
        LPS positions, on or off the structure's grid.

    Returns
    -------
    (n,) array
    """
    grid = structure.grid
    point = np.asarray(grid.index(points_mm)) * grid.spacing_mm
    tree = _rim_tree(structure)
    centre, half = tree.data, grid.spacing_mm / 2
    # The nearest box has its centre at most one box diagonal farther away than the nearest centre.
    near, _ = tree.query(point)
    away = np.empty(len(point))
    # By blocks: of a point deep in a large structure's shell hundreds of boxes come into question.
    for first in range(0, len(point), _DISTANCE_BLOCK):
        some = slice(first, first + _DISTANCE_BLOCK)
        found = tree.query_ball_point(point[some], near[some] + 2 * np.linalg.norm(half) + 1e-9)
        counts = [len(rows) for rows in found]
        of_point = np.repeat(point[some], counts, axis=0)
        gap = np.maximum(np.abs(of_point - centre[np.concatenate(found).astype(np.int64)]) - half, 0.0)
        starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
        away[some] = np.sqrt(np.minimum.reduceat((gap * gap).sum(axis=1), starts))
    return np.where(inside(structure, points_mm), 0.0, away)


@lru_cache(maxsize=8)
def _rim_tree(structure: Structure) -> cKDTree:
    """Return the centres of the rim's voxels, mm along the grid's axes: asked again while a catheter moves."""
    return cKDTree(_rim_xyz(structure.mask_zyx) * structure.grid.spacing_mm)


def inside(structure: Structure, points_mm: npt.ArrayLike) -> BoolArray:
    """Whether each point lies in a voxel of the structure."""
    index = np.rint(structure.grid.index(points_mm)).astype(np.int64)
    shape_xyz = np.array(structure.grid.shape_zyx[::-1])
    on_grid = np.asarray(((index >= 0) & (index < shape_xyz)).all(axis=-1))
    x, y, z = (index * on_grid[:, None]).T
    return np.asarray(on_grid & structure.mask_zyx[z, y, x])


def around(structures: Sequence[Structure], reach_mm: float, name: str) -> Structure:
    """Return some structures and all voxels within a distance of them, on the first one's grid, extended.

    Parameters
    ----------
    structures : sequence of Structure
        Each on a grid of its own.
    reach_mm : float
    name : str
    """
    grid = structures[0].grid
    voxels = np.concatenate([s.voxels_mm for s in structures])
    index = grid.index(voxels)
    rim = reach_mm / grid.spacing_mm + 2.0
    low = np.floor(index.min(axis=0) - rim).astype(np.int64)
    nx, ny, nz = (np.ceil(index.max(axis=0) + rim).astype(np.int64) - low + 1).tolist()
    box = grid.box(low, (nz, ny, nx))
    z, y, x = np.meshgrid(np.arange(nz), np.arange(ny), np.arange(nx), indexing="ij")
    points_mm = box.world(np.stack((x, y, z), axis=-1).reshape(-1, 3))
    within = np.any([inside(s, points_mm) for s in structures], axis=0).reshape(nz, ny, nx)
    away_mm = distance_transform_edt(~within, sampling=box.spacing_mm[::-1])
    return Structure(name=name, role="other", grid=box, mask_zyx=away_mm <= reach_mm)


def thick_part(structure: Structure, thick_mm: float) -> Structure | None:
    """Return the parts of a structure into which a ball of that diameter fits, or None where there are none.

    Parameters
    ----------
    structure : Structure
    thick_mm : float
    """
    spacing_zyx = structure.grid.spacing_mm[::-1]
    padded = np.pad(structure.mask_zyx, 1)
    # Distances are between voxel centres; the surface lies half a voxel nearer.
    radius_mm = (thick_mm + float(spacing_zyx.min())) / 2
    core = distance_transform_edt(padded, sampling=spacing_zyx) >= radius_mm
    if not core.any():
        return None
    # Half a voxel more: a staircase has corners into which no ball fits.
    near = distance_transform_edt(~core, sampling=spacing_zyx) < radius_mm + float(spacing_zyx.max()) / 2
    mask = structure.mask_zyx & near[1:-1, 1:-1, 1:-1]
    return Structure(name=structure.name, role=structure.role, grid=structure.grid, mask_zyx=mask)


def without(structure: Structure, others: Sequence[Structure]) -> Structure:
    """Return the structure with the others taken out, such as the liver minus the CTVs: name and role stay.

    A voxel is taken out when its centre lies in a voxel of one of the others, which may have grids of their own.

    Raises
    ------
    InputError
        Nothing is left.
    """
    mask = structure.mask_zyx.copy()
    for other in others:
        box = _shared_box(structure.grid, other)
        voxels_xyz = np.argwhere(mask[box])[:, ::-1] + [side.start for side in box[::-1]]
        x, y, z = voxels_xyz[inside(other, structure.grid.world(voxels_xyz))].T
        mask[z, y, x] = False
    if (mask == structure.mask_zyx).all():
        return structure
    if not mask.any():
        raise InputError(
            f"{structure.name} must be larger than {' and '.join(o.name for o in others)}",
            got="nothing left",
            where=structure.name,
        )
    return Structure(name=structure.name, role=structure.role, grid=structure.grid, mask_zyx=mask)


def _shared_box(grid: Grid, other: Structure) -> tuple[slice, slice, slice]:
    """Return the voxels of a grid whose centres may lie in the other structure."""
    sides = [(side.start - 1.0, float(side.stop)) for side in box_of(other.mask_zyx)[::-1]]
    corners = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, 3)
    index = grid.index(other.grid.world(corners))
    size = np.array(grid.shape_zyx[::-1])
    low = np.clip(np.floor(index.min(axis=0)).astype(int), 0, size)
    high = np.clip(np.ceil(index.max(axis=0)).astype(int) + 1, low, size)
    x, y, z = (slice(int(start), int(stop)) for start, stop in zip(low, high, strict=True))
    return z, y, x


def on_grid(structure: Structure, grid: Grid) -> Structure:
    """Return the structure with its mask on a larger grid of the same voxels.

    Raises
    ------
    InputError
        Its voxels are not voxels of that grid.
    """
    there = grid.index(structure.voxels_mm)
    place = np.rint(there).astype(np.int64)
    if (
        np.abs(there - place).max() > 1e-2
        or place.min() < 0
        or (place >= grid.shape_zyx[::-1]).any()
        or not np.allclose(structure.grid.spacing_mm, grid.spacing_mm, rtol=1e-3)
    ):
        raise InputError("a structure must lie on the voxels of the image", got="other voxels", where=structure.name)
    mask = np.zeros(grid.shape_zyx, dtype=np.bool_)
    x, y, z = place.T
    mask[z, y, x] = True
    return Structure(name=structure.name, role=structure.role, grid=grid, mask_zyx=mask)


def rim_mm(structure: Structure) -> FloatArray:
    """Centres, (n, 3) in LPS, of the voxels that have a neighbour outside the mask (one of six)."""
    return structure.grid.world(_rim_xyz(structure.mask_zyx))


def _rim_xyz(mask_zyx: BoolArray) -> npt.NDArray[np.intp]:
    box = box_of(mask_zyx)
    low = [side.start for side in box]
    padded = np.pad(mask_zyx[box], 1)
    here = padded[1:-1, 1:-1, 1:-1]
    core = here.copy()
    for axis in range(3):
        for shift in (1, -1):
            core &= np.roll(padded, shift, axis=axis)[1:-1, 1:-1, 1:-1]
    return np.asarray((np.argwhere(here & ~core) + low)[:, ::-1])
