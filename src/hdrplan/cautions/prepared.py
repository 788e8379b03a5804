"""Warnings about what a scan is made into: lesions grown, drawn twice, sharing voxels."""

from __future__ import annotations

from hdrplan.cautions.caution import Kind

__all__ = ["PREPARED"]

PREPARED = (
    Kind(
        id="prepared-lesion-grown",
        sentence="{name} ({cc:.1f} cc) was grown on the CT from a point; it is a proposal",
        remedy="Look at prepare.png, or open structures.seg.nrrd in 3D Slicer and correct it.",
        why="A threshold halfway between lesion and organ knows nothing of what a radiologist sees.",
    ),
    Kind(
        id="prepared-stray-voxels",
        sentence="{name}: stray voxels of {cc:.3f} cc were left out",
        remedy="Look whether they are lesions of their own.",
        why="Parts below 0.05 cc are errors of segmentation more often than lesions.",
    ),
    Kind(
        id="prepared-lesion-twice",
        sentence="{name} is no CTV of its own: {why}",
        remedy="Look at prepare.png; choose with `ctv`.",
        why="Exported folders hold a lesion in a label map and in a mask of its own, or a GTV beside its CTV: as two "
        "CTVs it would be prescribed twice. Two drawings are one lesion from a Dice coefficient of 0.7 (Zijdenbos "
        "1994, doi 10.1109/42.363096), or where 90 % of one lies in the other; a CTV by its name is kept, else the "
        "larger.",
    ),
    Kind(
        id="prepared-lesions-overlap",
        sentence="{name} and {kept} share {cc:.2f} cc, and both are CTVs",
        remedy="If they are one lesion, choose with `ctv`, or take `union`.",
        why="Lesions that were drawn apart share no tissue; below a tenth of the smaller one it is the staircase of "
        "their voxels.",
    ),
    Kind(
        id="prepared-organ-twice",
        sentence="{name} is not used: {why}",
        remedy="Nothing needs to be done if it was exported twice; otherwise look at its name.",
        why="From a Dice coefficient of 0.95 no two organs are told apart: goals and margins would count twice, or a "
        "name is wrong.",
    ),
)
