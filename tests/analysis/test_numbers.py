"""What correlate hands on to statisticians: its lesions and numbers, and programs that recompute the headline."""

from __future__ import annotations

import csv
import datetime as dt
import json
import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hdrplan.cli import cli
from hdrplan.io import write_tables
from hdrplan.outcomes import cox, follow_up
from synthetic_cohort import synthetic_cohort

TODAY = dt.date(2026, 1, 1)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of correlate for a cohort of two tumour types."""
    folder = tmp_path_factory.mktemp("numbers")
    made = synthetic_cohort(
        np.random.default_rng(11), {"HCC": 60, "CRLM": 40}, log_hr_per_gy=math.log(0.85), frailty_variance=0.2
    )
    (folder / "cohort").mkdir()
    write_tables(folder / "cohort", {name: (table.columns, table.rows) for name, table in made.raw.items()})
    arguments = ["correlate", str(folder / "cohort"), "-o", str(folder / "out"), "--quiet"]
    ran = CliRunner().invoke(cli, [*arguments, "--resamples", "19", "--bootstrap", "0"])
    assert ran.exit_code == 0, ran.output
    return folder / "out"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def columns_of(report: Path) -> tuple[dict[str, np.ndarray], list[str], np.ndarray, np.ndarray]:
    """The model's columns as headline.R makes them, patients, months and events, from lesions.csv alone."""
    rows = rows_of(report / "lesions.csv")
    number = {name: np.array([float(r[name]) for r in rows]) for name in ("d100_gy", "diameter_mm", "age_years")}
    columns = {
        "d100_per_gy": number["d100_gy"] - 20,
        "diameter_per_10_mm": (number["diameter_mm"] - 38) / 10,
        "tumour_type_CRLM": np.array([float(r["tumour_type"] == "CRLM") for r in rows]),
        "age_per_10_years": (number["age_years"] - 68) / 10,
    }
    months = np.array([float(r["months"]) for r in rows])
    return columns, [r["patient_id"] for r in rows], months, np.array([r["recurrence"] == "1" for r in rows])


def test_the_lesions_alone_give_the_headline(report: Path) -> None:
    columns, patients, months, events = columns_of(report)
    fit = cox(follow_up(months, events, cluster=patients), columns)
    low, high = fit.interval()
    headline = json.loads((report / "correlate.json").read_text())["headline"]
    expected = [headline[key] for key in ("hazard_ratio", "lower", "upper", "p")]
    assert [fit.hazard_ratio[0], low[0], high[0], fit.p[0]] == pytest.approx(expected, rel=1e-9)


def test_every_number_of_the_results_has_its_lesions_and_interval(report: Path) -> None:
    table = json.loads((report / "correlate.json").read_text())
    rows = rows_of(report / "results.csv")
    assert len(rows) == len(table["estimates"]) > 25
    assert {row["analysis"] for row in rows} >= {
        "control", "models", "sensitivity", "threshold", "cut-off", "metrics", "prediction", "dose-response",
    }  # fmt: skip
    headline = table["headline"]
    (own,) = (r for r in rows if r["model"] == headline["model"] and r["term"] == headline["term"])
    assert float(own["estimate"]) == headline["hazard_ratio"]
    for row in rows:
        if row["lower"]:
            assert float(row["lower"]) <= float(row["estimate"]) <= float(row["upper"] or "inf"), row
        assert 0 < int(row["n_events"]) <= int(row["n"])


def test_the_programs_name_the_model_that_was_fitted(report: Path) -> None:
    script, syntax = (report / "headline.R").read_text(), (report / "headline.sps").read_text()
    model = "d100_per_gy + diameter_per_10_mm + tumour_type_CRLM + age_per_10_years + cluster(patient_id)"
    assert model in script
    assert f"ENTER {model.split(' + cluster')[0].replace(' +', '')}" in syntax
    for name in rows_of(report / "lesions.csv")[0]:
        assert f"    {name} " in syntax
    columns, _, months, events = columns_of(report)
    plain = cox(follow_up(months, events), columns, ties="breslow")
    low, high = plain.interval()
    assert f"{plain.hazard_ratio[0]:.5f} (95 % {low[0]:.5f} to {high[0]:.5f}), p = {plain.p[0]:.5f}" in syntax


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not on this machine")
def test_r_agrees(report: Path) -> None:
    ran = subprocess.run(["Rscript", "headline.R"], cwd=report, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "R and hdrplan agree." in ran.stdout
