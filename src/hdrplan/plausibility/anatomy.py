"""Whether named organs lie where they do in a body, and in the tissue that they are made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution, caution
from hdrplan.geometry import Structure, Volume
from hdrplan.plan import organ_of
from hdrplan.plausibility.sample import sampled_mm
from hdrplan.plausibility.sides import BODY, LUNG, centres_in_ct

__all__ = ["doubts_of_anatomy", "doubts_of_tissue", "doubts_of_volumes"]

# First lies on the smaller side of second along x (right), y (front) or z (feet) of LPS; a body has it so.
_PLACES: tuple[tuple[int, str, str], ...] = (
    (0, "liver", "spleen"),
    (0, "liver", "stomach"),
    (0, "right kidney", "left kidney"),
    (0, "right lung", "left lung"),
    (0, "vena cava", "aorta"),
    (0, "liver", "spinal cord"),
    (0, "liver", "spine"),
    (1, "liver", "spinal cord"),
    (1, "liver", "spine"),
    (1, "stomach", "spinal cord"),
    (1, "stomach", "spleen"),
    (1, "aorta", "spinal cord"),
    (1, "gallbladder", "spinal cord"),
    (2, "liver", "lungs"),
    (2, "liver", "right lung"),
    (2, "liver", "heart"),
    (2, "bladder", "liver"),
    (2, "bladder", "lungs"),
    (2, "right kidney", "heart"),
    (2, "right kidney", "lungs"),
    (0, "duodenum", "stomach"),
    (0, "duodenum", "spleen"),
    (0, "duodenum", "left kidney"),
    (0, "gallbladder", "stomach"),
    (0, "gallbladder", "spleen"),
    (0, "gallbladder", "left kidney"),
    (0, "gallbladder", "spinal cord"),
    (0, "liver", "left kidney"),
    (0, "liver", "aorta"),
    (0, "liver", "pancreas"),
    (0, "pancreas", "spleen"),
    (0, "right kidney", "spleen"),
    (0, "right kidney", "spinal cord"),
    (0, "right kidney", "stomach"),
    (0, "right kidney", "aorta"),
    (0, "spinal cord", "left kidney"),
    (0, "spinal cord", "spleen"),
    (0, "vena cava", "left kidney"),
    (0, "vena cava", "spleen"),
    (0, "aorta", "left kidney"),
    (0, "aorta", "spleen"),
    (0, "liver", "vena cava"),
    (0, "right kidney", "vena cava"),
    (0, "vena cava", "pancreas"),
    (0, "vena cava", "stomach"),
    (0, "duodenum", "pancreas"),
    (0, "duodenum", "aorta"),
    (1, "stomach", "pancreas"),
    (1, "gallbladder", "duodenum"),
    (1, "gallbladder", "vena cava"),
    (1, "duodenum", "vena cava"),
    (1, "pancreas", "aorta"),
    (1, "pancreas", "vena cava"),
    (1, "liver", "right kidney"),
    (1, "stomach", "right kidney"),
    (1, "stomach", "left kidney"),
    (1, "gallbladder", "right kidney"),
    (1, "gallbladder", "left kidney"),
    (1, "duodenum", "right kidney"),
    (1, "duodenum", "spinal cord"),
    (1, "duodenum", "spine"),
    (1, "pancreas", "left kidney"),
    (1, "pancreas", "spinal cord"),
    (1, "vena cava", "spinal cord"),
    (1, "heart", "spinal cord"),
    (1, "bowel", "spinal cord"),
    (1, "colon", "spinal cord"),
    (1, "small bowel", "spinal cord"),
    (1, "colon", "left kidney"),
    (1, "small bowel", "left kidney"),
    (1, "colon", "right kidney"),
    (1, "small bowel", "right kidney"),
    (2, "colon", "stomach"),
    (2, "small bowel", "stomach"),
    (2, "small bowel", "pancreas"),
    (2, "small bowel", "spleen"),
    (2, "colon", "spleen"),
    (2, "small bowel", "gallbladder"),
    (2, "small bowel", "duodenum"),
    (0, "duodenum", "small bowel"),
    (0, "gallbladder", "small bowel"),
    (0, "vena cava", "small bowel"),
    (1, "colon", "pancreas"),
    (2, "bladder", "small bowel"),
    (2, "bladder", "colon"),
    (0, "liver", "portal vein"),
    (0, "gallbladder", "portal vein"),
    (0, "duodenum", "portal vein"),
    (0, "portal vein", "left kidney"),
    (0, "portal vein", "spleen"),
    (1, "portal vein", "aorta"),
    (1, "portal vein", "vena cava"),
    (1, "portal vein", "spinal cord"),
    (1, "stomach", "portal vein"),
    (2, "colon", "portal vein"),
    (2, "small bowel", "portal vein"),
    (2, "pancreas", "portal vein"),
    (0, "right adrenal", "left adrenal"),
    (0, "right adrenal", "spinal cord"),
    (0, "spinal cord", "left adrenal"),
    (0, "right adrenal", "aorta"),
    (0, "aorta", "left adrenal"),
    (0, "liver", "right adrenal"),
    (0, "left adrenal", "spleen"),
    (1, "vena cava", "right adrenal"),
    (1, "portal vein", "right adrenal"),
    (1, "portal vein", "left adrenal"),
    (1, "colon", "right adrenal"),
    (1, "colon", "left adrenal"),
    (1, "stomach", "left adrenal"),
    (2, "right kidney", "right adrenal"),
    (2, "left kidney", "left adrenal"),
    (1, "costal cartilages", "ribs"),
    (1, "costal cartilages", "liver"),
    (1, "costal cartilages", "stomach"),
    (1, "costal cartilages", "colon"),
    (1, "costal cartilages", "portal vein"),
    (1, "costal cartilages", "right adrenal"),
    (1, "costal cartilages", "left adrenal"),
    (1, "costal cartilages", "spinal cord"),
    (2, "left kidney", "spleen"),
    (2, "left kidney", "heart"),
    (2, "left kidney", "lungs"),
    (2, "stomach", "lungs"),
    (2, "duodenum", "lungs"),
    (2, "duodenum", "heart"),
    (2, "gallbladder", "lungs"),
    (2, "pancreas", "lungs"),
    (2, "bladder", "stomach"),
    (2, "bladder", "spleen"),
    (2, "bladder", "right kidney"),
    (2, "bladder", "left kidney"),
    (0, "liver", BODY),
    (2, "liver", LUNG),
)
_SIDES = ("on the left of", "behind", "above")
_AXES = ("left and right", "front and back", "head and feet")
# Centres of parts of organs that a cropped CT shows may move so far.
_SURE_MM = 10.0

# HU: solid organs and lesions lie above, fat, lung and air below. Of outlines on their own CT at most 3 % of the voxels
# of liver, spleen, kidneys and vessels lay below, of mirrored ones 14 to 54 % (two public CTs of the trunk).
_FAT_HU = -50.0
_FAT_SHARE = 0.12
# Lesions may hold fat or gas after treatment; epidural fat is drawn with the cord.
_LOOSE_SHARE = 0.25
_BONE_HU = 400.0
_SOLID = ("liver", "spleen", "right kidney", "left kidney", "heart", "aorta", "vena cava", "spinal cord")
_LUNGS = ("lungs", "right lung", "left lung")
_BONES = ("ribs", "rib", "spine", "bones")
_HOLLOW = ("stomach", "duodenum", "small bowel", "colon")
_PURE_FAT_HU, _PURE_FAT_FRAC = (-140.0, -60.0), 0.5
_VOXELS = 1000

# cc: usual, and what no organ lies below or above, resected, shrunken and cystic ones included (register).
_VOLUMES_CC = {
    "liver": (1700.0, 300.0, 5000.0),
    "spleen": (140.0, 15.0, 3000.0),
    "right kidney": (150.0, 15.0, 3000.0),
    "left kidney": (150.0, 15.0, 3000.0),
    "gallbladder": (65.0, 2.0, 600.0),
}


def doubts_of_anatomy(structures: Sequence[Structure], ct: Volume | None = None) -> list[Caution]:
    """Say along which axes named organs lie the wrong way round; one warning an axis.

    Parameters
    ----------
    structures : sequence of Structure
    ct : Volume, optional
        HU: where no other organ is named, the liver is compared with the body and the lungs that it shows.
    """
    centres: dict[str, tuple[str, FloatArray]] = {}
    for structure in structures:
        organ = organ_of(structure.name)
        if organ is not None:
            centres.setdefault(organ, (structure.name, sampled_mm(structure, _VOXELS).mean(axis=0)))
    if ct is not None:
        centres |= {name: (name, at) for name, at in centres_in_ct(structures, ct).items()}
    doubts: dict[int, Caution] = {}
    for axis, first, second in _PLACES:
        if first in centres and second in centres and axis not in doubts:
            (name, at), (other, beside) = centres[first], centres[second]
            if at[axis] > beside[axis] + _SURE_MM:
                doubts[axis] = caution(
                    "anatomy-mirrored", first=name, second=other, side=_SIDES[axis], axis=_AXES[axis]
                )
    return list(doubts.values())


def doubts_of_volumes(structures: Sequence[Structure], ct: Volume) -> list[Caution]:
    """Say which organs are larger than any, or smaller although the images go on around them.

    Parameters
    ----------
    structures : sequence of Structure
    ct : Volume
    """
    doubts = []
    for structure in structures:
        organ = organ_of(structure.name)
        if organ not in _VOLUMES_CC or structure.role == "CTV":
            continue
        usual_cc, low_cc, high_cc = _VOLUMES_CC[organ]
        cc = structure.volume_cc
        if cc > high_cc or (cc < low_cc and _is_whole(structure, ct)):
            doubts.append(
                caution("organ-volume-unusual", name=structure.name, cc=cc, organ=f"a {organ}", usual_cc=usual_cc)
            )
    return doubts


def _is_whole(structure: Structure, ct: Volume) -> bool:
    """Whether the CT goes on for three voxels beyond the structure on every side."""
    index = ct.grid.index(structure.box_mm)
    low, high = index.min(axis=0), index.max(axis=0)
    return bool((low >= 3).all() and (high <= np.array(ct.grid.shape_zyx[::-1]) - 4).all())


def doubts_of_tissue(structures: Sequence[Structure], ct: Volume) -> list[Caution]:
    """Say which CTVs and organs lie in tissue that they cannot be made of.

    Parameters
    ----------
    structures : sequence of Structure
    ct : Volume
        HU; an image of one value tells nothing.
    """
    if not (ct.values_zyx[:: max(1, len(ct.values_zyx) // 8)] < _FAT_HU).any():
        # Water phantoms and images cropped to soft tissue.
        return []
    return [doubt for structure in structures for doubt in _tissue(structure, organ_of(structure.name), ct)]


def _tissue(structure: Structure, organ: str | None, ct: Volume) -> list[Caution]:
    if structure.role != "CTV" and organ not in (*_SOLID, *_LUNGS, *_BONES, *_HOLLOW):
        return []
    hu = ct.at(sampled_mm(structure, _VOXELS))
    hu = hu[np.isfinite(hu)]
    if not len(hu):
        return []
    middle = float(np.median(hu))
    if organ in _LUNGS:
        tissue, wrong, odd = "solid tissue", hu > -300.0, middle > -300.0
    elif organ in _BONES:
        tissue, wrong, odd = "soft tissue or air", hu < 50.0, middle < 50.0
    elif middle > _BONE_HU:
        tissue, wrong, odd = "bone or metal", hu > _BONE_HU, True
    elif organ in _HOLLOW:
        # Gas and contents belong there, fat does not.
        wrong = (hu > _PURE_FAT_HU[0]) & (hu < _PURE_FAT_HU[1])
        tissue, odd = "fat", float(wrong.mean()) > _PURE_FAT_FRAC
    else:
        tissue, wrong = "fat, lung or air", hu < _FAT_HU
        loose = structure.role == "CTV" or organ == "spinal cord"
        odd = _dark_frac(hu, middle) > (_LOOSE_SHARE if loose else _FAT_SHARE)
    if not odd:
        return []
    return [
        caution("structure-in-other-tissue", name=structure.name, share=float(wrong.mean()), tissue=tissue, hu=middle)
    ]


def _dark_frac(hu: FloatArray, middle: float) -> float:
    """Fraction of values of fat and air beyond what noise makes: noise is as often as far above the middle as below."""
    dark = float((hu < _FAT_HU).mean())
    return dark if middle <= _FAT_HU else dark - float((hu > 2.0 * middle - _FAT_HU).mean())
