"""A DICOM Segmentation as highdicom writes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from dicom_twins import saved


def segmentation(path: Path, inside: np.ndarray, *, kind: str, labels: tuple[str, ...] = ("ball", "half")) -> Path:
    """Write two segments as highdicom does: a frame a plane, empty planes left out.

    In a label map, in which they cannot overlap, the first is without the second.

    ``inside`` is a cube of voxels of 1 mm.
    """
    import highdicom

    if kind not in highdicom.seg.SegmentationTypeValues.__members__:
        pytest.skip("this highdicom writes no label maps")
    n = len(inside)
    slices = []
    for k in range(n):
        values = {
            "SOPInstanceUID": generate_uid(),
            "Modality": "CT",
            "PatientID": "solids",
            "StudyInstanceUID": "1.2.3",
            "SeriesInstanceUID": "1.2.4",
            "FrameOfReferenceUID": "1.2.9",
            "ImagePositionPatient": [0.5 - n / 2, 0.5 - n / 2, k + 0.5 - n / 2],
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
            "PixelSpacing": [1.0, 1.0],
            "SliceThickness": 1.0,
            "Rows": n,
            "Columns": n,
            "SeriesNumber": 1,
            "InstanceNumber": k + 1,
        }
        empty = dict.fromkeys(("StudyID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber"), "")
        empty |= dict.fromkeys(("StudyDate", "StudyTime", "ReferringPhysicianName"), "")
        slices.append(dcmread(saved(path.with_suffix(f".{k}"), CTImageStorage, **(values | empty))))
    half = inside & (np.arange(n) < n // 2)
    pixels = np.stack((inside, half), axis=-1).astype(np.float32 if kind == "FRACTIONAL" else np.uint8)
    if kind == "LABELMAP":
        pixels = (inside + 1 * half).astype(np.uint8)
    return segments_of(path, slices, pixels, labels, kind=kind)


def segments_of(path: Path, slices: list[Dataset], pixels: np.ndarray, labels: Sequence[str], *, kind: str) -> Path:
    """Write segments of some slices as highdicom does.

    ``pixels`` is (z, y, x, segment); of a label map (z, y, x).
    """
    import highdicom

    described = [
        highdicom.seg.SegmentDescription(
            segment_number=k + 1,
            segment_label=label,
            segmented_property_category=codes.SCT.Organ,
            segmented_property_type=codes.SCT.Liver,
            algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for k, label in enumerate(labels)
    ]
    data = highdicom.seg.Segmentation(
        source_images=slices,
        pixel_array=pixels,
        segmentation_type=highdicom.seg.SegmentationTypeValues(kind),
        segment_descriptions=described,
        series_instance_uid=generate_uid(),
        series_number=2,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="test",
        manufacturer_model_name="test",
        software_versions="1",
        device_serial_number="1",
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    data.save_as(path)
    return path
