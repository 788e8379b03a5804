"""D100 by TG-43 or in the patient's media: the same lesions, either dose, and what the choice changes."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hdrplan.cli import cli

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "cohort"
QUICK = ("--resamples", "19", "--bootstrap", "0", "--quiet")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the sample cohort with a dose in media that is 2 to 3 % lower, unknown for some lesions."""
    folder = tmp_path_factory.mktemp("choice") / "cohort"
    shutil.copytree(SAMPLE, folder)
    path, rng = folder / "dose_metrics.csv", np.random.default_rng(3)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    for k, row in enumerate(rows):
        row["d100_mm_gy"] = "" if k % 10 == 0 else f"{float(row['d100_gy']) * rng.uniform(0.97, 0.98):.3f}"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def run(cohort: Path, output: Path, *more: str) -> dict[str, object]:
    call = ["correlate", str(cohort), "-o", str(output), *QUICK, "--json", *more]
    done = CliRunner().invoke(cli, call, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_either_dose_is_analysed_and_the_choice_is_shown(cohort: Path, tmp_path: Path) -> None:
    tg43, mc = run(cohort, tmp_path / "a"), run(cohort, tmp_path / "b", "--d100", "mc")
    choices = [table["dose_choice"] for table in (tg43, mc)]
    assert [choice["analysed"] for choice in choices] == ["tg43", "mc"]
    assert {**choices[0], "analysed": ""} == {**choices[1], "analysed": ""}
    # Doses are written to a thousandth of a Gy.
    assert -0.031 < choices[0]["lowest_change_frac"] < choices[0]["highest_change_frac"] < -0.019
    assert choices[0]["crossed"] > 0
    assert choices[0]["reached_tg43"] - choices[0]["reached_media"] == choices[0]["crossed"]
    # The lesions without a dose in media are left out of that analysis alone, and named.
    assert mc["lesions"] == choices[0]["n"] < tg43["lesions"]
    assert any(row["reason"] == "no dose" for row in mc["left_out"])
    assert mc["headline"]["hazard_ratio"] == pytest.approx(choices[0]["media"]["hazard_ratio"], rel=1e-6)
    page = (tmp_path / "b" / "report.html").read_text()
    assert "d100_mm_gy" in page
    section = page[page.index('<section id="doses">') : page.index('<section id="more">')]
    ratios = [f"{choices[0][dose]['hazard_ratio']:.3f} (" for dose in ("tg43", "media")]
    assert all(ratio in section for ratio in ratios)
    assert f"{choices[0]['reached_media']} of {choices[0]['n']}" in section
    assert json.loads((tmp_path / "b" / "correlate.json").read_text())["dose_choice"] == choices[1]


def test_an_answer_in_media_says_so_first(cohort: Path, tmp_path: Path) -> None:
    call = ["correlate", str(cohort), "--resamples", "19", "--bootstrap", "0"]
    for model, folder in (("mc", tmp_path / "mc"), ("tg43", tmp_path / "tg43")):
        done = CliRunner().invoke(cli, [*call, "-o", str(folder), "--d100", model], catch_exceptions=False)
        page = (folder / "report.html").read_text(encoding="utf-8")
        answer = page[page.index('<section id="summary">') : page.index('<section id="doses">')]
        assert ("D_m,m" in answer) == (model == "mc")
        assert ("<h1>D100 in media (D_m,m)" in page) == (model == "mc")
        assert ("D100 here is the dose to the medium" in done.stdout) == (model == "mc")


def test_a_cohort_without_that_dose_is_refused_and_shows_no_choice(tmp_path: Path) -> None:
    assert "dose_choice" not in run(SAMPLE, tmp_path / "a")
    assert '<section id="doses">' not in (tmp_path / "a" / "report.html").read_text()
    done = CliRunner().invoke(cli, ["correlate", str(SAMPLE), "-o", str(tmp_path / "b"), *QUICK, "--d100", "mc"])
    assert done.exit_code != 0
    assert "no D100 in the patient's media" in str(done.exception) + done.output
    assert not (tmp_path / "b").exists()
