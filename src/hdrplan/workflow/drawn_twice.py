"""What was segmented twice: a lesion in a label map and in a mask of its own, a GTV inside its CTV, an organ twice."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from hdrplan.cautions import Caution, caution
from hdrplan.geometry import Structure, inside

__all__ = ["Double", "each_lesion_once", "each_organ_once"]

# Dice coefficient from which two drawings show one lesion: "excellent agreement" of two observers (Zijdenbos et al.,
# IEEE Trans Med Imaging 1994;13:716, doi 10.1109/42.363096).
_SAME_DICE = 0.7
# Of a lesion's volume, from which it lies in another one: the rest is staircase. A GTV lies in its CTV.
_WITHIN_FRAC = 0.9
# Two organs are one only where hardly a voxel differs: neighbours never share so much.
_COPY_DICE = 0.95
_CTV_NAME = re.compile(r"(^|[^a-z])ctv", re.IGNORECASE)
# A PTV holds its CTV and a margin for errors that brachytherapy plans without: it is never treated beside its CTV.
_PTV_NAME = re.compile(r"(^|[^a-z])ptv", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Double:
    """A structure that is not used, for another one shows the same.

    Parameters
    ----------
    structure : Structure
    why : str
    warning : Caution
    """

    structure: Structure
    why: str
    warning: Caution


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Overlap:
    """What a structure shares with one that is kept: cc, Dice coefficient, and the part of it that lies in there.

    Of one that is around the kept one, as a PTV is: the part of the smaller that lies in the other.
    """

    kept: Structure
    shared_cc: float
    dice: float
    within_frac: float
    is_around: bool


def each_lesion_once(
    drawn: Sequence[Structure], *, chosen: bool
) -> tuple[list[Structure], list[Double], list[Caution]]:
    """Return each lesion once, the other drawings of it, and what is to be said of lesions that share tissue.

    Of two drawings of one lesion a CTV by its name is kept before others and any before a PTV, then the larger one,
    then the first read.

    Parameters
    ----------
    drawn : sequence of Structure
    chosen : bool
        Whether the planner named them one by one: then all stay, and their overlaps are told.
    """
    ranked = sorted(drawn, key=_rank)
    kept: list[Structure] = []
    doubles: list[Double] = []
    told: list[Caution] = []
    for lesion in ranked:
        overlaps = [_overlap(lesion, other) for other in kept]
        best = max(overlaps, key=lambda o: max(o.dice, o.within_frac), default=None)
        if best is not None and not chosen and (best.dice >= _SAME_DICE or best.within_frac >= _WITHIN_FRAC):
            warning = caution("prepared-lesion-twice", name=lesion.name, why=_why(best))
            doubles.append(Double(structure=lesion, why=_why(best), warning=warning))
            continue
        # Below a tenth it is the staircase of neighbours that were resampled.
        told += [
            caution("prepared-lesions-overlap", name=lesion.name, kept=o.kept.name, cc=o.shared_cc)
            for o in overlaps
            if o.within_frac > 1.0 - _WITHIN_FRAC
        ]
        kept.append(lesion)
    return [s for s in drawn if s in kept], doubles, told


def _rank(lesion: Structure) -> tuple[bool, bool, float]:
    return bool(_PTV_NAME.search(lesion.name)), not _CTV_NAME.search(lesion.name), -round(lesion.volume_cc, 6)


def each_organ_once(structures: Sequence[Structure], *, first: Collection[str]) -> tuple[list[Structure], list[Double]]:
    """Return each structure once, and the copies.

    Parameters
    ----------
    structures : sequence of Structure
        Names differ.
    first : collection of str
        Names that are kept whatever they are copies of: those that the planner gave.
    """
    kept = [s for s in structures if s.name in first]
    doubles: list[Double] = []
    for structure in structures:
        if structure in kept:
            continue
        # Volumes alone rule nearly every pair out.
        alike = [s for s in kept if _COPY_DICE < s.volume_cc / structure.volume_cc < 1.0 / _COPY_DICE]
        overlaps = (_overlap(structure, other) for other in alike)
        same = next((o for o in overlaps if o.dice >= _COPY_DICE), None)
        if same is None:
            kept.append(structure)
        else:
            warning = caution("prepared-organ-twice", name=structure.name, why=_why(same))
            doubles.append(Double(structure=structure, why=_why(same), warning=warning))
    return [s for s in structures if s in kept], doubles


def _overlap(structure: Structure, kept: Structure) -> _Overlap:
    """Return what two structures share: voxels of the first whose centres lie in the second, on grids of their own."""
    (low, high), (other_low, other_high) = structure.box_mm, kept.box_mm
    apart = bool((low > other_high).any() or (high < other_low).any())
    within = 0.0 if apart else float(inside(kept, structure.voxels_mm).mean())
    shared_cc = within * structure.volume_cc
    dice = min(1.0, 2.0 * shared_cc / (structure.volume_cc + kept.volume_cc))
    is_around = bool(_PTV_NAME.search(structure.name)) and kept.volume_cc < structure.volume_cc
    if is_around:
        within = min(1.0, shared_cc / kept.volume_cc)
    return _Overlap(kept=kept, shared_cc=shared_cc, dice=dice, within_frac=within, is_around=is_around)


def _why(overlap: _Overlap) -> str:
    if overlap.dice >= _SAME_DICE:
        return f"the same as {overlap.kept.name} (Dice {overlap.dice:.2f})"
    if overlap.is_around:
        return f"{overlap.kept.name} lies in it"
    return f"{100 * overlap.within_frac:.0f} % of it lies in {overlap.kept.name}"
