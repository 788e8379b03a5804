"""Work that is kept beside an output keeps the rule of outputs: no input, and nothing of the user, lies there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from small_case import write_small_case


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return write_small_case(tmp_path / "case")


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_input_is_not_the_place_of_kept_work(run, case: Path, tmp_path: Path) -> None:
    cases = tmp_path / "new.tasks"
    cases.mkdir()
    case.rename(cases / "case")
    before = tree(tmp_path)
    for command in (
        ("plan", "--all", cases, "--samples-only"),
        ("simulate", "cohort", "--plans", cases / "case", "--hcc", 1, "--crlm", 0),
    ):
        done = run(*command, "-o", tmp_path / "new")
        assert done.code == 2, done.out
        assert "the output must lie apart from the inputs" in done.err
        assert tree(tmp_path) == before


@pytest.mark.parametrize("taken", ["a file", "a folder of the user"])
def test_what_is_not_ours_is_left_alone(run, case: Path, tmp_path: Path, taken: str) -> None:
    tasks = tmp_path / "new.tasks"
    if taken == "a file":
        tasks.write_text("of the user")
    else:
        (tasks / "thesis").mkdir(parents=True)
        (tasks / "thesis" / "chapter.txt").write_text("of the user")
    cases = tmp_path / "cases"
    cases.mkdir()
    shutil.copytree(case, cases / "one")
    before = tree(tmp_path)
    for command in (
        ("plan", "--all", cases, "--samples-only"),
        ("simulate", "cohort", "--plans", case, "--hcc", 1, "--crlm", 0),
        ("simulate", "procedure", case, "--runs", 1),
    ):
        done = run(*command, "-o", tmp_path / "new")
        assert done.code == 2, (command, done.out)
        assert "finished work is kept in a folder" in done.err, (command, done.err)
        assert "\n" not in done.err.strip().rpartition("hdrplan: ")[2]
        assert tree(tmp_path) == before


def test_a_folder_is_no_journal_and_no_photons(run, case: Path, tmp_path: Path) -> None:
    for name in ("new.partial", "new.mc-run.npz"):
        (tmp_path / name).mkdir()
    for command in (
        ("metrics", tmp_path / "case"),
        ("dose", case, "--plan", case, "--model", "mc", "--folder", tmp_path / "new"),
    ):
        more = () if "--folder" in command else ("-o", tmp_path / "new")
        done = run(*command, *more)
        assert done.code == 2, (command, done.out)
