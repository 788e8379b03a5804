"""What is odd about a map of media: counted while it is made, said as warnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.cautions import Caution, caution
from hdrplan.geometry import Structure
from hdrplan.materials.rules import LabelRule, MediaRules
from hdrplan.plan import anatomy_of

__all__ = ["HU", "SOFT_HU", "Counts", "Ruled", "doubts_of_media"]

# What 12-bit CT holds.
HU = (-1024.0, 3071.0)
# Overlaps, and dense voxels without a bone label, are reported from these volumes on; less is the rim of a mask.
_OVERLAP_CC, _DENSE_CC, _METAL_CC = 1.0, 10.0, 0.05
# HU that no soft tissue has, with contrast medium and streaks of metal too; said where many voxels of organs have them.
SOFT_HU = (-250.0, 600.0)
_OFF_FRAC, _SOLID_CC = 0.2, 1.0
# Lesions lie in organs, vessels run through them: such overlaps are meant.
_NESTED = {"lesion", "great vessel", "liver vessel"}


@dataclass(frozen=True, slots=True)
class Ruled:
    """A structure with its rule."""

    structure: Structure
    rule: LabelRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Voxels of the CT that are odd.

    Parameters
    ----------
    overlap : (n + 1, n) array
        Voxels of each of n structures that an earlier one has; the last row counts those that it has itself.
    solid, off : int
        In labels of solid organs, and those of them with HU of no soft tissue.
    dense : int
        Above 300 HU, in the body, without a label.
    metal : int
    beyond : int
        Outside the range of 12-bit CT.
    low_hu, high_hu : float
        Extremes of the CT within the box of the body.
    """

    overlap: npt.NDArray[np.int64]
    solid: int = 0
    off: int = 0
    dense: int = 0
    metal: int = 0
    beyond: int = 0
    low_hu: float = np.inf
    high_hu: float = -np.inf

    def __add__(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(
            overlap=self.overlap + other.overlap,
            solid=self.solid + other.solid,
            off=self.off + other.off,
            dense=self.dense + other.dense,
            metal=self.metal + other.metal,
            beyond=self.beyond + other.beyond,
            low_hu=min(self.low_hu, other.low_hu),
            high_hu=max(self.high_hu, other.high_hu),
        )


def doubts_of_media(
    ruled: Sequence[Ruled], rules: MediaRules, counts: Counts, voxel_cc: float, *, body_labelled: bool
) -> tuple[Caution, ...]:
    """Return the warnings about a map of media.

    Parameters
    ----------
    ruled : sequence of Ruled
    rules : MediaRules
    counts : Counts
    voxel_cc : float
    body_labelled : bool
        Whether a structure says where the body is.
    """
    found = []
    tissues = {row.tissue for item in ruled if (row := anatomy_of(item.structure.name))}
    missing = [] if body_labelled else ["body"]
    missing += [f"{tissue}s" for tissue in ("lung", "bone") if tissue not in tissues]
    if missing:
        found.append(caution("media-few-labels", missing=" and ".join(missing)))
    for first, other in np.argwhere(counts.overlap[:-1] * voxel_cc >= _OVERLAP_CC).tolist():
        a, b = ruled[first], ruled[other]
        if a.rule is not b.rule and not _NESTED & set(a.rule.organs):
            cc = float(counts.overlap[first, other] * voxel_cc)
            found.append(
                caution(
                    "media-labels-overlap",
                    first=a.structure.name,
                    second=b.structure.name,
                    cc=cc,
                    medium=a.rule.tissue.medium,
                )
            )
    if counts.beyond:
        found.append(caution("media-hu-range", count=counts.beyond, low=counts.low_hu, high=counts.high_hu))
    if counts.low_hu == counts.high_hu:
        found.append(caution("media-ct-even", hu=counts.low_hu))
    if counts.solid * voxel_cc >= _SOLID_CC and counts.off >= _OFF_FRAC * counts.solid:
        percent = 100.0 * counts.off / counts.solid
        found.append(caution("media-off-tissue", percent=percent, low=SOFT_HU[0], high=SOFT_HU[1]))
    if counts.metal * voxel_cc >= _METAL_CC:
        found.append(caution("media-metal", cc=counts.metal * voxel_cc, hu=rules.metal_from_hu))
    if counts.dense * voxel_cc >= _DENSE_CC:
        found.append(caution("media-bone-unlabelled", cc=counts.dense * voxel_cc))
    if rules.unchecked():
        found.append(caution("media-unchecked", names=", ".join(rules.unchecked())))
    return tuple(found)
