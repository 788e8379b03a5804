"""Where the middle of the body and the lungs are, as the CT shows them without anybody's outlines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy import ndimage

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.geometry import Structure, Volume
from hdrplan.plan import organ_of
from hdrplan.plausibility.images import AIR_HU, TRUNK_WIDTH_MM, coarse_ct, joined_to_sides
from hdrplan.plausibility.sample import sampled_mm

__all__ = ["BODY", "LUNG", "centres_in_ct"]

# The middle of the body and the lungs, where the CT tells them; names that no structure has.
BODY: Final = "the middle of the body"
LUNG: Final = "the lungs of the CT"
# HU of lung: gas of the bowel lies below, its contents above.
_LUNG_HU = (-930.0, -600.0)
# cc of lung with lung on all sides, which the wall of a bowel full of gas has not. Two CTs of the liver that show the
# bases of the lungs alone have 25 and 34.
_LUNG_CC = 15.0
# A share of the rows beyond which the body is cut off at that side.
_CROPPED_FRAC = 0.2


def centres_in_ct(structures: Sequence[Structure], ct: Volume) -> dict[str, FloatArray]:
    """Return the centres (3,), mm, of body and lungs as a CT of the trunk shows them; neither where it does not.

    Parameters
    ----------
    structures : sequence of Structure
        The body is judged in the slices of the liver: arms and heart would move its middle elsewhere.
    ct : Volume
        HU.

    Returns
    -------
    dict of str to (3,) array
        By :data:`BODY` and :data:`LUNG`.
    """
    liver = next((structure for structure in structures if organ_of(structure.name) == "liver"), None)
    if liver is None:
        return {}
    values, steps = coarse_ct(ct.values_zyx)
    air = values < AIR_HU
    body = ~air
    centres: dict[str, FloatArray] = {}
    slices = np.unique(np.rint(ct.grid.index(sampled_mm(liver, 500))[:, 2] / steps[0]).astype(int))
    in_liver = body[slices[(slices >= 0) & (slices < len(body))]]
    # A body that touches both sides of the images is cropped: its middle is not theirs.
    if in_liver.any() and max(in_liver[:, :, 0].mean(), in_liver[:, :, -1].mean()) < _CROPPED_FRAC:
        columns = np.flatnonzero(in_liver.any(axis=(0, 1)))
        if (columns[-1] - columns[0] + 1) * steps[2] * ct.grid.spacing_mm[0] >= TRUNK_WIDTH_MM:
            centres[BODY] = _centre_mm(body, steps, ct)
    lung = air & ~joined_to_sides(air) & (values > _LUNG_HU[0]) & (values < _LUNG_HU[1])
    inside = np.asarray(ndimage.binary_erosion(lung, border_value=1))
    if inside.sum() * float(np.prod(ct.grid.spacing_mm) * np.prod(steps)) >= 1000.0 * _LUNG_CC:
        centres[LUNG] = _centre_mm(inside, steps, ct)
    return centres


def _centre_mm(mask_zyx: BoolArray, steps: list[int], ct: Volume) -> FloatArray:
    index = np.argwhere(mask_zyx).mean(axis=0) * steps
    return np.asarray(ct.grid.world(index[::-1]))
