"""Contours straight from their bytes are those that pydicom reads, and whatever is unusual is left to pydicom."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from benchmarks.dvh_solids import SOLIDS, write_structures
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian

from hdrplan.errors import FormatError
from hdrplan.io.dicom import structures
from hdrplan.io.dicom.contour_items import plain_contours
from hdrplan.io.dicom.structures import read_structure_set

Edit = Callable[[Dataset], None]


def nothing(data: Dataset) -> None:
    pass


def implicit(data: Dataset) -> None:
    data.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian


def sequence_of(data: Dataset) -> list[Dataset]:
    return data.ROIContourSequence[0].ContourSequence


def endless(data: Dataset) -> None:
    """Sequences and items of undefined length."""
    data.ROIContourSequence[0]["ContourSequence"].is_undefined_length = True
    for item in sequence_of(data):
        item.is_undefined_length_sequence_item = True


def nested(data: Dataset) -> None:
    for item in sequence_of(data):
        image = Dataset()
        image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3"
        item.ContourImageSequence = [image]


def mixed(data: Dataset) -> None:
    first, second, third, *_ = sequence_of(data)
    first.ContourGeometricType = "POINT"
    first.ContourData, first.NumberOfContourPoints = first.ContourData[:3], 1
    second.ContourGeometricType = "OPEN_NONPLANAR"
    del third.ContourGeometricType


def empty(data: Dataset) -> None:
    sequence_of(data)[0].ContourData, sequence_of(data)[0].NumberOfContourPoints = [], 0
    del sequence_of(data)[1].ContourData
    del sequence_of(data)[1].NumberOfContourPoints


def edited(folder: Path, edit: Edit) -> Path:
    path = write_structures(folder / "rs.dcm", {"cone": SOLIDS["cone"].contours(2.0)})
    data = pydicom.dcmread(path)
    edit(data)
    data.save_as(path, implicit_vr=edit is implicit)
    return path


def all_of(path: Path) -> tuple[list[list[np.ndarray]], list[str]]:
    drawn = read_structure_set(path)
    (roi,) = drawn.rois
    return [list(roi.closed_mm), list(roi.open_mm), list(roi.points_mm)], [note.id for note in drawn.warnings]


@pytest.mark.parametrize("edit", [nothing, implicit, endless, nested, mixed, empty])
def test_both_ways_read_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edit: Edit) -> None:
    path = edited(tmp_path, edit)
    calls: list[bool] = []

    def seen(element: object) -> object:
        found = plain_contours(element)
        calls.append(found is not None)
        return found

    monkeypatch.setattr(structures, "plain_contours", seen)
    quick, notes = all_of(path)
    assert calls == [edit is not endless]
    monkeypatch.setattr(structures, "plain_contours", lambda element: None)
    slow, same_notes = all_of(path)
    assert notes == same_notes
    for a, b in zip(quick, slow, strict=True):
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            np.testing.assert_array_equal(one, other)
    assert sum(map(len, quick)) > 0


def test_contours_with_another_number_of_points_than_stated_are_said_once(tmp_path: Path) -> None:
    def lost(data: Dataset) -> None:
        for item in sequence_of(data)[:2]:
            item.ContourData = item.ContourData[:-3]

    drawn = read_structure_set(edited(tmp_path, lost))
    assert [note.id for note in drawn.warnings] == ["contour-points-not-as-stated"]
    assert "2 contours" in drawn.warnings[0].sentence


def four_numbers(item: Dataset) -> None:
    item.ContourData = item.ContourData[:4]


def far(item: Dataset) -> None:
    item.ContourData = ["1e300", *item.ContourData[1:]]


@pytest.mark.parametrize("damage", [four_numbers, far])
def test_what_is_wrong_is_told_by_its_place(tmp_path: Path, damage: Edit) -> None:
    path = edited(tmp_path, lambda data: damage(sequence_of(data)[2]))
    with pytest.raises(FormatError, match=r"ContourSequence 3.*|ContourData") as caught:
        read_structure_set(path)
    assert "ContourSequence 3" in str(caught.value)


@pytest.mark.parametrize("word", [b"nan", b"inf", b"abc", b"1 2", b"1_2", b"0x1"])
def test_no_words_pass_for_numbers(tmp_path: Path, word: bytes) -> None:
    path = edited(tmp_path, nothing)
    raw = path.read_bytes()
    at = raw.index(b"DS", raw.index(b"CLOSED_PLANAR")) + 4
    end = raw.index(b"\\", at)
    path.write_bytes(raw[:at] + word.ljust(end - at)[: end - at] + raw[end:])
    with pytest.raises(FormatError, match="ContourData"):
        read_structure_set(path)


def test_an_unknown_form_is_refused(tmp_path: Path) -> None:
    path = edited(tmp_path, lambda data: setattr(sequence_of(data)[1], "ContourGeometricType", "SPLINE"))
    with pytest.raises(FormatError, match="a known form"):
        read_structure_set(path)
