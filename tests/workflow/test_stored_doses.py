"""DVHs of stored doses: solids whose curves are known, patients in every position, files of every kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from benchmarks.dvh_solids import AXES, SOLIDS, write_dose, write_structures
from pydicom import dcmread

import hdrplan
from dicom_segmentation import segmentation
from hdrplan.errors import FormatError, InputError
from hdrplan.workflow import DVHOptions, StructureDVH

FRACTIONS = (0.99, 0.95, 0.5, 0.05, 0.01)
EXACT = DVHOptions(metrics=("D99", "D95", "D50", "D5", "D1", "Dmean", "Dmin", "Dmax"))
# Relative: cylinders and cones along the slices' axis and across it.
VOLUME, DOSE = 0.005, 0.005
# Six cosines of rows and columns by the patient's position on the table (PS3.3 C.7.3.1.1.2).
POSITIONS = {
    "HFS": (1, 0, 0, 0, 1, 0),
    "HFP": (-1, 0, 0, 0, -1, 0),
    "FFS": (-1, 0, 0, 0, 1, 0),
    "FFP": (1, 0, 0, 0, -1, 0),
    "HFDR": (0, -1, 0, 1, 0, 0),
    "HFDL": (0, 1, 0, -1, 0, 0),
}


def solid_dvh(folder: Path, name: str, axis: str, slice_mm: float, grid_mm: float) -> StructureDVH:
    structures = write_structures(folder / "rs.dcm", {name: SOLIDS[name].contours(slice_mm)})
    dose = write_dose(folder / "rd.dcm", AXES[axis], grid_mm)
    return hdrplan.dvh(dose, structures, EXACT)[name]


@pytest.mark.parametrize("grid_mm", [0.4, 3.0])
@pytest.mark.parametrize("slice_mm", [0.2, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("name", ["cylinder", "cone", "cylinder across", "cone across"])
def test_cylinders_and_cones(tmp_path: Path, name: str, axis: str, slice_mm: float, grid_mm: float) -> None:
    solid = SOLIDS[name]
    result = solid_dvh(tmp_path, name, axis, slice_mm, grid_mm)
    assert result.volume_cc == pytest.approx(solid.volume_cc, rel=VOLUME)
    values = [metric.value for metric in result.metrics[:6]]
    exact = [*solid.dose_at_frac(AXES[axis], FRACTIONS), solid.mean_gy(AXES[axis])]
    np.testing.assert_allclose(values, exact, rtol=DOSE)


@pytest.mark.parametrize("name", ["cylinder", "cylinder across"])
def test_minimum_and_maximum_lie_on_the_surface(tmp_path: Path, name: str) -> None:
    c = solid_dvh(tmp_path, name, "AP", 1.0, 1.0)
    # Faces at -12 and 12 mm: a circle's polygon is larger by 1e-4 of its radius.
    assert c.metric("Dmin").value == pytest.approx(4.0, abs=0.002)
    assert c.metric("Dmax").value == pytest.approx(28.0, abs=0.002)


@pytest.mark.parametrize("position", POSITIONS)
def test_a_patients_position_changes_nothing(tmp_path: Path, position: str) -> None:
    structures = write_structures(tmp_path / "rs.dcm", {"cone": SOLIDS["cone"].contours(2.0)})
    values = []
    for name in ("HFS", position):
        dose = write_dose(tmp_path / f"{name}.dcm", 1, 2.0, orientation=POSITIONS[name])
        values.append([metric.value for metric in hdrplan.dvh(dose, structures)["cone"].metrics])
    np.testing.assert_allclose(values[0], values[1], rtol=1e-6)


def square(half: float, z: float) -> np.ndarray:
    return np.array([[-half, -half, z], [half, -half, z], [half, half, z], [-half, half, z]])


def keyhole(z: float) -> np.ndarray:
    inner, outer = square(3.0, z)[::-1], square(9.0, z)
    return np.concatenate((outer[:1], inner[3:], inner[:3], inner[3:], outer[:1], outer[1:]))


def test_holes_and_keyholes_are_one(tmp_path: Path) -> None:
    heights = np.arange(-9.0, 10.0, 2.0)
    rois = {
        "holes": [c for z in heights for c in (square(9.0, z), square(3.0, z))],
        "keyholes": [keyhole(z) for z in heights],
        "copies": [c for z in heights for c in (square(9.0, z), square(3.0, z), square(9.0, z))],
    }
    result = hdrplan.dvh(write_dose(tmp_path / "rd.dcm", 1, 2.0), write_structures(tmp_path / "rs.dcm", rois))
    exact_cc = (18.0**2 - 6.0**2) * 20.0 / 1000.0
    for structure in result.structures:
        assert structure.volume_cc == pytest.approx(exact_cc, rel=VOLUME), structure.name
    assert [note.id for note in result["copies"].warnings] == ["contours-twice"]


def test_missing_slices_are_bridged_wide_gaps_are_not(tmp_path: Path) -> None:
    missing = [square(5.0, z) for z in (-8, -6, -4, 0, 2, 4)]
    apart = [square(5.0, z) for z in (-12, -11, -10, 10, 11, 12)]
    rs = write_structures(tmp_path / "rs.dcm", {"missing": missing, "apart": apart})
    result = hdrplan.dvh(write_dose(tmp_path / "rd.dcm", 1, 2.0), rs)
    assert result["missing"].volume_cc == pytest.approx(1.4, rel=VOLUME)
    assert result["apart"].volume_cc == pytest.approx(0.6, rel=VOLUME)
    assert [n.id for n in result["missing"].warnings] == ["contours-filled"]
    assert [n.id for n in result["apart"].warnings] == ["contours-apart"]


@pytest.mark.parametrize(("ends", "height_mm"), [("none", 21.0), ("half-slice", 24.0), ("continued", 24.0)])
@pytest.mark.parametrize("between", ["interpolated", "slabs"])
def test_ends_are_free_to_choose_and_said(tmp_path: Path, between: str, ends: str, height_mm: float) -> None:
    rs = write_structures(tmp_path / "rs.dcm", {"cylinder": SOLIDS["cylinder"].contours(3.0)})
    options = DVHOptions(between=between, ends=ends)  # type: ignore[arg-type]
    result = hdrplan.dvh(write_dose(tmp_path / "rd.dcm", 2, 2.0), rs, options)
    cylinder = result["cylinder"]
    assert cylinder.volume_cc == pytest.approx(np.pi * 0.144 * height_mm, rel=VOLUME)
    # What the other ends change is the error of the ends: half a slice of 24 mm at each end.
    assert cylinder.volume_error_cc == pytest.approx(np.pi * 0.144 * 3.0, rel=0.02)
    assert dict(result.facts)["Ends"] == cylinder.ends


def test_eqd2_geud_and_volumes(tmp_path: Path) -> None:
    solid = SOLIDS["cylinder"]
    rs = write_structures(tmp_path / "rs.dcm", {"c": solid.contours(1.0)})
    options = DVHOptions(
        metrics=("D50", "Dmean", "V20Gy", "V100"), prescription_gy=20.0, alpha_beta_gy=10.0, fractions=2, geud_a=1.0
    )
    c = hdrplan.dvh(write_dose(tmp_path / "rd.dcm", 2, 1.0), rs, options)["c"]
    # Doses are spread evenly over 4 to 28 Gy.
    assert c.metric("V20Gy", "%").value == pytest.approx(100 / 3, rel=DOSE)
    assert c.metric("V20Gy", "cc").value == pytest.approx(solid.volume_cc / 3, rel=2 * DOSE)
    assert c.metric("V100", "%").value == c.metric("V20Gy", "%").value
    assert c.metric("gEUD").value == pytest.approx(c.metric("Dmean").value, rel=1e-9)
    assert c.metric("D50 EQD2").value == pytest.approx(16.0 * (1 + 8.0 / 10.0) / 1.2, rel=DOSE)
    mean_square = (28.0**3 - 4.0**3) / 3 / 24.0
    assert c.metric("Dmean EQD2").value == pytest.approx((16.0 + mean_square / 20.0) / 1.2, rel=DOSE)


def test_outside_the_dose_grid_is_said_and_leaves_what_needs_all_of_it_empty(tmp_path: Path) -> None:
    rs = write_structures(tmp_path / "rs.dcm", {"c": SOLIDS["cylinder"].contours(1.0)})
    c = hdrplan.dvh(write_dose(tmp_path / "rd.dcm", 1, 2.0, reach_mm=6.0), rs)["c"]
    # Within 6 mm of the middle along all three axes: a square in a circle of 12 mm, half of the height.
    assert c.in_grid_frac == pytest.approx(12.0**3 / (np.pi * 144 * 24), rel=VOLUME)
    assert np.isnan(c.metric("D95").value)
    assert c.metric("D1cc").value == pytest.approx(22.0 - 1000.0 / 144.0, rel=DOSE)
    assert np.isnan(c.metric("D2cc").value)
    assert "dvh-partly-covered" in [note.id for note in c.warnings]


def test_structures_without_volume_are_named(tmp_path: Path) -> None:
    path = write_structures(tmp_path / "rs.dcm", {"c": SOLIDS["cone"].contours(2.0), "empty": [], "line": [], "": []})
    data = dcmread(path)
    line = data.ROIContourSequence[2]
    line.ContourSequence = [data.ROIContourSequence[0].ContourSequence[0]]
    data.save_as(path)
    data = dcmread(path)
    data.ROIContourSequence[2].ContourSequence[0].ContourGeometricType = "OPEN_PLANAR"
    data.ROIContourSequence[3].ContourSequence = data.ROIContourSequence[0].ContourSequence
    data.save_as(path)
    result = hdrplan.dvh(write_dose(tmp_path / "rd.dcm", 1, 2.0), path)
    assert [s.name for s in result.structures] == ["c", "ROI 4"]
    assert result.left_out == (("empty", "no contours"), ("line", "open curves only"))
    assert {"roi-without-name", "structures-without-dvh"} <= {note.id for note in result.warnings}


def test_other_patients_and_frames_are_refused(tmp_path: Path) -> None:
    rs = write_structures(tmp_path / "rs.dcm", {"c": SOLIDS["cone"].contours(2.0)})
    rd = write_dose(tmp_path / "rd.dcm", 1, 2.0)
    for keyword, id_ in (("PatientID", "other-patient"), ("FrameOfReferenceUID", "other-frame")):
        data = dcmread(rd)
        setattr(data, keyword, "1.2.77")
        data.save_as(tmp_path / "other.dcm")
        with pytest.raises(InputError, match=keyword):
            hdrplan.dvh(tmp_path / "other.dcm", rs)
        accepted = hdrplan.dvh(tmp_path / "other.dcm", rs, accept_other_patient=True)
        assert id_ in [note.id for note in accepted.warnings]


def test_frames_in_any_order(tmp_path: Path) -> None:
    rs = write_structures(tmp_path / "rs.dcm", {"c": SOLIDS["cone"].contours(2.0)})
    rd = write_dose(tmp_path / "rd.dcm", 2, 2.0)
    data = dcmread(rd)
    n = data.NumberOfFrames
    order = [0, *np.random.default_rng(1).permutation(np.arange(1, n)).tolist()]
    frames = np.frombuffer(data.PixelData, "<u4").reshape(n, -1)[order]
    data.GridFrameOffsetVector = [data.GridFrameOffsetVector[k] for k in order]
    data.PixelData = frames.tobytes()
    data.save_as(tmp_path / "mixed.dcm")
    values = [[m.value for m in hdrplan.dvh(path, rs)["c"].metrics] for path in (rd, tmp_path / "mixed.dcm")]
    np.testing.assert_array_equal(values[0], values[1])


def masks() -> tuple[sitk.Image, np.ndarray]:
    z, y, x = np.meshgrid(*[np.arange(40) - 19.5] * 3, indexing="ij")
    inside = x**2 + y**2 + z**2 < 12.0**2
    image = sitk.GetImageFromArray(inside.astype(np.uint8))
    image.SetOrigin((-19.5, -19.5, -19.5))
    return image, inside


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_images_need_their_unit(tmp_path: Path, suffix: str) -> None:
    mask, _ = masks()
    sitk.WriteImage(mask, str(tmp_path / f"ball{suffix}"))
    gy = np.broadcast_to(1600.0 + 100.0 * (np.arange(40) - 19.5)[:, None, None], (40, 40, 40)).clip(0)
    dose = sitk.GetImageFromArray(gy.astype(np.float32))
    dose.CopyInformation(mask)
    sitk.WriteImage(dose, str(tmp_path / f"dose{suffix}"))
    with pytest.raises(InputError, match="unit"):
        hdrplan.dvh(tmp_path / f"dose{suffix}", tmp_path / f"ball{suffix}")
    result = hdrplan.dvh(tmp_path / f"dose{suffix}", tmp_path / f"ball{suffix}", unit="cGy")
    assert result["ball"].metric("D50").value == pytest.approx(16.0, rel=DOSE)
    assert result["ball"].volume_cc == pytest.approx(4 / 3 * np.pi * 1.728, rel=0.01)


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_dicom_segmentations(tmp_path: Path, kind: str) -> None:
    pytest.importorskip("highdicom")
    _, inside = masks()
    seg = segmentation(tmp_path / "seg.dcm", inside, kind=kind)
    result = hdrplan.dvh(write_dose(tmp_path / "rd.dcm", 0, 1.0), seg)
    assert [s.name for s in result.structures] == ["ball", "half"]
    if kind == "LABELMAP":
        assert result["ball"].volume_cc == pytest.approx(inside.sum() / 2000)
        assert result["half"].volume_cc == pytest.approx(inside.sum() / 2000)
        return
    assert result["ball"].volume_cc == pytest.approx(inside.sum() / 1000)
    assert result["half"].volume_cc == pytest.approx(inside.sum() / 2000)
    assert result["half"].metric("Dmax").value == pytest.approx(16.0, abs=0.3)
    assert result["ball"].metric("D50").value == pytest.approx(16.0, rel=DOSE)
    assert ("segments-fractional" in [n.id for n in result.warnings]) == (kind == "FRACTIONAL")


def test_a_label_map_with_a_value_that_no_segment_has_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("highdicom")
    data = dcmread(segmentation(tmp_path / "seg.dcm", masks()[1], kind="LABELMAP"))
    data.SegmentSequence = [item for item in data.SegmentSequence if item.SegmentNumber != 2]
    data.save_as(tmp_path / "seg.dcm")
    with pytest.raises(FormatError, match=r"an item for every value of the pixels, got none for \[2\]"):
        hdrplan.dvh(write_dose(tmp_path / "rd.dcm", 0, 1.0), tmp_path / "seg.dcm")


def test_dose_and_structures_exchanged_are_called_what_they_are(tmp_path: Path) -> None:
    structures = write_structures(tmp_path / "rs.dcm", {"ball": SOLIDS["ball"].contours(3.0)})
    dose = write_dose(tmp_path / "rd.dcm", 0, 3.0)
    with pytest.raises(FormatError, match=r"must be RT Dose .*, got an RT Structure Set"):
        hdrplan.dvh(structures, dose)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"metrics": ("V100",)}, "prescription"),
        ({"metrics": ("time",)}, "dose-volume metric"),
        ({"metrics": ("Q7",)}, "metric such as"),
        ({"alpha_beta_gy": 0.0}, "alpha_beta_gy"),
        ({"geud_a": 0.0}, "geud_a"),
        ({"fractions": 0}, "fractions"),
    ],
)
def test_options_that_cannot_be(options: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        DVHOptions(**options)  # type: ignore[arg-type]


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    rd = write_dose(tmp_path / "rd.dcm", 1, 2.0)
    rs = write_structures(tmp_path / "rs.dcm", {"c": SOLIDS["cone"].contours(2.0)})
    with pytest.raises(FormatError, match="RT Dose"):
        hdrplan.dvh(rs, rs)
    with pytest.raises(InputError, match="no structure is named 'liver'"):
        hdrplan.dvh(rd, rs, only=["liver"])


@pytest.mark.parametrize("suffix", [".mhd", ".nhdr", ".img"])
def test_an_image_in_two_files_is_refused_with_what_to_do(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"dose{suffix}"
    path.write_text("ObjectType = Image")
    with pytest.raises(InputError, match=r"header and data in one file, got \.[a-z]+\. Convert it"):
        hdrplan.dvh(path, path, unit="Gy")
