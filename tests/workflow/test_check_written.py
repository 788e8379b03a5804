"""Dose grids as planning systems write them: topped out, empty in needles, of media; prescriptions that do not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
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
from hdrplan.geometry import Grid, Structure, Volume
from hdrplan.plan import BrachyPlan, brachy_of_plan
from hdrplan.sources import load_source
from hdrplan.workflow import SecondCheck, StatedDose, check_plan

SOURCE = load_source("gammamed-plus")
FINE = Grid(shape_zyx=(22, 38, 45), origin_mm=np.array([-55.0, -52.0, 196.0]), spacing_mm=np.array([2.0, 2.0, 2.0]))


@pytest.fixture(scope="module")
def parts() -> tuple[BrachyPlan, Volume, tuple[Structure, ...]]:
    case, plan = case_and_plan()
    plan = replace(plan, source=SOURCE)
    dose = dose_field(plan.dwells, plan.exposure_s, FINE, SOURCE, strength_u=plan.strength_u)
    brachy = brachy_of_plan(plan, case.catheters, label="plan", prescription_gy=20.0, treated=NOW)
    return brachy, dose, case.structures[:1]


def checked(parts: Any, change: Callable[[np.ndarray], np.ndarray], full_scale_gy: float | None = None) -> SecondCheck:
    brachy, dose, structures = parts
    stated = StatedDose(Volume(dose.grid, change(dose.values_zyx.copy())), full_scale_gy)
    return check_plan(brachy, SOURCE, stated=stated, structures=structures)


def near(brachy: BrachyPlan, grid: Grid, within_mm: float) -> np.ndarray:
    dwells = np.concatenate([c.positions_mm[c.times_s > 0] for c in brachy.channels])
    centres = grid.world(np.argwhere(np.ones(grid.shape_zyx, dtype=bool))[:, ::-1])
    nearest = np.min([np.linalg.norm(centres - dwell, axis=1) for dwell in dwells], axis=0)
    return nearest.reshape(grid.shape_zyx) < within_mm


def test_a_grid_that_tops_out_is_compared_with_ours_topped_out_alike(parts: Any) -> None:
    """Interpolated next to voxels at full scale, doses differ from ours only if ours are cut too."""
    d2cc = checked(parts, lambda gy: gy)
    (row,) = [row for row in d2cc.rows if row.quantity == "solid D2cc"]
    top_gy = 0.9 * row.tps
    check = checked(parts, lambda gy: np.minimum(gy, np.float32(top_gy)), top_gy)
    assert check.verdict == "pass"
    assert check.grid.left_out > 0
    dvh = {row.quantity: row for row in check.rows if row.kind == "dvh"}
    assert max(row.tps for row in dvh.values()) < top_gy
    assert all(abs(row.difference_frac) < 1e-5 for row in dvh.values())


def test_a_plateau_above_ours_is_a_difference(parts: Any) -> None:
    """What the TPS puts at its full scale, and ours far below, is not left out."""
    check = checked(parts, lambda gy: np.where(gy > 15.0, np.float32(100.0), gy), 100.0)
    assert check.verdict == "fail"
    assert check.grid.worst.tps_gy == pytest.approx(100.0)


def test_no_dose_inside_needles_is_left_out_and_said(parts: Any) -> None:
    brachy, dose, _ = parts
    inside = near(brachy, dose.grid, 2.5)
    check = checked(parts, lambda gy: np.where(inside, np.float32(0.0), gy))
    assert check.verdict == "pass"
    (said,) = [w for w in check.warnings if w.id == "grid-voxels-not-written"]
    assert f"{int(inside.sum())} voxels" in said.sentence
    assert all(abs(row.difference_frac) < 1e-5 for row in check.rows if row.kind == "dvh")


@pytest.mark.parametrize("within_mm", [9.0, 1000.0])
def test_no_dose_farther_out_fails(parts: Any, within_mm: float) -> None:
    brachy, dose, _ = parts
    missing = near(brachy, dose.grid, within_mm)
    assert checked(parts, lambda gy: np.where(missing, np.float32(0.0), gy)).verdict == "fail"


def test_a_prescription_that_no_dose_reaches_does_not_raise_the_threshold(parts: Any) -> None:
    brachy, dose, structures = parts
    stated = StatedDose(dose)
    right = check_plan(brachy, SOURCE, stated=stated, structures=structures)
    assert "prescription-not-reached" not in {w.id for w in right.warnings}
    wrong = check_plan(replace(brachy, prescription_gy=43 * 20.0), SOURCE, stated=stated, structures=structures)
    assert "prescription-not-reached" in {w.id for w in wrong.warnings}
    assert wrong.grid.threshold_gy < 0.2 * 86.0
    assert wrong.grid.judged_zyx.sum() > 5 * (dose.values_zyx >= 86.0).sum()


def test_a_prescription_that_every_voxel_has_is_doubted(parts: Any) -> None:
    brachy, dose, structures = parts
    low = check_plan(replace(brachy, prescription_gy=0.02), SOURCE, stated=StatedDose(dose), structures=structures)
    assert "prescription-everywhere" in {w.id for w in low.warnings}
    assert low.grid.threshold_gy > 0.02


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "set"
    write_demo_dicom(folder)
    return folder


def shielded(plan: Any) -> None:
    shield = pydicom.Dataset()
    shield.BrachyAccessoryDeviceNumber, shield.BrachyAccessoryDeviceType = 1, "SHIELD"
    plan.ApplicationSetupSequence[0].BrachyAccessoryDeviceSequence = [shield]


def walled(plan: Any) -> None:
    for channel in plan.ApplicationSetupSequence[0].ChannelSequence:
        channel.SourceApplicatorWallNominalTransmission = 0.93


def walls_not_filled_in(plan: Any) -> None:
    for channel in plan.ApplicationSetupSequence[0].ChannelSequence:
        channel.SourceApplicatorWallNominalTransmission = 0


def dated_later(plan: Any) -> None:
    plan.SourceSequence[0].SourceStrengthReferenceDate = "20240516"


def dated_next_day(plan: Any) -> None:
    plan.SourceSequence[0].SourceStrengthReferenceDate = "20240507"


def of_media(dose: Any) -> None:
    dose.TissueHeterogeneityCorrection = ["IMAGE", "ROI_OVERRIDE"]


def deformed(dose: Any) -> None:
    dose.SpatialTransformOfDose = "NON_RIGID"


def one_id_two_births(dose: Any) -> None:
    dose.PatientBirthDate = "19500101"


def no_id_other_name(dose: Any) -> None:
    dose.PatientID, dose.PatientName = "", "Other^Person"


def no_id_same_name(dose: Any) -> None:
    dose.PatientID = ""


@pytest.mark.parametrize(
    ("name", "edit", "said"),
    [
        ("RP", shielded, "1 shield: the dose behind it"),
        ("RP", walled, "applicator walls that let 93%"),
        ("RP", walls_not_filled_in, ""),
        ("RP", dated_later, "10 days after the plan's own date: in that time a source decays by 9.0%"),
        ("RP", dated_next_day, ""),
        ("RD", of_media, "computed with the densities of IMAGE and ROI_OVERRIDE"),
        ("RD", deformed, "moved or deformed after it was computed (NON_RIGID)"),
        ("RD", one_id_two_births, "one PatientID but another date of birth"),
        ("RD", no_id_same_name, ""),
        ("RD", no_id_other_name, "refused"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_attributes_that_change_the_meaning_are_said(
    export: Path, tmp_path: Path, name: str, edit: Callable[[Any], None], said: str
) -> None:
    paths = {}
    for kind in ("RP", "RD", "RS"):
        data = pydicom.dcmread(export / f"{kind}.dcm")
        if edit in (one_id_two_births,) and kind != "RD":
            data.PatientBirthDate = "19600101"
        if kind == name:
            edit(data)
        paths[kind] = tmp_path / f"{kind}.dcm"
        data.save_as(paths[kind])
    run = CliRunner().invoke(
        command, [str(paths["RP"]), "--dose", str(paths["RD"]), "--structures", str(paths["RS"]), "--json"]
    )
    if said == "refused":
        assert "must have one PatientName" in str(run.exception)
        return
    table = json.loads(run.stdout)
    assert table["verdict"] == "pass"
    # What the page has in its box, and the limits with their sources, stand in the JSON too.
    assert any("Voxels are judged where either dose is above" in line for line in table["assumptions"])
    assert all(row["judged"] and row["limit"] and row["source"] for row in table["limits"])
    kinds = {"shield-not-modelled", "strength-dated-far", "dose-of-media", "dose-transformed"}
    given = [w["sentence"] for w in table["warnings"] if w["id"] in kinds | {"patient-written-otherwise"}]
    assert (said in " ".join(given)) if said else not given
