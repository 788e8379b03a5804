"""Whether organs' outlines lie on the edges that the CT shows, or beside them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

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

# Places inside and outside of each face, as indices of the CT's voxels.
_Faces = list[tuple[FloatArray, FloatArray]]


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
    faces = _faces(structure, ct)
    if sum(len(inner) for inner, _ in faces) < _FEW:
        return None
    steps_mm = np.maximum(_FINEST_MM, ct.grid.spacing_mm)
    count = np.zeros(3)
    both = np.concatenate([inner for inner, _ in faces]), np.concatenate([outer for _, outer in faces])
    step_hu = cache(lambda *count: _step_hu(ct, both, np.array(count) * steps_mm / ct.grid.spacing_mm))
    here_hu = best_hu = step_hu(*count)
    # A shift along two axes is found by the second round.
    for _ in range(2):
        for axis in range(3):
            reach = int(_SEARCH_MM // steps_mm[axis])
            for k in range(-reach, reach + 1):
                tried = count.copy()
                tried[axis] = k
                hu = step_hu(*tried)
                if hu > best_hu:
                    best_hu, count = hu, tried
    move = count * steps_mm / ct.grid.spacing_mm
    if best_hu < _SEEN_HU or here_hu > _LEFT_FRAC * best_hu or not _fits_on_both_sides(ct, faces, move):
        return None
    return np.asarray(ct.grid.direction @ (count * steps_mm))


def _fits_on_both_sides(ct: Volume, faces: _Faces, move: FloatArray) -> bool:
    """Whether both faces across each axis of a move fit better there; one does of an outline of wrong size."""
    for axis in np.flatnonzero(move):
        for face in faces[2 * axis : 2 * axis + 2]:
            if len(face[0]) >= _FEW // 6 and _step_hu(ct, face, move) <= _step_hu(ct, face, np.zeros(3)):
                return False
    return True


def _faces(structure: Structure, ct: Volume) -> _Faces:
    """Return places (n, 3) just inside and just outside the surface, across x, y and z, low and high side each."""
    mask = np.pad(structure.mask_zyx, 1)
    spacing = structure.grid.spacing_mm
    faces = []
    for axis in range(3):
        # Blurred over a slice, an edge is not seen within less.
        width = max(1.0, float(ct.grid.spacing_mm[axis]) / float(spacing[axis]))
        for side in (-1, 1):
            at = np.flatnonzero(mask & ~np.roll(mask, -side, axis=2 - axis))
            z, y, x = np.unravel_index(at[:: max(1, len(at) // _STEPS)], mask.shape)
            edge = np.stack((x, y, z), axis=1) - 1.0
            beyond = edge.copy()
            beyond[:, axis] += side * width
            inner, outer = (ct.grid.index(structure.grid.world(places)) for places in (edge, beyond))
            held = _is_deep(inner, ct)
            faces.append((inner[held], outer[held]))
    return faces


def _is_deep(index: FloatArray, ct: Volume) -> BoolArray:
    """Whether the CT goes on around places as far as displacements are tried."""
    rim = (_SEARCH_MM + _FINEST_MM) / ct.grid.spacing_mm
    return np.asarray(((index >= rim) & (index <= np.array(ct.grid.shape_zyx[::-1]) - 1 - rim)).all(axis=1))


def _step_hu(ct: Volume, face: tuple[FloatArray, FloatArray], move: FloatArray) -> float:
    """Mean step of the CT from the places inside to those outside, displaced by some voxels, HU."""
    inner_hu, outer_hu = np.split(ct.at_index(np.concatenate(face) + move), 2)
    return float(np.minimum(np.nan_to_num(np.abs(inner_hu - outer_hu)), _LARGEST_HU).mean())
