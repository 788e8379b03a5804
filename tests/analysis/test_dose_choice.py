"""D100 by TG-43 or in the patient's media: the same lesions, either dose, and what the choice changes."""

import csv
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Answer:
    """What a run printed, the folder it wrote, and its table."""

    printed: str
    folder: Path

    @property
    def table(self) -> dict[str, Any]:
        return json.loads((self.folder / "correlate.json").read_text())

    @property
    def page(self) -> str:
        return (self.folder / "report.html").read_text(encoding="utf-8")


def run(cohort: Path, output: Path, *more: str) -> Answer:
    call = ["correlate", str(cohort), "-o", str(output), *QUICK, *more]
    done = CliRunner().invoke(cli, call, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return Answer(done.stdout, output)


@pytest.fixture(scope="module")
def answers(cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    """Return the analysis of either dose."""
    folder = tmp_path_factory.mktemp("answers")
    return {model: run(cohort, folder / model, "--d100", model) for model in ("tg43", "mc")}


def test_either_dose_is_analysed_and_the_choice_is_shown(answers: dict[str, Answer]) -> None:
    tg43, mc = answers["tg43"].table, answers["mc"].table
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
    page = answers["mc"].page
    assert "d100_mm_gy" in page
    section = page[page.index('<section id="doses">') : page.index('<section id="more">')]
    ratios = [f"{choices[0][dose]['hazard_ratio']:.3f} (" for dose in ("tg43", "media")]
    assert all(ratio in section for ratio in ratios)
    assert f"{choices[0]['reached_media']} of {choices[0]['n']}" in section


def test_an_answer_in_media_says_so_first(answers: dict[str, Answer]) -> None:
    for model, answer in answers.items():
        first = answer.page[answer.page.index('<section id="summary">') : answer.page.index('<section id="doses">')]
        assert ("D_m,m" in first) == (model == "mc")
        assert ("<h1>D100 in media (D_m,m)" in answer.page) == (model == "mc")
        assert ("D100 here is the dose to the medium" in answer.printed) == (model == "mc")


def test_a_cohort_without_that_dose_is_refused_and_shows_no_choice(tmp_path: Path) -> None:
    without = run(SAMPLE, tmp_path / "a", "--json")
    assert all("dose_choice" not in table for table in (without.table, json.loads(without.printed)))
    assert '<section id="doses">' not in without.page
    done = CliRunner().invoke(cli, ["correlate", str(SAMPLE), "-o", str(tmp_path / "b"), *QUICK, "--d100", "mc"])
    assert done.exit_code != 0
    assert "no D100 in the patient's media" in str(done.exception) + done.output
    assert not (tmp_path / "b").exists()
