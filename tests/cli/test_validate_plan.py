"""``hdrplan validate CASE --plan OUT``: an honest folder passes, whatever its plan; one that was touched fails."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from small_case import write_small_case

VOLUMES = """
[[goals]]
structure = "stomach"
goal = "D1cc <= 0.9 Gy"
level = 0
source = "test"
[[goals]]
structure = "lesion"
goal = "V150 <= 60 %"
level = 1
source = "test"
[[goals]]
structure = "plan"
goal = "time <= 400 s"
level = 2
source = "test"
"""
LOWERED = """
[[goals]]
structure = "stomach"
goal = "Dmax <= 0.9 Gy"
level = 0
source = "test"
"""


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return write_small_case(tmp_path / "case")


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the case, and a plan of it."""
    from click.testing import CliRunner

    from hdrplan.cli.plan import command

    folder = tmp_path_factory.mktemp("planned")
    case = write_small_case(folder / "case")
    ran = CliRunner().invoke(command, [str(case), "-o", str(folder / "out"), "--quiet"])
    assert ran.exit_code == 0, ran.output
    return folder


def touched(planned: Path, to: Path, file: str, change: Callable[[dict[str, Any]], None]) -> Path:
    """Copy the plan's folder and change one of its files."""
    shutil.copytree(planned / "out", to)
    table = json.loads((to / file).read_text())
    change(table)
    (to / file).write_text(json.dumps(table))
    return to


def states(out: str) -> dict[str, list[str]]:
    rows = json.loads(out)["rows"]
    return {state: [row["what"] for row in rows if row["state"] == state] for state in {row["state"] for row in rows}}


def test_a_plan_passes_and_gets_a_page(planned: Path, run, tmp_path: Path) -> None:
    ran = run("validate", planned / "case", "--plan", planned / "out", "-o", "validation")
    assert ran.code == 0, ran.out + ran.err
    table = json.loads((tmp_path / "validation" / "validation.json").read_text())
    assert table["counts"] == {"pass": len(table["rows"]), "explained": 0, "fail": 0, "skipped": 0}
    assert any("no plan below" in row["what"] for row in table["rows"])
    assert any("minimum dose" in row["what"] for row in table["rows"])
    assert "Validation of a plan" in (tmp_path / "validation" / "validation.html").read_text()


@pytest.mark.parametrize("sums_too", [False, True])
def test_a_dwell_time_changed_by_hand_fails(planned: Path, run, tmp_path: Path, sums_too: bool) -> None:
    def change(table: dict[str, Any]) -> None:
        used = next(row for row in table["dwells"] if row["time_s"] > 0)
        used["time_s"] = round(used["time_s"] + 0.5, 1)
        if sums_too:
            table["trak_gy"] *= (table["total_time_s"] + 0.5) / table["total_time_s"]
            table["total_time_s"] += 0.5

    folder = touched(planned, tmp_path / "out", "plan.json", change)
    ran = run("validate", planned / "case", "--plan", folder, "--json")
    assert ran.code == 1
    failed = states(ran.out)["fail"]
    for what in ("total time", "figures of metrics.json", "of the delivered times", "dvh.csv", "dose.nrrd"):
        assert any(what in row for row in failed), (what, failed)


def test_claims_that_are_too_good_fail(planned: Path, run, tmp_path: Path) -> None:
    def change(table: dict[str, Any]) -> None:
        table["structures"]["lesion"]["d100_lower_gy"] *= 1.003
        table["structures"]["lesion"]["d100_upper_gy"] *= 1.003
        table["certificate"]["dual"] *= 1.002

    folder = touched(planned, tmp_path / "out", "metrics.json", change)
    ran = run("validate", planned / "case", "--plan", folder, "--json")
    assert ran.code == 1
    failed = states(ran.out)["fail"]
    assert any("minimum dose" in what for what in failed), failed
    assert any("no plan below" in what for what in failed), failed
    assert any("gap and losses" in what for what in failed), failed


@pytest.mark.parametrize(
    ("flags", "goals", "beside"),
    [
        (["--transit-speed", "20"], "", "no plan below"),
        (["--samples-only", "--source", "microselectron-v2"], "", "D100"),
        (["--proof", "2"], VOLUMES, "4 prescriptions and goals"),
        ([], LOWERED, "give way"),
        (["--time-ratio", "1.5", "--min-dwell", "2", "--time-step", "1"], "", "no plan below"),
    ],
    ids=["transit", "samples only", "dose-volume goals", "lowered", "afterloader"],
)
def test_plans_of_every_kind_pass(case: Path, run, tmp_path: Path, flags: list[str], goals: str, beside: str) -> None:
    if goals:
        (tmp_path / "goals.toml").write_text(goals)
        flags = [*flags, "--goals", str(tmp_path / "goals.toml")]
    assert run("plan", case, *flags, "-o", "out", "--quiet").code == 0
    ran = run("validate", case, "--plan", "out", "--json")
    assert ran.code == 0, ran.out + ran.err
    assert any(beside in what for what in states(ran.out)["pass"])


def test_another_case_is_not_the_one_that_was_planned(planned: Path, case: Path, run) -> None:
    text = (case / "case.toml").read_text().replace("step_mm = 5.0", "step_mm = 4.0")
    (case / "case.toml").write_text(text)
    ran = run("validate", case, "--plan", planned / "out", "--json")
    assert ran.code == 1
    (row,) = [row for row in json.loads(ran.out)["rows"] if row["state"] == "fail"]
    assert row["note"] == "Others than planned: case.toml."


def test_without_a_case_only_times_and_grid_are_checked(planned: Path, run) -> None:
    ran = run("validate", "--plan", planned / "out", "--json")
    assert ran.code == 0
    found = states(ran.out)
    assert len(found["pass"]) == 5
    (row,) = found["skipped"]
    assert "bound" in row


def test_a_folder_that_is_no_plan(case: Path, run, tmp_path: Path) -> None:
    for folder in (case, tmp_path / "nowhere"):
        ran = run("validate", case, "--plan", folder)
        assert ran.code == 2
        assert ran.out == ""
        (error,) = [line for line in ran.err.splitlines() if not line.startswith("warning")]
        assert error.startswith("hdrplan: ")
        assert "expected" in error
    assert run("validate", case).code == 2
    assert run("validate", case, "--plan", case, "--only", "dose").code == 2
