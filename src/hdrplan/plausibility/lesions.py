"""Whether a CTV lies on the lesion that the CT shows, or beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.cautions import Caution, caution
from hdrplan.geometry import Structure, Volume, inside, moved_sums
from hdrplan.plan import anatomy_of, is_lesion_name

__all__ = ["doubts_of_lesions"]

# How far a lesion is looked for; one farther away has nothing to do with the outline.
_SEARCH_MM = 20.0
# Voxels for comparison; a lesion of 8 mm has four across.
_STEP_MM = 2.0
# The tissue just around an outline.
_SHELL_MM = 5.0
# HU of soft tissue; fat, air, bone, contrast in vessels and catheters are left out.
_TISSUE_HU = (-20.0, 220.0)
_KNOWN_FRAC = 0.6
# A lesion that is seen at all, and what is left of that contrast where the outline was drawn (register,
# "ctv-beside-lesion").
_SEEN_HU, _LOST_FRAC = 15.0, 0.7
_AWAY_MM = 5.0
# The largest of some thousand displacements; in noise alone it is three to four standard errors.
_ERRORS = 5.0
# On every side of a lesion there is contrast; beside a vessel, or at the edge of an organ, there is not.
_SIDE_FRAC, _SIDES = 0.4, 5
# A core and a shell of fewer voxels are noise.
_FEW_VOXELS = 30


def doubts_of_lesions(structures: Sequence[Structure], ct: Volume) -> list[Caution]:
    """Say which CTVs have their form, with the contrast of a lesion, a little way off in the CT.

    Parameters
    ----------
    structures : sequence of Structure
        Other structures than the CTV and the organ around it are left out of the comparison.
    ct : Volume
        HU. One that does not show the lesion tells nothing.
    """
    return [doubt for s in structures if s.role == "CTV" for doubt in _lesion(s, structures, ct)]


def _lesion(ctv: Structure, structures: Sequence[Structure], ct: Volume) -> list[Caution]:
    box_mm = ctv.box_mm
    rim_mm = _SHELL_MM + _SEARCH_MM
    low_mm, high_mm = box_mm.min(axis=0) - rim_mm, box_mm.max(axis=0) + rim_mm
    axes = [np.arange(low, high, _STEP_MM) for low, high in zip(low_mm, high_mm, strict=True)]
    shape = tuple(len(axis) for axis in axes)
    points_mm = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    mask = inside(ctv, points_mm).reshape(shape)
    distance_mm = ndimage.distance_transform_edt(~mask) * _STEP_MM
    core, shell = ndimage.binary_erosion(mask), (distance_mm > 0.5 * _STEP_MM) & (distance_mm <= _SHELL_MM)
    if core.sum() < _FEW_VOXELS:
        return []
    hu = ct.at(points_mm)
    tissue = np.isfinite(hu) & (hu > _TISSUE_HU[0]) & (hu < _TISSUE_HU[1])
    for other in structures:
        other_mm = other.box_mm
        meets = (other_mm.min(axis=0) <= high_mm).all() and (other_mm.max(axis=0) >= low_mm).all()
        if other.name != ctv.name and meets and _is_apart(other):
            near = ((points_mm >= other_mm.min(axis=0)) & (points_mm <= other_mm.max(axis=0))).all(axis=1)
            tissue[near] &= ~inside(other, points_mm[near])
    known = tissue.reshape(shape)
    values = np.where(known, hu.reshape(shape), 0.0)
    return _beside(ctv.name, values, known, (core, shell), voxel_mm3=1000.0 * ct.grid.voxel_cc)


def _is_apart(structure: Structure) -> bool:
    """Whether a structure is another thing than the organ in which a lesion lies: an organ, a vessel, a lesion."""
    row = anatomy_of(structure.name)
    return structure.role == "CTV" or is_lesion_name(structure.name) or (row is not None and row.tissue != "other")


def _beside(
    name: str, hu: FloatArray, tissue: BoolArray, parts: tuple[BoolArray, BoolArray], voxel_mm3: float
) -> list[Caution]:
    """Look for the displacement at which core and shell differ most."""
    reach = round(_SEARCH_MM / _STEP_MM)
    core, shell = (part[tuple(slice(reach, n - reach) for n in part.shape)] for part in parts)
    contrast_hu, known = _contrast(hu, tissue, core, shell)
    moves_mm = (np.moveaxis(np.indices(known.shape), 0, -1) - reach) * _STEP_MM
    allowed = (known >= _KNOWN_FRAC) & (np.linalg.norm(moves_mm, axis=-1) <= _SEARCH_MM)
    if not allowed.any():
        return []
    best = np.unravel_index(int(np.where(allowed, np.abs(contrast_hu), 0.0).argmax()), known.shape)
    here_hu, best_hu = float(contrast_hu[reach, reach, reach]), float(contrast_hu[best])
    move_mm = moves_mm[best]
    left = here_hu * np.sign(best_hu)
    if (
        abs(best_hu) < _SEEN_HU
        or float(np.linalg.norm(move_mm)) < _AWAY_MM
        or left > _LOST_FRAC * abs(best_hu)
        or abs(best_hu) < _ERRORS * _standard_error_hu(hu, tissue, (core, shell), best, voxel_mm3)
        or not _is_round_about(hu, tissue, (core, shell), best)
    ):
        return []
    x, y, z = move_mm.tolist()
    return [caution("ctv-beside-lesion", name=name, x=x, y=y, z=z, there_hu=best_hu, here_hu=here_hu)]


def _contrast(hu: FloatArray, tissue: BoolArray, core: BoolArray, shell: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Core minus shell (HU) at every displacement, and the smaller fraction of both that is known."""
    (count_core, count_shell), (sum_core, sum_shell) = moved_sums([tissue, hu], [core, shell])
    inner, outer = sum_core / np.maximum(count_core, 1.0), sum_shell / np.maximum(count_shell, 1.0)
    inner_known, outer_known = count_core / core.sum(), count_shell / shell.sum()
    return inner - outer, np.minimum(inner_known, outer_known)


def _standard_error_hu(
    hu: FloatArray, tissue: BoolArray, parts: tuple[BoolArray, BoolArray], best: tuple[np.intp, ...], voxel_mm3: float
) -> float:
    """Return the standard error of a contrast by the noise of the CT's voxels, of which a step has less than one."""
    there = tuple(slice(int(k), int(k) + n) for k, n in zip(best, parts[0].shape, strict=True))
    values, known = hu[there], tissue[there]
    voxels = max(voxel_mm3 / _STEP_MM**3, 1.0)
    return float(np.sqrt(sum(values[part & known].var() * voxels / (part & known).sum() for part in parts)))


def _is_round_about(
    hu: FloatArray, tissue: BoolArray, parts: tuple[BoolArray, BoolArray], best: tuple[np.intp, ...]
) -> bool:
    """Whether the contrast is there on all sides where the CT tells it."""
    core, shell = parts
    there = tuple(slice(int(k), int(k) + n) for k, n in zip(best, core.shape, strict=True))
    values, known = hu[there], tissue[there]
    inner_hu = float(values[core & known].mean())
    at = np.argwhere(shell & known)
    off = at - np.argwhere(core).mean(axis=0)
    axis = np.abs(off).argmax(axis=1)
    side = 2 * axis + (off[np.arange(len(off)), axis] > 0)
    outer_hu = values[tuple(at.T)]
    means = np.array([inner_hu - outer_hu[side == k].mean() for k in range(6) if (side == k).sum() >= _FEW_VOXELS // 3])
    enough = float(np.abs(means.mean())) * _SIDE_FRAC if len(means) else 0.0
    return len(means) >= _SIDES and bool((means * np.sign(means.mean()) >= enough).all())
