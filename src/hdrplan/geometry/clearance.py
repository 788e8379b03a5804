"""How far every point of the body is from what a needle must not touch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from hdrplan.arrays import BoolArray, FloatArray, freeze
from hdrplan.errors import InputError, among
from hdrplan.geometry.grid import Grid, Volume
from hdrplan.geometry.structure import Structure, inside
from hdrplan.threads import over_each

__all__ = ["Clearance", "clearance", "mask_on"]

# Edge of the voxels in which paths are sought: as the images, but neither finer nor coarser than this.
_FINEST_MM, _COARSEST_MM = 1.5, 2.0
# Beyond its margin a structure is looked at this much farther: more clearance makes no difference.
_BEYOND_MM = 12.0
# No obstacle's number.
_NOBODY = 255
# Distance transforms at once: of the 37 million voxels round a large target each takes 0.45 GB.
_AT_ONCE = 2
# Halfway between air (-1000 HU) and fat (-100 HU).
_SKIN_HU = -500.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clearance:
    """Free room on one grid.

    Parameters
    ----------
    grid : Grid
    free_mm_zyx : (nz, ny, nx) float32 array
        Distance to the nearest obstacle's surface minus its margin, the minimum over all obstacles; cut off above.
    nearest_zyx : (nz, ny, nx) uint8 array
        Which obstacle that is, an index into ``names``.
    patient_zyx : (nz, ny, nx) bool array
        Inside the skin.
    names : tuple of str
    margins_mm : (n,) array
    """

    grid: Grid
    free_mm_zyx: npt.NDArray[np.float32]
    nearest_zyx: npt.NDArray[np.uint8]
    patient_zyx: BoolArray
    names: tuple[str, ...]
    margins_mm: FloatArray

    def __post_init__(self) -> None:
        freeze(self, "free_mm_zyx", (None, None, None), dtype=np.float32)
        freeze(self, "nearest_zyx", (None, None, None), dtype=np.uint8)
        freeze(self, "patient_zyx", (None, None, None), dtype=np.bool_)
        freeze(self, "margins_mm", (None,))


def clearance(
    targets: Sequence[Structure],
    structures: Sequence[Structure],
    margins_mm: Mapping[str, float],
    *,
    ct: Volume | None = None,
    body: str = "body",
    reach_mm: float = 250.0,
) -> Clearance:
    """Distance of every voxel near the targets from the obstacles, and where the patient is.

    Parameters
    ----------
    targets : sequence of Structure
        The lesions: the grid is laid round them.
    structures : sequence of Structure
        All that is known of the patient; together, with ``body`` or the CT, they make up the inside of the skin.
    margins_mm : mapping
        Obstacle -> distance that a needle keeps from its surface.
    ct : Volume, optional
        HU; the skin is found in it where no structure is named ``body``.
    reach_mm : float
        How far from the targets.

    Raises
    ------
    InputError
        An obstacle that is no structure; neither a CT nor a structure ``body``.
    """
    known = {s.name: s for s in structures}
    unknown = [name for name in margins_mm if name not in known]
    if unknown:
        raise InputError(f"no structure is named {unknown[0]!r}", remedy=among(unknown[0], known), where="obstacles")
    if ct is None and body not in known:
        raise InputError(
            "the skin is needed: a CT, or a structure of the whole body",
            got="neither",
            remedy="Add `ct`, or name the structure with `body`.",
        )
    grid = _grid(targets, ct.grid if ct is not None else known[body].grid, reach_mm)
    patient = _patient(grid, known, ct, body)
    free = np.full(grid.shape_zyx, _BEYOND_MM, dtype=np.float32)
    nearest = np.zeros(grid.shape_zyx, dtype=np.uint8)
    names = tuple(margins_mm)
    margins = sorted(set(margins_mm.values()))
    for first in range(0, len(margins), _AT_ONCE):
        # The transform runs in one thread; what it returns, 12 bytes a voxel, waits for that of a smaller margin.
        some = margins[first : first + _AT_ONCE]
        found = over_each(partial(_obstacles, grid, known, margins_mm), some)
        for margin_mm, (owner, at) in zip(some, found, strict=True):
            _carve(free, nearest, owner, at, margin_mm, grid.spacing_mm)
    return Clearance(
        grid=grid,
        free_mm_zyx=free,
        nearest_zyx=nearest,
        patient_zyx=patient,
        names=names,
        margins_mm=np.array(list(margins_mm.values())),
    )


def _grid(targets: Sequence[Structure], image: Grid, reach_mm: float) -> Grid:
    """Voxels along the image's axes, in the part of it that lies within reach of the targets."""
    cropped = image.cut_to(np.concatenate([target.voxels_mm for target in targets]), reach_mm)
    extent = np.subtract(cropped.shape_zyx[::-1], 1)
    spacing = np.clip(image.spacing_mm, _FINEST_MM, _COARSEST_MM)
    nx, ny, nz = (np.floor(extent * image.spacing_mm / spacing + 1e-6).astype(int) + 1).tolist()
    return Grid(
        shape_zyx=(max(nz, 2), max(ny, 2), max(nx, 2)),
        origin_mm=cropped.origin_mm,
        spacing_mm=spacing,
        direction=image.direction,
    )


def mask_on(grid: Grid, structure: Structure) -> BoolArray:
    """Return the structure's mask on the grid: each voxel asks for its own centre."""
    mask = np.zeros(grid.shape_zyx, dtype=np.bool_)
    if np.abs(grid.direction - structure.grid.direction).max() < 1e-6:
        # Parallel axes: each axis asks for itself.
        last = np.subtract(grid.shape_zyx[::-1], 1)
        index = structure.grid.index(grid.world(np.zeros(3)))
        step = (structure.grid.index(grid.world(np.ones(3))) - index).tolist()
        at, kept = [], []
        for axis, n in enumerate(structure.grid.shape_zyx[::-1]):
            wanted = np.rint(index[axis] + step[axis] * np.arange(last[axis] + 1)).astype(np.int64)
            kept.append(np.flatnonzero((wanted >= 0) & (wanted < n)))
            at.append(wanted[kept[-1]])
        if all(len(k) for k in kept):
            mask[np.ix_(*kept[::-1])] = structure.mask_zyx[np.ix_(*at[::-1])]
        return mask
    for k in range(grid.shape_zyx[0]):
        mask[k] = inside(structure, grid.points_mm(k, k + 1)).reshape(grid.shape_zyx[1:])
    return mask


def _patient(grid: Grid, known: Mapping[str, Structure], ct: Volume | None, body: str) -> BoolArray:
    """Inside of the skin: the largest connected part of everything that is not air outside."""
    filled = np.zeros(grid.shape_zyx, dtype=np.bool_)
    for structure in known.values():
        filled |= mask_on(grid, structure)
    if body not in known and ct is not None:
        last = np.array(ct.grid.shape_zyx[::-1]) - 1
        for k in range(len(filled)):
            x, y, z = np.clip(np.rint(ct.grid.index(grid.points_mm(k, k + 1))).astype(np.int64), 0, last).T
            dense = (ct.values_zyx[z, y, x] > _SKIN_HU).reshape(filled[k].shape)
            # Opening takes the table and clothes off.
            filled[k] |= np.asarray(ndimage.binary_opening(dense, iterations=2))
    parts, n = ndimage.label(filled)
    if n > 1:
        sizes = np.bincount(parts.ravel())
        sizes[0] = 0
        filled = parts == sizes.argmax()
    for k in range(len(filled)):
        filled[k] = ndimage.binary_fill_holes(filled[k])
    return filled


def _obstacles(
    grid: Grid, known: Mapping[str, Structure], margins_mm: Mapping[str, float], margin_mm: float
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32] | None]:
    """Return whose voxel each is, of the obstacles of one margin, and the nearest one of any (z, y, x); None: no voxel.

    They share one distance transform.
    """
    owner = np.full(grid.shape_zyx, _NOBODY, dtype=np.uint8)
    for k, name in enumerate(margins_mm):
        if margins_mm[name] == margin_mm:
            owner[mask_on(grid, known[name])] = k
    if (empty := owner == _NOBODY).all():
        return owner, None
    sampling = grid.spacing_mm[::-1].tolist()
    return owner, ndimage.distance_transform_edt(empty, sampling=sampling, return_distances=False, return_indices=True)


def _carve(
    free: npt.NDArray[np.float32],
    nearest: npt.NDArray[np.uint8],
    owner: npt.NDArray[np.uint8],
    at: npt.NDArray[np.int32] | None,
    margin_mm: float,
    spacing_mm: FloatArray,
) -> None:
    """Lower the free room round the obstacles of one margin, where each voxel knows its nearest of them."""
    if at is None:
        return
    empty = owner == _NOBODY
    z_mm, y_mm, x_mm = spacing_mm[::-1].tolist()
    half_mm = 0.5 * float(spacing_mm.min())
    ny, nx = owner.shape[1:]
    y, x = np.arange(ny)[:, None], np.arange(nx)
    # Slice by slice: what one slice needs stays near the processor.
    for k in range(len(owner)):
        kz, ky, kx = at[:, k]
        away = np.sqrt(((kz - k) * z_mm) ** 2 + ((ky - y) * y_mm) ** 2 + ((kx - x) * x_mm) ** 2)
        # Between voxel centres; the surface lies half a voxel nearer.
        left = np.where(empty[k], away - half_mm, 0.0) - margin_mm
        closer = left < free[k]
        free[k][closer] = left[closer]
        nearest[k][closer] = owner[kz[closer], ky[closer], kx[closer]]
