"""Whether organs' outlines lie on the edges that the CT shows, or beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.cautions import Caution, caution
from hdrplan.geometry import Structure, Volume
from hdrplan.plan import organ_of

__all__ = ["doubts_of_edges"]

# Organs whose surface a CT shows against fat, lung or bone.
_EDGED = (
    "liver", "spleen", "right kidney", "left kidney", "heart", "spine", "lungs", "right lung", "left lung", "stomach",
    "duodenum", "small bowel", "colon", "aorta", "bladder",
)  # fmt: skip
# Steps across the surface that are looked at, in each of six directions of each organ.
_STEPS = 400
# Fewer tell nothing.
_FEW = 300
# Air, metal and gas beside an organ count no more than this.
_LARGEST_HU = 100.0
# Displacements that are tried along each axis, in steps of a voxel and at least this.
_FINEST_MM, _SEARCH_MM = 2.5, 12.5
# Of the largest step found, what is left in place (register, "outlines-beside-edges").
_LEFT_FRAC = 0.8
_SEEN_HU = 25.0


def doubts_of_edges(structures: Sequence[Structure], ct: Volume) -> list[Caution]:
    """Say which organs' outlines fit the CT better a little way off.

    Parameters
    ----------
    structures : sequence of Structure
    ct : Volume
        HU.
    """
    beside: list[tuple[str, FloatArray]] = []
    for structure in structures:
        if organ_of(structure.name) in _EDGED and structure.role != "CTV":
            move_mm = _move_mm(structure, ct)
            if move_mm is not None:
                beside.append((structure.name, move_mm))
    if not beside:
        return []
    # Usually all of them, by one shift of the images.
    x, y, z = np.median([move_mm for _, move_mm in beside], axis=0).tolist()
    names = ", ".join(name for name, _ in beside[:4]) + (", ..." if beside[4:] else "")
    return [caution("outlines-beside-edges", names=names, x=x, y=y, z=z)]


def _move_mm(structure: Structure, ct: Volume) -> FloatArray | None:
    """Return the displacement (3,), mm, at which an outline fits best; None where it fits, or the CT does not tell."""
    inner_mm, outer_mm = _across(structure, ct)
    if len(inner_mm) < _FEW:
        return None
    here_hu = _step_hu(ct, inner_mm, outer_mm, np.zeros(3))
    best_hu, best_mm = here_hu, np.zeros(3)
    # A shift along two axes is found by the second round.
    for _ in range(2):
        start_mm = best_mm
        for axis in range(3):
            step_mm = max(_FINEST_MM, float(ct.grid.spacing_mm[axis]))
            reach = int(_SEARCH_MM // step_mm)
            for k in (k for k in range(-reach, reach + 1) if k):
                move_mm = start_mm + k * step_mm * ct.grid.direction[:, axis]
                hu = _step_hu(ct, inner_mm, outer_mm, move_mm)
                if hu > best_hu:
                    best_hu, best_mm = hu, move_mm
        if best_mm is start_mm:
            break
    if best_hu < _SEEN_HU or here_hu > _LEFT_FRAC * best_hu:
        return None
    return best_mm


def _across(structure: Structure, ct: Volume) -> tuple[FloatArray, FloatArray]:
    """Return places (n, 3) just inside and just outside the surface."""
    mask = np.pad(structure.mask_zyx, 1)
    spacing = structure.grid.spacing_mm[::-1]
    inner, outer = [], []
    for axis in range(3):
        # Blurred over a slice, an edge is not seen within less.
        width = max(1.0, float(ct.grid.spacing_mm[2 - axis]) / float(spacing[axis]))
        for side in (-1, 1):
            voxels = np.argwhere(mask & ~np.roll(mask, -side, axis=axis))
            edge = voxels[:: max(1, len(voxels) // _STEPS)] - 1.0
            beyond = edge.copy()
            beyond[:, axis] += side * width
            inner.append(structure.grid.world(edge[:, ::-1]))
            outer.append(structure.grid.world(beyond[:, ::-1]))
    inner_mm, outer_mm = np.concatenate(inner), np.concatenate(outer)
    held = _is_deep(inner_mm, ct)
    return inner_mm[held], outer_mm[held]


def _is_deep(points_mm: FloatArray, ct: Volume) -> BoolArray:
    """Whether the CT goes on around points as far as displacements are tried."""
    rim = (_SEARCH_MM + _FINEST_MM) / ct.grid.spacing_mm
    index = ct.grid.index(points_mm)
    return np.asarray(((index >= rim) & (index <= np.array(ct.grid.shape_zyx[::-1]) - 1 - rim)).all(axis=1))


def _step_hu(ct: Volume, inner_mm: FloatArray, outer_mm: FloatArray, move_mm: FloatArray) -> float:
    """Mean step of the CT across the surface, HU."""
    step = np.abs(ct.at(inner_mm + move_mm) - ct.at(outer_mm + move_mm))
    return float(np.minimum(np.nan_to_num(step), _LARGEST_HU).mean())
