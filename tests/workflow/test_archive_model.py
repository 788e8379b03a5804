"""An archive with the dose in the patient's media: D_m,m of every lesion, errors that keep the other figures."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from click.testing import CliRunner, Result

from hdrplan.cli import cli
from hdrplan.io import read_clinical_plan, read_ct_slices
from hdrplan.plan import source_of_brachy
from hdrplan.workflow import MODEL_COLUMNS, MediaCheck, ModelOptions, StatedDose, check_in_media, check_plan
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


def with_stated_dose(folder: Path, change: Callable[[np.ndarray], np.ndarray]) -> Path:
    """Change the dose that an export states, voxel by voxel, and return the folder."""
    for path in folder.rglob("*.dcm"):
        data = pydicom.dcmread(path)
        if data.Modality == "RTDOSE":
            dose = change(data.pixel_array * float(data.DoseGridScaling))
            data.DoseGridScaling = f"{dose.max() / (2**31 - 1):.10g}"
            data.PixelData = np.round(dose / float(data.DoseGridScaling)).astype(np.uint32).tobytes()
            data.save_as(path)
    return folder


def in_media(folder: Path, seed: int) -> MediaCheck:
    """Check an export in media by the library."""
    clinical = read_clinical_plan(folder)
    assert clinical.dose is not None
    stated, source = StatedDose(clinical.dose.volume), source_of_brachy(clinical.brachy)
    by_tg43 = check_plan(clinical.brachy, source, stated=stated, structures=clinical.structures)
    ct = read_ct_slices(clinical.ct_slices).volume
    options = ModelOptions(uncertainty_frac=0.02, seed=seed)
    return check_in_media(clinical.brachy, by_tg43, stated, clinical.structures, ct, options)


@pytest.fixture(scope="module")
def media_check(archive: Path) -> MediaCheck:
    return in_media(archive / "whole", seed=7)


def test_a_stated_dose_of_tg43_is_judged_by_tg43(archive: Path, media_check: MediaCheck) -> None:
    found = media_check
    assert found.nearer == "TG-43"
    assert abs(found.from_tg43_frac) < 0.002
    assert 0.005 < found.from_media_frac < 0.3
    d90 = next(row for row in found.rows if row.structure == "lesion" and row.metric == "D90")
    assert 0.93 < d90.media_gy / d90.tg43_gy < 1.0
    assert 0.0 < d90.media_error_gy < 0.02 * d90.media_gy
    table = json.loads(check(archive / "whole", "--json").stdout)
    assert table["verdict"] == "pass"
    assert {row["verdict"] for row in table["rows"] if row["kind"] == "media"} == {"not judged"}
    assert {row["verdict"] for row in table["rows"] if row["kind"] == "grid"} == {"pass"}


def test_a_stated_dose_in_media_is_judged_in_media(archive: Path, tmp_path: Path, media_check: MediaCheck) -> None:
    """The dose that another seed computes: it fails by TG-43, passes in media, and its page shows both."""
    shutil.copytree(archive / "whole", tmp_path / "media")
    folder = with_stated_dose(tmp_path / "media", lambda _: media_check.grid.recomputed.values_zyx)
    by_tg43 = json.loads(CliRunner().invoke(cli, ["check", str(folder), "--json"]).stdout)
    assert by_tg43["verdict"] == "fail"
    call = ["check", str(folder), "--model", "mc", "--uncertainty", "2%", "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(cli, call, catch_exceptions=False)
    table = json.loads((tmp_path / "out" / "check.json").read_text())
    assert table["media"]["nearer"] == "D_m,m"
    assert abs(table["media"]["median_from_media_frac"]) < 0.005
    assert table["verdict"] == "pass", done.stdout
    assert done.exit_code == 0
    assert {row["verdict"] for row in table["rows"] if row["kind"] in ("grid", "dvh")} == {"not judged"}
    judged = [row for row in table["rows"] if row["kind"] == "media"]
    assert len(judged) >= 8
    assert {row["verdict"] for row in judged} == {"pass"}
    page = (tmp_path / "out" / "check.html").read_text()
    assert all(word in page for word in ("Dose in the patient", "has the shape of D_m,m", "TPS against D_m,m", "±"))
    # Too little of it everywhere fails in media as well.
    less = with_stated_dose(folder, lambda gy: 0.93 * gy)
    table = json.loads(check(less, "--json").stdout)
    assert table["media"]["nearer"] == "D_m,m"
    assert table["verdict"] == "fail"


def test_tg43_of_another_strength_does_not_pass_as_a_dose_in_media(
    archive: Path, tmp_path: Path, media_check: MediaCheck
) -> None:
    """As low as D_m,m is in the median, with TG-43's shape: a strength that is off, which has to fail."""
    shutil.copytree(archive / "whole", tmp_path / "weak")
    factor = 1.0 / (1.0 + media_check.from_media_frac)
    table = json.loads(check(with_stated_dose(tmp_path / "weak", lambda gy: factor * gy), "--json").stdout)
    assert abs(table["media"]["median_from_media_frac"]) < 0.003
    assert table["media"]["nearer"] == "TG-43"
    assert table["verdict"] == "fail"


def test_a_check_in_media_needs_the_ct(archive: Path) -> None:
    done = check(archive / "bare")
    assert done.exit_code != 0
    assert "a check in media needs RT Dose, structures and CT in the folder" in str(done.exception)
    assert "no CT" in str(done.exception)
