"""What lies beside a CT in a folder: catheters drawn in 3D Slicer, the same CT once more."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import small_scan
from hdrplan.errors import FormatError, InputError
from hdrplan.geometry import Catheter, Grid, Volume
from hdrplan.io import identity_of_case, read_scan, write_ct_series, write_markups, write_volume

NEEDLES = tuple(
    Catheter(f"C_{k}", np.array([[-70.0, y, 60.0], [-40.0, y, 66.0], [-12.0, y, 72.0]]))
    for k, y in enumerate((-10.0, 0.0, 10.0), start=1)
)


def scan_folder(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    write_volume(folder / "ct.nii.gz", small_scan.ct())
    labels = small_scan.write_labels(folder / "organs.nii.gz", ["liver", "lesion"])
    (folder / "organs.json").write_text(json.dumps(labels))
    return folder


def write_markup(path: Path, kind: str, points: list[list[float]], name: str = "") -> None:
    controls = [{"position": point, "positionStatus": "defined"} for point in points]
    markup = {"type": kind, "coordinateSystem": "LPS", "coordinateUnits": "mm", "controlPoints": controls}
    path.write_text(json.dumps({"markups": [markup | ({"name": name} if name else {})]}))


def test_one_file_holds_all_catheters(tmp_path: Path) -> None:
    write_markups(scan_folder(tmp_path) / "catheters.mrk.json", NEEDLES)
    scan = read_scan([tmp_path])
    assert [c.name for c in scan.catheters] == ["C_1", "C_2", "C_3"]
    assert np.abs(scan.catheters[1].points_mm - NEEDLES[1].points_mm).max() < 1e-6
    assert ("catheters.mrk.json", "3 catheters") in scan.kinds


def test_slicer_writes_a_file_for_each(tmp_path: Path) -> None:
    scan_folder(tmp_path)
    for needle in NEEDLES:
        write_markup(tmp_path / f"{needle.name}.mrk.json", "Curve", needle.points_mm.tolist())
    # An export of all of them beside it, and what is no catheter.
    write_markups(tmp_path / "all.mrk.json", NEEDLES)
    write_markup(tmp_path / "L.mrk.json", "Line", [[-20.0, -20.0, 70.0], [-20.0, 10.0, 70.0]])
    write_markup(tmp_path / "F.mrk.json", "Fiducial", [[-20.0, -5.0, 70.0]])
    write_markup(tmp_path / "far.mrk.json", "Curve", [[900.0, 0.0, 0.0], [950.0, 0.0, 0.0], [990.0, 0.0, 0.0]])
    (tmp_path / "broken.mrk.json").write_text("{")
    scan = read_scan([tmp_path])
    assert len(scan.catheters) == 3
    assert len({c.name for c in scan.catheters}) == 3
    left_out = dict(scan.left_out)
    assert "ruler" in left_out["L.mrk.json"]
    assert "a catheter is a Curve or a Line" in left_out["F.mrk.json"]
    assert left_out["far.mrk.json"] == "catheters outside the CT"
    assert "broken.mrk.json" in left_out
    # A needle that was named by its own path is meant.
    named = read_scan([tmp_path, tmp_path / "L.mrk.json"])
    assert len(named.catheters) == 4
    with pytest.raises(FormatError, match="a catheter is a Curve or a Line"):
        read_scan([tmp_path, tmp_path / "F.mrk.json"])


def test_the_same_ct_twice_in_a_folder_is_told(tmp_path: Path) -> None:
    scan_folder(tmp_path)
    write_volume(tmp_path / "export.nrrd", small_scan.ct())
    scan = read_scan([tmp_path])
    assert [kind for _, kind in scan.kinds].count("CT") == 1
    assert ("export.nrrd", "the same CT once more") in scan.left_out


def test_a_series_beside_its_conversion(tmp_path: Path) -> None:
    scan_folder(tmp_path)
    (tmp_path / "dicom").mkdir()
    write_ct_series(
        tmp_path / "dicom", small_scan.ct(), identity_of_case("x", written=datetime(2026, 1, 1, tzinfo=UTC))
    )
    scan = read_scan([tmp_path])
    assert scan.kinds[0] == ("CT", "DICOM series of 40 slices")
    assert ("ct.nii.gz", "the same CT once more") in scan.left_out
    assert [s.name for s in scan.structures] == ["liver", "lesion"]


def test_turned_and_flipped_axes_are_the_same_ct(tmp_path: Path) -> None:
    ct = small_scan.ct()
    # Every voxel keeps its place in the patient: x from left to right, and slices along y.
    flipped = Grid(
        shape_zyx=ct.grid.shape_zyx,
        origin_mm=ct.grid.world(np.array([ct.grid.shape_zyx[2] - 1, 0, 0])),
        spacing_mm=ct.grid.spacing_mm,
        direction=ct.grid.direction @ np.diag([-1.0, 1.0, 1.0]),
    )
    turned = Grid(
        shape_zyx=(ct.grid.shape_zyx[1], ct.grid.shape_zyx[0], ct.grid.shape_zyx[2]),
        origin_mm=ct.grid.origin_mm,
        spacing_mm=ct.grid.spacing_mm[[0, 2, 1]],
        direction=ct.grid.direction[:, [0, 2, 1]],
    )
    others = {
        "flipped": Volume(flipped, np.ascontiguousarray(ct.values_zyx[:, :, ::-1])),
        "turned": Volume(turned, np.ascontiguousarray(ct.values_zyx.transpose(1, 0, 2))),
    }
    for name, other in others.items():
        folder = scan_folder(tmp_path / name)
        write_volume(folder / "other.nrrd", other)
        assert ("other.nrrd", "the same CT once more") in read_scan([folder]).left_out, name
        # What differs in one voxel, or lies elsewhere, is another CT.
        values = other.values_zyx.copy()
        values[20, 20, 20] += 5
        write_volume(folder / "other.nrrd", Volume(other.grid, values))
        with pytest.raises(InputError, match=r"expected one CT, got ct\.nii\.gz, other\.nrrd"):
            read_scan([folder])


def test_the_same_ct_elsewhere_is_another(tmp_path: Path) -> None:
    scan_folder(tmp_path)
    grid = small_scan.GRID
    origin_mm = grid.origin_mm + np.array([0.0, 0.0, 3.0])
    moved = Grid(shape_zyx=grid.shape_zyx, origin_mm=origin_mm, spacing_mm=grid.spacing_mm)
    write_volume(tmp_path / "moved.nii.gz", Volume(moved, small_scan.ct().values_zyx))
    with pytest.raises(InputError, match=r"expected one CT, got ct\.nii\.gz, moved\.nii\.gz"):
        read_scan([tmp_path])


def test_masks_of_an_archive_made_on_macos_are_found_by_what_people_type(tmp_path: Path) -> None:
    """Its file names hold "ä" as "a" and two dots: "Did you mean 'Läsion'?" was the answer to 'Läsion'."""
    write_volume(tmp_path / "ct.nii.gz", small_scan.ct())
    (tmp_path / "masks").mkdir()
    for name, key in (("Läsion", "lesion"), ("Leber", "liver")):
        mask = Volume(small_scan.GRID, small_scan.masks()[key].astype(np.uint8))
        write_volume(tmp_path / "masks" / unicodedata.normalize("NFD", f"{name}.nii.gz"), mask)
    assert "Läsion" in [s.name for s in read_scan([tmp_path]).structures]
