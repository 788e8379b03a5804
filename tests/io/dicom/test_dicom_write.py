"""What we write: valid for the validators, the same to an independent reader, the same when it comes back."""

from __future__ import annotations

import math
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from demo_case import GRID, NOW, case_and_plan, write_demo_dicom
from dicom_twins import ct_slice
from hdrplan.errors import InputError
from hdrplan.geometry import Grid, Structure, Volume
from hdrplan.io import (
    DicomSet,
    identity_of_case,
    read_brachy_plan,
    read_catheters,
    read_ct_series,
    read_dose_grid,
    read_segmentation,
    read_structure_set,
    read_volume,
    write_brachy_plan,
    write_dicom_set,
    write_dose_grid,
    write_slicer_set,
)
from hdrplan.io.dicom.objects import ds, short_text
from hdrplan.io.dicom.uids import new_uid
from hdrplan.plan import Case, Plan
from hdrplan.plan.brachy import as_plan

DVH = {"solid": (np.linspace(0, 40, 81), np.linspace(20, 0, 81)), "ring": ([0.0, 10.0], [5.0, 2.0])}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Case, Plan, Volume]:
    folder = tmp_path_factory.mktemp("dicom") / "set"
    contents = write_demo_dicom(folder, dvh=DVH)
    return folder, contents.case, contents.plan, contents.dose


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())


def on_ct(found: Structure) -> np.ndarray:
    low = np.rint(GRID.index(found.grid.origin_mm)).astype(int)
    nz, ny, nx = found.grid.shape_zyx
    mask = np.zeros(GRID.shape_zyx, dtype=bool)
    mask[low[2] : low[2] + nz, low[1] : low[1] + ny, low[0] : low[0] + nx] = found.mask_zyx
    return mask


def test_plan_comes_back_to_a_millisecond_and_a_hundredth_of_a_millimetre(written) -> None:
    folder, _, plan, _ = written
    brachy = read_brachy_plan(folder / "RP.dcm", read_structure_set(folder / "RS.dcm"))
    back = as_plan(brachy, plan.source)
    np.testing.assert_allclose(back.times_s, plan.times_s, atol=1e-3)
    np.testing.assert_allclose(back.dwells.positions_mm, plan.dwells.positions_mm, atol=1e-2)
    np.testing.assert_allclose(back.dwells.axes, plan.dwells.axes, atol=1e-6)
    np.testing.assert_allclose(back.dwells.offset_mm, plan.dwells.offset_mm, atol=1e-9)
    assert back.strength_u == plan.strength_u
    assert brachy.trak_u_s == pytest.approx(plan.trak_gy * 3600e6, rel=1e-9)
    assert brachy.dialect == "hdrplan"
    assert brachy.prescription_gy == 20.0
    assert brachy.source.reference_time == NOW
    assert not brachy.warnings
    assert brachy.uids["structures"] == read_structure_set(folder / "RS.dcm").uid


def test_structures_come_back_whole(written) -> None:
    folder, case, _, _ = written
    found = read_structure_set(folder / "RS.dcm")
    for structure in case.structures:
        back, warnings = found.structure(structure.name, structure.role, GRID)
        np.testing.assert_array_equal(on_ct(back), structure.mask_zyx)
        assert not warnings
    for k, catheter in enumerate(case.catheters):
        np.testing.assert_allclose(found.channel_path_mm(4 + k)[::-1], catheter.points_mm, atol=1e-3)


def test_dose_comes_back_within_its_quantisation(written) -> None:
    folder, _, _, dose = written
    back = read_dose_grid(folder / "RD.dcm")
    assert back.volume.grid.same_as(dose.grid)
    # Half a stored unit, and float32.
    limit = back.scaling_gy / 2 + np.abs(dose.values_zyx) * 2e-7
    assert (np.abs(back.volume.values_zyx - dose.values_zyx) <= limit).all()
    assert back.full_scale_gy is None
    assert {curve.roi_number for curve in back.dvhs} == {1, 2}
    # Bins are as wide as 0.5 % of their dose: a straight curve comes back by straight lines between them.
    for curve, (dose_gy, volume_cc) in zip(back.dvhs, DVH.values(), strict=True):
        np.testing.assert_allclose(np.interp(dose_gy, curve.dose_gy, curve.volume), volume_cc, atol=1e-5)


def test_ct_comes_back_and_everything_is_linked(written) -> None:
    folder, case, _, _ = written
    series = read_ct_series(folder)
    np.testing.assert_array_equal(series.volume.values_zyx, case.ct.values_zyx)
    rs, rp, rd = (pydicom.dcmread(folder / f"{n}.dcm") for n in ("RS", "RP", "RD"))
    referenced = rs.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
    assert referenced.SeriesInstanceUID == series.series_uid
    assert [i.ReferencedSOPInstanceUID for i in referenced.ContourImageSequence] == list(series.instance_uids)
    assert rd.ReferencedRTPlanSequence[0].ReferencedSOPInstanceUID == rp.SOPInstanceUID
    assert len({d.FrameOfReferenceUID for d in (rs, rp, rd)} | {series.frame_uid}) == 1
    assert len({d.StudyInstanceUID for d in (rs, rp, rd)}) == 1
    assert len({d.SeriesInstanceUID for d in (rs, rp, rd)}) == 3


def test_decimal_strings_have_at_most_16_characters(written) -> None:
    folder = written[0]
    for name in ("RS", "RP", "RD", "CT_0001"):
        for element in pydicom.dcmread(folder / f"{name}.dcm").iterall():
            if element.VR == "DS" and element.value is not None:
                many = element.value if element.VM > 1 else [element.value]
                assert all(len(str(v.original_string if hasattr(v, "original_string") else v)) <= 16 for v in many)


def test_same_input_gives_the_same_files_apart_from_dates(written, tmp_path: Path) -> None:
    folder, case, plan, dose = written
    write_dicom_set(tmp_path, DicomSet(case=case, plan=plan, dose=dose, dvh=DVH, prescription_gy=20.0), now=NOW)
    for path in sorted(folder.glob("*.dcm")):
        assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name


def tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed (Debian: dicom3tools, dcmtk, plastimatch)")
    return path


def test_dciodvfy_finds_no_error(written, tmp_path: Path) -> None:
    program = tool("dciodvfy")
    folder, _, _, dose = written
    # dciodvfy aborts on 32-bit pixels, whoever wrote them: it sees a 16-bit twin of the dose.
    twin = tmp_path / "RD16.dcm"
    write_dose_grid(
        twin,
        dose,
        identity_of_case("demo", written=NOW),
        plan_uid="1.2.3",
        structures_uid="1.2.4",
        dvh=[(1, *DVH["solid"])],
        bits=16,
    )
    for path in (folder / "CT_0001.dcm", folder / "RS.dcm", folder / "RP.dcm", twin):
        said = subprocess.run([program, str(path)], capture_output=True, text=True, check=False).stderr
        assert not [line for line in said.splitlines() if line.startswith("Error")], said


def test_drtdump_reads_without_complaint(written) -> None:
    program = tool("drtdump")
    for name in ("RS", "RP", "RD"):
        run = subprocess.run([program, str(written[0] / f"{name}.dcm")], capture_output=True, text=True, check=False)
        assert run.returncode == 0
        assert not [line for line in run.stderr.splitlines() if line[:2] in ("W:", "E:", "F:")], run.stderr


def test_type_1_and_2_attributes_are_complete(written, shared: Path) -> None:
    pytest.importorskip("highdicom", reason="iodcheck needs highdicom's tables")
    import sys

    files = [str(written[0] / f"{name}.dcm") for name in ("CT_0001", "RS", "RP", "RD")]
    run = subprocess.run(
        [sys.executable, "-W", "ignore", str(shared / "tools" / "iodcheck.py"), *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout


def test_plastimatch_sees_the_same_structures_and_dose(written, tmp_path: Path) -> None:
    program = tool("plastimatch")
    folder, case, _, dose = written
    subprocess.run(
        [
            program,
            "convert",
            "--input",
            str(folder),
            "--output-prefix",
            str(tmp_path / "masks"),
            "--prefix-format",
            "nrrd",
            "--output-dose-img",
            str(tmp_path / "dose.nrrd"),
        ],
        capture_output=True,
        check=True,
    )
    masks = {path.stem: read_volume(path) for path in (tmp_path / "masks").glob("*.nrrd")}
    assert len(masks) >= len(case.structures)
    for structure in case.structures:
        best = max(
            dice(volume.values_zyx > 0, structure.mask_zyx) for volume in masks.values() if volume.grid.same_as(GRID)
        )
        assert best >= 0.999, structure.name
    theirs = read_volume(tmp_path / "dose.nrrd")
    assert theirs.grid.same_as(dose.grid)
    np.testing.assert_allclose(theirs.values_zyx, dose.values_zyx, rtol=1e-5, atol=1e-5)


def test_patient_data_pass_only_when_asked(tmp_path: Path) -> None:
    (tmp_path / "ct").mkdir()
    for k in range(GRID.shape_zyx[0]):
        ct_slice(
            tmp_path / "ct" / f"{k}.dcm",
            float(GRID.world([0, 0, k])[2]),
            np.zeros((48, 52)),
            ImagePositionPatient=GRID.world([0, 0, k]).tolist(),
            InstitutionName="Secret Hospital",
            PatientBirthDate="19500101",
        )
    series = read_ct_series(tmp_path / "ct")
    case, plan = case_and_plan()
    for identify in (False, True):
        folder = tmp_path / f"out{identify}"
        folder.mkdir()
        names = write_dicom_set(folder, DicomSet(case=case, plan=plan, ct_series=series), identify=identify, now=NOW)
        assert names == ["RP.dcm", "RS.dcm"]
        for name in names:
            content = (folder / name).read_bytes()
            assert (b"Doe^Jane" in content) == (b"4711" in content) == (b"19500101" in content) == identify
            assert b"Secret Hospital" not in content
        assert pydicom.dcmread(folder / "RS.dcm").FrameOfReferenceUID == "1.2.9"


@pytest.mark.shared
@pytest.mark.parametrize("name", ["varian_tandem_ovoid", "varian_pdr", "varian_rotated", "oncentra_single_dwell_y5cm"])
def test_real_plans_survive_read_write_read(shared: Path, tmp_path: Path, name: str) -> None:
    folder = shared / "data" / "brachy_dicom"
    structures = read_structure_set(folder / f"{name}_RS.dcm") if (folder / f"{name}_RS.dcm").is_file() else None
    first = read_brachy_plan(folder / f"{name}_RP.dcm", structures)
    write_brachy_plan(tmp_path / "RP.dcm", first, identity_of_case("x", written=NOW))
    again = read_brachy_plan(tmp_path / "RP.dcm")
    assert (again.label, again.treatment_type, again.fractions) == (first.label, first.treatment_type, first.fractions)
    np.testing.assert_allclose(again.prescription_gy, first.prescription_gy)
    assert again.stated_trak_u_s == pytest.approx(first.trak_u_s, rel=1e-9)
    assert again.source.strength_u == first.source.strength_u
    assert again.source.half_life_days == first.source.half_life_days
    assert again.source.reference_time == first.source.reference_time
    assert again.source.active_length_mm == first.source.active_length_mm
    assert again.source.isotope == first.source.isotope
    assert len(again.channels) == len(first.channels)
    for a, b in zip(again.channels, first.channels, strict=True):
        assert (a.number, a.name, a.pulses, a.roi_number) == (b.number, b.name, b.pulses, b.roi_number)
        np.testing.assert_allclose(a.times_s, b.times_s, atol=1e-6)
        np.testing.assert_allclose(a.positions_mm, b.positions_mm, atol=1e-6)
        np.testing.assert_allclose(a.axes, b.axes, atol=1e-6)
        np.testing.assert_allclose(a.relative_mm, b.relative_mm, atol=1e-9)
    for p, q in zip(again.points, first.points, strict=True):
        assert p.name == q.name
        np.testing.assert_allclose(p.position_mm, q.position_mm, atol=1e-6)
        assert p.dose_gy == pytest.approx(q.dose_gy, rel=1e-9, nan_ok=True)


def test_slicer_files_come_back(written, tmp_path: Path) -> None:
    _, case, plan, dose = written
    overlapping = replace(
        case,
        structures=(
            *case.structures,
            Structure(name="over", role="other", grid=GRID, mask_zyx=case.structures[0].mask_zyx),
        ),
    )
    names = write_slicer_set(tmp_path, overlapping, plan, dose=dose)
    assert names == ["catheters.mrk.json", "ct.nrrd", "dose.nrrd", "structures.seg.nrrd"]
    segments = {s.name: s for s in read_segmentation(tmp_path / "structures.seg.nrrd")}
    assert set(segments) == {s.name for s in overlapping.structures}
    for structure in overlapping.structures:
        np.testing.assert_array_equal(on_ct(segments[structure.name]), structure.mask_zyx)
    (tmp_path / "plain").mkdir()
    write_slicer_set(tmp_path / "plain", overlapping, None)
    # With the plan its dwells are fiducials beside the catheters.
    for folder in (tmp_path, tmp_path / "plain"):
        for a, b in zip(read_catheters(folder / "catheters.mrk.json"), case.catheters, strict=True):
            assert a.name == b.name
            np.testing.assert_array_equal(a.points_mm, b.points_mm)


def test_hostile_names_cannot_break_a_header(tmp_path: Path) -> None:
    mask = np.ones((2, 3, 4), dtype=bool)
    grid = Grid(shape_zyx=(2, 3, 4), origin_mm=np.zeros(3), spacing_mm=np.ones(3))
    name = "evil\nSegment0_Layer:=7\\x"
    lesion = Structure(name=name, role="CTV", grid=grid, mask_zyx=mask)
    case = Case(name="x", ct=None, structures=(lesion,), catheters=())
    write_slicer_set(tmp_path, case, None)
    (found,) = read_segmentation(tmp_path / "structures.seg.nrrd")
    assert found.name == "evil Segment0_Layer:=7/x"
    assert short_text(name, 64) == "evilSegment0_Layer:=7x"


def test_numbers_and_uids() -> None:
    assert ds(1 / 3) == "0.33333333333333"
    assert ds(-123456.789012345) == "-123456.78901235"
    assert ds(-0.0) == ds(0.0)
    with pytest.raises(InputError, match="finite"):
        ds(math.nan)
    assert new_uid("a") == new_uid("a") != new_uid("b")
    assert len(new_uid("a")) <= 64
