"""Numbers that stand twice in a DICOM file, and what is not there: found by the fuzzer of grammar."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pydicom
import pytest

from demo_case import write_demo_dicom
from dicom_segmentation import segmentation
from dicom_twins import item, rt_structures, saved
from hdrplan.errors import FormatError
from hdrplan.io import read_brachy_plan, read_regions, read_structure_set, read_treatment_record

SQUARE = [np.array([[0, 0, z], [9, 0, z], [9, 9, z], [0, 9, z]], dtype=float) for z in (0.0, 3.0, 6.0)]


def with_twice(path: Path, keyword: str) -> Path:
    data = pydicom.dcmread(path)
    data[keyword].value.append(copy.deepcopy(data[keyword].value[0]))
    data.save_as(path)
    return path


def test_two_structures_of_one_number_are_refused(tmp_path: Path) -> None:
    """Both would take the contours of the one."""
    path = with_twice(rt_structures(tmp_path / "rs.dcm", {"liver": SQUARE, "ctv": SQUARE}), "StructureSetROISequence")
    with pytest.raises(FormatError, match=r"ROINumber .* must be another for each structure, got 1 once more"):
        read_structure_set(path)


def test_two_segments_of_one_number_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("highdicom")
    solid = np.zeros((12, 12, 12), dtype=bool)
    solid[3:9, 3:9, 3:9] = True
    path = tmp_path / "seg.dcm"
    segmentation(path, solid, kind="BINARY")
    with pytest.raises(FormatError, match="one item for each segment, got two with the number 1"):
        read_regions(with_twice(path, "SegmentSequence"))


def test_a_delivered_channel_without_any_time_is_refused(tmp_path: Path) -> None:
    """It counted as a channel of no number that gave no dose."""
    setup = item(ReferencedBrachyApplicationSetupNumber=1, RecordedChannelSequence=[item(ChannelLength=1200.0)])
    path = saved(
        tmp_path / "record.dcm", "1.2.840.10008.5.1.4.1.1.481.6", TreatmentSessionApplicationSetupSequence=[setup]
    )
    with pytest.raises(FormatError, match=r"DeliveredChannelTotalTime .* must be there, or control points"):
        read_treatment_record(path)


def test_a_contour_that_stands_twice_counts_once_and_is_said(tmp_path: Path) -> None:
    """Two equal contours cancelled: the structure lost a slice without a word."""
    path = rt_structures(tmp_path / "rs.dcm", {"liver": SQUARE})
    right = read_structure_set(path)
    data = pydicom.dcmread(path)
    contours = data.ROIContourSequence[0].ContourSequence
    contours.append(copy.deepcopy(contours[1]))
    data.save_as(path)
    found, warnings = read_structure_set(path).structure("liver", "OAR", None)
    assert found.volume_cc == right.structure("liver", "OAR", None)[0].volume_cc > 0
    assert [note.id for note in warnings] == ["contours-twice"]


def test_an_open_curve_that_stands_twice_is_one_and_is_said(tmp_path: Path) -> None:
    """A channel that was drawn once was two curves."""
    path = rt_structures(tmp_path / "rs.dcm", {"channel": SQUARE})
    data = pydicom.dcmread(path)
    contours = data.ROIContourSequence[0].ContourSequence
    for contour in contours:
        contour.ContourGeometricType = "OPEN_NONPLANAR"
    contours.append(copy.deepcopy(contours[1]))
    data.save_as(path)
    found = read_structure_set(path)
    assert len(found.rois[0].open_mm) == 3
    assert "contours-twice" in [note.id for note in found.warnings]


def test_one_setup_twice_in_a_fraction_group_is_refused(tmp_path: Path) -> None:
    """Its dose was added twice."""
    write_demo_dicom(tmp_path / "case")
    plan = read_brachy_plan(tmp_path / "case" / "RP.dcm")
    assert plan.prescription_gy > 0
    data = pydicom.dcmread(tmp_path / "case" / "RP.dcm")
    setups = data.FractionGroupSequence[0].ReferencedBrachyApplicationSetupSequence
    setups.append(copy.deepcopy(setups[0]))
    data.save_as(tmp_path / "case" / "RP.dcm")
    with pytest.raises(FormatError, match=r"ReferencedBrachyApplicationSetupNumber .* another for each item, got 1"):
        read_brachy_plan(tmp_path / "case" / "RP.dcm")
