"""An archive with the dose in the patient's media: D_m,m of every lesion, errors that keep the other figures."""

import csv
import json
import shutil
from pathlib import Path

import pydicom
import pytest
from click.testing import CliRunner, Result

from hdrplan.cli import cli
from hdrplan.workflow import MODEL_COLUMNS
from small_case import write_small_case


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return two archives of one plan: "whole", and "bare" without its CT."""
    folder = tmp_path_factory.mktemp("archive-model")
    case_path = write_small_case(folder / "case")
    call = ["plan", str(case_path), "--samples-only", "-o", str(folder / "plan"), "--quiet"]
    assert CliRunner().invoke(cli, call, catch_exceptions=False).exit_code == 0
    call = ["export", str(folder / "plan"), "--case", str(case_path), "-o", str(folder / "whole")]
    assert CliRunner().invoke(cli, call, catch_exceptions=False).exit_code == 0
    shutil.copytree(folder / "whole", folder / "bare")
    for path in (folder / "bare").rglob("*.dcm"):
        if pydicom.dcmread(path, stop_before_pixels=True).Modality == "CT":
            path.unlink()
    return folder


def tables_of(archive: Path, tmp_path: Path) -> Path:
    call = ["metrics", str(archive), "-o", str(tmp_path / "tables"), "--jobs", "1", "--engine", "recomputed"]
    done = CliRunner().invoke(cli, [*call, "--model", "mc", "--uncertainty", "10%"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return tmp_path / "tables"


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def test_each_lesion_has_its_dose_in_media_beside_tg43(archive: Path, tmp_path: Path) -> None:
    tables = tables_of(archive / "whole", tmp_path)
    (whole,) = rows(tables / "dose_metrics.csv")
    assert set(MODEL_COLUMNS["dose_metrics"]) <= set(whole)
    assert 0.93 < float(whole["d100_mm_gy"]) / float(whole["d100_gy"]) < 1.0
    assert 0.93 < float(whole["d90_mm_gy"]) / float(whole["d90_gy"]) < 1.0
    assert 0.0 < float(whole["d100_mm_error_gy"]) < 0.02 * float(whole["d100_gy"])
    organs = rows(tables / "oar_metrics.csv")
    assert any(0.5 < float(row["d1cc_mm_gy"]) / float(row["d1cc_gy"]) < 1.0 for row in organs if row["d1cc_mm_gy"])


def test_a_plan_without_ct_keeps_its_other_figures_and_is_named(archive: Path, tmp_path: Path) -> None:
    tables = tables_of(archive / "bare", tmp_path)
    (bare,) = rows(tables / "dose_metrics.csv")
    assert bare["d100_mm_gy"] == ""
    assert float(bare["d100_gy"]) > 0.0
    (error,) = rows(tables / "errors.csv")
    assert "no model-based dose" in error["error"]
    assert "CT" in error["error"]


def test_stored_doses_alone_have_no_model(archive: Path, tmp_path: Path) -> None:
    call = ["metrics", str(archive / "whole"), "-o", str(tmp_path / "t"), "--engine", "stored", "--model", "mc"]
    done = CliRunner().invoke(cli, call)
    assert done.exit_code == 2
    assert "--model mc recomputes doses" in done.output


def check(archive: Path, *more: str) -> Result:
    return CliRunner().invoke(cli, ["check", str(archive), "--model", "mc", "--uncertainty", "10%", *more])


def test_a_check_says_which_dose_the_stated_one_is(archive: Path, tmp_path: Path) -> None:
    """The export states TG-43; the same file with D_m,m in its place is told from it."""
    done = check(archive / "whole", "--json")
    found = json.loads(done.stdout)["media"]
    assert found["nearer"] == "TG-43"
    assert abs(found["median_from_tg43_frac"]) < 0.002
    assert 0.005 < found["median_from_media_frac"] < 0.3
    d90 = next(row for row in found["rows"] if row["structure"] == "lesion" and row["metric"] == "D90")
    assert 0.93 < d90["media_gy"] / d90["tg43_gy"] < 1.0
    assert 0.0 < d90["media_error_gy"] < 0.02 * d90["media_gy"]
    other = tmp_path / "media"
    shutil.copytree(archive / "whole", other)
    for path in other.rglob("*.dcm"):
        data = pydicom.dcmread(path)
        if data.Modality == "RTDOSE":
            scaling = float(data.DoseGridScaling) / (1.0 + found["median_from_media_frac"])
            data.DoseGridScaling = f"{scaling:.10g}"
            data.save_as(path)
    told = json.loads(check(other, "--json").stdout)["media"]
    assert told["nearer"] == "D_m,m"
    assert abs(told["median_from_media_frac"]) < 0.002


def test_a_check_in_media_needs_the_ct(archive: Path) -> None:
    done = check(archive / "bare")
    assert done.exit_code != 0
    assert "a check in media needs RT Dose, structures and CT in the folder" in str(done.exception)
    assert "no CT" in str(done.exception)
