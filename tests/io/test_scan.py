"""A CT and its segmentations, from whatever they lie in."""

from __future__ import annotations

import gzip
import json
import struct
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import small_scan
from hdrplan.errors import FormatError, InputError
from hdrplan.geometry import Structure, Volume, on_grid
from hdrplan.io import (
    identity_of_case,
    read_names,
    read_scan,
    write_ct_series,
    write_segmentation,
    write_structure_set,
    write_volume,
)

NAMES = ["liver", "lesion", "stomach", "rib_right_9", "liver_vessels"]


def write_ct(folder: Path) -> Path:
    write_volume(folder / "ct.nii.gz", small_scan.ct())
    return folder / "ct.nii.gz"


def with_names_in_header(path: Path, labels: dict[str, int]) -> None:
    """Put a table of labels into the header extension, as TotalSegmentator does."""
    raw = gzip.decompress(path.read_bytes())
    rows = "".join(f'<Label Key="{k}" Red="1" Alpha="1"><![CDATA[{name}]]></Label>\n' for name, k in labels.items())
    text = f'<?xml version="1.0"?><CaretExtension><LabelTable>{rows}</LabelTable></CaretExtension>'.encode()
    text += b" " * (-(len(text) + 8) % 16)
    start = 352 + 8 + len(text)
    head = raw[:108] + struct.pack("<f", float(start)) + raw[112:348] + b"\x01\0\0\0"
    path.write_bytes(gzip.compress(head + struct.pack("<ii", 8 + len(text), 0) + text + raw[352:]))


def check(structures: tuple[Structure, ...], names: list[str] = NAMES) -> None:
    truth, ct = small_scan.masks(), small_scan.ct()
    assert sorted(s.name for s in structures) == sorted(names)
    for s in structures:
        assert s.role == "other"
        assert (on_grid(s, ct.grid).mask_zyx == truth[s.name]).all(), s.name


def test_labels_with_names_in_their_header(tmp_path: Path) -> None:
    write_ct(tmp_path)
    labels = small_scan.write_labels(tmp_path / "seg.nii.gz", NAMES)
    with_names_in_header(tmp_path / "seg.nii.gz", labels)
    scan = read_scan([tmp_path])
    check(scan.structures)
    assert [kind for _, kind in scan.kinds] == ["CT", "label map, 5 structures"]
    assert (scan.ct.values_zyx == small_scan.ct().values_zyx).all()
    assert read_names(tmp_path / "seg.nii.gz") == {k: name for name, k in labels.items()}


@pytest.mark.parametrize(
    "written",
    [
        lambda labels: labels,
        lambda labels: {str(k): name for name, k in labels.items()},
        lambda labels: {"channel_names": {"0": "CT"}, "labels": {"background": 0} | labels, "numTraining": 1},
        lambda labels: {"labels": {"0": "background"} | {str(k): name for name, k in labels.items()}},
    ],
    ids=["names to values", "values to names", "nnU-Net", "MONAI"],
)
@pytest.mark.parametrize("place", ["seg.json", "dataset.json", "../dataset.json"])
def test_labels_with_names_beside_them(tmp_path: Path, written, place: str) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "case"
    folder.mkdir()
    labels = small_scan.write_labels(folder / "seg.nii.gz", NAMES)
    (folder / place).write_text(json.dumps(written(labels)))
    check(read_scan([write_ct(folder), folder / "seg.nii.gz"]).structures)


def test_labels_without_names_are_refused_unless_named(tmp_path: Path) -> None:
    ct = write_ct(tmp_path)
    labels = small_scan.write_labels(tmp_path / "seg.nrrd", NAMES)
    with pytest.raises(FormatError, match=r"labels need names.*5 labels without"):
        read_scan([ct, tmp_path / "seg.nrrd"])
    (tmp_path / "own.json").write_text(json.dumps(labels))
    check(read_scan([ct, tmp_path / "seg.nrrd"], names=tmp_path / "own.json").structures)


def test_a_mask_is_named_by_its_json_before_its_file(tmp_path: Path) -> None:
    ct = write_ct(tmp_path)
    labels = small_scan.write_labels(tmp_path / "prediction.nii.gz", ["liver"])
    assert [s.name for s in read_scan([ct, tmp_path / "prediction.nii.gz"]).structures] == ["prediction"]
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "tumour": 2} | labels}))
    assert [s.name for s in read_scan([ct, tmp_path / "prediction.nii.gz"]).structures] == ["liver"]


def test_a_folder_of_masks_beside_the_ct(tmp_path: Path) -> None:
    write_ct(tmp_path)
    (tmp_path / "segmentations").mkdir()
    for name, mask in small_scan.masks().items():
        write_volume(tmp_path / "segmentations" / f"{name}.nii.gz", Volume(small_scan.GRID, mask.astype(np.uint8)))
    write_volume(
        tmp_path / "segmentations" / "heart.nii.gz",
        Volume(small_scan.GRID, np.zeros(small_scan.GRID.shape_zyx, np.uint8)),
    )
    scan = read_scan([tmp_path])
    check(scan.structures)
    assert [name for name, _ in scan.left_out] == ["heart"]


def test_a_segmentation_of_slicer(tmp_path: Path) -> None:
    write_segmentation(tmp_path / "s.seg.nrrd", small_scan.structures(), small_scan.GRID)
    check(read_scan([write_ct(tmp_path), tmp_path / "s.seg.nrrd"]).structures)


def dicom(folder: Path) -> None:
    identity = write_ct_series(folder, small_scan.ct(), identity_of_case("x", written=datetime(2026, 1, 1, tzinfo=UTC)))
    drawn = [s for s in small_scan.structures() if s.name in ("stomach", "lesion")]
    write_structure_set(folder / "RS.dcm", drawn, (), identity, ct=small_scan.GRID)


def test_a_dicom_series_with_a_structure_set(tmp_path: Path) -> None:
    dicom(tmp_path)
    scan = read_scan([tmp_path])
    check(scan.structures, ["stomach", "lesion"])
    assert [kind for _, kind in scan.kinds] == ["DICOM series of 40 slices", "RT structure set, 2 structures"]


def test_structures_of_another_frame_are_refused(tmp_path: Path) -> None:
    from pydicom import dcmread

    dicom(tmp_path)
    data = dcmread(tmp_path / "RS.dcm")
    for sequence in (data.ReferencedFrameOfReferenceSequence, data.StructureSetROISequence):
        for item in sequence:
            for keyword in ("FrameOfReferenceUID", "ReferencedFrameOfReferenceUID"):
                if keyword in item:
                    setattr(item, keyword, "1.2.3.4")
    for item in data.ReferencedFrameOfReferenceSequence:
        del item.RTReferencedStudySequence
    data.FrameOfReferenceUID = "1.2.3.4"
    data.save_as(tmp_path / "RS.dcm")
    with pytest.raises(InputError, match="frame of reference"):
        read_scan([tmp_path])


def test_several_files_may_share_a_name(tmp_path: Path) -> None:
    ct = write_ct(tmp_path)
    for stem in ("a", "b"):
        labels = small_scan.write_labels(tmp_path / f"{stem}.nii.gz", ["liver", "stomach"])
        (tmp_path / f"{stem}.json").write_text(json.dumps(labels))
    names = [s.name for s in read_scan([ct, tmp_path / "a.nii.gz", tmp_path / "b.nii.gz"]).structures]
    assert names == ["liver", "stomach", "liver (b.nii.gz)", "stomach (b.nii.gz)"]


def test_what_is_no_ct_and_no_segmentation_is_refused(tmp_path: Path) -> None:
    ct = write_ct(tmp_path)
    values = small_scan.ct().values_zyx.astype(np.float32)
    write_volume(tmp_path / "shifted.nii.gz", Volume(small_scan.GRID, values + 1024.0))
    with pytest.raises(FormatError, match="HU"):
        read_scan([tmp_path / "shifted.nii.gz"])
    write_volume(tmp_path / "second.nii.gz", small_scan.ct())
    with pytest.raises(InputError, match=r"expected one CT, got ct\.nii\.gz, second\.nii\.gz"):
        read_scan([ct, tmp_path / "second.nii.gz"])
    small_scan.write_labels(tmp_path / "one.nii.gz", ["liver"])
    with pytest.raises(InputError, match="expected one CT, got none"):
        read_scan([tmp_path / "one.nii.gz"])
    (tmp_path / "notes.txt").write_text("liver")
    with pytest.raises(FormatError, match="NIfTI, NRRD, MetaImage or DICOM"):
        read_scan([ct, tmp_path / "notes.txt"])


def test_a_dose_beside_a_ct_is_left_out_of_a_folder_and_refused_by_its_own_path(tmp_path: Path) -> None:
    ct = write_ct(tmp_path)
    square = ((small_scan.points_mm() - small_scan.LESION_MM) ** 2).sum(axis=1).reshape(small_scan.GRID.shape_zyx)
    write_volume(tmp_path / "dose.nrrd", Volume(small_scan.GRID, (5000.0 / (25.0 + square)).astype(np.float32)))
    write_segmentation(tmp_path / "structures.seg.nrrd", small_scan.structures(), small_scan.GRID)
    scan = read_scan([tmp_path])
    check(scan.structures)
    assert scan.left_out == (("dose.nrrd", "neither a CT in HU nor labels"),)
    with pytest.raises(FormatError, match=r"dose\.nrrd.*expected a CT in HU"):
        read_scan([ct, tmp_path / "dose.nrrd"])
    ct.unlink()
    with pytest.raises(FormatError, match=r"dose\.nrrd.*expected a CT in HU"):
        read_scan([tmp_path])


def test_structures_outside_the_ct_are_left_out_or_refused(tmp_path: Path) -> None:
    ct = write_ct(tmp_path)
    far = small_scan.GRID.box([1000, 0, 0], small_scan.GRID.shape_zyx)
    there = Structure(name="kidney", role="other", grid=far, mask_zyx=small_scan.masks()["stomach"])
    write_segmentation(tmp_path / "far.seg.nrrd", [there], far)
    with pytest.raises(InputError, match="structures must lie inside the CT"):
        read_scan([ct, tmp_path / "far.seg.nrrd"])
    write_segmentation(tmp_path / "near.seg.nrrd", small_scan.structures(), small_scan.GRID)
    scan = read_scan([ct, tmp_path / "far.seg.nrrd", tmp_path / "near.seg.nrrd"])
    check(scan.structures)
    assert [name for name, _ in scan.left_out] == ["kidney"]


def test_headers_that_hold_no_names(tmp_path: Path) -> None:
    labels = small_scan.write_labels(tmp_path / "seg.nii.gz", ["liver", "stomach"])
    with pytest.raises(FormatError, match="names of labels in the header"):
        read_names(tmp_path / "seg.nii.gz")
    with_names_in_header(tmp_path / "seg.nii.gz", labels)
    raw = gzip.decompress((tmp_path / "seg.nii.gz").read_bytes())
    for broken in (raw[:360], raw[:108] + struct.pack("<f", float("nan")) + raw[112:], raw[:100]):
        (tmp_path / "broken.nii.gz").write_bytes(gzip.compress(broken))
        with pytest.raises(FormatError):
            read_names(tmp_path / "broken.nii.gz")


def test_the_real_output_of_totalsegmentator(shared: Path) -> None:
    scan = read_scan([shared / "data" / "ts_torso_3mm" / "original"])
    assert len(scan.structures) == 61
    assert len(scan.left_out) == 56
    assert {s.name for s in scan.structures} > {"liver", "stomach", "duodenum", "rib_right_9", "vertebrae_L1"}
