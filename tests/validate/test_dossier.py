"""The dossier: it passes here, and it fails where something is wrong."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hdrplan.cli.validate import command
from hdrplan.errors import InputError
from hdrplan.sources import load_source
from hdrplan.validate import doses as doses_module
from hdrplan.validate import dossier
from hdrplan.validate.clinical import clinical_rows
from hdrplan.validate.row import Aim, Question, judged
from hdrplan.validate.volumes import volume_rows
from outcomes.reference_data import r_numbers

ROOT = Path(__file__).resolve().parents[2]
QUESTION = Question(section="s", what="w", source="x", method="m")


def test_page_and_json_of_sections_that_are_quick(tmp_path: Path) -> None:
    out = tmp_path / "validation"
    ran = CliRunner().invoke(command, ["-o", str(out), "--only", "statistics", "--only", "exchange", "--only", "plans"])
    assert ran.exit_code == 0, ran.output
    table = json.loads((out / "validation.json").read_text())
    assert table["passed"]
    assert table["counts"]["fail"] == 0
    assert table["counts"]["skipped"] == 1
    assert {row["section"] for row in table["rows"]} == {
        "Statistics against R",
        "Exchange",
        "Second check of clinical plans",
    }
    for row in table["rows"]:
        assert row["what"]
        assert row["source"]
        assert row["state"] == "skipped" or (row["method"] and row["tolerance"] and row["result"])
        assert row["state"] in ("pass", "fail") or row["note"]
    page = (out / "validation.html").read_text()
    assert "never clears a plan for treatment" in page
    assert "cmprsk 2.2.11: crr" in page
    assert {p.name for p in out.iterdir()} == {"validation.html", "validation.json", "run.json"}


def test_optima_agree_with_another_solver() -> None:
    rows = dossier(sections=("optimum",))
    assert [row.state for row in rows] == ["pass"] * 10, rows
    assert any("maximum D100" in row.question.what for row in rows)


@pytest.mark.slow
def test_all_of_volumes() -> None:
    """Dose and statistics are an example of the help, and tests/cli/test_help_examples.py asks for its exit code 0."""
    assert not [row for row in dossier(sections=("volumes",)) if row.state == "fail"]


def test_a_wrong_source_table_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    right = load_source("gammamed-plus")
    wrong = replace(right, dose_rate_constant_gy_per_s_per_u=1.01 * right.dose_rate_constant_gy_per_s_per_u)
    monkeypatch.setattr(doses_module, "load_source", lambda name="gammamed-12i": wrong)
    assert doses_module._brachyvision("Dose").state == "fail"


def test_a_wrong_volume_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    from hdrplan.validate import volumes

    right = volumes.sample_points
    monkeypatch.setattr(volumes, "_SLICES_MM", (2.5,))
    monkeypatch.setattr(volumes, "_LATTICE_MM", 0.6)
    monkeypatch.setattr(volumes, "_SOLIDS", volumes._SOLIDS[:1])

    def shifted(structures, **how):
        points = right(structures, **how)
        return replace(points, points_mm=points.points_mm + 0.4)

    assert all(row.state != "fail" for row in volume_rows())
    monkeypatch.setattr(volumes, "sample_points", shifted)
    failed = {row.question.what.partition(":")[0] for row in volume_rows() if row.state == "fail"}
    assert "computation" in failed


def test_states() -> None:
    def state(found: float, limit: float | None = None) -> str:
        return judged(QUESTION, found, Aim(value=0.5, limit=limit, why="y")).state

    assert [state(0.5), state(0.51), state(0.51, 1.0), state(1.01, 1.0), state(float("nan"), 1.0)] == [
        "pass",
        "fail",
        "explained",
        "fail",
        "fail",
    ]


def test_facts_shipped_are_the_reference_of_the_tests() -> None:
    stored = json.loads((ROOT / "src/hdrplan/validate/data/statistics.json").read_text())
    with (ROOT / "tests/reference/survival/lesions.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    for name, values in stored["columns"].items():
        want = [float(row[name]) if row[name] else np.nan for row in rows]
        np.testing.assert_array_equal(np.array(values, dtype=float), want)
    reference = r_numbers()
    assert stored["versions"] == reference["versions"]
    for name, values in stored["r"].items():
        assert values in (reference[name], *(reference[name].values() if isinstance(reference[name], dict) else ()))


def test_unknown_section() -> None:
    with pytest.raises(InputError, match="sections are dose"):
        dossier(sections=("colours",))


@pytest.mark.shared
def test_plans_of_planning_systems(shared: Path) -> None:
    rows = clinical_rows(shared / "data" / "brachy_dicom")
    assert {row.state for row in rows} <= {"pass", "explained", "skipped"}, rows
    assert sum(row.state == "pass" for row in rows) >= 4


def test_a_folder_without_plans(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="RT Plans"):
        clinical_rows(tmp_path)
