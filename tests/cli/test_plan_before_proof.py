"""A plan is on the disk before the proof of its dose-volume goals, and stays there whoever ends the proof."""

from __future__ import annotations

import json
import weakref
from pathlib import Path
from typing import Any

import pytest

import hdrplan.optimize.times.proof as proof_of_goals
import hdrplan.workflow.plan as plan
from hdrplan.cli.exit_codes import ExitCode
from hdrplan.io import read_results
from small_case import CASE_TOML, write_small_case

RUNNING = "This is the plan before the proof with its dose-volume goals"


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A case whose liver dose is limited at a volume, so that the limit binds."""
    folder = write_small_case(tmp_path / "case")
    goal = '[[goals]]\nstructure = "liver"\ngoal = "V8Gy <= 9 %"\nsource = "this test"\n'
    (folder / "case.toml").write_text(CASE_TOML + goal)
    return folder


def notes(folder: Path) -> str:
    return " ".join(json.loads((folder / "metrics.json").read_text())["certificate"]["lines"])


def test_a_proof_that_is_interrupted_leaves_the_plan_and_its_report(
    case: Path, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        assert (tmp_path / "out" / "report.html").is_file(), "the proof began before the plan was written"
        raise KeyboardInterrupt

    monkeypatch.setattr(proof_of_goals, "branch_and_bound", interrupted)
    ran = run("plan", case, "-o", "out", "--proof", "600")
    assert ran.code == ExitCode.INTERRUPTED
    assert "out/report.html" in ran.err
    out = tmp_path / "out"
    assert {file.name for file in out.iterdir()} == {
        "plan.json", "dose.nrrd", "dvh.csv", "dwells.csv", "metrics.json", "report.html", "run.json",
    }  # fmt: skip
    assert read_results(out).plan.total_time_s > 0
    assert RUNNING in notes(out)
    assert "at most 600 s" in notes(out)
    assert RUNNING in (out / "report.html").read_text()


def test_rates_are_gone_before_the_dose_grid_is_made(case: Path, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are most of a large session's memory: what comes after them shall not come on top."""
    made, gone = [], []
    rates, grid = plan.dose_rate_blocks, plan.dose_field

    def seen(*given: Any, **named: Any) -> Any:
        rate = rates(*given, **named)
        made.extend(weakref.ref(block.rows) for block in rate.blocks)
        return rate

    def asked(*given: Any, **named: Any) -> Any:
        gone.append([rows() is None for rows in made])
        return grid(*given, **named)

    monkeypatch.setattr(plan, "dose_rate_blocks", seen)
    monkeypatch.setattr(plan, "dose_field", asked)
    assert run("plan", case, "-o", "out", "--proof", "0").code == 0
    assert gone == [[True, True, True]]


def test_when_the_proof_has_ended_the_page_says_what_it_proved(case: Path, run: Any, tmp_path: Path) -> None:
    ran = run("plan", case, "-o", "out", "--proof", "0.5")
    assert ran.code == 0, ran.err
    assert RUNNING not in notes(tmp_path / "out")
    assert RUNNING not in (tmp_path / "out" / "report.html").read_text()
    assert "Proof with the dose-volume goals" in notes(tmp_path / "out")
    assert "The plan is in" in ran.err


@pytest.mark.parametrize("flags", [("--proof", "0"), ("--fewest-dwells",)])
def test_without_a_long_proof_the_plan_is_written_once(case: Path, run: Any, flags: tuple[str, ...]) -> None:
    ran = run("plan", case, "-o", "out", *flags)
    assert ran.code == 0, ran.err
    assert "The plan is in" not in ran.err
