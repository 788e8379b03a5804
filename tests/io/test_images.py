"""Images and segmentations of other programs: real files, in their right place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from hdrplan.errors import FormatError, InputError, ResourceError
from hdrplan.geometry import Grid, Volume
from hdrplan.io import (
    read_catheters,
    read_label_map,
    read_mask,
    read_names,
    read_segment_names,
    read_segmentation,
    read_volume,
    write_volume,
)
from hdrplan.io.images import _largest
from small_case import GRID, small_labels


@pytest.mark.parametrize("suffix", ["nii", "nii.gz", "nrrd", "mha"])
def test_every_format_keeps_voxels_and_place(tmp_path: Path, suffix: str) -> None:
    c, s = np.cos(0.3), np.sin(0.3)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    grid = Grid(
        shape_zyx=(3, 4, 5),
        origin_mm=np.array([-10.5, 20.25, 300.0]),
        spacing_mm=np.array([0.5, 0.75, 2.5]),
        direction=turn,
    )
    values = np.arange(60).reshape(3, 4, 5).astype(np.int16) - 30
    write_volume(tmp_path / f"a.{suffix}", Volume(grid, values))
    back = read_volume(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(back.values_zyx, values)
    assert back.grid.same_as(grid)


def test_names_either_way_round(tmp_path: Path) -> None:
    for text in ('{"1": "liver", "6": "stomach"}', '{"liver": 1, "stomach": 6}'):
        (tmp_path / "n.json").write_text(text)
        assert read_names(tmp_path / "n.json") == {1: "liver", 6: "stomach"}
    for text in ('{"1": "a", "a": 1}', '{"x": "y"}', "[1]", '{"1": "a", "1": "b"}', '{"a": 1e400}'):
        (tmp_path / "n.json").write_text(text)
        with pytest.raises(FormatError):
            read_names(tmp_path / "n.json")


def test_masks_and_label_maps_refuse_what_they_are_not(tmp_path: Path) -> None:
    write_volume(tmp_path / "l.nii.gz", Volume(GRID, small_labels()))
    with pytest.raises(FormatError, match="give its names file"):
        read_mask(tmp_path / "l.nii.gz", "x", "CTV")
    (tmp_path / "n.json").write_text('{"1": "liver", "7": "gone"}')
    with pytest.raises(InputError, match="'gone' must have voxels"):
        read_label_map(tmp_path / "l.nii.gz", tmp_path / "n.json", {"gone": "OAR"})
    write_volume(tmp_path / "f.nii.gz", Volume(GRID, small_labels() * np.float32(0.5)))
    with pytest.raises(FormatError, match="whole numbers"):
        read_label_map(tmp_path / "f.nii.gz", tmp_path / "n.json", {"liver": "OAR"})
    write_volume(tmp_path / "l.nrrd", Volume(GRID, small_labels()))
    with pytest.raises(FormatError, match="3D Slicer segmentation"):
        read_segmentation(tmp_path / "l.nrrd")


def test_nan_voxels_and_lying_headers(tmp_path: Path) -> None:
    values = np.zeros((2, 3, 4), dtype=np.float32)
    values[1, 2, 3] = np.nan
    sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / "n.nrrd"))
    with pytest.raises(FormatError, match="finite"):
        read_volume(tmp_path / "n.nrrd")
    header = "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: {}\n"
    header += "space directions: (1,0,0) (0,1,0) (0,0,1)\nendian: little\nencoding: raw\nspace origin: (0,0,0)\n{}\n"
    (tmp_path / "big.nrrd").write_text(header.format("4000 4000 4000", ""))
    with pytest.raises(ResourceError):
        read_volume(tmp_path / "big.nrrd")
    (tmp_path / "cut.nrrd").write_text(header.format("400 400 400", ""))
    with pytest.raises(FormatError, match="more voxels than the file can hold"):
        read_volume(tmp_path / "cut.nrrd")
    (tmp_path / "far.nrrd").write_text(header.format("4 4 4", "data file: ../../etc/passwd\n"))
    with pytest.raises(FormatError, match="in the file itself"):
        read_volume(tmp_path / "far.nrrd")
    (tmp_path / "x.txt").write_text("x")
    with pytest.raises(FormatError, match="expected an image"):
        read_volume(tmp_path / "x.txt")


@pytest.mark.shared
def test_slicers_own_files(shared: Path) -> None:
    """Segments on one layer or on two are the same voxels; grids with falling axes stay where they are."""
    folder = shared / "data" / "slicer_samples"
    flat = {s.name: s for s in read_segmentation(folder / "Segmentation.seg.nrrd")}
    names = read_segment_names(folder / "SegmentationOverlapping.seg.nrrd")
    layered = {
        s.name: s for s in read_segmentation(folder / "SegmentationOverlapping.seg.nrrd", dict.fromkeys(names, "other"))
    }
    assert set(layered) - set(flat) == {"overlapping sphere"}
    for name, structure in flat.items():
        assert structure.volume_cc == pytest.approx(layered[name].volume_cc), name
    ct = read_volume(folder / "CTChest4.nrrd")
    # Bone is where the ribs are, air where the lungs are: HU at the segments' voxels.
    for name, low, high in (("ribs", 100, 700), ("right lung", -950, -600)):
        structure = flat[name]
        at = structure.voxels_mm
        index = np.rint(ct.grid.index(at)).astype(int)
        hu = ct.values_zyx[index[:, 2], index[:, 1], index[:, 0]]
        assert low < float(np.median(hu)) < high, name


@pytest.mark.shared
def test_catheters_in_lps_and_ras_and_json_are_the_same(shared: Path) -> None:
    folder = shared / "data" / "liver_case_1p5mm"
    curves = read_catheters(folder / "catheters_curve_LPS.mrk.json")
    lines = read_catheters(folder / "catheters_line_RAS.mrk.json")
    plain = read_catheters(folder / "catheters.json")
    for a, b, c in zip(curves, lines, plain, strict=True):
        np.testing.assert_array_equal(a.points_mm, c.points_mm)
        np.testing.assert_allclose(a.points_mm[[0, -1]], b.points_mm)


@pytest.mark.shared
def test_totalsegmentator_torso(shared: Path) -> None:
    folder = shared / "data" / "ts_torso_3mm"
    wanted = {"liver": "OAR", "spleen": "OAR"}
    organs = read_label_map(folder / "organs.nii.gz", folder / "organs.json", wanted)
    assert [s.name for s in organs] == ["liver", "spleen"]
    a, b = read_volume(folder / "ct.nii.gz"), read_volume(folder / "ct.nrrd")
    assert a.grid.same_as(b.grid)
    np.testing.assert_array_equal(a.values_zyx, b.values_zyx)


@pytest.mark.parametrize("kind", ["float32", "float64", "int32", "uint32", "int16", "uint16", "uint8"])
def test_the_largest_value_apart_from_the_smallest(kind):
    rng = np.random.default_rng(4)
    for low, high in ((-3000, -2000), (-40, 90), (0, 1), (5, 6), (0, 120)):
        values = rng.integers(low, high, (3, 4, 5)).astype(kind)
        expected = float(np.abs(values[values != values.min()].astype(np.float64)).max(initial=0))
        assert _largest(values) in ({expected} if np.dtype(kind).itemsize > 2 else {expected, 0.0})
    mark = np.full((2, 2, 2), 40.0)
    mark[0, 0, 0] = -1e9
    assert _largest(mark) == 40.0
    mark[0, 0, 1] = -2e6
    assert _largest(mark) == 2e6
