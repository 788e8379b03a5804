"""Whether organs have the spread, the gas and the HU that their names say, where their places do not tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hdrplan.cautions import Caution, caution
from hdrplan.geometry import Structure, Volume
from hdrplan.plan import organ_of
from hdrplan.plausibility.sample import sampled_mm

__all__ = ["doubts_of_extents"]

_VOXELS = 2000
# First is spread more widely than second around its own middle, along these axes of LPS.
_WIDER: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("ribs", "spine", (0,)),
    ("ribs", "spinal cord", (0,)),
    ("colon", "small bowel", (0, 1, 2)),
    ("colon", "duodenum", (0, 1, 2)),
)
_GAS_HU = -300.0
# HU of a liver, median: fat at one end, iodine or iron and contrast medium at the other (register, "liver-hu-unusual").
_LIVER_HU = (-40.0, 170.0)


def doubts_of_extents(structures: Sequence[Structure], ct: Volume) -> list[Caution]:
    """Say which names were probably exchanged, by the organs' spread and gas, and which organs have odd HU.

    Parameters
    ----------
    structures : sequence of Structure
    ct : Volume
        HU.
    """
    organs: dict[str, Structure] = {}
    for structure in structures:
        organ = organ_of(structure.name)
        if organ is not None and structure.role != "CTV":
            organs.setdefault(organ, structure)
    doubts = []
    for wide, narrow, axes in _WIDER:
        if wide in organs and narrow in organs:
            first, second = organs[wide], organs[narrow]
            spread = [float(np.linalg.norm(sampled_mm(s, _VOXELS).std(axis=0)[list(axes)])) for s in (first, second)]
            # Colon and small bowel need both signs: a colon that a cropped CT shows in part may be the narrower.
            gas = wide != "colon" or _gas_frac(first, ct) < _gas_frac(second, ct)
            if spread[0] < spread[1] and gas:
                texts = {"first": first.name, "second": second.name}
                doubts.append(caution("names-exchanged", **texts, first_mm=spread[0], second_mm=spread[1]))
    return [*doubts, *(_odd_hu(organs["liver"], ct) if "liver" in organs else [])]


def _gas_frac(structure: Structure, ct: Volume) -> float:
    return float((ct.at(sampled_mm(structure, _VOXELS)) < _GAS_HU).mean())


def _odd_hu(liver: Structure, ct: Volume) -> list[Caution]:
    hu = ct.at(sampled_mm(liver, _VOXELS))
    middle = float(np.median(hu[np.isfinite(hu)])) if np.isfinite(hu).any() else 0.0
    if _LIVER_HU[0] <= middle <= _LIVER_HU[1]:
        return []
    return [caution("liver-hu-unusual", name=liver.name, hu=middle)]
