"""What people do wrong: each mistake of the catalogue is refused, or gives its warning."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from dicom_objects import DICOM
from images import IMAGES
from mistake import Mistake
from numbers_of_cases import NUMBERS
from plans import PLANS, PlanGiven
from structures import STRUCTURES

from body_case import Given
from catheters import CATHETERS
from demo_case import write_demo_dicom
from hdrplan.cautions import REGISTER
from hdrplan.cli import cli
from hdrplan.errors import HdrPlanError
from hdrplan.geometry import dwell_positions
from hdrplan.io import json_text, plan_table, read_case, read_dicom_folder
from hdrplan.plan import Plan, doubts_of_source
from hdrplan.sources import load_source

CASES = [m for shelf in (IMAGES, STRUCTURES, CATHETERS, NUMBERS) for m in shelf.mistakes]


def command_line(*arguments: object) -> tuple[str, str]:
    """What the command line prints, and the refusal it ends with."""
    run = CliRunner().invoke(cli, [str(a) for a in arguments])
    if run.exception is not None and not isinstance(run.exception, HdrPlanError):
        raise run.exception
    return run.output, str(run.exception or "")


def outcome(mistake: Mistake, folder: Path) -> tuple[set[str], str]:
    """Ids of the warnings, or the refusal."""
    given = Given()
    mistake.make(given)
    try:
        return {w.id for w in read_case(given.write(folder)).warnings}, ""
    except HdrPlanError as error:
        return set(), str(error)


@pytest.mark.parametrize("mistake", CASES, ids=lambda m: m.name)
def test_a_mistake_is_refused_or_gives_its_warning(mistake: Mistake, tmp_path: Path) -> None:
    ids, refusal = outcome(mistake, tmp_path / "case")
    if mistake.refuses is not None:
        assert mistake.refuses in refusal, f"{ids} {refusal}"
    else:
        assert mistake.warns in REGISTER
        assert mistake.warns in ids, refusal or ids


def test_the_patient_without_a_mistake_gives_no_warning(tmp_path: Path) -> None:
    assert read_case(Given().write(tmp_path / "case")).warnings == ()


@pytest.fixture(scope="module")
def plan_json() -> dict[str, Any]:
    """Plan of the patient: ten seconds at each position."""
    case_file = read_case(Given().write(Path(tempfile.mkdtemp()) / "case"))
    dwells = dwell_positions(case_file.case.catheters, targets=case_file.case.ctvs)
    plan = Plan(dwells=dwells, times_s=np.full(len(dwells), 10.0), source=case_file.source, strength=case_file.strength)
    return json.loads(json_text(plan_table(plan, "body", case_file.ct_sha256)))


@pytest.mark.parametrize("mistake", PLANS.mistakes, ids=lambda m: m.name)
def test_a_wrong_plan_is_refused_or_gives_its_warning(
    mistake: Mistake, plan_json: dict[str, Any], tmp_path: Path
) -> None:
    it = PlanGiven(copy.deepcopy(plan_json), Given())
    mistake.make(it)
    (tmp_path / "plan.json").write_text(json.dumps(it.plan))
    folder = it.given.write(tmp_path / "case")
    printed, refusal = command_line("evaluate", folder, "--plan", tmp_path / "plan.json", "--samples-only", "--strict")
    if mistake.refuses is not None:
        assert mistake.refuses in refusal
    else:
        assert f"warning [{mistake.warns}]: " in printed, printed
        assert "with --strict no warning may be left" in refusal


def test_the_plan_without_a_mistake_gives_no_warning(plan_json: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(json.dumps(plan_json))
    folder = Given().write(tmp_path / "case")
    printed, refusal = command_line(
        "evaluate", folder, "--plan", tmp_path / "plan.json", "--samples-only", "--strict", "--json"
    )
    assert refusal == ""
    assert json.loads(printed)["warnings"] == []


@pytest.mark.parametrize("mistake", DICOM.mistakes, ids=lambda m: m.name)
def test_a_wrong_export_is_refused_or_gives_its_warning(mistake: Mistake, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    write_demo_dicom(folder)
    mistake.make(folder)
    ids, refusal = of_export(folder)
    if mistake.refuses is not None:
        assert mistake.refuses in refusal, ids
    else:
        assert mistake.warns in ids, refusal


def of_export(folder: Path) -> tuple[set[str], str]:
    """Ids of the warnings of an export whose source words are believed, or the refusal."""
    try:
        export = read_dicom_folder(folder)
    except HdrPlanError as error:
        return set(), str(error)
    assert export.plan is not None
    return {w.id for w in (*export.warnings, *doubts_of_source(export.plan, load_source("gammamed-12i")))}, ""


def test_the_export_without_a_mistake_gives_no_warning(tmp_path: Path) -> None:
    write_demo_dicom(tmp_path / "set")
    assert of_export(tmp_path / "set") == (set(), "")
