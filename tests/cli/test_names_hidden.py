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


@pytest.mark.parametrize("name", ["one", "RS", "a"])
def test_a_folder_named_like_a_part_of_a_word_spoils_no_message(
    name: str, export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It said: a case needs a structure set (RTSTRUCT), got n<file>."""
    (export / "RS_Doe_Jane.dcm").write_bytes(b"")
    export.rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    said = message("import", name, "-o", "case")
    assert "(RTSTRUCT), got none; 1 DICOM file could not be read" in said


def test_a_folder_named_by_a_word_of_ours_spoils_no_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It said: the export must hold a brachytherapy <file>."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "plan.json").write_text("{}")
    said = message("check", "plan")
    assert "the export must hold a brachytherapy plan, got none" in said
    assert "hdrplan export" in said


def test_a_second_check_says_what_of_the_folder_it_could_not_read(export: Path) -> None:
    """It passed, without a word about structures of 0 bytes."""
    (export / "RS_Doe_Jane.dcm").write_bytes(b"")
    run = CliRunner().invoke(cli, ["check", str(export), "--quiet"])
    assert "warning [dicom-unreadable]" in run.stderr
    assert not any(name in run.stderr for name in NAMES)


def written(folder: Path) -> str:
    return "\n".join(
        [str(path.relative_to(folder)) for path in folder.rglob("*")]
        + [path.read_text("utf-8") for path in folder.rglob("*") if path.suffix in (".json", ".html", ".toml", ".csv")]
    )


def test_a_prepared_case_and_a_plan_on_its_ct_name_no_folder(export: Path, tmp_path: Path) -> None:
    """The record called the input by the name of its folder, and the report shows the record."""
    made, planned = tmp_path / "case", tmp_path / "plan"
    goals = ("--ctv", "solid", "--prescription", 5, "--strength", 40700)
    for arguments in (
        ("prepare", export, *goals, "-o", made),
        ("import", export, "--ctv", "solid", "--prescription", 5, "-o", tmp_path / "imported"),
        ("plan", tmp_path / "imported", "--ct", export, "--samples-only", "-o", planned),
    ):
        run = CliRunner().invoke(cli, [*map(str, arguments), "--quiet"])
        assert run.exit_code == 0, run.output
    for folder in (made, planned):
        text = written(folder)
        assert "folder" in text
        assert not [name for name in ("Doe", "Jane") if name in text]


def test_an_error_about_a_series_that_is_given_apart_names_no_folder(export: Path, tmp_path: Path) -> None:
    from small_case import write_small_case

    write_small_case(tmp_path / "case")
    first = min(export.glob("CT*"))
    first.write_bytes(first.read_bytes()[:-600])
    text = message("plan", tmp_path / "case", "--ct", export, "--dry-run")
    assert not [name for name in NAMES if name in text], text
