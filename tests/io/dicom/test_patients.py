"""Files of two patients are not taken together in silence, whoever reads them."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pydicom
import pytest
from click.testing import CliRunner

from demo_case import GRID, write_demo_dicom
from hdrplan.cli import cli
from hdrplan.errors import InputError
from hdrplan.geometry import Grid
from hdrplan.io import read_clinical_plan, read_dicom_folder

BOX = Grid(shape_zyx=(12, 48, 52), origin_mm=GRID.world([0, 0, 0]), spacing_mm=GRID.spacing_mm)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    write_demo_dicom(tmp_path / "export", box=BOX)
    for path in (tmp_path / "export").glob("*.dcm"):
        changed(path, PatientID="Doe-4711", PatientName="Doe^Jane")
    return tmp_path / "export"


def changed(path: Path, **tags: str) -> None:
    data = pydicom.dcmread(path)
    for keyword, value in tags.items():
        setattr(data, keyword, value)
    data.save_as(path)


TAGS = [("PatientID", "Roe-0815", "P"), ("StudyInstanceUID", "1.2.840.99999.1", "S")]


@pytest.mark.parametrize("name", ["RS.dcm", "RP.dcm", "RD.dcm"])
@pytest.mark.parametrize(("tag", "value", "letter"), TAGS)
def test_another_patient_is_refused_or_named_by_pseudonym(
    name: str, tag: str, value: str, letter: str, export: Path, tmp_path: Path
) -> None:
    read_dicom_folder(export)
    changed(export / name, **{tag: value})
    kind = name[:2]
    with pytest.raises(InputError) as caught:
        read_dicom_folder(export)
    assert re.search(rf"must have one {tag}, got {kind} of {letter}-\w+ with CT of {letter}-\w+", str(caught.value))
    for word in ("Doe", "4711", "Roe", "0815", "99999"):
        assert word not in str(caught.value).replace(str(export), "")
    accepted = read_dicom_folder(export, accept_other_patient=True)
    (warning,) = (w for w in accepted.warnings if w.id == "other-patient")
    assert re.search(rf"{kind} and CT differ in {tag} \({letter}-\w+, {letter}-\w+\)", warning.sentence)
    # The second check, by the folder and by single files: there is no CT then, whose study would count.
    files = {"dose": export / "RD.dcm", "structures": export / "RS.dcm"}
    for plan, more in ((export, {}), (export / "RP.dcm", files)):
        if more and tag == "StudyInstanceUID":
            assert read_clinical_plan(plan, **more).notes == ()
            continue
        with pytest.raises(InputError, match=f"must have one {tag}"):
            read_clinical_plan(plan, **more)
        notes = read_clinical_plan(plan, **more, accept_other_patient=True).notes
        assert [n.id for n in notes].count("other-patient") >= 1


def test_values_that_were_taken_out_differ_from_nothing(export: Path) -> None:
    for name in ("RS.dcm", "RP.dcm"):
        changed(export / name, PatientID="", PatientName="", StudyInstanceUID="")
    assert not [w for w in read_dicom_folder(export).warnings if w.id == "other-patient"]


def test_commands_refuse_and_accept(export: Path, tmp_path: Path) -> None:
    changed(export / "RS.dcm", PatientID="Roe-0815")
    rows = {}
    for more in ([], ["--accept-other-patient"]):
        name = f"out{len(more)}"
        run = CliRunner().invoke(
            cli, ["import", str(export), "-o", str(tmp_path / f"i{name}"), "--ctv", "solid", *more]
        )
        assert (run.exit_code == 0) == bool(more), run.output
        run = CliRunner().invoke(
            cli, ["metrics", str(export), "-o", str(tmp_path / name), "--jobs", "1", "--engine", "recomputed", *more]
        )
        assert run.exit_code == 0, run.output
        for table in ("metrics", "errors"):
            text = (tmp_path / name / f"{table}.csv").read_text()
            assert "Roe" not in text
            assert "4711" not in text
            rows[table, bool(more)] = list(csv.DictReader(text.splitlines()))
    assert rows["metrics", False] == []
    assert "must have one PatientID, got RS of P-" in rows["errors", False][0]["error"]
    assert "[other-patient]" in rows["metrics", True][0]["warnings"]


def test_a_broken_file_is_told_without_its_name(export: Path, tmp_path: Path) -> None:
    whole = (export / "RD.dcm").read_bytes()
    (export / "Doe_Jane").mkdir()
    (export / "Doe_Jane" / "Doe_Jane.dcm").write_bytes(whole[: len(whole) // 2])
    run = CliRunner().invoke(cli, ["import", str(export), "-o", str(tmp_path / "case"), "--ctv", "solid"])
    assert run.exit_code == 0, run.output
    record = (tmp_path / "case" / "run.json").read_text()
    assert "dicom-unreadable" in record
    for text in (record, run.output):
        assert "Doe" not in text
        assert "Jane" not in text


@pytest.mark.parametrize("name", ["RP.dcm", "RS.dcm", "RD.dcm"])
@pytest.mark.parametrize("left", [0, 100])
def test_what_a_stopped_copy_left_of_a_file_is_told(export: Path, name: str, left: int) -> None:
    """A file of no bytes was passed over as if the export had no plan."""
    (export / name).write_bytes((export / name).read_bytes()[:left])
    assert "dicom-unreadable" in [warning.id for warning in read_dicom_folder(export).warnings]


def test_empty_files_named_by_a_uid_are_told_and_files_of_the_system_are_not(export: Path) -> None:
    for name in ("RP.1.2.840.113619.2", "IM0001", ".DS_Store", "notes.txt"):
        (export / name).touch()
    told = [warning.id for warning in read_dicom_folder(export).warnings]
    assert told.count("dicom-unreadable") == 2
