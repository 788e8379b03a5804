"""A CT and a DICOM Segmentation that is not as one hopes: many segments, empty ones, overlapping ones, elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import generate_uid

import small_scan
from dicom_segmentation import segments_of
from hdrplan.errors import HdrPlanError
from hdrplan.geometry import on_grid
from hdrplan.io import Scan, identity_of_case, read_scan, write_ct_series

MASKS = small_scan.masks()
EMPTY = np.zeros_like(MASKS["liver"])


def scan_of(folder: Path, masks: dict[str, np.ndarray], **elsewhere: object) -> Scan:
    """Read a series and the segments of its slices, which say ``elsewhere`` of themselves."""
    pytest.importorskip("highdicom")
    write_ct_series(folder, small_scan.ct(), identity_of_case("x", written=datetime(2026, 1, 1, tzinfo=UTC)))
    slices = sorted((dcmread(path) for path in folder.iterdir()), key=_height)
    for one in slices:
        for keyword in ("AccessionNumber", "PatientBirthDate", "PatientSex", "ReferringPhysicianName", "StudyTime"):
            if keyword not in one:
                setattr(one, keyword, "")
        for keyword, value in elsewhere.items():
            setattr(one, keyword, value)
    pixels = np.stack(list(masks.values()), axis=-1).astype(np.uint8)
    segments_of(folder / "SEG.dcm", slices, pixels, list(masks), kind="BINARY")
    return read_scan([folder])


def _height(one: Dataset) -> float:
    return float(one.ImagePositionPatient[2])


def test_three_hundred_segments_sixty_of_them_empty(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    many = {name: MASKS[name] for name in ("liver", "lesion")}
    for k in range(298):
        many[f"thing {k}"] = EMPTY.copy()
        if k >= 60:
            many[f"thing {k}"].flat[rng.integers(0, EMPTY.size, 5)] = True
    scan = scan_of(tmp_path, many)
    assert [s.name for s in scan.structures] == [name for name, mask in many.items() if mask.any()]
    for structure in scan.structures[::40]:
        assert (on_grid(structure, scan.ct.grid).mask_zyx == many[structure.name]).all()
    assert [name for name, _ in scan.left_out] == [f"thing {k}" for k in range(60)]


def test_segments_that_overlap_keep_what_they_share(tmp_path: Path) -> None:
    both = {"liver": MASKS["liver"] | MASKS["lesion"], "lesion": MASKS["lesion"]}
    found = {s.name: on_grid(s, small_scan.GRID).mask_zyx for s in scan_of(tmp_path, both).structures}
    assert all((found[name] == mask).all() for name, mask in both.items())


@pytest.mark.parametrize(
    ("masks", "elsewhere", "says"),
    [
        ({"liver": EMPTY}, {}, r"at least one structure must have a volume, got liver: no voxel"),
        (MASKS, {"FrameOfReferenceUID": generate_uid()}, r"share the CT's frame of reference"),
        (MASKS, {"PatientID": "somebody else"}, r"must have one PatientID"),
    ],
)
def test_segments_of_nothing_or_of_elsewhere_are_refused(
    tmp_path: Path, masks: dict[str, np.ndarray], elsewhere: dict[str, object], says: str
) -> None:
    with pytest.raises(HdrPlanError, match=says):
        scan_of(tmp_path, masks, **elsewhere)
