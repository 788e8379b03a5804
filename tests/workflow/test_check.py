"""The second check: it passes what is right, fails what is wrong, and says what it left out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from demo_case import NOW, case_and_plan
from hdrplan.cli.check import command
from hdrplan.dose import dose_field
from hdrplan.errors import FormatError, InputError
from hdrplan.geometry import Grid, Structure, Volume
from hdrplan.io import identity_of_case, read_tolerances, write_brachy_plan, write_dose_grid, write_structure_set
from hdrplan.metrics import Tolerances
from hdrplan.plan import BrachyPlan, ReferencePoint, brachy_of_plan, source_of_brachy
from hdrplan.sources import load_source
from hdrplan.workflow import StatedDose, check_plan

SOURCE = load_source("gammamed-plus")
BOX = Grid(shape_zyx=(10, 22, 24), origin_mm=np.array([-45.0, -40.0, 202.0]), spacing_mm=np.array([2.5, 2.5, 2.5]))


def clinical() -> tuple[BrachyPlan, Volume, tuple[Structure, ...]]:
    case, plan = case_and_plan()
    plan = replace(plan, source=SOURCE)
    dose = dose_field(plan.dwells, plan.times_s, BOX, SOURCE, strength_u=plan.strength_u)
    brachy = brachy_of_plan(plan, case.catheters, label="<script>alert(1)</script>", prescription_gy=20.0, treated=NOW)
    point = ReferencePoint(
        number=1,
        name="<b>A</b>",
        position_mm=BOX.world([20, 20, 5]),
        dose_gy=float(dose.values_zyx[5, 20, 20]),
        dose_from="test",
    )
    return replace(brachy, points=(point,)), dose, case.structures[:1]


def test_the_same_dose_passes() -> None:
    brachy, dose, structures = clinical()
    check = check_plan(brachy, SOURCE, stated=StatedDose(dose), structures=structures)
    assert check.passed
    assert check.grid is not None
    assert check.grid.gamma_pass_frac == 1.0
    assert abs(check.grid.median_frac) < 1e-6
    assert {row.kind for row in check.rows} == {"kerma", "point", "grid", "dwell", "dvh"}


def test_a_table_of_a_bounded_phantom_is_taken_and_said() -> None:
    """What Oncentra computes with: the second check must hold it, whoever plans should take another."""
    brachy, _, _ = clinical()
    for name, bounded in (("microselectron-v2-daskalov", True), ("microselectron-v2", False)):
        warnings = check_plan(brachy, load_source(name)).warnings
        assert any(w.id == "bounded-source" and "microselectron-v2." in w.text for w in warnings) is bounded, name


@pytest.mark.parametrize(("factor", "failing"), [(1.03, "median"), (0.9, "gamma")])
def test_a_dose_of_another_strength_fails(factor: float, failing: str) -> None:
    brachy, dose, _ = clinical()
    check = check_plan(brachy, SOURCE, stated=StatedDose(Volume(dose.grid, dose.values_zyx * np.float32(factor))))
    assert not check.passed
    assert any(failing in row.quantity for row in check.rows if row.verdict == "fail")
    assert check.grid.median_frac == pytest.approx(1 / factor - 1, abs=1e-4)


def test_a_grid_shifted_by_a_voxel_fails() -> None:
    brachy, dose, _ = clinical()
    moved = Volume(
        Grid(shape_zyx=BOX.shape_zyx, origin_mm=BOX.origin_mm + np.array([2.5, 0, 0]), spacing_mm=BOX.spacing_mm),
        dose.values_zyx,
    )
    assert check_plan(brachy, SOURCE, stated=StatedDose(moved)).grid.gamma_pass_frac < 0.9


def test_large_grids_are_judged_at_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    brachy, dose, _ = clinical()
    whole = check_plan(brachy, SOURCE, stated=StatedDose(dose)).grid
    monkeypatch.setattr("hdrplan.workflow.check_grid.MAX_GAMMA_VOXELS", 500)
    thinned = check_plan(brachy, SOURCE, stated=StatedDose(dose)).grid
    assert thinned.gamma_voxels == 500 < whole.gamma_voxels == whole.judged_zyx.sum()
    assert thinned.median_frac == whole.median_frac


def test_times_that_do_not_make_the_stated_kerma_fail() -> None:
    brachy, dose, _ = clinical()
    check = check_plan(replace(brachy, stated_trak_u_s=brachy.stated_trak_u_s * 1.01), SOURCE, stated=StatedDose(dose))
    assert not check.passed
    assert check.rows[0].verdict == "fail"


def test_saturation_is_left_out_and_said() -> None:
    brachy, dose, _ = clinical()
    clipped = Volume(dose.grid, np.minimum(dose.values_zyx, np.float32(30.0)))
    blind = check_plan(brachy, SOURCE, stated=StatedDose(clipped))
    seeing = check_plan(brachy, SOURCE, stated=StatedDose(clipped, 30.0))
    assert seeing.grid.gamma_pass_frac == 1.0
    assert seeing.grid.left_out == int((dose.values_zyx >= 0.999 * 30.0).sum()) > 0
    assert any("full scale" in w.text for w in seeing.warnings)
    assert blind.grid.gamma_pass_frac < 1.0


def test_the_tip_that_fits_is_found_where_the_file_is_silent() -> None:
    brachy, dose, _ = clinical()
    turned = tuple(replace(c, axes=-c.axes, tip_known=False, axis_from="unknown") for c in brachy.channels)
    check = check_plan(replace(brachy, channels=turned), SOURCE, stated=StatedDose(dose))
    assert check.tip.is_reversed
    assert "reversed fits better" in check.tip.text
    kept = check_plan(replace(brachy, channels=turned), SOURCE, stated=StatedDose(dose), reverse_tip=False)
    assert not kept.tip.is_reversed
    assert kept.grid.p95_frac > check.grid.p95_frac


def test_a_dose_of_all_fractions_is_recognised() -> None:
    brachy, dose, _ = clinical()
    total = Volume(dose.grid, dose.values_zyx * np.float32(3))
    check = check_plan(replace(brachy, fractions=3), SOURCE, stated=StatedDose(total))
    assert check.passed
    assert any("the dose of 3 fractions" in w.text for w in check.warnings)
    assert check_plan(replace(brachy, fractions=3), SOURCE, stated=StatedDose(dose)).passed


def test_nothing_to_compare_is_no_pass() -> None:
    brachy, _, _ = clinical()
    check = check_plan(replace(brachy, points=()), SOURCE)
    assert not check.passed
    assert any("nothing but the reference air kerma" in w.text for w in check.warnings)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    brachy, dose, structures = clinical()
    folder = tmp_path / "export"
    folder.mkdir()
    identity = identity_of_case("demo", written=NOW)
    rs = write_structure_set(folder / "RS.dcm", structures, (), identity)
    rp = write_brachy_plan(folder / "RP.dcm", brachy, identity, structures_uid=rs)
    write_dose_grid(folder / "RD.dcm", dose, identity, plan_uid=rp)
    return folder


def test_command_on_a_folder_writes_a_safe_page(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run = CliRunner().invoke(command, [str(export), "-o", str(out)])
    assert run.exit_code == 0, run.output
    assert "PASS" in run.output
    page = (out / "check.html").read_text()
    assert "alert(1)" not in page
    assert "&lt;b&gt;A&lt;/b&gt;" in page
    assert "http" not in page.split("</head>")[1].split("Method")[0]
    table = json.loads((out / "check.json").read_text())
    assert table["passed"] is True
    assert table["plan"] is None
    assert set(json.loads((out / "run.json").read_text())["inputs_sha256"]) == {
        "plan",
        "dose",
        "structures",
        "source data",
    }


def test_strength_is_decayed_to_the_treatment(export: Path) -> None:
    """One half-life after the plan's date of 2024-05-06 07:08:09: half the strength, twice the time."""
    run = CliRunner().invoke(command, [str(export), "--treated", "2024-07-19T03:02:49", "--json"])
    assert run.exit_code == 0
    (said,) = [w["sentence"] for w in json.loads(run.stdout)["warnings"] if w["id"] == "times-of-another-day"]
    assert "20350 U" in said
    assert "2.0000 times as long" in said


def test_command_names_the_plan_only_when_asked(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run = CliRunner().invoke(command, [str(export / "RP.dcm"), "-o", str(out), "--identify", "--json"])
    assert run.exit_code == 0
    assert json.loads(run.output)["plan"] == "<script>alert(1)"[:16].strip()
    assert "&lt;script&gt;" in (out / "check.html").read_text()


def test_command_fails_with_1_and_bad_input_with_an_error(export: Path, tmp_path: Path) -> None:
    strict = tmp_path / "t.toml"
    strict.write_text("point_frac = 0.0\nmedian_frac = 0.0\n[gamma]\ndose_frac = 0.01\n")
    run = CliRunner().invoke(command, [str(export), "--tolerances", str(strict), "--source", "flexisource"])
    assert run.exit_code == 1
    assert "FAIL" in run.output
    run = CliRunner().invoke(command, [str(tmp_path / "nothing.dcm"), "-o", str(tmp_path / "out")])
    assert isinstance(run.exception, InputError)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["pont_frac = 0.1", "point_frac = 'a'", "gamma = 3", "[gamma]\nlocal = 2"])
def test_tolerances_are_read_with_care(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.toml").write_text(text)
    with pytest.raises(FormatError):
        read_tolerances(tmp_path / "t.toml")
    assert read_tolerances(None) == Tolerances()


def test_sources_are_found_by_the_words_of_the_vendors() -> None:
    brachy, _, _ = clinical()

    def named(text: str, kind: str = "HDR", dialect: str = "Varian") -> str:
        source = replace(brachy.source, text=text)
        return source_of_brachy(replace(brachy, source=source, treatment_type=kind, dialect=dialect)).name

    assert named("GammaMed Plus HDR source 0.9 mm | Varian Medical Systems | GammaMedPlus_iX") == "gammamed-plus"
    assert named("GammaMed Plus PDR source 0.9 mm", "PDR") == "gammamed-pdr-plus"
    assert named("GammaMed 12i") == "gammamed-12i"
    assert named("Ir-192 | microSelectron-HDR v2 | mHDR v2", dialect="Oncentra") == "microselectron-v2-daskalov"
    assert named("Flexisource") == "flexisource"
    assert named("gammamed-12i", dialect="hdrplan") == "gammamed-12i"
    with pytest.raises(InputError, match=r"got 'mine'\. Choose one with `source`"):
        named("mine", dialect="hdrplan")
    with pytest.raises(InputError, match="`source`"):
        named("isotope | manufacturer")
