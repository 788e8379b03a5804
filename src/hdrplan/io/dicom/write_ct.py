"""CT slices, for structures and doses to refer to where the CT did not come as DICOM."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from hdrplan.errors import InputError
from hdrplan.geometry import Volume
from hdrplan.io.dicom.identity import Identity
from hdrplan.io.dicom.objects import ds, new_object, save
from hdrplan.io.dicom.sop_classes import CT_IMAGE
from hdrplan.io.dicom.uids import new_uid

__all__ = ["write_ct_series"]


def write_ct_series(folder: Path, ct: Volume, identity: Identity) -> Identity:
    """Write ``CT_0001.dcm`` ... into an existing folder.

    Parameters
    ----------
    folder : Path
    ct : Volume
        HU.
    identity : Identity

    Returns
    -------
    Identity
        The same with the series' UIDs.

    Raises
    ------
    InputError
        Values outside the 16-bit range of CT, a left-handed grid.
    """
    grid = ct.grid
    hu = np.rint(ct.values_zyx)
    if hu.min() < -32768 or hu.max() > 32767:
        raise InputError("HU must fit into 16 bits", got=f"{hu.min():g} to {hu.max():g}")
    row, column = grid.direction[:, 0], grid.direction[:, 1]
    uids = []
    for k in range(grid.shape_zyx[0]):
        uid = new_uid(identity.study_uid, identity.frame_uid, "ct", k)
        data = new_object(CT_IMAGE, "CT", identity, uid=uid, series="ct")
        del data.OperatorsName
        data.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
        data.InstanceNumber = k + 1
        data.AcquisitionNumber = None
        data.PatientPosition = data.Laterality = ""
        data.KVP = None
        data.SliceThickness = ds(grid.spacing_mm[2])
        data.ImagePositionPatient = ds(grid.world([0, 0, k]))
        data.ImageOrientationPatient = ds((*row, *column))
        data.PixelSpacing = ds((grid.spacing_mm[1], grid.spacing_mm[0]))
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.Rows, data.Columns = grid.shape_zyx[1], grid.shape_zyx[2]
        data.BitsAllocated = data.BitsStored = 16
        data.HighBit, data.PixelRepresentation = 15, 1
        data.RescaleIntercept, data.RescaleSlope, data.RescaleType = ds(0.0), ds(1.0), "HU"
        data.PixelData = hu[k].astype("<i2").tobytes()
        data["PixelData"].VR = "OW"
        save(data, folder / f"CT_{k + 1:04d}.dcm")
        uids.append(uid)
    return replace(identity, ct_series_uid=new_uid(identity.study_uid, "ct"), ct_instance_uids=tuple(uids))
