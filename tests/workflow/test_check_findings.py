"""The second check on what people meet: coarse grids, mix-ups, moving sources, factors, shifts, large grids."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from click.testing import CliRunner

from demo_case import NOW, case_and_plan, write_demo_dicom
from hdrplan.cli.check import command
from hdrplan.dose import dose_field
from hdrplan.errors import InputError
from hdrplan.geometry import Grid, Structure, Transit, Volume
from hdrplan.io import DicomSet, read_clinical_plan, read_tolerances, write_dicom_set
from hdrplan.metrics import Tolerances
from hdrplan.plan import BrachyPlan, brachy_of_plan
from hdrplan.sources import load_source
from hdrplan.workflow import StatedDose, check_plan

SOURCE = load_source("gammamed-plus")
# 3 x 3 x 4 mm, as planning systems write; the whole solid structure lies in it.
COARSE = Grid(shape_zyx=(11, 26, 30), origin_mm=np.array([-55.0, -52.0, 196.0]), spacing_mm=np.array([3.0, 3.0, 4.0]))


def parts(box: Grid = COARSE) -> tuple[BrachyPlan, Volume, tuple[Structure, ...]]:
    case, plan = case_and_plan()
    plan = replace(plan, source=SOURCE)
    dose = dose_field(plan.dwells, plan.exposure_s, box, SOURCE, strength_u=plan.strength_u)
    brachy = brachy_of_plan(plan, case.catheters, label="plan", prescription_gy=20.0, treated=NOW)
    return brachy, dose, case.structures[:1]


def test_the_coarseness_of_a_grid_is_no_difference_of_dose() -> None:
    """The same dose on 3 x 3 x 4 mm: like with like agrees, and the exact points show what the voxels hide."""
    brachy, dose, structures = parts()
    check = check_plan(brachy, SOURCE, stated=StatedDose(dose), structures=structures)
    assert check.verdict == "pass"
    dvh = {row.quantity: row for row in check.rows if row.kind == "dvh"}
    assert all(abs(row.difference_frac) < 1e-5 for row in dvh.values())
    assert len(dvh) == 4
    assert max(abs(row.exact / row.tps - 1.0) for row in dvh.values()) > 0.01


def test_our_own_export_of_a_moving_source_passes_its_own_check(tmp_path: Path) -> None:
    case, plan = case_and_plan()
    slow = replace(plan, transit=Transit(5.0))
    assert slow.exposure_s.sum() > 1.1 * slow.times_s.sum()
    dose = dose_field(slow.dwells, slow.exposure_s, COARSE, slow.source, strength_u=slow.strength_u)
    contents = DicomSet(case=case, plan=slow, dose=dose, prescription_gy=20.0)
    write_dicom_set(tmp_path, contents, now=NOW)
    clinical = read_clinical_plan(tmp_path)
    assert clinical.brachy.transit == Transit(5.0)
    stated = StatedDose(clinical.dose.volume, clinical.dose.full_scale_gy)
    assert check_plan(clinical.brachy, plan.source, stated=stated).verdict == "pass"
    still = replace(clinical.brachy, transit=None)
    assert check_plan(still, plan.source, stated=stated).verdict == "fail"


def test_a_pulse_of_a_grid_is_recognised() -> None:
    brachy, dose, _ = parts()
    channels = tuple(replace(c, pulses=30) for c in brachy.channels)
    pulsed = replace(brachy, channels=channels, stated_trak_u_s=30 * brachy.stated_trak_u_s, prescription_gy=600.0)
    check = check_plan(pulsed, SOURCE, stated=StatedDose(dose))
    assert check.verdict == "pass"
    assert "dose-of-one-pulse" in {w.id for w in check.warnings}


@pytest.mark.parametrize(
    ("factor", "words"), [(1e-6, "1,000,000"), (100.0, "100"), (0.1, "10"), (5.0, "the 5 fractions")]
)
def test_a_factor_of_units_or_counts_is_named(factor: float, words: str) -> None:
    brachy, _, _ = parts()
    kerma = replace(brachy, fractions=5, stated_trak_u_s=brachy.stated_trak_u_s * factor)
    check = check_plan(kerma, SOURCE)
    (hint,) = [w for w in check.warnings if w.id == "difference-is-a-factor"]
    assert words in hint.sentence
    assert not [w for w in check_plan(brachy, SOURCE).warnings if w.id == "difference-is-a-factor"]


def test_positions_in_cm_are_named() -> None:
    brachy, _, _ = parts()
    shrunk = tuple(replace(c, positions_mm=c.positions_mm / 10.0) for c in brachy.channels)
    assert "positions-in-other-unit" in {w.id for w in check_plan(replace(brachy, channels=shrunk), SOURCE).warnings}


@pytest.mark.parametrize("shift", [(1.0, 0.0, 0.0), (0.0, -1.5, 1.0)])
def test_a_shifted_dose_grid_is_told_by_its_size(shift: tuple[float, float, float]) -> None:
    brachy, dose, _ = parts()
    grid = replace(dose.grid, origin_mm=dose.grid.origin_mm + np.array(shift))
    check = check_plan(brachy, SOURCE, stated=StatedDose(Volume(grid, dose.values_zyx)))
    np.testing.assert_allclose(check.shift.shift_mm, shift, atol=0.05)
    assert "dose-grid-shifted" in {w.id for w in check.warnings}
    straight = check_plan(brachy, SOURCE, stated=StatedDose(dose))
    assert straight.shift.size_mm < 0.01
    assert "dose-grid-shifted" not in {w.id for w in straight.warnings}


def test_gamma_of_a_large_grid_has_no_stripes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The slices that are shown are whole, and the sample misses no second voxel in order."""
    brachy, dose, _ = parts()
    monkeypatch.setattr("hdrplan.workflow.check_grid.MAX_GAMMA_VOXELS", 800)
    grid = check_plan(brachy, SOURCE, stated=StatedDose(dose)).grid
    for z in (grid.hottest_z, grid.worst.index_zyx[0]):
        np.testing.assert_array_equal(np.isfinite(grid.gamma_zyx[z]), grid.judged_zyx[z])
    assert grid.gamma_voxels == 800 < grid.judged_zyx.sum()
    assert sum(level.voxels for level in grid.levels) == grid.judged_zyx.sum()
    assert sum(level.gamma_voxels for level in grid.levels) == 800


def test_the_largest_difference_is_where_it_was_put() -> None:
    brachy, dose, _ = parts()
    values = dose.values_zyx.copy()
    values[4, 13, 15] *= np.float32(0.5)
    worst = check_plan(brachy, SOURCE, stated=StatedDose(Volume(dose.grid, values))).grid.worst
    assert worst.index_zyx == (4, 13, 15)
    assert worst.difference_frac == pytest.approx(1.0, rel=1e-3)
    np.testing.assert_allclose(worst.position_mm, dose.grid.world([15, 13, 4]))


def test_tolerances_warn_and_follow_the_structure(tmp_path: Path) -> None:
    path = tmp_path / "t.toml"
    path.write_text(
        'dvh_frac = 0.04\n[warn]\ndvh_frac = 0.02\n[structures]\n"^SOL" = 0.01\n[sources]\ndvh_frac = "us"\n'
    )
    tolerances = read_tolerances(path)
    assert tolerances.sources == {"dvh_frac": "us"}
    brachy, dose, structures = parts()
    three = StatedDose(Volume(dose.grid, dose.values_zyx * np.float32(1.03)))
    loose = Tolerances(median_frac=0.05, gamma_pass_frac=0.0, dvh_frac=0.04, warn={"dvh_frac": 0.02})
    check = check_plan(brachy, SOURCE, stated=three, structures=structures, tolerances=loose)
    assert check.verdict == "warn"
    assert check.passed
    strict = replace(loose, structures=tolerances.structures)
    assert check_plan(brachy, SOURCE, stated=three, structures=structures, tolerances=strict).verdict == "fail"


def edited(path: Path, **values: Any) -> None:
    data = pydicom.dcmread(path)
    for keyword, value in values.items():
        setattr(data, keyword, value)
    data.save_as(path)


def of_other_plan(folder: Path) -> None:
    data = pydicom.dcmread(folder / "RD.dcm")
    data.ReferencedRTPlanSequence[0].ReferencedSOPInstanceUID = "1.2.3"
    data.save_as(folder / "RD.dcm")


def of_other_structures(folder: Path) -> None:
    edited(folder / "RS.dcm", SOPInstanceUID="1.2.4")


def dose_frame(folder: Path) -> None:
    edited(folder / "RD.dcm", FrameOfReferenceUID="1.2.3")


def structure_frame(folder: Path) -> None:
    data = pydicom.dcmread(folder / "RS.dcm")
    data.ReferencedFrameOfReferenceSequence[0].FrameOfReferenceUID = "1.2.3"
    for roi in data.StructureSetROISequence:
        roi.ReferencedFrameOfReferenceUID = "1.2.3"
    data.save_as(folder / "RS.dcm")


def patient(folder: Path) -> None:
    edited(folder / "RD.dcm", PatientID="somebody else")
    edited(folder / "RP.dcm", PatientID="somebody")


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "set"
    write_demo_dicom(folder)
    return folder


@pytest.mark.parametrize("as_folder", [True, False], ids=["folder", "files"])
@pytest.mark.parametrize("mix_up", [None, of_other_plan, of_other_structures, dose_frame, structure_frame, patient])
def test_files_that_do_not_belong_together_never_pass(
    export: Path, tmp_path: Path, mix_up: Any, as_folder: bool
) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    for name in ("RP.dcm", "RD.dcm", "RS.dcm"):
        (folder / name).write_bytes((export / name).read_bytes())
    if mix_up is not None:
        mix_up(folder)
    files = [folder / "RP.dcm", "--dose", folder / "RD.dcm", "--structures", folder / "RS.dcm"]
    arguments = [str(a) for a in ([folder] if as_folder else files)]
    run = CliRunner().invoke(command, [*arguments, "--json"])
    if mix_up is None:
        assert run.exit_code == 0, run.output
        holds = [link["holds"] for link in json.loads(run.stdout)["links"]]
        assert False not in holds
        assert holds.count(True) >= 4
    elif mix_up in (of_other_plan, of_other_structures):
        assert run.exit_code == 1
        table = json.loads(run.stdout)
        assert table["verdict"] == "fail"
        assert any(link["holds"] is False for link in table["links"])
    else:
        assert isinstance(run.exception, InputError)
    if mix_up is patient:
        accepted = CliRunner().invoke(command, [*arguments, "--accept-other-patient"])
        assert accepted.exit_code == 1
        assert "FAIL: the files do not belong together (not: all files: one patient)" in accepted.stdout


def test_the_terminal_says_no_verdict_where_nothing_could_be_compared(export: Path) -> None:
    run = CliRunner().invoke(command, [str(export / "RP.dcm")])
    assert run.exit_code == 1
    assert run.stdout.splitlines()[-1].startswith("NO VERDICT: ")
    assert "FAIL" not in run.stdout
