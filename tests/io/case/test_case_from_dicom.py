"""A case out of a DICOM export and back: linked by UIDs, asked where several, free of the patient."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from demo_case import GRID, NOW, case_and_plan, write_demo_dicom
from dicom_twins import ct_slice, rt_dose
from hdrplan.cli import export, import_dicom
from hdrplan.errors import FormatError, HdrPlanError, InputError
from hdrplan.io import (
    dicom_files,
    linked_files,
    read_case,
    read_dicom_folder,
    read_plan,
    read_role_rules,
    roles_of_rois,
    write_plan,
)
from hdrplan.io.case.roles import healthy_by_name
from hdrplan.sources import Calibration, Strength


@pytest.fixture
def dicom(tmp_path: Path) -> Path:
    folder = tmp_path / "export"
    write_demo_dicom(folder)
    return folder


def test_plan_from_a_dicom_folder_takes_what_the_export_knows(dicom: Path) -> None:
    found = read_case(dicom, {"roles": {"solid": "CTV", "ring": "OAR"}})
    case, _ = case_and_plan()
    assert [s.name for s in found.case.structures] == ["solid", "ring"]
    assert found.goals.prescription_gy("solid") == 20.0
    assert (found.source.name, found.strength.value_u) == ("gammamed-12i", 40700.0)
    for a, b in zip(found.case.catheters, case.catheters, strict=True):
        np.testing.assert_allclose(a.points_mm, b.points_mm, atol=1e-3)
    assert set(found.inputs) == {"RS", "RP", "RD", "CT (12 slices)"}
    with pytest.raises(InputError, match="'solid', 'ring', 'two <parts>'"):
        read_case(dicom, {"roles": {"lesion": "CTV"}})
    other = read_case(dicom, {"roles": {"solid": "CTV"}, "source": {"strength_u": 30000.0}, "prescription_gy": 15})
    assert (other.strength.value_u, other.goals.prescription_gy("solid")) == (30000.0, 15.0)


def test_import_writes_a_case_that_reads_and_the_same_plan(dicom: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke(import_dicom.command, [str(dicom), "-o", str(tmp_path / "case"), "--ctv", "solid"])
    assert run.exit_code == 0, run.output
    found = read_case(tmp_path / "case")
    case, plan = case_and_plan()
    assert {s.name: s.role for s in found.case.structures} == {"solid": "CTV", "two <parts>": "other"}
    np.testing.assert_array_equal(found.case.ct.values_zyx, case.ct.values_zyx)
    back = read_plan(tmp_path / "case")
    np.testing.assert_allclose(back.times_s, plan.times_s, atol=1e-3)
    np.testing.assert_allclose(back.dwells.positions_mm, plan.dwells.positions_mm, atol=1e-2)
    record = json.loads((tmp_path / "case" / "run.json").read_text())
    assert "OperatorsName" in record["not_modelled"]


def test_import_needs_a_target_and_leaves_nothing(dicom: Path, tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text('[rules]\nOAR = ["."]\n')
    rules = ["--rules", str(tmp_path / "rules.toml")]
    for arguments, says in ((rules, "no structure has the role CTV"), (["--ctv", "x"], "expected a structure 'x'")):
        run = CliRunner().invoke(import_dicom.command, [str(dicom), "-o", str(tmp_path / "case"), *arguments])
        assert says in str(run.exception)
        assert "'solid'" in str(run.exception)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["export", "rules.toml"]


def test_several_plans_are_a_question(dicom: Path) -> None:
    (dicom / "RP2.dcm").write_bytes((dicom / "RP.dcm").read_bytes())
    with pytest.raises(InputError, match=r"expected one brachytherapy plan.*RP\.dcm \(demo\); RP2\.dcm \(demo\)"):
        read_dicom_folder(dicom)
    assert read_dicom_folder(dicom, plan="RP2.dcm").plan is not None
    with pytest.raises(InputError, match="no plan is named 'x'"):
        read_dicom_folder(dicom, plan="x")


def test_a_foreign_dose_is_taken_only_when_alone_and_said(dicom: Path) -> None:
    rt_dose(dicom / "other.dcm", np.arange(60).reshape(3, 4, 5), [0.0, 2.5, 5.0])
    assert linked_files(dicom_files(dicom)[0]).dose == dicom / "RD.dcm"
    (dicom / "RD.dcm").unlink()
    linked = linked_files(dicom_files(dicom)[0])
    assert linked.dose == dicom / "other.dcm"
    assert any("UIDs differ" in w.text for w in linked.warnings)


def test_broken_files_are_reported_and_others_passed_over(dicom: Path) -> None:
    (dicom / "notes.txt").write_text("x" * 200)
    (dicom / "broken.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 50)
    (dicom / "loop").symlink_to(dicom)
    files, broken = dicom_files(dicom)
    assert len(files) == 15
    assert [path.name for path, _ in broken] == ["broken.dcm"]
    with pytest.raises(InputError, match="expected DICOM files"):
        read_dicom_folder(Path(__file__).parent)


def test_nothing_of_the_patient_gets_into_an_import(dicom: Path, tmp_path: Path) -> None:
    for path in dicom.glob("CT_*.dcm"):
        path.unlink()
    case, _ = case_and_plan()
    frame = read_dicom_folder(dicom).structures.frame_uid
    for k in range(GRID.shape_zyx[0]):
        ct_slice(
            dicom / f"Doe_Jane_{k}.dcm",
            float(GRID.world([0, 0, k])[2]),
            case.ct.values_zyx[k].astype(int),
            ImagePositionPatient=GRID.world([0, 0, k]).tolist(),
            InstitutionName="Secret Hospital",
            FrameOfReferenceUID=frame,
        )
    arguments = [str(dicom), "-o", str(tmp_path / "case"), "--ctv", "solid", "--accept-other-patient"]
    run = CliRunner().invoke(import_dicom.command, arguments)
    assert run.exit_code == 0, run.output
    assert "Doe" not in run.output
    for path in (tmp_path / "case").iterdir():
        content = path.read_bytes()
        assert not any(word in content for word in (b"Doe", b"4711", b"Secret")), path.name


def test_two_frames_of_reference_do_not_mix(dicom: Path) -> None:
    for path in dicom.glob("CT_*.dcm"):
        path.unlink()
    ct_slice(dicom / "a.dcm", 0.0, np.zeros((4, 4)))
    ct_slice(dicom / "b.dcm", 3.0, np.zeros((4, 4)))
    with pytest.raises(InputError, match="frame of reference"):
        read_dicom_folder(dicom, accept_other_patient=True)


def test_export_command_and_its_slicer_form(dicom: Path, tmp_path: Path) -> None:
    CliRunner().invoke(import_dicom.command, [str(dicom), "-o", str(tmp_path / "case"), "--ctv", "solid"])
    found = read_case(tmp_path / "case")
    plan = read_plan(tmp_path / "case")
    (tmp_path / "plan").mkdir()
    write_plan(tmp_path / "plan" / "plan.json", plan, "x")
    base = [str(tmp_path / "plan"), "--case", str(tmp_path / "case")]
    run = CliRunner().invoke(export.command, [*base, "-o", str(tmp_path / "a"), "--link-ct", str(dicom)])
    assert run.exit_code == 0, run.exception
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["RP.dcm", "RS.dcm", "run.json"]
    run = CliRunner().invoke(export.command, [*base, "-o", str(tmp_path / "b"), "--format", "slicer"])
    assert sorted(p.name for p in (tmp_path / "b").iterdir()) == [
        "catheters.mrk.json",
        "ct.nrrd",
        "run.json",
        "structures.seg.nrrd",
    ]
    run = CliRunner().invoke(export.command, [*base, "-o", str(tmp_path / "c"), "--identify"])
    assert "--link-ct" in str(run.exception)
    assert not (tmp_path / "c").exists()
    assert len(found.case.catheters) == 2


def test_rules_map_names_to_roles(tmp_path: Path, dicom: Path) -> None:
    rois = read_dicom_folder(dicom).structures.rois
    (tmp_path / "r.toml").write_text('[rules]\nCTV = ["^sol"]\nOAR = ["ring", "needle"]\n')
    assert roles_of_rois(rois, read_role_rules(tmp_path / "r.toml")) == {"solid": "CTV", "ring": "OAR"}
    for text in ('[rules]\nCTV = ["("]', "[rules]\nPTV = []", "x = 1", "[rules]\nCTV = 3"):
        (tmp_path / "r.toml").write_text(text)
        with pytest.raises(FormatError):
            read_role_rules(tmp_path / "r.toml")


@pytest.mark.shared
def test_real_exports_make_cases(shared: Path, tmp_path: Path) -> None:
    """A real structure set and plan, with catheters from the channels' curves, hub first."""
    for name, target in (("varian_tandem_ovoid", "HRCTV"), ("varian_pdr", "ctv")):
        folder = tmp_path / name
        folder.mkdir()
        for kind in ("RP", "RS"):
            source = shared / "data" / "brachy_dicom" / f"{name}_{kind}.dcm"
            (folder / f"{kind}.dcm").write_bytes(source.read_bytes())
        try:
            found = read_case(folder, {"roles": {target: "CTV"}, "prescription_gy": 7})
        except HdrPlanError as error:
            pytest.fail(str(error))
        assert len(found.case.catheters) == 3
        plan = read_dicom_folder(folder).plan
        for catheter, channel in zip(found.case.catheters, plan.channels, strict=True):
            first = channel.positions_mm[channel.relative_mm.argmin()]
            # Within a millimetre of what the afterloader counts from the tip.
            off = np.linalg.norm(catheter.points_mm[-1] - first) - channel.relative_mm.min()
            assert abs(off) < 1.0


def test_a_dicom_case_keeps_its_calibration(dicom: Path) -> None:
    given = {
        "calibration_strength_u": 40700.0,
        "calibration_time": "2024-01-01T00:00",
        "treatment_time": "2024-03-14T19:55",
    }
    strength = read_case(dicom, {"roles": {"solid": "CTV"}, "source": given}).strength
    assert strength.decay_factor == pytest.approx(0.5, rel=1e-5)
    assert strength.origin == Calibration(40700.0, datetime(2024, 1, 1), 73.83)


def test_the_reference_date_of_an_export_travels_with_its_strength(dicom: Path, tmp_path: Path) -> None:
    assert read_case(dicom, {"roles": {"solid": "CTV"}}).strength == Strength(40700.0, NOW)
    run = CliRunner().invoke(import_dicom.command, [str(dicom), "-o", str(tmp_path / "case"), "--ctv", "solid"])
    assert run.exit_code == 0, run.output
    assert read_plan(tmp_path / "case").strength == Strength(40700.0, NOW)


def test_the_only_organ_named_liver_is_the_healthy_one() -> None:
    assert healthy_by_name({"Liver": "OAR", "GTV_liver": "CTV", "stomach": "OAR"}) == "Liver"
    assert healthy_by_name({"liver": "OAR", "liver_left": "OAR"}) is None
    assert healthy_by_name({"stomach": "OAR", "liver": "other"}) is None
