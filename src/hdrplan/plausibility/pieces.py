"""Whether organs are in one piece, as bodies have them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from hdrplan.arrays import BoolArray
from hdrplan.cautions import Caution, caution
from hdrplan.geometry import Structure, box_of
from hdrplan.plan import organ_of

__all__ = ["doubts_of_pieces"]

# Bodies of their own; bowels and vessels are drawn in parts, near the target alone.
_IN_ONE_PIECE = ("liver", "spleen", "right kidney", "left kidney", "gallbladder", "stomach")
# Machine-made outlines leave crumbs; a second kidney, or half a liver behind a gap, is more.
_SECOND_FRAC = 0.10
# A box of so many voxels is looked at in 10 ms; larger ones are made coarser, so that what touches still touches.
_VOXELS = 500_000


def doubts_of_pieces(structures: Sequence[Structure]) -> list[Caution]:
    """Say which organs that are one body have two.

    Parameters
    ----------
    structures : sequence of Structure
    """
    doubts = []
    for structure in structures:
        if structure.role == "CTV" or organ_of(structure.name) not in _IN_ONE_PIECE:
            continue
        mask = _coarse(structure.mask_zyx[box_of(structure.mask_zyx)])
        labels, count = ndimage.label(mask, structure=np.ones((3, 3, 3)))
        sizes = np.sort(np.bincount(labels.ravel())[1:])[::-1] if count > 1 else np.array([1, 0])
        share = float(sizes[1] / sizes.sum())
        if share >= _SECOND_FRAC:
            doubts.append(caution("organ-parts-apart", name=structure.name, share=share))
    return doubts


def _coarse(mask: BoolArray) -> BoolArray:
    """Return blocks of voxels that hold one at least."""
    step = int(np.ceil((mask.size / _VOXELS) ** (1 / 3)))
    for axis in range(3) if step > 1 else ():
        mask = np.logical_or.reduceat(mask, np.arange(0, mask.shape[axis], step), axis=axis)
    return mask
