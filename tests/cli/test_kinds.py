"""A file that is not what a command reads is named for what it is, with the way on."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from hdrplan.kinds import for_a_case, for_a_plan, what_is
from small_case import write_small_case

DICOM = b"\0" * 128 + b"DICM"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with all that lies about on a desk."""
    monkeypatch.chdir(tmp_path)
    write_small_case(tmp_path / "case")
    for name, data in {
        "plan/plan.json": b'{\n "schema": "hdrplan.plan/2"\n}\n',
        "plan/run.json": b'{\n "schema": "hdrplan.run/1"\n}\n',
        "plan/metrics.json": b'{\n "schema": "hdrplan.metrics/1"\n}\n',
        "plan/dwells.csv": b"channel,time_s\n1,2\n",
        "plan/report.html": b"<!DOCTYPE html><html></html>\n",
        "export/IM0001": DICOM,
        "images/ct.nii.gz": b"\x1f\x8b\x08",
        "letter.docx": b"PK\x03\x04",
        "table.xlsx": b"PK\x03\x04",
        "scan.pdf": b"%PDF-1.4",
        "picture.png": b"\x89PNG\r\n",
        "note.txt": b"call back\n",
        "nothing": b"",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "empty").mkdir()
    (tmp_path / "cases").mkdir()
    shutil.copytree(tmp_path / "case", tmp_path / "cases" / "a")
    with zipfile.ZipFile(tmp_path / "case.zip", "w") as archive:
        archive.write(tmp_path / "case" / "case.toml")
    return tmp_path


KINDS = {
    "case": "a case", "case/case.toml": "a TOML file", "plan": "a plan", "plan/plan.json": "a plan",
    "plan/run.json": "the record of a run", "plan/metrics.json": "the metrics of a plan", "plan/dwells.csv": "a table",
    "plan/report.html": "a web page", "export": "a folder of DICOM files", "export/IM0001": "a DICOM file",
    "images": "a folder of images", "images/ct.nii.gz": "an image", "letter.docx": "a zip archive",
    "case.zip": "a zip archive", "table.xlsx": "a workbook", "scan.pdf": "a PDF", "picture.png": "a picture",
    "note.txt": None, "nothing": "an empty file", "empty": "an empty folder", "cases": "a folder of cases",
    "not there": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("check case.zip", "expected a DICOM file, got a zip archive. Unpack it first"),
        ("check picture.png", "expected a DICOM file, got a picture"),
        ("check note.txt", "expected a DICOM file, got another file"),
        ("dvh case.zip export/IM0001 -o out", "expected a DICOM file, got a zip archive. Unpack it first"),
        ("dvh plan/report.html export/IM0001 -o out", "expected a DICOM file, got a web page"),
        ("prepare case.zip -o out", "got a zip archive. Unpack it first"),
        ("import case.zip -o out --ctv a --healthy b", "expected a folder, got a zip archive. Unpack it first."),
        (
            "import export/IM0001 -o out --ctv a --healthy b",
            "got a DICOM file. Give the folder that it lies in: export.",
        ),
    ],
)
def test_what_is_no_dicom_is_named_for_what_it_is(arguments: str, says: str, desk: Path, run) -> None:
    result = run(*arguments.split())
    assert result.code == 2
    assert says in result.err


@pytest.mark.parametrize("name", KINDS)
def test_what_a_file_is(name: str, desk: Path) -> None:
    assert what_is(desk / name) == KINDS[name]


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("plan", "`hdrplan evaluate` takes plan beside it"),
        ("plan/plan.json", "`hdrplan evaluate` takes plan/plan.json beside it"),
        ("plan/report.html", "hdrplan prepare"),
        ("images", "hdrplan prepare images -o CASE"),
        ("images/ct.nii.gz", "hdrplan prepare images/ct.nii.gz LABELS -o CASE"),
        ("export", "It is read where the CTV is named"),
        ("export/IM0001", "Its folder is read where the CTV is named"),
        ("cases", "They are: cases/a"),
        ("case.zip", "Unpack it first"),
        ("empty", "hdrplan prepare"),
    ],
)
def test_what_stands_for_a_case_is_named(name: str, remedy: str, desk: Path, run) -> None:
    ran = run("plan", name, "--dry-run")
    assert ran.code == 2
    what = "a folder without a case" if KINDS[name] is None else KINDS[name]
    assert ran.err.startswith(f"hdrplan: {name}: expected a case folder or a case.toml, got {what}. ")
    assert remedy in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("case", "`hdrplan plan case -o PLAN` makes its plan."),
        ("plan/dwells.csv", "Beside it lies plan/plan.json."),
        ("plan/metrics.json", "Beside it lies plan/plan.json."),
        ("plan/run.json", "Beside it lies plan/plan.json."),
        ("plan/report.html", "Beside it lies plan/plan.json."),
        ("export", "A plan is a folder of `hdrplan plan`, or its plan.json."),
        ("export/IM0001", "A plan is a folder of `hdrplan plan`, or its plan.json."),
        ("empty", "A plan is a folder of `hdrplan plan`, or its plan.json."),
    ],
)
def test_what_stands_for_a_plan_is_named(name: str, remedy: str, desk: Path, run) -> None:
    ran = run("evaluate", "case", "--plan", name)
    assert ran.code == 2
    assert ran.err.splitlines() == [f"hdrplan: {name}: expected a plan, got {KINDS[name]}. {remedy}"]


def test_a_file_that_is_no_text_is_named_where_text_is_read(desk: Path, run) -> None:
    for option, name in (("--goals", "scan.pdf"), ("--goals", "images/ct.nii.gz"), ("--goals", "plan/plan.json")):
        ran = run("plan", "case", option, name, "--dry-run")
        assert ran.code == 2
        assert f"got {KINDS[name]}" in ran.err


def test_a_file_of_no_known_kind_is_read_on(desk: Path) -> None:
    assert for_a_case(desk / "note.txt")[0] == "another file"
    assert for_a_plan(desk / "note.txt") == ("another file", "A plan is a folder of `hdrplan plan`, or its plan.json.")


@pytest.mark.parametrize("name", ["plan/report.html", "scan.pdf", "picture.png", "export/IM0001", "plan/plan.json"])
def test_a_file_that_is_no_table_is_named_where_a_table_is_read(name: str, desk: Path, run) -> None:
    for command in (("survival", "km", name, "--time", "days", "--event", "event"), ("paper-check", name)):
        ran = run(*command)
        assert ran.code == 2
        assert ran.err.splitlines() == [
            f"hdrplan: {name}: expected a table of text, got {KINDS[name]}. Save the table as CSV."
        ]


def test_a_workbook_under_another_name_is_told_its_name(desk: Path, run) -> None:
    shutil.copy(desk / "table.xlsx", desk / "table.csv")
    ran = run("survival", "km", "table.csv", "--time", "days", "--event", "event")
    assert "got a zip archive. A workbook is read under a name with .xlsx." in ran.err


def test_the_dwells_of_a_plan_are_no_catheters(desk: Path, run) -> None:
    (desk / "dwells.csv").write_text("catheter,time_s,x_mm,y_mm,z_mm\na,2,0,0,0\na,2,0,0,5\n")
    ran = run("plan", "case", "--catheters", "dwells.csv", "--dry-run")
    assert ran.code == 2
    assert "expected points from hub to tip, got dwells (column time_s)" in ran.err


def test_a_case_is_no_plan_for_a_dose(desk: Path, run) -> None:
    ran = run("dose", "case", "--spacing", "5", "-o", "dose.nrrd")
    assert ran.code == 2
    assert "case: expected a plan, got a case. `hdrplan plan case -o PLAN` makes its plan." in ran.err


def test_an_image_is_expected_and_what_came_is_named(desk: Path, run) -> None:
    for command in (
        ("prepare", "scan.pdf", "-o", "x"),
        ("cohort", "accumulate", "scan.pdf", "--dose", "images/ct.nii.gz"),
    ):
        ran = run(*command)
        assert ran.code == 2
        assert "got a PDF" in ran.err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
def test_a_pipe_is_not_read_for_a_look(desk: Path) -> None:
    os.mkfifo(desk / "pipe")
    assert what_is(desk / "pipe") is None


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--names", "note.txt"), "expected --labels FILE with --names, got --names alone"),
        (("--prescription", "20 Gy"), "A dose in Gy, without its unit and with a decimal point: 20 or lesion=20.5."),
        (("--prescription", "lesion=20,5"), "A dose in Gy, without its unit and with a decimal point"),
        (("--strength", "40,700"), "A number with a decimal point and nothing between its thousands"),
        (("--ctv", "Lesion"), "no structure is named 'Lesion'. Did you mean lesion? The files hold: "),
    ],
)
def test_a_slip_of_the_pen_is_told_how_to_write_it(flags: tuple[str, str], words: str, desk: Path, run) -> None:
    ran = run("plan", "case", *flags, "--dry-run")
    assert ran.code == 2
    assert words in ran.err


@pytest.mark.parametrize("place", ["", ".", ".."])
def test_a_file_is_not_written_where_the_folder_is(place: str, desk: Path, run) -> None:
    for command in (("sources", "show", "gammamed-12i"), ("dose", "plan", "--spacing", "5")):
        ran = run(*command, "-o", place)
        assert ran.code == 2
        assert "expected" in ran.err or "the output must be a file, got a folder or device" in ran.err


@pytest.mark.parametrize("name", ["dose", "dose.dcm", "dose.nii.gzip", ".nrrd"])
def test_an_image_under_a_name_of_none_is_refused_before_the_work(name: str, desk: Path, run) -> None:
    for command in (("dose", "plan", "--spacing", "5"), ("phantom", "implant", "case")):
        ran = run(*command, "-o", name)
        assert ran.code == 2
        assert f"the name of this image must end in .nii, .nii.gz, .nrrd, .mha, got '{name}'" in ran.err
        assert not (desk / name).exists()
