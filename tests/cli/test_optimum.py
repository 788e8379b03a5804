"""``hdrplan check --optimum`` from the command line: page, JSON, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from demo_case import write_demo_dicom
from hdrplan.cli import cli
from hdrplan.errors import InputError


def check(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["check", *(str(a) for a in arguments)])


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clinic") / "export"
    write_demo_dicom(folder)
    return folder


def test_page_and_json_say_how_far_the_plan_is_from_the_best(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "check"
    result = check(export, "--optimum", "--ctv", "solid", "--healthy", "ring", "-o", out, "-q")
    assert result.exit_code == 0, result.output
    table = json.loads((out / "check.json").read_text())["optimum"]
    coverage, sparing = table["coverage"][0], table["sparing"]
    assert sparing["objective"] == "mean dose of ring"
    # Ten dwells with times by chance: much is left to gain.
    assert 0.1 < coverage["more_at_least_gy"] <= coverage["more_at_most_gy"] < np.inf
    assert 1.0 < sparing["less_at_least_pct"] <= sparing["less_at_most_pct"] < 100.0
    page = (out / "optimum.html").read_text()
    assert "Better plans were possible." in page
    for sentence in table["sentences"]:
        assert sentence in result.output
        assert sentence.replace("<=", "≤") in page
    assert "two &lt;parts&gt;" in page
    assert "two <parts>" not in page
    assert "<svg" in page
    assert (table["positions"]["offered"], table["positions"]["in_use"]) == (10, 9)


def test_limits_of_a_file_stand_in_place_of_the_plan_s(export: Path, tmp_path: Path) -> None:
    goals = tmp_path / "goals.toml"
    goals.write_text('[[goals]]\nstructure = "ring"\ngoal = "Dmax <= 1000 Gy"\nsource = "test"\nlevel = 0\n')
    result = check(export, "--optimum", "--ctv", "solid", "--healthy", "ring", "--goals", goals, "--json")
    assert result.exit_code == 0, result.output
    table = json.loads(result.stdout)["optimum"]
    assert table["limits"] == "given"
    assert [(row["structure"], row["limit"]) for row in table["organ_limits"]] == [("ring", 1000.0)]


def test_what_cannot_be_compared_is_refused(export: Path) -> None:
    unknown = check(export, "--optimum", "--ctv", "lesion").exception
    assert isinstance(unknown, InputError)
    assert "`ctv` names a structure of the set, got 'lesion'. There are: 'solid', 'ring'" in str(unknown)
    alone = check(export, "--ctv", "solid")
    assert alone.exit_code == 2
    assert "expected --optimum beside --ctv" in alone.output
