"""``hdrplan plan --all``: one case after the other, what fails is a row, what is planned is not planned again."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from hdrplan.cli.exit_codes import ExitCode
from hdrplan.io import read_catheters, read_plan_file
from hdrplan.io.sealed import sealed, unsealed
from small_case import write_small_case

QUICK = ("--samples-only", "--sample", "4", "--jobs", "1", "-q")


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8-sig") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    folder = tmp_path / "cases"
    (folder / "site").mkdir(parents=True)
    write_small_case(folder / "good")
    write_small_case(folder / "site" / "other")
    return folder


def test_a_case_that_fails_ends_nothing_and_is_the_only_one_tried_again(run, cases: Path, tmp_path: Path) -> None:
    labels = cases / "site" / "other" / "labels.nii.gz"
    content = labels.read_bytes()
    labels.unlink()
    out = tmp_path / "out"
    done = run("plan", "--all", cases, *QUICK, "-o", out)
    assert done.code == ExitCode.PARTLY
    assert "site/other: not planned:" in done.out
    assert [row["case"] for row in rows(out / "failures.csv")] == ["site/other"]
    (row,) = rows(out / "results.csv")
    assert row["case"] == "good"
    assert float(row["bound"]) <= float(row["value"]) * (1 + 1e-9)
    assert float(row["d100_gy"]) >= 20.0 * (1 - 1e-3)
    assert len(read_catheters(out / "plans" / "good" / "catheters.json")) == int(row["catheters"]) == 1
    plan = read_plan_file(out / "plans" / "good" / "plan.json").plan
    assert plan.total_time_s == pytest.approx(float(row["total_time_s"]))
    assert "site/other" in (out / "index.html").read_text(encoding="utf-8")
    # The case is mended: what was planned is kept as it stands in the store, marked here.
    (stored,) = (tmp_path / "out.tasks").rglob("*.json")
    stored.write_text(sealed({**unsealed(stored.read_text()), "cpu_s": 4321.0}))
    labels.write_bytes(content)
    again = run("plan", "--all", cases, *QUICK, "--overwrite", "-o", out)
    assert again.code == ExitCode.DONE, again.err
    both = rows(out / "results.csv")
    assert [row["case"] for row in both] == ["good", "site/other"]
    assert float(both[0]["cpu_s"]) == 4321.0
    assert float(both[1]["cpu_s"]) < 4321.0
    # Another prescription is another task.
    other = run("plan", "--all", cases, *QUICK, "--prescription", "15", "--overwrite", "-o", out)
    assert other.code == ExitCode.DONE, other.err
    assert all(float(row["d100_gy"]) < 16.0 for row in rows(out / "results.csv"))


def test_what_speaks_of_one_case_or_of_none_is_refused(run, cases: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "got CASE too" in run("plan", cases / "good", "--all", cases, "-o", out).err
    assert "got --dry-run too" in run("plan", "--all", cases, "--dry-run", "-o", out).err
    assert "--jobs goes with --all" in run("plan", cases / "good", "--jobs", "2", "-o", out).err
    done = run("plan", "--all", cases / "good", "-o", out)
    assert done.code == 2
    assert "expected a folder of case folders, each with a case.toml, got one case" in done.err
    (tmp_path / "empty").mkdir()
    assert "got none" in run("plan", "--all", tmp_path / "empty", "-o", out).err
    assert not out.exists()


def test_doubts_are_said_kept_and_refused_with_strict(run, cases: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    toml = cases / "good" / "case.toml"
    plain = run("plan", "--all", cases, *QUICK, "--strict", "-o", tmp_path / "plain")
    assert plain.code == ExitCode.DONE, plain.err
    toml.write_text(toml.read_text().replace("lesion = 20.0", "lesion = 2.0"))
    done = run("plan", "--all", cases, *QUICK, "-o", out)
    assert done.code == ExitCode.DONE, done.err
    good, other = rows(out / "results.csv")
    assert int(good["warnings"]) >= 1
    assert other["warnings"] == "0"
    assert other["warning_texts"] == ""
    kind = good["warning_texts"].partition("]")[0][1:]
    assert f"warning [cases-doubted]: 1 of 2 cases have the warning {kind}." in done.err
    assert f"[{kind}]" in (out / "index.html").read_text(encoding="utf-8")
    assert kind in (out / "run.json").read_text(encoding="utf-8")
    strict = run("plan", "--all", cases, *QUICK, "--strict", "--overwrite", "-o", out)
    assert strict.code == ExitCode.PARTLY
    (failure,) = rows(out / "failures.csv")
    assert failure["case"] == "good"
    assert "with --strict no warning may be left, got [" in failure["why"]


def test_a_changed_file_outside_the_case_is_another_case(run, cases: Path, tmp_path: Path) -> None:
    # The key of a kept plan held the bytes of the case's folder alone: what lies beside it was taken as it had been.
    shutil.rmtree(cases / "site")
    out, goals, shared = tmp_path / "out", tmp_path / "goals.toml", tmp_path / "implant.json"
    (cases / "good" / "catheters.json").rename(shared)
    toml = cases / "good" / "case.toml"
    toml.write_text(toml.read_text().replace('"catheters.json"', '"../../implant.json"'))
    goals.write_text('[[goals]]\nstructure = "stomach"\ngoal = "D1cc <= 14 Gy"\nlevel = 0\nsource = "test"\n')

    def is_kept() -> bool:
        done = run("plan", "--all", cases, *QUICK, "--goals", goals, "--overwrite", "-o", out)
        assert done.code == ExitCode.DONE, done.err
        (row,) = rows(out / "results.csv")
        for stored in (tmp_path / "out.tasks").rglob("*.json"):
            stored.write_text(sealed({**unsealed(stored.read_text()), "cpu_s": 4321.0}))
        return float(row["cpu_s"]) == 4321.0

    assert [is_kept(), is_kept()] == [False, True]
    goals.write_text(goals.read_text().replace("14", "13"))
    assert [is_kept(), is_kept()] == [False, True]
    shared.write_text(shared.read_text().replace("c1", "c2"))
    assert [is_kept(), is_kept()] == [False, True]
