"""Errors about an export name no file and no folder: planning systems name them after patients."""

from __future__ import annotations

import re
from pathlib import Path

import pydicom
import pytest
from click.testing import CliRunner

from demo_case import write_demo_dicom
from hdrplan.cli import cli

NAMES = ("Doe", "Jane", "4711", "Roe")


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An export in a patient's folder, with files of her name; the plan is broken."""
    folder = tmp_path / "Doe_Jane_4711"
    write_demo_dicom(folder)
    for kind in ("RP", "RS", "RD"):
        (folder / f"{kind}.dcm").rename(folder / f"{kind}_Doe_Jane.dcm")
    return folder


def broken(export: Path) -> None:
    path = export / "RP_Doe_Jane.dcm"
    data = pydicom.dcmread(path)
    data.SourceSequence[0].ReferenceAirKermaRate = None
    data.save_as(path)


def message(*arguments: object) -> str:
    result = CliRunner().invoke(cli, list(map(str, arguments)))
    assert result.exception is not None
    return f"{result.stderr} {result.exception}"


def test_errors_name_no_file(export: Path, tmp_path: Path) -> None:
    broken(export)
    plan = export / "RP_Doe_Jane.dcm"
    for arguments in (
        ("import", export, "--ctv", "solid", "-o", tmp_path / "case", "--quiet"),
        ("check", export, "--quiet"),
        ("check", plan, "--quiet"),
        ("plan", export, "--ctv", "solid", "-o", tmp_path / "plan", "--quiet"),
    ):
        text = message(*arguments)
        assert not [name for name in NAMES if name in text], text
        assert re.search(r"file \d+ of \d+ by name|the file", text), text
    assert "RP_Doe_Jane.dcm" in message("check", export, "--quiet", "--identify")


def test_a_file_that_cannot_be_opened_is_named_neither(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("hdrplan.io.dicom.clinical_plan.read_brachy_plan", denied)
    text = message("check", export, "--quiet")
    assert "Permission denied" in text
    assert not [name for name in NAMES if name in text], text


def test_a_dicom_folder_of_two_patients_is_planned_on_request(export: Path, tmp_path: Path) -> None:
    path = export / "RS_Doe_Jane.dcm"
    data = pydicom.dcmread(path)
    data.PatientID = "Roe"
    data.save_as(path)
    for slice_ in export.glob("CT*"):
        data = pydicom.dcmread(slice_)
        data.PatientID = "Doe"
        data.save_as(slice_)
    arguments = ("plan", export, "--ctv", "solid", "--prescription", 5, "--strength", 40700, "--dry-run")
    text = message(*arguments)
    assert "must have one PatientID" in text
    assert not [name for name in NAMES if name in text], text
    result = CliRunner().invoke(cli, [*map(str, arguments), "--accept-other-patient"])
    assert result.exit_code == 0, result.output
    assert "warning [other-patient]" in result.stderr
