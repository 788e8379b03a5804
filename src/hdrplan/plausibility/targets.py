"""Whether CTVs can be lesions: in one piece, of a size, named as one, in the organ around them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import combinations

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from hdrplan.arrays import BoolArray, IntArray
from hdrplan.cautions import Caution, caution
from hdrplan.geometry import Structure, inside
from hdrplan.plan import is_lesion_name, organ_of
from hdrplan.plausibility.sample import sampled_mm

__all__ = ["doubts_of_names", "doubts_of_structures", "doubts_of_targets"]

# Parts of a CTV below this are strays, holes below it are the raster's.
_STRAY_FRAC = 0.02
_HOLE_FRAC, _HOLE_CC = 0.005, 0.05
# cc: balls of 5 and 120 mm; lesions in the literature had 8 to 120 mm (register, "ctv-volume-unusual").
_VOLUME_CC = (0.065, 905.0)
# Farther than this from the organ that is spared around it a lesion does not lie in or at it.
_AWAY_MM = 10.0
# Two along each axis: fewer show no shape.
_FEW_VOXELS = 8
_LARGE_FRAC = 0.5
_OVERLAP_FRAC = 0.10
# Outlines of neighbours drawn by two people share a voxel's width.
_SHARED_FRAC = 0.25
_ONE_IN_THE_OTHER = ({"spinal cord", "spine"}, {"portal vein", "liver"}, {"vena cava", "liver"}, {"ribs", "rib"})
# A box of so many voxels is looked at in a few hundredths of a second.
_MAXIMUM_VOXELS = 4_000_000


def doubts_of_targets(structures: Sequence[Structure], healthy: str | None) -> list[Caution]:
    """Say what is odd about the CTVs, and about organs with a lesion's name.

    Parameters
    ----------
    structures : sequence of Structure
    healthy : str or None
        Name of the organ that is spared around the CTVs.
    """
    ctvs = [s for s in structures if s.role == "CTV"]
    doubts: list[Caution] = []
    for ctv in ctvs:
        doubts += [*_pieces(ctv), *_size(ctv)]
        if organ_of(ctv.name) is not None:
            doubts.append(caution("ctv-named-as-organ", name=ctv.name))
    doubts += [
        caution("organ-named-as-lesion", name=s.name)
        for s in structures
        if s.role == "OAR" and s.name != healthy and is_lesion_name(s.name)
    ]
    around = next((s for s in structures if s.name == healthy), None)
    if around is not None:
        doubts += [doubt for ctv in ctvs for doubt in _beside(ctv, around)]
    for first, second in combinations(ctvs, 2):
        small, large = sorted((first, second), key=lambda s: s.volume_cc)
        share = float(inside(large, sampled_mm(small, 2000)).mean())
        if share > _OVERLAP_FRAC:
            doubts.append(caution("ctvs-overlap", first=first.name, second=second.name, share=share))
    return doubts


def doubts_of_structures(structures: Sequence[Structure]) -> list[Caution]:
    """Say which structures are one and the same under two names, or two under nearly the same."""
    doubts = []
    for first, second in combinations([s for s in structures if s.role != "CTV"], 2):
        together = np.abs(first.grid.origin_mm - second.grid.origin_mm).max() < 0.01
        if together and np.array_equal(first.mask_zyx, second.mask_zyx):
            doubts.append(caution("structures-alike", first=first.name, second=second.name))
    return [*doubts, *doubts_of_names(structures), *_overlaps(structures)]


def _overlaps(structures: Sequence[Structure]) -> list[Caution]:
    """Say which organs of different names share more of the smaller one than a raster makes."""
    # Vessels and lobes lie in their organs, bones in the trunk; a label map cannot hold overlaps at all.
    organs = [s for s in structures if s.role != "CTV" and organ_of(s.name) is not None]
    doubts = []
    volume_cc = [organ.volume_cc for organ in organs]
    some_mm = cache(lambda k: sampled_mm(organs[k], 2000))
    for i, j in combinations(range(len(organs)), 2):
        first, second = organs[i], organs[j]
        if first.grid is second.grid or organ_of(first.name) == organ_of(second.name):
            continue
        if {organ_of(first.name), organ_of(second.name)} in _ONE_IN_THE_OTHER:
            continue
        small, large = sorted((i, j), key=lambda k: volume_cc[k])
        share = float(inside(organs[large], some_mm(small)).mean())
        # Equal ones have a warning of their own.
        if _SHARED_FRAC < share < 1.0:
            names = organs[small].name, organs[large].name
            doubts.append(caution("organs-overlap", first=names[0], second=names[1], share=share))
    return doubts


def doubts_of_names(structures: Sequence[Structure]) -> list[Caution]:
    """Say which names differ in capitals, blanks and signs alone."""
    plain: dict[str, str] = {}
    doubts = []
    for structure in structures:
        first = plain.setdefault(re.sub(r"[\W_]+", "", structure.name.casefold()), structure.name)
        if first != structure.name:
            doubts.append(caution("structure-names-alike", first=first, second=structure.name))
    return doubts


def _pieces(ctv: Structure) -> list[Caution]:
    mask = ctv.mask_zyx
    if mask.size > _MAXIMUM_VOXELS:
        # A stray voxel far away makes the box large: every n-th plane still shows it as a part.
        step = int(np.ceil((mask.size / _MAXIMUM_VOXELS) ** (1 / 3)))
        mask = np.logical_or.reduceat(mask, np.arange(0, mask.shape[0], step), axis=0)
    labels, count = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    return [*(_parts(ctv, mask, labels) if count > 1 else []), *_holes(ctv, mask)]


def _parts(ctv: Structure, mask: BoolArray, labels: IntArray) -> list[Caution]:
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    largest = int(sizes.argmax())
    stray = (sizes > 0) & (sizes < _STRAY_FRAC * sizes.sum())
    # Planes that were joined above count once: distances need the parts only roughly.
    scale = np.array([1.0, 1.0, ctv.mask_zyx.shape[0] / mask.shape[0]])
    voxels_mm, component = ctv.grid.world(np.argwhere(mask)[:, ::-1] * scale), labels[mask]
    away_mm = cKDTree(voxels_mm[component == largest]).query(voxels_mm[component != largest])[0]
    others = component[component != largest]
    doubts = []
    if stray.any():
        cc = float(sizes[stray].sum() / sizes.sum()) * ctv.volume_cc
        far_mm = float(away_mm[stray[others]].max())
        doubts.append(caution("ctv-stray-voxels", name=ctv.name, count=int(stray.sum()), cc=cc, far_mm=far_mm))
    apart = np.unique(others[~stray[others]])
    if len(apart):
        gap_mm = max(float(away_mm[others == k].min()) for k in apart)
        doubts.append(caution("ctv-parts-apart", name=ctv.name, count=len(apart) + 1, gap_mm=gap_mm))
    return doubts


def _holes(ctv: Structure, mask: BoolArray) -> list[Caution]:
    outside, count = ndimage.label(~np.pad(mask, 1))
    if count < 2:
        return []
    sizes = np.bincount(outside.ravel())[1:]
    sizes[outside[0, 0, 0] - 1] = 0
    cc = float(sizes.sum() / mask.sum()) * ctv.volume_cc
    if cc < min(_HOLE_CC, _HOLE_FRAC * ctv.volume_cc):
        return []
    return [caution("ctv-holes", name=ctv.name, count=count - 1, cc=cc)]


def _size(ctv: Structure) -> list[Caution]:
    low, high = _VOLUME_CC
    voxels = int(ctv.mask_zyx.sum())
    if voxels < _FEW_VOXELS:
        return [caution("ctv-few-voxels", name=ctv.name, count=voxels)]
    if low <= ctv.volume_cc <= high:
        return []
    return [
        caution(
            "ctv-volume-unusual", name=ctv.name, cc=ctv.volume_cc, mm=20.0 * (0.75 / np.pi * ctv.volume_cc) ** (1 / 3)
        )
    ]


def _beside(ctv: Structure, healthy: Structure) -> list[Caution]:
    tree = cKDTree(sampled_mm(healthy, 20_000))
    # The sample of a large organ has gaps of a few millimetres of its own.
    gap_mm = (healthy.volume_cc * 1000.0 / min(20_000, tree.n)) ** (1 / 3)
    away_mm = float(tree.query(sampled_mm(ctv, 500))[0].min()) - gap_mm
    doubts = []
    if away_mm > _AWAY_MM:
        doubts.append(caution("ctv-away-from-healthy", name=ctv.name, healthy=healthy.name, away_mm=away_mm))
    share = ctv.volume_cc / healthy.volume_cc
    if share > _LARGE_FRAC:
        doubts.append(
            caution("ctv-large-for-healthy", name=ctv.name, healthy=healthy.name, cc=ctv.volume_cc, share=share)
        )
    return doubts
