"""Whether an implant as a whole can be real: its catheters surround the CTV and reach the skin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import ConvexHull, QhullError, cKDTree

from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution, caution
from hdrplan.geometry import Catheter, Structure, Volume
from hdrplan.plausibility.catheters import along
from hdrplan.plausibility.images import Skin
from hdrplan.plausibility.sample import sampled_mm

__all__ = ["doubts_of_implants"]

# Catheters that come so near to a CTV are there for it.
_NEAR_MM = 15.0
# How far beside the middle of a CTV all its catheters may lie (register, "catheters-on-one-side").
_SIDE_FRAC, _SIDE_MM = 0.45, 6.0
# A first point so deep is no hub (register, "catheter-begins-inside").
_DEEP_MM = 30.0
# Farther than this from every CTV a catheter carries no dwells (register, "catheter-misses-ctv").
_MISSES_MM = 10.0
_VOXELS = 4000


def doubts_of_implants(
    catheters: Sequence[Catheter], structures: Sequence[Structure], ct: Volume | None
) -> list[Caution]:
    """Say which CTVs have all catheters on one side, and which catheters begin deep inside the body.

    Parameters
    ----------
    catheters : sequence of Catheter
    structures : sequence of Structure
    ct : Volume or None
        HU; shows the skin.
    """
    doubts = [doubt for s in structures if s.role == "CTV" for doubt in _beside(s, catheters)]
    ctvs_mm = [sampled_mm(s, _VOXELS) for s in structures if s.role == "CTV"]
    if ctvs_mm:
        tree = cKDTree(np.concatenate(ctvs_mm))
        away_mm = [float(tree.query(along(catheter))[0].min()) for catheter in catheters]
        far = [(c.name, mm) for c, mm in zip(catheters, away_mm, strict=True) if mm > _MISSES_MM]
        doubts += [caution("catheter-misses-ctv", name=name, mm=mm) for name, mm in far]
    skin = Skin(ct) if ct is not None and catheters else None
    if skin is None or not skin.exists:
        return doubts
    depths_mm = skin.depth_mm(np.array([catheter.points_mm[0] for catheter in catheters]))
    doubts += [
        caution("catheter-begins-inside", name=catheter.name, mm=float(depth_mm))
        for catheter, depth_mm in zip(catheters, depths_mm, strict=True)
        if depth_mm > _DEEP_MM
    ]
    return doubts


def _beside(ctv: Structure, catheters: Sequence[Catheter]) -> list[Caution]:
    """Look along the catheters of a CTV: its middle lies among them, or they all pass on one side."""
    voxels_mm = sampled_mm(ctv, _VOXELS)
    middle_mm = voxels_mm.mean(axis=0)
    radius_mm = float(np.linalg.norm(voxels_mm - middle_mm, axis=1).max())
    passes = [_nearest(catheter, middle_mm) for catheter in catheters]
    near = [(at, axis) for at, axis in passes if np.linalg.norm(at - middle_mm) < radius_mm + _NEAR_MM]
    if not near:
        return []
    axes = np.array([axis for _, axis in near])
    # The direction that all have most in common, whichever way each points.
    along = np.linalg.svd(axes)[2][0]
    across = np.linalg.svd(along[None])[2][1:]
    places = np.array([at - middle_mm for at, _ in near]) @ across.T
    toward, mm = _outside(places)
    if mm < _SIDE_MM:
        return []
    half_mm = float(((voxels_mm - middle_mm) @ across.T @ toward).max())
    if mm < _SIDE_FRAC * half_mm:
        return []
    x, y, z = (toward @ across).tolist()
    return [caution("catheters-on-one-side", ctv=ctv.name, mm=mm, half_mm=half_mm, x=x * mm, y=y * mm, z=z * mm)]


def _nearest(catheter: Catheter, at_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the place (3,) of a catheter that is nearest to a point, and its direction there."""
    start, end = catheter.points_mm[:-1], catheter.points_mm[1:]
    step = end - start
    along = np.clip(((at_mm - start) * step).sum(axis=1) / (step * step).sum(axis=1), 0.0, 1.0)
    places = start + along[:, None] * step
    k = int(np.linalg.norm(places - at_mm, axis=1).argmin())
    return places[k], step[k] / np.linalg.norm(step[k])


def _outside(places: FloatArray) -> tuple[FloatArray, float]:
    """Return the direction (2,) and distance of the convex hull of places (n, 2) from the origin; 0 inside it."""
    corners = places
    if len(places) > 2:
        try:
            hull = ConvexHull(places)
        except QhullError:
            # All on one line: its ends are among the pairs below.
            pass
        else:
            if (hull.equations[:, 2] <= 0.0).all():
                return np.zeros(2), 0.0
            corners = places[hull.vertices]
    first, second = corners, np.roll(corners, 1, axis=0)
    step = second - first
    along = np.clip(-(first * step).sum(axis=1) / np.maximum((step * step).sum(axis=1), 1e-12), 0.0, 1.0)
    nearest = first + along[:, None] * step
    k = int(np.linalg.norm(nearest, axis=1).argmin())
    mm = float(np.linalg.norm(nearest[k]))
    return nearest[k] / max(mm, 1e-9), mm
