"""Frames of reference: the only axis flips of hdrplan, and whether inputs lie in one frame.

Inside, everything is LPS in mm (x to the patient's Left, y to Posterior, z to Superior), as in DICOM and ITK. NIfTI and
3D Slicer's scene are RAS; SimpleITK turns NIfTI into LPS on reading, so only point lists are flipped here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution, caution
from hdrplan.errors import InputError
from hdrplan.geometry import Catheter, Grid, Structure
from hdrplan.plausibility import sampled_mm
from hdrplan.threads import over_each

__all__ = ["check_catheters", "check_structures", "ras_to_lps"]

# A catheter serves a CTV only from near by: 30 mm outside the lesion a dwell gives little but dose to healthy tissue.
NEAR_CTV_MM = 30.0
# Lengths of a catheter that can be true; shorter is metres or centimetres written as mm.
CATHETER_LENGTH_MM = (10.0, 2000.0)


def ras_to_lps(points_mm: npt.ArrayLike) -> FloatArray:
    """Turn RAS points (n, 3) into LPS, or LPS into RAS: x and y change sign."""
    return np.asarray(np.asarray(points_mm, dtype=np.float64) * np.array([-1.0, -1.0, 1.0]))


def check_structures(structures: tuple[Structure, ...], ct: Grid, *, where: object = None) -> tuple[Caution, ...]:
    """Compare structures with the CT in physical space.

    Parameters
    ----------
    structures : tuple of Structure
    ct : Grid
    where : object
        What messages name.

    Returns
    -------
    tuple of Caution
        Warnings.

    Raises
    ------
    InputError
        A structure wholly outside the CT, a CTV partly outside, two roles for the same voxels.
    """
    warnings: list[Caution] = []
    sampled = over_each(lambda structure: sampled_mm(structure, 20_000), structures)
    for structure, points in zip(structures, sampled, strict=True):
        inside = float(ct.contains(points).mean())
        if inside >= 0.999:
            continue
        if inside == 0.0 or structure.role == "CTV":
            flipped = float(ct.contains(ras_to_lps(points)).mean())
            raise InputError(
                f"{structure.role} structure {structure.name!r} must lie inside the CT",
                got=f"{inside:.0%} of it inside; centre at {np.round(points.mean(axis=0), 1).tolist()} mm LPS",
                where=where,
                remedy="Its file looks as if written in RAS: save it in LPS."
                if flipped > 0.999
                else "CT and structures must come from one frame of reference; check that the files belong together.",
            )
        warnings.append(caution("outside-ct", name=structure.name, share=1 - inside))
    return tuple(warnings)


def check_overlap(
    structures: tuple[Structure, ...], healthy: str | None, *, where: object = None
) -> tuple[Caution, ...]:
    """Refuse an organ at risk that is the CTV in disguise; warn where CTV and organ share voxels.

    An organ that surrounds the CTV (the liver) is meant to; a large organ at risk that holds a small CTV only warns.

    Parameters
    ----------
    structures : tuple of Structure
    healthy : str or None
        The organ that surrounds the CTVs.
    where : object
        What messages name.

    Returns
    -------
    tuple of Caution
        Warnings.

    Raises
    ------
    InputError
        More than half of an organ lies in a CTV.
    """
    warnings: list[Caution] = []
    for ctv in (s for s in structures if s.role == "CTV"):
        for organ in (s for s in structures if s.role == "OAR" and s.name != healthy):
            small, large = sorted((ctv, organ), key=lambda s: s.volume_cc)
            points = sampled_mm(small, 500_000)
            index = np.rint(large.grid.index(points)).astype(np.int64)
            held = ((index >= 0) & (index < large.grid.shape_zyx[::-1])).all(axis=1)
            shared = float(large.mask_zyx[tuple(index[held, ::-1].T)].sum()) / len(points)
            if not shared:
                continue
            if shared * small.volume_cc > 0.5 * organ.volume_cc:
                raise InputError(
                    f"CTV {ctv.name!r} and organ at risk {organ.name!r} must be different tissue",
                    got=f"{shared * small.volume_cc:.1f} cc in both, of {organ.volume_cc:.1f} cc of the organ",
                    where=where,
                    remedy="Give one of them another role.",
                )
            warnings.append(caution("shared-voxels", ctv=ctv.name, organ=organ.name, cc=shared * small.volume_cc))
    return tuple(warnings)


def _distance_mm(catheter: Catheter, targets: cKDTree) -> float:
    """Smallest distance of the catheter's polyline (sampled every mm) from the points."""
    path = catheter.points_mm
    step = np.linalg.norm(np.diff(path, axis=0), axis=1)
    at = np.append(np.arange(0.0, step.sum(), 1.0), step.sum())
    along = np.concatenate(([0.0], np.cumsum(step)))
    samples = np.column_stack([np.interp(at, along, path[:, k]) for k in range(3)])
    return float(targets.query(samples)[0].min())


def check_catheters(
    catheters: tuple[Catheter, ...], ctvs: tuple[Structure, ...], ct: Grid | None, *, where: object = None
) -> None:
    """Refuse catheters that do not lie in the frame of CT and CTVs.

    Parameters
    ----------
    catheters : tuple of Catheter
    ctvs : tuple of Structure
    ct : Grid or None
    where : object
        What messages name.

    Raises
    ------
    InputError
        Lengths that are not mm, a catheter that never comes near a CTV, a tip outside the CT.
    """
    targets = cKDTree(np.concatenate([sampled_mm(ctv, 2000) for ctv in ctvs])) if ctvs else None
    for catheter in catheters:
        low, high = CATHETER_LENGTH_MM
        if not low <= catheter.length_mm <= high:
            raise InputError(
                f"a catheter is {low:g} to {high:g} mm long",
                got=f"{catheter.length_mm:.3g} mm",
                where=f"{where}, {catheter.name}",
                remedy="Positions are in mm, not cm or m.",
            )
        if targets is None:
            continue
        distance = _distance_mm(catheter, targets)
        if distance > NEAR_CTV_MM:
            mirrored = Catheter(catheter.name, ras_to_lps(catheter.points_mm))
            raise InputError(
                f"each catheter must come within {NEAR_CTV_MM:g} mm of a CTV",
                got=f"{distance:.0f} mm",
                where=f"{where}, {catheter.name}",
                remedy="It would with x and y of opposite sign: the file is RAS but says LPS, or the reverse."
                if _distance_mm(mirrored, targets) <= NEAR_CTV_MM
                else "Check the frame of reference, or leave this catheter out of the file.",
            )
        if ct is not None and not ct.contains(catheter.points_mm[-1]):
            raise InputError(
                "the tip of a catheter must lie inside the CT",
                got=f"tip at {np.round(catheter.points_mm[-1], 1).tolist()} mm LPS",
                where=f"{where}, {catheter.name}",
                remedy="The hub comes first, the tip last.",
            )
