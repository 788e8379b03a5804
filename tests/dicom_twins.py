"""DICOM objects made for tests, without hdrplan's writers: what vendors write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

RT_PLAN = "1.2.840.10008.5.1.4.1.1.481.5"
RT_DOSE = "1.2.840.10008.5.1.4.1.1.481.2"
RT_STRUCTURES = "1.2.840.10008.5.1.4.1.1.481.3"
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"


def item(**values: Any) -> Dataset:
    data = Dataset()
    for keyword, value in values.items():
        setattr(data, keyword, value)
    return data


def saved(path: Path, sop_class: str, **values: Any) -> Path:
    """Write a minimal file of one class."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = values.get("SOPInstanceUID", "1.2.3")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = sop_class, "1.2.3"
    for keyword, value in values.items():
        setattr(data, keyword, value)
    data.save_as(str(path), enforce_file_format=True)
    return path


def control_points(dwells: list[tuple[float, float, float]], *, restart: bool = False) -> list[Dataset]:
    """Return pairs for (relative position, weight, x of the position); y = z = 0."""
    points, at = [], 0.0
    for relative, weight, x in dwells:
        begin = 0.0 if restart else at
        for end in (begin, begin + weight):
            points.append(
                item(
                    ControlPointIndex=len(points),
                    ControlPointRelativePosition=relative,
                    ControlPoint3DPosition=[x, 0.0, 0.0],
                    CumulativeTimeWeight=end,
                )
            )
        at = begin + weight
    return points


def channel(dwells: list[tuple[float, float, float]], total_s: float, final: float, **more: Any) -> Dataset:
    restart = more.pop("restart", False)
    values = {
        "ChannelNumber": 1,
        "ChannelLength": 1300,
        "ChannelTotalTime": total_s,
        "FinalCumulativeTimeWeight": final,
        "SourceApplicatorID": "needle",
        "ReferencedSourceNumber": 1,
        "BrachyControlPointSequence": control_points(dwells, restart=restart),
    }
    return item(**(values | more))


def rt_plan(path: Path, channels: list[Dataset], **more: Any) -> Path:
    values: dict[str, Any] = {
        "Modality": "RTPLAN",
        "Manufacturer": "test",
        "RTPlanLabel": "plan",
        "BrachyTreatmentType": "HDR",
        "FrameOfReferenceUID": "1.2.9",
        "SourceSequence": [
            item(
                SourceNumber=1,
                SourceIsotopeName="Ir-192",
                SourceIsotopeHalfLife=73.83,
                ReferenceAirKermaRate=40000,
                SourceStrengthReferenceDate="20240101",
                SourceStrengthReferenceTime="120000",
            )
        ],
        "ApplicationSetupSequence": [item(ApplicationSetupNumber=1, ChannelSequence=channels)],
    }
    return saved(path, RT_PLAN, **(values | more))


def rt_structures(path: Path, rois: dict[str, list[np.ndarray]], *, kind: str = "CLOSED_PLANAR", **more: Any) -> Path:
    values: dict[str, Any] = {
        "Modality": "RTSTRUCT",
        "StructureSetLabel": "set",
        "StructureSetROISequence": [item(ROINumber=k + 1, ROIName=name) for k, name in enumerate(rois)],
        "ROIContourSequence": [
            item(
                ReferencedROINumber=k + 1,
                ContourSequence=[
                    item(
                        ContourGeometricType=kind,
                        NumberOfContourPoints=len(points),
                        ContourData=np.asarray(points).round(6).ravel().tolist(),
                    )
                    for points in contours
                ],
            )
            for k, contours in enumerate(rois.values())
        ],
    }
    return saved(path, RT_STRUCTURES, **(values | more))


def rt_dose(path: Path, stored: np.ndarray, offsets: list[float], **more: Any) -> Path:
    values: dict[str, Any] = {
        "Modality": "RTDOSE",
        "DoseUnits": "GY",
        "DoseType": "PHYSICAL",
        "DoseSummationType": "PLAN",
        "DoseGridScaling": 0.001,
        "GridFrameOffsetVector": offsets,
        "ImagePositionPatient": [10.0, 20.0, 30.0],
        "ImageOrientationPatient": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        "PixelSpacing": [2.0, 1.5],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "NumberOfFrames": stored.shape[0],
        "Rows": stored.shape[1],
        "Columns": stored.shape[2],
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 0,
        "PixelData": stored.astype("<u2").tobytes(),
    }
    return saved(path, RT_DOSE, **(values | more))


def ct_slice(path: Path, z: float, hu: np.ndarray, **more: Any) -> Path:
    values: dict[str, Any] = {
        "SOPInstanceUID": f"1.2.3.{round(z * 100) + 100000}",
        "Modality": "CT",
        "SeriesInstanceUID": "1.2.7",
        "StudyInstanceUID": "1.2.8",
        "FrameOfReferenceUID": "1.2.9",
        "PatientName": "Doe^Jane",
        "PatientID": "4711",
        "ImagePositionPatient": [-30.0, -20.0, z],
        "ImageOrientationPatient": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        "PixelSpacing": [2.0, 2.0],
        "SliceThickness": 3.0,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": hu.shape[0],
        "Columns": hu.shape[1],
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 0,
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
        "PixelData": (hu + 1024).astype("<u2").tobytes(),
    }
    return saved(path, CT_IMAGE, **(values | more))
