"""``hdrplan dvh``: of two files, of a folder, and what it refuses."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks.dvh_solids import SOLIDS, write_dose, write_structures
from click.testing import CliRunner
from pydicom import dcmread

from hdrplan.cli import cli
from hdrplan.errors import InputError
from hdrplan.io import sha256
from hdrplan.io.dicom.dose import read_dose_grid
from hdrplan.report.dvh_drawing import role_of_name
from hdrplan.report.palette import CTV_COLOURS, styles_of


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    write_dose(folder / "rd.dcm", 2, 2.0)
    rois = {"GTV 1": SOLIDS["ball"].contours(2.0), "cylinder": SOLIDS["cylinder"].contours(2.0), "empty": []}
    write_structures(folder / "rs.dcm", rois)
    return folder


def run(*words: object) -> str:
    answer = CliRunner().invoke(cli, ["dvh", *map(str, words)], catch_exceptions=False, standalone_mode=False)
    if answer.exception is not None:
        raise answer.exception
    return answer.stdout


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_without_errors_the_same_values(export: Path, tmp_path: Path) -> None:
    words = (export / "rd.dcm", export / "rs.dcm", "--only", "GTV 1", "--json", "-q")
    with_errors, alone = (json.loads(run(*words, *more))["structures"]["GTV 1"] for more in ([], ["--no-errors"]))
    assert alone["volume_error_cc"] is None
    for key, metric in with_errors["metrics"].items():
        assert alone["metrics"][key]["value"] == metric["value"]
        assert alone["metrics"][key]["error"] is None
    out = tmp_path / "out"
    assert "±" not in run(*words[:4], "--no-errors", "-q", "-o", out)
    page = (out / "dvh.html").read_text(encoding="utf-8")
    assert "nan" not in page
    assert 'id="errors"' not in page


def test_page_tables_and_dicom_of_two_files(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = run(export / "rd.dcm", export / "rs.dcm", "--prescription", 15, "--dicom", "-o", out, "-q")
    names = {"RD.dcm", "dvh.csv", "dvh.html", "dvh.json", "dvh.pdf", "dvh.png", "dvh.svg", "metrics.csv", "run.json"}
    assert {path.name for path in out.iterdir()} == names
    assert "GTV 1: 7.2" in said
    assert "empty: no DVH, no contours" in said
    table = {row["structure"]: row for row in rows(out / "metrics.csv")}
    assert float(table["cylinder"]["d50_gy"]) == pytest.approx(16.0, rel=0.005)
    assert float(table["cylinder"]["v100_pct"]) == pytest.approx(100 * 13 / 24, rel=0.005)
    parsed = json.loads((out / "dvh.json").read_text())
    metric = parsed["structures"]["cylinder"]["metrics"]["d95_gy"]
    parts = np.array([metric["errors"][part] for part in ("grid", "shape", "ends", "sampling")])
    assert metric["error"] == pytest.approx(np.sqrt((parts**2).sum()))
    assert parsed["left_out"] == {"empty": "no contours"}
    page = (out / "dvh.html").read_text()
    assert "GTV 1" in page
    assert "Research use only" in page
    header = page[page.index('<header class="top">') : page.index("</header>")]
    assert [sha256(export / name)[:12] in header for name in ("rd.dcm", "rs.dcm")] == [True, True]


def test_the_dose_written_holds_the_curves_and_the_patient(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(export / "rd.dcm", export / "rs.dcm", "--dicom", "-o", out, "-q")
    before, after = dcmread(export / "rd.dcm"), dcmread(out / "RD.dcm")
    assert after.SOPInstanceUID != before.SOPInstanceUID
    assert (after.PatientID, after.PixelData) == (before.PatientID, before.PixelData)
    stored = {curve.roi_number: curve for curve in read_dose_grid(out / "RD.dcm").dvhs}
    assert sorted(stored) == [1, 2]
    # The cylinder's dose is spread evenly over 4 to 28 Gy.
    half = float(np.interp(16.0, stored[2].dose_gy, stored[2].volume))
    assert half == pytest.approx(SOLIDS["cylinder"].volume_cc / 2, rel=0.01)


def test_a_folder_becomes_tables_without_names(export: Path, tmp_path: Path) -> None:
    said = run(export, "-o", tmp_path / "tables", "-q", "--jobs", 1)
    assert said.startswith("1 doses with structures, 2 DVHs, 0 errors")
    metrics = rows(tmp_path / "tables" / "metrics.csv")
    assert [row["structure"] for row in metrics] == ["GTV 1", "cylinder"]
    assert all(row["patient"].startswith("P-") and row["dose"].startswith("dose-") for row in metrics)
    written = "".join(path.read_text() for path in (tmp_path / "tables").iterdir())
    assert "solids" not in written
    assert "rd.dcm" not in written
    single = json.loads(run(export / "rd.dcm", export / "rs.dcm", "--json"))
    assert float(metrics[1]["d95_gy"]) == pytest.approx(
        single["structures"]["cylinder"]["metrics"]["d95_gy"]["value"], rel=1e-5
    )


def test_a_dose_without_structures_and_a_broken_file_are_errors_of_the_table(export: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    data = dcmread(export / "rd.dcm")
    data.FrameOfReferenceUID = "1.2.88"
    data.save_as(folder / "alone.dcm")
    (folder / "broken.dcm").write_bytes((export / "rs.dcm").read_bytes()[:3000])
    run(folder, "-o", tmp_path / "tables", "-q", "--jobs", 1)
    errors = [row["error"] for row in rows(tmp_path / "tables" / "errors.csv")]
    assert len(errors) == 2
    assert any("no structures of this dose" in error for error in errors)
    assert not rows(tmp_path / "tables" / "metrics.csv")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("EXPORT/rd.dcm",), "DOSE and STRUCTURES"),
        (("EXPORT", "EXPORT/rs.dcm"), "DOSE and STRUCTURES"),
        (("EXPORT",), "tables"),
        (("EXPORT", "-o", "OUT", "--unit", "Gy"), "one dose"),
        (("EXPORT/rd.dcm", "EXPORT/rs.dcm", "--unit", "Gy"), "states its own unit"),
        (("EXPORT/rd.dcm", "EXPORT/rs.dcm", "--dicom"), "writes into a folder"),
        (("EXPORT/rd.dcm", "EXPORT/rs.dcm", "--only", "liver"), "no structure is named 'liver'"),
        (("EXPORT/rd.dcm", "EXPORT/rs.dcm", "--metrics", "V100"), "prescription"),
    ],
)
def test_what_cannot_be(export: Path, tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    filled = [word.replace("EXPORT", str(export)).replace("OUT", str(tmp_path / "out")) for word in words]
    with pytest.raises(InputError, match=says):
        run(*filled)


def test_strict_refuses_the_doubts_of_a_folder(export: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="structures-doubted"):
        run(export, "-o", tmp_path / "tables", "-q", "--jobs", 1, "--strict")
    assert not (tmp_path / "tables").exists()


def test_a_lesion_by_its_name_looks_like_a_target() -> None:
    looks = styles_of({name: role_of_name(name) for name in ("lesion_B", "GTV 1", "Leber", "stomach")})
    assert [look["dash"] == [] for look in looks.values()] == [True, True, False, False]
    assert looks["lesion_B"]["colour"] == CTV_COLOURS[0]


@pytest.mark.parametrize("flags", [["--jobs", "2"], ["--key", "key.json"]], ids=" ".join)
def test_flags_of_a_folder_are_refused_for_two_files(flags: list[str], export: Path) -> None:
    with pytest.raises(InputError, match="is for a folder of doses"):
        run(export / "rd.dcm", export / "rs.dcm", *flags)
