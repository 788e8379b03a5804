"""RT Dose with the DVH module."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray
from hdrplan.errors import InputError
from hdrplan.geometry import Volume
from hdrplan.io.dicom.identity import Identity
from hdrplan.io.dicom.objects import ds, new_object, reference, save
from hdrplan.io.dicom.sop_classes import RT_DOSE, RT_PLAN, RT_STRUCTURE_SET
from hdrplan.io.dicom.uids import new_uid

__all__ = ["dvh_item", "write_dose_grid"]

# Bins that rise by this part of their dose: a dose read from them by linear interpolation is exact to a thousandth, and
# a DVH with sources inside, up to hundreds of times its lowest dose, stays below the 64 kB of an element.
BIN_FRAC, MAX_BINS = 0.005, 1800


def write_dose_grid(
    path: Path,
    dose: Volume,
    identity: Identity,
    *,
    plan_uid: str,
    structures_uid: str = "",
    dvh: Sequence[tuple[int, npt.ArrayLike, npt.ArrayLike]] = (),
    bits: int = 32,
) -> str:
    """Write a dose grid.

    Parameters
    ----------
    path : Path
    dose : Volume
        Gy.
    identity : Identity
    plan_uid, structures_uid : str
        What the dose refers to; DVHs are written where the structure set is named.
    dvh : sequence of (ROI number, dose_gy, volume_cc)
        Cumulative, dose rising from 0 (:func:`dvh_item`).
    bits : {16, 32}
        Stored bits. 32 keep a dose near a source and a far one; some programs read 16 only.

    Returns
    -------
    str
        SOP instance UID.

    Raises
    ------
    InputError
        Other bits, doses that are negative or not finite.
    """
    if bits not in (16, 32):
        raise InputError("a dose is stored in 16 or 32 bits", got=bits)
    dose_gy = np.asarray(dose.values_zyx, dtype=np.float64)
    if dose_gy.min() < 0 or not np.isfinite(dose_gy).all():
        raise InputError("doses must be finite and not negative (Gy)", got=float(np.nanmin(dose_gy)))
    scaling_gy = _scaling_gy(float(dose_gy.max()), 2**bits - 1)
    uid = new_uid(identity.study_uid, identity.frame_uid, "dose", plan_uid, bits)
    data = new_object(RT_DOSE, "RTDOSE", identity, uid=uid, series="dose")
    data.InstanceNumber = 1
    grid = dose.grid
    row, column, depth = (grid.direction[:, k] for k in range(3))
    normal = np.cross(row, column)
    data.SliceThickness = ds(grid.spacing_mm[2])
    data.ImagePositionPatient = ds(grid.origin_mm)
    data.ImageOrientationPatient = ds((*row, *column))
    data.PixelSpacing = ds((grid.spacing_mm[1], grid.spacing_mm[0]))
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.NumberOfFrames, data.Rows, data.Columns = grid.shape_zyx
    data.FrameIncrementPointer = 0x3004000C
    data.BitsAllocated = data.BitsStored = bits
    data.HighBit, data.PixelRepresentation = bits - 1, 0
    data.DoseUnits, data.DoseType = "GY", "PHYSICAL"
    data.DoseSummationType = "PLAN"
    data.TissueHeterogeneityCorrection = "WATER"
    data.GridFrameOffsetVector = ds(np.arange(grid.shape_zyx[0]) * grid.spacing_mm[2] * float(np.sign(depth @ normal)))
    data.DoseGridScaling = ds(scaling_gy)
    data.ReferencedRTPlanSequence = [reference(RT_PLAN, plan_uid)]
    if dvh and structures_uid:
        data.ReferencedStructureSetSequence = [reference(RT_STRUCTURE_SET, structures_uid)]
        data.DVHSequence = [dvh_item(*row) for row in dvh]
    data.PixelData = np.rint(dose_gy / scaling_gy).astype(f"<u{bits // 8}").tobytes()
    data["PixelData"].VR = "OW"
    save(data, path)
    return uid


def _scaling_gy(largest_gy: float, top: int) -> float:
    """Gy per stored unit as it will be read back: rounded up to 16 characters, so that the largest dose still fits."""
    scaling_gy = float(ds(max(largest_gy, 1e-6) / top * (1 + 1e-9)))
    while largest_gy / scaling_gy > top:
        scaling_gy = float(ds(scaling_gy * (1 + 1e-9)))
    return scaling_gy


def dvh_item(roi_number: int, dose_gy: npt.ArrayLike, volume_cc: npt.ArrayLike) -> Any:
    """Return an item of the DVH sequence: cumulative, in cm3, in bins as wide as 0.5 % of their dose.

    Equal bins up to the largest dose would be several Gy wide in a CTV with sources inside.

    Parameters
    ----------
    roi_number : int
    dose_gy, volume_cc : (n,) arrays
        Volume that receives at least the dose.
    """
    from pydicom.dataset import Dataset

    dose, volume = np.asarray(dose_gy, dtype=np.float64), np.asarray(volume_cc, dtype=np.float64)
    order = np.argsort(dose, kind="stable")
    dose, volume = dose[order], volume[order]
    # Widths are written with few digits: edges are where these widths put them.
    widths = np.maximum(np.diff(_bin_edges(dose, volume)).round(6), 1e-6)
    edges = np.concatenate(([0.0], np.cumsum(widths)))
    at = np.interp(edges, dose, volume, left=volume[0])
    item = Dataset()
    roi = Dataset()
    roi.DVHROIContributionType, roi.ReferencedROINumber = "INCLUDED", roi_number
    item.DVHReferencedROISequence = [roi]
    item.DVHType, item.DoseUnits, item.DoseType = "CUMULATIVE", "GY", "PHYSICAL"
    item.DVHDoseScaling, item.DVHVolumeUnits = ds(1.0), "CM3"
    item.DVHNumberOfBins = len(edges)
    widths = np.append(widths, widths[-1])
    item.DVHData = ds(np.column_stack((widths, at.round(7))).ravel())
    return item


def _bin_edges(dose_gy: FloatArray, volume_cc: FloatArray) -> FloatArray:
    """Return where bins begin: at 0, at the lowest dose that any point has, and from there in steps to the largest."""
    top_gy = float(dose_gy[-1])
    if not top_gy > 0:
        return np.array([0.0, 1e-6])
    whole = np.flatnonzero(volume_cc >= volume_cc[0] * (1 - 1e-9))
    low_gy = max(float(dose_gy[whole[-1]]), top_gy * 1e-4)
    if low_gy >= top_gy:
        return np.array([0.0, top_gy])
    steps = min(MAX_BINS - 2, max(2, math.ceil(math.log(top_gy / low_gy) / math.log1p(BIN_FRAC))))
    return np.concatenate(([0.0], np.geomspace(low_gy, top_gy, steps + 1)))
