"""What a person must look at among catheters that were found on a CT."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution, caution
from hdrplan.tracing.traced import TracedCatheter

__all__ = ["doubts_of_traced"]

# A 6F catheter is 2 mm wide, and traces are exact to a few tenths: nearer than this two of them were on one tube.
_ONE_TUBE_MM = 1.5
# Of all tips in the test set that were lost before bone, none went so far as this share of the others' way.
_SHORT_FRAC = 0.6
# A tip that is known worse than this must be looked at: dwells lie 5 mm apart.
_UNCLEAR_MM = 2.0


def doubts_of_traced(found: Sequence[TracedCatheter]) -> list[Caution]:
    """Name catheters that are metal, do not reach the skin, have no clear tip, run into another, or end too soon."""
    lines = [_each_half_mm(one.points_mm) for one in found]
    doubts = []
    for k, one in enumerate(found):
        others = [j for j in range(len(found)) if j != k]
        if one.is_metal:
            doubts.append(caution("traced-metal", name=one.name))
        if one.leaves_scan:
            doubts.append(caution("traced-leaves-scan", name=one.name))
        if one.tip_sigma_mm > _UNCLEAR_MM:
            doubts.append(caution("traced-tip-unclear", name=one.name, mm=one.tip_sigma_mm))
        for j in others:
            near_mm = float(cKDTree(lines[j]).query(lines[k])[0].min()) if j > k else np.inf
            if near_mm < _ONE_TUBE_MM:
                doubts.append(caution("traced-on-one-tube", first=one.name, second=found[j].name, mm=near_mm))
        usual_mm = float(np.median([found[j].inside_mm for j in others])) if others else 0.0
        if one.inside_mm < _SHORT_FRAC * usual_mm:
            doubts.append(caution("traced-short", name=one.name, mm=one.inside_mm, usual_mm=usual_mm))
    return doubts


def _each_half_mm(points_mm: FloatArray) -> FloatArray:
    length = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(points_mm, axis=0), axis=1))))
    at = np.arange(0.0, length[-1], 0.5)
    return np.stack([np.interp(at, length, points_mm[:, k]) for k in range(3)], axis=1)
