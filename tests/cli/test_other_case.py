"""A plan and a case that do not belong together are refused; the strength's date travels through import and export."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest
from click.testing import CliRunner

from demo_case import case_and_plan, write_demo_dicom
from hdrplan.cli import cli
from hdrplan.errors import InputError
from hdrplan.io import json_text, plan_table, read_case, read_plan, write_plan

BEFORE = datetime(2018, 5, 11, 9, 30)


def run(*arguments: object) -> object:
    return CliRunner().invoke(cli, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clinic's plan of 2018, imported: a case with its plan."""
    folder = tmp_path_factory.mktemp("imported")
    write_demo_dicom(folder / "export", treated=BEFORE)
    result = run("import", folder / "export", "-o", folder / "case", "--ctv", "solid", "-q")
    assert result.exit_code == 0, result.output
    return folder / "case"


def test_the_date_of_the_strength_travels_through_import_plan_and_export(imported: Path, tmp_path: Path) -> None:
    assert read_case(imported).strength.time == BEFORE
    assert read_plan(imported / "plan.json").strength.time == BEFORE
    result = run("export", imported / "plan.json", "--case", imported, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "strength-dated-now" not in result.stderr
    # Its channels are the case's catheters, with their paths, whatever their numbers.
    assert "plan-other-catheters" not in result.stderr
    channels = pydicom.dcmread(tmp_path / "out" / "RP.dcm").ApplicationSetupSequence[0].ChannelSequence
    drawn = {roi.ROINumber for roi in pydicom.dcmread(tmp_path / "out" / "RS.dcm").StructureSetROISequence}
    assert {channel.ReferencedROINumber for channel in channels} <= drawn
    source = pydicom.dcmread(tmp_path / "out" / "RP.dcm").SourceSequence[0]
    assert (source.SourceStrengthReferenceDate, source.SourceStrengthReferenceTime) == ("20180511", "093000")
    assert float(source.ReferenceAirKermaRate) == 40700.0
    again = run("export", imported / "plan.json", "--case", imported, "-o", tmp_path / "b", "--treated", "2024-01-01")
    assert isinstance(again.exception, InputError)


def test_a_strength_without_date_is_dated_by_the_user_or_said(imported: Path, tmp_path: Path) -> None:
    table = json.loads((imported / "plan.json").read_text())
    del table["strength"]["time"]
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(table))
    result = run("export", plan, "--case", imported, "-o", tmp_path / "now")
    assert "warning [strength-dated-now]" in result.stderr
    result = run("export", plan, "--case", imported, "-o", tmp_path / "then", "--treated", "2018-05-11T09:30:00")
    assert "strength-dated-now" not in result.stderr
    assert pydicom.dcmread(tmp_path / "then" / "RP.dcm").SourceSequence[0].SourceStrengthReferenceDate == "20180511"


@pytest.mark.parametrize("command", ["export", "evaluate", "plot", "robust"])
@pytest.mark.parametrize("fault", ["ct", "frame"])
def test_a_plan_of_another_case_is_refused(imported: Path, tmp_path: Path, command: str, fault: str) -> None:
    table = json.loads((imported / "plan.json").read_text())
    if fault == "ct":
        table["ct_sha256"] = "0" * 64
    else:
        for dwell in table["dwells"]:
            dwell["position_mm"] = (np.array(dwell["position_mm"]) + 40.0).tolist()
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(table))
    arguments = {
        "export": ("export", plan, "--case", imported, "-o", tmp_path / "out"),
        "evaluate": ("evaluate", imported, "--plan", plan, "--samples-only"),
        "plot": ("plot", imported, "--plan", plan, "-o", tmp_path / "figure.png"),
        "robust": ("robust", imported, "--plan", plan, "-o", tmp_path / "out"),
    }[command]
    result = run(*arguments)
    assert isinstance(result.exception, InputError)
    assert "the plan must be one of this case" in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_another_case_is_taken_where_the_user_says_so(imported: Path, tmp_path: Path) -> None:
    _, plan = case_and_plan()
    write_plan(tmp_path / "plan.json", plan, "demo", "0" * 64)
    assert json_text(plan_table(plan, "demo", "0" * 64)) == (tmp_path / "plan.json").read_text()
    arguments = ("export", tmp_path / "plan.json", "--case", imported, "-o", tmp_path / "out")
    assert isinstance(run(*arguments).exception, InputError)
    result = run(*arguments, "--accept-other-case")
    assert result.exit_code == 0, result.output
    assert "warning [plan-other-ct]" in result.stderr
