"""CT series and dose grids: where the voxels are, what they are worth, and what is wrong with them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGLosslessSV1

from dicom_twins import ct_slice, rt_dose
from hdrplan.errors import FormatError, InputError
from hdrplan.io import read_ct_series, read_dose_grid, read_volume
from hdrplan.io.dicom.ct import read_ct_slices


def slices(folder: Path, at: list[float], **more: object) -> Path:
    folder.mkdir(exist_ok=True)
    for k, z in enumerate(at):
        hu = np.full((4, 6), round(z), dtype=np.int32)
        ct_slice(folder / f"{(7 * k) % 11:02d}_{k}.dcm", z, hu, **more)
    return folder


def test_slices_are_sorted_by_position_and_rescaled(tmp_path: Path) -> None:
    series = read_ct_series(slices(tmp_path / "ct", [10.0, 4.0, 7.0, 1.0]))
    np.testing.assert_array_equal(series.volume.values_zyx[:, 0, 0], [1, 4, 7, 10])
    np.testing.assert_allclose(series.volume.grid.origin_mm, [-30, -20, 1])
    np.testing.assert_allclose(series.volume.grid.spacing_mm, [2, 2, 3])
    assert series.volume.values_zyx.dtype == np.int16


def test_a_missing_slice_is_filled_and_reported(tmp_path: Path) -> None:
    series = read_ct_series(slices(tmp_path / "ct", [1.0, 4.0, 10.0, 13.0]))
    np.testing.assert_array_equal(series.volume.values_zyx[:, 0, 0], [1, 4, 7, 10, 13])
    assert any("1 slices missing, at 4.0 to 10.0 mm" in w.text for w in series.warnings)
    assert series.instance_uids[2] == ""


def test_a_broken_slice_at_the_end_is_reported(tmp_path: Path) -> None:
    folder = slices(tmp_path / "ct", [1.0, 4.0, 7.0, 10.0])
    last = max(folder.iterdir(), key=lambda p: float(pydicom.dcmread(p).ImagePositionPatient[2]))
    last.write_bytes(last.read_bytes()[:200])
    series = read_ct_series(folder)
    assert series.volume.grid.shape_zyx[0] == 3
    (warning,) = (w.text for w in series.warnings if "cannot be read" in w.text)
    # A file's name may be a patient's.
    assert last.name not in warning


def test_an_identical_duplicate_is_dropped_a_different_one_refused(tmp_path: Path) -> None:
    folder = slices(tmp_path / "ct", [1.0, 4.0, 7.0, 4.0])
    assert any(w.id == "ct-slice-twice" for w in read_ct_series(folder).warnings)
    ct_slice(folder / "other.dcm", 7.0, np.zeros((4, 6)))
    with pytest.raises(FormatError, match="two different slices at one position"):
        read_ct_series(folder)


@pytest.mark.parametrize(
    ("at", "more", "says"),
    [
        ([1.0, 4.0, 8.5], {}, "regular distances"),
        ([1.0, 4.0], {"PixelSpacing": [0.0, 2.0]}, "PixelSpacing"),
        ([1.0, 4.0], {"ImageOrientationPatient": [1.0, 0, 0, 1.0, 0, 0]}, "perpendicular"),
        ([1.0, 4.0], {"Rows": 60000}, "Rows"),
        ([1.0, 4.0], {"Rows": 5}, "PixelData"),
        ([1.0, 4.0], {"SamplesPerPixel": 3}, "SamplesPerPixel"),
        ([1.0, 4.0], {"PixelRepresentation": 8240}, "must be 0 or 1, got 8240"),
        ([1.0, 4.0], {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2.1"}, "enhanced"),
    ],
)
def test_series_that_are_no_volume(tmp_path: Path, at: list[float], more: dict[str, object], says: str) -> None:
    with pytest.raises(FormatError, match=says):
        read_ct_series(slices(tmp_path / "ct", at, **more))


def test_gantry_tilt_and_two_series(tmp_path: Path) -> None:
    folder = tmp_path / "tilt"
    folder.mkdir()
    for k in range(3):
        ct_slice(folder / f"{k}.dcm", 3.0 * k, np.zeros((4, 6)), ImagePositionPatient=[0.0, 1.0 * k, 3.0 * k])
    with pytest.raises(FormatError, match="gantry tilt"):
        read_ct_series(folder)
    ct_slice(folder / "x.dcm", 30.0, np.zeros((4, 6)), SeriesInstanceUID="1.2.77")
    with pytest.raises(InputError, match="expected one CT series"):
        read_ct_series(folder)


def test_real_series_equals_its_nifti(shared: Path) -> None:
    folder = shared / "data" / "ts_dicom_20slices"
    volume = read_volume(folder / "dicom")
    nifti = read_volume(folder / "ct.nii.gz")
    corner = volume.grid.world([[0, 0, 0], [511, 511, 19]])
    index = np.rint(nifti.grid.index(corner)).astype(int)
    np.testing.assert_allclose(nifti.grid.index(corner), index, atol=1e-2)
    ours = volume.values_zyx[[0, 19], [0, 511], [0, 511]]
    np.testing.assert_array_equal(ours, nifti.values_zyx[index[:, 2], index[:, 1], index[:, 0]])


def test_jpeg_2000_reads_as_its_plain_twin(shared: Path) -> None:
    folder = shared / "data" / "ts_dicom_20slices"
    packed = read_ct_slices([folder / "jpeg2000" / "one_slice_j2k.dcm"])
    plain = read_ct_slices([folder / "dicom" / "CT_009.dcm"])  # the slice at -786.5 mm
    np.testing.assert_array_equal(packed.volume.values_zyx, plain.volume.values_zyx)


@pytest.mark.parametrize(
    ("coder", "lossy"),
    [
        ("dcmcjpeg +e1", False),
        ("dcmcjpeg +el", False),
        ("dcmcjpeg +ee", True),
        ("dcmcjpls +el", False),
        ("dcmcrle", False),
    ],
)
def test_compressed_slices_read_as_their_plain_twins(tmp_path: Path, coder: str, lossy: bool) -> None:
    name, *options = coder.split()
    if shutil.which(name) is None:
        pytest.skip(f"{name} (DCMTK) is not installed")
    hu = np.random.default_rng(1).integers(-1000, 2000, (64, 48))
    ct_slice(tmp_path / "plain.dcm", 3.0, hu)
    subprocess.run([name, *options, tmp_path / "plain.dcm", tmp_path / "packed.dcm"], check=True)
    packed = read_ct_slices([tmp_path / "packed.dcm"])
    assert ("ct-compressed-with-losses" in {note.id for note in packed.warnings}) == lossy
    if not lossy:
        np.testing.assert_array_equal(packed.volume.values_zyx[0], hu)


@pytest.mark.parametrize("coder", ["dcmcjpeg +e1", "dcmcjpls", "dcmcrle"])
@pytest.mark.parametrize(("sign", "bits", "intercept"), [(1, 12, 0), (1, 16, 0), (0, 12, -1024), (0, 16, -1024)])
def test_signs_and_bits_survive_compression(tmp_path: Path, coder: str, sign: int, bits: int, intercept: int) -> None:
    name, *options = coder.split()
    if shutil.which(name) is None:
        pytest.skip(f"{name} (DCMTK) is not installed")
    hu = np.random.default_rng(1).integers(-1000, 1000, (64, 48))
    path = tmp_path / "plain.dcm"
    ct_slice(path, 3.0, hu)
    data = pydicom.dcmread(path)
    data.PixelRepresentation, data.BitsStored, data.HighBit = sign, bits, bits - 1
    data.RescaleIntercept, data.RescaleSlope = intercept, 1
    data.PixelData = ((hu - intercept) & ((1 << bits) - 1)).astype("<u2").tobytes()
    data.save_as(path)
    subprocess.run([name, *options, path, tmp_path / "packed.dcm"], check=True)
    for each in (path, tmp_path / "packed.dcm"):
        np.testing.assert_array_equal(read_ct_slices([each]).volume.values_zyx[0], hu)


def test_a_compressed_slice_that_is_damaged_is_told(tmp_path: Path) -> None:
    path = tmp_path / "ct.dcm"
    ct_slice(path, 3.0, np.zeros((4, 6)))
    data = pydicom.dcmread(path)
    data.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    data.PixelData = encapsulate([b"\xff\xd8 no picture \xff\xd9"])
    data["PixelData"].is_undefined_length = True
    data.save_as(path)
    with pytest.raises(FormatError, match=r"PixelData.*decodable \(JPEG Lossless\).*Export the images uncompressed"):
        read_ct_slices([path])


STORED = np.arange(3 * 4 * 5).reshape(3, 4, 5)


@pytest.mark.parametrize(
    ("offsets", "flipped"),
    [([0.0, 2.5, 5.0], False), ([30.0, 32.5, 35.0], False), ([0.0, -2.5, -5.0], True), ([30.0, 27.5, 25.0], True)],
    ids=["relative", "patient z", "relative, falling", "patient z, falling"],
)
def test_frame_offsets_both_ways_and_both_signs(tmp_path: Path, offsets: list[float], flipped: bool) -> None:
    dose = read_dose_grid(rt_dose(tmp_path / "d.dcm", STORED, offsets))
    stored = STORED[::-1] if flipped else STORED
    np.testing.assert_allclose(dose.volume.values_zyx, stored * 0.001, rtol=1e-6)
    np.testing.assert_allclose(dose.volume.grid.origin_mm, [10, 20, 25 if flipped else 30])
    np.testing.assert_allclose(dose.volume.grid.spacing_mm, [1.5, 2.0, 2.5])


def test_frame_offsets_of_a_turned_patient(tmp_path: Path) -> None:
    """Head first prone: rows and columns point the other way, the frames still rise along the normal."""
    orientation = [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0]
    dose = read_dose_grid(rt_dose(tmp_path / "d.dcm", STORED, [0.0, 2.5, 5.0], ImageOrientationPatient=orientation))
    np.testing.assert_allclose(dose.volume.grid.world([1, 1, 1]), [10 - 1.5, 20 - 2.0, 32.5])
    feet_first = [1.0, 0.0, 0.0, 0.0, -1.0, 0.0]
    dose = read_dose_grid(rt_dose(tmp_path / "e.dcm", STORED, [30.0, 27.5, 25.0], ImageOrientationPatient=feet_first))
    np.testing.assert_allclose(dose.volume.grid.world([0, 0, 1]), [10, 20, 27.5], atol=1e-9)


def test_oblique_dose_grid(tmp_path: Path) -> None:
    c, s = np.cos(0.3), np.sin(0.3)
    dose = read_dose_grid(
        rt_dose(tmp_path / "d.dcm", STORED, [0.0, 2.5, 5.0], ImageOrientationPatient=[c, s, 0.0, -s, c, 0.0])
    )
    np.testing.assert_allclose(dose.volume.grid.world([2, 0, 0]), [10 + 3 * c, 20 + 3 * s, 30], atol=1e-9)


def test_centigray(tmp_path: Path) -> None:
    dose = read_dose_grid(rt_dose(tmp_path / "d.dcm", STORED, [0.0, 2.5, 5.0], DoseUnits="CGY"))
    np.testing.assert_allclose(dose.volume.values_zyx.max(), 59 * 1e-5, rtol=1e-6)


def test_full_scale_is_recognised(tmp_path: Path) -> None:
    stored = STORED.copy()
    stored[1, :2] = 65535
    dose = read_dose_grid(rt_dose(tmp_path / "d.dcm", stored, [0.0, 2.5, 5.0]))
    assert dose.full_scale_gy == pytest.approx(65.535)
    assert any("10 voxels are at the full scale of 65.53 Gy" in w.text for w in dose.warnings)
    assert read_dose_grid(rt_dose(tmp_path / "e.dcm", STORED, [0.0, 2.5, 5.0])).full_scale_gy is None


@pytest.mark.parametrize(
    ("offsets", "more", "says"),
    [
        ([0.0, 2.5, 6.0], {}, "regular distances"),
        ([5.0, 7.5, 10.0], {}, "first"),
        ([0.0, 2.5], {}, "3 numbers"),
        ([0.0, 2.5, 5.0], {"DoseUnits": "RELATIVE"}, "DoseUnits"),
        ([0.0, 2.5, 5.0], {"DoseGridScaling": 0.0}, "DoseGridScaling"),
        ([0.0, 2.5, 5.0], {"NumberOfFrames": 4000}, "PixelData"),
        ([0.0, 2.5, 5.0], {"PixelData": b"\0\0"}, "PixelData"),
    ],
)
def test_doses_that_cannot_be_read(tmp_path: Path, offsets: list[float], more: dict[str, object], says: str) -> None:
    with pytest.raises(FormatError, match=says):
        read_dose_grid(rt_dose(tmp_path / "d.dcm", STORED, offsets, **more))
